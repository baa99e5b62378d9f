/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_cmd.c - requests out of a receive buffer (proto.md, "Request message").
 *
 *   rx buffer:  | done | rx_from ... parsed next ... rx_to | room for more |
 *   fill:       slice of the buffer, then own memory; fill_got bytes are there
 */
#include "config.h"

#include "protocols/nbd/nbds_cmd.h"

#include <string.h>

#include "gateway/base/num.h"
#include "protocols/nbd/nbds_done.h"
#include "protocols/nbd/nbds_meta.h"
#include "protocols/nbd/nbds_op.h"
#include "protocols/nbd/nbds_reply.h"
#include "protocols/nbd/nbds_run.h"

/* A buffer with less room than this behind it is left for a new one. */
#define ROOM_MIN_BYTES 16384u

enum step { STEP_ON, STEP_WAIT, STEP_BAD_MAGIC, STEP_FLOOD };

static uint32_t available(const struct nbds_conn *conn)
{
	return conn->rx_to - conn->rx_from;
}

static const uint8_t *rx_at(const struct nbds_conn *conn)
{
	return conn->rx->mem + conn->rx_from;
}

/* ---- a request ----------------------------------------------------------- */

static enum step refuse(struct nbds_op *op, enum nbdx_refusal refusal)
{
	nbds_count(op->conn->home, NBDS_COUNT_refused, 1);
	nbds_reply_error(op, nbdx_error_of_refusal(refusal), NBDS_NOWHERE);
	return STEP_ON;
}

/* Checks by the table and starts what has no payload, or needs it no more. */
static enum step start(struct nbds_conn *conn, struct nbds_op *op)
{
	struct nbdx_cmd cmd = { op->type, op->flags, op->offset, op->length };
	enum nbdx_refusal refusal = nbdx_check(&conn->terms, &cmd, &op->plan);

	if (conn->home->draining || conn->leaving)
		return refuse(op, NBDX_SHUTDOWN);
	if (refusal)
		return refuse(op, refusal);
	if (op->plan.nothing) {
		nbds_reply_error(op, nbdx_error_of_refusal(NBDX_ACCEPTED), NBDS_NOWHERE);
		return STEP_ON;
	}
	op->left = op->length;
	op->collects = op->plan.op == GW_READ && (!conn->chunked || op->flags & NBDX_FLAG_DF);
	conn->pump = op;
	return STEP_ON;
}

/* A write: its payload is needed, or must be skipped. */
static enum step start_write(struct nbds_conn *conn, struct nbds_op *op)
{
	struct nbdx_cmd cmd = { op->type, op->flags, op->offset, op->length };
	enum nbdx_refusal refusal = nbdx_check(&conn->terms, &cmd, &op->plan);

	if (conn->home->draining || conn->leaving)
		refusal = NBDX_SHUTDOWN;
	if (refusal || op->plan.nothing) {
		conn->expect = NBDS_EXPECT_JUNK;
		conn->junk = op->length;
		if (refusal)
			return refuse(op, refusal);
		nbds_reply_error(op, nbdx_error_of_refusal(NBDX_ACCEPTED), NBDS_NOWHERE);
		return STEP_ON;
	}
	op->left = op->length;
	conn->writing = op;
	conn->expect = NBDS_EXPECT_DATA;
	return STEP_ON;
}

/* A payload that the command does not know is consumed, then refused. */
static enum step start_junk(struct nbds_conn *conn, struct nbds_op *op)
{
	struct nbdx_cmd cmd = { op->type, op->flags, op->offset, op->length };
	enum nbdx_refusal refusal = nbdx_check(&conn->terms, &cmd, &op->plan);

	conn->expect = NBDS_EXPECT_JUNK;
	conn->junk = op->length;
	return refuse(op, refusal ? refusal : NBDX_BAD_PAYLOAD);
}

/* "NBD_CMD_DISC": no reply; what is in flight is answered, then we close. */
static enum step disconnect(struct nbds_conn *conn)
{
	conn->expect = NBDS_EXPECT_NOTHING;
	conn->leaving = true;
	return STEP_WAIT;
}

static enum step dispatch(struct nbds_conn *conn, const struct nbds_request *request)
{
	struct nbdx_cmd cmd = { request->type, request->flags, request->offset, request->length };
	enum nbdx_follows follows = nbdx_follows(&conn->terms, &cmd);
	struct nbds_op *op;

	if (follows == NBDX_FOLLOWS_FLOOD)
		return STEP_FLOOD;
	if (request->type == NBDX_DISC)
		return disconnect(conn);
	op = nbds_op_take(conn, request);
	if (!op)
		return STEP_WAIT;
	conn->rx_from += nbds_pdu_request_bytes(conn->extended);
	conn->requests++;
	nbds_count(conn->home, NBDS_COUNT_requests, 1);
	switch (follows) {
	case NBDX_FOLLOWS_DATA:
		return start_write(conn, op);
	case NBDX_FOLLOWS_JUNK:
		return start_junk(conn, op);
	case NBDX_FOLLOWS_IDS:
		conn->expect = NBDS_EXPECT_IDS;
		conn->writing = op;
		return STEP_ON;
	case NBDX_FOLLOWS_NOTHING:
	case NBDX_FOLLOWS_FLOOD:
		break;
	}
	return start(conn, op);
}

static enum step parse_request(struct nbds_conn *conn)
{
	struct nbds_request request;

	if (available(conn) < nbds_pdu_request_bytes(conn->extended) ||
	    conn->n_ops >= NBDS_IN_FLIGHT_MAX)
		return STEP_WAIT;
	if (!nbds_pdu_request_get(rx_at(conn), conn->extended, &request))
		return STEP_BAD_MAGIC;
	return dispatch(conn, &request);
}

/* ---- payloads ------------------------------------------------------------ */

static enum step skip_junk(struct nbds_conn *conn)
{
	uint32_t n = (uint32_t)num_min(conn->junk, available(conn));

	conn->rx_from += n;
	conn->junk -= n;
	if (conn->junk)
		return STEP_WAIT;
	conn->expect = NBDS_EXPECT_REQUEST;
	return STEP_ON;
}

/* "NBD_CMD_BLOCK_STATUS", payload form: the effect length is inside. */
static enum step parse_ids(struct nbds_conn *conn)
{
	struct nbds_op *op = conn->writing;
	uint64_t length = op->length, effect;

	if (length != NBDS_IDS_MAX_BYTES) {
		conn->writing = NULL;
		return start_junk(conn, op);
	}
	if (available(conn) < length)
		return STEP_WAIT;
	conn->writing = NULL;
	conn->expect = NBDS_EXPECT_REQUEST;
	if (!nbds_pdu_ids_get(rx_at(conn), length, NBDS_META_ALLOCATION_ID, &effect)) {
		conn->rx_from += (uint32_t)length;
		return refuse(op, NBDX_BAD_PAYLOAD);
	}
	conn->rx_from += (uint32_t)length;
	op->length = effect;
	return start(conn, op);
}

/* Own memory for what does not fit behind the bytes that are here; the part may
 * get shorter by whole blocks.  False: wait. */
static bool take_rest(struct nbds_conn *conn, uint32_t want)
{
	uint32_t head = available(conn), rest = want - head, got;

	if (head)
		gw_mem_add(&conn->fill, conn->rx, conn->rx->mem + conn->rx_from, head);
	got = gw_mem_take(&conn->in, rest, (uint32_t)num_min(rest, NBDS_PART_MIN_BYTES),
			  &conn->fill);
	if (!got) {
		gw_mem_put(&conn->fill);
		return nbds_run_wait(conn, &conn->in, (uint32_t)num_min(rest, NBDS_PART_MIN_BYTES));
	}
	if (got < rest)
		gw_mem_cut(&conn->fill,
			   (uint32_t)num_down(head + got, conn->terms.min_block_bytes));
	conn->fill_got = head;
	conn->rx_from += head;
	return true;
}

/* Where the next part of the payload lies or shall lie. False: wait. */
static bool begin_part(struct nbds_conn *conn)
{
	uint32_t want = (uint32_t)num_min(conn->writing->left, GW_BUF_MAX_BYTES);

	if (available(conn) < want) {
		if (conn->rx && want <= conn->rx->bytes - conn->rx_from)
			return false; /* it fits behind: receive on */
		if (!available(conn) && want <= NBDS_RX_BYTES)
			return false; /* the next buffer takes all of it */
		if (conn->wire.receiving)
			return false; /* what comes now goes into the buffer */
		return take_rest(conn, want);
	}
	gw_mem_add(&conn->fill, conn->rx, conn->rx->mem + conn->rx_from, want);
	conn->fill_got = want;
	conn->rx_from += want;
	return true;
}

/* A part has failed: nobody wants the bytes that are still to come.  Memory that
 * a receive is filling stays until it has ended. */
static enum step give_up_write(struct nbds_conn *conn)
{
	struct nbds_op *op = conn->writing;

	if (conn->rx_rest)
		return STEP_WAIT;
	conn->junk = op->left - conn->fill_got;
	gw_mem_put(&conn->fill);
	conn->fill_got = 0;
	conn->writing = NULL;
	conn->expect = NBDS_EXPECT_JUNK;
	nbds_done_settle(op);
	return STEP_ON;
}

static enum step take_data(struct nbds_conn *conn)
{
	struct nbds_op *op = conn->writing;

	if (op->failed)
		return give_up_write(conn);
	if (!conn->fill.n && !begin_part(conn))
		return STEP_WAIT;
	if (conn->fill_got < conn->fill.bytes)
		return STEP_WAIT;
	if (!nbds_run_write(op, &conn->fill))
		return STEP_WAIT;
	conn->fill_got = 0;
	if (!op->left) {
		conn->writing = NULL;
		conn->expect = NBDS_EXPECT_REQUEST;
	}
	return STEP_ON;
}

/* ---- the machine --------------------------------------------------------- */

static enum step step(struct nbds_conn *conn)
{
	if (conn->waiting)
		return STEP_WAIT;
	if (conn->pump)
		return nbds_run_pump(conn) ? STEP_ON : STEP_WAIT;
	switch ((enum nbds_expect)conn->expect) {
	case NBDS_EXPECT_REQUEST:
		return parse_request(conn);
	case NBDS_EXPECT_DATA:
		return take_data(conn);
	case NBDS_EXPECT_IDS:
		return parse_ids(conn);
	case NBDS_EXPECT_JUNK:
		return skip_junk(conn);
	case NBDS_EXPECT_NOTHING:
		break;
	}
	return STEP_WAIT;
}

enum nbds_cmd_verdict nbds_cmd_run(struct nbds_conn *conn)
{
	for (;;)
		switch (step(conn)) {
		case STEP_ON:
			break;
		case STEP_WAIT:
			return NBDS_CMD_FINE;
		case STEP_BAD_MAGIC:
			return NBDS_CMD_BAD_MAGIC;
		case STEP_FLOOD:
			return NBDS_CMD_FLOOD;
		}
}

void nbds_cmd_received(struct nbds_conn *conn, uint32_t bytes)
{
	uint32_t into_fill = (uint32_t)num_min(bytes, conn->rx_rest);

	nbds_count(conn->home, NBDS_COUNT_receives, 1);
	conn->rx_rest = 0;
	conn->fill_got += into_fill;
	conn->rx_to += bytes - into_fill;
}

/* ---- memory to receive into ---------------------------------------------- */

/* How many bytes must come to stand together before anything can go on. */
static uint32_t needed(const struct nbds_conn *conn)
{
	switch ((enum nbds_expect)conn->expect) {
	case NBDS_EXPECT_DATA:
		if (conn->fill.n)
			return nbds_pdu_request_bytes(conn->extended);
		return (uint32_t)num_min(conn->writing->left, NBDS_RX_BYTES);
	case NBDS_EXPECT_IDS:
		return NBDS_IDS_MAX_BYTES;
	default:
		return nbds_pdu_request_bytes(conn->extended);
	}
}

/* A buffer in which needed() bytes can stand together, the bytes that are here
 * (few: the head of a request) moved with them.  False: wait for memory. */
static bool make_room(struct nbds_conn *conn)
{
	uint32_t have = available(conn);
	struct gw_buf *fresh;

	if (conn->rx && conn->rx->refs == 1 &&
	    (!have || conn->rx_from + needed(conn) > conn->rx->bytes)) {
		memmove(conn->rx->mem, rx_at(conn), have);
		conn->rx_from = 0;
		conn->rx_to = have;
		return true;
	}
	if (conn->rx && conn->rx_from + needed(conn) <= conn->rx->bytes &&
	    (have || conn->rx->bytes - conn->rx_to >= ROOM_MIN_BYTES))
		return true;
	fresh = gw_buf_take(&conn->in, NBDS_RX_BYTES);
	if (!fresh)
		return false;
	if (have)
		memcpy(fresh->mem, rx_at(conn), have);
	gw_buf_put(&conn->rx);
	conn->rx = fresh;
	conn->rx_from = 0;
	conn->rx_to = have;
	return true;
}

/* The rest of a payload first, then whatever follows it. */
void nbds_cmd_arm(struct nbds_conn *conn)
{
	uint32_t rest = conn->fill.bytes - conn->fill_got;
	unsigned n = 0;
	bool room;

	if (conn->wire.receiving || conn->waiting || conn->pump || conn->dead ||
	    conn->expect == NBDS_EXPECT_NOTHING)
		return;
	room = make_room(conn);
	if (!room && !rest) {
		nbds_run_wait(conn, &conn->in, NBDS_RX_BYTES);
		return;
	}
	if (rest)
		n = gw_mem_iov(&conn->fill, conn->fill_got, rest, conn->rx_iov);
	if (room && conn->rx_to < conn->rx->bytes)
		conn->rx_iov[n++] = (struct iovec){ conn->rx->mem + conn->rx_to,
						    conn->rx->bytes - conn->rx_to };
	conn->rx_rest = rest;
	if (n)
		loop_stream_receive(&conn->wire, conn->rx_iov, n, false);
}

bool nbds_cmd_between(const struct nbds_conn *conn)
{
	return !conn->writing && !conn->junk && !conn->pump;
}

void nbds_cmd_drop(struct nbds_conn *conn)
{
	gw_mem_put(&conn->fill);
	gw_buf_put(&conn->rx);
}

const char *nbds_cmd_words(enum nbds_cmd_verdict verdict)
{
	switch (verdict) {
	case NBDS_CMD_FINE:
		break;
	case NBDS_CMD_BAD_MAGIC:
		return "what it sent is no request";
	case NBDS_CMD_FLOOD:
		return "it announced a payload beyond all bounds";
	}
	return "nothing is wrong";
}
