/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_memory_epoch.h - pages, and when a page that nobody can find any more may
 * be used again, though loops may still be reading it.
 *
 * An age (a number that only grows) is common to all lanes.  Whoever looks at
 * pages is inside, and has written down the age he came in at; the age moves on
 * only when everyone inside came in at the present one.  So a page that was
 * taken out of the table in age A can be seen by nobody in age A + 2.
 *
 *   lane 0   --[in 7   out]-------[in 8 ...         the age can become 9 when
 *   lane 1   ------[in 7                   out]--   lane 1 has gone out
 *
 * What is sent from a page after its reader went out holds a loan of it; such a page is
 * used again when its loans are back, too.
 *
 * No locks; the cost is one exchange each time, for all that a turn reads or writes.
 * Above: st_memory_table.  Below: st_memory_slab.
 */
#ifndef PLUGINS_MEMORY_ST_MEMORY_EPOCH_H
#define PLUGINS_MEMORY_ST_MEMORY_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "plugins/memory/st_memory_slab.h"

#define ST_MEMORY_LANES_MAX 64

struct st_memory_pages {
	struct st_memory_page *first, **tail;
	uint32_t count;
};

/* One user of the pages; touched by its own loop, but for seen and taken. */
struct st_memory_lane {
	_Alignas(64) _Atomic uint64_t seen; /* the age it came in at; 0: outside */
	atomic_bool taken;
	struct st_memory_epoch *epoch;
	struct st_memory_page *spare; /* free for use */
	uint32_t spares;
	uint32_t since; /* pages retired since the last look */
	struct st_memory_pages retired; /* oldest first */
	struct st_memory_pages lent; /* nobody can find them any more, but loans are out */
};

struct st_memory_epoch {
	_Alignas(64) _Atomic uint64_t age;
	atomic_uint lanes_used; /* those behind it were never taken */
	struct st_memory_slabs slabs;
	struct st_memory_lane lane[ST_MEMORY_LANES_MAX];
};

/* Any thread, alone. */
void st_memory_epoch_init(struct st_memory_epoch *epoch);
/* No lane is open: frees all pages, wherever they are. */
void st_memory_epoch_done(struct st_memory_epoch *epoch);

/* The lane's loop.  Null: there are ST_MEMORY_LANES_MAX already. */
struct st_memory_lane *st_memory_epoch_join(struct st_memory_epoch *epoch);
void st_memory_epoch_leave(struct st_memory_lane *lane);

/* Between these two, pages found in the table stay as they are. */
void st_memory_epoch_enter(struct st_memory_lane *lane);
void st_memory_epoch_exit(struct st_memory_lane *lane);

/* Inside, of a page that was found: it stays as it is until the loan is back. */
static inline void st_memory_epoch_lend(struct st_memory_page *page)
{
	atomic_fetch_add_explicit(&page->loans, 1, memory_order_relaxed);
}

/* Any loop, inside or outside. */
static inline void st_memory_epoch_back(struct st_memory_page *page)
{
	atomic_fetch_sub_explicit(&page->loans, 1, memory_order_release);
}

/* A page that nobody can find: its bytes are anything.  Null: no memory. */
struct st_memory_page *st_memory_epoch_take(struct st_memory_lane *lane);
/* Back at once: nobody ever could find it. */
void st_memory_epoch_give(struct st_memory_lane *lane, struct st_memory_page *page);
/* It was found by others, and has just been taken out of the table. */
void st_memory_epoch_retire(struct st_memory_lane *lane, struct st_memory_page *page);
/* Outside: gives back what has become free. */
void st_memory_epoch_tidy(struct st_memory_lane *lane);

#endif
