/* SPDX-License-Identifier: BSD-3-Clause
 *
 * inbox.c - room for what a byte stream brings (gateway/api/inbox.h): when a buffer is
 * used again, when it is left for a fresh one, and what moves with that.
 */
#include "config.h"

#include "gateway/api/inbox.h"

#include <string.h>

#include "gateway/base/check.h"

/* A buffer with less room than this behind it is left for a new one. */
#define ROOM_MIN_BYTES 16384u

void gw_inbox_init(struct gw_inbox *inbox, struct gw_credit *credit, uint32_t buf_bytes)
{
	*inbox = (struct gw_inbox){ .credit = credit, .buf_bytes = buf_bytes };
}

/* What is here (little: less than what is needed) goes to the front of the buffer. */
static void begin_at(struct gw_inbox *inbox, struct gw_buf *buf)
{
	uint32_t have = gw_inbox_bytes(inbox);

	if (have)
		memmove(buf->mem, gw_inbox_at(inbox), have);
	inbox->from = 0;
	inbox->to = have;
}

/* A buffer in which `need` bytes can stand together.  False: no memory. */
static bool make_room(struct gw_inbox *inbox, uint32_t need)
{
	uint32_t have = gw_inbox_bytes(inbox);
	bool fits = gw_inbox_fits(inbox, need);
	struct gw_buf *fresh;

	if (inbox->buf && inbox->buf->refs == 1 && (!have || !fits)) {
		begin_at(inbox, inbox->buf);
		return true;
	}
	if (fits && (have || inbox->buf->bytes - inbox->to >= ROOM_MIN_BYTES))
		return true;
	fresh = gw_buf_take(inbox->credit, inbox->buf_bytes);
	if (!fresh)
		return false;
	begin_at(inbox, fresh);
	gw_buf_put(&inbox->buf);
	inbox->buf = fresh;
	return true;
}

bool gw_inbox_aim(struct gw_inbox *inbox, const struct gw_inbox_want *want)
{
	bool room;

	GW_CHECK(want->need <= inbox->buf_bytes);
	room = make_room(inbox, want->need);
	inbox->n = 0;
	inbox->direct = want->rest;
	if (want->rest)
		inbox->n = gw_mem_iov(want->place, want->at, want->rest, inbox->iov);
	if (room && inbox->to < inbox->buf->bytes) {
		uint32_t behind = inbox->buf->bytes - inbox->to;

		inbox->iov[inbox->n].iov_base = inbox->buf->mem + inbox->to;
		inbox->iov[inbox->n++].iov_len = behind < want->behind ? behind : want->behind;
	}
	return room || want->rest;
}

void gw_inbox_drop(struct gw_inbox *inbox)
{
	gw_buf_put(&inbox->buf);
}
