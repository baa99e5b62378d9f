/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_memory_table.c - see st_memory_table.h.
 *
 * A write makes a new page and exchanges it for the old one.  Where it covers
 * less than a page the new one begins as a copy, and goes in only if the old
 * one is still there; else it is made again from what is there now.
 */
#include "config.h"

#include "plugins/memory/st_memory_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/num.h"
#include "gateway/base/stow.h"

/* Stands in the table for a page of zeroes that counts as allocated.  Nothing
 * is reserved by it: every write takes a new page, over a real page as well. */
static uint8_t zeroes[ST_MEMORY_PAGE_BYTES] __attribute__((aligned(ST_MEMORY_PAGE_BYTES)));
static struct st_memory_page zero_page = { .bytes = zeroes };

typedef _Atomic(struct st_memory_page *) entry;

int st_memory_table_init(struct st_memory_table *table, uint64_t size_bytes)
{
	uint64_t n = (size_bytes + ST_MEMORY_LEAF_BYTES - 1) / ST_MEMORY_LEAF_BYTES;

	table->root = calloc(n, sizeof(table->root[0]));
	if (!table->root)
		return -ENOMEM;
	table->n_roots = n;
	return 0;
}

void st_memory_table_done(struct st_memory_table *table)
{
	for (uint64_t i = 0; i < table->n_roots; i++)
		free(atomic_load(&table->root[i]));
	free(table->root);
	table->root = NULL;
	table->n_roots = 0;
}

/* ---- finding ------------------------------------------------------------ */

/* Null: the leaf is not there, all of it reads zero. */
static entry *find(struct st_memory_table *table, uint64_t offset)
{
	struct st_memory_leaf *leaf = atomic_load_explicit(
		&table->root[offset / ST_MEMORY_LEAF_BYTES], memory_order_acquire);

	return leaf ? &leaf->page[offset / ST_MEMORY_PAGE_BYTES % ST_MEMORY_LEAF_PAGES] : NULL;
}

/* The same, but makes the leaf.  Null: no memory. */
static entry *find_or_make(struct st_memory_table *table, uint64_t offset)
{
	_Atomic(struct st_memory_leaf *) *root = &table->root[offset / ST_MEMORY_LEAF_BYTES];
	struct st_memory_leaf *leaf, *other = NULL;
	entry *at = find(table, offset);

	if (at)
		return at;
	leaf = calloc(1, sizeof(*leaf));
	if (!leaf)
		return NULL;
	if (!atomic_compare_exchange_strong(root, &other, leaf))
		free(leaf); /* another lane's is there */
	return find(table, offset);
}

static bool is_page(const struct st_memory_page *page)
{
	return page && page != &zero_page;
}

/* ---- bytes -------------------------------------------------------------- */

/* Where the next piece is, and how long: at most want, at least 1. */
static void *next_piece(struct st_memory_cursor *c, size_t want, size_t *got)
{
	void *at;

	while (c->skip == c->iov->iov_len) { /* empty slices too */
		c->iov++;
		c->skip = 0;
	}
	at = (uint8_t *)c->iov->iov_base + c->skip;
	*got = num_min(want, c->iov->iov_len - c->skip);
	c->skip += *got;
	return at;
}

static void scatter(struct st_memory_cursor *to, const uint8_t *from, size_t length)
{
	while (length) {
		size_t n;
		void *at = next_piece(to, length, &n);

		if (from) {
			memcpy(at, from, n);
			from += n;
		} else {
			memset(at, 0, n);
		}
		length -= n;
	}
}

static void gather(uint8_t *to, struct st_memory_cursor *from, size_t length)
{
	while (length) {
		size_t n;
		void *at = next_piece(from, length, &n);

		stow(to, at, n);
		to += n;
		length -= n;
	}
}

void st_memory_table_read(struct st_memory_table *table, uint64_t offset, uint32_t length,
			  struct st_memory_cursor *to)
{
	entry *at = find(table, offset);
	struct st_memory_page *page = at ? atomic_load(at) : NULL;

	scatter(to, is_page(page) ? page->bytes + offset % ST_MEMORY_PAGE_BYTES : NULL, length);
}

static bool is_in_one_page(const struct gw_loan *loan)
{
	return loan->length <= ST_MEMORY_PAGE_BYTES - loan->offset % ST_MEMORY_PAGE_BYTES;
}

/* Three times over all of them, for each look may have to wait for memory: the entries come
 * into the cache, then what is written down of the pages, and are used when they are there. */
void st_memory_table_lend(struct st_memory_table *table, struct gw_loan *loans, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(find(table, loans[i].offset));
	for (unsigned i = 0; i < n; i++) {
		entry *at = find(table, loans[i].offset);
		struct st_memory_page *page = at ? atomic_load(at) : NULL;

		if (!is_in_one_page(&loans[i]) || !is_page(page))
			continue;
		loans[i].token = page;
		__builtin_prefetch(page, 1);
	}
	for (unsigned i = 0; i < n; i++) {
		struct st_memory_page *page = loans[i].token;

		if (page)
			st_memory_epoch_lend(page);
		if (is_in_one_page(&loans[i]))
			loans[i].at = (page ? page : &zero_page)->bytes +
				      loans[i].offset % ST_MEMORY_PAGE_BYTES;
	}
}

/* ---- changes ------------------------------------------------------------ */

static void put(entry *at, struct st_memory_lane *lane, struct st_memory_page *page)
{
	struct st_memory_page *old = atomic_exchange(at, page);

	if (is_page(old))
		st_memory_epoch_retire(lane, old);
}

/* Part of a page.  A null `from` stands for zeroes. */
static bool patch(entry *at, struct st_memory_lane *lane, uint32_t in_page, uint32_t length,
		  const struct st_memory_cursor *from)
{
	struct st_memory_page *page = st_memory_epoch_take(lane);
	struct st_memory_page *old = atomic_load(at);

	if (!page)
		return false;
	do {
		if (is_page(old))
			memcpy(page->bytes, old->bytes, ST_MEMORY_PAGE_BYTES);
		else
			memset(page->bytes, 0, ST_MEMORY_PAGE_BYTES);
		if (from)
			gather(page->bytes + in_page,
			       &(struct st_memory_cursor){ from->iov, from->skip }, length);
		else
			memset(page->bytes + in_page, 0, length);
		stow_settle();
	} while (!atomic_compare_exchange_strong(at, &old, page));
	if (is_page(old))
		st_memory_epoch_retire(lane, old);
	return true;
}

static struct st_memory_page *fill_one(struct st_memory_table *table, struct st_memory_lane *lane,
				       uint64_t offset, struct st_memory_cursor *from)
{
	entry *at = find_or_make(table, offset);
	struct st_memory_page *page = at ? st_memory_epoch_take(lane) : NULL;

	if (!page)
		return NULL;
	__builtin_prefetch(at, 1); /* here when it is published */
	gather(page->bytes, from, ST_MEMORY_PAGE_BYTES);
	return page;
}

static void give_all(struct st_memory_lane *lane, struct st_memory_page *pages)
{
	while (pages) {
		struct st_memory_page *next = pages->next;

		st_memory_epoch_give(lane, pages);
		pages = next;
	}
}

struct st_memory_page *st_memory_table_fill(struct st_memory_table *table,
					    struct st_memory_lane *lane, uint64_t offset,
					    uint32_t length, struct st_memory_cursor *from)
{
	struct st_memory_page *pages = NULL, **tail = &pages;

	for (uint32_t done = 0; done < length; done += ST_MEMORY_PAGE_BYTES) {
		struct st_memory_page *page = fill_one(table, lane, offset + done, from);

		*tail = page;
		if (!page) {
			give_all(lane, pages);
			return NULL;
		}
		tail = &page->next;
	}
	*tail = NULL;
	return pages;
}

void st_memory_table_foresee(struct st_memory_table *table, uint64_t offset,
			     const struct st_memory_page *pages)
{
	for (; pages; pages = pages->next, offset += ST_MEMORY_PAGE_BYTES)
		__builtin_prefetch(atomic_load_explicit(find(table, offset), memory_order_relaxed),
				   1);
}

void st_memory_table_publish(struct st_memory_table *table, struct st_memory_lane *lane,
			     uint64_t offset, struct st_memory_page *pages)
{
	while (pages) {
		struct st_memory_page *next = pages->next;

		put(find(table, offset), lane, pages);
		offset += ST_MEMORY_PAGE_BYTES;
		pages = next;
	}
}

static bool write_part(struct st_memory_table *table, struct st_memory_lane *lane, uint64_t offset,
		       uint32_t length, struct st_memory_cursor *from)
{
	entry *at = find_or_make(table, offset);

	if (!at || !patch(at, lane, offset % ST_MEMORY_PAGE_BYTES, length, from))
		return false;
	for (size_t n, left = length; left; left -= n)
		next_piece(from, left, &n);
	return true;
}

bool st_memory_table_write(struct st_memory_table *table, struct st_memory_lane *lane,
			   uint64_t offset, uint32_t length, struct st_memory_cursor *from)
{
	struct st_memory_page *page;

	if (length < ST_MEMORY_PAGE_BYTES)
		return write_part(table, lane, offset, length, from);
	page = st_memory_table_fill(table, lane, offset, length, from);
	if (!page)
		return false;
	stow_settle();
	st_memory_table_publish(table, lane, offset, page);
	return true;
}

/* What was zero already: a hole may have to become an allocated page. */
static bool clear_part(entry *at, struct st_memory_lane *lane, uint32_t in_page, uint32_t length,
		       bool keep)
{
	struct st_memory_page *old = NULL;

	if (keep)
		atomic_compare_exchange_strong(at, &old, &zero_page);
	if (!is_page(atomic_load(at)))
		return true;
	return patch(at, lane, in_page, length, NULL);
}

bool st_memory_table_clear(struct st_memory_table *table, struct st_memory_lane *lane,
			   uint64_t offset, uint32_t length, bool keep)
{
	struct st_memory_page *want = keep ? &zero_page : NULL;
	entry *at = keep ? find_or_make(table, offset) : find(table, offset);

	if (!at)
		return !keep;
	if (length < ST_MEMORY_PAGE_BYTES)
		return clear_part(at, lane, offset % ST_MEMORY_PAGE_BYTES, length, keep);
	if (atomic_load(at) != want)
		put(at, lane, want);
	return true;
}

enum st_memory_kind st_memory_table_kind(struct st_memory_table *table, uint64_t offset,
					 uint64_t *length)
{
	entry *at = find(table, offset);
	uint64_t unit = at ? ST_MEMORY_PAGE_BYTES : ST_MEMORY_LEAF_BYTES;
	struct st_memory_page *page = at ? atomic_load(at) : NULL;

	*length = unit - offset % unit;
	if (!page)
		return ST_MEMORY_HOLE;
	return is_page(page) ? ST_MEMORY_DATA : ST_MEMORY_ZERO;
}
