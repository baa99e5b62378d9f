/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_login.c - the login phase: fields that must stay, stages, text, answers.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_login.h"

#include <string.h>

#include "gateway/base/check.h"
#include "protocols/iscsi/iscsi_sn.h"

const struct iscsi_login_method iscsi_login_none = { .name = "None" };

void iscsi_login_begin(struct iscsi_login *login, const struct iscsi_login_setup *setup)
{
	memset(login, 0, sizeof(*login));
	login->setup = *setup;
	login->statsn = setup->statsn;
	iscsi_text_join_begin(&login->in, setup->text_in, ISCSI_TEXT_MAX_BYTES);
}

/* ---- responses ------------------------------------------------------------- */

/* What every response has; the text is what `out` holds. */
static void respond(struct iscsi_login *login, struct iscsi_login_answer *answer)
{
	*answer = (struct iscsi_login_answer){ .text = login->out.at };
	answer->response.version_max = ISCSI_VERSION;
	answer->response.version_active = ISCSI_VERSION;
	memcpy(answer->response.isid, login->isid, sizeof(login->isid));
	answer->response.tsih = login->tsih;
	answer->response.itt = login->itt;
	answer->response.sns =
		(struct iscsi_sns){ login->statsn++, login->request.cmdsn, login->request.cmdsn };
	answer->response.data_bytes = login->out.len;
}

void iscsi_login_refuse(struct iscsi_login *login, enum iscsi_login_status status,
			struct iscsi_login_answer *answer)
{
	iscsi_text_out_begin(&login->out, login->setup.text_out, ISCSI_TEXT_MAX_BYTES);
	respond(login, answer);
	answer->response.status = status;
	login->finished = true;
}

static enum iscsi_login_next refuse(struct iscsi_login *login, enum iscsi_neg_fault fault,
				    struct iscsi_login_answer *answer)
{
	iscsi_login_refuse(login, iscsi_text_fault(fault)->status, answer);
	answer->fault = fault;
	return ISCSI_LOGIN_REFUSED;
}

/* Stay in the stage, or go on to nsg. */
static enum iscsi_login_next go_on(struct iscsi_login *login, bool transit,
				   struct iscsi_login_answer *answer)
{
	respond(login, answer);
	answer->response.csg = (uint8_t)login->stage;
	if (!transit)
		return ISCSI_LOGIN_SEND;
	answer->response.transit = true;
	answer->response.nsg = login->request.login.nsg;
	login->stage = (enum iscsi_stage)login->request.login.nsg;
	iscsi_keys_stage(&login->keys, login->stage);
	if (login->stage != ISCSI_STAGE_FULL_FEATURE)
		return ISCSI_LOGIN_SEND;
	login->finished = true;
	return ISCSI_LOGIN_DONE;
}

/* ---- the header ------------------------------------------------------------ */

/* 11.12: what the first request says holds for all. */
static enum iscsi_neg_fault check_first(struct iscsi_login *login, const struct iscsi_pdu *pdu)
{
	const struct iscsi_login_request *request = &pdu->login;

	memcpy(login->isid, request->isid, sizeof(login->isid));
	login->tsih = request->tsih;
	login->cid = request->cid;
	login->cmdsn = pdu->cmdsn;
	login->old_statsn = pdu->exp_statsn;
	if (request->version_min > ISCSI_VERSION)
		return ISCSI_NEG_VERSION;
	if (request->csg > ISCSI_STAGE_OPERATIONAL)
		return ISCSI_NEG_STAGE;
	login->stage = (enum iscsi_stage)request->csg;
	iscsi_keys_begin(&login->keys, !login->tsih, NULL);
	iscsi_keys_stage(&login->keys, login->stage);
	login->started = true;
	return ISCSI_NEG_NONE;
}

static enum iscsi_neg_fault check_same(const struct iscsi_login *login, const struct iscsi_pdu *pdu)
{
	const struct iscsi_login_request *now = &pdu->login, *before = &login->request.login;

	if (memcmp(now->isid, login->isid, sizeof(login->isid)) != 0 || now->tsih != login->tsih ||
	    now->cid != login->cid || pdu->itt != login->itt ||
	    now->version_max != before->version_max || now->version_min != before->version_min)
		return ISCSI_NEG_CHANGED;
	/* 11.12.8: other connections of the session may have moved it on. */
	if (login->tsih ? !iscsi_sn_ge(pdu->cmdsn, login->cmdsn) : pdu->cmdsn != login->cmdsn)
		return ISCSI_NEG_CHANGED;
	return ISCSI_NEG_NONE;
}

/* 6.3: the stage is the one agreed on, and only later ones can follow. */
static enum iscsi_neg_fault check_stage(const struct iscsi_login *login,
					const struct iscsi_login_request *request)
{
	if (request->transit && request->more)
		return ISCSI_NEG_BITS;
	if (request->csg != login->stage)
		return ISCSI_NEG_STAGE;
	if (request->transit &&
	    (request->nsg <= request->csg || request->nsg == ISCSI_STAGE_RESERVED))
		return ISCSI_NEG_STAGE;
	return ISCSI_NEG_NONE;
}

static enum iscsi_neg_fault check_header(struct iscsi_login *login, const struct iscsi_pdu *pdu)
{
	enum iscsi_neg_fault fault;

	if (pdu->opcode != ISCSI_OP_LOGIN)
		return ISCSI_NEG_NOT_LOGIN;
	if (pdu->login.more ? ++login->pieces > ISCSI_LOGIN_PIECES_MAX
			    : ++login->rounds > ISCSI_LOGIN_ROUNDS_MAX)
		return ISCSI_NEG_TOO_MANY_ROUNDS;
	fault = login->started ? check_same(login, pdu) : check_first(login, pdu);
	return fault == ISCSI_NEG_NONE ? check_stage(login, &pdu->login) : fault;
}

/* ---- who is it, and whom does he want -------------------------------------- */

static bool is_identity(struct iscsi_slice key)
{
	unsigned which = iscsi_keys_find(key);

	return which == ISCSI_KEY_INITIATOR_NAME || which == ISCSI_KEY_TARGET_NAME ||
	       which == ISCSI_KEY_SESSION_TYPE;
}

/* The first text, for the keys that say what all others depend on. */
static enum iscsi_neg_fault read_identity(struct iscsi_login *login)
{
	struct iscsi_keys *keys = &login->keys;
	enum iscsi_neg_fault fault = ISCSI_NEG_NONE;
	struct iscsi_text text;
	struct iscsi_text_pair pair;

	iscsi_text_begin(&text, login->in.at, login->in.len);
	while (iscsi_text_next(&text, &pair, &fault))
		if (is_identity(pair.key) &&
		    iscsi_keys_offer(keys, &pair, &login->out, &fault) == ISCSI_OFFER_FAULT)
			return fault;
	if (fault != ISCSI_NEG_NONE)
		return fault;
	if (!keys->initiator_name_len)
		return ISCSI_NEG_NO_INITIATOR_NAME;
	if (!keys->target_name_len && !keys->now.discovery)
		return ISCSI_NEG_NO_TARGET_NAME;
	login->discovery = keys->now.discovery;
	return ISCSI_NEG_NONE;
}

/* 6.3.1, the table. */
static enum iscsi_neg_fault choose_way(struct iscsi_login *login,
				       const struct iscsi_login_target *target)
{
	if (!login->tsih) {
		login->way = target->session ? ISCSI_LOGIN_REINSTATE : ISCSI_LOGIN_NEW;
		return ISCSI_NEG_NONE;
	}
	if (!target->session || target->session_tsih != login->tsih)
		return ISCSI_NEG_NO_SESSION;
	login->way = target->session_has_cid ? ISCSI_LOGIN_REPLACE : ISCSI_LOGIN_JOIN;
	iscsi_keys_join(&login->keys, target->session_params);
	return ISCSI_NEG_NONE;
}

/* ---- the security stage ---------------------------------------------------- */

static const struct iscsi_login_method *find_method(const struct iscsi_login *login,
						    struct iscsi_slice name)
{
	for (unsigned i = 0; i < login->n_methods; i++)
		if (iscsi_text_is(name, login->methods[i]->name))
			return login->methods[i];
	return NULL;
}

static bool may_skip(const struct iscsi_login *login)
{
	return find_method(login, (struct iscsi_slice){ (const uint8_t *)"None", 4 });
}

/* 6.3.2: the first of his that we take. */
static enum iscsi_neg_fault choose_method(struct iscsi_login *login, struct iscsi_slice list)
{
	struct iscsi_slice item;

	while (!login->method && iscsi_text_item(&list, &item))
		login->method = find_method(login, item);
	if (!login->method)
		return ISCSI_NEG_AUTH_METHOD;
	return iscsi_text_put(&login->out, "AuthMethod", login->method->name) ? ISCSI_NEG_NONE
									      : ISCSI_NEG_NO_ROOM;
}

/* The method's turn; at most it is done. */
static enum iscsi_neg_fault authenticate(struct iscsi_login *login)
{
	const struct iscsi_login_method *method = login->method;
	enum iscsi_auth auth = ISCSI_AUTH_DONE;

	if (login->stage != ISCSI_STAGE_SECURITY || !method || login->auth_done)
		return ISCSI_NEG_NONE;
	if (method->turn)
		auth = method->turn(method->ctx, &login->out);
	if (auth == ISCSI_AUTH_FAILED)
		return ISCSI_NEG_AUTH_FAILED;
	login->auth_done = auth == ISCSI_AUTH_DONE;
	login->authenticated = login->auth_done && strcmp(method->name, "None") != 0;
	return ISCSI_NEG_NONE;
}

/* ---- the text -------------------------------------------------------------- */

static enum iscsi_neg_fault take_pair(struct iscsi_login *login, const struct iscsi_text_pair *pair)
{
	const struct iscsi_login_method *method = login->method;
	enum iscsi_neg_fault fault = ISCSI_NEG_NONE;

	if (login->stage == ISCSI_STAGE_SECURITY && method && method->pair &&
	    iscsi_keys_find(pair->key) == ISCSI_KEY_COUNT && method->pair(method->ctx, pair))
		return ISCSI_NEG_NONE;
	switch (iscsi_keys_offer(&login->keys, pair, &login->out, &fault)) {
	case ISCSI_OFFER_AUTH:
		return choose_method(login, pair->value);
	case ISCSI_OFFER_SEND_TARGETS: /* is no key of the login: never */
	case ISCSI_OFFER_DONE:
	case ISCSI_OFFER_FAULT:
		break;
	}
	return fault;
}

/* first: the keys of read_identity() are done.  Later they come too late: it is
 * decided who it is. */
static enum iscsi_neg_fault take_text(struct iscsi_login *login, bool first)
{
	enum iscsi_neg_fault fault = ISCSI_NEG_NONE;
	struct iscsi_text text;
	struct iscsi_text_pair pair;

	iscsi_text_begin(&text, login->in.at, login->in.len);
	while (iscsi_text_next(&text, &pair, &fault)) {
		if (is_identity(pair.key)) {
			if (!first)
				return ISCSI_NEG_KEY_TWICE;
			continue;
		}
		fault = take_pair(login, &pair);
		if (fault != ISCSI_NEG_NONE)
			return fault;
	}
	if (fault == ISCSI_NEG_NONE)
		fault = iscsi_keys_close(&login->keys, &login->out);
	return fault == ISCSI_NEG_NONE ? authenticate(login) : fault;
}

/* T was asked for: may it be?  *transit: it may. */
static enum iscsi_neg_fault leave_stage(struct iscsi_login *login, bool *transit)
{
	*transit = false;
	if (login->stage == ISCSI_STAGE_SECURITY && !login->auth_done) {
		if (login->method)
			return ISCSI_NEG_NONE; /* it has more to say */
		if (!may_skip(login))
			return ISCSI_NEG_AUTH_MISSING;
	}
	*transit = true;
	return login->request.login.nsg == ISCSI_STAGE_FULL_FEATURE
		       ? iscsi_keys_settle(&login->keys)
		       : ISCSI_NEG_NONE;
}

/* A whole text is in login->in. */
static enum iscsi_login_next process(struct iscsi_login *login, bool first,
				     struct iscsi_login_answer *answer)
{
	enum iscsi_neg_fault fault = take_text(login, first);
	bool transit = false;

	login->in.len = 0;
	if (fault == ISCSI_NEG_NONE && login->request.login.transit)
		fault = leave_stage(login, &transit);
	return fault == ISCSI_NEG_NONE ? go_on(login, transit, answer)
				       : refuse(login, fault, answer);
}

/* ---- calls ----------------------------------------------------------------- */

enum iscsi_login_next iscsi_login_request(struct iscsi_login *login, const struct iscsi_pdu *pdu,
					  const uint8_t *text, struct iscsi_login_answer *answer)
{
	enum iscsi_neg_fault fault;

	GW_CHECK(!login->finished);
	iscsi_text_out_begin(&login->out, login->setup.text_out, ISCSI_TEXT_MAX_BYTES);
	if (!login->started)
		login->itt = pdu->itt;
	fault = check_header(login, pdu);
	login->request = *pdu;
	if (fault == ISCSI_NEG_NONE)
		fault = iscsi_text_join_add(&login->in, text, pdu->data_bytes);
	if (fault != ISCSI_NEG_NONE)
		return refuse(login, fault, answer);
	/* 6.2: with C the answer is empty. */
	if (pdu->login.more)
		return go_on(login, false, answer);
	if (login->target_known)
		return process(login, false, answer);
	fault = read_identity(login);
	return fault == ISCSI_NEG_NONE ? ISCSI_LOGIN_NEEDS_TARGET : refuse(login, fault, answer);
}

/* 11.13.5: where to go instead. */
static enum iscsi_login_next redirect(struct iscsi_login *login,
				      const struct iscsi_login_target *target,
				      struct iscsi_login_answer *answer)
{
	iscsi_login_refuse(login, target->status, answer);
	if (target->status >> 8 == 1 && target->address &&
	    iscsi_text_put(&login->out, "TargetAddress", target->address))
		answer->response.data_bytes = login->out.len;
	return ISCSI_LOGIN_REFUSED;
}

enum iscsi_login_next iscsi_login_target(struct iscsi_login *login,
					 const struct iscsi_login_target *target,
					 struct iscsi_login_answer *answer)
{
	enum iscsi_neg_fault fault;

	GW_CHECK(login->started && !login->target_known && !login->finished);
	if (target->status != ISCSI_LOGIN_OK)
		return redirect(login, target, answer);
	login->target_known = true;
	login->methods = target->methods;
	login->n_methods = target->n_methods;
	login->portal_group = target->portal_group;
	iscsi_keys_want(&login->keys, target->wants);
	fault = choose_way(login, target);
	if (fault == ISCSI_NEG_NONE && login->stage != ISCSI_STAGE_SECURITY && !may_skip(login))
		fault = ISCSI_NEG_AUTH_MISSING;
	if (fault != ISCSI_NEG_NONE)
		return refuse(login, fault, answer);
	/* 6.3.1: in the first response that may have it, for all types of session. */
	iscsi_text_put_number(&login->out, "TargetPortalGroupTag", target->portal_group);
	login->keys.declared |= 1u << ISCSI_KEY_PORTAL_GROUP;
	return process(login, true, answer);
}
