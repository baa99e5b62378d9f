/* SPDX-License-Identifier: BSD-3-Clause
 *
 * buf.h - pooled memory: buffers, slices of them, and credits.
 *
 * Every loop has one pool.  Memory is page aligned, comes in powers of two from
 * 4 KiB to 1 MiB, and is touched on its loop only - but for the store's lane and
 * the driver, which read and write it while the request is theirs.  A slice
 * holds a reference to its buffer, so write data stays where the socket put it.
 *
 *   gw_pool ── 2 MiB chunks ──▶ gw_buf (refs) ◀── gw_mem.buf[i]
 *                                  ▲                gw_mem.iov[i] points inside
 */
#ifndef GATEWAY_API_BUF_H
#define GATEWAY_API_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/uio.h>

struct gw;
struct loop;
struct gw_pool;

#define GW_PAGE_BYTES 4096u
#define GW_BUF_MAX_BYTES (1u << 20) /* also the largest piece of a wire request */
#define GW_MEM_SLICES 8

/* Whose memory a slice points to instead of that of its buffer; told when the buffer is
 * given back.  The buffer is held meanwhile and not touched, so that credits mean the
 * same whether an answer was lent or read. */
struct gw_lender {
	void (*back)(struct gw_lender *lender, void *loan);
};

/* The reader sees where and how long; the rest is the pool's. */
struct gw_buf {
	uint8_t *mem;
	uint32_t bytes;
	uint32_t refs;
	struct gw_pool *pool;
	struct gw_credit *credit; /* who pays; null: the pool's shared part */
	void *chunk;
	struct gw_buf *next;
	struct gw_lender *lender; /* null: its slices point into it */
	void *loan; /* the lender's */
};

/* A scatter list of slices.  buf[i] null: foreign memory, kept by its owner. */
struct gw_mem {
	unsigned n;
	uint32_t bytes; /* the sum */
	struct iovec iov[GW_MEM_SLICES];
	struct gw_buf *buf[GW_MEM_SLICES];
};

/*
 * What one connection (or session) may hold.  guaranteed_bytes are set aside at
 * gw_credit_open() and can be taken at any time; beyond that, up to limit_bytes,
 * the shared rest of the pool serves whoever comes first.  So a peer who does
 * not read its answers starves itself and nobody else.
 */
struct gw_credit {
	struct gw_pool *pool;
	uint64_t guaranteed_bytes, limit_bytes, used_bytes;
	uint64_t shared_bytes; /* of used: charged to the shared part */
};

/* Waits for memory; woken in order of arrival, each once per gw_credit_wait(). */
struct gw_mem_waiter {
	void (*wake)(struct gw_mem_waiter *waiter);
	struct gw_credit *credit;
	uint64_t bytes;
	bool waiting;
	TAILQ_ENTRY(gw_mem_waiter) link;
};

/* ---- home loop ---------------------------------------------------------- */

struct gw_pool *gw_pool_of(struct gw *gw, struct loop *loop);
/* Bytes that newcomers can be promised whatever those before them hold: what a
 * guarantee that may be smaller is measured by. */
uint64_t gw_pool_reserve_bytes(const struct gw_pool *pool);

/* false: the pool cannot guarantee that much beside what it has promised
 * already; the protocol refuses the newcomer with its own word for busy. */
bool gw_credit_open(struct gw_pool *pool, uint64_t guaranteed_bytes, uint64_t limit_bytes,
		    struct gw_credit *credit);
/* Another guarantee and limit for one that is open; what it has taken stays taken.  False,
 * and nothing has changed: the pool cannot guarantee more.  Less is always granted, and
 * those who wait for the shared part are woken. */
bool gw_credit_resize(struct gw_credit *credit, uint64_t guaranteed_bytes, uint64_t limit_bytes);
/* All its memory must be back. */
void gw_credit_close(struct gw_credit *credit);

/* Appends up to `bytes` to mem (usually one slice), pages rounded up, iov
 * lengths exact.  Returns what it appended: bytes, or less but at least
 * min_bytes where memory is short or broken into pieces, or 0 with mem untouched
 * (then wait).  min_bytes 0 means all or nothing. */
uint32_t gw_mem_take(struct gw_credit *credit, uint32_t bytes, uint32_t min_bytes,
		     struct gw_mem *mem);
/* One contiguous buffer (<= GW_BUF_MAX_BYTES), one reference; null: wait. */
struct gw_buf *gw_buf_take(struct gw_credit *credit, uint32_t bytes);
struct gw_buf *gw_buf_ref(struct gw_buf *buf);
void gw_buf_put(struct gw_buf **buf);

/* Appends a slice and takes a reference; false: the list is full. */
bool gw_mem_add(struct gw_mem *mem, struct gw_buf *buf, void *start, uint32_t bytes);
/* Gives every reference back; mem is empty then. */
void gw_mem_put(struct gw_mem *mem);
/* Ends what was lent: the slices point to their own buffers, whose bytes are anything. */
void gw_mem_own(struct gw_mem *mem);
/* Whether its bytes are somebody else's: to be sent, and not to be looked at. */
static inline bool gw_mem_is_lent(const struct gw_mem *mem)
{
	return mem->n && mem->buf[0] && mem->buf[0]->lender;
}
/* Shortens it to its first bytes. */
void gw_mem_cut(struct gw_mem *mem, uint32_t bytes);
/* Moves all of src to the empty dst. */
void gw_mem_move(struct gw_mem *dst, struct gw_mem *src);

/* Queues the waiter until `bytes` can be taken on its credit. */
void gw_credit_wait(struct gw_mem_waiter *waiter, struct gw_credit *credit, uint64_t bytes);
void gw_credit_unwait(struct gw_mem_waiter *waiter);

/* ---- pure helpers over scatter lists ------------------------------------ */

void gw_mem_copy_out(const struct gw_mem *mem, uint32_t from, void *dst, uint32_t bytes);
void gw_mem_copy_in(struct gw_mem *mem, uint32_t from, const void *src, uint32_t bytes);
void gw_mem_zero(struct gw_mem *mem, uint32_t from, uint32_t bytes);
bool gw_mem_is_zero(const struct gw_mem *mem, uint32_t from, uint32_t bytes);
/* How many of the bytes are the same, from the front; bytes: all. */
uint32_t gw_mem_same(const struct gw_mem *a, uint32_t a_from, const struct gw_mem *b,
		     uint32_t b_from, uint32_t bytes);
/* The part [from, from + bytes) as iovecs; returns how many (<= GW_MEM_SLICES). */
unsigned gw_mem_iov(const struct gw_mem *mem, uint32_t from, uint32_t bytes, struct iovec *out);

#endif
