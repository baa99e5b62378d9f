/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order.c - which requests may run beside which.
 *
 * The usual request finds no guard on its lane and runs: one load.  Guards are
 * the parts of fences that stand on this lane (fence.c).  Requests and guards have
 * places in order of arrival: a guard holds requests behind it and is drained when
 * those before it have ended.
 *
 * Without a place are, and so are waited for by no guard: requests that take a
 * fence of their own (their turn comes by it), and those flagged GW_IN_ORDER that
 * wait for older overlapping writes of their lane: each gets its place, behind
 * every guard that stands then, when they have ended.
 */
#include "config.h"

#include "gateway/core/core.h"
#include "gateway/core/plant.h"

#define UNPLACED UINT64_MAX

static bool concerns(const struct gw_guard *guard, const struct gw_req *req)
{
	if (!gw_op_changes(req->op) && !(guard->flags & GW_FENCE_READS))
		return false;
	if (req->op == GW_FLUSH)
		return false;
	return gw_overlap(guard->offset, guard->length, req->offset, req->length);
}

static bool is_held(const struct gw_lane *lane, const struct gw_req *req)
{
	const struct gw_guard *guard;

	TAILQ_FOREACH (guard, &lane->guards, link)
		if (req->place > guard->place && !(guard->flags & GW_FENCE_PASS) &&
		    concerns(guard, req))
			return true;
	return false;
}

/* Read-modify-write has asked for its range: not a shadow. */
static bool has_fence(const struct gw_req *req)
{
	return req->fenced && !(req->fence.flags & GW_FENCE_SHADOW);
}

static bool list_has_older(const struct gw_req_list *list, const struct gw_req *req)
{
	const struct gw_req *r;

	TAILQ_FOREACH (r, list, link) {
		if (r == req)
			return false;
		if (gw_op_changes(r->op) &&
		    gw_overlap(r->offset, r->length, req->offset, req->length))
			return true;
	}
	return false;
}

/* A fence waits for those before it that have a place; older writes of its client
 * that wait without one would be passed. */
static bool would_pass_older(const struct gw_lane *lane, const struct gw_req *req)
{
	const struct gw_req *r;

	if (!(req->flags & GW_IN_ORDER))
		return false;
	TAILQ_FOREACH (r, &lane->waiting, link) {
		if (r == req)
			return false;
		if (r->place == UNPLACED && !has_fence(r) && gw_op_changes(r->op) &&
		    gw_overlap(r->offset, r->length, req->offset, req->length))
			return true;
	}
	return false;
}

static bool waits_in_order(const struct gw_lane *lane, const struct gw_req *req)
{
	return (req->flags & GW_IN_ORDER) && gw_op_changes(req->op) &&
	       (list_has_older(&lane->running, req) || list_has_older(&lane->waiting, req));
}

/* Whether a request without a fence of its own may run; gives it its place. */
static bool may_run(struct gw_lane *lane, struct gw_req *req)
{
	if (waits_in_order(lane, req))
		return false;
	if (req->place == UNPLACED)
		req->place = ++lane->places;
	return !lane->n_guards || !is_held(lane, req);
}

static void run(struct gw_req *req)
{
	struct gw_lane *lane = req->lane;

	req->state = GW_REQ_RUNNING;
	req->at_store = true;
	TAILQ_INSERT_TAIL(&lane->running, req, link);
	lane->n_running++;
	gw_plan_start(req);
}

static void exclusive_held(struct gw_fence_req *fence, enum gw_status status)
{
	struct gw_req *req = (struct gw_req *)((uint8_t *)fence - offsetof(struct gw_req, fence));

	bool over = req->ending; /* aborted, too late or left: it waits no more */

	if (!over)
		gw_order_drop(req);
	if (status == GW_OK && !over)
		status = gw_req_readmit(req);
	else if (status == GW_OK)
		status = GW_ABORTED;
	if (status == GW_OK) {
		run(req);
		return;
	}
	if (fence->status == GW_OK)
		gw_fence_release(fence);
	req->fenced = false;
	if (over)
		gw_req_unfenced(req);
	else
		gw_req_finish_later(req, status);
}

/* Read-modify-write needs its range alone, on all loops. */
static void take_exclusive(struct gw_req *req)
{
	req->fenced = true;
	req->lane->counts.fences++;
	gw_plan_range(req, &req->fence.offset, &req->fence.length);
	req->fence.flags = GW_FENCE_WRITES;
	req->fence.shadowed = NULL;
	req->fence.held = exclusive_held;
	gw_fence_take(req->lane->volume, req->lane->gwl->loop, &req->fence);
}

static void wait_here(struct gw_lane *lane, struct gw_req *req)
{
	req->state = GW_REQ_WAITING;
	TAILQ_INSERT_TAIL(&lane->waiting, req, link);
	lane->n_waiting++;
}

void gw_order_enter(struct gw_req *req)
{
	struct gw_lane *lane = req->lane;

	req->place = UNPLACED;
	if (__builtin_expect(gw_plan_is_exclusive(req), 0)) {
		wait_here(lane, req);
		if (!would_pass_older(lane, req))
			take_exclusive(req);
		return;
	}
	if (__builtin_expect(!may_run(lane, req), 0)) {
		wait_here(lane, req);
		lane->counts.held++;
		return;
	}
	run(req);
}

void gw_order_fence(struct gw_req *req)
{
	if (req->state == GW_REQ_WAITING && gw_plan_is_exclusive(req)) {
		if (!req->fenced && !req->ending)
			take_exclusive(req);
		return;
	}
	gw_req_shadow(req);
}

void gw_order_drop(struct gw_req *req)
{
	TAILQ_REMOVE(&req->lane->waiting, req, link);
	req->lane->n_waiting--;
}

void gw_order_leave(struct gw_req *req)
{
	struct gw_lane *lane = req->lane;

	TAILQ_REMOVE(&lane->running, req, link);
	lane->n_running--;
	if (__builtin_expect(lane->n_guards | lane->n_waiting, 0))
		gw_order_settle(lane);
}

void gw_order_guard(struct gw_lane *lane, struct gw_guard *guard)
{
	struct gw_req *mine = guard->shadowed;

	guard->drained = false;
	guard->since = loop_now(lane->gwl->loop);
	guard->place = ++lane->places;
	TAILQ_INSERT_TAIL(&lane->guards, guard, link);
	lane->n_guards++;
	/* what waits in order is waited for by its own shadow, and by no older guard */
	if (mine && mine->state == GW_REQ_WAITING && mine->place == UNPLACED)
		mine->place = guard->place;
}

/* Of a guard that holds nobody: by time, for read-modify-write has no place.  What came
 * in the same turn is waited for, too. */
static bool has_passed(const struct gw_lane *lane, const struct gw_guard *guard)
{
	const struct gw_req *req;

	TAILQ_FOREACH (req, &lane->running, link)
		if (req->submitted.ns <= guard->since.ns && concerns(guard, req))
			return false;
	return true;
}

bool gw_order_drained(const struct gw_lane *lane, const struct gw_guard *guard)
{
	const struct gw_req *req;

	if (gw_planted(GW_PLANT_SKIP_FENCE))
		return true;
	if (guard->flags & GW_FENCE_PASS)
		return has_passed(lane, guard);
	TAILQ_FOREACH (req, &lane->running, link)
		if (concerns(guard, req))
			return false;
	TAILQ_FOREACH (req, &lane->waiting, link)
		if (req->place <= guard->place && concerns(guard, req))
			return false;
	return true;
}

static struct gw_guard *newly_drained(const struct gw_lane *lane)
{
	struct gw_guard *guard;

	TAILQ_FOREACH (guard, &lane->guards, link)
		if (!guard->drained && gw_order_drained(lane, guard))
			return guard;
	return NULL;
}

/* Nothing holds it any more. */
static void go_on(struct gw_req *req)
{
	enum gw_status status;

	gw_order_drop(req);
	status = gw_req_readmit(req);
	if (status == GW_OK)
		run(req);
	else
		gw_req_finish_later(req, status);
}

static void look_again(struct gw_lane *lane, struct gw_req *req)
{
	if (has_fence(req))
		return;
	if (gw_plan_is_exclusive(req)) {
		if (!would_pass_older(lane, req))
			take_exclusive(req);
	} else if (may_run(lane, req)) {
		go_on(req);
	}
}

void gw_order_settle(struct gw_lane *lane)
{
	struct gw_guard *guard;
	struct gw_req *req, *next;

	/* from the start each time: an answer may change the list */
	while ((guard = newly_drained(lane)))
		gw_guard_drained(guard);
	for (req = TAILQ_FIRST(&lane->waiting); req; req = next) {
		next = TAILQ_NEXT(req, link);
		look_again(lane, req);
	}
}
