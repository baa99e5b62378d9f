/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_memory_table_test.c - pages, leaves and what lies between them.
 */
#include "config.h"

#include "plugins/memory/st_memory_table.h"

#include <string.h>

#include "tests/harness/harness.h"

#define PAGE ST_MEMORY_PAGE_BYTES

static struct st_memory_epoch epoch;
static struct st_memory_table table;
static struct st_memory_lane *lane;

static int begin(void **state)
{
	(void)state;
	memset(&epoch, 0, sizeof(epoch));
	st_memory_epoch_init(&epoch);
	lane = st_memory_epoch_join(&epoch);
	return st_memory_table_init(&table, 3 * ST_MEMORY_LEAF_BYTES + PAGE / 2);
}

static int end(void **state)
{
	(void)state;
	st_memory_epoch_leave(lane);
	st_memory_epoch_done(&epoch);
	st_memory_table_done(&table);
	return 0;
}

static void put(uint64_t offset, const char *text)
{
	struct iovec iov[3] = { { (void *)(uintptr_t)text, 1 }, { NULL, 0 } };
	struct st_memory_cursor from = { iov, 0 };
	uint32_t length = (uint32_t)strlen(text);

	iov[2] = (struct iovec){ (void *)(uintptr_t)(text + 1), length - 1 };
	assert_true(st_memory_table_write(&table, lane, offset, length, &from));
	assert_ptr_equal(from.iov, &iov[2]);
	assert_int_equal(from.skip, length - 1);
}

static void expect(uint64_t offset, const char *bytes, uint32_t length)
{
	char got[64];
	struct iovec iov = { got, length };
	struct st_memory_cursor to = { &iov, 0 };

	memset(got, 'x', sizeof(got));
	st_memory_table_read(&table, offset, length, &to);
	assert_memory_equal(got, bytes, length);
}

static void part_of_a_page(void **state)
{
	(void)state;
	put(PAGE + 10, "abcdef");
	put(PAGE + 12, "XY");
	expect(PAGE + 8, "\0\0abXYef\0", 9);
	assert_true(st_memory_table_clear(&table, lane, PAGE + 11, 2, false));
	expect(PAGE + 9, "\0a\0\0Yef", 7);
}

static void lent(void **state)
{
	struct gw_loan loans[] = {
		{ .offset = PAGE + 2, .length = 4 }, /* data */
		{ .offset = 0, .length = PAGE }, /* a hole in a leaf */
		{ .offset = 2 * ST_MEMORY_LEAF_BYTES + 10, .length = 8 }, /* no leaf */
		{ .offset = 5 * PAGE, .length = PAGE }, /* zeroes that count as data */
		{ .offset = PAGE + 6, .length = PAGE - 5 }, /* in two pages */
		{ .offset = PAGE, .length = PAGE }, /* the first again, all of it */
	};
	struct st_memory_page *page;

	(void)state;
	put(PAGE, "abcdef");
	assert_true(st_memory_table_clear(&table, lane, 5 * PAGE, PAGE, true));
	st_memory_epoch_enter(lane);
	st_memory_table_lend(&table, loans, 6);
	st_memory_epoch_exit(lane);
	page = loans[0].token;
	assert_memory_equal(loans[0].at, "cdef", 4);
	for (unsigned i = 1; i < 4; i++) {
		assert_null(loans[i].token);
		assert_memory_equal(loans[i].at, "\0\0\0\0\0\0\0", 8);
	}
	assert_null(loans[4].at);
	assert_null(loans[4].token);
	assert_ptr_equal(loans[5].token, page);
	assert_ptr_equal(loans[5].at, page->bytes);
	assert_int_equal(atomic_load(&page->loans), 2);
	st_memory_epoch_back(page);
	st_memory_epoch_back(page);
}

static void whole_pages(void **state)
{
	uint64_t n;

	(void)state;
	put(0, "first");
	put(PAGE, "second");
	assert_int_equal(st_memory_table_kind(&table, 100, &n), ST_MEMORY_DATA);
	assert_int_equal(n, PAGE - 100);
	assert_true(st_memory_table_clear(&table, lane, 0, PAGE, false));
	assert_int_equal(st_memory_table_kind(&table, 0, &n), ST_MEMORY_HOLE);
	assert_true(st_memory_table_clear(&table, lane, PAGE, PAGE, true));
	assert_int_equal(st_memory_table_kind(&table, PAGE, &n), ST_MEMORY_ZERO);
	expect(PAGE, "\0\0\0\0\0\0", 6);
	put(PAGE + 1, "again");
	expect(PAGE, "\0again", 6);
	assert_int_equal(st_memory_table_kind(&table, PAGE, &n), ST_MEMORY_DATA);
}

static void clearing_what_is_not_there(void **state)
{
	uint64_t n;

	(void)state;
	assert_true(st_memory_table_clear(&table, lane, 5, 100, false));
	assert_int_equal(st_memory_table_kind(&table, 0, &n), ST_MEMORY_HOLE);
	assert_int_equal(n, ST_MEMORY_LEAF_BYTES); /* no leaf was made */
	assert_true(st_memory_table_clear(&table, lane, 5, 100, true));
	assert_int_equal(st_memory_table_kind(&table, 0, &n), ST_MEMORY_ZERO);
	assert_int_equal(st_memory_table_kind(&table, PAGE, &n), ST_MEMORY_HOLE);
	assert_int_equal(n, PAGE);
}

static void leaves(void **state)
{
	uint64_t last = 3 * ST_MEMORY_LEAF_BYTES, n;

	(void)state;
	put(ST_MEMORY_LEAF_BYTES - 3, "end");
	put(ST_MEMORY_LEAF_BYTES, "begin");
	put(last + PAGE / 2 - 4, "last");
	expect(ST_MEMORY_LEAF_BYTES - 3, "end", 3);
	expect(ST_MEMORY_LEAF_BYTES, "begin", 5);
	expect(last + PAGE / 2 - 4, "last", 4);
	assert_int_equal(st_memory_table_kind(&table, 2 * ST_MEMORY_LEAF_BYTES + 1, &n),
			 ST_MEMORY_HOLE);
	assert_int_equal(n, ST_MEMORY_LEAF_BYTES - 1);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

HARNESS_MAIN(CASE(part_of_a_page), CASE(lent), CASE(whole_pages), CASE(clearing_what_is_not_there),
	     CASE(leaves))
