/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_sn_test.c - numbers that wrap (RFC 1982, 32 bits).
 */
#include "config.h"

#include "protocols/iscsi/iscsi_sn.h"

#include "gateway/base/table.h"
#include "tests/harness/harness.h"

static const uint32_t places[] = { 0,	       1,	   2,	       0x7ffffffe, 0x7fffffff,
				   0x80000000, 0x80000001, 0xfffffffe, 0xffffffff };

static void order(void **state)
{
	for (unsigned i = 0; i < TABLE_LEN(places); i++) {
		uint32_t a = places[i];

		for (uint64_t step = 0; step < 1ull << 32; step += step < 4 ? 1 : 0x3ffffffd) {
			uint32_t b = a + (uint32_t)step;
			bool before = step && step < 0x80000000;
			bool after = step > 0x80000000;

			assert_int_equal(iscsi_sn_lt(a, b), before);
			assert_int_equal(iscsi_sn_gt(a, b), after);
			assert_int_equal(iscsi_sn_le(a, b), before || !step);
			assert_int_equal(iscsi_sn_ge(a, b), after || !step);
			assert_int_equal(iscsi_sn_steps(a, b), step);
		}
	}
}

/* RFC 1982 3.2: 2^31 apart, neither is before the other. */
static void half_way_has_no_order(void **state)
{
	for (unsigned i = 0; i < TABLE_LEN(places); i++) {
		uint32_t a = places[i], b = a + ISCSI_SN_HALF;

		assert_false(iscsi_sn_lt(a, b) || iscsi_sn_gt(a, b));
		assert_false(iscsi_sn_le(a, b) || iscsi_sn_ge(a, b));
	}
}

static void within(void **state)
{
	for (unsigned i = 0; i < TABLE_LEN(places); i++) {
		uint32_t a = places[i];

		assert_false(iscsi_sn_within(a, a, 0));
		assert_true(iscsi_sn_within(a, a, 1));
		assert_false(iscsi_sn_within(a + 1, a, 1));
		assert_false(iscsi_sn_within(a - 1, a, 64));
		assert_true(iscsi_sn_within(a + 63, a, 64));
		assert_false(iscsi_sn_within(a + 64, a, 64));
	}
}

HARNESS_MAIN(cmocka_unit_test(order), cmocka_unit_test(half_way_has_no_order),
	     cmocka_unit_test(within))
