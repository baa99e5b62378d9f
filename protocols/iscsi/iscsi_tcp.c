/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_tcp.c - bytes to PDUs and data to its place.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_tcp.h"

#include <string.h>

#include "gateway/base/crc32c.h"
#include "gateway/base/num.h"
#include "protocols/iscsi/iscsi_doom.h"
#include "protocols/iscsi/iscsi_ffp.h"

/* Where this much of a data segment is still to come, only so much is taken of what
 * follows it: the next one will be as long, and its data shall go to its place at once
 * instead of through the buffer. */
#define REST_LONG_BYTES 32768u
#define BEHIND_LONG_BYTES 1024u
/* Answers that wait for a peer who does not read: then we do not read either. */
#define QUEUED_MAX 2048u

enum step { STEP_ON, STEP_WAIT };

/* ---- waiting for memory ---------------------------------------------------- */

static void wake(struct gw_mem_waiter *waiter)
{
	struct iscsi_conn *conn =
		(struct iscsi_conn *)((char *)waiter - offsetof(struct iscsi_conn, mem_waiter));

	conn->waiting = false;
	loop_defer(conn->home->loop, &conn->task);
}

static void wait_for(struct iscsi_conn *conn, struct gw_credit *credit, uint32_t bytes)
{
	conn->waiting = true;
	iscsi_count(conn->home, ISCSI_COUNT_waits, 1);
	gw_credit_wait(&conn->mem_waiter, credit, bytes);
}

/* For the data of this request. */
static void wait_for_place(struct iscsi_conn *conn)
{
	if (conn->pdu.opcode == ISCSI_OP_SCSI_COMMAND)
		wait_for(conn, &conn->sess->in, ISCSI_FIRST_BURST);
	else
		wait_for(conn, &conn->sess->out, conn->pdu.data_bytes);
}

/* ---- the head -------------------------------------------------------------- */

static void begin_pdu(struct iscsi_conn *conn)
{
	gw_inbox_skip(&conn->inbox, conn->layout.head_bytes);
	conn->sink_got = 0;
	conn->crc = 0;
	conn->unsummed = false;
	conn->expect = ISCSI_EXPECT_DATA;
}

/* The head is whole and its digest right. */
static enum step take_head(struct iscsi_conn *conn)
{
	uint8_t *at = gw_inbox_at(&conn->inbox), *data = at + conn->layout.head_bytes;
	bool here = gw_inbox_bytes(&conn->inbox) >=
		    conn->layout.head_bytes + conn->layout.data_bytes;
	enum iscsi_fault fault = iscsi_pdu_get(at, conn->rules.data_max, &conn->pdu);

	gw_inbox_foresee(&conn->inbox, iscsi_rx_total(&conn->layout), ISCSI_BHS_BYTES);
	memcpy(conn->bhs, at, ISCSI_BHS_BYTES);
	if (fault) {
		conn->into = NULL;
		conn->sink = NULL;
		conn->reject = 0;
		iscsi_ffp_refuse(conn, fault);
	} else if (!iscsi_ffp_begin(conn, at + ISCSI_BHS_BYTES, here ? data : NULL)) {
		wait_for_place(conn);
		return STEP_WAIT;
	}
	begin_pdu(conn);
	return STEP_ON;
}

static enum step expect_head(struct iscsi_conn *conn)
{
	switch (iscsi_rx_head(&conn->rules, conn->inbox.buf ? gw_inbox_at(&conn->inbox) : NULL,
			      gw_inbox_bytes(&conn->inbox), &conn->rx_need, &conn->layout)) {
	case ISCSI_RX_MORE:
		return STEP_WAIT;
	case ISCSI_RX_HEAD:
		return gw_share_holds(&conn->share) ? STEP_WAIT : take_head(conn);
	case ISCSI_RX_BAD_DIGEST:
		iscsi_count(conn->home, ISCSI_COUNT_digest_errors, 1);
		iscsi_doom(conn, "a header digest is wrong"); /* 7.8, level 0 */
		return STEP_WAIT;
	case ISCSI_RX_TOO_LONG:
		iscsi_offend(conn, "a data segment longer than declared");
		return STEP_WAIT;
	}
	return STEP_WAIT;
}

/* ---- data ------------------------------------------------------------------ */

static void sum(struct iscsi_conn *conn, const void *at, uint32_t bytes)
{
	if (iscsi_rx_sums(&conn->rules, &conn->layout))
		conn->crc = crc32c(conn->crc, at, bytes);
}

/* The sink refers to the buffer itself. */
static bool is_in_place(const struct iscsi_conn *conn)
{
	return conn->sink && conn->sink->n == 1 && conn->sink->buf[0] == conn->inbox.buf;
}

static enum step take_data(struct iscsi_conn *conn)
{
	uint32_t left = conn->layout.data_bytes - conn->sink_got;
	uint32_t n = (uint32_t)num_min(left, gw_inbox_bytes(&conn->inbox));

	if (n) {
		sum(conn, gw_inbox_at(&conn->inbox), n);
		if (conn->sink && !is_in_place(conn))
			gw_mem_copy_in(conn->sink, conn->sink_from + conn->sink_got,
				       gw_inbox_at(&conn->inbox), n);
		gw_inbox_skip(&conn->inbox, n);
		conn->sink_got += n;
	}
	if (n < left)
		return STEP_WAIT;
	conn->expect = ISCSI_EXPECT_TAIL;
	return STEP_ON;
}

/* Padding and digest are here. */
static bool skip_tail(struct iscsi_conn *conn)
{
	bool good = conn->unsummed || iscsi_rx_tail_ok(&conn->rules, &conn->layout, conn->crc,
						       gw_inbox_at(&conn->inbox));

	gw_inbox_skip(&conn->inbox, conn->layout.tail_bytes);
	return good;
}

static enum step take_tail(struct iscsi_conn *conn)
{
	uint32_t tail = conn->layout.tail_bytes;
	bool good = true;

	if (tail) {
		if (gw_inbox_bytes(&conn->inbox) < tail) {
			conn->rx_need = tail;
			return STEP_WAIT;
		}
		good = skip_tail(conn);
	}
	conn->expect = ISCSI_EXPECT_HEAD;
	iscsi_ffp_end(conn, good);
	if (conn->limbo.n)
		gw_mem_put(&conn->limbo);
	return STEP_ON;
}

/* ---- the machine ----------------------------------------------------------- */

static enum step step(struct iscsi_conn *conn)
{
	if (conn->waiting || conn->dead || conn->doom)
		return STEP_WAIT;
	switch ((enum iscsi_expect)conn->expect) {
	case ISCSI_EXPECT_HEAD:
		return expect_head(conn);
	case ISCSI_EXPECT_DATA:
		return take_data(conn);
	case ISCSI_EXPECT_TAIL:
		return take_tail(conn);
	case ISCSI_EXPECT_NOTHING:
		break;
	}
	return STEP_WAIT;
}

void iscsi_tcp_run(struct iscsi_conn *conn)
{
	while (step(conn) == STEP_ON)
		;
}

void iscsi_tcp_received(struct iscsi_conn *conn, uint32_t bytes)
{
	uint32_t direct = gw_inbox_came(&conn->inbox, bytes);
	struct iovec iov[GW_MEM_SLICES];
	unsigned n;

	iscsi_count(conn->home, ISCSI_COUNT_receives, 1);
	if (direct && conn->sink && iscsi_rx_sums(&conn->rules, &conn->layout)) {
		n = gw_mem_iov(conn->sink, conn->sink_from + conn->sink_got, direct, iov);
		conn->crc = crc32c_iov(conn->crc, iov, n);
	}
	conn->sink_got += direct;
}

/* ---- memory to receive into ------------------------------------------------ */

/* How many bytes must stand together before anything can go on. */
static uint32_t needed(const struct iscsi_conn *conn)
{
	if (conn->expect == ISCSI_EXPECT_DATA)
		return ISCSI_HEAD_MAX_BYTES;
	return conn->rx_need;
}

/* What is still missing of data that has a place. */
static uint32_t rest_of_data(const struct iscsi_conn *conn)
{
	if (conn->expect != ISCSI_EXPECT_DATA || !conn->sink)
		return 0;
	return conn->layout.data_bytes - conn->sink_got;
}

static void receive(struct iscsi_conn *conn)
{
	struct gw_inbox_want want = { .need = needed(conn), .rest = rest_of_data(conn) };

	want.behind = want.rest < REST_LONG_BYTES ? ISCSI_RX_BYTES : BEHIND_LONG_BYTES;
	if (want.rest) {
		want.place = conn->sink;
		want.at = conn->sink_from + conn->sink_got;
	}
	if (!gw_inbox_aim(&conn->inbox, &want))
		wait_for(conn, &conn->sess->in, ISCSI_RX_BYTES);
	else if (conn->inbox.n)
		loop_stream_receive(&conn->stream, conn->inbox.iov, conn->inbox.n, false);
}

void iscsi_tcp_arm(struct iscsi_conn *conn)
{
	if (conn->stream.receiving || conn->waiting || conn->dead || conn->doom ||
	    conn->expect == ISCSI_EXPECT_NOTHING || conn->n_queued > QUEUED_MAX)
		return;
	receive(conn);
}

void iscsi_tcp_init(struct iscsi_conn *conn)
{
	conn->expect = ISCSI_EXPECT_HEAD;
	conn->rx_need = ISCSI_BHS_BYTES;
	conn->mem_waiter.wake = wake;
	gw_inbox_init(&conn->inbox, &conn->sess->in, ISCSI_RX_BYTES, ISCSI_BHS_BYTES);
	STAILQ_INIT(&conn->queue);
	STAILQ_INIT(&conn->sending);
}

void iscsi_tcp_drop(struct iscsi_conn *conn)
{
	gw_credit_unwait(&conn->mem_waiter);
	if (conn->limbo.n)
		gw_mem_put(&conn->limbo);
	gw_inbox_drop(&conn->inbox);
}
