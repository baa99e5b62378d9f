/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stow.h - a copy to where nobody will look soon, such as a RAM disk: past the
 * processor's cache, which need not fetch first what is overwritten, and keeps what it
 * had.  Of 4 KiB to memory that is not in the cache a third of the time less than
 * memcpy(), where the processor can; elsewhere it is memcpy().
 */
#ifndef GATEWAY_BASE_STOW_H
#define GATEWAY_BASE_STOW_H

#include <stddef.h>

/* Any lengths, any alignment; they do not overlap. */
void stow(void *to, const void *from, size_t bytes);
/* Before what was stowed is published, once for all of it: whoever sees what is published
 * after it sees those bytes.  It waits for them to reach memory, so the later the better. */
void stow_settle(void);

#endif
