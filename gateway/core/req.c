/* SPDX-License-Identifier: BSD-3-Clause
 *
 * req.c - the life of a request: take, admit, run, complete, give back; abort,
 * and what is left when its owner leaves (gateway/api/req.h).
 *
 * An object is free again when its owner has put it, its store has ended with
 * it, and no fence refers to it any more; whichever comes last.
 */
#include "config.h"

#include "gateway/api/req.h"

#include "gateway/core/core.h"
#include "gateway/core/plant.h"

/* A write this old, at its store or waiting, is fenced against newer ones on every
 * loop: its client may have given it up and come back by another way.  Deadlines are looked at as
 * often. */
#define ELDER_MS 1000

static struct gw_loop *gwl_of(const struct gw_req *req)
{
	return req->lane->gwl;
}

/* ---- admission ---------------------------------------------------------- */

static enum gw_rsv_class class_of(enum gw_op op)
{
	if (gw_op_changes(op))
		return GW_RSV_WRITE;
	return op == GW_READ || op == GW_COMPARE || op == GW_EXTENTS ? GW_RSV_READ : GW_RSV_FREE;
}

static enum gw_status check_range(const struct gw_req *req, const struct gw_facts *facts)
{
	if (req->op == GW_FLUSH || req->op == GW_RAW_CDB)
		return GW_OK;
	if (req->offset > facts->size_bytes || req->length > facts->size_bytes - req->offset)
		return GW_OUT_OF_RANGE;
	if ((req->op == GW_READ || req->op == GW_WRITE || req->op == GW_COMPARE) &&
	    req->data.bytes != req->length)
		return GW_INVALID;
	if (req->op == GW_MODIFY && (req->length > GW_BUF_MAX_BYTES || !req->modify))
		return GW_INVALID;
	return GW_OK;
}

static enum gw_status admit(const struct gw_req *req)
{
	const struct gw_facts *facts = &req->itl->facts;
	enum gw_status status;

	if ((unsigned)req->op >= GW_OP_COUNT)
		return GW_INVALID;
	if (facts->state == GW_VOLUME_OFFLINE)
		return GW_NOT_READY;
	if (facts->read_only && gw_op_changes(req->op))
		return GW_READ_ONLY;
	status = check_range(req, facts);
	if (status == GW_OK && req->lane->rsv)
		status = gw_rsv_verdict(req->lane->rsv, req->itl, class_of(req->op));
	return status;
}

enum gw_status gw_req_readmit(const struct gw_req *req)
{
	return admit(req);
}

static void count(struct gw_lane *lane, const struct gw_req *req)
{
	struct gw_lane_counts *c = &lane->counts;

	switch (req->op) {
	case GW_READ:
		c->reads++;
		c->read_bytes += req->length;
		break;
	case GW_WRITE:
		c->writes++;
		c->written_bytes += req->length;
		break;
	case GW_FLUSH:
		c->flushes++;
		break;
	default:
		c->others++;
	}
}

void gw_req_submit(struct gw_req *req)
{
	struct gw_lane *lane = req->lane;
	enum gw_status status;

	gw_tag_check(req, GW_REQ_TAG);
	GW_CHECK(req->state == GW_REQ_TAKEN && req->itl->joined && req->done);
	req->submitted = loop_now(lane->gwl->loop);
	if (lane->durable_always && gw_op_changes(req->op))
		req->flags |= GW_FUA;
	TAILQ_INSERT_TAIL(&req->itl->reqs, req, itl_link);
	req->itl->in_flight++;
	status = req->itl->facts.state == GW_VOLUME_DRAINING ? GW_SHUTDOWN : admit(req);
	if (__builtin_expect(status != GW_OK, 0)) {
		gw_req_finish_later(req, status);
		return;
	}
	if (!loop_timer_armed(&lane->elders))
		loop_timer_arm(lane->gwl->loop, &lane->elders,
			       instant_add(req->submitted, span_ms(ELDER_MS)));
	gw_order_enter(req);
}

/* ---- completion --------------------------------------------------------- */

static void leave_itl(struct gw_req *req)
{
	TAILQ_REMOVE(&req->itl->reqs, req, itl_link);
	req->itl->in_flight--;
}

/* Nobody waits for the answer any more. */
static void req_drop(struct gw_req *req)
{
	if (!req->at_store)
		gw_mem_put(&req->data);
	if (!req->at_store && !req->fenced && req->orphan)
		gw_req_recycle(req);
}

static void deliver(struct gw_req *req)
{
	loop_served(req->lane->gwl->loop);
	if (req->status == GW_OK)
		count(req->lane, req);
	else
		req->lane->counts.errors++;
	req->state = GW_REQ_DONE;
	if (req->orphan) {
		req_drop(req);
		return;
	}
	leave_itl(req);
	req->done(req);
}

void gw_req_finish(struct gw_req *req, enum gw_status status)
{
	bool told = req->state == GW_REQ_DONE; /* its deadline had passed */

	req->at_store = false;
	gw_mem_put(&req->bounce);
	if (req->fenced && !(req->fence.flags & GW_FENCE_SHADOW)) {
		req->fenced = false;
		gw_fence_release(&req->fence);
	}
	gw_order_leave(req);
	if (told) {
		req_drop(req);
		return;
	}
	req->status = req->aborted && status == GW_OK ? GW_ABORTED : status;
	if (req->status == GW_OK && !req->bytes_done)
		req->bytes_done = req->length;
	deliver(req);
}

static void done_task(struct loop_task *task)
{
	struct gw_loop *gwl =
		(struct gw_loop *)((uint8_t *)task - offsetof(struct gw_loop, done_task));
	struct gw_req_list now = TAILQ_HEAD_INITIALIZER(now);
	struct gw_req *req;

	/* one that comes again from inside done() waits for the next round */
	TAILQ_CONCAT(&now, &gwl->done, done_link);
	while ((req = TAILQ_FIRST(&now))) {
		struct gw_lane *lane = req->lane;

		TAILQ_REMOVE(&now, req, done_link);
		if (req->at_store) {
			gw_req_finish(req, req->status);
			continue;
		}
		deliver(req);
		if (lane->n_waiting | lane->n_guards)
			gw_order_settle(lane); /* one may have waited for it */
	}
}

void gw_req_done_init(struct gw_loop *gwl)
{
	TAILQ_INIT(&gwl->done);
	gwl->done_task.run = done_task;
}

void gw_req_finish_later(struct gw_req *req, enum gw_status status)
{
	struct gw_loop *gwl = gwl_of(req);

	req->status = status;
	req->ending = true;
	if (!req->at_store)
		req->state = GW_REQ_WAITING;
	TAILQ_INSERT_TAIL(&gwl->done, req, done_link);
	loop_defer(gwl->loop, &gwl->done_task);
}

/* ---- the owner lets go -------------------------------------------------- */

static void shadow_held(struct gw_fence_req *fence, enum gw_status status)
{
	struct gw_req *req = (struct gw_req *)((uint8_t *)fence - offsetof(struct gw_req, fence));

	if (status == GW_OK)
		gw_fence_release(fence);
	req->fenced = false;
	gw_req_unfenced(req);
}

void gw_req_unfenced(struct gw_req *req)
{
	if (req->orphan && req->state == GW_REQ_DONE)
		req_drop(req);
}

void gw_req_shadow(struct gw_req *req)
{
	if (req->fenced || !gw_op_changes(req->op))
		return;
	req->fenced = true;
	gw_plan_range(req, &req->fence.offset, &req->fence.length);
	req->fence.flags = GW_FENCE_SHADOW;
	req->fence.shadowed = req;
	req->fence.held = shadow_held;
	gw_fence_take(req->lane->volume, gwl_of(req)->loop, &req->fence);
}

static void become_orphan(struct gw_req *req)
{
	struct gw_loop *gwl = gwl_of(req);

	req->orphan = true;
	req->lane->counts.orphans++;
	if (gw_planted(GW_PLANT_ORPHAN_REUSE))
		gw_mem_put(&req->data);
	gw_mem_adopt(&gwl->pool, &req->data);
	gw_req_shadow(req);
}

void gw_req_put(struct gw_req **reqp)
{
	struct gw_req *req = *reqp;

	*reqp = NULL;
	if (!req)
		return;
	gw_tag_check(req, GW_REQ_TAG);
	GW_CHECK(req->state == GW_REQ_TAKEN || req->state == GW_REQ_DONE);
	if (req->at_store) {
		become_orphan(req);
		return;
	}
	req->orphan = true;
	req_drop(req);
}

void gw_req_orphan(struct gw_req **reqp)
{
	struct gw_req *req = *reqp;

	if (req->state == GW_REQ_TAKEN || req->state == GW_REQ_DONE) {
		gw_req_put(reqp);
		return;
	}
	*reqp = NULL;
	gw_tag_check(req, GW_REQ_TAG);
	leave_itl(req);
	if (req->state == GW_REQ_RUNNING) {
		become_orphan(req);
		return;
	}
	req->orphan = true;
	gw_mem_put(&req->data);
	if (req->ending)
		return; /* until the turn ends */
	gw_order_drop(req);
	gw_req_finish_later(req, GW_ABORTED);
}

void gw_req_abort(struct gw_req *req)
{
	gw_tag_check(req, GW_REQ_TAG);
	if (req->aborted || req->ending || req->state == GW_REQ_DONE)
		return;
	req->aborted = true;
	if (req->state != GW_REQ_WAITING)
		return; /* ends with its store */
	gw_order_drop(req);
	gw_req_finish_later(req, GW_ABORTED);
}

/* ---- what gets old ------------------------------------------------------ */

static bool is_past(const struct gw_req *req, struct instant now)
{
	return req->deadline.ns && !instant_before(now, req->deadline);
}

/* The deadline of a request at its store: the owner is told now, the object
 * stays until the store has ended with it. */
static void time_out_running(struct gw_req *req)
{
	gw_req_shadow(req);
	req->status = GW_TIMEOUT;
	deliver(req);
}

static void time_out_waiting(struct gw_req *req)
{
	gw_order_drop(req);
	gw_req_finish_later(req, GW_TIMEOUT);
}

static struct gw_req *first_past(const struct gw_req_list *list, struct instant now)
{
	struct gw_req *req;

	TAILQ_FOREACH (req, list, link)
		if (is_past(req, now) && !req->orphan && !req->ending && req->state != GW_REQ_DONE)
			return req;
	return NULL;
}

static void fence_old(const struct gw_req_list *list, struct instant now)
{
	struct gw_req *req;

	TAILQ_FOREACH (req, list, link)
		if (span_to_ms(instant_since(now, req->submitted)) >= ELDER_MS)
			gw_order_fence(req);
}

void gw_req_elders(struct loop_timer *timer)
{
	struct gw_lane *lane =
		(struct gw_lane *)((uint8_t *)timer - offsetof(struct gw_lane, elders));
	struct loop *loop = lane->gwl->loop;
	struct instant now = loop_now(loop);
	struct gw_req *req;

	while ((req = first_past(&lane->waiting, now)))
		time_out_waiting(req);
	while ((req = first_past(&lane->running, now)))
		time_out_running(req);
	fence_old(&lane->running, now);
	fence_old(&lane->waiting, now);
	if (lane->n_running || lane->n_waiting)
		loop_timer_arm(loop, timer, instant_add(now, span_ms(ELDER_MS)));
}
