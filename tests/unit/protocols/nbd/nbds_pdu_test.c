/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_pdu_test.c - every message, every field, every truncation.
 *
 * What is received stands at the end of memory of exactly its size, so that a
 * byte read too far is seen by the sanitizer.
 */
#include "config.h"

#include "protocols/nbd/nbds_pdu.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/table.h"
#include "tests/harness/harness.h"

/* A copy of exactly n bytes. */
static uint8_t *exact(const void *from, size_t n)
{
	uint8_t *p = malloc(n ? n : 1);

	assert_non_null(p);
	memcpy(p, from, n);
	return p;
}

static void assert_bytes(const uint8_t *got, size_t n, const char *hex)
{
	char text[1024];

	assert_true(n * 2 < sizeof(text));
	for (size_t i = 0; i < n; i++)
		snprintf(text + i * 2, 3, "%02x", got[i]);
	assert_string_equal(text, hex);
}

/* ---- handshake ----------------------------------------------------------- */

static void greeting(void **state)
{
	uint8_t b[NBDS_GREETING_BYTES];

	assert_int_equal(nbds_pdu_greeting_put(b), sizeof(b));
	assert_bytes(b, sizeof(b), "4e42444d4147494349484156454f50540003");
}

static void client_flags(void **state)
{
	for (unsigned bit = 0; bit < 32; bit++) {
		uint8_t b[4];
		uint32_t flags = 77;

		be32_put(b, 1u << bit);
		assert_int_equal(nbds_pdu_client_flags_get(b, &flags), bit < 2);
		assert_int_equal(flags, bit < 2 ? 1u << bit : 77);
	}
}

static void option_head(void **state)
{
	uint8_t b[NBDS_OPTION_BYTES];
	struct nbds_option o = { 1, 2 };

	be64_put(b, 0x49484156454f5054ull);
	be32_put(b + 8, 0x01020304);
	be32_put(b + 12, 0xfffefdfc);
	assert_true(nbds_pdu_option_get(b, &o));
	assert_int_equal(o.option, 0x01020304);
	assert_int_equal(o.length, 0xfffefdfc);
	for (unsigned i = 0; i < 8; i++) {
		b[i] ^= 1;
		assert_false(nbds_pdu_option_get(b, &o));
		b[i] ^= 1;
	}
}

static void option_reply(void **state)
{
	uint8_t b[NBDS_OPTION_REPLY_BYTES];

	nbds_pdu_option_reply_put(b, 7, NBDS_REP_ERR(NBDS_ERR_TOO_BIG), 5);
	assert_bytes(b, sizeof(b), "0003e889045565a9000000078000000900000005");
}

static void export_name(void **state)
{
	uint8_t b[NBDS_EXPORT_NAME_BYTES + NBDS_EXPORT_NAME_ZEROES];

	memset(b, 0xee, sizeof(b));
	assert_int_equal(nbds_pdu_export_name_put(b, 0x0102030405060708, 0x0a0b, false), 10);
	assert_bytes(b, 11, "01020304050607080a0bee");
	assert_int_equal(nbds_pdu_export_name_put(b, 1, 2, true), 134);
	for (unsigned i = 10; i < 134; i++)
		assert_int_equal(b[i], 0);
}

static void names(void **state)
{
	char longest[NBDS_NAME_MAX + 1];
	struct nbds_slice s = { (uint8_t *)longest, NBDS_NAME_MAX };

	memset(longest, 'n', sizeof(longest));
	assert_true(nbds_pdu_name_ok(&s));
	s.len++;
	assert_false(nbds_pdu_name_ok(&s));
	s.len = 3;
	longest[2] = 0;
	assert_false(nbds_pdu_name_ok(&s));
	s.len = 2;
	assert_true(nbds_pdu_name_ok(&s));
	s = (struct nbds_slice){ NULL, 0 };
	assert_true(nbds_pdu_name_ok(&s));
}

/* GO with a name of 4 bytes and 3 requests. */
static size_t make_go(uint8_t *b)
{
	be32_put(b, 4);
	memcpy(b + 4, "disk", 4);
	be16_put(b + 8, 3);
	be16_put(b + 10, NBDS_INFO_BLOCK_SIZE);
	be16_put(b + 12, NBDS_INFO_NAME);
	be16_put(b + 14, 0x7777); /* unknown: ignored */
	return 16;
}

static void go(void **state)
{
	uint8_t b[16];
	size_t n = make_go(b);
	struct nbds_go got;

	assert_true(nbds_pdu_go_get(b, (uint32_t)n, &got));
	assert_int_equal(got.name.len, 4);
	assert_memory_equal(got.name.at, "disk", 4);
	assert_int_equal(got.wanted, 1u << NBDS_INFO_BLOCK_SIZE | 1u << NBDS_INFO_NAME);
}

static void go_truncated_or_longer(void **state)
{
	uint8_t b[17];
	size_t n = make_go(b);
	struct nbds_go got = { .wanted = 99 };

	for (size_t len = 0; len <= n + 1; len++) {
		uint8_t *p = exact(b, len > n ? n : len);

		if (len < n)
			assert_false(nbds_pdu_go_get(p, (uint32_t)len, &got));
		free(p);
	}
	b[16] = 0;
	assert_false(nbds_pdu_go_get(b, 17, &got));
	assert_int_equal(got.wanted, 99); /* untouched */
}

/* CVE-2022-26495, CVE-2022-26496: the inner length lies. */
static void go_lying_lengths(void **state)
{
	static const uint32_t lies[] = { 0,
					 1,
					 3,
					 5,
					 6,
					 12,
					 13,
					 NBDS_NAME_MAX,
					 NBDS_NAME_MAX + 1,
					 0x7fffffff,
					 0x80000000,
					 0xfffffff0,
					 0xffffffff };
	uint8_t b[16];
	struct nbds_go got;

	for (unsigned i = 0; i < TABLE_LEN(lies); i++) {
		uint8_t *p;

		make_go(b);
		be32_put(b, lies[i]);
		p = exact(b, sizeof(b));
		assert_false(nbds_pdu_go_get(p, sizeof(b), &got));
		free(p);
	}
	for (uint32_t n = 0; n <= UINT16_MAX; n++) {
		make_go(b);
		be16_put(b + 8, (uint16_t)n);
		assert_int_equal(nbds_pdu_go_get(b, sizeof(b), &got), n == 3);
	}
}

static void go_longest_name(void **state)
{
	static uint8_t b[4 + NBDS_NAME_MAX + 1 + 2];
	struct nbds_go got;

	be32_put(b, NBDS_NAME_MAX);
	assert_true(nbds_pdu_go_get(b, 4 + NBDS_NAME_MAX + 2, &got));
	be32_put(b, NBDS_NAME_MAX + 1);
	assert_false(nbds_pdu_go_get(b, 4 + NBDS_NAME_MAX + 1 + 2, &got));
}

static size_t make_meta(uint8_t *b)
{
	be32_put(b, 2);
	memcpy(b + 4, "vd", 2);
	be32_put(b + 6, 2);
	be32_put(b + 10, 5);
	memcpy(b + 14, "base:", 5);
	be32_put(b + 19, 0);
	return 23;
}

static void meta(void **state)
{
	uint8_t b[24];
	size_t n = make_meta(b);
	struct nbds_meta_ask ask;
	struct nbds_slice q;

	assert_true(nbds_pdu_meta_get(b, (uint32_t)n, &ask));
	assert_int_equal(ask.name.len, 2);
	assert_int_equal(ask.queries, 2);
	assert_true(nbds_pdu_query_get(&ask, &q));
	assert_int_equal(q.len, 5);
	assert_memory_equal(q.at, "base:", 5);
	assert_true(nbds_pdu_query_get(&ask, &q));
	assert_int_equal(q.len, 0);
	assert_false(nbds_pdu_query_get(&ask, &q));
}

static void meta_truncated_or_lying(void **state)
{
	static const uint32_t counts[] = { 0, 1, 3, 4, 0x40000000, 0x80000000, 0xffffffff };
	uint8_t b[24];
	size_t n = make_meta(b);
	struct nbds_meta_ask ask;

	for (size_t len = 0; len < n; len++) {
		uint8_t *p = exact(b, len);

		assert_false(nbds_pdu_meta_get(p, (uint32_t)len, &ask));
		free(p);
	}
	b[23] = 0;
	assert_false(nbds_pdu_meta_get(b, 24, &ask));
	for (unsigned i = 0; i < TABLE_LEN(counts); i++) {
		make_meta(b);
		be32_put(b + 6, counts[i]);
		assert_false(nbds_pdu_meta_get(b, (uint32_t)n, &ask));
	}
	for (unsigned at = 0; at < 20; at += at ? (at == 10 ? 9 : 10) : 10) {
		make_meta(b);
		be32_put(b + at, 0xffffffff);
		assert_false(nbds_pdu_meta_get(b, (uint32_t)n, &ask));
	}
}

/* ---- transmission -------------------------------------------------------- */

static void request(void **state)
{
	uint8_t b[NBDS_REQUEST_EXT_BYTES];
	struct nbds_request r;

	assert_int_equal(nbds_pdu_request_bytes(false), 28);
	assert_int_equal(nbds_pdu_request_bytes(true), 32);
	be32_put(b, 0x25609513);
	be16_put(b + 4, 0x0102);
	be16_put(b + 6, 0x0304);
	be64_put(b + 8, 0x1112131415161718);
	be64_put(b + 16, 0x2122232425262728);
	be64_put(b + 24, 0x3132333435363738);
	assert_true(nbds_pdu_request_get(b, false, &r));
	assert_int_equal(r.flags, 0x0102);
	assert_int_equal(r.type, 0x0304);
	assert_true(r.cookie == 0x1112131415161718 && r.offset == 0x2122232425262728);
	assert_true(r.length == 0x31323334);
	assert_false(nbds_pdu_request_get(b, true, &r));
	be32_put(b, 0x21e41c71);
	assert_true(nbds_pdu_request_get(b, true, &r));
	assert_true(r.length == 0x3132333435363738);
	assert_false(nbds_pdu_request_get(b, false, &r));
}

/* "Reserved Magic values" and others. */
static void request_wrong_magic(void **state)
{
	static const uint32_t wrong[] = { 0x12560953, 0x25609514, 0x67446698, 0x668e33ef,
					  0x6e8a278c, 0x13956025, 0 };
	uint8_t b[NBDS_REQUEST_EXT_BYTES] = { 0 };
	struct nbds_request r;

	for (unsigned i = 0; i < TABLE_LEN(wrong); i++) {
		be32_put(b, wrong[i]);
		assert_false(nbds_pdu_request_get(b, false, &r));
		assert_false(nbds_pdu_request_get(b, true, &r));
	}
}

static const struct nbds_addressee compact = { 0x0102030405060708, 0x1112131415161718, false };
static const struct nbds_addressee extended = { 0x0102030405060708, 0x1112131415161718, true };
#define COMPACT "668e33ef"
#define EXTENDED "6e8a278c"
#define COOKIE "0102030405060708"
#define OFFSET "1112131415161718"

static void simple(void **state)
{
	uint8_t b[NBDS_SIMPLE_BYTES];

	assert_int_equal(nbds_pdu_simple_put(b, 0x0102030405060708, 22), sizeof(b));
	assert_bytes(b, sizeof(b),
		     "67446698"
		     "00000016" COOKIE);
}

static void chunks(void **state)
{
	uint8_t b[NBDS_ERROR_MAX_BYTES];

	assert_bytes(b, nbds_pdu_chunk_put(b, &compact, true, NBDS_CHUNK_NONE, 0),
		     COMPACT "00010000" COOKIE "00000000");
	assert_bytes(b, nbds_pdu_chunk_put(b, &extended, false, NBDS_CHUNK_BLOCK_STATUS_EXT, 24),
		     EXTENDED "00000006" COOKIE OFFSET "0000000000000018");
	assert_bytes(b, nbds_pdu_data_put(b, &compact, false, 0xa1, 0x1000),
		     COMPACT "00000001" COOKIE "00001008"
			     "00000000000000a1");
	assert_bytes(b, nbds_pdu_data_put(b, &extended, true, 0xa1, 0x1000),
		     EXTENDED "00010001" COOKIE OFFSET "0000000000001008"
			      "00000000000000a1");
	assert_bytes(b, nbds_pdu_hole_put(b, &compact, true, 0xa2, 0x2000),
		     COMPACT "00010002" COOKIE "0000000c"
			     "00000000000000a2"
			     "00002000");
	assert_bytes(b, nbds_pdu_hole_put(b, &extended, false, 0xa2, 0x2000),
		     EXTENDED "00000002" COOKIE OFFSET "000000000000000c"
			      "00000000000000a2"
			      "00002000");
}

static void errors(void **state)
{
	uint8_t b[NBDS_ERROR_MAX_BYTES];
	uint64_t at = 0xb1;

	assert_bytes(b, nbds_pdu_error_put(b, &compact, 5, "ab", NULL),
		     COMPACT "00018001" COOKIE "00000008"
			     "00000005"
			     "00026162");
	assert_bytes(b, nbds_pdu_error_put(b, &extended, 5, "", &at),
		     EXTENDED "00018002" COOKIE OFFSET "000000000000000e"
			      "00000005"
			      "0000"
			      "00000000000000b1");
}

/* CVE-2020-10761: a text is cut, never too long. */
static void error_text_is_cut(void **state)
{
	uint8_t *b = malloc(NBDS_ERROR_MAX_BYTES);
	char words[5000];
	uint64_t at = 1;
	size_t n;

	memset(words, 'w', sizeof(words));
	words[sizeof(words) - 1] = 0;
	n = nbds_pdu_error_put(b, &extended, 5, words, &at);
	assert_int_equal(n, NBDS_ERROR_MAX_BYTES);
	assert_int_equal(be16_get(b + 36), NBDS_TEXT_MAX);
	free(b);
}

static void status_payload(void **state)
{
	uint8_t b[24];

	nbds_pdu_status_head_put(b, false, 7, 9);
	nbds_pdu_status_put(b + 4, false, 0xffffffff, 3);
	assert_bytes(b, 12, "00000007ffffffff00000003");
	nbds_pdu_status_head_put(b, true, 7, 1);
	nbds_pdu_status_put(b + 8, true, 0x123456789a, 2);
	assert_bytes(b, 24, "0000000700000001000000123456789a0000000000000002");
}

static void ids(void **state)
{
	uint8_t b[20] = { 0 };
	uint64_t effect = 5;

	be64_put(b, 1ull << 40);
	be32_put(b + 8, 1);
	be32_put(b + 12, 1);
	for (uint64_t len = 0; len <= sizeof(b); len++) {
		uint8_t *p = exact(b, len);

		assert_int_equal(nbds_pdu_ids_get(p, len, 1, &effect), len == 12);
		free(p);
	}
	assert_true(effect == 1ull << 40);
	assert_false(nbds_pdu_ids_get(b, UINT64_MAX, 1, &effect));
	be32_put(b + 8, 2); /* unknown */
	assert_false(nbds_pdu_ids_get(b, 12, 1, &effect));
}

HARNESS_MAIN(cmocka_unit_test(greeting), cmocka_unit_test(client_flags),
	     cmocka_unit_test(option_head), cmocka_unit_test(option_reply),
	     cmocka_unit_test(export_name), cmocka_unit_test(names), cmocka_unit_test(go),
	     cmocka_unit_test(go_truncated_or_longer), cmocka_unit_test(go_lying_lengths),
	     cmocka_unit_test(go_longest_name), cmocka_unit_test(meta),
	     cmocka_unit_test(meta_truncated_or_lying), cmocka_unit_test(request),
	     cmocka_unit_test(request_wrong_magic), cmocka_unit_test(simple),
	     cmocka_unit_test(chunks), cmocka_unit_test(errors),
	     cmocka_unit_test(error_text_is_cut), cmocka_unit_test(status_payload),
	     cmocka_unit_test(ids))
