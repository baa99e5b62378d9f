/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pool.h - a loop's memory: 2 MiB chunks, split by halves down to 4 KiB pages.
 *
 * What others see of it is gateway/api/buf.h.  This header is the shape, for
 * the core that embeds a pool in each loop, and for the unit test.
 */
#ifndef GATEWAY_CORE_POOL_H
#define GATEWAY_CORE_POOL_H

#include "gateway/api/buf.h"

#define POOL_CHUNK_BYTES (2u << 20)
#define POOL_PAGES (POOL_CHUNK_BYTES / GW_PAGE_BYTES)
#define POOL_ORDERS 10 /* 4 KiB << 0 .. 4 KiB << 9 = the chunk */
#define POOL_CACHED_ORDERS 5 /* blocks up to 64 KiB are kept ready */
#define POOL_CACHE_MAX 32

struct pool_page {
	uint16_t next, prev; /* free list of the chunk */
	uint8_t order;
	bool free; /* head of a free block */
};

struct pool_chunk {
	uint8_t *mem;
	int list; /* which list of the pool it is in: its largest free order, -1 none */
	TAILQ_ENTRY(pool_chunk) link;
	uint16_t head[POOL_ORDERS];
	uint16_t mask; /* orders with a free block */
	struct pool_page page[POOL_PAGES];
};
TAILQ_HEAD(pool_chunks, pool_chunk);

struct gw_pool {
	uint64_t limit_bytes; /* what may be handed out */
	uint64_t promised_bytes; /* sum of all guarantees */
	uint64_t shared_bytes; /* taken beyond guarantees */
	uint64_t used_bytes;
	uint64_t mapped_bytes; /* of all chunks */
	struct pool_chunks by_order[POOL_ORDERS], full;
	struct gw_buf *cache[POOL_CACHED_ORDERS];
	unsigned cached[POOL_CACHED_ORDERS];
	struct gw_buf *handles; /* free ones */
	void *handle_blocks;
	TAILQ_HEAD(, gw_mem_waiter) waiters;
	unsigned n_waiters;
	bool waking;
	struct gw_credit orphans; /* memory whose owner has left */
};

void gw_pool_init(struct gw_pool *pool, uint64_t limit_bytes);
void gw_pool_free(struct gw_pool *pool);
/* The memory's owner leaves, the memory stays for a while. */
void gw_mem_adopt(struct gw_pool *pool, struct gw_mem *mem);
/* Gives chunks that nobody uses back to the system. */
void gw_pool_trim(struct gw_pool *pool);

#endif
