/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Helper threads for what blocks.  A thread is started when there is work and
 * nobody is idle, up to a bound; after that work waits in line.  The line is
 * made of the callers' own closures, so it never refuses and never allocates.
 * A helper knows no loop: what it did is sent back by mail, by the closure
 * itself (drv_host.c).
 */
#ifndef GATEWAY_LOOP_LOOP_POOL_H
#define GATEWAY_LOOP_LOOP_POOL_H

#include "gateway/loop/drv.h"

#define LOOP_POOL_MAX 512

struct loop_pool;

/* Main thread.  Starts no thread yet.  most: 1 .. LOOP_POOL_MAX. */
int loop_pool_create(unsigned most, struct loop_pool **out, struct gw_err *err);
/* Main thread.  Runs what is in line, then ends the threads. */
void loop_pool_destroy(struct loop_pool **pool);

/* Any thread.  work->run(work) is called on a helper, which does not touch
 * *work any more once run was entered. */
void loop_pool_add(struct loop_pool *pool, struct loop_mail *work);

/* Any thread: how many helpers there are now. */
unsigned loop_pool_threads(struct loop_pool *pool);

#endif
