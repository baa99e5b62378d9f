/* SPDX-License-Identifier: BSD-3-Clause
 *
 * order.c - which requests may run beside which.
 *
 * The usual request finds no guard on its lane and runs: one load.  Guards are
 * the parts of fences that stand on this lane (fence.c); a request that one
 * holds waits in order of arrival.  Requests flagged GW_IN_ORDER also wait for
 * older overlapping writes of their lane.
 */
#include "config.h"

#include "gateway/core/core.h"
#include "gateway/core/plant.h"

static bool guard_holds(const struct gw_guard *guard, const struct gw_req *req)
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
		if (guard_holds(guard, req))
			return true;
	return false;
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

/* A plain write that a guard holds lets a later one pass that takes a fence of
 * its own: fences are handed on without being lifted. */
static bool would_pass_older(const struct gw_lane *lane, const struct gw_req *req)
{
	const struct gw_req *r;

	TAILQ_FOREACH (r, &lane->waiting, link) {
		if (r == req)
			return false;
		if (!r->fenced && gw_op_changes(r->op) &&
		    gw_overlap(r->offset, r->length, req->offset, req->length))
			return true;
	}
	return false;
}

static bool must_wait(const struct gw_lane *lane, const struct gw_req *req)
{
	if (gw_plan_is_exclusive(req))
		return (req->flags & GW_IN_ORDER) && would_pass_older(lane, req);
	if (lane->n_guards && is_held(lane, req))
		return true;
	return (req->flags & GW_IN_ORDER) && gw_op_changes(req->op) &&
	       (list_has_older(&lane->running, req) || list_has_older(&lane->waiting, req));
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
	req->fence.held = exclusive_held;
	gw_fence_take(req->lane->volume, req->lane->gwl->loop, &req->fence);
}

void gw_order_enter(struct gw_req *req)
{
	struct gw_lane *lane = req->lane;

	if (__builtin_expect(gw_plan_is_exclusive(req), 0)) {
		req->state = GW_REQ_WAITING;
		TAILQ_INSERT_TAIL(&lane->waiting, req, link);
		lane->n_waiting++;
		if (!must_wait(lane, req))
			take_exclusive(req);
		return;
	}
	if (__builtin_expect(lane->n_guards || (req->flags & GW_IN_ORDER), 0) &&
	    must_wait(lane, req)) {
		req->state = GW_REQ_WAITING;
		TAILQ_INSERT_TAIL(&lane->waiting, req, link);
		lane->n_waiting++;
		lane->counts.held++;
		return;
	}
	run(req);
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

bool gw_order_drained(const struct gw_lane *lane, const struct gw_guard *guard)
{
	const struct gw_req *req;

	if (gw_planted(GW_PLANT_SKIP_FENCE))
		return true;
	TAILQ_FOREACH (req, &lane->running, link)
		if (guard_holds(guard, req))
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

	if (gw_plan_is_exclusive(req)) {
		take_exclusive(req);
		return;
	}
	gw_order_drop(req);
	status = gw_req_readmit(req);
	if (status == GW_OK)
		run(req);
	else
		gw_req_finish_later(req, status);
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
		if (!req->fenced && !must_wait(lane, req))
			go_on(req);
	}
}
