/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of gateway/base/crc32c.c: the vectors of RFC 7143 appendix A.4 and
 * the check value of the CRC catalogues; the fast way against the table for
 * every short length and alignment; pieces against the whole.
 */
#include "config.h"

#include "gateway/base/crc32c.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/harness/harness.h"

/* The RFC prints the digest as bytes on the wire, lowest first. */
static void expect_wire(const void *bytes, size_t len, uint32_t wire)
{
	uint8_t b[4];

	le32_put(b, crc32c(0, bytes, len));
	assert_int_equal(be32_get(b), wire);
	le32_put(b, crc32c_by_table(0, bytes, len));
	assert_int_equal(be32_get(b), wire);
}

static void vectors_of_the_rfc(void **state)
{
	static const uint8_t read10[48] = {
		0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0,
		0x14, 0,    0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
		0x28, 0,    0, 0, 0, 0, 0, 0, 2, 0, 0, 0,    0, 0, 0, 0,
	};
	uint8_t b[32];

	memset(b, 0, sizeof(b));
	expect_wire(b, sizeof(b), 0xaa36918a);
	memset(b, 0xff, sizeof(b));
	expect_wire(b, sizeof(b), 0x43aba862);
	for (unsigned i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)i;
	expect_wire(b, sizeof(b), 0x4e79dd46);
	for (unsigned i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(31 - i);
	expect_wire(b, sizeof(b), 0x5cdb3f11);
	expect_wire(read10, sizeof(read10), 0x563a96d9);
}

static void check_value(void **state)
{
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, "", 0), 0);
}

static void fast_equals_table(void **state)
{
	static uint8_t b[600];

	for (unsigned i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 197 + 13);
	for (unsigned at = 0; at < 16; at++)
		for (unsigned len = 0; len <= sizeof(b) - 16; len++)
			assert_int_equal(crc32c(5, b + at, len), crc32c_by_table(5, b + at, len));
}

static void pieces_equal_the_whole(void **state)
{
	char text[] = "The quick brown fox jumps over the lazy dog";
	size_t len = strlen(text);

	for (size_t cut = 0; cut <= len; cut++) {
		struct iovec iov[3] = { { text, cut }, { NULL, 0 }, { text + cut, len - cut } };

		assert_int_equal(crc32c_iov(0, iov, 3), crc32c(0, text, len));
	}
}

HARNESS_MAIN(cmocka_unit_test(vectors_of_the_rfc), cmocka_unit_test(check_value),
	     cmocka_unit_test(fast_equals_table), cmocka_unit_test(pieces_equal_the_whole))
