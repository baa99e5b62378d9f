/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_text_test.c - key=value text: good, cut everywhere, and hostile.
 *
 * What is read stands at the end of memory of exactly its size, so that a byte
 * read too far is seen by the sanitizer; what is written has a guard behind it.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_text.h"

#include <string.h>

#include "gateway/base/table.h"
#include "tests/harness/harness.h"

static struct iscsi_slice slice(const char *word)
{
	return (struct iscsi_slice){ (const uint8_t *)word, (uint32_t)strlen(word) };
}

static uint8_t *exact(const void *from, size_t n)
{
	uint8_t *p = malloc(n ? n : 1);

	assert_non_null(p);
	memcpy(p, from, n);
	return p;
}

/* The fault of the first pair that has one; *pairs: how many came before. */
static enum iscsi_neg_fault read_all(const void *bytes, size_t n, uint32_t *pairs)
{
	uint8_t *p = exact(bytes, n);
	struct iscsi_text text;
	struct iscsi_text_pair pair;
	enum iscsi_neg_fault fault;

	iscsi_text_begin(&text, p, (uint32_t)n);
	while (iscsi_text_next(&text, &pair, &fault)) {
		assert_true(pair.key.len >= 1 && pair.key.len <= ISCSI_TEXT_KEY_MAX);
		assert_true(pair.key.at >= p && pair.value.at >= pair.key.at);
		assert_true(pair.value.at + pair.value.len < p + n);
	}
	*pairs = text.pairs;
	/* It stays where it is. */
	assert_false(iscsi_text_next(&text, &pair, &fault));
	free(p);
	return fault;
}

static void faults_have_rows(void **state)
{
	for (unsigned i = ISCSI_NEG_NONE + 1; i < ISCSI_NEG_COUNT; i++) {
		const struct iscsi_neg_fault_row *row = iscsi_text_fault((enum iscsi_neg_fault)i);

		assert_non_null(row);
		assert_true(row->status >= 0x200 && row->words[0] && row->clause[0]);
	}
	assert_null(iscsi_text_fault(ISCSI_NEG_NONE));
	assert_null(iscsi_text_fault(ISCSI_NEG_COUNT));
}

/* ---- reading -------------------------------------------------------------- */

static void pairs(void **state)
{
	static const char bytes[] =
		"InitiatorName=iqn.a\0Empty=\0Equals=a=b==c\0X#NodeArchitecture=x/1\0"
		"iSCSIProtocolLevel=2";
	static const char *const want[][2] = { { "InitiatorName", "iqn.a" },
					       { "Empty", "" },
					       { "Equals", "a=b==c" },
					       { "X#NodeArchitecture", "x/1" },
					       { "iSCSIProtocolLevel", "2" } };
	struct iscsi_text text;
	struct iscsi_text_pair pair;
	enum iscsi_neg_fault fault = ISCSI_NEG_BAD_KEY;

	iscsi_text_begin(&text, (const uint8_t *)bytes, sizeof(bytes));
	for (unsigned i = 0; i < TABLE_LEN(want); i++) {
		assert_true(iscsi_text_next(&text, &pair, &fault));
		assert_true(iscsi_text_is(pair.key, want[i][0]));
		assert_true(iscsi_text_is(pair.value, want[i][1]));
		assert_int_equal(fault, ISCSI_NEG_NONE);
	}
	assert_false(iscsi_text_next(&text, &pair, &fault));
	assert_int_equal(fault, ISCSI_NEG_NONE);
	assert_int_equal(text.pairs, 5);
}

/* Cut after a zero byte it is fine, everywhere else a zero byte is missing. */
static void cut_everywhere(void **state)
{
	static const char bytes[] = "A=1\0Bc=\0Key=value";

	for (size_t n = 0; n <= sizeof(bytes); n++) {
		uint32_t got;
		enum iscsi_neg_fault fault = read_all(bytes, n, &got);

		assert_int_equal(fault, !n || !bytes[n - 1] ? ISCSI_NEG_NONE : ISCSI_NEG_NO_NUL);
	}
}

static void nothing(void **state)
{
	struct iscsi_text text;
	struct iscsi_text_pair pair;
	enum iscsi_neg_fault fault;

	iscsi_text_begin(&text, NULL, 0);
	assert_false(iscsi_text_next(&text, &pair, &fault));
	assert_int_equal(fault, ISCSI_NEG_NONE);
}

static void malformed(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		enum iscsi_neg_fault fault;
	} cases[] = {
		{ "", 1, ISCSI_NEG_NO_EQUALS }, /* a lone zero byte */
		{ "Key", 4, ISCSI_NEG_NO_EQUALS },	 { "A=1\0\0B=2", 9, ISCSI_NEG_NO_EQUALS },
		{ "=value", 7, ISCSI_NEG_EMPTY_KEY },	 { "=", 2, ISCSI_NEG_EMPTY_KEY },
		{ "1Key=v", 7, ISCSI_NEG_BAD_KEY },	 { "-Key=v", 7, ISCSI_NEG_BAD_KEY },
		{ " Key=v", 7, ISCSI_NEG_BAD_KEY },	 { "Ke y=v", 7, ISCSI_NEG_BAD_KEY },
		{ "Key\n=v", 7, ISCSI_NEG_BAD_KEY },	 { "Key,=v", 7, ISCSI_NEG_BAD_KEY },
		{ "Key:=v", 7, ISCSI_NEG_BAD_KEY },	 { "Key~=v", 7, ISCSI_NEG_BAD_KEY },
		{ "K\xc3\xa9=v", 6, ISCSI_NEG_BAD_KEY }, { "Key=v", 5, ISCSI_NEG_NO_NUL },
		{ "Key.-+@_#9=v", 13, ISCSI_NEG_NONE },
	};

	for (unsigned i = 0; i < TABLE_LEN(cases); i++) {
		uint32_t got;

		assert_int_equal(read_all(cases[i].bytes, cases[i].n, &got), cases[i].fault);
	}
}

/* CVE-2013-2850: 63 bytes and no more. */
static void key_length(void **state)
{
	for (size_t n = 1; n <= 8190; n = n < 70 ? n + 1 : n * 3) {
		uint8_t *bytes = malloc(n + 3);
		uint32_t got;

		memset(bytes, 'K', n);
		memcpy(bytes + n, "=v", 3);
		assert_int_equal(read_all(bytes, n + 3, &got),
				 n <= 63 ? ISCSI_NEG_NONE : ISCSI_NEG_LONG_KEY);
		free(bytes);
	}
}

/* CVE-2026-90011: text without a zero byte, at and around the bound. */
static void full_of_text_without_an_end(void **state)
{
	for (size_t n = 8185; n <= 8193; n++) {
		uint8_t *bytes = malloc(n);
		uint32_t got;

		memset(bytes, 'v', n);
		memcpy(bytes, "K=", 2);
		assert_int_equal(read_all(bytes, n, &got), ISCSI_NEG_NO_NUL);
		bytes[n - 1] = 0;
		assert_int_equal(read_all(bytes, n, &got), ISCSI_NEG_NONE);
		assert_int_equal(got, 1);
		free(bytes);
	}
}

/* Any 3 bytes out of those that mean something: it ends, and inside. */
static void short_texts_of_all_kinds(void **state)
{
	static const uint8_t some[] = { 0, '=', 'A', '1', '#', ',', 0xff };

	for (unsigned i = 0; i < 7 * 7 * 7 * 7; i++) {
		uint8_t bytes[4] = { some[i % 7], some[i / 7 % 7], some[i / 49 % 7],
				     some[i / 343] };
		uint32_t got;

		read_all(bytes, 4, &got);
	}
}

static void items(void **state)
{
	static const struct {
		const char *list;
		const char *items[4];
	} cases[] = { { "CRC32C,None", { "CRC32C", "None" } },
		      { "None", { "None" } },
		      { "", { "" } },
		      { ",", { "", "" } },
		      { "a,,b", { "a", "", "b" } },
		      { "a,", { "a", "" } } };

	for (unsigned i = 0; i < TABLE_LEN(cases); i++) {
		struct iscsi_slice list = slice(cases[i].list), item;
		unsigned n = 0;

		while (iscsi_text_item(&list, &item))
			assert_true(iscsi_text_is(item, cases[i].items[n++]));
		assert_true(n == 4 || !cases[i].items[n]);
	}
}

static void joining(void **state)
{
	uint8_t room[8] = { 0 };
	struct iscsi_text_join join;

	iscsi_text_join_begin(&join, room, 7);
	assert_int_equal(iscsi_text_join_add(&join, (const uint8_t *)"Ke", 2), ISCSI_NEG_NONE);
	assert_int_equal(iscsi_text_join_add(&join, NULL, 0), ISCSI_NEG_NONE);
	assert_int_equal(iscsi_text_join_add(&join, (const uint8_t *)"y=v", 3), ISCSI_NEG_NONE);
	assert_int_equal(iscsi_text_join_add(&join, (const uint8_t *)"abc", 3),
			 ISCSI_NEG_LONG_TEXT);
	assert_int_equal(iscsi_text_join_add(&join, room, UINT32_MAX), ISCSI_NEG_LONG_TEXT);
	assert_int_equal(join.len, 5);
	assert_int_equal(iscsi_text_join_add(&join, (const uint8_t *)"w", 2), ISCSI_NEG_NONE);
	assert_memory_equal(room, "Key=vw\0", 8);
	assert_int_equal(iscsi_text_join_add(&join, room, 1), ISCSI_NEG_LONG_TEXT);
}

/* ---- building ------------------------------------------------------------- */

static bool put_one(struct iscsi_text_out *out, unsigned which)
{
	switch (which) {
	case 0:
		return iscsi_text_put(out, "Key", "value");
	case 1:
		return iscsi_text_put_number(out, "Num", 18446744073709551615ull);
	case 2:
		return iscsi_text_put_bool(out, "Bo", true);
	case 3:
		return iscsi_text_put_bool(out, "Bo", false);
	case 4:
		return iscsi_text_put_binary(out, "Bin", (const uint8_t *)"\x00\xab\xff", 3);
	case 5:
		return iscsi_text_put_binary(out, "Bin", NULL, 0);
	case 6:
		return iscsi_text_put_number(out, "N", 0);
	default:
		return iscsi_text_put_slices(out, slice("K"), (struct iscsi_slice){ NULL, 0 });
	}
}

/* Whole or not at all, in every room from nothing to enough. */
static void builder_and_its_budget(void **state)
{
	static const char *const want[] = { "Key=value",    "Num=18446744073709551615",
					    "Bo=Yes",	    "Bo=No",
					    "Bin=0x00abff", "Bin=0x",
					    "N=0",	    "K=" };

	for (unsigned i = 0; i < TABLE_LEN(want); i++) {
		uint32_t whole = (uint32_t)strlen(want[i]) + 1;

		for (uint32_t room = 0; room <= whole + 1; room++) {
			uint8_t *b = malloc(room + 2 + 1);
			struct iscsi_text_out out;

			memset(b, 0xee, room + 3);
			iscsi_text_out_begin(&out, b, room + 2);
			out.len = 2; /* something is there already */
			assert_int_equal(put_one(&out, i), room >= whole);
			assert_int_equal(out.len, room >= whole ? 2 + whole : 2);
			if (room >= whole)
				assert_memory_equal(b + 2, want[i], whole);
			assert_true(b[0] == 0xee && b[1] == 0xee && b[room + 2] == 0xee);
			free(b);
		}
	}
}

static void builder_with_lengths_that_wrap(void **state)
{
	uint8_t b[16];
	struct iscsi_text_out out;
	struct iscsi_slice huge = { b, UINT32_MAX };

	iscsi_text_out_begin(&out, b, sizeof(b));
	assert_false(iscsi_text_put_slices(&out, slice("K"), huge));
	assert_false(iscsi_text_put_slices(&out, huge, huge));
	assert_false(iscsi_text_put_binary(&out, "K", b, UINT32_MAX));
	assert_false(iscsi_text_put_binary(&out, "K", b, 0x7ffffffe));
	assert_int_equal(out.len, 0);
}

/* ---- forms of values ------------------------------------------------------ */

static void numbers(void **state)
{
	static const struct {
		const char *word;
		uint64_t n;
	} good[] = { { "0", 0 },
		     { "1", 1 },
		     { "8192", 8192 },
		     { "16777215", 16777215 },
		     { "18446744073709551615", UINT64_MAX },
		     { "0x0", 0 },
		     { "0X1f", 31 },
		     { "0xFFFFFFFFFFFFFFFF", UINT64_MAX },
		     { "0x000000000000000000001", 1 } };
	static const char *const bad[] = { "",
					   "-1",
					   "+1",
					   " 1",
					   "1 ",
					   "01",
					   "00",
					   "1.5",
					   "0x",
					   "0xg",
					   "x1",
					   "1x",
					   "12a",
					   "0b1",
					   "Yes",
					   "1~2",
					   "1,2",
					   "18446744073709551616",
					   "0x10000000000000000",
					   "99999999999999999999999" };
	uint64_t n;

	for (unsigned i = 0; i < TABLE_LEN(good); i++) {
		assert_true(iscsi_text_number(slice(good[i].word), &n));
		assert_true(n == good[i].n);
	}
	for (unsigned i = 0; i < TABLE_LEN(bad); i++) {
		n = 4711;
		assert_false(iscsi_text_number(slice(bad[i]), &n));
		assert_true(n == 4711);
	}
}

static void ranges(void **state)
{
	static const char *const bad[] = { "", "1", "~", "1~", "~2", "2~1", "1~2~3", "a~b" };
	uint64_t low = 9, high = 9;

	for (unsigned i = 0; i < TABLE_LEN(bad); i++)
		assert_false(iscsi_text_range(slice(bad[i]), &low, &high));
	assert_true(low == 9 && high == 9);
	assert_true(iscsi_text_range(slice("512~0x1000"), &low, &high));
	assert_true(low == 512 && high == 4096);
	assert_true(iscsi_text_range(slice("7~7"), &low, &high));
}

static void booleans(void **state)
{
	static const char *const bad[] = { "", "yes", "YES", "no", "NO", "1", "Yes ", "None" };
	bool yes = false;

	for (unsigned i = 0; i < TABLE_LEN(bad); i++)
		assert_false(iscsi_text_bool(slice(bad[i]), &yes));
	assert_true(iscsi_text_bool(slice("Yes"), &yes) && yes);
	assert_true(iscsi_text_bool(slice("No"), &yes) && !yes);
}

/* Decoded into memory of exactly `room` bytes. */
static bool decode(const char *word, uint32_t room, const char *want, uint32_t want_len)
{
	uint8_t *to = malloc(room ? room : 1);
	uint32_t len = 4711, foreseen = 0;
	bool ok = iscsi_text_binary(slice(word), to, room, &len);

	if (ok) {
		assert_true(len <= room);
		assert_true(iscsi_text_binary_bytes(slice(word), &foreseen) && foreseen == len);
		assert_int_equal(len, want_len);
		assert_memory_equal(to, want, len);
	} else {
		assert_int_equal(len, 4711);
	}
	free(to);
	return ok;
}

static void binaries(void **state)
{
	static const struct {
		const char *word, *bytes;
		uint32_t len;
	} good[] = { { "0x12", "\x12", 1 },
		     { "0X1", "\x01", 1 },
		     { "0x123", "\x01\x23", 2 },
		     { "0x00ff", "\x00\xff", 2 },
		     { "0xabCDef", "\xab\xcd\xef", 3 },
		     /* RFC 4648 10 */
		     { "0bZg==", "f", 1 },
		     { "0BZm8=", "fo", 2 },
		     { "0bZm9v", "foo", 3 },
		     { "0bZm9vYg==", "foob", 4 },
		     { "0bZm9vYmE=", "fooba", 5 },
		     { "0bZm9vYmFy", "foobar", 6 },
		     { "0b+/+/", "\xfb\xff\xbf", 3 } };
	static const char *const bad[] = { "",	      "0",	"0x",	  "0b",	    "12",
					   "0xg0",    "0x1g",	"0bA",	  "0bAA",   "0bAAA",
					   "0bA===",  "0b====", "0bAA=A", "0bA=AA", "0b=AAA",
					   "0bAAAAA", "0bAA-_", "0bAA =" };

	for (unsigned i = 0; i < TABLE_LEN(good); i++) {
		for (uint32_t room = 0; room < good[i].len; room++)
			assert_false(decode(good[i].word, room, good[i].bytes, good[i].len));
		assert_true(decode(good[i].word, good[i].len, good[i].bytes, good[i].len));
		assert_true(decode(good[i].word, good[i].len + 9, good[i].bytes, good[i].len));
	}
	for (unsigned i = 0; i < TABLE_LEN(bad); i++)
		assert_false(decode(bad[i], 64, "", 0));
}

/* Whoever asks for the length alone learns that it is none. */
static void binary_lengths(void **state)
{
	static const char *const bad[] = { "",	  "0",	   "0x",      "0b", "12",
					   "0bA", "0bAAA", "0bAAAAA", "Yes" };
	uint32_t bytes = 4711;

	for (unsigned i = 0; i < TABLE_LEN(bad); i++)
		assert_false(iscsi_text_binary_bytes(slice(bad[i]), &bytes));
	assert_int_equal(bytes, 4711);
	assert_true(iscsi_text_binary_bytes(slice("0x123"), &bytes) && bytes == 2);
	assert_true(iscsi_text_binary_bytes(slice("0bAAAA"), &bytes) && bytes == 3);
}

/* CVE-2018-14633, CVE-2026-63886: the bound holds before anything is decoded. */
static void binary_longer_than_its_room(void **state)
{
	static char word[4100];

	for (uint32_t digits = 1; digits <= 4096; digits = digits < 40 ? digits + 1 : digits * 2) {
		memset(word, '7', sizeof(word));
		memcpy(word, "0x", 2);
		word[2 + digits] = 0;
		assert_int_equal(iscsi_text_binary(slice(word), (uint8_t[16]){ 0 }, 16,
						   &(uint32_t){ 0 }),
				 digits <= 32);
		word[1] = 'b';
		assert_int_equal(iscsi_text_binary(slice(word), (uint8_t[16]){ 0 }, 16,
						   &(uint32_t){ 0 }),
				 digits <= 20 && digits % 4 == 0);
	}
}

static void names(void **state)
{
	static const char *const good[] = { "iqn.2001-04.com.example:diskarrays-sn-a8675309",
					    "iqn.1993-08.org.debian:01:abc_def",
					    "IQN.1991-05.com.Microsoft:PC",
					    "eui.02004567A425678D",
					    "naa.52004567BA64678D",
					    "naa.62004567BA64678D0123456789ABCDEF",
					    "iqn.2001-04.com.example:\xc3\xbc\xc2\xb5",
					    "iqn.2001-04.com.example:\xf0\x90\x80\x80" };
	static const char *const bad[] = { "",
					   "iqn.",
					   "iqn",
					   "disk1",
					   "eui.02004567A425678",
					   "eui.02004567A425678DD",
					   "eui.02004567A425678G",
					   "eui.62004567BA64678D0123456789ABCDEF",
					   "naa.",
					   "naa.5200",
					   "iqn.2001-04.com.example:a b",
					   "iqn.2001-04.com.example:a,b",
					   "iqn.2001-04.com.example:a/b",
					   "iqn.2001-04.com.example:a\nb",
					   "iqn.2001-04.com.example:\xff",
					   "iqn.2001-04.com.example:\xc3",
					   "iqn.2001-04.com.example:\xc0\x80",
					   "iqn.2001-04.com.example:\xed\xa0\x80",
					   "iqn.2001-04.com.example:\xf4\x90\x80\x80",
					   "iqn.2001-04.com.example:\xe0\x80\x80" };
	char longest[ISCSI_NAME_MAX + 2] = "iqn.";

	for (unsigned i = 0; i < TABLE_LEN(good); i++)
		assert_true(iscsi_text_is_name(slice(good[i])));
	for (unsigned i = 0; i < TABLE_LEN(bad); i++)
		assert_false(iscsi_text_is_name(slice(bad[i])));
	memset(longest + 4, 'n', ISCSI_NAME_MAX - 4);
	assert_true(iscsi_text_is_name(slice(longest)));
	longest[ISCSI_NAME_MAX] = 'n';
	assert_false(iscsi_text_is_name(slice(longest)));
	assert_false(iscsi_text_is_name((struct iscsi_slice){ (const uint8_t *)"iqn.a\0b", 7 }));
}

HARNESS_MAIN(cmocka_unit_test(faults_have_rows), cmocka_unit_test(pairs),
	     cmocka_unit_test(cut_everywhere), cmocka_unit_test(nothing),
	     cmocka_unit_test(malformed), cmocka_unit_test(key_length),
	     cmocka_unit_test(full_of_text_without_an_end),
	     cmocka_unit_test(short_texts_of_all_kinds), cmocka_unit_test(items),
	     cmocka_unit_test(joining), cmocka_unit_test(builder_and_its_budget),
	     cmocka_unit_test(builder_with_lengths_that_wrap), cmocka_unit_test(numbers),
	     cmocka_unit_test(ranges), cmocka_unit_test(booleans), cmocka_unit_test(binaries),
	     cmocka_unit_test(binary_lengths), cmocka_unit_test(binary_longer_than_its_room),
	     cmocka_unit_test(names))
