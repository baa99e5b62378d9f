/* SPDX-License-Identifier: BSD-3-Clause
 *
 * login_rig.h - a login of which a test is both the initiator and the gateway, for
 * iscsi_login_test.  Texts are written with | for each zero byte.
 */
#ifndef TESTS_UNIT_PROTOCOLS_ISCSI_LOGIN_RIG_H
#define TESTS_UNIT_PROTOCOLS_ISCSI_LOGIN_RIG_H

#include <string.h>

#include "protocols/iscsi/iscsi_login.h"
#include "tests/harness/harness.h"

#define LOGIN_INITIATOR "iqn.1993-08.org.debian:01:abc"
#define LOGIN_TARGET "iqn.2026-01.example:disk1"
#define LOGIN_NAMES "InitiatorName=" LOGIN_INITIATOR "|TargetName=" LOGIN_TARGET "|"
#define LOGIN_DISCOVERY "InitiatorName=" LOGIN_INITIATOR "|SessionType=Discovery|"

/* Byte 1: T, C, CSG, NSG. */
enum {
	LOGIN_T = 0x80,
	LOGIN_C = 0x40,
	LOGIN_SEC = 0,
	LOGIN_OP = 1 << 2,
	LOGIN_TO_OP = LOGIN_T | 1,
	LOGIN_TO_FULL = LOGIN_T | 3
};

struct login_rig {
	struct iscsi_login login;
	uint8_t in[ISCSI_TEXT_MAX_BYTES], out[ISCSI_TEXT_MAX_BYTES];
	struct iscsi_wants wants;
	struct iscsi_params session_params;
	const struct iscsi_login_method *methods[2];
	struct iscsi_login_target target; /* the answer to NEEDS_TARGET */
	unsigned asked; /* how often that was */
	/* What the next requests carry. */
	struct iscsi_pdu pdu;
	/* What came of the last one. */
	struct iscsi_login_answer answer;
	char text[ISCSI_TEXT_MAX_BYTES + 1];
};

static inline void login_rig_begin(struct login_rig *rig)
{
	struct iscsi_login_setup setup = { rig->in, rig->out, 0xfffffffe };

	memset(rig, 0, sizeof(*rig));
	iscsi_login_begin(&rig->login, &setup);
	iscsi_keys_wants(&rig->wants);
	iscsi_keys_defaults(&rig->session_params);
	rig->methods[0] = &iscsi_login_none;
	rig->target = (struct iscsi_login_target){ .wants = &rig->wants,
						   .portal_group = 7,
						   .methods = rig->methods,
						   .n_methods = 1,
						   .session_params = &rig->session_params };
	rig->pdu = (struct iscsi_pdu){ .opcode = ISCSI_OP_LOGIN,
				       .immediate = true,
				       .itt = 0x1234,
				       .cmdsn = 100,
				       .exp_statsn = 55 };
	memcpy(rig->pdu.login.isid, "\x00\x02\x3d\x01\x02\x03", 6);
	rig->pdu.login.cid = 9;
}

/* The answer's text with | for zero bytes. */
static inline void login_rig_read(struct login_rig *rig)
{
	uint32_t n = rig->answer.response.data_bytes;

	assert_true(n <= ISCSI_TEXT_MAX_BYTES);
	memcpy(rig->text, rig->answer.text, n);
	rig->text[n] = 0;
	for (uint32_t i = 0; i < n; i++)
		if (!rig->text[i])
			rig->text[i] = '|';
}

/* One request with these bytes, and the answer of the gateway when it is asked. */
static inline enum iscsi_login_next login_rig_send(struct login_rig *rig, unsigned flags,
						   const uint8_t *bytes, uint32_t n)
{
	uint8_t *exact = malloc(n ? n : 1);
	enum iscsi_login_next next;

	if (n)
		memcpy(exact, bytes, n);
	rig->pdu.data_bytes = n;
	rig->pdu.login.transit = flags & LOGIN_T;
	rig->pdu.login.more = flags & LOGIN_C;
	rig->pdu.login.csg = flags >> 2 & 3;
	rig->pdu.login.nsg = flags & LOGIN_T ? flags & 3 : 0;
	memset(&rig->answer, 0x5a, sizeof(rig->answer));
	next = iscsi_login_request(&rig->login, &rig->pdu, exact, &rig->answer);
	free(exact);
	if (next == ISCSI_LOGIN_NEEDS_TARGET) {
		rig->asked++;
		next = iscsi_login_target(&rig->login, &rig->target, &rig->answer);
		assert_int_not_equal(next, ISCSI_LOGIN_NEEDS_TARGET);
	}
	login_rig_read(rig);
	return next;
}

static inline enum iscsi_login_next login_rig_ask(struct login_rig *rig, unsigned flags,
						  const char *text)
{
	uint8_t bytes[ISCSI_TEXT_MAX_BYTES];
	uint32_t n = (uint32_t)strlen(text);

	assert_true(n <= sizeof(bytes));
	for (uint32_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(text[i] == '|' ? 0 : text[i]);
	return login_rig_send(rig, flags, bytes, n);
}

/* It goes on in the same stage or to nsg, with this text. */
static inline void login_rig_expect(struct login_rig *rig, unsigned flags, const char *text)
{
	const struct iscsi_login_response *r = &rig->answer.response;

	assert_int_equal(r->status, ISCSI_LOGIN_OK);
	assert_int_equal(rig->answer.fault, ISCSI_NEG_NONE);
	assert_string_equal(rig->text, text);
	assert_int_equal(r->transit, !!(flags & LOGIN_T));
	assert_false(r->more);
	assert_int_equal(r->csg, flags >> 2 & 3);
	assert_int_equal(r->nsg, flags & 3);
	assert_int_equal(r->itt, rig->pdu.itt);
	assert_int_equal(r->tsih, rig->pdu.login.tsih);
	assert_memory_equal(r->isid, rig->pdu.login.isid, 6);
	assert_true(!r->version_max && !r->version_active);
}

/* One request on a fresh login that is refused; the fault's row has the status. */
static inline void login_rig_refused(struct login_rig *rig, enum iscsi_login_next next,
				     enum iscsi_neg_fault fault)
{
	assert_int_equal(next, ISCSI_LOGIN_REFUSED);
	assert_int_equal(rig->answer.fault, fault);
	assert_int_equal(rig->answer.response.status, iscsi_text_fault(fault)->status);
	assert_false(rig->answer.response.transit || rig->answer.response.data_bytes);
	assert_false(rig->answer.response.csg || rig->answer.response.nsg);
	assert_int_equal(rig->answer.response.itt, rig->pdu.itt);
}

#endif
