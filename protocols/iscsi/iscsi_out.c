/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_out.c - one gathered send per connection and turn.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_out.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"
#include "gateway/base/crc32c.h"
#include "protocols/iscsi/iscsi_doom.h"
#include "protocols/iscsi/iscsi_loan.h"
#include "protocols/iscsi/iscsi_pool.h"

/* Of one PDU: head, slices, tail. */
#define OUT_IOV_MAX (GW_MEM_SLICES + 2u)

struct iscsi_out *iscsi_out_take(struct iscsi_conn *conn)
{
	struct iscsi_out *out = iscsi_pool_out(conn->home);

	if (!out)
		iscsi_doom(conn, "no memory for an answer");
	return out;
}

void iscsi_out_small(struct iscsi_out *out, const void *from, uint32_t bytes)
{
	GW_CHECK(bytes <= sizeof(out->small));
	memcpy(out->small, from, bytes);
	out->data_bytes = bytes;
}

void iscsi_out_queue(struct iscsi_conn *conn, struct iscsi_out *out)
{
	STAILQ_INSERT_TAIL(&conn->queue, out, next);
	conn->n_queued++;
	loop_defer(conn->home->loop, &conn->task);
}

void iscsi_out_reject(struct iscsi_conn *conn, enum iscsi_reject reason,
		      const uint8_t bhs[ISCSI_BHS_BYTES])
{
	struct iscsi_reject_message message = { .reason = reason, .data_bytes = ISCSI_BHS_BYTES };
	struct iscsi_out *out = iscsi_out_take(conn);

	if (!out)
		return;
	iscsi_count(conn->home, ISCSI_COUNT_rejected, 1);
	iscsi_out_small(out, bhs, ISCSI_BHS_BYTES);
	iscsi_pdu_reject_put(out->head, &message);
	iscsi_out_queue(conn, out);
}

/* ---- gathering ------------------------------------------------------------- */

static void add(struct iscsi_conn *conn, void *at, size_t bytes)
{
	conn->tx_iov[conn->tx_n++] = (struct iovec){ at, bytes };
}

static void add_mem(struct iscsi_conn *conn, const struct gw_mem *mem, uint32_t bytes)
{
	if (bytes == mem->bytes)
		for (unsigned i = 0; i < mem->n; i++)
			conn->tx_iov[conn->tx_n++] = mem->iov[i];
	else
		conn->tx_n += gw_mem_iov(mem, 0, bytes, conn->tx_iov + conn->tx_n);
}

static void put_numbers(struct iscsi_conn *conn, struct iscsi_out *out)
{
	const struct iscsi_window *window = &conn->sess->window;

	if (out->statsn != ISCSI_STATSN_NONE)
		be32_put(out->head + ISCSI_AT_STATSN, conn->statsn);
	if (out->statsn == ISCSI_STATSN_TAKE)
		conn->statsn++;
	be32_put(out->head + ISCSI_AT_EXPCMDSN, window->exp_cmdsn);
	be32_put(out->head + ISCSI_AT_MAXCMDSN, window->max_cmdsn);
}

static void add_head(struct iscsi_conn *conn, struct iscsi_out *out)
{
	put_numbers(conn, out);
	if (conn->rules.header_digest)
		iscsi_pdu_digest_put(out->head + ISCSI_BHS_BYTES,
				     crc32c(0, out->head, ISCSI_BHS_BYTES));
	add(conn, out->head,
	    ISCSI_BHS_BYTES + (conn->rules.header_digest ? ISCSI_DIGEST_BYTES : 0));
}

/* Data, its padding and its digest (11.2.3: padding is covered). */
static void add_data(struct iscsi_conn *conn, struct iscsi_out *out)
{
	uint32_t pad = iscsi_pdu_pad(out->data_bytes), tail = pad, crc;
	unsigned first = conn->tx_n;

	if (!out->data_bytes)
		return;
	if (out->data.n)
		add_mem(conn, &out->data, out->data_bytes);
	else
		add(conn, out->small, out->data_bytes);
	memset(out->tail, 0, pad);
	if (conn->rules.data_digest) {
		crc = crc32c_iov(0, conn->tx_iov + first, conn->tx_n - first);
		iscsi_pdu_digest_put(out->tail + pad, crc32c(crc, out->tail, pad));
		tail += ISCSI_DIGEST_BYTES;
	}
	if (tail)
		add(conn, out->tail, tail);
}

/* Of one file at most: another is for the next send. */
static bool has_room(const struct iscsi_conn *conn, const struct iscsi_out *out)
{
	return conn->tx_n + OUT_IOV_MAX <= ISCSI_TX_IOV &&
	       (!out->file || !conn->tx_file || out->file == conn->tx_file);
}

static void gather(struct iscsi_conn *conn)
{
	struct iscsi_out *out;

	conn->tx_n = 0;
	conn->tx_file = NULL;
	while ((out = STAILQ_FIRST(&conn->queue)) && has_room(conn, out)) {
		STAILQ_REMOVE_HEAD(&conn->queue, next);
		conn->n_queued--;
		if (out->task) {
			out->task->last = NULL; /* too late for its status */
			out->task = NULL;
		}
		add_head(conn, out);
		add_data(conn, out);
		if (out->file)
			conn->tx_file = out->file;
		iscsi_loan_sending(conn, out);
		STAILQ_INSERT_TAIL(&conn->sending, out, next);
	}
}

void iscsi_out_flush(struct iscsi_conn *conn)
{
	if (conn->stream.sending || conn->dead || STAILQ_EMPTY(&conn->queue))
		return;
	gather(conn);
	iscsi_count(conn->home, ISCSI_COUNT_sends, 1);
	loop_stream_send_lent(&conn->stream, conn->tx_iov, conn->tx_n, conn->tx_file);
}

static bool put_all(struct iscsi_conn *conn, struct iscsi_outs *outs)
{
	struct iscsi_out *out;
	bool closes = false;

	while ((out = STAILQ_FIRST(outs))) {
		STAILQ_REMOVE_HEAD(outs, next);
		if (out->task)
			out->task->last = NULL;
		closes |= out->closes;
		iscsi_loan_sent(conn, out);
		iscsi_pool_out_put(conn->home, out);
	}
	return closes;
}

bool iscsi_out_sent(struct iscsi_conn *conn)
{
	return put_all(conn, &conn->sending);
}

void iscsi_out_drop(struct iscsi_conn *conn)
{
	put_all(conn, &conn->queue);
	conn->n_queued = 0;
}
