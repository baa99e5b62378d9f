/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of gateway/base/num.h: the edges of 64 bits.
 */
#include "config.h"

#include "gateway/base/num.h"

#include "tests/harness/harness.h"

static void sums_that_fit(void **state)
{
	uint64_t r = 0;

	assert_true(num_add(UINT64_MAX - 1, 1, &r));
	assert_true(r == UINT64_MAX);
	assert_true(num_mul(1ULL << 32, (1ULL << 32) - 1, &r));
	assert_true(r == UINT64_MAX - UINT32_MAX);
	assert_true(num_mul(0, UINT64_MAX, &r));
	assert_true(r == 0);
}

static void overflow_leaves_the_output(void **state)
{
	uint64_t r = 7;

	assert_false(num_add(UINT64_MAX, 1, &r));
	assert_false(num_mul(1ULL << 32, 1ULL << 32, &r));
	assert_int_equal(r, 7);
}

static void ranges(void **state)
{
	assert_true(num_inside(0, 0, 0));
	assert_true(num_inside(10, 0, 10));
	assert_true(num_inside(0, 10, 10));
	assert_true(num_inside(0, UINT64_MAX, UINT64_MAX));
	assert_false(num_inside(1, 10, 10));
	assert_false(num_inside(11, 0, 10));
	assert_false(num_inside(UINT64_MAX, 2, UINT64_MAX));
	assert_false(num_inside(2, UINT64_MAX, UINT64_MAX));
}

static void roundings(void **state)
{
	assert_int_equal(num_down(4097, 4096), 4096);
	assert_int_equal(num_down(4095, 4096), 0);
	assert_int_equal(num_up(4097, 4096), 8192);
	assert_int_equal(num_up(4096, 4096), 4096);
	assert_int_equal(num_up(0, 512), 0);
	assert_true(num_is_pow2(1));
	assert_true(num_is_pow2(1ULL << 63));
	assert_false(num_is_pow2(0));
	assert_false(num_is_pow2(6));
	assert_int_equal(num_min(1, 2), 1);
	assert_int_equal(num_max(1, 2), 2);
}

HARNESS_MAIN(cmocka_unit_test(sums_that_fit), cmocka_unit_test(overflow_leaves_the_output),
	     cmocka_unit_test(ranges), cmocka_unit_test(roundings))
