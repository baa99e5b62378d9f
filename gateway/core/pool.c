/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pool.c - a loop's memory: who may take how much, and where it lies.
 *
 * Two books: the credits say how many bytes may be taken (so a guarantee can
 * always be honoured), the chunks say which.  Small blocks are kept ready in a
 * cache per size, so the usual take and put are a pop and a push.
 */
#include "config.h"

#include "gateway/core/pool.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "gateway/base/huge.h"

#define PAGE_NONE UINT16_MAX
#define ORDER_CHUNK (POOL_ORDERS - 1)
#define HANDLES_PER_BLOCK 64

struct handle_block {
	struct handle_block *next;
	struct gw_buf handle[HANDLES_PER_BLOCK];
};

static unsigned order_of(uint32_t bytes)
{
	unsigned order = 0;

	while (((uint64_t)GW_PAGE_BYTES << order) < bytes)
		order++;
	return order;
}

static uint32_t order_bytes(unsigned order)
{
	return GW_PAGE_BYTES << order;
}

/* ---- blocks inside a chunk ---------------------------------------------- */

static void chunk_relist(struct gw_pool *pool, struct pool_chunk *chunk)
{
	int want = chunk->mask ? 31 - __builtin_clz(chunk->mask) : -1;

	if (want == chunk->list)
		return;
	if (chunk->list >= 0)
		TAILQ_REMOVE(&pool->by_order[chunk->list], chunk, link);
	else
		TAILQ_REMOVE(&pool->full, chunk, link);
	chunk->list = want;
	if (want >= 0)
		TAILQ_INSERT_HEAD(&pool->by_order[want], chunk, link);
	else
		TAILQ_INSERT_HEAD(&pool->full, chunk, link);
}

static void block_push(struct pool_chunk *chunk, uint16_t page, unsigned order)
{
	struct pool_page *p = &chunk->page[page];

	p->order = (uint8_t)order;
	p->free = true;
	p->prev = PAGE_NONE;
	p->next = chunk->head[order];
	if (p->next != PAGE_NONE)
		chunk->page[p->next].prev = page;
	chunk->head[order] = page;
	chunk->mask |= (uint16_t)(1u << order);
}

static void block_pull(struct pool_chunk *chunk, uint16_t page)
{
	struct pool_page *p = &chunk->page[page];

	p->free = false;
	if (p->prev != PAGE_NONE)
		chunk->page[p->prev].next = p->next;
	else
		chunk->head[p->order] = p->next;
	if (p->next != PAGE_NONE)
		chunk->page[p->next].prev = p->prev;
	if (chunk->head[p->order] == PAGE_NONE)
		chunk->mask &= (uint16_t) ~(1u << p->order);
}

static struct pool_chunk *chunk_make(struct gw_pool *pool)
{
	struct pool_chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk)
		return NULL;
	chunk->mem = huge_alloc(POOL_CHUNK_BYTES);
	if (!chunk->mem) {
		free(chunk);
		return NULL;
	}
	memset(chunk->head, 0xff, sizeof(chunk->head));
	chunk->list = -1;
	TAILQ_INSERT_HEAD(&pool->full, chunk, link);
	block_push(chunk, 0, ORDER_CHUNK);
	chunk_relist(pool, chunk);
	pool->mapped_bytes += POOL_CHUNK_BYTES;
	return chunk;
}

static void chunk_free(struct gw_pool *pool, struct pool_chunk *chunk)
{
	if (chunk->list >= 0)
		TAILQ_REMOVE(&pool->by_order[chunk->list], chunk, link);
	else
		TAILQ_REMOVE(&pool->full, chunk, link);
	pool->mapped_bytes -= POOL_CHUNK_BYTES;
	huge_free(chunk->mem);
	free(chunk);
}

/* The fullest chunk that still has a block of this size: so that others empty. */
static struct pool_chunk *chunk_with(struct gw_pool *pool, unsigned order)
{
	struct pool_chunk *chunk;

	for (unsigned o = order; o < POOL_ORDERS; o++) {
		chunk = TAILQ_FIRST(&pool->by_order[o]);
		if (chunk)
			return chunk;
	}
	return chunk_make(pool);
}

static uint8_t *block_take(struct gw_pool *pool, unsigned order, void **owner)
{
	struct pool_chunk *chunk = chunk_with(pool, order);
	unsigned have;
	uint16_t page;

	if (!chunk)
		return NULL;
	have = (unsigned)__builtin_ctz(chunk->mask >> order) + order;
	page = chunk->head[have];
	block_pull(chunk, page);
	while (have > order) {
		have--;
		block_push(chunk, (uint16_t)(page + (1u << have)), have);
	}
	chunk->page[page].order = (uint8_t)order;
	chunk_relist(pool, chunk);
	*owner = chunk;
	return chunk->mem + (size_t)page * GW_PAGE_BYTES;
}

static void block_put(struct gw_pool *pool, struct pool_chunk *chunk, uint8_t *mem, unsigned order)
{
	uint16_t page = (uint16_t)((mem - chunk->mem) / GW_PAGE_BYTES);

	while (order < ORDER_CHUNK) {
		uint16_t buddy = (uint16_t)(page ^ (1u << order));

		if (!chunk->page[buddy].free || chunk->page[buddy].order != order)
			break;
		block_pull(chunk, buddy);
		page &= (uint16_t) ~(1u << order);
		order++;
	}
	block_push(chunk, page, order);
	chunk_relist(pool, chunk);
}

/* ---- handles, and the cache of small blocks ----------------------------- */

static struct gw_buf *handle_take(struct gw_pool *pool)
{
	struct gw_buf *buf = pool->handles;
	struct handle_block *block;

	if (!buf) {
		block = calloc(1, sizeof(*block));
		if (!block)
			return NULL;
		block->next = pool->handle_blocks;
		pool->handle_blocks = block;
		for (unsigned i = 0; i < HANDLES_PER_BLOCK; i++) {
			block->handle[i].next = pool->handles;
			pool->handles = &block->handle[i];
		}
		buf = pool->handles;
	}
	pool->handles = buf->next;
	return buf;
}

static struct gw_buf *buf_from_chunks(struct gw_pool *pool, unsigned order)
{
	struct gw_buf *buf = handle_take(pool);

	if (!buf)
		return NULL;
	buf->mem = block_take(pool, order, &buf->chunk);
	if (!buf->mem) {
		buf->next = pool->handles;
		pool->handles = buf;
		return NULL;
	}
	buf->pool = pool;
	buf->bytes = order_bytes(order);
	return buf;
}

static void buf_to_chunks(struct gw_pool *pool, struct gw_buf *buf)
{
	block_put(pool, buf->chunk, buf->mem, order_of(buf->bytes));
	buf->next = pool->handles;
	pool->handles = buf;
}

static struct gw_buf *buf_any(struct gw_pool *pool, unsigned order)
{
	struct gw_buf *buf;

	if (order < POOL_CACHED_ORDERS && pool->cache[order]) {
		buf = pool->cache[order];
		pool->cache[order] = buf->next;
		pool->cached[order]--;
		return buf;
	}
	return buf_from_chunks(pool, order);
}

static void buf_back(struct gw_pool *pool, struct gw_buf *buf)
{
	unsigned order = order_of(buf->bytes);

	if (order < POOL_CACHED_ORDERS && pool->cached[order] < POOL_CACHE_MAX) {
		buf->next = pool->cache[order];
		pool->cache[order] = buf;
		pool->cached[order]++;
		return;
	}
	buf_to_chunks(pool, buf);
}

/* ---- credits ------------------------------------------------------------ */

static uint64_t beyond(uint64_t used, uint64_t guaranteed)
{
	return used > guaranteed ? used - guaranteed : 0;
}

/* What the shared part never takes, so that newcomers find room for a guarantee
 * whatever those before them hold.  One read of 32 MiB in one reply must still
 * be possible over the smallest pool. */
#define SHARED_LEAST_BYTES (33u << 20)

static uint64_t reserve(const struct gw_pool *pool)
{
	uint64_t beyond_one =
		pool->limit_bytes > SHARED_LEAST_BYTES ? pool->limit_bytes - SHARED_LEAST_BYTES : 0;

	return pool->limit_bytes / 2 < beyond_one ? pool->limit_bytes / 2 : beyond_one;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool credit_allows(const struct gw_credit *credit, uint64_t bytes)
{
	const struct gw_pool *pool = credit->pool;
	uint64_t used = credit->used_bytes + bytes;
	uint64_t more = beyond(used, credit->guaranteed_bytes) - credit->shared_bytes;

	if (used <= credit->guaranteed_bytes)
		return true;
	return used <= credit->limit_bytes &&
	       pool->shared_bytes + more <=
		       pool->limit_bytes - larger(pool->promised_bytes, reserve(pool));
}

static void credit_charge(struct gw_credit *credit, int64_t bytes)
{
	uint64_t shared;

	credit->used_bytes += (uint64_t)bytes;
	shared = beyond(credit->used_bytes, credit->guaranteed_bytes);
	credit->pool->shared_bytes += shared - credit->shared_bytes;
	credit->shared_bytes = shared;
}

uint64_t gw_pool_reserve_bytes(const struct gw_pool *pool)
{
	return beyond(reserve(pool), pool->promised_bytes);
}

/* Beside what is promised to others, and what is taken beyond promises. */
static bool can_promise(const struct gw_pool *pool, uint64_t others, uint64_t bytes,
			uint64_t shared)
{
	uint64_t promised = others + bytes;

	return promised >= bytes && promised <= pool->limit_bytes &&
	       (promised <= reserve(pool) || promised + shared <= pool->limit_bytes);
}

bool gw_credit_open(struct gw_pool *pool, uint64_t guaranteed_bytes, uint64_t limit_bytes,
		    struct gw_credit *credit)
{
	if (!can_promise(pool, pool->promised_bytes, guaranteed_bytes, pool->shared_bytes))
		return false;
	pool->promised_bytes += guaranteed_bytes;
	*credit = (struct gw_credit){
		.pool = pool,
		.guaranteed_bytes = guaranteed_bytes,
		.limit_bytes = limit_bytes,
	};
	return true;
}

/* The first that may go on.  Who waits for the shared part lets nobody behind
 * him have of it; who lives on his own guarantee passes. */
static struct gw_mem_waiter *next_waiter(struct gw_pool *pool)
{
	bool shared_is_wanted = false;
	struct gw_mem_waiter *w;

	TAILQ_FOREACH (w, &pool->waiters, link) {
		uint64_t used = w->credit->used_bytes + w->bytes;

		if (used <= w->credit->guaranteed_bytes)
			return w;
		if (used > w->credit->limit_bytes || shared_is_wanted)
			continue;
		if (credit_allows(w->credit, w->bytes))
			return w;
		shared_is_wanted = true;
	}
	return NULL;
}

static void unlink_waiter(struct gw_pool *pool, struct gw_mem_waiter *waiter)
{
	TAILQ_REMOVE(&pool->waiters, waiter, link);
	pool->n_waiters--;
	waiter->waiting = false;
}

/* Who is woken and waits again waits for the next put: a waiter that asks for
 * more than it waits for would otherwise keep us here. */
static void wake_waiters(struct gw_pool *pool)
{
	unsigned most = pool->n_waiters;
	struct gw_mem_waiter *w;

	if (!most || pool->waking)
		return;
	pool->waking = true;
	for (; most && (w = next_waiter(pool)); most--) {
		unlink_waiter(pool, w);
		w->wake(w);
	}
	pool->waking = false;
}

bool gw_credit_resize(struct gw_credit *credit, uint64_t guaranteed_bytes, uint64_t limit_bytes)
{
	struct gw_pool *pool = credit->pool;
	uint64_t others = pool->promised_bytes - credit->guaranteed_bytes;
	uint64_t shared = pool->shared_bytes - credit->shared_bytes +
			  beyond(credit->used_bytes, guaranteed_bytes);

	if (guaranteed_bytes > credit->guaranteed_bytes &&
	    !can_promise(pool, others, guaranteed_bytes, shared))
		return false;
	pool->promised_bytes = others + guaranteed_bytes;
	credit->guaranteed_bytes = guaranteed_bytes;
	credit->limit_bytes = limit_bytes;
	credit_charge(credit, 0);
	wake_waiters(pool); /* its own, too: it may take more now */
	return true;
}

void gw_credit_close(struct gw_credit *credit)
{
	struct gw_pool *pool = credit->pool;

	if (!pool)
		return;
	GW_CHECK(credit->used_bytes == 0);
	pool->promised_bytes -= credit->guaranteed_bytes;
	credit->pool = NULL;
	if (pool->used_bytes == 0)
		gw_pool_trim(pool);
	wake_waiters(pool);
}

void gw_credit_wait(struct gw_mem_waiter *waiter, struct gw_credit *credit, uint64_t bytes)
{
	GW_CHECK(!waiter->waiting);
	waiter->credit = credit;
	/* memory is charged in whole pages */
	waiter->bytes = (bytes + GW_PAGE_BYTES - 1) / GW_PAGE_BYTES * GW_PAGE_BYTES;
	waiter->waiting = true;
	TAILQ_INSERT_TAIL(&credit->pool->waiters, waiter, link);
	credit->pool->n_waiters++;
}

void gw_credit_unwait(struct gw_mem_waiter *waiter)
{
	struct gw_pool *pool;

	if (!waiter->waiting)
		return;
	pool = waiter->credit->pool;
	unlink_waiter(pool, waiter);
	wake_waiters(pool); /* it may have kept others behind it from the shared part */
}

/* ---- buffers ------------------------------------------------------------ */

struct gw_buf *gw_buf_take(struct gw_credit *credit, uint32_t bytes)
{
	struct gw_pool *pool = credit->pool;
	unsigned order = order_of(bytes);
	struct gw_buf *buf;

	GW_CHECK(bytes > 0 && bytes <= GW_BUF_MAX_BYTES);
	if (!credit_allows(credit, order_bytes(order)))
		return NULL;
	buf = buf_any(pool, order);
	if (!buf)
		return NULL;
	buf->refs = 1;
	buf->credit = credit;
	pool->used_bytes += buf->bytes;
	credit_charge(credit, buf->bytes);
	return buf;
}

struct gw_buf *gw_buf_ref(struct gw_buf *buf)
{
	buf->refs++;
	return buf;
}

static void end_loan(struct gw_buf *buf)
{
	struct gw_lender *lender = buf->lender;

	buf->lender = NULL;
	lender->back(lender, buf->loan);
}

void gw_buf_put(struct gw_buf **bufp)
{
	struct gw_buf *buf = *bufp;
	struct gw_pool *pool;

	*bufp = NULL;
	if (!buf)
		return;
	GW_CHECK(buf->refs > 0);
	if (--buf->refs)
		return;
	if (buf->lender)
		end_loan(buf);
	pool = buf->pool;
	pool->used_bytes -= buf->bytes;
	credit_charge(buf->credit, -(int64_t)buf->bytes);
	buf_back(pool, buf);
	wake_waiters(pool);
}

bool gw_mem_add(struct gw_mem *mem, struct gw_buf *buf, void *start, uint32_t bytes)
{
	if (mem->n == GW_MEM_SLICES)
		return false;
	mem->iov[mem->n] = (struct iovec){ .iov_base = start, .iov_len = bytes };
	mem->buf[mem->n] = buf ? gw_buf_ref(buf) : NULL;
	mem->n++;
	mem->bytes += bytes;
	return true;
}

static bool take_slice(struct gw_credit *credit, uint32_t bytes, struct gw_mem *mem)
{
	struct gw_buf *buf = gw_buf_take(credit, bytes);

	if (!buf)
		return false;
	gw_mem_add(mem, buf, buf->mem, bytes);
	gw_buf_put(&buf); /* the slice holds it now */
	return true;
}

uint32_t gw_mem_take(struct gw_credit *credit, uint32_t bytes, uint32_t min_bytes,
		     struct gw_mem *mem)
{
	unsigned before = mem->n;
	uint32_t got = 0;

	if (min_bytes == 0)
		min_bytes = bytes;
	while (got < bytes && mem->n < GW_MEM_SLICES) {
		uint32_t part = bytes - got;

		if (part > GW_BUF_MAX_BYTES)
			part = GW_BUF_MAX_BYTES;
		while (!take_slice(credit, part, mem)) {
			if (part <= GW_PAGE_BYTES)
				goto out;
			part = order_bytes(order_of(part) - 1);
		}
		got += part;
	}
out:
	if (got >= min_bytes)
		return got;
	while (mem->n > before) {
		mem->n--;
		mem->bytes -= (uint32_t)mem->iov[mem->n].iov_len;
		gw_buf_put(&mem->buf[mem->n]);
	}
	return 0;
}

void gw_mem_own(struct gw_mem *mem)
{
	for (unsigned i = 0; i < mem->n; i++) {
		if (!mem->buf[i] || !mem->buf[i]->lender)
			continue;
		end_loan(mem->buf[i]);
		mem->iov[i].iov_base = mem->buf[i]->mem;
	}
}

void gw_mem_adopt(struct gw_pool *pool, struct gw_mem *mem)
{
	for (unsigned i = 0; i < mem->n; i++) {
		struct gw_buf *buf = mem->buf[i];

		if (!buf || buf->credit == &pool->orphans)
			continue;
		credit_charge(buf->credit, -(int64_t)buf->bytes);
		buf->credit = &pool->orphans;
		credit_charge(buf->credit, buf->bytes);
	}
	wake_waiters(pool); /* the guarantee is free again */
}

/* ---- the pool itself ---------------------------------------------------- */

void gw_pool_init(struct gw_pool *pool, uint64_t limit_bytes)
{
	memset(pool, 0, sizeof(*pool));
	pool->limit_bytes = limit_bytes;
	TAILQ_INIT(&pool->full);
	TAILQ_INIT(&pool->waiters);
	for (unsigned i = 0; i < POOL_ORDERS; i++)
		TAILQ_INIT(&pool->by_order[i]);
	pool->orphans = (struct gw_credit){ .pool = pool, .limit_bytes = UINT64_MAX };
}

void gw_pool_trim(struct gw_pool *pool)
{
	struct pool_chunk *chunk;

	for (unsigned o = 0; o < POOL_CACHED_ORDERS; o++) {
		struct gw_buf *buf = pool->cache[o], *next;

		for (; buf; buf = next) {
			next = buf->next;
			buf_to_chunks(pool, buf);
		}
		pool->cache[o] = NULL;
		pool->cached[o] = 0;
	}
	while ((chunk = TAILQ_FIRST(&pool->by_order[ORDER_CHUNK])))
		chunk_free(pool, chunk);
}

void gw_pool_free(struct gw_pool *pool)
{
	struct handle_block *block, *next;

	GW_CHECK(pool->used_bytes == 0);
	gw_pool_trim(pool);
	GW_CHECK(pool->mapped_bytes == 0);
	for (block = pool->handle_blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	pool->handle_blocks = NULL;
	pool->handles = NULL;
}
