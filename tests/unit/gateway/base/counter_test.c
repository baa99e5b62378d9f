/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of gateway/base/counter.c: sums over loops, and how near the value
 * read out of a histogram is to the one put in, over the whole range.
 */
#include "config.h"

#include "gateway/base/counter.h"

#include <string.h>

#include "tests/harness/harness.h"

static void sums_over_loops(void **state)
{
	struct counter loops[2][3] = { { { 1 }, { 2 }, { 3 } }, { { 10 }, { 20 }, { 30 } } };
	uint64_t sums[3] = { 0 };

	counter_add(&loops[0][2], 100);
	for (unsigned i = 0; i < 2; i++)
		counter_sum(sums, loops[i], 3);
	assert_int_equal(sums[0], 11);
	assert_int_equal(sums[1], 22);
	assert_int_equal(sums[2], 133);
}

static void an_empty_histogram_says_zero(void **state)
{
	static struct counter_hist h;

	assert_int_equal(counter_hist_count(&h), 0);
	assert_int_equal(counter_hist_at(&h, 500), 0);
	assert_int_equal(counter_hist_mean(&h), 0);
}

/* One small value before it, so that the read-out is not helped by the maximum. */
static void check_nearness(uint64_t v)
{
	struct counter_hist h = { 0 };
	uint64_t got;

	counter_hist_add(&h, v);
	counter_hist_add(&h, UINT64_MAX);
	got = counter_hist_at(&h, 500);
	assert_true(got >= v);
	assert_true(got - v <= v / 4);
}

static void read_out_is_near(void **state)
{
	for (unsigned bit = 0; bit < 63; bit++) {
		check_nearness(1ULL << bit);
		check_nearness((1ULL << bit) + 1);
		check_nearness((1ULL << bit) - 1);
		check_nearness(3ULL << bit >> 1);
	}
	check_nearness(0);
	check_nearness(UINT64_MAX - 1);
}

static void percentiles(void **state)
{
	static struct counter_hist h, total;

	for (unsigned i = 1; i <= 1000; i++)
		counter_hist_add(&h, i);
	assert_int_equal(counter_hist_count(&h), 1000);
	assert_int_equal(counter_hist_mean(&h), 500);
	assert_in_range(counter_hist_at(&h, 500), 500, 600);
	assert_in_range(counter_hist_at(&h, 990), 990, 1000);
	assert_int_equal(counter_hist_at(&h, 1000), 1000);
	assert_int_equal(counter_hist_at(&h, 0), 1);
	counter_hist_merge(&total, &h);
	counter_hist_merge(&total, &h);
	assert_int_equal(counter_hist_count(&total), 2000);
	assert_int_equal(counter_hist_at(&total, 500), counter_hist_at(&h, 500));
	assert_int_equal(counter_hist_at(&total, 1000), 1000);
}

HARNESS_MAIN(cmocka_unit_test(sums_over_loops), cmocka_unit_test(an_empty_histogram_says_zero),
	     cmocka_unit_test(read_out_is_near), cmocka_unit_test(percentiles))
