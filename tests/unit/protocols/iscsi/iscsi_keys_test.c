/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_keys_test.c - every key: its range, its result function, its stages, its
 * senders; whole negotiations; and what hostile peers try.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_keys.h"

#include <string.h>

#include "gateway/base/table.h"
#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/talk.h"

/* ---- the table ------------------------------------------------------------ */

static void rows(void **state)
{
	for (unsigned k = 0; k < ISCSI_KEY_COUNT; k++) {
		const struct iscsi_key_row *row = iscsi_keys_row(k);

		assert_int_equal(iscsi_keys_find(slice(row->word)), k);
		assert_true(strlen(row->word) <= ISCSI_TEXT_KEY_MAX && row->clause[0]);
		assert_true(row->low <= row->high);
		for (unsigned other = 0; other < k; other++)
			assert_string_not_equal(row->word, iscsi_keys_row(other)->word);
	}
	assert_null(iscsi_keys_row(ISCSI_KEY_COUNT));
	assert_null(iscsi_keys_row(UINT32_MAX));
	assert_int_equal(iscsi_keys_find(slice("headerdigest")), ISCSI_KEY_COUNT);
	assert_int_equal(iscsi_keys_find(slice("")), ISCSI_KEY_COUNT);
}

static void defaults(void **state)
{
	struct iscsi_params p;

	iscsi_keys_defaults(&p);
	assert_false(p.discovery || p.header_digest || p.data_digest);
	assert_true(p.send_max == 8192 && p.recv_max == 8192 && p.max_connections == 1);
	assert_true(p.initial_r2t && p.immediate_data);
	assert_true(p.max_burst == 262144 && p.first_burst == 65536);
	assert_true(p.time2wait == 2 && p.time2retain == 20 && p.max_r2t == 1);
	assert_true(p.pdu_in_order && p.sequence_in_order);
	assert_true(!p.recovery_level && p.protocol_level == 1);
	assert_int_equal(p.reporting, ISCSI_REPORTING_RFC3720);
}

/* ---- numbers: every edge of every range ----------------------------------- */

/* What close appends of its own goes away here. */
static const char *close_and_answers(struct talk *t)
{
	t->keys.declared = ~0u;
	assert_int_equal(iscsi_keys_close(&t->keys, &t->out), ISCSI_NEG_NONE);
	return answers(t);
}

static void set_want(struct iscsi_wants *wants, unsigned key, uint32_t v)
{
	switch (key) {
	case ISCSI_KEY_MAX_CONNECTIONS:
		wants->max_connections = (uint16_t)v;
		break;
	case ISCSI_KEY_MAX_BURST:
		wants->max_burst = v;
		break;
	case ISCSI_KEY_FIRST_BURST:
		wants->first_burst = v;
		break;
	case ISCSI_KEY_TIME2WAIT:
		wants->time2wait = (uint16_t)v;
		break;
	case ISCSI_KEY_TIME2RETAIN:
		wants->time2retain = (uint16_t)v;
		break;
	case ISCSI_KEY_MAX_R2T:
		wants->max_r2t = (uint16_t)v;
		break;
	case ISCSI_KEY_RECOVERY_LEVEL:
		wants->recovery_level = (uint8_t)v;
		break;
	case ISCSI_KEY_PROTOCOL_LEVEL:
		wants->protocol_level = (uint8_t)v;
		break;
	default:
		fail();
	}
}

static void assert_number(unsigned key, uint64_t value, uint32_t want)
{
	const struct iscsi_key_row *row = iscsi_keys_row(key);
	bool maximum = row->kind == ISCSI_KIND_MAXIMUM;
	char expected[64], hex[24];
	struct talk t;

	for (unsigned as_hex = 0; as_hex < 2; as_hex++) {
		talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
		set_want(&t.wants, key, want);
		t.keys.now.max_burst = 0xffffff; /* not in the way of FirstBurstLength */
		snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)value);
		if (as_hex)
			assert_int_equal(offer(&t, row->word, hex), ISCSI_OFFER_DONE);
		else
			assert_int_equal(offer_number(&t, row->word, value), ISCSI_OFFER_DONE);
		if (value < row->low || value > row->high)
			snprintf(expected, sizeof(expected), "%s=Reject|", row->word);
		else
			snprintf(expected, sizeof(expected), "%s=%llu|", row->word,
				 (unsigned long long)((maximum ? value > want : value < want)
							      ? value
							      : want));
		assert_string_equal(close_and_answers(&t), expected);
	}
}

static void number_edges(void **state)
{
	for (unsigned key = 0; key < ISCSI_KEY_COUNT; key++) {
		const struct iscsi_key_row *row = iscsi_keys_row(key);
		uint32_t middle = row->low + (row->high - row->low) / 2;
		uint64_t values[] = { 0,	  row->low,   (uint64_t)row->low + 1,
				      middle,	  row->high,  (uint64_t)row->high + 1,
				      UINT32_MAX, 1ull << 32, (1ull << 32) + row->low,
				      UINT64_MAX };
		uint32_t wants[] = { row->low, middle, row->high };

		if (row->kind != ISCSI_KIND_MINIMUM && row->kind != ISCSI_KIND_MAXIMUM)
			continue;
		for (unsigned v = 0; v < TABLE_LEN(values); v++)
			for (unsigned w = 0; w < TABLE_LEN(wants); w++)
				assert_number(key, values[v], wants[w]);
		if (row->low)
			assert_number(key, row->low - 1, middle);
	}
}

static void numbers_that_are_none(void **state)
{
	static const char *const bad[] = { "",	  "Yes", "-1",	     "1.0",
					   "01",  "0x",	 "512~1024", "18446744073709551616",
					   "None" };

	for (unsigned key = 0; key < ISCSI_KEY_COUNT; key++) {
		const struct iscsi_key_row *row = iscsi_keys_row(key);
		char want[64];

		if (row->kind != ISCSI_KIND_MINIMUM && row->kind != ISCSI_KIND_MAXIMUM &&
		    row->kind != ISCSI_KIND_AND && row->kind != ISCSI_KIND_OR)
			continue;
		snprintf(want, sizeof(want), "%s=Reject|", row->word);
		for (unsigned i = 0; i < TABLE_LEN(bad); i++)
			if ((row->kind != ISCSI_KIND_AND && row->kind != ISCSI_KIND_OR) || i != 1)
				assert_fresh(row->word, bad[i], want);
	}
}

/* A rejected key stays at its default (6.2). */
static void rejected_is_default(void **state)
{
	struct iscsi_params before;
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	before = t.keys.now;
	assert_answer(&t, "MaxBurstLength", "511", "MaxBurstLength=Reject|");
	assert_answer(&t, "InitialR2T", "no", "InitialR2T=Reject|");
	assert_answer(&t, "HeaderDigest", "MD5", "HeaderDigest=Reject|");
	assert_answer(&t, "TaskReporting", "FastAbort", "TaskReporting=Reject|");
	assert_memory_equal(&before, &t.keys.now, sizeof(before));
	/* And may not be tried again. */
	assert_fault(&t, "MaxBurstLength", "512", ISCSI_NEG_KEY_TWICE);
}

/* ---- booleans: both functions, all four cases ------------------------------ */

static void booleans(void **state)
{
	static const struct {
		const char *key;
		bool is_or;
		size_t want, got;
	} keys[] = {
		{ "InitialR2T", true, offsetof(struct iscsi_wants, initial_r2t),
		  offsetof(struct iscsi_params, initial_r2t) },
		{ "ImmediateData", false, offsetof(struct iscsi_wants, immediate_data),
		  offsetof(struct iscsi_params, immediate_data) },
		{ "DataPDUInOrder", true, offsetof(struct iscsi_wants, pdu_in_order),
		  offsetof(struct iscsi_params, pdu_in_order) },
		{ "DataSequenceInOrder", true, offsetof(struct iscsi_wants, sequence_in_order),
		  offsetof(struct iscsi_params, sequence_in_order) },
	};

	for (unsigned i = 0; i < TABLE_LEN(keys); i++)
		for (unsigned c = 0; c < 4; c++) {
			bool theirs = c & 1, ours = c >> 1;
			bool result = keys[i].is_or ? theirs || ours : theirs && ours;
			char want[64];
			struct talk t;

			talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
			*(bool *)((char *)&t.wants + keys[i].want) = ours;
			snprintf(want, sizeof(want), "%s=%s|", keys[i].key, result ? "Yes" : "No");
			assert_answer(&t, keys[i].key, theirs ? "Yes" : "No", want);
			assert_int_equal(*(bool *)((char *)&t.keys.now + keys[i].got), result);
		}
}

/* ---- lists ---------------------------------------------------------------- */

static void digests(void **state)
{
	static const struct {
		const char *list;
		bool crc, none;
		const char *chosen; /* null: no choice */
	} cases[] = { { "CRC32C,None", true, true, "CRC32C" },
		      { "None,CRC32C", true, true, "None" },
		      { "CRC32C", true, true, "CRC32C" },
		      { "None", true, true, "None" },
		      { "CRC32C,None", false, true, "None" },
		      { "None,CRC32C", true, false, "CRC32C" },
		      { "None", true, false, NULL },
		      { "Y-com.example.md5,CRC32C", true, true, "CRC32C" },
		      { "crc32c,none", true, true, "Reject" },
		      { "", true, true, "Reject" },
		      { ",,None", true, true, "None" },
		      { "", true, false, NULL },
		      { "CRC32C", false, true, "Reject" } };

	for (unsigned i = 0; i < TABLE_LEN(cases); i++)
		for (unsigned header = 0; header < 2; header++) {
			const char *key = header ? "HeaderDigest" : "DataDigest";
			char want[64];
			struct talk t;

			talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
			*(header ? &t.wants.header_crc32c : &t.wants.data_crc32c) = cases[i].crc;
			*(header ? &t.wants.header_none : &t.wants.data_none) = cases[i].none;
			if (!cases[i].chosen) {
				assert_fault(&t, key, cases[i].list, ISCSI_NEG_NO_CHOICE);
				continue;
			}
			snprintf(want, sizeof(want), "%s=%s|", key, cases[i].chosen);
			assert_answer(&t, key, cases[i].list, want);
			assert_int_equal(header ? t.keys.now.header_digest : t.keys.now.data_digest,
					 !strcmp(cases[i].chosen, "CRC32C"));
		}
}

/* Whoever insists on a digest and was not asked about it does not settle. */
static void digest_insisted_on(void **state)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	assert_int_equal(iscsi_keys_settle(&t.keys), ISCSI_NEG_NONE);
	t.wants.header_none = false;
	assert_int_equal(iscsi_keys_settle(&t.keys), ISCSI_NEG_NO_CHOICE);
	assert_answer(&t, "HeaderDigest", "CRC32C", "HeaderDigest=CRC32C|");
	assert_int_equal(iscsi_keys_settle(&t.keys), ISCSI_NEG_NONE);
	t.wants.data_none = false;
	assert_int_equal(iscsi_keys_settle(&t.keys), ISCSI_NEG_NO_CHOICE);
}

static void task_reporting(void **state)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	assert_answer(&t, "TaskReporting", "FastAbort,ResponseFence,RFC3720",
		      "TaskReporting=ResponseFence|");
	assert_int_equal(t.keys.now.reporting, ISCSI_REPORTING_FENCE);
	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	t.wants.reporting_fast_abort = true;
	assert_answer(&t, "TaskReporting", "FastAbort,ResponseFence,RFC3720",
		      "TaskReporting=FastAbort|");
	assert_int_equal(t.keys.now.reporting, ISCSI_REPORTING_FAST_ABORT);
	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	t.wants.reporting_fence = false;
	assert_answer(&t, "TaskReporting", "ResponseFence,RFC3720", "TaskReporting=RFC3720|");
}

static void long_items(void **state)
{
	char list[600];
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	memset(list, 'x', sizeof(list));
	memcpy(list + 255, ",None", 6);
	assert_answer(&t, "HeaderDigest", list, "HeaderDigest=None|");
	memset(list, 'x', sizeof(list));
	memcpy(list + 256, ",None", 6);
	assert_fault(&t, "DataDigest", list, ISCSI_NEG_LONG_VALUE);
}

/* ---- declarations --------------------------------------------------------- */

static void declarations(void **state)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_SECURITY);
	assert_answer(&t, "InitiatorName", "iqn.2001-04.COM.Example:A", "");
	assert_answer(&t, "InitiatorAlias", "host \xc3\xbc", "");
	assert_answer(&t, "TargetName", NAME, "");
	assert_answer(&t, "SessionType", "Normal", "");
	/* RFC 3722 folds capitals. */
	assert_true(iscsi_text_is(iscsi_keys_initiator_name(&t.keys), NAME));
	assert_true(iscsi_text_is(iscsi_keys_target_name(&t.keys), NAME));
	assert_int_equal(t.keys.initiator_alias_len, 7);
	assert_false(t.keys.now.discovery);
	assert_fault(&t, "InitiatorName", NAME, ISCSI_NEG_KEY_TWICE);
	iscsi_keys_stage(&t.keys, ISCSI_STAGE_OPERATIONAL);
	assert_fault(&t, "TargetName", NAME, ISCSI_NEG_KEY_TWICE);
	assert_fault(&t, "SessionType", "Discovery", ISCSI_NEG_KEY_TWICE);
	assert_answer(&t, "X#NodeArchitecture", "ExampleOS/v1234,More/1", "");
}

static void bad_declarations(void **state)
{
	char text[300];
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	assert_fault(&t, "InitiatorName", "disk", ISCSI_NEG_BAD_NAME);
	assert_fault(&t, "TargetName", "", ISCSI_NEG_BAD_NAME);
	assert_fault(&t, "SessionType", "normal", ISCSI_NEG_SESSION_TYPE);
	assert_int_equal(t.keys.initiator_name_len, 0);
	memset(text, 'a', sizeof(text));
	text[256] = 0;
	assert_fault(&t, "InitiatorAlias", text, ISCSI_NEG_LONG_VALUE);
	assert_fault(&t, "X#NodeArchitecture", text, ISCSI_NEG_LONG_VALUE);
	assert_int_equal(t.keys.initiator_alias_len, 0);
	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	text[255] = 0;
	assert_answer(&t, "InitiatorAlias", text, "");
	assert_int_equal(t.keys.initiator_alias_len, 255);
	memcpy(text, "iqn.", 4);
	text[224] = 0;
	assert_fault(&t, "InitiatorName", text, ISCSI_NEG_LONG_VALUE);
}

static void max_recv(void **state)
{
	static const struct {
		const char *value;
		uint32_t n; /* 0: refused */
	} cases[] = { { "511", 0 },	  { "512", 512 },
		      { "8192", 8192 },	  { "16777215", 0xffffff },
		      { "16777216", 0 },  { "0", 0 },
		      { "x", 0 },	  { "0x40000", 262144 },
		      { "4294968320", 0 } };

	for (unsigned i = 0; i < TABLE_LEN(cases); i++) {
		struct talk t;

		talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
		if (cases[i].n) {
			assert_answer(&t, "MaxRecvDataSegmentLength", cases[i].value, "");
			assert_int_equal(t.keys.now.send_max, cases[i].n);
		} else {
			assert_fault(&t, "MaxRecvDataSegmentLength", cases[i].value,
				     ISCSI_NEG_KEY_VALUE);
			assert_int_equal(t.keys.now.send_max, 8192);
		}
	}
}

static void ours_are_declared_once(void **state)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_SECURITY);
	t.wants.alias = "Big disk";
	assert_int_equal(iscsi_keys_close(&t.keys, &t.out), ISCSI_NEG_NONE);
	/* 13.12 is no key of the security stage. */
	assert_string_equal(answers(&t), "TargetAlias=Big disk|");
	assert_int_equal(t.keys.now.recv_max, 8192);
	iscsi_keys_stage(&t.keys, ISCSI_STAGE_OPERATIONAL);
	assert_int_equal(iscsi_keys_close(&t.keys, &t.out), ISCSI_NEG_NONE);
	assert_string_equal(answers(&t), "MaxRecvDataSegmentLength=262144|");
	assert_int_equal(t.keys.now.recv_max, 262144);
	assert_int_equal(iscsi_keys_close(&t.keys, &t.out), ISCSI_NEG_NONE);
	assert_string_equal(answers(&t), "");
	assert_fault(&t, "MaxRecvDataSegmentLength", "Reject", ISCSI_NEG_KEY_REFUSED);
	assert_fault(&t, "TargetAlias", "NotUnderstood", ISCSI_NEG_KEY_REFUSED);
}

static void no_alias(void **state)
{
	static const char *const none[] = { NULL, "" };
	struct talk t;

	for (unsigned i = 0; i < TABLE_LEN(none); i++) {
		talk_begin(&t, true, ISCSI_STAGE_SECURITY);
		t.wants.alias = none[i];
		assert_int_equal(iscsi_keys_close(&t.keys, &t.out), ISCSI_NEG_NONE);
		assert_string_equal(answers(&t), "");
	}
	/* 13.6: normal sessions alone, and the login alone. */
	talk_begin(&t, true, ISCSI_STAGE_SECURITY);
	t.wants.alias = "Disk";
	offer(&t, "SessionType", "Discovery");
	assert_int_equal(iscsi_keys_close(&t.keys, &t.out), ISCSI_NEG_NONE);
	assert_string_equal(answers(&t), "");
	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	t.wants.alias = "Disk";
	iscsi_keys_reopen(&t.keys);
	assert_int_equal(iscsi_keys_close(&t.keys, &t.out), ISCSI_NEG_NONE);
	assert_string_equal(answers(&t), "");
}

/* ---- keys that wait ------------------------------------------------------- */

static void first_burst_follows_max_burst(void **state)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	assert_answer(&t, "FirstBurstLength", "262144", "");
	assert_answer(&t, "MaxBurstLength", "65536", "MaxBurstLength=65536|");
	assert_string_equal(close_and_answers(&t), "FirstBurstLength=65536|");
	assert_true(t.keys.now.first_burst == 65536 && t.keys.now.max_burst == 65536);
	assert_int_equal(iscsi_keys_settle(&t.keys), ISCSI_NEG_NONE);
	assert_string_equal(close_and_answers(&t), "");
}

static void first_burst_irrelevant(void **state)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	assert_answer(&t, "FirstBurstLength", "4192", "");
	assert_answer(&t, "InitialR2T", "Yes", "InitialR2T=Yes|");
	assert_answer(&t, "ImmediateData", "No", "ImmediateData=No|");
	assert_answer(&t, "MaxBurstLength", "512", "MaxBurstLength=512|");
	assert_string_equal(close_and_answers(&t), "FirstBurstLength=Irrelevant|");
	assert_int_equal(iscsi_keys_settle(&t.keys), ISCSI_NEG_NONE);
}

/* 13.14: who offers MaxBurstLength alone does not mean the default of the other. */
static void first_burst_above_max_burst(void **state)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	assert_answer(&t, "MaxBurstLength", "65535", "MaxBurstLength=65535|");
	assert_int_equal(iscsi_keys_settle(&t.keys), ISCSI_NEG_NONE);
	assert_int_equal(t.keys.now.first_burst, 65535);
	assert_answer(&t, "FirstBurstLength", "512", "");
	assert_string_equal(close_and_answers(&t), "FirstBurstLength=512|");
	assert_int_equal(iscsi_keys_settle(&t.keys), ISCSI_NEG_NONE);
}

/* 13.19: recovery and sequences in order leave one R2T, in whatever order they come. */
static void recovery_and_r2ts(void **state)
{
	for (unsigned order = 0; order < 3; order++) {
		struct talk t;

		talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
		t.wants.recovery_level = 2;
		if (order != 1)
			offer(&t, "ErrorRecoveryLevel", "2");
		offer(&t, "MaxOutstandingR2T", "8");
		if (order == 1)
			offer(&t, "ErrorRecoveryLevel", "2");
		if (order == 2) {
			t.wants.sequence_in_order = false;
			offer(&t, "DataSequenceInOrder", "No");
		}
		close_and_answers(&t);
		assert_int_equal(t.keys.now.recovery_level, 2);
		assert_int_equal(t.keys.now.max_r2t, order == 2 ? 8 : 1);
		assert_int_equal(iscsi_keys_settle(&t.keys), ISCSI_NEG_NONE);
	}
}

static void recovery_after_r2ts_in_an_earlier_text(void **state)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	t.wants.recovery_level = 2;
	offer(&t, "MaxOutstandingR2T", "8");
	assert_string_equal(close_and_answers(&t), "MaxOutstandingR2T=8|");
	assert_answer(&t, "ErrorRecoveryLevel", "2", "ErrorRecoveryLevel=0|");
	assert_int_equal(iscsi_keys_settle(&t.keys), ISCSI_NEG_NONE);
	t.keys.now.recovery_level = 1; /* by a bug, it would not pass */
	assert_int_equal(iscsi_keys_settle(&t.keys), ISCSI_NEG_KEYS_DISAGREE);
}

/* ---- where keys belong ---------------------------------------------------- */

static const char *value_for(const struct iscsi_key_row *row)
{
	if (!strcmp(row->word, "SessionType"))
		return "Normal";
	if (strstr(row->word, "Name"))
		return NAME;
	switch (row->kind) {
	case ISCSI_KIND_AND:
	case ISCSI_KIND_OR:
		return "Yes";
	case ISCSI_KIND_LIST:
		return "None,RFC3720";
	default:
		return !strcmp(row->word, "ErrorRecoveryLevel") ||
				       !strcmp(row->word, "iSCSIProtocolLevel")
			       ? "0"
			       : "1024";
	}
}

/* All keys in all stages. */
static void stages(void **state)
{
	static const enum iscsi_stage stages[] = { ISCSI_STAGE_SECURITY, ISCSI_STAGE_OPERATIONAL,
						   ISCSI_STAGE_FULL_FEATURE };

	for (unsigned key = 0; key < ISCSI_KEY_COUNT; key++)
		for (unsigned s = 0; s < 3; s++) {
			const struct iscsi_key_row *row = iscsi_keys_row(key);
			bool full = row->use == ISCSI_USE_ALL || row->use == ISCSI_USE_FFPO;
			bool ok = s == 0   ? row->any_stage
				  : s == 1 ? row->use != ISCSI_USE_FFPO &&
						     key != ISCSI_KEY_AUTH_METHOD
					   : full;
			enum iscsi_neg_fault want = ok ? ISCSI_NEG_NONE : ISCSI_NEG_KEY_STAGE;
			struct talk t;

			if (!(row->sender & ISCSI_SENDER_INITIATOR))
				want = ISCSI_NEG_KEY_SENDER;
			talk_begin(&t, true, stages[s]);
			if (s == 2)
				iscsi_keys_reopen(&t.keys);
			offer(&t, row->word, value_for(row));
			assert_int_equal(t.fault, want);
			if (want != ISCSI_NEG_NONE)
				continue;
			assert_fault(&t, row->word, value_for(row), ISCSI_NEG_KEY_TWICE);
		}
}

static void others_decide(void **state)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_SECURITY);
	assert_int_equal(offer(&t, "AuthMethod", "CHAP,None"), ISCSI_OFFER_AUTH);
	assert_int_equal(t.out.len, 0);
	iscsi_keys_reopen(&t.keys);
	assert_int_equal(offer(&t, "SendTargets", "All"), ISCSI_OFFER_SEND_TARGETS);
	assert_int_equal(t.out.len, 0);
	iscsi_keys_reopen(&t.keys);
	assert_int_equal(offer(&t, "SendTargets", ""), ISCSI_OFFER_SEND_TARGETS);
}

static void obsolete_keys(void **state)
{
	assert_fresh("IFMarker", "No", "IFMarker=Reject|");
	assert_fresh("OFMarker", "Yes", "OFMarker=Reject|");
	assert_fresh("IFMarkInt", "2048~8192", "IFMarkInt=Reject|");
	assert_fresh("OFMarkInt", "2048", "OFMarkInt=Reject|");
}

static void discovery_makes_keys_irrelevant(void **state)
{
	for (unsigned key = 0; key < ISCSI_KEY_COUNT; key++) {
		const struct iscsi_key_row *row = iscsi_keys_row(key);
		char want[64];
		struct talk t;

		if (!row->normal_only)
			continue;
		talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
		offer(&t, "SessionType", "Discovery");
		snprintf(want, sizeof(want), "%s=Irrelevant|", row->word);
		assert_answer(&t, row->word, value_for(row), want);
		assert_string_equal(close_and_answers(&t), "");
	}
}

static void discovery_overrides(void **state)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	t.wants.max_connections = 8;
	t.wants.recovery_level = 2;
	assert_answer(&t, "MaxConnections", "4", "MaxConnections=4|");
	assert_answer(&t, "ErrorRecoveryLevel", "2", "ErrorRecoveryLevel=2|");
	assert_answer(&t, "SessionType", "Discovery", "");
	assert_int_equal(iscsi_keys_settle(&t.keys), ISCSI_NEG_NONE);
	assert_int_equal(t.keys.now.max_connections, 1);
	assert_int_equal(t.keys.now.recovery_level, 0);
}

/* A connection that joins: leading-only keys are the session's. */
static void joining(void **state)
{
	struct iscsi_params session;
	struct talk t;

	iscsi_keys_defaults(&session);
	session.max_burst = 777216;
	session.max_connections = 4;
	session.header_digest = true;
	session.send_max = 1024;
	talk_begin(&t, false, ISCSI_STAGE_OPERATIONAL);
	assert_answer(&t, "SessionType", "Normal", "");
	iscsi_keys_join(&t.keys, &session);
	assert_answer(&t, "MaxBurstLength", "512", "MaxBurstLength=Irrelevant|");
	assert_answer(&t, "MaxConnections", "9", "MaxConnections=Irrelevant|");
	assert_answer(&t, "DataDigest", "CRC32C", "DataDigest=CRC32C|");
	assert_answer(&t, "MaxRecvDataSegmentLength", "2048", "");
	assert_int_equal(t.keys.now.max_burst, 777216);
	assert_int_equal(t.keys.now.max_connections, 4);
	assert_false(t.keys.now.header_digest);
	assert_true(t.keys.now.data_digest);
	assert_int_equal(t.keys.now.send_max, 2048);
	talk_begin(&t, false, ISCSI_STAGE_OPERATIONAL);
	assert_fault(&t, "SessionType", "Discovery", ISCSI_NEG_SESSION_TYPE);
}

/* ---- full feature phase --------------------------------------------------- */

static void renegotiation_and_its_failure(void **state)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	assert_answer(&t, "MaxRecvDataSegmentLength", "4096", "");
	iscsi_keys_reopen(&t.keys);
	assert_answer(&t, "MaxRecvDataSegmentLength", "65536", "");
	assert_int_equal(t.keys.now.send_max, 65536);
	assert_fault(&t, "MaxBurstLength", "512", ISCSI_NEG_KEY_STAGE);
	iscsi_keys_undo(&t.keys);
	assert_int_equal(t.keys.now.send_max, 4096);
	iscsi_keys_reopen(&t.keys);
	assert_answer(&t, "MaxRecvDataSegmentLength", "512", "");
	assert_int_equal(iscsi_keys_close(&t.keys, &t.out), ISCSI_NEG_NONE);
	assert_string_equal(answers(&t), "");
	assert_int_equal(t.keys.now.send_max, 512);
}

/* A connection needs no wishes any more then: every key, answered or refused. */
static void full_feature_without_wants(void **state)
{
	for (unsigned key = 0; key < ISCSI_KEY_COUNT; key++) {
		struct talk t;

		talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
		iscsi_keys_want(&t.keys, NULL);
		iscsi_keys_reopen(&t.keys);
		offer(&t, iscsi_keys_row(key)->word, value_for(iscsi_keys_row(key)));
		assert_int_equal(iscsi_keys_close(&t.keys, &t.out), ISCSI_NEG_NONE);
		assert_string_equal(answers(&t), "");
	}
}

/* ---- hostile -------------------------------------------------------------- */

static void not_understood(void **state)
{
	struct talk t;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	assert_answer(&t, "X-com.example.key", "1", "X-com.example.key=NotUnderstood|");
	assert_answer(&t, "headerdigest", "None", "headerdigest=NotUnderstood|");
	assert_answer(&t, "Empty", "", "Empty=NotUnderstood|");
}

/* 6.2: these words are answers.  Nobody is led into answering answers. */
static void reserved_words_as_proposals(void **state)
{
	static const char *const words[] = { "NotUnderstood", "Reject", "Irrelevant" };

	for (unsigned w = 0; w < TABLE_LEN(words); w++) {
		struct talk t;

		talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
		for (unsigned key = 0; key < ISCSI_KEY_COUNT; key++)
			assert_fault(&t, iscsi_keys_row(key)->word, words[w], ISCSI_NEG_KEY_WORD);
		assert_fault(&t, "X-com.example.key", words[w], ISCSI_NEG_KEY_WORD);
	}
}

/* CVE-2026-63887: a flood of small keys meets a bound of pairs, and any answer the
 * budget, whichever comes first. */
static void flood_of_keys(void **state)
{
	struct talk t;
	unsigned n = 0;

	talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
	while (offer(&t, "a", "b") == ISCSI_OFFER_DONE)
		n++;
	assert_int_equal(n, ISCSI_TEXT_PAIRS_MAX);
	assert_int_equal(t.fault, ISCSI_NEG_TOO_MANY_KEYS);
	for (uint32_t room = 0; room < 40; room++) {
		talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
		t.out.room = room;
		n = 0;
		while (offer(&t, "a", "b") == ISCSI_OFFER_DONE)
			n++;
		assert_int_equal(n, room / 16);
		assert_int_equal(t.fault, ISCSI_NEG_NO_ROOM);
		assert_true(t.out.len <= room);
	}
}

/* Every answer of every key in every room too small for it. */
static void no_room_for_any_answer(void **state)
{
	for (unsigned key = 0; key < ISCSI_KEY_COUNT; key++) {
		const struct iscsi_key_row *row = iscsi_keys_row(key);
		uint32_t whole;
		struct talk t;

		talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
		t.wants.alias = "A";
		if (offer(&t, row->word, value_for(row)) == ISCSI_OFFER_FAULT)
			continue;
		assert_int_equal(iscsi_keys_close(&t.keys, &t.out), ISCSI_NEG_NONE);
		whole = t.out.len;
		for (uint32_t room = 0; room < whole; room++) {
			enum iscsi_neg_fault fault;

			talk_begin(&t, true, ISCSI_STAGE_OPERATIONAL);
			t.wants.alias = "A";
			t.out.room = room;
			offer(&t, row->word, value_for(row));
			fault = t.fault;
			if (fault == ISCSI_NEG_NONE)
				fault = iscsi_keys_close(&t.keys, &t.out);
			assert_int_equal(fault, ISCSI_NEG_NO_ROOM);
			assert_true(t.out.len <= room);
		}
	}
}

static void long_values(void **state)
{
	char text[300];

	memset(text, '1', sizeof(text));
	text[256] = 0;
	for (unsigned key = 0; key < ISCSI_KEY_COUNT; key++) {
		const struct iscsi_key_row *row = iscsi_keys_row(key);
		struct talk t;

		if (!(row->sender & ISCSI_SENDER_INITIATOR) || row->kind == ISCSI_KIND_AUTH)
			continue; /* a list may be longer than one of its values */
		talk_begin(&t, true,
			   row->any_stage ? ISCSI_STAGE_SECURITY : ISCSI_STAGE_OPERATIONAL);
		if (row->use == ISCSI_USE_FFPO)
			iscsi_keys_reopen(&t.keys);
		assert_fault(&t, row->word, text, ISCSI_NEG_LONG_VALUE);
	}
}

HARNESS_MAIN(cmocka_unit_test(rows), cmocka_unit_test(defaults), cmocka_unit_test(number_edges),
	     cmocka_unit_test(numbers_that_are_none), cmocka_unit_test(rejected_is_default),
	     cmocka_unit_test(booleans), cmocka_unit_test(digests),
	     cmocka_unit_test(digest_insisted_on), cmocka_unit_test(task_reporting),
	     cmocka_unit_test(long_items), cmocka_unit_test(declarations),
	     cmocka_unit_test(bad_declarations), cmocka_unit_test(max_recv),
	     cmocka_unit_test(ours_are_declared_once), cmocka_unit_test(no_alias),
	     cmocka_unit_test(first_burst_follows_max_burst),
	     cmocka_unit_test(first_burst_irrelevant),
	     cmocka_unit_test(first_burst_above_max_burst), cmocka_unit_test(recovery_and_r2ts),
	     cmocka_unit_test(recovery_after_r2ts_in_an_earlier_text), cmocka_unit_test(stages),
	     cmocka_unit_test(others_decide), cmocka_unit_test(obsolete_keys),
	     cmocka_unit_test(discovery_makes_keys_irrelevant),
	     cmocka_unit_test(discovery_overrides), cmocka_unit_test(joining),
	     cmocka_unit_test(renegotiation_and_its_failure),
	     cmocka_unit_test(full_feature_without_wants), cmocka_unit_test(not_understood),
	     cmocka_unit_test(reserved_words_as_proposals), cmocka_unit_test(flood_of_keys),
	     cmocka_unit_test(no_room_for_any_answer), cmocka_unit_test(long_values))
