/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copying out of a mapped file that somebody else may cut meanwhile.  A page that is
 * gone raises SIGBUS at the instruction that reads it; here that ends the copy, and
 * nothing else.  The handler knows the one instruction by its address, so it needs no
 * state; any other SIGBUS is what it was before.
 *
 * What a file lost inside its last page reads as zeroes, until somebody looks at its size.
 *
 * A copied 4 KiB is 0.2 us, pread 1.0 to 1.3.  On processors other than x86-64 nothing
 * is copied: the file is read.
 */
#ifndef GATEWAY_LOOP_DRV_COPY_H
#define GATEWAY_LOOP_DRV_COPY_H

#include <stdbool.h>
#include <stddef.h>

/* The main thread, before the first copy; again where somebody else may have taken the
 * signal since.  False: not on this machine. */
bool drv_copy_ready(void);
/* Any thread.  False: a page was not there (or its memory is broken); what `to` holds
 * then is anything. */
bool drv_copy(void *to, const void *from, size_t bytes);

#endif
