/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_table_test.c - records as aligned tables.
 */
#include "config.h"

#include "gateway/cli/cli_table.h"

#include <string.h>

#include "gateway/base/scope.h"
#include "tests/harness/harness.h"

static void expect(const char *keys, const char *named, const char *list, const char *want)
{
	json_t *records = json_loads(list, 0, NULL);
	scope_free char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(records);
	cli_table_print(to, "T", keys, named, records);
	fclose(to);
	json_decref(records);
	assert_string_equal(text, want);
}

static void text_left_numbers_right(void **state)
{
	expect("name size_bytes on", "",
	       "[{\"name\":\"a\",\"size_bytes\":1024,\"on\":true},"
	       "{\"name\":\"longer\",\"size_bytes\":5,\"on\":false}]",
	       "\nT\n"
	       "NAME       SIZE  ON\n"
	       "a       1.0 KiB  yes\n"
	       "longer      5 B  no\n");
}

static void nothing_for_nothing(void **state)
{
	expect("name", "", "[]", "");
}

static void what_is_absent_is_a_dash(void **state)
{
	expect("name n", "", "[{\"name\":null},{\"n\":3}]", "\nT\nNAME  N\n-     -\n-     3\n");
}

static void a_star_takes_other_numbers_only(void **state)
{
	expect("name *", "name known",
	       "[{\"name\":\"a\",\"known\":1,\"new_errors\":2,\"text\":\"x\"}]",
	       "\nT\nNAME  NEW-ERRORS\na              2\n");
}

static void characters_count_not_bytes(void **state)
{
	expect("name x", "",
	       "[{\"name\":\"\xc3\xa4\xc3\xb6\",\"x\":\"1\"},{\"name\":\"abcd\",\"x\":\"2\"}]",
	       "\nT\nNAME  X\n\xc3\xa4\xc3\xb6    1\nabcd  2\n");
}

static void no_control_character_passes(void **state)
{
	expect("name", "", "[{\"name\":\"a\\u001b[2Jb\\n\"}]", "\nT\nNAME\na?[2Jb?\n");
}

static void sums_of_what_nobody_named(void **state)
{
	json_t *records = json_loads("[{\"index\":0,\"x\":1,\"long_bytes\":1024},"
				     "{\"index\":1,\"x\":2}]",
				     0, NULL);
	scope_free char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	cli_table_print_sums(to, "SUMS", "index", records);
	cli_table_print_sums(to, "NONE", "index x long_bytes", records);
	fclose(to);
	json_decref(records);
	assert_string_equal(text, "\nSUMS\nX           3\nLONG        1.0 KiB\n");
}

HARNESS_MAIN(cmocka_unit_test(text_left_numbers_right), cmocka_unit_test(nothing_for_nothing),
	     cmocka_unit_test(what_is_absent_is_a_dash),
	     cmocka_unit_test(a_star_takes_other_numbers_only),
	     cmocka_unit_test(characters_count_not_bytes),
	     cmocka_unit_test(no_control_character_passes),
	     cmocka_unit_test(sums_of_what_nobody_named))
