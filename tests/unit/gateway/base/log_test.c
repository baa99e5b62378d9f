/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of gateway/base/log.c: levels and areas, the limit on each place, and
 * lines that stay lines.  A sink and a clock of the test's own stand in.
 */
#include "config.h"

#include "gateway/base/log.h"

#include <string.h>

#include "gateway/base/str.h"
#include "tests/harness/harness.h"

static char last[LOG_LINE];
static unsigned lines;
static struct instant now = { 1000000000 };

static void sink(void *arg, enum log_level level, enum log_area area, const char *text)
{
	assert_string_equal(arg, "mine");
	lines++;
	str_copy(last, sizeof(last), text);
}

static struct instant test_clock(void)
{
	return now;
}

static int begin(void **state)
{
	static char mine[] = "mine";

	log_set_sink(sink, mine);
	log_set_clock(test_clock);
	log_set_all(LOG_LEVEL_NOTE);
	lines = 0;
	now = instant_add(now, span_s(LOG_WINDOW_S));
	return 0;
}

static void speak(unsigned i)
{
	log_warn(CORE, "number %u", i);
}

static void levels_are_per_area(void **state)
{
	log_debug(CORE, "not heard");
	assert_int_equal(lines, 0);
	log_set_level(LOG_AREA_CORE, LOG_LEVEL_DEBUG);
	log_debug(CORE, "heard");
	log_debug(NBD, "not heard");
	assert_int_equal(lines, 1);
	assert_string_equal(last, "heard");
	log_set_level(LOG_AREA_CORE, LOG_LEVEL_ERROR);
	log_warn(CORE, "not heard");
	assert_int_equal(lines, 1);
	log_error(CORE, "always heard");
	assert_int_equal(lines, 2);
}

static void a_place_is_limited(void **state)
{
	for (unsigned i = 0; i < LOG_BURST + 7; i++)
		speak(i);
	assert_int_equal(lines, LOG_BURST);
	log_warn(CORE, "another place may");
	assert_int_equal(lines, LOG_BURST + 1);
	now = instant_add(now, span_s(LOG_WINDOW_S));
	speak(99);
	assert_string_equal(last, "number 99 (7 more like this were left out)");
	speak(100);
	assert_string_equal(last, "number 100");
}

static void one_message_is_one_line(void **state)
{
	log_note(NBD, "a\nb\x1b[2Jc");
	assert_string_equal(last, "a b [2Jc");
}

static void a_long_message_is_cut(void **state)
{
	char text[LOG_LINE * 2];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_note(NBD, "%s", text);
	assert_int_equal(strlen(last), LOG_LINE - 1);
}

static void words(void **state)
{
	assert_int_equal(log_level_find("debug"), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_find("loud"), -1);
	assert_int_equal(log_area_find("nbd"), LOG_AREA_NBD);
	assert_int_equal(log_area_find(""), -1);
	assert_string_equal(log_area_name(LOG_AREA_STORE), "store");
	assert_string_equal(log_area_name(LOG_AREA_COUNT), "?");
	assert_string_equal(log_level_name(LOG_LEVEL_WARN), "warning");
	assert_string_equal(log_level_name(LOG_LEVEL_COUNT), "?");
}

HARNESS_MAIN(cmocka_unit_test_setup(levels_are_per_area, begin),
	     cmocka_unit_test_setup(a_place_is_limited, begin),
	     cmocka_unit_test_setup(one_message_is_one_line, begin),
	     cmocka_unit_test_setup(a_long_message_is_cut, begin), cmocka_unit_test(words))
