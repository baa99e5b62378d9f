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

/* A buffer with less room than this behind it is left for a new one. */
#define ROOM_MIN_BYTES 16384u
/* Where this much of a data segment is still to come, only so much is taken of what
 * follows it: the next one will be as long, and its data shall go to its place at once
 * instead of through the buffer. */
#define REST_LONG_BYTES 32768u
#define BEHIND_LONG_BYTES 1024u
/* Answers that wait for a peer who does not read: then we do not read either. */
#define QUEUED_MAX 2048u

enum step { STEP_ON, STEP_WAIT };

static uint32_t available(const struct iscsi_conn *conn)
{
	return conn->rx_to - conn->rx_from;
}

static uint8_t *rx_at(const struct iscsi_conn *conn)
{
	return conn->rx->mem + conn->rx_from;
}

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
	conn->rx_from += conn->layout.head_bytes;
	conn->sink_got = 0;
	conn->crc = 0;
	conn->unsummed = false;
	conn->expect = ISCSI_EXPECT_DATA;
}

/* The head is whole and its digest right. */
static enum step take_head(struct iscsi_conn *conn)
{
	uint8_t *at = rx_at(conn), *data = at + conn->layout.head_bytes;
	bool here = available(conn) >= conn->layout.head_bytes + conn->layout.data_bytes;
	enum iscsi_fault fault = iscsi_pdu_get(at, conn->rules.data_max, &conn->pdu);

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
	switch (iscsi_rx_head(&conn->rules, conn->rx ? rx_at(conn) : NULL, available(conn),
			      &conn->rx_need, &conn->layout)) {
	case ISCSI_RX_MORE:
		return STEP_WAIT;
	case ISCSI_RX_HEAD:
		return take_head(conn);
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
	return conn->sink && conn->sink->n == 1 && conn->sink->buf[0] == conn->rx;
}

static enum step take_data(struct iscsi_conn *conn)
{
	uint32_t left = conn->layout.data_bytes - conn->sink_got;
	uint32_t n = (uint32_t)num_min(left, available(conn));

	if (n) {
		sum(conn, rx_at(conn), n);
		if (conn->sink && !is_in_place(conn))
			gw_mem_copy_in(conn->sink, conn->sink_from + conn->sink_got, rx_at(conn),
				       n);
		conn->rx_from += n;
		conn->sink_got += n;
	}
	if (n < left)
		return STEP_WAIT;
	conn->expect = ISCSI_EXPECT_TAIL;
	return STEP_ON;
}

static enum step take_tail(struct iscsi_conn *conn)
{
	uint32_t tail = conn->layout.tail_bytes;
	bool good = true;

	if (available(conn) < tail) {
		conn->rx_need = tail;
		return STEP_WAIT;
	}
	if (tail && !conn->unsummed)
		good = iscsi_rx_tail_ok(&conn->rules, &conn->layout, conn->crc, rx_at(conn));
	conn->rx_from += tail;
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
	uint32_t direct = (uint32_t)num_min(bytes, conn->rx_direct);
	struct iovec iov[GW_MEM_SLICES];
	unsigned n;

	iscsi_count(conn->home, ISCSI_COUNT_receives, 1);
	if (direct && conn->sink && iscsi_rx_sums(&conn->rules, &conn->layout)) {
		n = gw_mem_iov(conn->sink, conn->sink_from + conn->sink_got, direct, iov);
		conn->crc = crc32c_iov(conn->crc, iov, n);
	}
	conn->rx_direct = 0;
	conn->sink_got += direct;
	conn->rx_to += bytes - direct;
}

/* ---- memory to receive into ------------------------------------------------ */

/* How many bytes must stand together before anything can go on. */
static uint32_t needed(const struct iscsi_conn *conn)
{
	if (conn->expect == ISCSI_EXPECT_DATA)
		return ISCSI_HEAD_MAX_BYTES;
	return conn->rx_need;
}

/* A buffer in which needed() bytes can stand together, the few that are here moved
 * with them.  False: no memory. */
static bool make_room(struct iscsi_conn *conn)
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
	fresh = gw_buf_take(&conn->sess->in, ISCSI_RX_BYTES);
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

/* What is still missing of data that has a place. */
static uint32_t rest_of_data(const struct iscsi_conn *conn)
{
	if (conn->expect != ISCSI_EXPECT_DATA || !conn->sink)
		return 0;
	return conn->layout.data_bytes - conn->sink_got;
}

/* The room in the buffer that the next receive may fill. */
static uint32_t room_behind(const struct iscsi_conn *conn, uint32_t rest)
{
	uint32_t room = conn->rx->bytes - conn->rx_to;

	return rest < REST_LONG_BYTES ? room : (uint32_t)num_min(room, BEHIND_LONG_BYTES);
}

void iscsi_tcp_arm(struct iscsi_conn *conn)
{
	uint32_t rest = rest_of_data(conn);
	unsigned n = 0;
	bool room;

	if (conn->stream.receiving || conn->waiting || conn->dead || conn->doom ||
	    conn->expect == ISCSI_EXPECT_NOTHING || conn->n_queued > QUEUED_MAX)
		return;
	room = make_room(conn);
	if (!room && !rest) {
		wait_for(conn, &conn->sess->in, ISCSI_RX_BYTES);
		return;
	}
	if (rest)
		n = gw_mem_iov(conn->sink, conn->sink_from + conn->sink_got, rest, conn->rx_iov);
	if (room && conn->rx_to < conn->rx->bytes)
		conn->rx_iov[n++] =
			(struct iovec){ conn->rx->mem + conn->rx_to, room_behind(conn, rest) };
	conn->rx_direct = rest;
	if (n)
		loop_stream_receive(&conn->stream, conn->rx_iov, n, false);
}

void iscsi_tcp_init(struct iscsi_conn *conn)
{
	conn->expect = ISCSI_EXPECT_HEAD;
	conn->rx_need = ISCSI_BHS_BYTES;
	conn->mem_waiter.wake = wake;
	STAILQ_INIT(&conn->queue);
	STAILQ_INIT(&conn->sending);
}

void iscsi_tcp_drop(struct iscsi_conn *conn)
{
	gw_credit_unwait(&conn->mem_waiter);
	if (conn->limbo.n)
		gw_mem_put(&conn->limbo);
	gw_buf_put(&conn->rx);
}
