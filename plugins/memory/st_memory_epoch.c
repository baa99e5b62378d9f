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

#include <stdlib.h>

#include "gateway/base/check.h"

#define LOOK_EVERY 32 /* pages retired between two looks at the other lanes */
#define SPARES_MAX 1024u /* what a lane keeps for its next writes: 4 MiB */

void st_memory_epoch_init(struct st_memory_epoch *epoch)
{
	atomic_init(&epoch->age, 1);
	atomic_init(&epoch->lanes_used, 0);
	atomic_init(&epoch->left, NULL);
	for (unsigned i = 0; i < ST_MEMORY_LANES_MAX; i++) {
		struct st_memory_lane *lane = &epoch->lane[i];

		atomic_init(&lane->seen, 0);
		atomic_init(&lane->taken, false);
		lane->epoch = epoch;
	}
}

static void free_list(struct st_memory_page *page)
{
	while (page) {
		struct st_memory_page *next = page->next;

		free(page);
		page = next;
	}
}

void st_memory_epoch_done(struct st_memory_epoch *epoch)
{
	for (unsigned i = 0; i < ST_MEMORY_LANES_MAX; i++)
		GW_CHECK(!atomic_load(&epoch->lane[i].taken));
	free_list(atomic_exchange(&epoch->left, NULL));
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
		lane->spare = lane->lent = NULL;
		lane->spares = lane->since = 0;
		lane->retired = (struct st_memory_pages){ .tail = &lane->retired.first };
		raise_used(epoch, i + 1);
		return lane;
	}
	return NULL;
}

/* Others may be reading what this lane retired: it stays until the end. */
void st_memory_epoch_leave(struct st_memory_lane *lane)
{
	_Atomic(struct st_memory_page *) *left = &lane->epoch->left;
	struct st_memory_page *head;

	GW_CHECK(!atomic_load(&lane->seen));
	st_memory_epoch_tidy(lane);
	GW_CHECK(!lane->lent); /* a lane closes when all loans are back */
	free_list(lane->spare);
	if (lane->retired.first) {
		head = atomic_load(left);
		do
			*lane->retired.tail = head;
		while (!atomic_compare_exchange_weak(left, &head, lane->retired.first));
	}
	atomic_store(&lane->taken, false);
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

void st_memory_epoch_give(struct st_memory_lane *lane, struct st_memory_page *page)
{
	if (lane->spares >= SPARES_MAX) {
		free(page);
		return;
	}
	page->next = lane->spare;
	lane->spare = page;
	lane->spares++;
}

static bool is_lent(const struct st_memory_page *page)
{
	return atomic_load_explicit(&page->loans, memory_order_acquire);
}

static void give(struct st_memory_lane *lane, struct st_memory_page *page)
{
	if (is_lent(page)) {
		page->next = lane->lent;
		lane->lent = page;
		return;
	}
	st_memory_epoch_give(lane, page);
}

/* As many as there are answers under way. */
static void give_lent(struct st_memory_lane *lane)
{
	struct st_memory_page *page = lane->lent, *next;

	lane->lent = NULL;
	for (; page; page = next) {
		next = page->next;
		give(lane, page);
	}
}

static void give_back(struct st_memory_lane *lane, uint64_t age)
{
	struct st_memory_pages *retired = &lane->retired;

	give_lent(lane);
	while (retired->first && retired->first->age + 2 <= age) {
		struct st_memory_page *page = retired->first;

		retired->first = page->next;
		if (!retired->first)
			retired->tail = &retired->first;
		retired->count--;
		give(lane, page);
	}
}

void st_memory_epoch_retire(struct st_memory_lane *lane, struct st_memory_page *page)
{
	struct st_memory_pages *retired = &lane->retired;

	page->age = atomic_load(&lane->epoch->age);
	page->next = NULL;
	*retired->tail = page;
	retired->tail = &page->next;
	retired->count++;
	if (++lane->since >= LOOK_EVERY) {
		lane->since = 0;
		give_back(lane, look(lane->epoch));
	}
}

/* Two steps make everything free where no other lane is inside. */
void st_memory_epoch_tidy(struct st_memory_lane *lane)
{
	for (int i = 0; i < 2 && (lane->retired.first || lane->lent); i++)
		give_back(lane, look(lane->epoch));
}

struct st_memory_page *st_memory_epoch_take(struct st_memory_lane *lane)
{
	struct st_memory_page *page = lane->spare;

	if (!page) {
		page = malloc(sizeof(*page)); /* the medium itself grows */
		if (page)
			atomic_init(&page->loans, 0);
		return page;
	}
	lane->spare = page->next;
	lane->spares--;
	return page;
}
