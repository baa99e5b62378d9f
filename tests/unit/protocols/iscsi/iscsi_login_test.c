/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_login_test.c - whole logins, good and hostile.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_login.h"

#include <string.h>

#include "gateway/base/table.h"
#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/login_rig.h"

#define DECLARED "MaxRecvDataSegmentLength=262144|"
#define GROUP "TargetPortalGroupTag=7|"

static struct login_rig rig; /* 17 KiB: not on the stack */

static enum iscsi_login_next ask(unsigned flags, const char *text)
{
	return login_rig_ask(&rig, flags, text);
}

/* A first request, alone, that is refused. */
static void refused_at_once(unsigned flags, const char *text, enum iscsi_neg_fault fault)
{
	login_rig_begin(&rig);
	login_rig_refused(&rig, ask(flags, text), fault);
}

/* ---- good logins ---------------------------------------------------------- */

/* As Linux does it: both stages, one request each. */
static void both_stages(void **state)
{
	const struct iscsi_params *p = &rig.login.keys.now;

	login_rig_begin(&rig);
	assert_int_equal(ask(LOGIN_SEC | LOGIN_TO_OP,
			     "InitiatorName=" LOGIN_INITIATOR
			     "|InitiatorAlias=host|TargetName=" LOGIN_TARGET
			     "|SessionType=Normal|AuthMethod=None|"),
			 ISCSI_LOGIN_SEND);
	login_rig_expect(&rig, LOGIN_SEC | LOGIN_TO_OP, GROUP "AuthMethod=None|");
	assert_int_equal(rig.answer.response.sns.statsn, 0xfffffffe);
	assert_int_equal(ask(LOGIN_OP | LOGIN_TO_FULL,
			     "HeaderDigest=CRC32C,None|DataDigest=None|DefaultTime2Wait=2|"
			     "DefaultTime2Retain=0|IFMarker=No|OFMarker=No|ErrorRecoveryLevel=0|"
			     "InitialR2T=No|ImmediateData=Yes|MaxBurstLength=16776192|"
			     "FirstBurstLength=262144|MaxOutstandingR2T=1|MaxConnections=1|"
			     "DataPDUInOrder=Yes|DataSequenceInOrder=Yes|"
			     "MaxRecvDataSegmentLength=65536|"),
			 ISCSI_LOGIN_DONE);
	login_rig_expect(
		&rig, LOGIN_OP | LOGIN_TO_FULL,
		"HeaderDigest=CRC32C|DataDigest=None|DefaultTime2Wait=2|"
		"DefaultTime2Retain=0|IFMarker=Reject|OFMarker=Reject|"
		"ErrorRecoveryLevel=0|InitialR2T=No|ImmediateData=Yes|"
		"MaxBurstLength=1048576|MaxConnections=1|DataPDUInOrder=Yes|"
		"DataSequenceInOrder=Yes|FirstBurstLength=262144|MaxOutstandingR2T=1|" DECLARED);
	assert_int_equal(rig.answer.response.sns.statsn, 0xffffffff);
	assert_int_equal(rig.login.statsn, 0); /* it wrapped */
	assert_int_equal(rig.asked, 1);
	assert_int_equal(rig.login.way, ISCSI_LOGIN_NEW);
	assert_true(rig.login.cid == 9 && rig.login.cmdsn == 100 && rig.login.old_statsn == 55);
	assert_false(rig.login.authenticated || rig.login.discovery);
	assert_true(p->header_digest && !p->data_digest && !p->initial_r2t && p->immediate_data);
	assert_true(p->max_burst == 1048576 && p->first_burst == 262144 && p->send_max == 65536);
	assert_true(p->recv_max == 262144 && p->max_r2t == 1 && p->time2retain == 0);
}

static void operational_alone(void **state)
{
	login_rig_begin(&rig);
	rig.wants.alias = "Disk";
	assert_int_equal(ask(LOGIN_OP | LOGIN_TO_FULL, LOGIN_NAMES "InitialR2T=Yes|"),
			 ISCSI_LOGIN_DONE);
	login_rig_expect(&rig, LOGIN_OP | LOGIN_TO_FULL,
			 GROUP "InitialR2T=Yes|TargetAlias=Disk|" DECLARED);
	assert_int_equal(rig.answer.response.sns.exp_cmdsn, 100);
	assert_int_equal(rig.answer.response.sns.max_cmdsn, 100);
}

/* Without the operational stage all is default, what we receive, too. */
static void security_alone(void **state)
{
	login_rig_begin(&rig);
	assert_int_equal(ask(LOGIN_SEC | LOGIN_TO_FULL, LOGIN_NAMES), ISCSI_LOGIN_DONE);
	login_rig_expect(&rig, LOGIN_SEC | LOGIN_TO_FULL, GROUP);
	assert_int_equal(rig.login.keys.now.recv_max, 8192);
}

static void discovery(void **state)
{
	login_rig_begin(&rig);
	assert_int_equal(ask(LOGIN_OP | LOGIN_TO_FULL,
			     LOGIN_DISCOVERY "MaxConnections=4|HeaderDigest=None|"),
			 ISCSI_LOGIN_DONE);
	login_rig_expect(&rig, LOGIN_OP | LOGIN_TO_FULL,
			 GROUP "MaxConnections=Irrelevant|HeaderDigest=None|" DECLARED);
	assert_true(rig.login.discovery && rig.login.keys.now.discovery);
	assert_int_equal(rig.login.keys.target_name_len, 0);
}

/* Many requests without T, empty ones among them. */
static void unhurried(void **state)
{
	login_rig_begin(&rig);
	assert_int_equal(ask(LOGIN_SEC, LOGIN_NAMES), ISCSI_LOGIN_SEND);
	login_rig_expect(&rig, LOGIN_SEC, GROUP);
	assert_int_equal(ask(LOGIN_SEC, ""), ISCSI_LOGIN_SEND);
	login_rig_expect(&rig, LOGIN_SEC, "");
	assert_int_equal(ask(LOGIN_SEC | LOGIN_TO_OP, ""), ISCSI_LOGIN_SEND);
	login_rig_expect(&rig, LOGIN_SEC | LOGIN_TO_OP, "");
	assert_int_equal(ask(LOGIN_OP, "MaxBurstLength=70000|"), ISCSI_LOGIN_SEND);
	login_rig_expect(&rig, LOGIN_OP, "MaxBurstLength=70000|" DECLARED);
	assert_int_equal(ask(LOGIN_OP, "FirstBurstLength=100000|"), ISCSI_LOGIN_SEND);
	login_rig_expect(&rig, LOGIN_OP, "FirstBurstLength=70000|");
	assert_int_equal(ask(LOGIN_OP | LOGIN_TO_FULL, ""), ISCSI_LOGIN_DONE);
	login_rig_expect(&rig, LOGIN_OP | LOGIN_TO_FULL, "");
	assert_int_equal(rig.asked, 1);
}

/* 6.2: a pair may span requests.  Cut anywhere, in the first text and a later one. */
static void continued_text(void **state)
{
	static const char first[] = LOGIN_NAMES "AuthMethod=None|", then[] = "InitialR2T=Yes|";

	for (size_t cut = 0; cut < sizeof(first); cut++) {
		char part[sizeof(first)] = { 0 };

		login_rig_begin(&rig);
		memcpy(part, first, cut);
		assert_int_equal(ask(LOGIN_SEC | LOGIN_C, part), ISCSI_LOGIN_SEND);
		login_rig_expect(&rig, LOGIN_SEC, "");
		assert_int_equal(rig.asked, 0);
		assert_int_equal(ask(LOGIN_SEC | LOGIN_C, ""), ISCSI_LOGIN_SEND);
		assert_int_equal(ask(LOGIN_SEC | LOGIN_TO_OP, first + cut), ISCSI_LOGIN_SEND);
		login_rig_expect(&rig, LOGIN_SEC | LOGIN_TO_OP, GROUP "AuthMethod=None|");
		cut = cut < sizeof(then) || cut > sizeof(first) - 4 ? cut : cut + 3;
	}
	for (size_t cut = 0; cut < sizeof(then); cut++) {
		char part[sizeof(then)] = { 0 };

		login_rig_begin(&rig);
		ask(LOGIN_OP, LOGIN_NAMES);
		memcpy(part, then, cut);
		assert_int_equal(ask(LOGIN_OP | LOGIN_C, part), ISCSI_LOGIN_SEND);
		login_rig_expect(&rig, LOGIN_OP, "");
		assert_int_equal(ask(LOGIN_OP | LOGIN_TO_FULL, then + cut), ISCSI_LOGIN_DONE);
		login_rig_expect(&rig, LOGIN_OP | LOGIN_TO_FULL, "InitialR2T=Yes|");
	}
}

/* SPDK up to 21.01: a text that continues with nothing, and then with nothing. */
static void continued_with_nothing(void **state)
{
	login_rig_begin(&rig);
	assert_int_equal(ask(LOGIN_SEC | LOGIN_C, ""), ISCSI_LOGIN_SEND);
	login_rig_refused(&rig, ask(LOGIN_SEC | LOGIN_TO_OP, ""), ISCSI_NEG_NO_INITIATOR_NAME);
	refused_at_once(LOGIN_OP | LOGIN_TO_FULL, "", ISCSI_NEG_NO_INITIATOR_NAME);
}

/* ---- 6.3.1: which session -------------------------------------------------- */

static void ways(void **state)
{
	static const struct {
		uint16_t tsih, session_tsih; /* of the request, of the session */
		bool session, has_cid, ok;
		enum iscsi_login_way way;
	} cases[] = {
		{ 0, 0, false, false, true, ISCSI_LOGIN_NEW },
		{ 0, 5, true, false, true, ISCSI_LOGIN_REINSTATE },
		{ 0, 5, true, true, true, ISCSI_LOGIN_REINSTATE },
		{ 5, 5, true, false, true, ISCSI_LOGIN_JOIN },
		{ 5, 5, true, true, true, ISCSI_LOGIN_REPLACE },
		{ 6, 5, true, false, false, ISCSI_LOGIN_NEW },
		{ 6, 5, true, true, false, ISCSI_LOGIN_NEW },
		{ 5, 0, false, false, false, ISCSI_LOGIN_NEW },
		{ 0xffff, 0, false, false, false, ISCSI_LOGIN_NEW },
	};

	for (unsigned i = 0; i < TABLE_LEN(cases); i++) {
		enum iscsi_login_next next;

		login_rig_begin(&rig);
		rig.pdu.login.tsih = cases[i].tsih;
		rig.target.session = cases[i].session;
		rig.target.session_tsih = cases[i].session_tsih;
		rig.target.session_has_cid = cases[i].has_cid;
		next = ask(LOGIN_OP | LOGIN_TO_FULL, LOGIN_NAMES);
		if (!cases[i].ok) {
			login_rig_refused(&rig, next, ISCSI_NEG_NO_SESSION);
			assert_int_equal(rig.answer.response.status, 0x020a);
			continue;
		}
		assert_int_equal(next, ISCSI_LOGIN_DONE);
		login_rig_expect(&rig, LOGIN_OP | LOGIN_TO_FULL, GROUP DECLARED);
		assert_int_equal(rig.login.way, cases[i].way);
	}
}

static void joining_takes_the_session_s_values(void **state)
{
	login_rig_begin(&rig);
	rig.pdu.login.tsih = 5;
	rig.target.session = true;
	rig.target.session_tsih = 5;
	rig.session_params.max_burst = 131072;
	rig.session_params.initial_r2t = false;
	assert_int_equal(ask(LOGIN_OP | LOGIN_TO_FULL, LOGIN_NAMES
			     "SessionType=Normal|MaxBurstLength=512|DataDigest=CRC32C|"),
			 ISCSI_LOGIN_DONE);
	login_rig_expect(&rig, LOGIN_OP | LOGIN_TO_FULL,
			 GROUP "MaxBurstLength=Irrelevant|DataDigest=CRC32C|" DECLARED);
	assert_int_equal(rig.login.keys.now.max_burst, 131072);
	assert_false(rig.login.keys.now.initial_r2t);
	assert_true(rig.login.keys.now.data_digest);
}

/* ---- what must stay the same ----------------------------------------------- */

static void fields_that_change(void **state)
{
	for (unsigned field = 0; field < 8; field++) {
		login_rig_begin(&rig);
		assert_int_equal(ask(LOGIN_SEC, LOGIN_NAMES), ISCSI_LOGIN_SEND);
		switch (field) {
		case 0:
			rig.pdu.login.isid[5] ^= 1;
			break;
		case 1:
			rig.pdu.login.tsih = 1;
			break;
		case 2:
			rig.pdu.login.cid++;
			break;
		case 3:
			rig.pdu.login.version_max = 1;
			break;
		case 4:
			rig.pdu.login.version_min = 1;
			break;
		case 5:
			rig.pdu.cmdsn++;
			break;
		case 6:
			rig.pdu.cmdsn--;
			break;
		default:
			rig.pdu.itt++;
			break;
		}
		assert_int_equal(ask(LOGIN_SEC | LOGIN_TO_OP, ""), ISCSI_LOGIN_REFUSED);
		assert_int_equal(rig.answer.fault, ISCSI_NEG_CHANGED);
		assert_int_equal(rig.answer.response.status, ISCSI_LOGIN_INITIATOR_ERROR);
	}
}

/* 11.12.8: on a session that lives the CmdSN may move on, never back. */
static void cmdsn_of_a_session_that_lives(void **state)
{
	static const struct {
		uint32_t first, then;
		bool ok;
	} cases[] = { { 100, 100, true },	 { 100, 101, true },
		      { 0xffffffff, 5, true },	 { 100, 99, false },
		      { 0, 0xffffffff, false },	 { 100, 0x80000063, true },
		      { 100, 0x80000064, false } };

	for (unsigned i = 0; i < TABLE_LEN(cases); i++) {
		login_rig_begin(&rig);
		rig.pdu.login.tsih = 5;
		rig.target.session = true;
		rig.target.session_tsih = 5;
		rig.pdu.cmdsn = cases[i].first;
		assert_int_equal(ask(LOGIN_OP, LOGIN_NAMES), ISCSI_LOGIN_SEND);
		rig.pdu.cmdsn = cases[i].then;
		assert_int_equal(ask(LOGIN_OP | LOGIN_TO_FULL, ""),
				 cases[i].ok ? ISCSI_LOGIN_DONE : ISCSI_LOGIN_REFUSED);
	}
}

static void versions(void **state)
{
	for (unsigned max = 0; max < 256; max += max < 3 ? 1 : 63)
		for (unsigned min = 0; min <= max; min += min < 3 ? 1 : 63) {
			enum iscsi_login_next next;

			login_rig_begin(&rig);
			rig.pdu.login.version_max = (uint8_t)max;
			rig.pdu.login.version_min = (uint8_t)min;
			next = ask(LOGIN_OP | LOGIN_TO_FULL, LOGIN_NAMES);
			if (min) {
				login_rig_refused(&rig, next, ISCSI_NEG_VERSION);
				assert_int_equal(rig.answer.response.status, 0x0205);
			} else {
				assert_int_equal(next, ISCSI_LOGIN_DONE);
			}
		}
}

/* ---- stages ----------------------------------------------------------------- */

/* Every T, C, CSG and NSG, at the start and in both stages; the table of 6.3. */
static void stage_bits(void **state)
{
	for (unsigned now = 0; now < 3; now++)
		for (unsigned bits = 0; bits < 64; bits++) {
			unsigned t = bits >> 5, c = bits >> 4 & 1, csg = bits >> 2 & 3,
				 nsg = bits & 3;
			unsigned flags = t << 7 | c << 6 | csg << 2 | nsg;
			bool here = now == 0 ? csg < 2 : csg == now - 1;
			bool goes = !t || (csg == 0 ? nsg == 1 || nsg == 3 : nsg == 3);
			enum iscsi_login_next next, want;

			login_rig_begin(&rig);
			if (now == 1)
				ask(LOGIN_SEC, LOGIN_NAMES);
			if (now == 2)
				ask(LOGIN_OP, LOGIN_NAMES);
			next = ask(flags, now || c ? "" : LOGIN_NAMES);
			want = !here || !goes || (t && c) ? ISCSI_LOGIN_REFUSED
			       : t && nsg == 3		  ? ISCSI_LOGIN_DONE
							  : ISCSI_LOGIN_SEND;
			assert_int_equal(next, want);
			if (next != ISCSI_LOGIN_REFUSED)
				assert_int_equal(rig.answer.response.transit, t);
			else
				assert_true(rig.answer.fault == ISCSI_NEG_STAGE ||
					    rig.answer.fault == ISCSI_NEG_BITS);
		}
}

static void stage_goes_back(void **state)
{
	login_rig_begin(&rig);
	ask(LOGIN_SEC | LOGIN_TO_OP, LOGIN_NAMES);
	login_rig_refused(&rig, ask(LOGIN_SEC | LOGIN_TO_OP, ""), ISCSI_NEG_STAGE);
}

static void keys_in_the_wrong_stage(void **state)
{
	refused_at_once(LOGIN_SEC, LOGIN_NAMES "HeaderDigest=None|", ISCSI_NEG_KEY_STAGE);
	refused_at_once(LOGIN_OP, LOGIN_NAMES "AuthMethod=None|", ISCSI_NEG_KEY_STAGE);
	refused_at_once(LOGIN_OP, LOGIN_NAMES "SendTargets=All|", ISCSI_NEG_KEY_STAGE);
}

/* ---- names ------------------------------------------------------------------ */

static void names(void **state)
{
	refused_at_once(LOGIN_OP, "TargetName=" LOGIN_TARGET "|", ISCSI_NEG_NO_INITIATOR_NAME);
	assert_int_equal(rig.answer.response.status, 0x0207);
	refused_at_once(LOGIN_OP, "InitiatorName=" LOGIN_INITIATOR "|", ISCSI_NEG_NO_TARGET_NAME);
	assert_int_equal(rig.answer.response.status, 0x0207);
	refused_at_once(LOGIN_OP, "InitiatorName=|" LOGIN_NAMES, ISCSI_NEG_BAD_NAME);
	refused_at_once(LOGIN_OP, LOGIN_NAMES LOGIN_NAMES, ISCSI_NEG_KEY_TWICE);
	refused_at_once(LOGIN_OP, LOGIN_NAMES "SessionType=Other|", ISCSI_NEG_SESSION_TYPE);
	assert_int_equal(rig.answer.response.status, 0x0209);
	assert_int_equal(rig.asked, 0); /* the gateway was never bothered */
}

/* Nobody changes his mind about who he is once that was looked up. */
static void names_that_come_late(void **state)
{
	static const char *const late[] = { "SessionType=Discovery|", "SessionType=Normal|",
					    "TargetName=" LOGIN_TARGET "|",
					    "InitiatorName=" LOGIN_INITIATOR "|" };

	for (unsigned i = 0; i < TABLE_LEN(late); i++)
		for (unsigned disc = 0; disc < 2; disc++) {
			login_rig_begin(&rig);
			ask(LOGIN_OP, disc ? LOGIN_DISCOVERY : LOGIN_NAMES);
			login_rig_refused(&rig, ask(LOGIN_OP, late[i]), ISCSI_NEG_KEY_TWICE);
		}
}

/* ---- authentication: a method made for this -------------------------------- */

struct word_auth {
	unsigned turns; /* calls so far */
	char word; /* the last that came; 0: none */
	struct iscsi_login_method method;
};

static bool word_pair(void *ctx, const struct iscsi_text_pair *pair)
{
	struct word_auth *auth = ctx;

	if (!iscsi_text_is(pair->key, "WORD"))
		return false;
	auth->word = pair->value.len ? (char)pair->value.at[0] : '?';
	return true;
}

/* First a challenge; then g is good. */
static enum iscsi_auth word_turn(void *ctx, struct iscsi_text_out *out)
{
	struct word_auth *auth = ctx;

	if (auth->turns++ == 0) {
		iscsi_text_put(out, "SAY", "it");
		return ISCSI_AUTH_MORE;
	}
	if (!auth->word)
		return ISCSI_AUTH_MORE;
	return auth->word == 'g' ? ISCSI_AUTH_DONE : ISCSI_AUTH_FAILED;
}

static struct word_auth word;

static void begin_with_word(bool none_too)
{
	login_rig_begin(&rig);
	word = (struct word_auth){ .method = { "WORD1", word_pair, word_turn, &word } };
	rig.methods[0] = &word.method;
	rig.methods[1] = &iscsi_login_none;
	rig.target.n_methods = none_too ? 2 : 1;
}

static void authentication(void **state)
{
	begin_with_word(false);
	/* T is asked for too early, and not granted. */
	assert_int_equal(ask(LOGIN_SEC | LOGIN_TO_OP, LOGIN_NAMES "AuthMethod=KRB5,WORD1|"),
			 ISCSI_LOGIN_SEND);
	login_rig_expect(&rig, LOGIN_SEC, GROUP "AuthMethod=WORD1|SAY=it|");
	assert_int_equal(ask(LOGIN_SEC, ""), ISCSI_LOGIN_SEND);
	login_rig_expect(&rig, LOGIN_SEC, "");
	assert_false(rig.login.authenticated);
	assert_int_equal(ask(LOGIN_SEC | LOGIN_TO_OP, "WORD=good|"), ISCSI_LOGIN_SEND);
	login_rig_expect(&rig, LOGIN_SEC | LOGIN_TO_OP, "");
	assert_true(rig.login.authenticated);
	assert_int_equal(word.turns, 3);
	/* It is over: the key means nothing any more. */
	assert_int_equal(ask(LOGIN_OP | LOGIN_TO_FULL, "WORD=bad|"), ISCSI_LOGIN_DONE);
	login_rig_expect(&rig, LOGIN_OP | LOGIN_TO_FULL, "WORD=NotUnderstood|" DECLARED);
}

static void authentication_fails(void **state)
{
	begin_with_word(false);
	ask(LOGIN_SEC, LOGIN_NAMES "AuthMethod=WORD1|");
	login_rig_refused(&rig, ask(LOGIN_SEC | LOGIN_TO_OP, "WORD=bad|"), ISCSI_NEG_AUTH_FAILED);
	assert_int_equal(rig.answer.response.status, 0x0201);
	begin_with_word(false);
	login_rig_refused(&rig, ask(LOGIN_SEC, LOGIN_NAMES "AuthMethod=None|"),
			  ISCSI_NEG_AUTH_METHOD);
	begin_with_word(false);
	login_rig_refused(&rig, ask(LOGIN_SEC, LOGIN_NAMES "AuthMethod=CHAP,SRP|"),
			  ISCSI_NEG_AUTH_METHOD);
}

/* Every way around it. */
static void authentication_is_not_skipped(void **state)
{
	static const unsigned first[] = { LOGIN_OP, LOGIN_OP | LOGIN_TO_FULL,
					  LOGIN_SEC | LOGIN_TO_OP, LOGIN_SEC | LOGIN_TO_FULL };

	for (unsigned i = 0; i < TABLE_LEN(first); i++) {
		begin_with_word(false);
		login_rig_refused(&rig, ask(first[i], LOGIN_NAMES), ISCSI_NEG_AUTH_MISSING);
		assert_int_equal(rig.answer.response.status, 0x0201);
	}
	begin_with_word(false);
	assert_int_equal(ask(LOGIN_SEC, LOGIN_NAMES), ISCSI_LOGIN_SEND);
	login_rig_refused(&rig, ask(LOGIN_SEC | LOGIN_TO_FULL, ""), ISCSI_NEG_AUTH_MISSING);
	/* Chosen and unfinished: no stage is left, however often one asks. */
	begin_with_word(false);
	ask(LOGIN_SEC, LOGIN_NAMES "AuthMethod=WORD1|");
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(ask(LOGIN_SEC | LOGIN_TO_FULL, ""), ISCSI_LOGIN_SEND);
		assert_false(rig.answer.response.transit);
	}
	login_rig_refused(&rig, ask(LOGIN_OP | LOGIN_TO_FULL, ""), ISCSI_NEG_STAGE);
	/* A second choice is none. */
	begin_with_word(true);
	ask(LOGIN_SEC, LOGIN_NAMES "AuthMethod=WORD1|");
	login_rig_refused(&rig, ask(LOGIN_SEC, "AuthMethod=None|"), ISCSI_NEG_KEY_TWICE);
}

static void method_in_the_initiator_s_order(void **state)
{
	begin_with_word(true);
	assert_int_equal(ask(LOGIN_SEC | LOGIN_TO_OP, LOGIN_NAMES "AuthMethod=None,WORD1|"),
			 ISCSI_LOGIN_SEND);
	login_rig_expect(&rig, LOGIN_SEC | LOGIN_TO_OP, GROUP "AuthMethod=None|");
	assert_false(rig.login.authenticated);
	begin_with_word(true);
	ask(LOGIN_SEC | LOGIN_TO_OP, LOGIN_NAMES "AuthMethod=WORD1,None|");
	login_rig_expect(&rig, LOGIN_SEC, GROUP "AuthMethod=WORD1|SAY=it|");
	/* Keys of a method that was not chosen. */
	begin_with_word(true);
	ask(LOGIN_SEC | LOGIN_TO_OP, LOGIN_NAMES "WORD=good|AuthMethod=None|");
	login_rig_expect(&rig, LOGIN_SEC | LOGIN_TO_OP,
			 GROUP "WORD=NotUnderstood|AuthMethod=None|");
	assert_int_equal(word.turns, 0);
}

/* ---- refusals of the gateway ------------------------------------------------ */

static void gateway_refuses(void **state)
{
	static const enum iscsi_login_status all[] = { ISCSI_LOGIN_NOT_FOUND,
						       ISCSI_LOGIN_NOT_AUTHORIZED,
						       ISCSI_LOGIN_UNAVAILABLE,
						       ISCSI_LOGIN_NO_RESOURCES };

	for (unsigned i = 0; i < TABLE_LEN(all); i++) {
		login_rig_begin(&rig);
		rig.target = (struct iscsi_login_target){ .status = all[i], .address = "x" };
		assert_int_equal(ask(LOGIN_OP | LOGIN_TO_FULL, LOGIN_NAMES), ISCSI_LOGIN_REFUSED);
		assert_int_equal(rig.answer.response.status, all[i]);
		assert_int_equal(rig.answer.fault, ISCSI_NEG_NONE);
		assert_string_equal(rig.text, "");
	}
}

static void redirection(void **state)
{
	login_rig_begin(&rig);
	rig.target = (struct iscsi_login_target){ .status = ISCSI_LOGIN_MOVED_FOR_NOW,
						  .address = "[2001:db8::1]:3260" };
	assert_int_equal(ask(LOGIN_SEC | LOGIN_TO_OP, LOGIN_NAMES), ISCSI_LOGIN_REFUSED);
	assert_int_equal(rig.answer.response.status, 0x0101);
	assert_string_equal(rig.text, "TargetAddress=[2001:db8::1]:3260|");
	assert_false(rig.answer.response.transit);
}

/* DONE promised what cannot be kept. */
static void refused_after_done(void **state)
{
	login_rig_begin(&rig);
	assert_int_equal(ask(LOGIN_OP | LOGIN_TO_FULL, LOGIN_NAMES), ISCSI_LOGIN_DONE);
	iscsi_login_refuse(&rig.login, ISCSI_LOGIN_TOO_MANY, &rig.answer);
	assert_int_equal(rig.answer.response.status, 0x0206);
	assert_false(rig.answer.response.transit || rig.answer.response.data_bytes);
}

/* ---- hostile ---------------------------------------------------------------- */

static void other_requests(void **state)
{
	for (unsigned op = 0; op < 64; op++)
		for (unsigned later = 0; later < 2; later++) {
			if (op == ISCSI_OP_LOGIN)
				continue;
			login_rig_begin(&rig);
			if (later)
				ask(LOGIN_OP, LOGIN_NAMES);
			rig.pdu.opcode = (uint8_t)op;
			login_rig_refused(&rig, ask(LOGIN_OP | LOGIN_TO_FULL, ""),
					  ISCSI_NEG_NOT_LOGIN);
			assert_int_equal(rig.answer.response.status, 0x020b);
		}
}

static void no_end_in_sight(void **state)
{
	for (unsigned more = 0; more < 2; more++) {
		unsigned n = 1;

		login_rig_begin(&rig);
		ask(LOGIN_OP, LOGIN_NAMES);
		while (ask(LOGIN_OP | (more ? LOGIN_C : 0), "") == ISCSI_LOGIN_SEND)
			n++;
		assert_int_equal(rig.answer.fault, ISCSI_NEG_TOO_MANY_ROUNDS);
		assert_int_equal(n, more ? ISCSI_LOGIN_PIECES_MAX + 1 : ISCSI_LOGIN_ROUNDS_MAX);
	}
	assert_true(ISCSI_LOGIN_ROUNDS_MAX >= 6); /* 6.2 */
}

static void more_text_than_room(void **state)
{
	static uint8_t bytes[ISCSI_TEXT_MAX_BYTES];

	memset(bytes, 'x', sizeof(bytes));
	login_rig_begin(&rig);
	assert_int_equal(login_rig_send(&rig, LOGIN_OP | LOGIN_C, bytes, sizeof(bytes)),
			 ISCSI_LOGIN_SEND);
	login_rig_refused(&rig, login_rig_send(&rig, LOGIN_OP | LOGIN_C, bytes, 1),
			  ISCSI_NEG_LONG_TEXT);
	/* CVE-2026-90011: full of it, and no zero byte. */
	login_rig_begin(&rig);
	login_rig_refused(&rig, login_rig_send(&rig, LOGIN_OP, bytes, sizeof(bytes)),
			  ISCSI_NEG_NO_NUL);
}

/* A text is judged as a whole before anybody is bothered with it. */
static void malformed_text(void **state)
{
	refused_at_once(LOGIN_OP, LOGIN_NAMES "X-a=1", ISCSI_NEG_NO_NUL);
	refused_at_once(LOGIN_OP, LOGIN_NAMES "X-a|", ISCSI_NEG_NO_EQUALS);
	refused_at_once(LOGIN_OP, LOGIN_NAMES "=1|", ISCSI_NEG_EMPTY_KEY);
	refused_at_once(LOGIN_OP, LOGIN_NAMES "|", ISCSI_NEG_NO_EQUALS);
	assert_int_equal(rig.asked, 0);
	refused_at_once(LOGIN_OP, LOGIN_NAMES "MaxBurstLength=512|MaxBurstLength=512|",
			ISCSI_NEG_KEY_TWICE);
	refused_at_once(LOGIN_OP, LOGIN_NAMES "X-a=Reject|", ISCSI_NEG_KEY_WORD);
	refused_at_once(LOGIN_OP, LOGIN_NAMES "TargetAlias=x|", ISCSI_NEG_KEY_SENDER);
}

/* n keys of 63 bytes that nobody knows. */
static void append_long_keys(char *text, unsigned n)
{
	size_t at = strlen(text);

	assert_true(at + n * 66 < ISCSI_TEXT_MAX_BYTES);
	for (unsigned i = 0; i < n; i++, at += 66) {
		memset(text + at, 'k', 63);
		memcpy(text + at + 63, "=b|", 4);
	}
}

/* CVE-2026-63887: small keys, large answers. */
static void flood_of_keys(void **state)
{
	char text[ISCSI_TEXT_MAX_BYTES] = LOGIN_NAMES;

	for (unsigned i = 0; i < 1500; i++)
		memcpy(text + strlen(text), "a=b|", 5);
	login_rig_begin(&rig);
	login_rig_refused(&rig, ask(LOGIN_OP, text), ISCSI_NEG_TOO_MANY_KEYS);
}

/* In many requests: the bound is the login's. */
static void flood_of_keys_in_instalments(void **state)
{
	char text[ISCSI_TEXT_MAX_BYTES] = "";

	append_long_keys(text, 60);
	login_rig_begin(&rig);
	ask(LOGIN_OP, LOGIN_NAMES);
	assert_int_equal(ask(LOGIN_OP, text), ISCSI_LOGIN_SEND);
	assert_int_equal(rig.answer.response.data_bytes, 60 * (63 + 15));
	assert_int_equal(ask(LOGIN_OP, text), ISCSI_LOGIN_SEND);
	login_rig_refused(&rig, ask(LOGIN_OP, text), ISCSI_NEG_TOO_MANY_KEYS);
}

/* Answers longer than their requests: these fill 8192 bytes before 128 are there. */
static void answers_have_a_budget(void **state)
{
	char text[ISCSI_TEXT_MAX_BYTES] = LOGIN_NAMES;

	append_long_keys(text, 110);
	login_rig_begin(&rig);
	login_rig_refused(&rig, ask(LOGIN_OP, text), ISCSI_NEG_NO_ROOM);
}

HARNESS_MAIN(cmocka_unit_test(both_stages), cmocka_unit_test(operational_alone),
	     cmocka_unit_test(security_alone), cmocka_unit_test(discovery),
	     cmocka_unit_test(unhurried), cmocka_unit_test(continued_text),
	     cmocka_unit_test(continued_with_nothing), cmocka_unit_test(ways),
	     cmocka_unit_test(joining_takes_the_session_s_values),
	     cmocka_unit_test(fields_that_change), cmocka_unit_test(cmdsn_of_a_session_that_lives),
	     cmocka_unit_test(versions), cmocka_unit_test(stage_bits),
	     cmocka_unit_test(stage_goes_back), cmocka_unit_test(keys_in_the_wrong_stage),
	     cmocka_unit_test(names), cmocka_unit_test(names_that_come_late),
	     cmocka_unit_test(authentication), cmocka_unit_test(authentication_fails),
	     cmocka_unit_test(authentication_is_not_skipped),
	     cmocka_unit_test(method_in_the_initiator_s_order), cmocka_unit_test(gateway_refuses),
	     cmocka_unit_test(redirection), cmocka_unit_test(refused_after_done),
	     cmocka_unit_test(other_requests), cmocka_unit_test(no_end_in_sight),
	     cmocka_unit_test(more_text_than_room), cmocka_unit_test(malformed_text),
	     cmocka_unit_test(flood_of_keys), cmocka_unit_test(flood_of_keys_in_instalments),
	     cmocka_unit_test(answers_have_a_budget))
