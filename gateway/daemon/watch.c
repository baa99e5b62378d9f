/* SPDX-License-Identifier: BSD-3-Clause
 *
 * watch.c - one mail round the loops.  Promises in watch.h.
 */
#include "config.h"

#include "gateway/daemon/watch.h"

#include "gateway/api/gateway.h"
#include "gateway/base/log.h"
#include "gateway/loop/loop_set.h"

static void arm(struct watch *w)
{
	loop_timer_arm(w->loop, &w->timer, instant_add(loop_now(w->loop), span_s(WATCH_S)));
}

static void pass(struct gw_visit *visit, struct loop *loop)
{
	struct watch *w = (struct watch *)((char *)visit - offsetof(struct watch, visit));

	atomic_store(&w->seen, loop_index(loop) + 1);
}

static long long seconds(const struct watch *w)
{
	return (long long)span_to_s(instant_since(loop_now(w->loop), w->since));
}

static void back(struct gw_visit *visit)
{
	struct watch *w = (struct watch *)((char *)visit - offsetof(struct watch, visit));

	w->out = false;
	if (w->stuck)
		log_warn(LOOP, "all loops turn again, after %lld s", seconds(w));
	w->stuck = false;
	if (w->stopped)
		loop_defer(w->loop, &w->task);
}

static void look(struct loop_timer *timer)
{
	struct watch *w = (struct watch *)((char *)timer - offsetof(struct watch, timer));

	arm(w);
	if (w->out) {
		if (!w->stuck)
			log_error(LOOP,
				  "loop %u has not turned for %lld s, and its clients wait: is the "
				  "file system under an image frozen, or its server away?",
				  atomic_load(&w->seen), seconds(w));
		w->stuck = true;
		if (w->stopped)
			loop_defer(w->loop, &w->task);
		return;
	}
	if (w->stopped)
		return;
	w->out = true;
	w->since = loop_now(w->loop);
	atomic_store(&w->seen, 0);
	w->visit = (struct gw_visit){ .each = pass, .done = back };
	gw_visit_loops(w->gw, w->loop, &w->visit);
}

static void is_quiet(struct loop_task *task)
{
	struct watch *w = (struct watch *)((char *)task - offsetof(struct watch, task));
	void (*stopped)(void *arg) = w->stopped;

	if (!stopped || (w->out && !w->stuck))
		return;
	loop_timer_disarm(w->loop, &w->timer);
	w->stopped = NULL;
	stopped(w->arg);
}

void watch_init(struct watch *w, struct gw *gw)
{
	*w = (struct watch){ .gw = gw, .loop = loop_set_get(gw_loops(gw), 0) };
	w->task.run = is_quiet;
	loop_timer_init(&w->timer, look);
}

void watch_start(struct watch *w)
{
	if (loop_set_count(gw_loops(w->gw)) > 1)
		arm(w);
}

void watch_stop(struct watch *w, void (*done)(void *arg), void *arg)
{
	w->stopped = done;
	w->arg = arg;
	loop_defer(w->loop, &w->task);
}
