/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of gateway/base/bytes.h: the bytes stand where the wire wants them,
 * what was put is got back, at any alignment, and no neighbour is touched.
 */
#include "config.h"

#include "gateway/base/bytes.h"

#include <string.h>

#include "tests/harness/harness.h"

static void big_endian_layout(void **state)
{
	uint8_t b[15 + 2];

	be16_put(b, 0x0102);
	be24_put(b + 2, 0x030405);
	be32_put(b + 5, 0x06070809);
	be64_put(b + 9, 0x0a0b0c0d0e0f1011);
	for (unsigned i = 0; i < sizeof(b); i++)
		assert_int_equal(b[i], i + 1);
}

static void little_endian_layout(void **state)
{
	uint8_t b[17];

	le64_put(b, 0x11100f0e0d0c0b0a);
	le32_put(b + 8, 0x09080706);
	assert_int_equal(b[0], 0x0a);
	assert_int_equal(b[7], 0x11);
	assert_int_equal(b[8], 0x06);
	assert_int_equal(b[11], 0x09);
	le24_put(b, 0x030201);
	le16_put(b + 3, 0x0504);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(b[i], i + 1);
}

static const uint64_t patterns[] = {
	0, 1, 0x80, 0xff00, 0x8000000000000000, 0x0123456789abcdef, UINT64_MAX
};

#define ROUND_TRIP(order, bits, mask)                                   \
	do {                                                            \
		uint8_t b[16];                                          \
                                                                        \
		memset(b, 0xa5, sizeof(b));                             \
		order##bits##_put(b + at, (uint##bits##_t)v);           \
		assert_true(order##bits##_get(b + at) == (v & (mask))); \
		assert_int_equal(b[at + (bits) / 8], 0xa5);             \
	} while (0)
#define uint24_t uint32_t

static void round_trips(void **state)
{
	for (unsigned i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		for (unsigned at = 0; at < 8; at++) {
			uint64_t v = patterns[i];

			ROUND_TRIP(be, 16, 0xffff);
			ROUND_TRIP(be, 24, 0xffffff);
			ROUND_TRIP(be, 32, 0xffffffff);
			ROUND_TRIP(be, 64, UINT64_MAX);
			ROUND_TRIP(le, 16, 0xffff);
			ROUND_TRIP(le, 24, 0xffffff);
			ROUND_TRIP(le, 32, 0xffffffff);
			ROUND_TRIP(le, 64, UINT64_MAX);
		}
	}
}

HARNESS_MAIN(cmocka_unit_test(big_endian_layout), cmocka_unit_test(little_endian_layout),
	     cmocka_unit_test(round_trips))
