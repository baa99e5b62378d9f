/* SPDX-License-Identifier: BSD-3-Clause
 *
 * talk.h - one negotiation of keys, and what it has answered, for iscsi_keys_test.
 */
#ifndef TESTS_UNIT_PROTOCOLS_ISCSI_TALK_H
#define TESTS_UNIT_PROTOCOLS_ISCSI_TALK_H

#include <string.h>

#include "protocols/iscsi/iscsi_keys.h"
#include "tests/harness/harness.h"

#define NAME "iqn.2001-04.com.example:a"

/* One negotiation and what it has answered. */
struct talk {
	struct iscsi_keys keys;
	struct iscsi_wants wants;
	struct iscsi_text_out out;
	uint8_t answers[8192];
	enum iscsi_neg_fault fault;
};

static inline struct iscsi_slice slice(const char *word)
{
	return (struct iscsi_slice){ (const uint8_t *)word, (uint32_t)strlen(word) };
}

static inline void talk_begin(struct talk *t, bool leading, enum iscsi_stage stage)
{
	iscsi_keys_wants(&t->wants);
	iscsi_keys_begin(&t->keys, leading, NULL);
	iscsi_keys_want(&t->keys, &t->wants);
	iscsi_keys_stage(&t->keys, stage);
	iscsi_text_out_begin(&t->out, t->answers, sizeof(t->answers));
	t->fault = ISCSI_NEG_NONE;
}

static inline enum iscsi_offer offer(struct talk *t, const char *key, const char *value)
{
	struct iscsi_text_pair pair = { slice(key), slice(value) };

	t->fault = ISCSI_NEG_NONE;
	return iscsi_keys_offer(&t->keys, &pair, &t->out, &t->fault);
}

static inline enum iscsi_offer offer_number(struct talk *t, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	return offer(t, key, digits);
}

/* The answers so far, as a string with | for each zero byte; and forgets them. */
static inline const char *answers(struct talk *t)
{
	static char text[sizeof(t->answers) + 1];

	memcpy(text, t->answers, t->out.len);
	text[t->out.len] = 0;
	for (uint32_t i = 0; i < t->out.len; i++)
		if (!text[i])
			text[i] = '|';
	t->out.len = 0;
	return text;
}

static inline void assert_fault(struct talk *t, const char *key, const char *value,
				enum iscsi_neg_fault fault)
{
	uint32_t before = t->out.len;

	assert_int_equal(offer(t, key, value), ISCSI_OFFER_FAULT);
	assert_int_equal(t->fault, fault);
	assert_int_equal(t->out.len, before);
}

static inline void assert_answer(struct talk *t, const char *key, const char *value,
				 const char *want)
{
	assert_int_equal(offer(t, key, value), ISCSI_OFFER_DONE);
	assert_string_equal(answers(t), want);
}

/* One offer of a fresh leading login in the operational stage. */
static inline void assert_fresh(const char *key, const char *value, const char *want)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	assert_answer(&t, key, value, want);
}

#endif
