/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop.h - one thread, one ring, one loop.
 *
 * A turn: the driver reaps and runs what is due (completions, mail), timers
 * run, deferred tasks run, and the driver enters the kernel once with all that
 * these asked for.  Every object has a home loop and is touched only there;
 * other loops send mail.  Above: everybody.  Below: drv.h, which only this
 * folder calls.
 */
#ifndef GATEWAY_LOOP_LOOP_H
#define GATEWAY_LOOP_LOOP_H

#include <sys/queue.h>

#include "gateway/base/clock.h"
#include "gateway/loop/drv.h"

#define LOOP_MAX 64

struct loop_set;

/* ---- any thread --------------------------------------------------------- */

/* Hands the mail over; it runs on that loop in one of its next turns, in the
 * order in which one sender posted. */
void loop_post(struct loop *loop, struct loop_mail *mail);
unsigned loop_index(const struct loop *loop); /* 0 .. loops - 1 */
struct loop_set *loop_owner(const struct loop *loop);
struct drv_fs *loop_fs(struct loop *loop);
struct drv_links *loop_links(struct loop *loop); /* null: no frames here (drv_link.h) */
void loop_random(struct loop *loop, void *buf, size_t len);
int64_t loop_wall_ns(struct loop *loop);

/* ---- home loop (verified in their first line) --------------------------- */

/* The time at which this turn began reaping: cheap, monotonic. */
struct instant loop_now(struct loop *loop);
/* Read anew from the clock. */
struct instant loop_clock(struct loop *loop);
bool loop_is_home(const struct loop *loop);

void loop_submit(struct loop *loop, struct drv_op *op);
/* Null: not now. See drv.h, lend, peek and torn. */
const void *loop_lend(struct loop *loop, struct drv_file *file, uint64_t offset, uint32_t length);
bool loop_peek(struct loop *loop, void *to, const void *lent, size_t bytes);
void loop_torn(struct loop *loop);
void loop_cancel(struct loop *loop, struct drv_op *op);

/* A request has ended: what a loop's ways to wait are compared by (loop_wait.h). */
void loop_served(struct loop *loop);

/* A task runs once, in this turn, after completions and before the kernel is
 * entered: this is where a connection gathers its one send.  Queueing a task
 * that is queued is a no-op.  A task queued by a running task runs in the same
 * turn (at most LOOP_DEFER_ROUNDS rounds, the rest in the next turn). */
struct loop_task {
	void (*run)(struct loop_task *task);
	STAILQ_ENTRY(loop_task) link;
	bool queued;
};
void loop_defer(struct loop *loop, struct loop_task *task);
/* What is deferred from now on runs in the next turn, when the kernel has been entered
 * with all that was submitted. */
void loop_yield(struct loop *loop);
/* Takes it out of the queue if it is in. */
void loop_defer_cancel(struct loop *loop, struct loop_task *task);

/* Timers: a heap; resolution 1 ms (a timer never fires early). */
struct loop_timer {
	void (*fire)(struct loop_timer *timer);
	struct instant due;
	int slot; /* the heap's; -1 = disarmed */
};
void loop_timer_init(struct loop_timer *timer, void (*fire)(struct loop_timer *timer));
/* (Re)arms. */
void loop_timer_arm(struct loop *loop, struct loop_timer *timer, struct instant due);
void loop_timer_disarm(struct loop *loop, struct loop_timer *timer);
static inline bool loop_timer_armed(const struct loop_timer *timer)
{
	return timer->slot >= 0;
}

/* Sockets: see the members of struct drv_ops for the promises. */
int loop_listen(struct loop *loop, struct loop_addr *addr, int *sock, struct gw_err *err);
void loop_sock_tune(struct loop *loop, int sock);
int loop_sock_peer(struct loop *loop, int sock, struct loop_peer *peer);
void loop_sock_shut(struct loop *loop, int sock);
void loop_sock_close(struct loop *loop, int sock);

/* ---- addresses; pure (loop_addr.c) -------------------------------------- */

/* "127.0.0.1:10809", "[::1]:10809", "unix:/path"; 0 or -EINVAL with a sentence. */
int loop_addr_parse(const char *text, struct loop_addr *out, struct gw_err *err);
/* The same form back; needs 160 bytes at most. Returns buf. */
const char *loop_addr_format(const struct loop_addr *addr, char *buf, size_t len);
/* For logs and lists: "192.0.2.1:4711" or "unix:pid 12 uid 0". Returns buf. */
const char *loop_peer_format(const struct loop_peer *peer, char *buf, size_t len);
#define LOOP_ADDR_TEXT 160
/* Is it a wildcard: 0.0.0.0, [::]? */
bool loop_addr_is_any(const struct loop_addr *addr);
/* How a client on this machine writes the host: "192.0.2.1", "[::1]", and
 * "localhost" for a wildcard; a Unix socket has none: "". Returns buf. */
const char *loop_addr_host(const struct loop_addr *addr, char *buf, size_t len);

/* ---- what a driver calls back ------------------------------------------- */

/* Drivers run done() and run() themselves.  A driver that may wait says when
 * its wait is over, before the first of them; loop_now() and the count of slow
 * turns start from there. */
void loop_reaped(struct loop *loop);

#endif
