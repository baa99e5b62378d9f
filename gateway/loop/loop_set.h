/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop_set.h - the loops of the daemon: start, stop, count, choose a home.
 *
 * Loop 0 runs on the main thread; the others have threads of their own.  The
 * simulation makes a set with threads = false and turns the loops itself.
 */
#ifndef GATEWAY_LOOP_LOOP_SET_H
#define GATEWAY_LOOP_LOOP_SET_H

#include "gateway/loop/loop.h"

struct loop_set;

/* Main thread.  n loops (1 .. LOOP_MAX) on the given driver; drv null: io_uring,
 * else aio, chosen by trying.  pool: helper threads of all loops, or null (sim).
 * Nothing runs before loop_set_start(). */
int loop_set_create(unsigned n, const struct drv_ops *drv, struct loop_set **out,
		    struct gw_err *err);
void loop_set_destroy(struct loop_set **set);

/* Main thread, before start.  A loop that had work looks for more so long before it
 * sleeps: a processor that halts takes time to wake.  0, what a new set does: it sleeps.
 * LOOP_BUSY_AUTO: each loop measures whether looking pays (loop_wait.h); as 0 where the
 * driver has no clock of processor time. */
#define LOOP_BUSY_AUTO span_ns(-1)
void loop_set_busy_poll(struct loop_set *set, struct span poll);

/* Starts the threads of loops 1 .. n-1. */
int loop_set_start(struct loop_set *set, struct gw_err *err);
/* Main thread: turns loop 0 until loop_set_stop() was called; then stops and
 * joins the others. */
void loop_set_run(struct loop_set *set);
/* Any thread, or a signal's watch on loop 0. */
void loop_set_stop(struct loop_set *set);

/* Any thread. */
unsigned loop_set_count(const struct loop_set *set);
struct loop *loop_set_get(const struct loop_set *set, unsigned index);
const char *loop_set_driver(const struct loop_set *set);

/* Any loop: the loop with the least load takes the next session; the caller
 * tells when a session comes and goes. */
struct loop *loop_set_choose(struct loop_set *set);
void loop_set_load(struct loop *loop, int delta);

/* The simulation, and the main thread before start: one turn of one loop,
 * waiting at most until `until`. Returns how many callbacks ran. */
unsigned loop_turn(struct loop *loop, struct instant until);
/* The next instant at which a timer of this loop is due; far future if none. */
struct instant loop_next_timer(struct loop *loop);
/* Its home thread: how long it looks for work now before it sleeps. */
struct span loop_busy_poll(const struct loop *loop);
/* Slow turns (over 10 ms) and all turns, for the counters. */
void loop_counts(struct loop *loop, uint64_t *turns, uint64_t *slow_turns);

#endif
