/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One loop: the turn, deferred tasks, timers, and the wrappers around the
 * driver, each of which verifies that it is called where it may be called.
 * Starting and stopping is loop_set.c's business, waiting is the driver's.
 *
 *	turn:  driver (enter, wait, done() and mail) ─▶ timers ─▶ tasks ─┐
 *	         ▲                                                      │
 *	         └── one entry into the kernel for all they asked for ◀─┘
 */
#include "config.h"

#include "gateway/loop/loop.h"

#include "gateway/base/check.h"
#include "gateway/loop/loop_own.h"
#include "gateway/loop/loop_set.h"

#define TAG GW_TAG('l', 'o', 'o', 'p')
#define LOOP_DEFER_ROUNDS 8
#define SLOW_TURN span_ms(10)
#define TIMER_STEP_NS 1000000

static void check_home(const struct loop *loop)
{
	gw_tag_check(loop, TAG);
	GW_CHECK(loop_is_home(loop));
}

int loop_own_init(struct loop *loop, struct loop_set *set, unsigned index,
		  const struct drv_ops *ops, struct loop_pool *pool, struct gw_err *err)
{
	int rc;

	loop->set = set;
	loop->index = index;
	loop->ops = ops;
	STAILQ_INIT(&loop->tasks);
	gw_tag_set(loop, TAG);
	rc = ops->create(loop, pool, &loop->drv, err);
	if (rc)
		gw_tag_wipe(loop);
	return rc;
}

void loop_own_done(struct loop *loop)
{
	if (loop->tag != TAG)
		return;
	loop->ops->destroy(&loop->drv);
	loop_timer_heap_free(&loop->timers);
	gw_tag_wipe(loop);
}

/* ---- the turn ----------------------------------------------------------- */

void loop_reaped(struct loop *loop)
{
	loop->now = loop->ops->now(loop->drv);
	loop->now_known = true;
	loop->told = true;
}

static unsigned fire_timers(struct loop *loop)
{
	/* One that arms itself anew for the past has to wait for the next turn. */
	int most = loop->timers.count;
	unsigned ran = 0;

	while (most-- > 0) {
		struct loop_timer *timer = loop_timer_heap_first(&loop->timers);

		if (!timer || instant_before(loop_now(loop), timer->due))
			break;
		loop_timer_heap_take(&loop->timers, timer);
		timer->fire(timer);
		ran++;
	}
	return ran;
}

static unsigned run_tasks(struct loop *loop)
{
	unsigned ran = 0;

	loop->yielded = false;
	for (int round = 0; round < LOOP_DEFER_ROUNDS && !loop->yielded; round++) {
		for (unsigned n = loop->task_count; n && loop->task_count; n--) {
			struct loop_task *task = STAILQ_FIRST(&loop->tasks);

			STAILQ_REMOVE_HEAD(&loop->tasks, link);
			loop->task_count--;
			task->queued = false;
			task->run(task);
			ran++;
		}
	}
	return ran;
}

static struct loop_wait_meter read_meter(struct loop *loop, struct instant now)
{
	return (struct loop_wait_meter){ .served = loop->served,
					 .now = now,
					 .cpu = loop->ops->cpu(loop->drv) };
}

static void judge_wait(struct loop *loop, struct instant now)
{
	struct loop_wait_meter meter = read_meter(loop, now);

	loop_wait_judge(&loop->wait, &meter);
}

static void count_turn(struct loop *loop)
{
	struct instant end;

	atomic_fetch_add_explicit(&loop->turns, 1, memory_order_relaxed);
	if (!loop->told)
		return;
	end = loop->ops->now(loop->drv);
	if (loop_wait_is_over(&loop->wait, loop->served, end))
		judge_wait(loop, end);
	loop->sleepy = instant_add(end, loop->wait.look);
	if (span_less(SLOW_TURN, instant_since(end, loop->now)))
		atomic_fetch_add_explicit(&loop->slow_turns, 1, memory_order_relaxed);
}

/* What looks in vain too often goes back to sleep. */
static void end_look(struct loop *loop)
{
	struct loop_wait_meter meter;

	loop->looked = false;
	if (!loop_wait_sleeps(&loop->wait, loop->served))
		return;
	meter = read_meter(loop, loop->ops->now(loop->drv));
	loop_wait_give_up(&loop->wait, &meter);
}

/* Whether it looks once more rather than sleep. */
static bool is_busy(struct loop *loop)
{
	if (!loop->wait.look.ns)
		return false;
	if (instant_before(loop->ops->now(loop->drv), loop->sleepy))
		return true;
	if (loop->looked)
		end_look(loop);
	return false;
}

/* Nothing yet: whoever else wants the processor may have it. */
static void look_on(struct loop *loop)
{
	loop->looked = true;
	if (loop->ops->pause)
		loop->ops->pause(loop->drv);
}

unsigned loop_turn(struct loop *loop, struct instant until)
{
	bool busy = is_busy(loop);
	unsigned ran;

	check_home(loop);
	loop->now_known = false;
	loop->told = false;
	if (loop->task_count || busy)
		until = (struct instant){ 0 };
	else
		until = instant_min(until, loop_next_timer(loop));
	ran = loop->ops->turn(loop->drv, until);
	if (loop->timers.count)
		ran += fire_timers(loop);
	ran += run_tasks(loop);
	if (!ran && busy) {
		look_on(loop);
		return ran;
	}
	count_turn(loop);
	return ran;
}

struct instant loop_next_timer(struct loop *loop)
{
	const struct loop_timer *timer = loop_timer_heap_first(&loop->timers);

	return timer ? timer->due : INSTANT_NEVER;
}

void loop_served(struct loop *loop)
{
	loop->served++;
}

struct span loop_busy_poll(const struct loop *loop)
{
	check_home(loop);
	return loop->wait.look;
}

void loop_counts(struct loop *loop, uint64_t *turns, uint64_t *slow_turns)
{
	*turns = atomic_load_explicit(&loop->turns, memory_order_relaxed);
	*slow_turns = atomic_load_explicit(&loop->slow_turns, memory_order_relaxed);
}

/* ---- any thread --------------------------------------------------------- */

void loop_post(struct loop *loop, struct loop_mail *mail)
{
	gw_tag_check(loop, TAG);
	loop->ops->post(loop->drv, mail);
}

unsigned loop_index(const struct loop *loop)
{
	return loop->index;
}

struct loop_set *loop_owner(const struct loop *loop)
{
	return loop->set;
}

struct drv_fs *loop_fs(struct loop *loop)
{
	return loop->ops->fs(loop->drv);
}

struct drv_links *loop_links(struct loop *loop)
{
	return loop->ops->links ? loop->ops->links(loop->drv) : NULL;
}

void loop_random(struct loop *loop, void *buf, size_t len)
{
	loop->ops->random(loop->drv, buf, len);
}

int64_t loop_wall_ns(struct loop *loop)
{
	return loop->ops->wall_ns(loop->drv);
}

bool loop_is_home(const struct loop *loop)
{
	return loop->ops->is_home(loop->drv) ||
	       atomic_load_explicit(&loop->halted, memory_order_acquire);
}

/* ---- home loop ---------------------------------------------------------- */

struct instant loop_now(struct loop *loop)
{
	if (!loop->now_known) {
		loop->now = loop->ops->now(loop->drv);
		loop->now_known = true;
	}
	return loop->now;
}

struct instant loop_clock(struct loop *loop)
{
	return loop->ops->now(loop->drv);
}

void loop_submit(struct loop *loop, struct drv_op *op)
{
	check_home(loop);
	loop->ops->submit(loop->drv, op);
}

const void *loop_lend(struct loop *loop, struct drv_file *file, uint64_t offset, uint32_t length)
{
	check_home(loop);
	return loop->ops->lend ? loop->ops->lend(loop->drv, file, offset, length) : NULL;
}

bool loop_peek(struct loop *loop, void *to, const void *lent, size_t bytes)
{
	check_home(loop);
	return loop->ops->peek && loop->ops->peek(loop->drv, to, lent, bytes);
}

void loop_torn(struct loop *loop)
{
	check_home(loop);
	if (loop->ops->torn)
		loop->ops->torn(loop->drv);
}

void loop_cancel(struct loop *loop, struct drv_op *op)
{
	check_home(loop);
	loop->ops->cancel(loop->drv, op);
}

void loop_defer(struct loop *loop, struct loop_task *task)
{
	if (task->queued) /* of a connection: once per I/O, so before the check */
		return;
	check_home(loop);
	task->queued = true;
	STAILQ_INSERT_TAIL(&loop->tasks, task, link);
	loop->task_count++;
}

void loop_yield(struct loop *loop)
{
	loop->yielded = true;
}

void loop_defer_cancel(struct loop *loop, struct loop_task *task)
{
	check_home(loop);
	if (!task->queued)
		return;
	task->queued = false;
	STAILQ_REMOVE(&loop->tasks, task, loop_task, link);
	loop->task_count--;
}

void loop_timer_init(struct loop_timer *timer, void (*fire)(struct loop_timer *timer))
{
	*timer = (struct loop_timer){ .fire = fire, .slot = -1 };
}

void loop_timer_arm(struct loop *loop, struct loop_timer *timer, struct instant due)
{
	int64_t past = due.ns % TIMER_STEP_NS;

	check_home(loop);
	/* Rounded up, so that timers of one millisecond share one wake-up. */
	if (past > 0)
		due = instant_add(due, span_ns(TIMER_STEP_NS - past));
	timer->due = due;
	loop_timer_heap_put(&loop->timers, timer);
}

void loop_timer_disarm(struct loop *loop, struct loop_timer *timer)
{
	check_home(loop);
	loop_timer_heap_take(&loop->timers, timer);
}

int loop_listen(struct loop *loop, struct loop_addr *addr, int *sock, struct gw_err *err)
{
	check_home(loop);
	return loop->ops->sock_listen(loop->drv, addr, sock, err);
}

void loop_sock_tune(struct loop *loop, int sock)
{
	loop->ops->sock_tune(loop->drv, sock);
}

int loop_sock_peer(struct loop *loop, int sock, struct loop_peer *peer)
{
	return loop->ops->sock_peer(loop->drv, sock, peer);
}

void loop_sock_shut(struct loop *loop, int sock)
{
	check_home(loop);
	loop->ops->sock_shut(loop->drv, sock);
}

void loop_sock_close(struct loop *loop, int sock)
{
	check_home(loop);
	loop->ops->sock_close(loop->drv, sock);
}
