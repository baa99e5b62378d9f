/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_memory_table.h - which page holds which bytes: a sparse table of two levels.
 *
 *   root[] ──▶ leaf (128 MiB) ──▶ page (4 KiB)      null: reads zero
 *
 * A page that stands in the table is never changed, only replaced, by one
 * exchange: a reader sees all of a page before a write or all of it after, and
 * nobody waits for anybody.  Leaves come at the first write and stay.  Every
 * function but fill() is called between st_memory_epoch_enter() and _exit().
 * Above: st_memory.c.  Below: st_memory_epoch.
 */
#ifndef PLUGINS_MEMORY_ST_MEMORY_TABLE_H
#define PLUGINS_MEMORY_ST_MEMORY_TABLE_H

#include <stddef.h>
#include <sys/uio.h>

#include "gateway/api/store.h"
#include "plugins/memory/st_memory_epoch.h"

#define ST_MEMORY_LEAF_PAGES 32768u
#define ST_MEMORY_LEAF_BYTES ((uint64_t)ST_MEMORY_LEAF_PAGES * ST_MEMORY_PAGE_BYTES)
#define ST_MEMORY_BYTES_MAX (1ull << 50)

struct st_memory_leaf {
	_Atomic(struct st_memory_page *) page[ST_MEMORY_LEAF_PAGES];
};

struct st_memory_table {
	uint64_t n_roots;
	_Atomic(struct st_memory_leaf *) *root;
};

/* Where the next byte of a scatter list is; the list itself stays as it is. */
struct st_memory_cursor {
	const struct iovec *iov;
	size_t skip;
};

enum st_memory_kind {
	ST_MEMORY_HOLE,
	ST_MEMORY_ZERO, /* counts as allocated */
	ST_MEMORY_DATA
};

/* 0 or -ENOMEM. */
int st_memory_table_init(struct st_memory_table *table, uint64_t size_bytes);
/* Alone. */
void st_memory_table_done(struct st_memory_table *table);

/* The part of one page that holds length bytes from offset; never more. */
void st_memory_table_read(struct st_memory_table *table, uint64_t offset, uint32_t length,
			  struct st_memory_cursor *to);
/* Where these places stand, but for those in more than one page.  The token is the page,
 * to be given back to st_memory_epoch_back(), unless it is null. */
void st_memory_table_lend(struct st_memory_table *table, struct gw_loan *loans, unsigned n);
/* New pages, linked by `next`, with these bytes, whole pages; nobody can find them yet.
 * Null: no memory. */
struct st_memory_page *st_memory_table_fill(struct st_memory_table *table,
					    struct st_memory_lane *lane, uint64_t offset,
					    uint32_t length, struct st_memory_cursor *from);
/* What stands in their place comes into the cache. */
void st_memory_table_foresee(struct st_memory_table *table, uint64_t offset,
			     const struct st_memory_page *pages);
/* They take the place of what stands there.  After stow_settle(). */
void st_memory_table_publish(struct st_memory_table *table, struct st_memory_lane *lane,
			     uint64_t offset, struct st_memory_page *pages);
/* Part of a page, or all of it, at once.  False: no memory, and nothing is changed. */
bool st_memory_table_write(struct st_memory_table *table, struct st_memory_lane *lane,
			   uint64_t offset, uint32_t length, struct st_memory_cursor *from);
/* Reads zero afterwards.  A whole page becomes a hole, or with keep a page that
 * counts as allocated. */
bool st_memory_table_clear(struct st_memory_table *table, struct st_memory_lane *lane,
			   uint64_t offset, uint32_t length, bool keep);
/* The kind of the page at this offset, and how many bytes from there on are sure
 * to be of that kind: to the end of the page, or of a leaf that is not there. */
enum st_memory_kind st_memory_table_kind(struct st_memory_table *table, uint64_t offset,
					 uint64_t *length);

#endif
