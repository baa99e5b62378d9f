/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_memory_epoch.c - see st_memory_epoch.h.
 *
 * Why it holds.  Let a page leave the table while the age is at most A, the age
 * read for its tag after that.  Whoever holds the page came in before it left,
 * so at an age of at most A, and while he is inside the age moves on at most
 * once more.  The age A + 2 therefore says that he went out.  All of it rests on
 * enter() making `seen` known before the first look at the table, and retire()
 * reading the age after the page is out: both are sequentially consistent.
 */
#include "config.h"

#include "plugins/memory/st_memory_epoch.h"

#include <stddef.h>

#include "gateway/base/check.h"

#define LOOK_EVERY 32 /* pages retired between two looks at the other lanes */
#define LENT_LOOKS 64u /* at pages whose loans are out, each time */
#define SPARES_MAX 1024u /* what a lane keeps for its next writes: 4 MiB */

void st_memory_epoch_init(struct st_memory_epoch *epoch)
{
	atomic_init(&epoch->age, 1);
	atomic_init(&epoch->lanes_used, 0);
	st_memory_slab_init(&epoch->slabs);
	for (unsigned i = 0; i < ST_MEMORY_LANES_MAX; i++) {
		struct st_memory_lane *lane = &epoch->lane[i];

		atomic_init(&lane->seen, 0);
		atomic_init(&lane->taken, false);
		lane->epoch = epoch;
	}
}

void st_memory_epoch_done(struct st_memory_epoch *epoch)
{
	for (unsigned i = 0; i < ST_MEMORY_LANES_MAX; i++)
		GW_CHECK(!atomic_load(&epoch->lane[i].taken));
	st_memory_slab_done(&epoch->slabs);
}

/* ---- lanes -------------------------------------------------------------- */

static void raise_used(struct st_memory_epoch *epoch, unsigned used)
{
	unsigned now = atomic_load(&epoch->lanes_used);

	while (now < used && !atomic_compare_exchange_weak(&epoch->lanes_used, &now, used))
		;
}

struct st_memory_lane *st_memory_epoch_join(struct st_memory_epoch *epoch)
{
	for (unsigned i = 0; i < ST_MEMORY_LANES_MAX; i++) {
		struct st_memory_lane *lane = &epoch->lane[i];
		bool no = false;

		if (!atomic_compare_exchange_strong(&lane->taken, &no, true))
			continue;
		lane->spare = NULL;
		lane->spares = lane->since = 0;
		lane->retired = (struct st_memory_pages){ .tail = &lane->retired.first };
		lane->lent = (struct st_memory_pages){ .tail = &lane->lent.first };
		raise_used(epoch, i + 1);
		return lane;
	}
	return NULL;
}

/* ---- in and out --------------------------------------------------------- */

void st_memory_epoch_enter(struct st_memory_lane *lane)
{
	uint64_t age = atomic_load(&lane->epoch->age);

	/* An exchange, not a store: nothing below may be looked at before. */
	atomic_exchange(&lane->seen, age);
}

void st_memory_epoch_exit(struct st_memory_lane *lane)
{
	atomic_store_explicit(&lane->seen, 0, memory_order_release);
}

/* The age after a try to move it on. */
static uint64_t look(struct st_memory_epoch *epoch)
{
	uint64_t age = atomic_load(&epoch->age);
	unsigned n = atomic_load(&epoch->lanes_used);

	for (unsigned i = 0; i < n; i++) {
		uint64_t seen = atomic_load(&epoch->lane[i].seen);

		if (seen && seen != age)
			return age;
	}
	/* Lost to another lane: then it has moved on all the same. */
	if (atomic_compare_exchange_strong(&epoch->age, &age, age + 1))
		age++;
	return age;
}

/* ---- pages -------------------------------------------------------------- */

static void append(struct st_memory_pages *pages, struct st_memory_page *page)
{
	page->next = NULL;
	*pages->tail = page;
	pages->tail = &page->next;
	pages->count++;
}

static struct st_memory_page *pop(struct st_memory_pages *pages)
{
	struct st_memory_page *page = pages->first;

	pages->first = page->next;
	if (!pages->first)
		pages->tail = &pages->first;
	pages->count--;
	return page;
}

/* The older half of what it has. */
static void give_away(struct st_memory_lane *lane)
{
	struct st_memory_page *last = lane->spare;

	for (unsigned i = 1; i < SPARES_MAX / 2; i++)
		last = last->next;
	st_memory_slab_give(&lane->epoch->slabs, last->next);
	last->next = NULL;
	lane->spares = SPARES_MAX / 2;
}

void st_memory_epoch_give(struct st_memory_lane *lane, struct st_memory_page *page)
{
	page->next = lane->spare;
	lane->spare = page;
	if (++lane->spares > SPARES_MAX)
		give_away(lane);
}

static bool is_lent(const struct st_memory_page *page)
{
	return atomic_load_explicit(&page->loans, memory_order_acquire);
}

static void give(struct st_memory_lane *lane, struct st_memory_page *page)
{
	if (is_lent(page))
		append(&lane->lent, page);
	else
		st_memory_epoch_give(lane, page);
}

/* There are as many as answers under way, and who does not read his keeps them there. */
static void give_lent(struct st_memory_lane *lane)
{
	uint32_t n = lane->lent.count < LENT_LOOKS ? lane->lent.count : LENT_LOOKS;

	while (n--)
		give(lane, pop(&lane->lent));
}

static void give_back(struct st_memory_lane *lane, uint64_t age)
{
	struct st_memory_pages *retired = &lane->retired;

	give_lent(lane);
	while (retired->first && retired->first->age + 2 <= age)
		give(lane, pop(retired));
}

void st_memory_epoch_retire(struct st_memory_lane *lane, struct st_memory_page *page)
{
	page->age = atomic_load(&lane->epoch->age);
	append(&lane->retired, page);
	if (++lane->since >= LOOK_EVERY) {
		lane->since = 0;
		give_back(lane, look(lane->epoch));
	}
}

/* Two steps make everything free where no other lane is inside. */
void st_memory_epoch_tidy(struct st_memory_lane *lane)
{
	for (int i = 0; i < 2 && (lane->retired.first || lane->lent.first); i++)
		give_back(lane, look(lane->epoch));
}

static bool fetch_spares(struct st_memory_lane *lane)
{
	lane->spare = st_memory_slab_take(&lane->epoch->slabs);
	for (struct st_memory_page *page = lane->spare; page; page = page->next)
		lane->spares++;
	return lane->spare;
}

struct st_memory_page *st_memory_epoch_take(struct st_memory_lane *lane)
{
	struct st_memory_page *page;

	if (!lane->spare && !fetch_spares(lane))
		return NULL;
	page = lane->spare;
	lane->spare = page->next;
	__builtin_prefetch(lane->spare, 1); /* the next one's turn comes soon */
	lane->spares--;
	return page;
}

/* ---- the end of a lane --------------------------------------------------- */

/* What it retired and others may be reading stays out of use until the end. */
void st_memory_epoch_leave(struct st_memory_lane *lane)
{
	GW_CHECK(!atomic_load(&lane->seen));
	while (lane->lent.count) {
		struct st_memory_page *page = pop(&lane->lent);

		GW_CHECK(!is_lent(page)); /* a lane closes when all loans are back */
		st_memory_epoch_give(lane, page);
	}
	st_memory_slab_give(&lane->epoch->slabs, lane->spare);
	lane->spare = NULL;
	atomic_store(&lane->taken, false);
}
