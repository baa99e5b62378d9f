/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_cmd.c - requests out of a receive buffer (proto.md, "Request message").
 *
 *   inbox:  what is parsed next (gateway/api/inbox.h)
 *   fill:   slice of the inbox, then own memory; fill_got bytes are there
 */
#include "config.h"

#include "protocols/nbd/nbds_cmd.h"

#include "gateway/base/num.h"
#include "protocols/nbd/nbds_done.h"
#include "protocols/nbd/nbds_meta.h"
#include "protocols/nbd/nbds_op.h"
#include "protocols/nbd/nbds_reply.h"
#include "protocols/nbd/nbds_run.h"

enum step { STEP_ON, STEP_WAIT, STEP_BAD_MAGIC, STEP_FLOOD };

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

static enum step dispatch(struct nbds_conn *conn, const struct nbds_request *request,
			  uint32_t head_bytes)
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
	gw_inbox_skip(&conn->inbox, head_bytes);
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
	uint32_t head_bytes = nbds_pdu_request_bytes(conn->extended);
	struct nbds_request request;

	if (gw_inbox_bytes(&conn->inbox) < head_bytes || conn->n_ops >= NBDS_IN_FLIGHT_MAX ||
	    gw_share_holds(&conn->share))
		return STEP_WAIT;
	if (!nbds_pdu_request_get(gw_inbox_at(&conn->inbox), conn->extended, &request))
		return STEP_BAD_MAGIC;
	return dispatch(conn, &request, head_bytes);
}

/* ---- payloads ------------------------------------------------------------ */

static enum step skip_junk(struct nbds_conn *conn)
{
	uint32_t n = (uint32_t)num_min(conn->junk, gw_inbox_bytes(&conn->inbox));

	gw_inbox_skip(&conn->inbox, n);
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
	if (gw_inbox_bytes(&conn->inbox) < length)
		return STEP_WAIT;
	conn->writing = NULL;
	conn->expect = NBDS_EXPECT_REQUEST;
	if (!nbds_pdu_ids_get(gw_inbox_at(&conn->inbox), length, NBDS_META_ALLOCATION_ID,
			      &effect)) {
		gw_inbox_skip(&conn->inbox, (uint32_t)length);
		return refuse(op, NBDX_BAD_PAYLOAD);
	}
	gw_inbox_skip(&conn->inbox, (uint32_t)length);
	op->length = effect;
	return start(conn, op);
}

/* Large data that shall stand in step goes to memory of its own, its first bytes copied:
 * where they stay in the inbox the core would have to copy all of it. */
static bool moves(const struct nbds_conn *conn, uint32_t want)
{
	return conn->aligned && want >= NBDS_MOVED_MIN_BYTES;
}

/* Own memory for what does not fit behind the bytes that are here; the part may
 * get shorter by whole blocks.  False: wait. */
static bool take_rest(struct nbds_conn *conn, uint32_t want)
{
	uint32_t head = gw_inbox_bytes(&conn->inbox);
	uint32_t stays = moves(conn, want) ? 0 : head, rest = want - stays, got;

	if (stays)
		gw_mem_add(&conn->fill, conn->inbox.buf, gw_inbox_at(&conn->inbox), stays);
	got = gw_mem_take(&conn->in, rest, (uint32_t)num_min(rest, NBDS_PART_MIN_BYTES),
			  &conn->fill);
	if (!got) {
		gw_mem_put(&conn->fill);
		return nbds_run_wait(conn, &conn->in, (uint32_t)num_min(rest, NBDS_PART_MIN_BYTES));
	}
	if (got < rest)
		gw_mem_cut(&conn->fill,
			   (uint32_t)num_down(stays + got, conn->terms.min_block_bytes));
	if (!stays)
		gw_mem_copy_in(&conn->fill, 0, gw_inbox_at(&conn->inbox), head);
	conn->fill_got = head;
	gw_inbox_skip(&conn->inbox, head);
	return true;
}

/* Where the next part of the payload lies or shall lie. False: wait. */
static bool begin_part(struct nbds_conn *conn)
{
	uint32_t want = (uint32_t)num_min(conn->writing->left, GW_BUF_MAX_BYTES);

	if (gw_inbox_bytes(&conn->inbox) < want) {
		if (!moves(conn, want) && gw_inbox_fits(&conn->inbox, want))
			return false; /* it fits behind: receive on */
		if (!moves(conn, want) && !gw_inbox_bytes(&conn->inbox) && want <= NBDS_RX_BYTES)
			return false; /* the next buffer takes all of it */
		if (conn->wire.receiving)
			return false; /* what comes now goes into the buffer */
		return take_rest(conn, want);
	}
	gw_mem_add(&conn->fill, conn->inbox.buf, gw_inbox_at(&conn->inbox), want);
	conn->fill_got = want;
	gw_inbox_skip(&conn->inbox, want);
	return true;
}

/* A part has failed: nobody wants the bytes that are still to come.  Memory that
 * a receive is filling stays until it has ended. */
static enum step give_up_write(struct nbds_conn *conn)
{
	struct nbds_op *op = conn->writing;

	if (conn->inbox.direct)
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

void nbds_cmd_init(struct nbds_conn *conn)
{
	gw_inbox_init(&conn->inbox, &conn->in, NBDS_RX_BYTES,
		      nbds_pdu_request_bytes(conn->extended));
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
	nbds_count(conn->home, NBDS_COUNT_receives, 1);
	conn->fill_got += gw_inbox_came(&conn->inbox, bytes);
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

/* The rest of a payload first, then whatever follows it. */
static void receive(struct nbds_conn *conn)
{
	const struct gw_inbox_want want = {
		.need = needed(conn),
		.place = &conn->fill,
		.at = conn->fill_got,
		.rest = conn->fill.bytes - conn->fill_got,
		.behind = NBDS_RX_BYTES,
	};

	if (!gw_inbox_aim(&conn->inbox, &want))
		nbds_run_wait(conn, &conn->in, NBDS_RX_BYTES);
	else if (conn->inbox.n)
		loop_stream_receive(&conn->wire, conn->inbox.iov, conn->inbox.n, false);
}

void nbds_cmd_arm(struct nbds_conn *conn)
{
	if (conn->wire.receiving || conn->waiting || conn->pump || conn->dead ||
	    conn->expect == NBDS_EXPECT_NOTHING)
		return;
	receive(conn);
}

bool nbds_cmd_between(const struct nbds_conn *conn)
{
	return !conn->writing && !conn->junk && !conn->pump;
}

void nbds_cmd_drop(struct nbds_conn *conn)
{
	gw_mem_put(&conn->fill);
	gw_inbox_drop(&conn->inbox);
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
