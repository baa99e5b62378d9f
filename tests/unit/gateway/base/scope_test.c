/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of gateway/base/scope.h: a descriptor is closed at the end of its
 * scope and only there; what is taken out survives.
 */
#include "config.h"

#include "gateway/base/scope.h"

#include <fcntl.h>

#include "tests/harness/harness.h"

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void a_descriptor_is_closed(void **state)
{
	int number;

	{
		scope_fd int fd = open("/dev/null", O_RDONLY);

		number = fd;
		assert_true(is_open(number));
	}
	assert_false(is_open(number));
}

static void what_is_taken_survives(void **state)
{
	int number;
	int *word = NULL;

	{
		scope_fd int fd = open("/dev/null", O_RDONLY);
		scope_free int *p = malloc(sizeof(*p));

		*p = 5;
		number = scope_take_fd(&fd);
		word = scope_take(p);
		assert_int_equal(fd, -1);
		assert_null(p);
	}
	assert_true(is_open(number));
	assert_int_equal(*word, 5);
	close(number);
	free(word);
}

static void count_up(int *n)
{
	++*n;
	assert_int_equal(*n, 8);
}

static void nothing_is_no_trouble(void **state)
{
	scope_fd int fd = -1;
	scope_free char *p = NULL;
	scope_file FILE *file = NULL;
	scope_with(count_up) int n = 7;

	assert_int_equal(fd, -1);
	assert_null(p);
	assert_null(file);
	assert_int_equal(n, 7);
}

HARNESS_MAIN(cmocka_unit_test(a_descriptor_is_closed), cmocka_unit_test(what_is_taken_survives),
	     cmocka_unit_test(nothing_is_no_trouble))
