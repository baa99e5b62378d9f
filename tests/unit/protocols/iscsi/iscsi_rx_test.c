/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_rx_test.c - where a PDU's parts stand, for every length of them, cut
 * everywhere; digests right and wrong.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_rx.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/crc32c.h"
#include "gateway/base/table.h"
#include "tests/harness/harness.h"

#define UNTOUCHED 0x55555555u

/* A head in memory of exactly its size, so that the sanitizer sees a byte too far. */
static uint8_t *make_head(uint32_t words, uint32_t data_bytes, bool digest, size_t *bytes)
{
	size_t covered = 48 + words * 4u;
	uint8_t *b = malloc(covered + 4);

	assert_non_null(b);
	for (size_t i = 0; i < covered; i++)
		b[i] = (uint8_t)(i * 7 + words);
	b[4] = (uint8_t)words;
	be24_put(b + 5, data_bytes);
	le32_put(b + covered, crc32c_by_table(0, b, covered));
	*bytes = covered + (digest ? 4 : 0);
	return b;
}

static struct iscsi_rx_layout untouched_layout(void)
{
	return (struct iscsi_rx_layout){ UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED };
}

/* One head, at every cut; `need` leads to the whole in at most two steps. */
static void try_head(uint32_t words, bool digest)
{
	struct iscsi_rx_rules rules = { digest, false, 8192 };
	size_t bytes;
	uint8_t *b = make_head(words, 100, digest, &bytes);

	for (size_t have = 0; have <= bytes; have++) {
		struct iscsi_rx_layout l = untouched_layout();
		uint8_t *cut = malloc(have ? have : 1);
		uint32_t need = UNTOUCHED;
		enum iscsi_rx_result r;

		memcpy(cut, b, have);
		r = iscsi_rx_head(&rules, cut, have, &need, &l);
		if (have < bytes) {
			assert_int_equal(r, ISCSI_RX_MORE);
			assert_int_equal(need, have < 48 ? 48 : bytes);
			assert_int_equal(l.head_bytes, UNTOUCHED);
		} else {
			assert_int_equal(r, ISCSI_RX_HEAD);
			assert_int_equal(need, UNTOUCHED);
			assert_int_equal(l.ahs_bytes, words * 4);
			assert_int_equal(l.head_bytes, bytes);
		}
		free(cut);
	}
	free(b);
}

static void every_cut_of_every_head(void **state)
{
	for (uint32_t words = 0; words <= 255; words += words < 4 || words > 250 ? 1 : 13) {
		try_head(words, false);
		try_head(words, true);
	}
}

static void every_ahs_length(void **state)
{
	struct iscsi_rx_rules rules = { true, true, 8192 };

	for (uint32_t words = 0; words <= 255; words++) {
		size_t bytes;
		uint8_t *b = make_head(words, 0, true, &bytes);
		struct iscsi_rx_layout l;
		uint32_t need;

		assert_int_equal(iscsi_rx_head(&rules, b, bytes, &need, &l), ISCSI_RX_HEAD);
		assert_int_equal(l.head_bytes, 48 + words * 4 + 4);
		assert_true(l.head_bytes <= ISCSI_HEAD_MAX_BYTES);
		assert_int_equal(iscsi_rx_total(&l), bytes);
		free(b);
	}
}

static void data_lengths_pad_and_digest(void **state)
{
	static const uint32_t lengths[] = { 0,	 1,   2,    3,	  4,	    5,
					    511, 512, 8191, 8192, 0xfffffe, 0xffffff };

	for (unsigned i = 0; i < TABLE_LEN(lengths); i++)
		for (unsigned digest = 0; digest < 2; digest++) {
			struct iscsi_rx_rules rules = { false, digest, 0xffffff };
			size_t bytes;
			uint8_t *b = make_head(0, lengths[i], false, &bytes);
			struct iscsi_rx_layout l;
			uint32_t need, pad = (4 - lengths[i] % 4) % 4;

			assert_int_equal(iscsi_rx_head(&rules, b, bytes, &need, &l), ISCSI_RX_HEAD);
			assert_int_equal(l.data_bytes, lengths[i]);
			assert_int_equal(l.pad_bytes, pad);
			assert_int_equal(l.tail_bytes, pad + (digest && lengths[i] ? 4 : 0));
			assert_true(l.tail_bytes <= ISCSI_RX_TAIL_MAX_BYTES);
			assert_int_equal(iscsi_rx_sums(&rules, &l), digest && lengths[i]);
			free(b);
		}
}

static void longer_than_declared(void **state)
{
	static const uint32_t maxima[] = { 0, 512, 8192, 262144, 0xfffffe };

	for (unsigned i = 0; i < TABLE_LEN(maxima); i++) {
		struct iscsi_rx_rules rules = { false, false, maxima[i] };
		size_t bytes;
		uint8_t *b = make_head(0, maxima[i], false, &bytes);
		struct iscsi_rx_layout l = untouched_layout();
		uint32_t need;

		assert_int_equal(iscsi_rx_head(&rules, b, bytes, &need, &l), ISCSI_RX_HEAD);
		be24_put(b + 5, maxima[i] + 1);
		assert_int_equal(iscsi_rx_head(&rules, b, bytes, &need, &l), ISCSI_RX_TOO_LONG);
		assert_int_equal(l.data_bytes, maxima[i] + 1);
		be24_put(b + 5, 0xffffff);
		assert_int_equal(iscsi_rx_head(&rules, b, bytes, &need, &l), ISCSI_RX_TOO_LONG);
		free(b);
	}
}

/* Each bit of a head and of its digest counts; a damaged length is not believed. */
static void header_digest_sees_every_bit(void **state)
{
	struct iscsi_rx_rules rules = { true, false, 8192 };
	size_t bytes;
	uint8_t *b = make_head(2, 100, true, &bytes);

	for (size_t bit = 0; bit < bytes * 8; bit++) {
		struct iscsi_rx_layout l = untouched_layout();
		uint32_t need = 0;
		enum iscsi_rx_result r;

		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		r = iscsi_rx_head(&rules, b, bytes, &need, &l);
		if (bit / 8 == 4 && b[4] > 2) /* more words: it asks for them first */
			assert_true(r == ISCSI_RX_MORE && need > bytes);
		else
			assert_int_equal(r, ISCSI_RX_BAD_DIGEST);
		assert_int_equal(l.data_bytes, UNTOUCHED);
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(b);
}

/* RFC 7143 A.4: 32 bytes of zeroes. */
static void digest_of_known_data(void **state)
{
	struct iscsi_rx_rules rules = { false, true, 8192 };
	struct iscsi_rx_layout l = { .data_bytes = 32, .tail_bytes = 4 };
	uint8_t zeroes[32] = { 0 };
	static const uint8_t tail[4] = { 0xaa, 0x36, 0x91, 0x8a };

	assert_true(iscsi_rx_tail_ok(&rules, &l, crc32c(0, zeroes, 32), tail));
	zeroes[31] = 1;
	assert_false(iscsi_rx_tail_ok(&rules, &l, crc32c(0, zeroes, 32), tail));
}

static void data_digest_covers_the_padding(void **state)
{
	struct iscsi_rx_rules rules = { false, true, 8192 };
	uint8_t data[64];

	for (uint32_t n = 1; n <= 61; n++) {
		struct iscsi_rx_layout l = { .data_bytes = n, .pad_bytes = -n & 3 };
		uint8_t tail[ISCSI_RX_TAIL_MAX_BYTES] = { 0xa5, 0x5a, 0xa5 };
		uint32_t crc, split = n / 2;

		l.tail_bytes = l.pad_bytes + 4;
		for (uint32_t i = 0; i < n; i++)
			data[i] = (uint8_t)(i + n);
		memcpy(data + n, tail, l.pad_bytes);
		le32_put(tail + l.pad_bytes, crc32c_by_table(0, data, n + l.pad_bytes));
		crc = crc32c(crc32c(0, data, split), data + split, n - split);
		assert_true(iscsi_rx_tail_ok(&rules, &l, crc, tail));
		for (uint32_t i = 0; i < l.tail_bytes; i++) {
			tail[i] ^= 0x10;
			assert_false(iscsi_rx_tail_ok(&rules, &l, crc, tail));
			tail[i] ^= 0x10;
		}
		assert_false(iscsi_rx_tail_ok(&rules, &l, crc ^ 1, tail));
		rules.data_digest = false;
		assert_true(iscsi_rx_tail_ok(&rules, &l, 0, NULL));
		rules.data_digest = true;
	}
}

HARNESS_MAIN(cmocka_unit_test(every_cut_of_every_head), cmocka_unit_test(every_ahs_length),
	     cmocka_unit_test(data_lengths_pad_and_digest), cmocka_unit_test(longer_than_declared),
	     cmocka_unit_test(header_digest_sees_every_bit), cmocka_unit_test(digest_of_known_data),
	     cmocka_unit_test(data_digest_covers_the_padding))
