/* SPDX-License-Identifier: BSD-3-Clause
 *
 * inbox.h - where a byte stream is received: one pooled buffer, in which what came is
 * parsed in place, and in front of it the place of data that needs none of that.
 *
 *   buf:      | done | from ... parsed next ... to | room for more |
 *   receive:  the rest of data that has its place already, then the room behind `to`
 *
 * A payload that stands in the buffer may become a slice of it (gw_mem_add()): then the
 * buffer has more than one reference, and what is parsed next moves to a fresh one as
 * soon as the old one is used up.  The owner takes care of waiting for memory, and of
 * the receive itself.  Home loop; nothing here allocates.
 */
#ifndef GATEWAY_API_INBOX_H
#define GATEWAY_API_INBOX_H

#include "gateway/api/buf.h"

struct gw_inbox {
	struct gw_buf *buf; /* null: none yet */
	uint32_t from, to; /* came, and is not yet parsed */
	uint32_t direct; /* what the receive under way brings to its place first */
	uint32_t buf_bytes;
	uint32_t front; /* where the first head of a buffer stands */
	struct gw_credit *credit; /* who pays */
	unsigned n; /* of iov, for the next receive */
	struct iovec iov[GW_MEM_SLICES + 1];
};

/* What the next receive is for. */
struct gw_inbox_want {
	uint32_t need; /* bytes that must stand together before anything goes on; <= buf_bytes */
	/* Of data that has its place already, what is still missing. */
	const struct gw_mem *place;
	uint32_t at, rest; /* of place; rest 0: there is none */
	uint32_t behind; /* at most so much of what follows it */
};

/* buf_bytes: of a buffer, <= GW_BUF_MAX_BYTES.  head_bytes: of a frame, before its
 * payload, which then stands at a whole cache line where the head is a buffer's first:
 * so a large payload is copied on in a third of the time less. */
void gw_inbox_init(struct gw_inbox *inbox, struct gw_credit *credit, uint32_t buf_bytes,
		   uint32_t head_bytes);
/* Sets iov and n for one receive; n is 0 where the buffer is full of what waits to be
 * parsed.  False: there is no memory for a buffer, and no rest either: wait for
 * buf_bytes. */
bool gw_inbox_aim(struct gw_inbox *inbox, const struct gw_inbox_want *want);
/* Gives its memory back; nothing is armed. */
void gw_inbox_drop(struct gw_inbox *inbox);

static inline uint32_t gw_inbox_bytes(const struct gw_inbox *inbox)
{
	return inbox->to - inbox->from;
}

/* What is parsed next; there must be a buffer. */
static inline uint8_t *gw_inbox_at(const struct gw_inbox *inbox)
{
	return inbox->buf->mem + inbox->from;
}

/* That much is parsed. */
static inline void gw_inbox_skip(struct gw_inbox *inbox, uint32_t bytes)
{
	inbox->from += bytes;
}

/* The head that stands after so many bytes is looked at next: it comes into the cache
 * meanwhile, for the kernel has copied it past that.  To where nothing is does no harm. */
static inline void gw_inbox_foresee(const struct gw_inbox *inbox, uint32_t after, uint32_t bytes)
{
	const uint8_t *head = gw_inbox_at(inbox) + after;

	__builtin_prefetch(head);
	__builtin_prefetch(head + bytes - 1);
}

/* Is there room for so many bytes, those that are here included, to stand together? */
static inline bool gw_inbox_fits(const struct gw_inbox *inbox, uint32_t bytes)
{
	return inbox->buf && bytes <= inbox->buf->bytes - inbox->from;
}

/* A receive has ended with so many bytes; returns how many of them went to their
 * place. */
static inline uint32_t gw_inbox_came(struct gw_inbox *inbox, uint32_t bytes)
{
	uint32_t direct = bytes < inbox->direct ? bytes : inbox->direct;

	inbox->direct = 0;
	inbox->to += bytes - direct;
	return direct;
}

#endif
