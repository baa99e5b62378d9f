/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a unit test stands on: cmocka, told to speak TAP, so that each case
 * counts by itself in `make check`.  A test program is one file, the path of
 * what it tests with _test.c, and links only what stands below that:
 *
 *	static void adds_up(void **state) { assert_int_equal(1 + 1, 2); }
 *	HARNESS_MAIN(cmocka_unit_test(adds_up))
 *
 * Do not use cmocka's skip(): 1.1.5 says "not ok" for it.  A program that
 * cannot run here at all says so with harness_skip_all() before it begins.
 */
#ifndef TESTS_HARNESS_HARNESS_H
#define TESTS_HARNESS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Every line leaves at once: what a crash swallows is only the case itself. */
static inline void harness_begin(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
}

static inline void __attribute__((noreturn)) harness_skip_all(const char *reason)
{
	printf("1..0 # SKIP %s\n", reason);
	exit(0);
}

#define HARNESS_MAIN(...)                                                             \
	int main(void)                                                                \
	{                                                                             \
		const struct CMUnitTest tests[] = { __VA_ARGS__ };                    \
                                                                                      \
		harness_begin();                                                      \
		return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL) != 0; \
	}

#endif
