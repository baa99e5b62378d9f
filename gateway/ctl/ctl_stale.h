/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_stale.h - sweep up control sockets whose daemon died without a word.
 *
 * The client does the same for itself, by plain calls (gateway/cli/cli_find.c).
 */
#ifndef GATEWAY_CTL_CTL_STALE_H
#define GATEWAY_CTL_CTL_STALE_H

#include "gateway/loop/loop.h"

/* Main thread, before anything is served.  Removes every serve-PID.sock in the
 * folder whose process is gone and on which nobody listens. */
void ctl_stale_sweep(struct loop *loop, const char *folder);

#endif
