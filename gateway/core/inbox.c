/* SPDX-License-Identifier: BSD-3-Clause
 *
 * inbox.c - room for what a byte stream brings (gateway/api/inbox.h): when a buffer is
 * used again, when it is left for a fresh one, and what moves with that.
 */
#include "config.h"

#include "gateway/api/inbox.h"

#include <string.h>

#include "gateway/base/check.h"
#include "gateway/base/line.h"

/* A buffer with less room than this behind it is left for a new one. */
#define ROOM_MIN_BYTES 16384u

void gw_inbox_init(struct gw_inbox *inbox, struct gw_credit *credit, uint32_t buf_bytes,
		   uint32_t head_bytes)
{
	*inbox = (struct gw_inbox){ .credit = credit,
				    .buf_bytes = buf_bytes,
				    .front = (LINE_BYTES - head_bytes % LINE_BYTES) % LINE_BYTES };
}

/* What is here goes to the front of this buffer.  It is little: less than what is
 * needed, or it would not move. */
static void begin_at(struct gw_inbox *inbox, struct gw_buf *buf, uint32_t have, uint32_t need)
{
	uint32_t front = need <= buf->bytes - inbox->front ? inbox->front : 0;

	if (have) {
		GW_CHECK(have <= buf->bytes - front);
		memmove(buf->mem + front, gw_inbox_at(inbox), have);
	}
	inbox->from = front;
	inbox->to = front + have;
}

/* A buffer in which `need` bytes can stand together.  False: no memory. */
static bool make_room(struct gw_inbox *inbox, uint32_t need)
{
	uint32_t have = gw_inbox_bytes(inbox);
	struct gw_buf *buf = inbox->buf;

	if (buf && buf->refs == 1 && (!have || !gw_inbox_fits(inbox, need))) {
		begin_at(inbox, buf, have, need);
		return true;
	}
	if (gw_inbox_fits(inbox, need) && (have || buf->bytes - inbox->to >= ROOM_MIN_BYTES))
		return true;
	buf = gw_buf_take(inbox->credit, inbox->buf_bytes);
	if (!buf)
		return false;
	begin_at(inbox, buf, have, need);
	gw_buf_put(&inbox->buf);
	inbox->buf = buf;
	return true;
}

bool gw_inbox_aim(struct gw_inbox *inbox, const struct gw_inbox_want *want)
{
	bool room = make_room(inbox, want->need);
	uint32_t rest = want->rest;
	unsigned n = 0;

	if (rest)
		n = gw_mem_iov(want->place, want->at, rest, inbox->iov);
	if (room && inbox->to < inbox->buf->bytes) {
		uint32_t behind = inbox->buf->bytes - inbox->to;

		inbox->iov[n].iov_base = inbox->buf->mem + inbox->to;
		inbox->iov[n++].iov_len = behind < want->behind ? behind : want->behind;
	}
	inbox->direct = rest;
	inbox->n = n;
	return room || rest;
}

void gw_inbox_drop(struct gw_inbox *inbox)
{
	gw_buf_put(&inbox->buf);
}
