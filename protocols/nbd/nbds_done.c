/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_done.c - outcomes of requests, parts into wholes, and what is replied.
 */
#include "config.h"

#include "protocols/nbd/nbds_done.h"

#include "protocols/nbd/nbds_meta.h"
#include "protocols/nbd/nbds_op.h"
#include "protocols/nbd/nbds_reply.h"

static void reply_failed(struct nbds_op *op, struct nbdx_error error, uint64_t at)
{
	nbds_count(op->conn->home, NBDS_COUNT_failed, 1);
	if (op->data.n)
		gw_mem_put(&op->data);
	nbds_reply_error(op, error, at);
}

/* The reply of a read that was collected: a header, then all parts in order. */
static void reply_collected(struct nbds_op *whole)
{
	struct nbds_op *part;

	whole->say = NBDS_SAY_WHOLE;
	nbds_reply_queue(whole);
	while ((part = STAILQ_FIRST(&whole->chain))) {
		STAILQ_REMOVE_HEAD(&whole->chain, next);
		part->say = NBDS_SAY_RAW;
		nbds_reply_queue(part);
	}
}

static void count_bytes(struct nbds_op *op)
{
	struct nbds_conn *conn = op->conn;

	if (op->plan.op == GW_READ) {
		conn->read_bytes += op->length;
		nbds_count(conn->home, NBDS_COUNT_read_bytes, op->length);
	} else if (op->plan.op == GW_WRITE) {
		conn->written_bytes += op->length;
		nbds_count(conn->home, NBDS_COUNT_written_bytes, op->length);
	}
}

/* The descriptors stand behind their sink, in the memory of the request. */
static void reply_status(struct nbds_op *op)
{
	struct nbds_meta_sink *sink = op->data.iov[0].iov_base;
	uint32_t bytes = nbds_meta_sink_end(sink);

	op->data.iov[0].iov_base = sink->at;
	op->data.iov[0].iov_len = bytes;
	op->data.bytes = bytes;
	op->say = NBDS_SAY_STATUS;
	nbds_reply_queue(op);
}

/* A command in one piece has ended. */
static void command_done(struct nbds_op *op, enum gw_status status)
{
	struct nbdx_error error = nbdx_error_of_status(status, op->type, op->flags);

	if (error.number) {
		reply_failed(op, error, NBDS_NOWHERE);
		return;
	}
	count_bytes(op);
	if (op->plan.op == GW_EXTENTS) {
		reply_status(op);
		return;
	}
	op->last = true;
	op->say = NBDS_SAY_DONE;
	if (op->plan.op == GW_READ)
		op->say = op->conn->chunked ? NBDS_SAY_READ : NBDS_SAY_WHOLE;
	nbds_reply_queue(op);
}

/* Every part has ended, and there will be no more. */
static void whole_done(struct nbds_op *whole)
{
	if (whole->conn->pump == whole)
		whole->conn->pump = NULL;
	if (whole->failed) {
		nbds_op_put_chain(whole);
		reply_failed(whole, whole->error, whole->error_at);
	} else if (whole->collects) {
		reply_collected(whole);
	} else {
		whole->say = NBDS_SAY_DONE; /* a write; of a read the last part says it */
		nbds_reply_queue(whole);
	}
}

void nbds_done_settle(struct nbds_op *whole)
{
	whole->left = 0;
	if (!whole->parts)
		whole_done(whole);
}

static void note_failure(struct nbds_op *part, struct nbdx_error error)
{
	struct nbds_op *whole = part->whole;

	if (!whole->failed || part->offset < whole->error_at) {
		whole->error = error;
		whole->error_at = part->offset;
	}
	whole->failed = true;
	if (part->plan.op == GW_READ)
		whole->left = 0; /* the rest is not asked for */
}

/* A part of a read that is answered part by part. */
static void send_part(struct nbds_op *part)
{
	struct nbds_op *whole = part->whole;

	part->say = NBDS_SAY_READ;
	part->last = !whole->parts && !whole->left && !whole->failed;
	nbds_reply_queue(part);
	if (part->last) {
		if (part->conn->pump == whole)
			part->conn->pump = NULL;
		nbds_op_put(whole);
	}
}

static void part_done(struct nbds_op *part, enum gw_status status)
{
	struct nbdx_error error = nbdx_error_of_status(status, part->type, part->flags);
	struct nbds_op *whole = part->whole;
	bool streams = part->plan.op == GW_READ && !whole->collects;

	whole->parts--;
	if (error.number)
		note_failure(part, error);
	else
		count_bytes(part);
	if (streams && !error.number) {
		bool last = !whole->parts && !whole->left && !whole->failed;

		send_part(part);
		if (last)
			return;
	} else if (!whole->collects) {
		nbds_op_put(part);
	}
	if (!whole->parts && !whole->left)
		whole_done(whole);
}

void nbds_done(struct gw_req *req)
{
	struct nbds_op *op = req->owner;
	struct nbds_conn *conn = op->conn;
	enum gw_status status = req->status;

	LIST_REMOVE(op, link);
	op->req = NULL;
	if (op->plan.op == GW_READ || op->plan.op == GW_EXTENTS)
		gw_mem_move(&op->data, &req->data);
	gw_req_put(&req);
	if (op->whole)
		part_done(op, status);
	else
		command_done(op, status);
	loop_defer(conn->home->loop, &conn->task);
}
