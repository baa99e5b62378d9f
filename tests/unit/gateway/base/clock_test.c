/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of gateway/base/clock.h: units, order, and the ends of the range.
 */
#include "config.h"

#include "gateway/base/clock.h"

#include "tests/harness/harness.h"

static const struct instant early = { 1000 };
static const struct instant late = { 5000000000 };

static void units(void **state)
{
	assert_int_equal(span_ns(5).ns, 5);
	assert_int_equal(span_us(5).ns, 5000);
	assert_int_equal(span_ms(5).ns, 5000000);
	assert_int_equal(span_s(5).ns, 5000000000);
	assert_int_equal(span_to_s(span_ms(5999)), 5);
	assert_int_equal(span_to_ms(span_s(5)), 5000);
	assert_int_equal(span_to_us(span_ms(5)), 5000);
	assert_true(span_s(INT64_MAX).ns == INT64_MAX);
	assert_true(span_s(INT64_MIN).ns == INT64_MIN);
}

static void order(void **state)
{
	assert_true(instant_before(early, late));
	assert_false(instant_before(late, early));
	assert_false(instant_before(early, early));
	assert_true(instant_min(late, early).ns == early.ns);
	assert_true(span_less(span_ms(999), span_s(1)));
	assert_true(instant_before(late, INSTANT_NEVER));
}

static void sums(void **state)
{
	assert_int_equal(instant_add(early, span_us(1)).ns, 2000);
	assert_int_equal(instant_since(late, early).ns, 4999999000);
	assert_int_equal(instant_since(early, late).ns, -4999999000);
}

static void never_stays_never(void **state)
{
	assert_true(instant_is_never(instant_add(INSTANT_NEVER, span_s(1))));
	assert_true(instant_is_never(instant_add(INSTANT_NEVER, span_s(-1))));
	assert_true(instant_is_never(instant_add(late, span_ns(INT64_MAX))));
	assert_true(instant_since((struct instant){ INT64_MIN }, late).ns == INT64_MIN);
}

HARNESS_MAIN(cmocka_unit_test(units), cmocka_unit_test(order), cmocka_unit_test(sums),
	     cmocka_unit_test(never_stays_never))
