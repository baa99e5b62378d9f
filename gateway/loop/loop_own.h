/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a loop is made of: for loop_turn.c, which turns it, and loop_set.c,
 * which starts, stops and counts loops.  Nobody else opens this header.
 */
#ifndef GATEWAY_LOOP_LOOP_OWN_H
#define GATEWAY_LOOP_LOOP_OWN_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/loop/loop.h"
#include "gateway/loop/loop_pool.h"
#include "gateway/loop/loop_timer.h"
#include "gateway/loop/loop_wait.h"

struct loop {
	uint32_t tag;
	unsigned index;
	const struct drv_ops *ops;
	struct drv *drv;
	struct loop_set *set;

	/* the home thread's */
	struct instant now; /* of this turn, once it was asked for */
	bool now_known;
	bool told; /* the driver said when its wait was over */
	STAILQ_HEAD(, loop_task) tasks;
	unsigned task_count;
	bool yielded; /* no further round of tasks in this turn */
	struct loop_wait wait;
	struct instant sleepy; /* until then it looks for work before it sleeps */
	bool looked; /* it has, since it slept */
	uint64_t served; /* requests */
	struct loop_timer_heap timers;

	/* written by the home thread, read by any */
	atomic_uint_fast64_t turns, slow_turns;

	/* loop_set.c's */
	atomic_int load;
	atomic_bool halted; /* its thread has ended: the main thread may touch it */
	pthread_t thread;
	struct loop_mail wake;
};

int loop_own_init(struct loop *loop, struct loop_set *set, unsigned index,
		  const struct drv_ops *ops, struct loop_pool *pool, struct gw_err *err);
/* Nothing may be in flight. Harmless on one that was never made. */
void loop_own_done(struct loop *loop);

#endif
