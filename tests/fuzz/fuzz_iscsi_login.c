/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_iscsi_login.c - a sequence of Login Requests through the login machine.
 *
 * Byte 0: "None" may be chosen (1), so may a method of our own (2), there is a
 * session (4) with this CID (8), header digests are insisted on (16), the gateway
 * refuses (32), its wishes are modest (64), the TSIH is not 0 (128).
 * Then requests: byte 1 of the header, a byte of mischief, the length of the text
 * in two bytes, the text.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"
#include "protocols/iscsi/iscsi_login.h"
#include "tests/fuzz/fuzz.h"

enum {
	NONE = 1,
	WORD = 2,
	SESSION = 4,
	CID = 8,
	INSIST = 16,
	REFUSE = 32,
	MODEST = 64,
	JOIN = 128
};

static bool word_pair(void *ctx, const struct iscsi_text_pair *pair)
{
	if (!iscsi_text_is(pair->key, "WORD"))
		return false;
	*(uint32_t *)ctx = pair->value.len;
	return true;
}

/* The good word has four letters. */
static enum iscsi_auth word_turn(void *ctx, struct iscsi_text_out *out)
{
	uint32_t len = *(uint32_t *)ctx;

	if (len == UINT32_MAX)
		return iscsi_text_put(out, "SAY", "it") ? ISCSI_AUTH_MORE : ISCSI_AUTH_FAILED;
	return len == 4 ? ISCSI_AUTH_DONE : ISCSI_AUTH_FAILED;
}

struct stage {
	struct iscsi_login login;
	uint8_t in[ISCSI_TEXT_MAX_BYTES], out[ISCSI_TEXT_MAX_BYTES];
	struct iscsi_wants wants;
	struct iscsi_params session;
	uint32_t word;
	struct iscsi_login_method method;
	const struct iscsi_login_method *methods[2];
	struct iscsi_login_target target;
	struct iscsi_pdu pdu;
	unsigned asked;
	uint8_t mode;
};

static void begin(struct stage *s, uint8_t mode)
{
	struct iscsi_login_setup setup = { s->in, s->out, 7 };
	unsigned n = 0;

	memset(s, 0, sizeof(*s));
	s->mode = mode;
	s->word = UINT32_MAX;
	s->method = (struct iscsi_login_method){ "WORD1", word_pair, word_turn, &s->word };
	if (mode & WORD)
		s->methods[n++] = &s->method;
	if (mode & NONE)
		s->methods[n++] = &iscsi_login_none;
	iscsi_keys_wants(&s->wants);
	s->wants.header_none = !(mode & INSIST);
	s->wants.alias = "Disk";
	if (!(mode & MODEST)) {
		s->wants.max_connections = 8;
		s->wants.recovery_level = 2;
		s->wants.protocol_level = 2;
		s->wants.sequence_in_order = false;
	}
	iscsi_keys_defaults(&s->session);
	s->target = (struct iscsi_login_target){ .status = mode & REFUSE ? ISCSI_LOGIN_MOVED
									 : ISCSI_LOGIN_OK,
						 .address = "192.0.2.1",
						 .wants = &s->wants,
						 .portal_group = 1,
						 .methods = s->methods,
						 .n_methods = n,
						 .session = mode & SESSION,
						 .session_tsih = 1,
						 .session_has_cid = mode & CID,
						 .session_params = &s->session };
	s->pdu = (struct iscsi_pdu){ .opcode = ISCSI_OP_LOGIN, .itt = 3, .cmdsn = 9 };
	s->pdu.login.tsih = mode & JOIN ? 1 : 0;
	iscsi_login_begin(&s->login, &setup);
}

/* One field becomes something else, for this request and those after it. */
static void mischief(struct iscsi_pdu *pdu, uint8_t what)
{
	switch (what) {
	case 1:
		pdu->login.isid[0]++;
		break;
	case 2:
		pdu->login.tsih++;
		break;
	case 3:
		pdu->login.cid++;
		break;
	case 4:
		pdu->itt++;
		break;
	case 5:
		pdu->cmdsn++;
		break;
	case 6:
		pdu->login.version_min++;
		break;
	case 7:
		pdu->opcode = ISCSI_OP_SCSI_COMMAND;
		break;
	default:
		break;
	}
}

/* What we say is text, too. */
static void check_text(const struct iscsi_login_answer *answer)
{
	enum iscsi_neg_fault fault;
	struct iscsi_text_pair pair;
	struct iscsi_text text;

	GW_CHECK(answer->response.data_bytes <= ISCSI_TEXT_MAX_BYTES);
	iscsi_text_begin(&text, answer->text, answer->response.data_bytes);
	while (iscsi_text_next(&text, &pair, &fault))
		GW_CHECK(pair.value.len <= ISCSI_TEXT_VALUE_MAX);
	GW_CHECK(fault == ISCSI_NEG_NONE);
}

static void check_params(const struct stage *s)
{
	const struct iscsi_params *p = &s->login.keys.now;
	const struct iscsi_wants *w = &s->wants;

	GW_CHECK(p->send_max >= 512 && p->send_max <= ISCSI_DATA_MAX_BYTES);
	GW_CHECK(p->recv_max == 8192 || p->recv_max == w->recv_max);
	GW_CHECK(p->max_burst >= 512 && p->max_burst <= ISCSI_DATA_MAX_BYTES);
	GW_CHECK(p->first_burst <= p->max_burst || (p->initial_r2t && !p->immediate_data));
	GW_CHECK(p->max_connections >= 1 && p->max_connections <= w->max_connections);
	GW_CHECK(p->max_r2t >= 1 && p->max_r2t <= w->max_r2t);
	GW_CHECK(p->recovery_level <= w->recovery_level);
	GW_CHECK(!p->recovery_level || !p->sequence_in_order || p->max_r2t == 1);
	GW_CHECK(p->header_digest || w->header_none);
	GW_CHECK(!p->discovery || (p->max_connections == 1 && !p->recovery_level));
	GW_CHECK(p->discovery == s->login.discovery);
}

static void check_done(const struct stage *s)
{
	GW_CHECK(s->asked == 1 && s->login.keys.initiator_name_len);
	GW_CHECK(s->login.discovery || s->login.keys.target_name_len);
	GW_CHECK(s->login.authenticated ? s->mode & WORD && s->word == 4 : s->mode & NONE);
	GW_CHECK(!(s->mode & REFUSE));
	if (s->login.way == ISCSI_LOGIN_JOIN || s->login.way == ISCSI_LOGIN_REPLACE)
		GW_CHECK(s->mode & SESSION && s->login.tsih == s->target.session_tsih);
	check_params(s);
}

/* True: the login goes on. */
static bool one_request(struct stage *s, uint8_t flags, const uint8_t *text, uint32_t n)
{
	struct iscsi_login_answer answer;
	enum iscsi_login_next next;

	s->pdu.data_bytes = n;
	s->pdu.login.transit = flags & ISCSI_TRANSIT;
	s->pdu.login.more = flags & ISCSI_CONTINUE;
	s->pdu.login.csg = flags >> 2 & 3;
	s->pdu.login.nsg = flags & ISCSI_TRANSIT ? flags & 3 : 0;
	next = iscsi_login_request(&s->login, &s->pdu, text, &answer);
	if (next == ISCSI_LOGIN_NEEDS_TARGET) {
		GW_CHECK(!s->asked++ && !s->pdu.login.more);
		next = iscsi_login_target(&s->login, &s->target, &answer);
		GW_CHECK(next != ISCSI_LOGIN_NEEDS_TARGET);
	}
	check_text(&answer);
	GW_CHECK((answer.response.status != ISCSI_LOGIN_OK) == (next == ISCSI_LOGIN_REFUSED));
	GW_CHECK(!answer.response.transit || s->pdu.login.transit);
	GW_CHECK(!s->pdu.login.more || next == ISCSI_LOGIN_REFUSED || !answer.response.data_bytes);
	GW_CHECK(s->login.rounds <= ISCSI_LOGIN_ROUNDS_MAX + 1);
	if (next == ISCSI_LOGIN_DONE)
		check_done(s);
	return next == ISCSI_LOGIN_SEND;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stage s;

	if (!size)
		return 0;
	begin(&s, data[0]);
	for (size_t at = 1; size - at >= 4;) {
		size_t n = be16_get(data + at + 2);
		uint8_t flags = data[at];
		uint8_t *text;
		bool goes_on;

		mischief(&s.pdu, data[at + 1]);
		at += 4;
		if (n > size - at)
			n = size - at;
		text = malloc(n ? n : 1);
		GW_CHECK(text);
		memcpy(text, data + at, n);
		goes_on = one_request(&s, flags, text, (uint32_t)n);
		free(text);
		if (!goes_on)
			break;
		at += n;
	}
	return 0;
}
