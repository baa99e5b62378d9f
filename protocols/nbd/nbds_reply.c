/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_reply.c - simple, structured and extended replies (proto.md, "Simple reply
 * message", "Structured reply chunk message", "Extended reply chunk message").
 */
#include "config.h"

#include "protocols/nbd/nbds_reply.h"

#include "gateway/base/check.h"
#include "protocols/nbd/nbds_op.h"

/* The most that one op can need: its runs of zeroes and data, each with a header
 * and the slices that it cuts. */
#define RUNS_MAX (GW_BUF_MAX_BYTES / NBDS_GRANULE_BYTES + 1)
#define OP_IOV_MAX (2 * RUNS_MAX + GW_MEM_SLICES)
#define OP_HEAD_MAX (RUNS_MAX * NBDS_CHUNK_MAX_BYTES)

_Static_assert(OP_IOV_MAX <= NBDS_TX_IOV, "one op fits into one send");
_Static_assert(OP_HEAD_MAX <= NBDS_TX_HEAD_BYTES, "one op fits into one send");
_Static_assert(NBDS_ERROR_MAX_BYTES <= OP_HEAD_MAX, "an error fits, too");

static uint8_t *head_at(struct nbds_conn *conn)
{
	return conn->tx_heads + conn->tx_used;
}

/* n bytes were composed at head_at(). */
static void put_head(struct nbds_conn *conn, size_t n)
{
	struct iovec *before = conn->tx_n ? &conn->tx_iov[conn->tx_n - 1] : NULL;

	if (before && (uint8_t *)before->iov_base + before->iov_len == head_at(conn))
		before->iov_len += n;
	else
		conn->tx_iov[conn->tx_n++] = (struct iovec){ head_at(conn), n };
	conn->tx_used += (uint32_t)n;
}

static void put_data(struct nbds_conn *conn, const struct gw_mem *mem, uint32_t from,
		     uint32_t bytes)
{
	if (!from && bytes == mem->bytes)
		for (unsigned i = 0; i < mem->n; i++)
			conn->tx_iov[conn->tx_n++] = mem->iov[i];
	else
		conn->tx_n += gw_mem_iov(mem, from, bytes, &conn->tx_iov[conn->tx_n]);
}

static struct nbds_addressee who_is(const struct nbds_op *op)
{
	return (struct nbds_addressee){ op->cookie, op->start, op->conn->extended };
}

/* How far the run from `from` goes: zeroes, or data.  Without fragments, all
 * that there is must be of one kind to be a hole ("NBD_CMD_READ", DF). */
static uint32_t run_of(const struct nbds_op *op, uint32_t from, bool *zero)
{
	uint32_t total = op->data.bytes, step = NBDS_GRANULE_BYTES, to;

	*zero = false;
	if (gw_mem_is_lent(&op->data))
		return total - from;
	if (op->flags & NBDX_FLAG_DF)
		step = total;
	to = total - from < step ? total : from + step;
	*zero = gw_mem_is_zero(&op->data, from, to - from);
	while (to < total) {
		uint32_t n = total - to < step ? total - to : step;

		if (gw_mem_is_zero(&op->data, to, n) != *zero)
			break;
		to += n;
	}
	return to - from;
}

static void put_read(struct nbds_conn *conn, const struct nbds_op *op)
{
	struct nbds_addressee who = who_is(op);
	uint32_t from = 0, total = op->data.bytes;

	while (from < total) {
		bool zero;
		uint32_t n = run_of(op, from, &zero);
		bool done = op->last && from + n == total;

		if (zero) {
			put_head(conn, nbds_pdu_hole_put(head_at(conn), &who, done,
							 op->offset + from, n));
			nbds_count(conn->home, NBDS_COUNT_hole_bytes, n);
		} else {
			put_head(conn, nbds_pdu_data_put(head_at(conn), &who, done,
							 op->offset + from, n));
			put_data(conn, &op->data, from, n);
		}
		from += n;
	}
}

/* One header for the whole length; what follows is raw. */
static size_t compose_whole(const struct nbds_op *op, uint8_t *to)
{
	struct nbds_addressee who = who_is(op);

	if (!op->conn->chunked)
		return nbds_pdu_simple_put(to, op->cookie, 0);
	return nbds_pdu_data_put(to, &who, true, op->offset, (uint32_t)op->length);
}

/* Success: a chunk where the read or the headers demand one, else the shorter
 * simple reply ("Structured reply chunk message": MAY). */
static size_t compose_done(const struct nbds_op *op, uint8_t *to)
{
	struct nbds_addressee who = who_is(op);

	if (op->conn->extended || (op->conn->chunked && op->type == NBDX_READ))
		return nbds_pdu_chunk_put(to, &who, true, NBDS_CHUNK_NONE, 0);
	return nbds_pdu_simple_put(to, op->cookie, 0);
}

static size_t compose_error(const struct nbds_op *op, uint8_t *to)
{
	struct nbds_addressee who = who_is(op);
	const uint64_t *at = op->error_at == NBDS_NOWHERE ? NULL : &op->error_at;

	if (!op->conn->chunked)
		return nbds_pdu_simple_put(to, op->cookie, op->error.number);
	return nbds_pdu_error_put(to, &who, op->error.number, op->error.words, at);
}

static size_t compose_status(const struct nbds_op *op, uint8_t *to)
{
	struct nbds_addressee who = who_is(op);
	uint16_t type = who.extended ? NBDS_CHUNK_BLOCK_STATUS_EXT : NBDS_CHUNK_BLOCK_STATUS;

	return nbds_pdu_chunk_put(to, &who, true, type, op->data.bytes);
}

static void put_op(struct nbds_conn *conn, const struct nbds_op *op)
{
	switch ((enum nbds_say)op->say) {
	case NBDS_SAY_READ:
		put_read(conn, op);
		return;
	case NBDS_SAY_DONE:
		put_head(conn, compose_done(op, head_at(conn)));
		return;
	case NBDS_SAY_ERROR:
		put_head(conn, compose_error(op, head_at(conn)));
		return;
	case NBDS_SAY_WHOLE:
		put_head(conn, compose_whole(op, head_at(conn)));
		break;
	case NBDS_SAY_STATUS:
		put_head(conn, compose_status(op, head_at(conn)));
		break;
	case NBDS_SAY_RAW:
		break;
	}
	put_data(conn, &op->data, 0, op->data.bytes);
}

void nbds_reply_queue(struct nbds_op *op)
{
	STAILQ_INSERT_TAIL(&op->conn->queue, op, next);
}

void nbds_reply_error(struct nbds_op *op, struct nbdx_error error, uint64_t at)
{
	op->say = error.number ? NBDS_SAY_ERROR : NBDS_SAY_DONE;
	op->error = error;
	op->error_at = at;
	if (error.number)
		op->conn->errors++;
	nbds_reply_queue(op);
}

static bool has_room(const struct nbds_conn *conn)
{
	return conn->tx_n + OP_IOV_MAX <= NBDS_TX_IOV &&
	       conn->tx_used + OP_HEAD_MAX <= NBDS_TX_HEAD_BYTES;
}

void nbds_reply_flush(struct nbds_conn *conn)
{
	struct nbds_op *op;

	if (conn->wire.sending || STAILQ_EMPTY(&conn->queue))
		return;
	conn->tx_n = 0;
	conn->tx_used = 0;
	while ((op = STAILQ_FIRST(&conn->queue)) && has_room(conn)) {
		STAILQ_REMOVE_HEAD(&conn->queue, next);
		put_op(conn, op);
		if (op->data.n)
			STAILQ_INSERT_TAIL(&conn->sending, op, next);
		else
			nbds_op_put(op);
	}
	nbds_count(conn->home, NBDS_COUNT_sends, 1);
	loop_stream_send_lent(&conn->wire, conn->tx_iov, conn->tx_n, gw_itl_lent_file(conn->itl));
}

static void put_all(struct nbds_ops *ops)
{
	struct nbds_op *op;

	while ((op = STAILQ_FIRST(ops))) {
		STAILQ_REMOVE_HEAD(ops, next);
		nbds_op_put(op);
	}
}

void nbds_reply_sent(struct nbds_conn *conn)
{
	put_all(&conn->sending);
}

void nbds_reply_drop(struct nbds_conn *conn)
{
	put_all(&conn->queue);
}
