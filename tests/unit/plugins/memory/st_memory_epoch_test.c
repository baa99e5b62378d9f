/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_memory_epoch_test.c - a retired page comes back when nobody can see it, and
 * not before.
 */
#include "config.h"

#include "plugins/memory/st_memory_epoch.h"

#include <string.h>

#include "tests/harness/harness.h"

static struct st_memory_epoch epoch;

static void begin(void)
{
	memset(&epoch, 0, sizeof(epoch));
	st_memory_epoch_init(&epoch);
}

static struct st_memory_page *take(struct st_memory_lane *lane)
{
	struct st_memory_page *page = st_memory_epoch_take(lane);

	assert_non_null(page);
	memset(page->bytes, 0, ST_MEMORY_PAGE_BYTES);
	return page;
}

static void alone_it_comes_back(void **state)
{
	struct st_memory_lane *lane;
	struct st_memory_page *page;

	(void)state;
	begin();
	lane = st_memory_epoch_join(&epoch);
	page = take(lane);
	st_memory_epoch_enter(lane);
	st_memory_epoch_retire(lane, page);
	st_memory_epoch_exit(lane);
	assert_int_equal(lane->spares, ST_MEMORY_SLAB_PAGES - 1);
	st_memory_epoch_tidy(lane);
	assert_int_equal(lane->spares, ST_MEMORY_SLAB_PAGES);
	assert_ptr_equal(st_memory_epoch_take(lane), page);
	st_memory_epoch_give(lane, page);
	st_memory_epoch_leave(lane);
	st_memory_epoch_done(&epoch);
}

static void a_reader_keeps_it(void **state)
{
	struct st_memory_lane *writer, *reader;

	(void)state;
	begin();
	writer = st_memory_epoch_join(&epoch);
	reader = st_memory_epoch_join(&epoch);
	st_memory_epoch_enter(reader);
	st_memory_epoch_enter(writer);
	for (int i = 0; i < 500; i++)
		st_memory_epoch_retire(writer, take(writer));
	st_memory_epoch_exit(writer);
	for (int i = 0; i < 10; i++)
		st_memory_epoch_tidy(writer);
	assert_int_equal(writer->retired.count, 500);
	assert_int_equal(writer->spares, ST_MEMORY_SLAB_PAGES - 500);
	st_memory_epoch_exit(reader);
	st_memory_epoch_tidy(writer);
	assert_int_equal(writer->retired.count, 0);
	assert_int_equal(writer->spares, ST_MEMORY_SLAB_PAGES);
	st_memory_epoch_leave(reader);
	st_memory_epoch_leave(writer);
	st_memory_epoch_done(&epoch);
}

/* One who comes in late does not hold what left before. */
static void a_late_reader_does_not(void **state)
{
	struct st_memory_lane *writer, *reader;

	(void)state;
	begin();
	writer = st_memory_epoch_join(&epoch);
	reader = st_memory_epoch_join(&epoch);
	st_memory_epoch_enter(writer);
	st_memory_epoch_retire(writer, take(writer));
	st_memory_epoch_exit(writer);
	for (int i = 0; i < 3 && writer->retired.count; i++) {
		st_memory_epoch_enter(reader);
		st_memory_epoch_tidy(writer);
		st_memory_epoch_exit(reader);
	}
	assert_int_equal(writer->retired.count, 0);
	st_memory_epoch_leave(reader);
	st_memory_epoch_leave(writer);
	st_memory_epoch_done(&epoch);
}

static void left_behind(void **state)
{
	struct st_memory_lane *writer, *reader;

	(void)state;
	begin();
	reader = st_memory_epoch_join(&epoch);
	for (int round = 0; round < 3; round++) {
		writer = st_memory_epoch_join(&epoch);
		st_memory_epoch_enter(reader);
		st_memory_epoch_enter(writer);
		st_memory_epoch_retire(writer, take(writer));
		st_memory_epoch_retire(writer, take(writer));
		st_memory_epoch_exit(writer);
		st_memory_epoch_leave(writer);
		st_memory_epoch_exit(reader);
	}
	st_memory_epoch_leave(reader);
	assert_non_null(atomic_load(&epoch.slabs.all));
	st_memory_epoch_done(&epoch); /* the sanitizer sees a leak */
	assert_null(atomic_load(&epoch.slabs.all));
}

/* What is being sent from a page keeps it, though no reader is inside any more. */
static void a_loan_keeps_it(void **state)
{
	struct st_memory_lane *lane;
	struct st_memory_page *page;

	(void)state;
	begin();
	lane = st_memory_epoch_join(&epoch);
	page = take(lane);
	st_memory_epoch_lend(page);
	st_memory_epoch_lend(page);
	st_memory_epoch_retire(lane, page);
	st_memory_epoch_tidy(lane);
	st_memory_epoch_back(page);
	st_memory_epoch_tidy(lane);
	assert_ptr_equal(lane->lent.first, page);
	for (int i = 0; i < 2000; i++)
		assert_ptr_not_equal(take(lane), page);
	st_memory_epoch_back(page);
	st_memory_epoch_tidy(lane);
	assert_null(lane->lent.first);
	assert_ptr_equal(st_memory_epoch_take(lane), page);
	st_memory_epoch_leave(lane);
	st_memory_epoch_done(&epoch);
}

/* Many that are not taken by their peers cost a bounded look, and all come back. */
static void many_loans(void **state)
{
	static struct st_memory_page *page[1000];
	struct st_memory_lane *lane;

	(void)state;
	begin();
	lane = st_memory_epoch_join(&epoch);
	for (int i = 0; i < 1000; i++) {
		page[i] = take(lane);
		st_memory_epoch_lend(page[i]);
		st_memory_epoch_retire(lane, page[i]);
	}
	st_memory_epoch_tidy(lane);
	assert_int_equal(lane->lent.count + lane->retired.count, 1000);
	for (int i = 0; i < 1000; i += 2)
		st_memory_epoch_back(page[i]);
	for (int i = 0; i < 20; i++)
		st_memory_epoch_tidy(lane);
	assert_int_equal(lane->lent.count, 500);
	for (int i = 1; i < 1000; i += 2)
		st_memory_epoch_back(page[i]);
	st_memory_epoch_leave(lane);
	assert_int_equal(lane->lent.count, 0);
	st_memory_epoch_done(&epoch);
}

static void lanes_have_an_end(void **state)
{
	struct st_memory_lane *lane[ST_MEMORY_LANES_MAX];

	(void)state;
	begin();
	for (int i = 0; i < ST_MEMORY_LANES_MAX; i++)
		assert_non_null(lane[i] = st_memory_epoch_join(&epoch));
	assert_null(st_memory_epoch_join(&epoch));
	st_memory_epoch_leave(lane[7]);
	assert_ptr_equal(st_memory_epoch_join(&epoch), lane[7]);
	for (int i = 0; i < ST_MEMORY_LANES_MAX; i++)
		st_memory_epoch_leave(lane[i]);
	st_memory_epoch_done(&epoch);
}

/* What a lane keeps for itself has a bound; the rest goes back to the system. */
static void spares_have_a_bound(void **state)
{
	static struct st_memory_page *page[5000];
	struct st_memory_lane *lane;

	(void)state;
	begin();
	lane = st_memory_epoch_join(&epoch);
	for (int i = 0; i < 5000; i++)
		page[i] = take(lane);
	for (int i = 0; i < 5000; i++)
		st_memory_epoch_give(lane, page[i]);
	assert_in_range(lane->spares, 1, 1024);
	st_memory_epoch_leave(lane);
	st_memory_epoch_done(&epoch);
}

HARNESS_MAIN(cmocka_unit_test(alone_it_comes_back), cmocka_unit_test(a_reader_keeps_it),
	     cmocka_unit_test(a_late_reader_does_not), cmocka_unit_test(left_behind),
	     cmocka_unit_test(a_loan_keeps_it), cmocka_unit_test(many_loans),
	     cmocka_unit_test(lanes_have_an_end), cmocka_unit_test(spares_have_a_bound))
