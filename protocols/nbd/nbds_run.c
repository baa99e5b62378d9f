/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_run.c - commands as requests; the way back is nbds_done.c.
 */
#include "config.h"

#include "protocols/nbd/nbds_run.h"

#include "gateway/base/num.h"
#include "protocols/nbd/nbds_done.h"
#include "protocols/nbd/nbds_meta.h"
#include "protocols/nbd/nbds_op.h"
#include "protocols/nbd/nbds_reply.h"

/* How long one read that needs all its memory at once waits for others. */
#define PATIENCE_S 10

/* ---- waiting ------------------------------------------------------------- */

static void resume(struct nbds_conn *conn)
{
	conn->waiting = false;
	loop_timer_disarm(conn->home->loop, &conn->patience);
	loop_defer(conn->home->loop, &conn->task);
}

static void wake_memory(struct gw_mem_waiter *waiter)
{
	resume((struct nbds_conn *)((char *)waiter - offsetof(struct nbds_conn, mem_waiter)));
}

static void wake_request(struct gw_req_waiter *waiter)
{
	resume((struct nbds_conn *)((char *)waiter - offsetof(struct nbds_conn, req_waiter)));
}

static void unwait(struct nbds_conn *conn)
{
	gw_credit_unwait(&conn->mem_waiter);
	gw_req_unwait(conn->itl, &conn->req_waiter);
	loop_timer_disarm(conn->home->loop, &conn->patience);
	conn->waiting = false;
}

static bool wait_for_anything(struct nbds_conn *conn)
{
	struct loop *loop = conn->home->loop;

	conn->waiting = true;
	nbds_count(conn->home, NBDS_COUNT_waits, 1);
	loop_timer_arm(loop, &conn->patience, instant_add(loop_now(loop), span_s(PATIENCE_S)));
	return false;
}

bool nbds_run_wait(struct nbds_conn *conn, struct gw_credit *credit, uint32_t bytes)
{
	gw_credit_wait(&conn->mem_waiter, credit, bytes);
	return wait_for_anything(conn);
}

/* A read whose reply cannot be split, for which others leave no room: not for
 * ever ("Error values": ENOMEM if it must be).  Whoever holds his own memory by
 * not reading waits on. */
static void out_of_patience(struct loop_timer *timer)
{
	struct nbds_conn *conn =
		(struct nbds_conn *)((char *)timer - offsetof(struct nbds_conn, patience));
	struct nbds_op *op = conn->pump;

	unwait(conn);
	conn->starved = true;
	if (op && op->collects && op->left == op->length && !conn->out.used_bytes) {
		conn->pump = NULL;
		nbds_reply_error(op, nbdx_error_of_refusal(NBDX_NO_MEMORY), NBDS_NOWHERE);
	}
	loop_defer(conn->home->loop, &conn->task);
}

void nbds_run_init(struct nbds_conn *conn)
{
	LIST_INIT(&conn->running);
	conn->mem_waiter.wake = wake_memory;
	conn->req_waiter.wake = wake_request;
	loop_timer_init(&conn->patience, out_of_patience);
}

/* ---- the way in ---------------------------------------------------------- */

/* Chunks tell zeroes from data, and so look at what they send; a large one is sent
 * as data where it seems to be some. */
static uint32_t lending(const struct nbds_op *op)
{
	if (!op->conn->chunked)
		return GW_LEND;
	return op->length >= NBDS_LEND_MIN_BYTES ? GW_LEND | GW_LEND_DATA : 0u;
}

static void submit(struct nbds_op *op, struct gw_req *req)
{
	req->op = op->plan.op;
	req->flags = op->plan.flags;
	if (op->plan.op == GW_READ) {
		gw_share_add(&op->conn->share, op->length);
		req->flags |= lending(op);
	}
	req->offset = op->offset;
	req->length = op->length;
	req->done = nbds_done;
	req->owner = op;
	op->req = req;
	LIST_INSERT_HEAD(&op->conn->running, op, link);
	gw_req_submit(req);
}

/* Null: the connection waits for one. */
static struct gw_req *take_request(struct nbds_conn *conn)
{
	struct gw_req *req = gw_req_take(conn->itl);

	if (!req) {
		gw_req_wait(conn->itl, &conn->req_waiter);
		wait_for_anything(conn);
	}
	return req;
}

/* Memory for the next bytes of a read: as many as may be, whole blocks. */
static uint32_t take_memory(struct nbds_conn *conn, uint64_t left, struct gw_mem *mem)
{
	uint32_t want = (uint32_t)num_min(left, GW_BUF_MAX_BYTES);
	uint32_t got =
		gw_mem_take(&conn->out, want, (uint32_t)num_min(want, NBDS_PART_MIN_BYTES), mem);

	if (got < want) {
		got = (uint32_t)num_down(got, conn->terms.min_block_bytes);
		gw_mem_cut(mem, got);
	}
	return got;
}

/* The op for the next bytes: the command itself where that is all of it. */
static struct nbds_op *next_op(struct nbds_op *whole, uint32_t bytes)
{
	struct nbds_op *part;

	if (bytes == whole->length)
		part = whole;
	else
		part = nbds_op_take_part(whole, whole->offset + whole->length - whole->left, bytes);
	if (!part)
		return NULL;
	if (part != whole)
		whole->parts++;
	whole->left -= bytes;
	return part;
}

static bool issue_read(struct nbds_op *whole)
{
	struct nbds_conn *conn = whole->conn;
	struct gw_req *req = take_request(conn);
	struct nbds_op *op;
	uint32_t got;

	if (!req)
		return false;
	got = take_memory(conn, whole->left, &req->data);
	if (!got) {
		gw_req_put(&req);
		return nbds_run_wait(conn, &conn->out,
				     (uint32_t)num_min(whole->left, NBDS_PART_MIN_BYTES));
	}
	op = next_op(whole, got);
	if (!op) {
		gw_req_put(&req);
		return wait_for_anything(conn);
	}
	submit(op, req);
	return true;
}

static bool pump_parts(struct nbds_op *whole)
{
	while (whole->left)
		if (whole->conn->n_parts >= NBDS_PARTS_MAX || !issue_read(whole))
			return false;
	return true;
}

/* A reply that cannot be split: all memory and all requests first, or none. */
static bool gather_parts(struct nbds_op *whole)
{
	struct nbds_conn *conn = whole->conn;
	struct gw_mem mem = { .n = 0 };

	while (whole->left) {
		uint32_t got = take_memory(conn, whole->left, &mem);
		struct nbds_op *part = got ? next_op(whole, got) : NULL;

		if (part)
			gw_mem_move(&part->data, &mem);
		else
			gw_mem_put(&mem);
		if (!part)
			return false;
		if (part == whole)
			break;
		STAILQ_INSERT_TAIL(&whole->chain, part, next);
	}
	return true;
}

static void ungather(struct nbds_op *whole)
{
	nbds_op_put_chain(whole);
	if (whole->data.n)
		gw_mem_put(&whole->data);
	whole->parts = 0;
	whole->left = whole->length;
}

/* Moves the memory of each part into a request and submits it; goes on where it
 * stopped for want of a request. */
static bool submit_gathered(struct nbds_op *whole)
{
	struct nbds_op *op = STAILQ_EMPTY(&whole->chain) ? whole : STAILQ_FIRST(&whole->chain);

	for (; op; op = op == whole ? NULL : STAILQ_NEXT(op, next)) {
		struct gw_req *req;

		if (op->last)
			continue; /* submitted before */
		req = take_request(whole->conn);
		if (!req)
			return false;
		gw_mem_move(&req->data, &op->data);
		op->last = true;
		submit(op, req);
	}
	return true;
}

static bool pump_collected(struct nbds_op *whole)
{
	if (whole->left == whole->length && !gather_parts(whole)) {
		ungather(whole);
		return nbds_run_wait(whole->conn, &whole->conn->out, (uint32_t)whole->length);
	}
	return submit_gathered(whole);
}

static bool issue_status(struct nbds_op *op)
{
	struct nbds_conn *conn = op->conn;
	uint32_t size = op->flags & NBDX_FLAG_REQ_ONE ? GW_PAGE_BYTES : NBDS_STATUS_BYTES;
	struct gw_req *req = take_request(conn);
	struct nbds_meta_sink *sink;

	if (!req)
		return false;
	if (!gw_mem_take(&conn->out, size, GW_PAGE_BYTES, &req->data)) {
		gw_req_put(&req);
		return nbds_run_wait(conn, &conn->out, GW_PAGE_BYTES);
	}
	/* the sink lies in the request's memory: it lives as long as an orphan */
	gw_mem_cut(&req->data, (uint32_t)req->data.iov[0].iov_len);
	sink = req->data.iov[0].iov_base;
	nbds_meta_sink_begin(sink, (uint8_t *)(sink + 1),
			     (uint32_t)(req->data.iov[0].iov_len - sizeof(*sink)), conn->extended,
			     op->flags & NBDX_FLAG_REQ_ONE, op->length);
	req->extents = &sink->extents;
	submit(op, req);
	return true;
}

static bool issue_plain(struct nbds_op *op)
{
	struct gw_req *req = take_request(op->conn);

	if (!req)
		return false;
	submit(op, req);
	return true;
}

bool nbds_run_pump(struct nbds_conn *conn)
{
	struct nbds_op *op = conn->pump;
	bool all;

	if (op->plan.op == GW_READ)
		all = op->collects ? pump_collected(op) : pump_parts(op);
	else
		all = op->plan.op == GW_EXTENTS ? issue_status(op) : issue_plain(op);
	if (all)
		conn->pump = NULL;
	return all;
}

bool nbds_run_write(struct nbds_op *whole, struct gw_mem *mem)
{
	struct nbds_conn *conn = whole->conn;
	struct gw_req *req;
	struct nbds_op *op;

	if (conn->n_parts >= NBDS_PARTS_MAX)
		return false;
	req = take_request(conn);
	if (!req)
		return false;
	op = next_op(whole, mem->bytes);
	if (!op) {
		gw_req_put(&req);
		return wait_for_anything(conn);
	}
	gw_mem_move(&req->data, mem);
	submit(op, req);
	return true;
}

/* ---- the end ------------------------------------------------------------- */

static void abandon_part(struct nbds_op *part)
{
	struct nbds_op *whole = part->whole;
	struct nbds_conn *conn = part->conn;

	whole->parts--;
	if (!whole->collects)
		nbds_op_put(part);
	if (whole->parts || whole == conn->pump || whole == conn->writing)
		return;
	nbds_op_put_chain(whole);
	nbds_op_put(whole);
}

void nbds_run_abandon(struct nbds_conn *conn)
{
	struct nbds_op *op;

	unwait(conn);
	while ((op = LIST_FIRST(&conn->running))) {
		LIST_REMOVE(op, link);
		gw_req_orphan(&op->req);
		nbds_count(conn->home, NBDS_COUNT_orphans, 1);
		if (op->whole)
			abandon_part(op);
		else
			nbds_op_put(op);
	}
	if (conn->pump) {
		nbds_op_put_chain(conn->pump);
		nbds_op_put(conn->pump);
	}
	if (conn->writing)
		nbds_op_put(conn->writing);
	conn->pump = conn->writing = NULL;
}
