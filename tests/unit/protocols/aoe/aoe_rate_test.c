/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_rate_test.c - bursts, refilling, strangers, and the begin of time.
 */
#include "config.h"

#include "protocols/aoe/aoe_rate.h"

#include "tests/harness/harness.h"

static const struct aoe_rate_limits limits = { .source = { 4, { 1000 } }, .all = { 10, { 100 } } };

static struct aoe_mac source(unsigned i)
{
	return (struct aoe_mac){ { 0x02, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } };
}

/* How many of n frames of source i are answered at a time. */
static unsigned ask(struct aoe_rate *rate, unsigned i, unsigned n, int64_t now)
{
	struct aoe_mac mac = source(i);
	unsigned answered = 0;

	while (n--)
		answered += aoe_rate_take(rate, &mac, (struct instant){ now });
	return answered;
}

static void one_source(void **state)
{
	struct aoe_rate rate;

	aoe_rate_begin(&rate, &limits);
	assert_int_equal(ask(&rate, 1, 9, 5000), 4);
	assert_int_equal(ask(&rate, 1, 9, 5999), 0);
	assert_int_equal(ask(&rate, 1, 9, 6000), 1);
	assert_int_equal(ask(&rate, 1, 9, 8500), 2);
	assert_int_equal(ask(&rate, 1, 9, 8999), 0);
	assert_int_equal(ask(&rate, 1, 9, 9000), 1);
	assert_int_equal(ask(&rate, 1, 9, 1000000), 4);
}

static void steady(void **state)
{
	struct aoe_rate rate;
	unsigned answered = 0;

	aoe_rate_begin(&rate, &limits);
	for (int64_t now = 0; now < 1000000; now += 10)
		answered += ask(&rate, 1, 1, now);
	assert_in_range(answered, 1000, 1004);
}

/* What one source may not have costs the others nothing. */
static void all_together(void **state)
{
	struct aoe_rate rate;

	aoe_rate_begin(&rate, &limits);
	assert_int_equal(ask(&rate, 1, 1000, 0), 4);
	assert_int_equal(ask(&rate, 2, 1000, 0), 4);
	assert_int_equal(ask(&rate, 3, 1000, 0), 2);
	assert_int_equal(ask(&rate, 4, 1000, 0), 0);
	assert_int_equal(ask(&rate, 4, 1000, 200), 2);
	/* What was refused for the sake of all has not cost source 3 its own. */
	assert_int_equal(ask(&rate, 3, 1000, 400), 2);
}

/* Forged sources beyond the table: never more than all together may have. */
static void forged(void **state)
{
	struct aoe_rate rate;
	unsigned answered = 0;

	aoe_rate_begin(&rate, &limits);
	for (unsigned i = 0; i < 60000; i++)
		answered += ask(&rate, i, 1, (int64_t)i);
	assert_in_range(answered, 600, 610);
}

/* A source that is over its limit stays known while others come and go. */
static void greedy_is_remembered(void **state)
{
	const struct aoe_rate_limits wide = { .source = { 4, { 1000000 } },
					      .all = { 5000, { 1 } } };
	struct aoe_rate rate;

	aoe_rate_begin(&rate, &wide);
	assert_int_equal(ask(&rate, 1, 10, 0), 4);
	for (unsigned i = 2; i < 1000; i++)
		assert_int_equal(ask(&rate, i, 1, 0), 1);
	assert_int_equal(ask(&rate, 1, 10, 0), 0);
}

static void begin_of_time(void **state)
{
	struct aoe_rate rate;

	aoe_rate_begin(&rate, &limits);
	assert_int_equal(ask(&rate, 1, 9, INT64_MIN), 4);
	assert_int_equal(ask(&rate, 1, 9, -1), 4);
}

static void usual(void **state)
{
	const struct aoe_rate_limits usually = AOE_RATE_USUAL;
	struct aoe_rate rate;

	aoe_rate_begin(&rate, &usually);
	assert_int_equal(ask(&rate, 1, 100, 0), 16);
	assert_int_equal(ask(&rate, 1, 100, 1000000000), 8);
}

HARNESS_MAIN(cmocka_unit_test(one_source), cmocka_unit_test(steady), cmocka_unit_test(all_together),
	     cmocka_unit_test(forged), cmocka_unit_test(greedy_is_remembered),
	     cmocka_unit_test(begin_of_time), cmocka_unit_test(usual))
