/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_memory_slab.h - where pages come from: slabs of 2 MiB, and the pages that no lane
 * keeps for itself, in chains.
 *
 *   slab ──▶ 2 MiB of bytes, huge pages       What is written down of a page stands apart
 *     └─ page[512] ── bytes ──▶               from its bytes, close together: to take one
 *                                             or to give it back touches none of them.
 *   free ──▶ page ─next─▶ page ...
 *             │ chain
 *             └───▶ page ─next─▶ page ...
 *
 * Any lane takes and gives; no locks.  The list of chains is only ever pushed to, or taken
 * as a whole, so nothing can come back to its head between a look and an exchange.  The
 * memory of a slab whose pages are all in chains goes back to the system; its pages stay.
 * Above: st_memory_epoch.
 */
#ifndef PLUGINS_MEMORY_ST_MEMORY_SLAB_H
#define PLUGINS_MEMORY_ST_MEMORY_SLAB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define ST_MEMORY_PAGE_BYTES 4096u
#define ST_MEMORY_SLAB_PAGES 512u

/* Once a page can be found by others its bytes never change. */
struct st_memory_page {
	uint8_t *bytes;
	struct st_memory_page *next; /* spare, retired, lent, in a chain */
	struct st_memory_page *chain; /* of the first in a chain: the next chain */
	uint64_t age; /* retired: when */
	atomic_uint loans; /* are being sent from here; taken inside, given back anywhere */
	uint32_t number; /* in its slab */
};

struct st_memory_slab {
	struct st_memory_slab *next;
	uint8_t *mem;
	/* How many of its pages are in chains; ST_MEMORY_SLAB_GOING: all of them, and its
	 * memory is just being given to the system, so none can be taken. */
	atomic_uint n_free;
	struct st_memory_page page[ST_MEMORY_SLAB_PAGES];
};
#define ST_MEMORY_SLAB_GOING 0x80000000u

struct st_memory_slabs {
	_Atomic(struct st_memory_slab *) all;
	_Atomic(struct st_memory_page *) free;
};

void st_memory_slab_init(struct st_memory_slabs *slabs);
/* Alone: all pages are gone with it. */
void st_memory_slab_done(struct st_memory_slabs *slabs);

/* Some pages, a slab's worth at most, linked by `next`; null: no memory. */
struct st_memory_page *st_memory_slab_take(struct st_memory_slabs *slabs);
/* Pages linked by `next` that nobody can find. */
void st_memory_slab_give(struct st_memory_slabs *slabs, struct st_memory_page *pages);

#endif
