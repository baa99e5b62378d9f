/* SPDX-License-Identifier: BSD-3-Clause
 *
 * huge.h - large blocks of memory that the processor finds its way in quickly: of huge
 * pages, where the system has them.  In a virtual machine a missed translation costs
 * more than the cache line that it was for.
 */
#ifndef GATEWAY_BASE_HUGE_H
#define GATEWAY_BASE_HUGE_H

#include <stddef.h>

#define HUGE_BYTES (2u << 20)

/* A whole number of HUGE_BYTES, aligned so.  Null: no memory. */
void *huge_alloc(size_t bytes);
void huge_free(void *block);
/* Gives the memory back and keeps the block; it reads zero then, or as before. */
void huge_drop(void *block, size_t bytes);

#endif
