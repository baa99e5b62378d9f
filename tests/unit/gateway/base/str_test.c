/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of gateway/base/str.c: the bound of the builder at every length, and
 * for each parser what it takes, what it refuses, and that a refusal leaves
 * the output alone.
 */
#include "config.h"

#include "gateway/base/str.h"

#include <errno.h>
#include <string.h>

#include "gateway/base/table.h"
#include "tests/harness/harness.h"

static void the_builder_is_bounded(void **state)
{
	for (size_t size = 0; size < 12; size++) {
		char buf[16];
		struct str s = str_begin(buf, size);

		memset(buf + size, '#', sizeof(buf) - size);
		str_add(&s, "abc");
		str_addf(&s, "%d", 4567);
		str_add_char(&s, 'z');
		assert_int_equal(buf[size], '#');
		assert_int_equal(s.cut, size < 9);
		if (size)
			assert_int_equal(strlen(buf), s.len);
		if (size >= 9)
			assert_string_equal(buf, "abc4567z");
	}
}

static void escapes(void **state)
{
	char buf[64];
	struct str s = STR_IN(buf);

	str_add_escaped(&s, "a\\b\n\xff\0~ ", 8);
	assert_string_equal(buf, "a\\x5cb\\x0a\\xff\\x00~ ");
}

static void copies(void **state)
{
	char buf[4];

	assert_true(str_copy(buf, sizeof(buf), "abc"));
	assert_false(str_copy(buf, sizeof(buf), "abcd"));
	assert_string_equal(buf, "abc");
	assert_true(str_starts("unix:/x", "unix:"));
	assert_false(str_starts("uni", "unix:"));
}

struct case_u64 {
	const char *text;
	int result;
	uint64_t value;
};

static void numbers(void **state)
{
	static const struct case_u64 cases[] = {
		{ "0", 0, 0 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1k", -EINVAL, 0 },
	};

	for (size_t i = 0; i < TABLE_LEN(cases); i++) {
		uint64_t v = 77;

		assert_int_equal(str_parse_u64(cases[i].text, &v), cases[i].result);
		assert_true(v == (cases[i].result ? 77 : cases[i].value));
	}
}

static void sizes(void **state)
{
	static const struct case_u64 cases[] = {
		{ "512", 0, 512 },	 { "4k", 0, 4096 },
		{ "4K", 0, 4096 },	 { "1M", 0, 1 << 20 },
		{ "3g", 0, 3ULL << 30 }, { "1T", 0, 1ULL << 40 },
		{ "2P", 0, 2ULL << 50 }, { "15E", 0, 15ULL << 60 },
		{ "16E", -ERANGE, 0 },	 { "18446744073709551615k", -ERANGE, 0 },
		{ "k", -EINVAL, 0 },	 { "1kB", -EINVAL, 0 },
		{ "1.5G", -EINVAL, 0 },	 { "1x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < TABLE_LEN(cases); i++) {
		uint64_t v = 77;

		assert_int_equal(str_parse_size(cases[i].text, &v), cases[i].result);
		assert_true(v == (cases[i].result ? 77 : cases[i].value));
	}
}

static void sizes_come_back(void **state)
{
	static const uint64_t values[] = { 0,	 1,	     1023,	 1024,
					   1536, 5ULL << 30, 1ULL << 63, UINT64_MAX };

	for (size_t i = 0; i < TABLE_LEN(values); i++) {
		char buf[32];
		struct str s = STR_IN(buf);
		uint64_t v = 77;

		str_add_size(&s, values[i]);
		assert_int_equal(str_parse_size(buf, &v), 0);
		assert_true(v == values[i]);
	}
}

static void durations(void **state)
{
	static const struct case_u64 cases[] = {
		{ "10", 0, 10000000000 },      { "10s", 0, 10000000000 },
		{ "250ms", 0, 250000000 },     { "50us", 0, 50000 },
		{ "5m", 0, 300000000000 },     { "1h", 0, 3600000000000 },
		{ "2d", 0, 172800000000000 },  { "9999999999999d", -ERANGE, 0 },
		{ "9223372037s", -ERANGE, 0 }, { "5 m", -EINVAL, 0 },
		{ "ms", -EINVAL, 0 },	       { "-5s", -EINVAL, 0 },
		{ "5y", -EINVAL, 0 },
	};

	for (size_t i = 0; i < TABLE_LEN(cases); i++) {
		struct span d = { 77 };

		assert_int_equal(str_parse_duration(cases[i].text, &d), cases[i].result);
		assert_true(d.ns == (cases[i].result ? 77 : (int64_t)cases[i].value));
	}
}

HARNESS_MAIN(cmocka_unit_test(the_builder_is_bounded), cmocka_unit_test(escapes),
	     cmocka_unit_test(copies), cmocka_unit_test(numbers), cmocka_unit_test(sizes),
	     cmocka_unit_test(sizes_come_back), cmocka_unit_test(durations))
