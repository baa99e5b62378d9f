/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_human_test.c - sizes and ages for people.
 */
#include "config.h"

#include "gateway/ctl/ctl_human.h"

#include "tests/harness/harness.h"

static void expect(void (*say)(struct str *s, uint64_t value), uint64_t value, const char *text)
{
	char buf[32];
	struct str s = STR_IN(buf);

	say(&s, value);
	assert_string_equal(buf, text);
}

static void sizes(void **state)
{
	expect(ctl_human_size, 0, "0 B");
	expect(ctl_human_size, 1023, "1023 B");
	expect(ctl_human_size, 1024, "1.0 KiB");
	expect(ctl_human_size, 10239, "9.9 KiB");
	expect(ctl_human_size, 10240, "10 KiB");
	expect(ctl_human_size, 1 << 30, "1.0 GiB");
	expect(ctl_human_size, 3ULL << 29, "1.5 GiB");
	expect(ctl_human_size, 123ULL << 20, "123 MiB");
	expect(ctl_human_size, UINT64_MAX, "15 EiB");
}

static void ages(void **state)
{
	expect(ctl_human_age, 0, "0 s");
	expect(ctl_human_age, 119, "119 s");
	expect(ctl_human_age, 120, "2 min");
	expect(ctl_human_age, 7199, "119 min");
	expect(ctl_human_age, 7200, "2 h");
	expect(ctl_human_age, 172800, "2 d");
}

HARNESS_MAIN(cmocka_unit_test(sizes), cmocka_unit_test(ages))
