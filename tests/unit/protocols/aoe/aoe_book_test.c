/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_book_test.c - every operation in every state; the record, damaged everywhere.
 */
#include "config.h"

#include "protocols/aoe/aoe_book.h"

#include <errno.h>

#include "gateway/base/bytes.h"
#include "gateway/base/crc32c.h"
#include "gateway/base/err.h"
#include "gateway/base/table.h"
#include "tests/harness/harness.h"

static struct aoe_mac mac(unsigned i)
{
	return (struct aoe_mac){ { 0x02, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } };
}

static bool is_mac(const struct aoe_mac *one, unsigned i)
{
	struct aoe_mac want = mac(i);

	return aoe_mac_same(one, &want);
}

static bool hears(const struct aoe_book *book, unsigned i)
{
	struct aoe_mac from = mac(i);

	return aoe_book_hears(book, &from);
}

/* Where no change is expected `next` must stay as it is. */
static struct aoe_book next;

static void arm(void)
{
	memset(&next, 0x77, sizeof(next));
}

static void assert_next_untouched(void)
{
	const uint8_t *p = (const uint8_t *)&next;

	for (size_t i = 0; i < sizeof(next); i++)
		assert_int_equal(p[i], 0x77);
}

/* ---- 3.2 -------------------------------------------------------------------- */

static struct aoe_book with_string(const char *text)
{
	struct aoe_book book = { .config_bytes = (uint16_t)strlen(text) };

	memcpy(book.config, text, strlen(text));
	return book;
}

static void config_case(uint8_t command, const char *there, const char *sent, enum aoe_outcome want,
			enum aoe_error want_error)
{
	struct aoe_book book = with_string(there), was = book;
	struct aoe_config asked = { command, (const uint8_t *)sent, (uint16_t)strlen(sent) };
	struct aoe_config_reply reply = { 0 };
	enum aoe_error error = AOE_ERROR_NONE;
	const char *after = want == AOE_OUTCOME_CHANGED ? sent : there;

	arm();
	assert_int_equal(aoe_book_config(&book, &asked, &next, &error, &reply), want);
	assert_int_equal(error, want_error);
	assert_memory_equal(&book, &was, sizeof(book));
	if (want != AOE_OUTCOME_CHANGED)
		assert_next_untouched();
	if (want == AOE_OUTCOME_SILENT)
		return;
	assert_int_equal(reply.command, command);
	assert_int_equal(reply.string_bytes, strlen(after));
	assert_memory_equal(reply.string, after, strlen(after));
	assert_ptr_equal(reply.string, want == AOE_OUTCOME_CHANGED ? next.config : book.config);
}

static const char *const strings[] = { "", "a", "ab", "abc", "abd", "xbc", "abcd" };

static void config_every_case(void **state)
{
	for (size_t i = 0; i < TABLE_LEN(strings); i++)
		for (size_t j = 0; j < TABLE_LEN(strings); j++) {
			const char *there = strings[i], *sent = strings[j];
			bool equal = i == j, begins = !strncmp(there, sent, strlen(sent));
			bool refused = *there && !equal;
			enum aoe_outcome set = equal ? AOE_OUTCOME_SAME : AOE_OUTCOME_CHANGED;

			config_case(AOE_CONFIG_TEST, there, sent, equal, 0);
			config_case(AOE_CONFIG_TEST_PREFIX, there, sent, begins, 0);
			config_case(AOE_CONFIG_SET, there, sent, refused ? AOE_OUTCOME_SAME : set,
				    refused ? AOE_ERROR_CONFIG_PRESENT : AOE_ERROR_NONE);
			config_case(AOE_CONFIG_FORCE, there, sent, set, 0);
		}
}

static void config_read(void **state)
{
	for (size_t i = 0; i < TABLE_LEN(strings); i++)
		config_case(AOE_CONFIG_READ, strings[i], "", AOE_OUTCOME_SAME, 0);
}

/* The longest string, and bytes that are no text. */
static void config_longest(void **state)
{
	static uint8_t string[AOE_CONFIG_MAX];
	struct aoe_config asked = { AOE_CONFIG_SET, string, sizeof(string) };
	struct aoe_book empty = { 0 };
	struct aoe_config_reply reply;
	enum aoe_error error;

	for (size_t i = 0; i < sizeof(string); i++)
		string[i] = (uint8_t)i;
	assert_int_equal(aoe_book_config(&empty, &asked, &next, &error, &reply),
			 AOE_OUTCOME_CHANGED);
	assert_int_equal(reply.string_bytes, sizeof(string));
	assert_memory_equal(reply.string, string, sizeof(string));
}

/* Zeros behind the string are no part of it. */
static void config_zeros(void **state)
{
	struct aoe_book book = with_string("a");
	struct aoe_config_reply reply;
	enum aoe_error error;

	for (uint8_t command = AOE_CONFIG_TEST; command <= AOE_CONFIG_TEST_PREFIX; command++) {
		struct aoe_config asked = { command, (const uint8_t *)"a\0\0", 1 };

		assert_int_equal(aoe_book_config(&book, &asked, &next, &error, &reply),
				 AOE_OUTCOME_SAME);
		asked.string_bytes = 2;
		assert_int_equal(aoe_book_config(&book, &asked, &next, &error, &reply),
				 AOE_OUTCOME_SILENT);
	}
}

/* What a shorter string leaves free holds nothing of the longer one. */
static void config_leaves_nothing(void **state)
{
	struct aoe_book book = with_string("secret"), want = with_string("s");
	struct aoe_config asked = { AOE_CONFIG_FORCE, (const uint8_t *)"s", 1 };
	struct aoe_config_reply reply;
	enum aoe_error error;

	aoe_book_config(&book, &asked, &next, &error, &reply);
	assert_memory_equal(&next, &want, sizeof(want));
}

/* ---- 3.3 -------------------------------------------------------------------- */

static uint8_t directives[255 * AOE_DIRECTIVE_BYTES];

static void direct(unsigned place, uint8_t command, unsigned who)
{
	struct aoe_mac one = mac(who);

	directives[place * 8] = 0;
	directives[place * 8 + 1] = command;
	memcpy(directives + place * 8 + 2, one.at, sizeof(one.at));
}

static struct aoe_book masked(unsigned n)
{
	struct aoe_book book = { .mask_count = (uint8_t)n };

	for (unsigned i = 0; i < n; i++)
		book.mask[i] = mac(i);
	return book;
}

static enum aoe_outcome edit(const struct aoe_book *book, unsigned n, struct aoe_mask_reply *reply)
{
	struct aoe_mask asked = { AOE_MASK_EDIT, (uint8_t)n, directives };
	enum aoe_error error = AOE_ERROR_BAD_ARGUMENT;
	enum aoe_outcome outcome;

	arm();
	outcome = aoe_book_mask(book, &asked, &next, &error, reply);
	assert_int_equal(error, AOE_ERROR_NONE);
	assert_int_equal(reply->command, AOE_MASK_EDIT);
	if (outcome != AOE_OUTCOME_CHANGED)
		assert_next_untouched();
	return outcome;
}

static void assert_list(const struct aoe_mask_reply *reply, unsigned n, const unsigned *who)
{
	assert_int_equal(reply->error, AOE_MASK_OK);
	assert_int_equal(reply->list_count, n);
	for (unsigned i = 0; i < n; i++)
		assert_true(is_mac(&reply->list[i], who[i]));
}

static void mask_read(void **state)
{
	for (unsigned n = 0; n <= AOE_MASK_MAX; n++) {
		struct aoe_book book = masked(n);
		struct aoe_mask asked = { .command = AOE_MASK_READ };
		struct aoe_mask_reply reply;
		enum aoe_error error;

		arm();
		assert_int_equal(aoe_book_mask(&book, &asked, &next, &error, &reply),
				 AOE_OUTCOME_SAME);
		assert_next_untouched();
		assert_int_equal(error, AOE_ERROR_NONE);
		assert_int_equal(reply.error, AOE_MASK_OK);
		assert_int_equal(reply.list_count, n);
		assert_ptr_equal(reply.list, book.mask);
	}
}

static void mask_edits(void **state)
{
	struct aoe_book book = masked(3), was = book;
	struct aoe_mask_reply reply;

	direct(0, AOE_DIRECTIVE_NONE, 9);
	direct(1, AOE_DIRECTIVE_ADD, 7);
	direct(2, AOE_DIRECTIVE_DELETE, 1);
	direct(3, AOE_DIRECTIVE_ADD, 8);
	direct(4, AOE_DIRECTIVE_DELETE, 7);
	assert_int_equal(edit(&book, 5, &reply), AOE_OUTCOME_CHANGED);
	assert_list(&reply, 3, (unsigned[]){ 0, 2, 8 });
	assert_ptr_equal(reply.list, next.mask);
	assert_memory_equal(&book, &was, sizeof(book));
	for (unsigned i = 3; i < AOE_MASK_MAX; i++)
		assert_true(aoe_mac_same(&next.mask[i], &(struct aoe_mac){ { 0 } }));
}

static void mask_same(void **state)
{
	struct aoe_book book = masked(3);
	struct aoe_mask_reply reply;

	assert_int_equal(edit(&book, 0, &reply), AOE_OUTCOME_SAME);
	direct(0, AOE_DIRECTIVE_ADD, 2); /* is there */
	direct(1, AOE_DIRECTIVE_DELETE, 9); /* is not */
	direct(2, AOE_DIRECTIVE_NONE, 0);
	assert_int_equal(edit(&book, 3, &reply), AOE_OUTCOME_SAME);
	assert_list(&reply, 3, (unsigned[]){ 0, 1, 2 });
}

static void mask_emptied(void **state)
{
	struct aoe_book book = masked(2);
	struct aoe_mask_reply reply;

	direct(0, AOE_DIRECTIVE_DELETE, 0);
	direct(1, AOE_DIRECTIVE_DELETE, 1);
	assert_int_equal(edit(&book, 2, &reply), AOE_OUTCOME_CHANGED);
	assert_list(&reply, 0, NULL);
	assert_true(hears(&next, 77));
}

/* Whatever the bad directive, and wherever it stands: nothing is changed. */
static void mask_bad_directive(void **state)
{
	struct aoe_book book = masked(2);
	struct aoe_mask_reply reply;

	for (unsigned command = 3; command < 256; command++)
		for (unsigned at = 0; at < 5; at++) {
			for (unsigned i = 0; i < 5; i++)
				direct(i, AOE_DIRECTIVE_ADD, 100 + i);
			direct(at, (uint8_t)command, 0);
			assert_int_equal(edit(&book, 5, &reply), AOE_OUTCOME_SAME);
			assert_int_equal(reply.error, AOE_MASK_BAD_DIRECTIVE);
			assert_int_equal(reply.done, at);
		}
}

static void mask_full(void **state)
{
	struct aoe_mask_reply reply;

	for (unsigned n = AOE_MASK_MAX - 3; n <= AOE_MASK_MAX; n++) {
		struct aoe_book book = masked(n);
		unsigned room = AOE_MASK_MAX - n;

		for (unsigned i = 0; i <= room; i++)
			direct(i, AOE_DIRECTIVE_ADD, 1000 + i);
		assert_int_equal(edit(&book, room, &reply),
				 room ? AOE_OUTCOME_CHANGED : AOE_OUTCOME_SAME);
		assert_int_equal(reply.list_count, AOE_MASK_MAX);
		assert_int_equal(edit(&book, room + 1, &reply), AOE_OUTCOME_SAME);
		assert_int_equal(reply.error, AOE_MASK_FULL);
		assert_int_equal(reply.done, room);
	}
	/* To add to a full list what is on it is no failure, nor is room made first. */
	struct aoe_book full = masked(AOE_MASK_MAX);

	direct(0, AOE_DIRECTIVE_ADD, 0);
	assert_int_equal(edit(&full, 1, &reply), AOE_OUTCOME_SAME);
	assert_int_equal(reply.error, AOE_MASK_OK);
	direct(0, AOE_DIRECTIVE_DELETE, 0);
	direct(1, AOE_DIRECTIVE_ADD, 1000);
	assert_int_equal(edit(&full, 2, &reply), AOE_OUTCOME_CHANGED);
}

static void mask_255_directives(void **state)
{
	struct aoe_book empty = { 0 };
	struct aoe_mask_reply reply;

	for (unsigned i = 0; i < 255; i++)
		direct(i, AOE_DIRECTIVE_ADD, i);
	assert_int_equal(edit(&empty, 255, &reply), AOE_OUTCOME_SAME);
	assert_int_equal(reply.error, AOE_MASK_FULL);
	assert_int_equal(reply.done, AOE_MASK_MAX);
}

static void mask_hears(void **state)
{
	for (unsigned n = 0; n <= AOE_MASK_MAX; n++) {
		struct aoe_book book = masked(n);

		for (unsigned i = 0; i < AOE_MASK_MAX + 2; i++)
			assert_int_equal(hears(&book, i), !n || i < n);
	}
}

/* ---- 3.4 -------------------------------------------------------------------- */

static struct aoe_book reserved(unsigned n)
{
	struct aoe_book book = { .reserve_count = (uint8_t)n };

	for (unsigned i = 0; i < n; i++)
		book.reserve[i] = mac(i);
	return book;
}

static uint8_t list[AOE_RESERVE_MAX * AOE_MAC_BYTES];

/* Client `who` asks for `count` addresses, of which the first is `first`. */
static void reserve_case(uint8_t command, unsigned there, unsigned who, unsigned first,
			 unsigned count, enum aoe_outcome want, enum aoe_error want_error)
{
	struct aoe_book book = reserved(there), was = book;
	struct aoe_reserve asked = { command, (uint8_t)count, list };
	struct aoe_mac from = mac(who);
	struct aoe_reserve_reply reply;
	enum aoe_error error;
	bool changed = want == AOE_OUTCOME_CHANGED;

	for (unsigned i = 0; i < count; i++) {
		struct aoe_mac one = mac(first + i);

		memcpy(list + i * AOE_MAC_BYTES, one.at, AOE_MAC_BYTES);
	}
	arm();
	assert_int_equal(aoe_book_reserve(&book, &from, &asked, &next, &error, &reply), want);
	assert_int_equal(error, want_error);
	assert_memory_equal(&book, &was, sizeof(book));
	if (!changed)
		assert_next_untouched();
	assert_int_equal(reply.command, command);
	assert_int_equal(reply.list_count, changed ? count : there);
	assert_ptr_equal(reply.list, changed ? next.reserve : book.reserve);
	for (unsigned i = 0; i < reply.list_count; i++)
		assert_true(is_mac(&reply.list[i], changed ? first + i : i));
}

static void reserve_every_case(void **state)
{
	static const unsigned sizes[] = { 0, 1, 2, 3, AOE_RESERVE_MAX };

	for (size_t i = 0; i < TABLE_LEN(sizes); i++)
		for (size_t j = 0; j < TABLE_LEN(sizes); j++)
			for (unsigned first = 0; first < 2; first++)
				for (unsigned who = 0; who < 5; who++) {
					unsigned there = sizes[i], count = sizes[j];
					bool may = !there || who < there;
					bool same = count == there && (!count || !first);
					enum aoe_outcome set = same ? AOE_OUTCOME_SAME
								    : AOE_OUTCOME_CHANGED;

					reserve_case(AOE_RESERVE_READ, there, who, 0, 0,
						     AOE_OUTCOME_SAME, 0);
					reserve_case(AOE_RESERVE_SET, there, who, first, count,
						     may ? set : AOE_OUTCOME_SAME,
						     may ? 0 : AOE_ERROR_RESERVED);
					reserve_case(AOE_RESERVE_FORCE, there, who, first, count,
						     set, 0);
				}
}

static void reserve_lets(void **state)
{
	static const unsigned sizes[] = { 0, 1, 2, AOE_RESERVE_MAX };

	for (size_t i = 0; i < TABLE_LEN(sizes); i++) {
		struct aoe_book book = reserved(sizes[i]);

		for (unsigned who = 0; who < 300; who++)
			for (unsigned command = 0; command < 256; command++) {
				struct aoe_mac from = mac(who);

				assert_int_equal(aoe_book_lets(&book, &from, (uint8_t)command),
						 !sizes[i] || who < sizes[i] || command == 0xec);
			}
	}
}

/* Mask and reserve list know nothing of each other: on one, on the other, on both. */
static void both_lists(void **state)
{
	struct aoe_book book = masked(2);
	struct aoe_mac one;

	book.reserve_count = 2;
	book.reserve[0] = mac(1);
	book.reserve[1] = mac(2);
	for (unsigned who = 0; who < 4; who++) {
		one = mac(who);
		assert_int_equal(aoe_book_hears(&book, &one), who < 2);
		assert_int_equal(aoe_book_lets(&book, &one, 0x34), who == 1 || who == 2);
	}
}

/* Each operation changes its own part, and keeps the two others. */
static void parts_are_apart(void **state)
{
	struct aoe_config config = { AOE_CONFIG_FORCE, (const uint8_t *)"new", 3 };
	struct aoe_reserve reserve = { .command = AOE_RESERVE_FORCE };
	struct aoe_book book = masked(2), was;
	struct aoe_config_reply config_reply;
	struct aoe_reserve_reply reserve_reply;
	struct aoe_mask_reply mask_reply;
	struct aoe_mac from = mac(0);
	enum aoe_error error;

	book.reserve_count = 1;
	book.reserve[0] = mac(5);
	book.config_bytes = 2;
	memcpy(book.config, "ab", 2);
	was = book;
	aoe_book_config(&book, &config, &next, &error, &config_reply);
	memset(was.config, 0, sizeof(was.config));
	memcpy(was.config, "new", 3);
	was.config_bytes = 3;
	assert_memory_equal(&next, &was, sizeof(was));
	book = was;
	direct(0, AOE_DIRECTIVE_ADD, 2);
	edit(&book, 1, &mask_reply);
	was.mask[was.mask_count++] = mac(2);
	assert_memory_equal(&next, &was, sizeof(was));
	book = was;
	aoe_book_reserve(&book, &from, &reserve, &next, &error, &reserve_reply);
	was.reserve_count = 0;
	was.reserve[0] = (struct aoe_mac){ { 0 } };
	assert_memory_equal(&next, &was, sizeof(was));
}

/* ---- the record --------------------------------------------------------------- */

static struct aoe_book filled(unsigned string, unsigned masks, unsigned reserves)
{
	struct aoe_book book = masked(masks);

	book.config_bytes = (uint16_t)string;
	for (unsigned i = 0; i < string; i++)
		book.config[i] = (uint8_t)(i + 1);
	book.reserve_count = (uint8_t)reserves;
	for (unsigned i = 0; i < reserves; i++)
		book.reserve[i] = mac(500 + i);
	return book;
}

static void record_round_trip(void **state)
{
	static const unsigned s[] = { 0, 1, 1024 }, m[] = { 0, 1, 185 }, r[] = { 0, 1, 248 };

	for (unsigned i = 0; i < 27; i++) {
		struct aoe_book book = filled(s[i % 3], m[i / 3 % 3], r[i / 9]), got;
		uint8_t record[AOE_BOOK_RECORD_MAX];
		size_t n = aoe_book_save(&book, record);
		struct gw_err err = GW_ERR_NONE;

		assert_int_equal(n, 20 + s[i % 3] + (m[i / 3 % 3] + r[i / 9]) * 6);
		memset(&got, 0x77, sizeof(got));
		assert_int_equal(aoe_book_load(record, n, &got, &err), 0);
		assert_memory_equal(&got, &book, sizeof(book));
		assert_int_equal(err.errnum, 0);
	}
}

static void refuse_record(const uint8_t *record, size_t n, int want, const char *words)
{
	uint8_t *exact = malloc(n ? n : 1);
	struct gw_err err = GW_ERR_NONE;

	assert_non_null(exact);
	memcpy(exact, record, n);
	arm();
	assert_int_equal(aoe_book_load(exact, n, &next, &err), want);
	assert_next_untouched();
	if (words)
		assert_string_equal(err.text, words);
	else
		assert_true(strlen(err.text) > 20);
	free(exact);
}

static void record_damaged(void **state)
{
	struct aoe_book book = filled(7, 3, 2);
	uint8_t record[AOE_BOOK_RECORD_MAX + 1] = { 0 };
	size_t n = aoe_book_save(&book, record);

	for (size_t i = 0; i < n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			record[i] ^= (uint8_t)(1u << bit);
			refuse_record(record, n, -EBADMSG, NULL);
			record[i] ^= (uint8_t)(1u << bit);
		}
	for (size_t cut = 0; cut < n; cut++)
		refuse_record(record, cut, -EBADMSG, NULL);
	refuse_record(record, n + 1, -EBADMSG,
		      "the record of AoE is damaged: its checksum does not fit");
	refuse_record(record, 19, -EBADMSG, "the record of AoE is damaged: it is too short");
	record[0] = 'B';
	refuse_record(record, n, -EBADMSG,
		      "the record of AoE is damaged: it does not begin like one");
}

/* What a checksum cannot see: a record that was written wrong. */
static void seal(uint8_t *record, size_t n)
{
	be32_put(record + n - 4, crc32c(0, record, n - 4));
}

static void record_wrong(void **state)
{
	static const struct {
		uint8_t at, value;
		const char *words;
	} cases[] = {
		{ 11, 8, "the record of AoE is damaged: its length is not what it counts" },
		{ 11, 6, "the record of AoE is damaged: its length is not what it counts" },
		{ 12, 4, "the record of AoE is damaged: its length is not what it counts" },
		{ 13, 1, "the record of AoE is damaged: its length is not what it counts" },
		{ 10, 5, "the record of AoE is damaged: it counts more than it can hold" },
		{ 12, 186, "the record of AoE is damaged: it counts more than it can hold" },
		{ 13, 249, "the record of AoE is damaged: it counts more than it can hold" },
		{ 14, 1, "the record of AoE is damaged: it counts more than it can hold" },
		{ 15, 1, "the record of AoE is damaged: it counts more than it can hold" },
	};
	struct aoe_book book = filled(7, 3, 2);
	uint8_t record[AOE_BOOK_RECORD_MAX];
	size_t n = aoe_book_save(&book, record);

	for (size_t i = 0; i < TABLE_LEN(cases); i++) {
		uint8_t was = record[cases[i].at];

		record[cases[i].at] = cases[i].value;
		seal(record, n);
		refuse_record(record, n, -EBADMSG, cases[i].words);
		record[cases[i].at] = was;
	}
	record[9] = 2;
	seal(record, n);
	refuse_record(record, n, -ENOTSUP, "the record of AoE is of version 2, not 1");
}

HARNESS_MAIN(cmocka_unit_test(config_every_case), cmocka_unit_test(config_read),
	     cmocka_unit_test(config_longest), cmocka_unit_test(config_leaves_nothing),
	     cmocka_unit_test(config_zeros), cmocka_unit_test(mask_read),
	     cmocka_unit_test(mask_edits), cmocka_unit_test(mask_same),
	     cmocka_unit_test(mask_emptied), cmocka_unit_test(mask_bad_directive),
	     cmocka_unit_test(mask_full), cmocka_unit_test(mask_255_directives),
	     cmocka_unit_test(mask_hears), cmocka_unit_test(reserve_every_case),
	     cmocka_unit_test(reserve_lets), cmocka_unit_test(both_lists),
	     cmocka_unit_test(parts_are_apart), cmocka_unit_test(record_round_trip),
	     cmocka_unit_test(record_damaged), cmocka_unit_test(record_wrong))
