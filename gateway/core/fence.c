/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fence.c - hold, drain, act, release, in order of arrival (gateway/api/fence.h).
 *
 * A fence lives on the volume's home loop, which keeps all of them in order.  Its
 * guards, one per loop, leave for the lanes as soon as it arrives, so on each lane
 * the requests and the guards stand in one order: a guard waits for what came
 * before it and holds what comes after it.  Nothing waits for what is younger, so
 * nothing waits in a circle; and the next fence's guards stand already when one is
 * released: the range changes hands without being open in between.
 *
 *   DRAINING ──all drained──▶ DRAINED ──nothing older overlaps──▶ HELD
 *                                                                  │ release
 *                                spare ◀──all lifted── LIFTING ◀───┘
 */
#include "config.h"

#include "gateway/api/fence.h"

#include <stdlib.h>

#include "gateway/base/log.h"
#include "gateway/core/core.h"

enum fence_state { DRAINING, DRAINED, HELD, LIFTING };

struct gw_fence {
	struct gw_volume *volume;
	struct gw_fence_req *req; /* the asker's object; null: he has gone */
	struct loop *asker;
	enum fence_state state;
	uint64_t offset, length;
	unsigned flags;
	unsigned pending; /* guards that have not answered */
	bool released; /* lifted as soon as it is held */
	struct loop_mail mail; /* the asker's release */
	struct loop_timer deadline;
	TAILQ_ENTRY(gw_fence) link;
	struct gw_guard guard[];
};

static struct gw_fence *fence_of_timer(struct loop_timer *t)
{
	return (struct gw_fence *)((uint8_t *)t - offsetof(struct gw_fence, deadline));
}

static struct loop *home_of(const struct gw_volume *volume)
{
	return loop_set_get(volume->gw->loops, volume->home);
}

static bool overlap(const struct gw_fence *a, const struct gw_fence *b)
{
	return gw_overlap(a->offset, a->length, b->offset, b->length);
}

/* ---- on each lane's loop ------------------------------------------------ */

static void home_drained(struct loop_mail *mail);
static void home_lifted(struct loop_mail *mail);

static void guard_answer(struct gw_guard *guard, void (*run)(struct loop_mail *mail))
{
	struct gw_volume *volume = guard->lane->volume;

	guard->mail.run = run;
	if (volume->home == loop_index(guard->lane->gwl->loop))
		run(&guard->mail);
	else
		loop_post(home_of(volume), &guard->mail);
}

void gw_guard_drained(struct gw_guard *guard)
{
	guard->drained = true;
	guard_answer(guard, home_drained);
}

static void lane_hold(struct loop_mail *mail)
{
	struct gw_guard *guard = (struct gw_guard *)mail;
	struct gw_lane *lane = guard->lane;

	gw_order_guard(lane, guard);
	if (gw_order_drained(lane, guard))
		gw_guard_drained(guard);
}

static void lane_lift(struct loop_mail *mail)
{
	struct gw_guard *guard = (struct gw_guard *)mail;
	struct gw_lane *lane = guard->lane;

	TAILQ_REMOVE(&lane->guards, guard, link);
	lane->n_guards--;
	gw_order_settle(lane); /* first: who waited comes before the next fence */
	guard_answer(guard, home_lifted);
}

/* ---- on the home loop --------------------------------------------------- */

static void guards_send(struct gw_fence *fence, void (*run)(struct loop_mail *mail))
{
	struct gw_volume *volume = fence->volume;
	unsigned here = volume->home;

	fence->pending = volume->n_lanes;
	for (unsigned i = 0; i < volume->n_lanes; i++) {
		fence->guard[i].mail.run = run;
		if (i != here)
			loop_post(volume->lane[i].gwl->loop, &fence->guard[i].mail);
	}
	/* last: it may answer at once */
	run(&fence->guard[here].mail);
}

static void told_mail(struct loop_mail *mail)
{
	struct gw_fence_req *req =
		(struct gw_fence_req *)((uint8_t *)mail - offsetof(struct gw_fence_req, mail));

	req->held(req, req->status);
}

static void told_task(struct loop_task *task)
{
	struct gw_fence_req *req =
		(struct gw_fence_req *)((uint8_t *)task - offsetof(struct gw_fence_req, task));

	req->held(req, req->status);
}

static void tell(struct gw_fence *fence, enum gw_status status)
{
	struct gw_fence_req *req = fence->req;

	fence->req = NULL;
	req->status = status;
	if (req->asker == home_of(fence->volume)) {
		req->task = (struct loop_task){ .run = told_task };
		loop_defer(req->asker, &req->task);
		return;
	}
	req->mail.run = told_mail;
	loop_post(req->asker, &req->mail);
}

static void fence_past_deadline(struct loop_timer *timer)
{
	struct gw_fence *fence = fence_of_timer(timer);

	if (!fence->req)
		return;
	log_error(CORE, "volume %s: a fence was not held by its deadline", fence->volume->name);
	gw_volume_go_offline(fence->volume, "a write at the store did not end in time");
	tell(fence, GW_TIMEOUT);
	fence->released = true;
}

static struct gw_fence *fence_make(struct gw_volume *volume)
{
	struct gw_fence *fence = TAILQ_FIRST(&volume->spare_fences);
	size_t bytes = sizeof(*fence) + volume->n_lanes * sizeof(struct gw_guard);

	if (fence) {
		TAILQ_REMOVE(&volume->spare_fences, fence, link);
		return fence;
	}
	fence = calloc(1, bytes);
	GW_CHECK(fence);
	fence->volume = volume;
	loop_timer_init(&fence->deadline, fence_past_deadline);
	for (unsigned i = 0; i < volume->n_lanes; i++) {
		fence->guard[i].fence = fence;
		fence->guard[i].lane = &volume->lane[i];
	}
	return fence;
}

static void fence_begin(struct gw_fence *fence)
{
	struct gw_req *shadowed = fence->req->shadowed;

	fence->state = DRAINING;
	for (unsigned i = 0; i < fence->volume->n_lanes; i++) {
		struct gw_guard *guard = &fence->guard[i];

		guard->offset = fence->offset;
		guard->length = fence->length;
		guard->flags = fence->flags;
		guard->shadowed = shadowed && shadowed->lane == guard->lane ? shadowed : NULL;
	}
	guards_send(fence, lane_hold);
}

static bool has_older_overlap(const struct gw_fence *fence)
{
	const struct gw_fence *f;

	TAILQ_FOREACH (f, &fence->volume->fences, link) {
		if (f == fence)
			return false;
		if (!(f->flags & GW_FENCE_SHADOW) && f->state != LIFTING && overlap(f, fence))
			return true;
	}
	return false;
}

static void fence_lift(struct gw_fence *fence)
{
	fence->state = LIFTING;
	loop_timer_disarm(home_of(fence->volume), &fence->deadline);
	guards_send(fence, lane_lift);
}

static struct gw_fence *next_to_hold(const struct gw_volume *volume)
{
	struct gw_fence *fence;

	TAILQ_FOREACH (fence, &volume->fences, link)
		if (fence->state == DRAINED &&
		    ((fence->flags & GW_FENCE_SHADOW) || !has_older_overlap(fence)))
			return fence;
	return NULL;
}

static void try_next(struct gw_volume *volume)
{
	struct gw_fence *fence;

	while ((fence = next_to_hold(volume))) {
		fence->state = HELD;
		if (fence->req)
			tell(fence, GW_OK);
		if (fence->released)
			fence_lift(fence);
	}
}

static void home_drained(struct loop_mail *mail)
{
	struct gw_fence *fence = ((struct gw_guard *)mail)->fence;

	if (--fence->pending)
		return;
	fence->state = DRAINED;
	try_next(fence->volume);
}

static void home_lifted(struct loop_mail *mail)
{
	struct gw_fence *fence = ((struct gw_guard *)mail)->fence;
	struct gw_volume *volume = fence->volume;

	if (--fence->pending)
		return;
	TAILQ_REMOVE(&volume->fences, fence, link);
	TAILQ_INSERT_HEAD(&volume->spare_fences, fence, link);
}

static void home_take(struct loop_mail *mail)
{
	struct gw_fence_req *req =
		(struct gw_fence_req *)((uint8_t *)mail - offsetof(struct gw_fence_req, mail));
	struct gw_volume *volume = req->volume;
	struct gw_fence *fence = fence_make(volume);

	fence->req = req;
	fence->asker = req->asker;
	fence->offset = req->offset;
	fence->length = req->length;
	fence->flags = req->flags;
	fence->released = false;
	fence->deadline.due = INSTANT_NEVER;
	req->at_home = fence;
	if (req->deadline.ns)
		loop_timer_arm(home_of(volume), &fence->deadline, req->deadline);
	TAILQ_INSERT_TAIL(&volume->fences, fence, link);
	fence_begin(fence);
}

static void home_release(struct loop_mail *mail)
{
	struct gw_fence *fence =
		(struct gw_fence *)((uint8_t *)mail - offsetof(struct gw_fence, mail));

	fence->released = true;
	if (fence->state == HELD)
		fence_lift(fence);
	try_next(fence->volume);
}

/* ---- the asker's side --------------------------------------------------- */

void gw_fence_take(struct gw_volume *volume, struct loop *loop, struct gw_fence_req *req)
{
	req->volume = volume;
	req->asker = loop;
	req->at_home = NULL;
	if (req->offset == 0 && req->length == 0)
		req->length = GW_FENCE_ALL;
	if (home_of(volume) == loop) {
		home_take(&req->mail);
		return;
	}
	req->mail.run = home_take;
	loop_post(home_of(volume), &req->mail);
}

void gw_fence_release(struct gw_fence_req *req)
{
	struct gw_fence *fence = req->at_home;
	struct gw_volume *volume = req->volume;

	req->at_home = NULL;
	fence->mail.run = home_release;
	if (home_of(volume) == req->asker)
		home_release(&fence->mail);
	else
		loop_post(home_of(volume), &fence->mail);
}

void gw_fence_free_all(struct gw_volume *volume)
{
	struct gw_fence *fence;

	GW_CHECK(TAILQ_EMPTY(&volume->fences));
	while ((fence = TAILQ_FIRST(&volume->spare_fences))) {
		TAILQ_REMOVE(&volume->spare_fences, fence, link);
		free(fence);
	}
}
