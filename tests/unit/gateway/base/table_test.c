/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of gateway/base/table.h: by number and by name, with the row after
 * the last, and a hole in the middle.
 */
#include "config.h"

#include "gateway/base/table.h"

#include "tests/harness/harness.h"

static const struct table_row rows[] = {
	[0] = { "red", "like a rose" },
	[2] = { "blue", "like the sky" },
};

static void names(void **state)
{
	assert_string_equal(table_name(rows, TABLE_LEN(rows), 2), "blue");
	assert_string_equal(table_name(rows, TABLE_LEN(rows), 1), "?");
	assert_string_equal(table_name(rows, TABLE_LEN(rows), 3), "?");
	assert_string_equal(table_name(rows, TABLE_LEN(rows), (size_t)-1), "?");
}

static void numbers(void **state)
{
	assert_int_equal(table_find(rows, TABLE_LEN(rows), "red"), 0);
	assert_int_equal(table_find(rows, TABLE_LEN(rows), "blue"), 2);
	assert_int_equal(table_find(rows, TABLE_LEN(rows), "green"), -1);
	assert_int_equal(table_find(rows, 0, "red"), -1);
}

HARNESS_MAIN(cmocka_unit_test(names), cmocka_unit_test(numbers))
