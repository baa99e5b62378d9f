/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_memory_slab.c - see st_memory_slab.h.
 */
#include "config.h"

#include "plugins/memory/st_memory_slab.h"

#include <stdbool.h>
#include <stdlib.h>

#include "gateway/base/huge.h"

_Static_assert(ST_MEMORY_SLAB_PAGES *ST_MEMORY_PAGE_BYTES == HUGE_BYTES, "one huge page");

void st_memory_slab_init(struct st_memory_slabs *slabs)
{
	atomic_init(&slabs->all, NULL);
	atomic_init(&slabs->free, NULL);
}

void st_memory_slab_done(struct st_memory_slabs *slabs)
{
	struct st_memory_slab *slab = atomic_exchange(&slabs->all, NULL), *next;

	for (; slab; slab = next) {
		next = slab->next;
		huge_free(slab->mem);
		free(slab);
	}
	atomic_store(&slabs->free, NULL);
}

static struct st_memory_slab *slab_of(struct st_memory_page *page)
{
	uint8_t *first = (uint8_t *)(page - page->number);

	return (struct st_memory_slab *)(first - offsetof(struct st_memory_slab, page));
}

/* ---- a new one ------------------------------------------------------------ */

static struct st_memory_page *link_all(struct st_memory_slab *slab)
{
	struct st_memory_page *list = NULL;

	for (uint32_t i = ST_MEMORY_SLAB_PAGES; i-- > 0;) {
		struct st_memory_page *page = &slab->page[i];

		page->bytes = slab->mem + i * ST_MEMORY_PAGE_BYTES;
		page->number = i;
		page->next = list;
		list = page;
	}
	return list;
}

/* The medium itself grows. */
static struct st_memory_page *make(struct st_memory_slabs *slabs)
{
	struct st_memory_slab *slab = calloc(1, sizeof(*slab));

	if (!slab)
		return NULL;
	slab->mem = huge_alloc(HUGE_BYTES);
	if (!slab->mem) {
		free(slab);
		return NULL;
	}
	slab->next = atomic_load(&slabs->all);
	while (!atomic_compare_exchange_weak(&slabs->all, &slab->next, slab))
		;
	return link_all(slab);
}

/* ---- one page's part in its slab ------------------------------------------ */

static void count_free(struct st_memory_page *page)
{
	struct st_memory_slab *slab = slab_of(page);
	unsigned all = ST_MEMORY_SLAB_PAGES;

	if (atomic_fetch_add(&slab->n_free, 1) + 1 != all ||
	    !atomic_compare_exchange_strong(&slab->n_free, &all, all | ST_MEMORY_SLAB_GOING))
		return;
	huge_drop(slab->mem, HUGE_BYTES);
	atomic_fetch_and(&slab->n_free, ~ST_MEMORY_SLAB_GOING);
}

/* False: its memory is going just now. */
static bool claim(struct st_memory_page *page)
{
	atomic_uint *n_free = &slab_of(page)->n_free;
	unsigned n = atomic_load(n_free);

	do
		if (n & ST_MEMORY_SLAB_GOING)
			return false;
	while (!atomic_compare_exchange_weak(n_free, &n, n - 1));
	return true;
}

/* ---- chains ---------------------------------------------------------------- */

/* One or several, linked by `chain`. */
static void push(struct st_memory_slabs *slabs, struct st_memory_page *chains)
{
	struct st_memory_page *last = chains, *none = NULL;

	/* Mostly what was there has just been taken: then nothing needs its end. */
	if (!chains || atomic_compare_exchange_strong(&slabs->free, &none, chains))
		return;
	while (last->chain)
		last = last->chain;
	last->chain = atomic_load(&slabs->free);
	while (!atomic_compare_exchange_weak(&slabs->free, &last->chain, chains))
		;
}

void st_memory_slab_give(struct st_memory_slabs *slabs, struct st_memory_page *pages)
{
	if (!pages)
		return;
	for (struct st_memory_page *page = pages; page; page = page->next)
		count_free(page);
	pages->chain = NULL;
	push(slabs, pages);
}

struct st_memory_page *st_memory_slab_take(struct st_memory_slabs *slabs)
{
	struct st_memory_page *chain = atomic_exchange(&slabs->free, NULL);
	struct st_memory_page *mine = NULL, *left = NULL, *next;

	if (!chain)
		return make(slabs);
	push(slabs, chain->chain);
	for (struct st_memory_page *page = chain; page; page = next) {
		struct st_memory_page **to = claim(page) ? &mine : &left;

		next = page->next;
		page->next = *to;
		*to = page;
	}
	if (left)
		left->chain = NULL;
	push(slabs, left);
	return mine ? mine : make(slabs);
}
