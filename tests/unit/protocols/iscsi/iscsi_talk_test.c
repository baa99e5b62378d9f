/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_talk_test.c - text in full feature phase: SendTargets in both kinds of session,
 * over as many PDUs as either side needs, and what it costs us.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_talk.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/ini.h"

#define TARGET "TargetName=iqn.2026-11.org.sluice:disk"
#define ADDRESS "TargetAddress=127.0.0.1:10809,1"
#define ANSWER TARGET "\0" ADDRESS

enum { CONTINUE = 0x40, BAD_FIELD = 9, PROTOCOL = 4, NO_TAG_LEFT = 10 };

/* A request in one PDU and its answer in one. */
static void asks(struct ini *i, const char *text, uint32_t n, const char *answer, uint32_t len)
{
	ini_text(i, 2, INI_NO_TAG, INI_FINAL, text, n);
	ini_take(i, INI_TEXT_RESPONSE, 2);
	assert_int_equal(i->pdu.flags, INI_FINAL);
	assert_int_equal(i->pdu.ttt, INI_NO_TAG);
	assert_int_equal(i->pdu.n, len);
	assert_memory_equal(i->pdu.data, answer, len);
}

#define ASKS(i, text, answer) asks(i, text, sizeof(text), answer, sizeof(answer))

static void rejected(struct ini *i, uint8_t reason)
{
	ini_take(i, INI_REJECT, INI_NO_TAG);
	assert_int_equal(i->pdu.bhs[2], reason);
}

static void targets(void **state)
{
	struct ini i;

	ini_begin(&i, "SessionType=Discovery|");
	ASKS(&i, "SendTargets=All", ANSWER);
	ASKS(&i, "SendTargets=iqn.2026-11.org.sluice:disk", ANSWER);
	ASKS(&i, "SendTargets=iqn.2026-11.ORG.sluice:DISK", ANSWER);
	asks(&i, "SendTargets=iqn.2026-11.org.sluice:other", 41, NULL, 0);
	ASKS(&i, "SendTargets=", "SendTargets=Reject");
	ini_logout(&i, 3);
	ini_take(&i, INI_LOGOUT_RESPONSE, 3);
	assert_true(fuzz_client_wait_closed(&i.client));
	ini_end(&i);
}

static void targets_of_a_normal_session(void **state)
{
	struct ini i;

	ini_begin(&i, "");
	ASKS(&i, "SendTargets=", ANSWER);
	ASKS(&i, "SendTargets=All", "SendTargets=Reject");
	ASKS(&i, "SendTargets=iqn.2026-11.org.sluice:disk", ANSWER);
	ini_end(&i);
}

/* A discovery session does nothing else. */
static void discovery_only(void **state)
{
	struct ini i;

	ini_begin(&i, "SessionType=Discovery|");
	ini_read(&i, 2, 0, 1);
	rejected(&i, PROTOCOL);
	i.cmdsn--; /* it has not come (RFC 7143 7.3) */
	ini_nop(&i, 3, "ping", 4);
	rejected(&i, PROTOCOL);
	i.cmdsn--;
	ini_manage(&i, 6, 4, INI_NO_TAG, 0);
	rejected(&i, PROTOCOL);
	ini_data_out(&i, 2, 1, 0, 0, "data", 4, true);
	ASKS(&i, "SendTargets=All", ANSWER);
	ini_end(&i);
}

static void question_in_pieces(void **state)
{
	static const char text[] = "SendTargets=All";
	struct ini i;

	ini_begin(&i, "SessionType=Discovery|");
	for (unsigned at = 0; at < sizeof(text); at++) {
		bool last = at + 1 == sizeof(text);

		ini_text(&i, 2, at ? i.pdu.ttt : INI_NO_TAG, last ? INI_FINAL : CONTINUE, text + at,
			 1);
		ini_take(&i, INI_TEXT_RESPONSE, 2);
		assert_int_equal(i.pdu.flags, last ? INI_FINAL : 0);
		assert_int_equal(i.pdu.n, last ? sizeof(ANSWER) : 0);
	}
	assert_memory_equal(i.pdu.data, ANSWER, sizeof(ANSWER));
	ini_end(&i);
}

/* Answers longer than the initiator's MaxRecvDataSegmentLength. */
static void answer_in_pieces(void **state)
{
	char text[2000], all[4096];
	uint32_t n = 0, got = 0, pieces = 0;
	struct ini i;

	for (unsigned k = 0; k < 60; k++)
		n += (uint32_t)snprintf(text + n, sizeof(text) - n, "X-example.com.%04u=value", k) +
		     1;
	ini_begin(&i, "MaxRecvDataSegmentLength=512|");
	ini_text(&i, 2, INI_NO_TAG, INI_FINAL, text, n);
	for (;; pieces++) {
		ini_take(&i, INI_TEXT_RESPONSE, 2);
		assert_true(i.pdu.n <= 512 && got + i.pdu.n <= sizeof(all));
		memcpy(all + got, i.pdu.data, i.pdu.n);
		got += i.pdu.n;
		if (i.pdu.flags & INI_FINAL)
			break;
		assert_int_equal(i.pdu.flags, CONTINUE);
		ini_text(&i, 2, i.pdu.ttt, INI_FINAL, NULL, 0);
	}
	assert_true(pieces >= 3);
	for (uint32_t at = 0, k = 0; k < 60; k++) {
		char want[64];

		snprintf(want, sizeof(want), "X-example.com.%04u=NotUnderstood", k);
		assert_true(at < got);
		assert_string_equal(all + at, want);
		at += (uint32_t)strlen(want) + 1;
	}
	ini_end(&i);
}

/* A new MaxRecvDataSegmentLength holds from the answer on. */
static void segment_length(void **state)
{
	struct ini i;

	ini_begin(&i, "");
	ini_text(&i, 2, INI_NO_TAG, INI_FINAL, "MaxRecvDataSegmentLength=512", 29);
	ini_take(&i, INI_TEXT_RESPONSE, 2);
	ini_read(&i, 3, 0, 4);
	for (unsigned k = 0; k < 4; k++)
		assert_int_equal(ini_take(&i, INI_DATA_IN, 3)->n, 512);
	ini_end(&i);
}

static void wrong_tags(void **state)
{
	struct ini i;

	ini_begin(&i, "");
	ini_text(&i, 2, 1, INI_FINAL, "SendTargets=", 13);
	rejected(&i, BAD_FIELD); /* nothing is open */
	i.cmdsn--;
	ini_text(&i, 2, INI_NO_TAG, CONTINUE, "Send", 4);
	ini_take(&i, INI_TEXT_RESPONSE, 2);
	ini_text(&i, 2, i.pdu.ttt + 1, INI_FINAL, "Targets=", 9);
	rejected(&i, BAD_FIELD);
	i.cmdsn--;
	ini_text(&i, 2, INI_NO_TAG, CONTINUE, "Send", 4);
	ini_take(&i, INI_TEXT_RESPONSE, 2);
	ASKS(&i, "SendTargets=", ANSWER); /* begins anew */
	ini_end(&i);
}

static void too_much(void **state)
{
	static char text[8192];
	struct ini i;

	memset(text, 'v', sizeof(text));
	text[0] = 'k';
	text[1] = '=';
	ini_begin(&i, "");
	ini_text(&i, 2, INI_NO_TAG, CONTINUE, text, sizeof(text));
	ini_take(&i, INI_TEXT_RESPONSE, 2);
	ini_text(&i, 2, i.pdu.ttt, CONTINUE, text, sizeof(text));
	rejected(&i, PROTOCOL);
	i.cmdsn--;
	ASKS(&i, "SendTargets=", ANSWER);
	ini_end(&i);
}

/* Long answers are held for so many at a time; those who finish make room. */
static void bounded(void **state)
{
	static struct ini i[41];
	unsigned held = 0;

	ini_begin(&i[0], "SessionType=Discovery|");
	for (unsigned k = 1; k <= 40; k++) {
		i[k].stack = i[0].stack;
		i[k].isid = (uint8_t)(k + 1);
		assert_int_equal(ini_login(&i[k], "SessionType=Discovery|"), 0);
		ini_text(&i[k], 2, INI_NO_TAG, CONTINUE, "Send", 4);
		assert_true(ini_any(&i[k]));
		held += i[k].pdu.opcode == INI_TEXT_RESPONSE;
		if (i[k].pdu.opcode != INI_TEXT_RESPONSE)
			assert_int_equal(i[k].pdu.bhs[2], NO_TAG_LEFT);
	}
	assert_int_equal(held, 32);
	ini_text(&i[1], 2, i[1].pdu.ttt, INI_FINAL, "Targets=All", 12);
	ini_take(&i[1], INI_TEXT_RESPONSE, 2);
	ASKS(&i[0], "SendTargets=All", ANSWER);
	ASKS(&i[40], "SendTargets=All", ANSWER);
	for (unsigned k = 1; k <= 40; k++)
		ini_hang_up(&i[k]);
	fuzz_stack_run(i[0].stack, SIM_S);
	ASKS(&i[0], "SendTargets=All", ANSWER);
	ini_end(&i[0]);
}

HARNESS_MAIN(cmocka_unit_test(targets), cmocka_unit_test(targets_of_a_normal_session),
	     cmocka_unit_test(discovery_only), cmocka_unit_test(question_in_pieces),
	     cmocka_unit_test(answer_in_pieces), cmocka_unit_test(segment_length),
	     cmocka_unit_test(wrong_tags), cmocka_unit_test(too_much), cmocka_unit_test(bounded))
