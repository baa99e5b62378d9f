/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_keys.c - the negotiation of keys.
 *
 * An offer is answered at once, but for FirstBurstLength and MaxOutstandingR2T:
 * their answers depend on keys that may stand behind them in the same text, so
 * they wait for iscsi_keys_close().
 */
#include "config.h"

#include "protocols/iscsi/iscsi_keys.h"

#include <string.h>

#include "gateway/base/check.h"
#include "gateway/base/num.h"
#include "gateway/base/table.h"

#define LO ISCSI_USE_LO
#define IO ISCSI_USE_IO
#define ALL ISCSI_USE_ALL
#define FFPO ISCSI_USE_FFPO

static const struct iscsi_key_row rows[ISCSI_KEY_COUNT] = {
#define KEY(NAME, word, kind, use, sender, any, normal, scope, low, high, initial, clause) \
	[ISCSI_KEY_##NAME] = { word,                                                       \
			       ISCSI_KIND_##kind,                                          \
			       use,                                                        \
			       ISCSI_SENDER_##sender,                                      \
			       any,                                                        \
			       normal,                                                     \
			       ISCSI_SCOPE_##scope,                                        \
			       low,                                                        \
			       high,                                                       \
			       initial,                                                    \
			       clause },
#include "protocols/iscsi/iscsi_keys.tbl"
#undef KEY
};

_Static_assert(ISCSI_KEY_COUNT <= 32, "keys are bits of a uint32_t");

const struct iscsi_key_row *iscsi_keys_row(unsigned key)
{
	return key < ISCSI_KEY_COUNT ? &rows[key] : NULL;
}

unsigned iscsi_keys_find(struct iscsi_slice word)
{
	unsigned key = 0;

	while (key < ISCSI_KEY_COUNT && !iscsi_text_is(word, rows[key].word))
		key++;
	return key;
}

/* ---- parameters ------------------------------------------------------------ */

void iscsi_keys_wants(struct iscsi_wants *wants)
{
	*wants = (struct iscsi_wants){ .header_crc32c = true,
				       .header_none = true,
				       .data_crc32c = true,
				       .data_none = true,
				       .recv_max = 262144,
				       .max_connections = 1,
				       .initial_r2t = false,
				       .immediate_data = true,
				       .max_burst = 1048576,
				       .first_burst = 262144,
				       .time2wait = 2,
				       .time2retain = 20,
				       .max_r2t = 16,
				       .pdu_in_order = true,
				       .sequence_in_order = true,
				       .recovery_level = 0,
				       .protocol_level = 1,
				       .reporting_fence = true };
}

/* Our side of a result function; Yes is 1. */
static uint32_t want_of(const struct iscsi_wants *wants, enum iscsi_key key)
{
	switch (key) {
	case ISCSI_KEY_MAX_CONNECTIONS:
		return wants->max_connections;
	case ISCSI_KEY_INITIAL_R2T:
		return wants->initial_r2t;
	case ISCSI_KEY_IMMEDIATE_DATA:
		return wants->immediate_data;
	case ISCSI_KEY_MAX_BURST:
		return wants->max_burst;
	case ISCSI_KEY_FIRST_BURST:
		return wants->first_burst;
	case ISCSI_KEY_TIME2WAIT:
		return wants->time2wait;
	case ISCSI_KEY_TIME2RETAIN:
		return wants->time2retain;
	case ISCSI_KEY_MAX_R2T:
		return wants->max_r2t;
	case ISCSI_KEY_PDU_IN_ORDER:
		return wants->pdu_in_order;
	case ISCSI_KEY_SEQUENCE_IN_ORDER:
		return wants->sequence_in_order;
	case ISCSI_KEY_RECOVERY_LEVEL:
		return wants->recovery_level;
	case ISCSI_KEY_PROTOCOL_LEVEL:
		return wants->protocol_level;
	default:
		GW_NOT_REACHED();
	}
}

/* v is in the range of the key. */
static void set(struct iscsi_params *params, enum iscsi_key key, uint32_t v)
{
	switch (key) {
	case ISCSI_KEY_MAX_CONNECTIONS:
		params->max_connections = (uint16_t)v;
		break;
	case ISCSI_KEY_INITIAL_R2T:
		params->initial_r2t = v;
		break;
	case ISCSI_KEY_IMMEDIATE_DATA:
		params->immediate_data = v;
		break;
	case ISCSI_KEY_MAX_RECV:
		params->send_max = v;
		break;
	case ISCSI_KEY_MAX_BURST:
		params->max_burst = v;
		break;
	case ISCSI_KEY_FIRST_BURST:
		params->first_burst = v;
		break;
	case ISCSI_KEY_TIME2WAIT:
		params->time2wait = (uint16_t)v;
		break;
	case ISCSI_KEY_TIME2RETAIN:
		params->time2retain = (uint16_t)v;
		break;
	case ISCSI_KEY_MAX_R2T:
		params->max_r2t = (uint16_t)v;
		break;
	case ISCSI_KEY_PDU_IN_ORDER:
		params->pdu_in_order = v;
		break;
	case ISCSI_KEY_SEQUENCE_IN_ORDER:
		params->sequence_in_order = v;
		break;
	case ISCSI_KEY_RECOVERY_LEVEL:
		params->recovery_level = (uint8_t)v;
		break;
	case ISCSI_KEY_PROTOCOL_LEVEL:
		params->protocol_level = (uint8_t)v;
		break;
	default: /* not a number of the parameters */
		break;
	}
}

void iscsi_keys_defaults(struct iscsi_params *params)
{
	*params = (struct iscsi_params){ .recv_max = rows[ISCSI_KEY_MAX_RECV].initial };
	for (unsigned key = 0; key < ISCSI_KEY_COUNT; key++)
		set(params, (enum iscsi_key)key, rows[key].initial);
}

/* ---- begin and end --------------------------------------------------------- */

void iscsi_keys_join(struct iscsi_keys *keys, const struct iscsi_params *session)
{
	struct iscsi_params mine = keys->now;

	keys->now = *session;
	keys->now.header_digest = mine.header_digest;
	keys->now.data_digest = mine.data_digest;
	keys->now.send_max = mine.send_max;
	keys->now.recv_max = mine.recv_max;
}

void iscsi_keys_begin(struct iscsi_keys *keys, bool leading, const struct iscsi_params *session)
{
	memset(keys, 0, sizeof(*keys));
	keys->leading = leading;
	iscsi_keys_defaults(&keys->now);
	if (session)
		iscsi_keys_join(keys, session);
	keys->before = keys->now;
}

void iscsi_keys_want(struct iscsi_keys *keys, const struct iscsi_wants *wants)
{
	keys->wants = wants;
}

void iscsi_keys_stage(struct iscsi_keys *keys, enum iscsi_stage stage)
{
	keys->stage = stage;
}

void iscsi_keys_reopen(struct iscsi_keys *keys)
{
	keys->stage = ISCSI_STAGE_FULL_FEATURE;
	keys->before = keys->now;
	keys->offered = 0;
	keys->waiting = 0;
	keys->pairs = 0;
}

void iscsi_keys_undo(struct iscsi_keys *keys)
{
	keys->now = keys->before;
	keys->waiting = 0;
}

/* ---- answers --------------------------------------------------------------- */

static enum iscsi_neg_fault sent(bool had_room)
{
	return had_room ? ISCSI_NEG_NONE : ISCSI_NEG_NO_ROOM;
}

static enum iscsi_neg_fault say(struct iscsi_text_out *out, enum iscsi_key key, const char *value)
{
	return sent(iscsi_text_put(out, rows[key].word, value));
}

/* The words that are answers and never proposals (6.2). */
static bool is_answer(struct iscsi_slice value)
{
	return iscsi_text_is(value, "NotUnderstood") || iscsi_text_is(value, "Reject") ||
	       iscsi_text_is(value, "Irrelevant");
}

/* ---- one function per kind ------------------------------------------------- */

/* Do we take this value of a list?  Then it is set. */
static bool choose(struct iscsi_keys *keys, enum iscsi_key key, struct iscsi_slice item)
{
	const struct iscsi_wants *wants = keys->wants;
	struct iscsi_params *now = &keys->now;

	if (key == ISCSI_KEY_TASK_REPORTING) {
		if (iscsi_text_is(item, "RFC3720"))
			now->reporting = ISCSI_REPORTING_RFC3720;
		else if (iscsi_text_is(item, "ResponseFence") && wants->reporting_fence)
			now->reporting = ISCSI_REPORTING_FENCE;
		else if (iscsi_text_is(item, "FastAbort") && wants->reporting_fast_abort)
			now->reporting = ISCSI_REPORTING_FAST_ABORT;
		else
			return false;
		return true;
	}
	bool header = key == ISCSI_KEY_HEADER_DIGEST;
	bool crc = iscsi_text_is(item, "CRC32C");

	if (crc ? !(header ? wants->header_crc32c : wants->data_crc32c)
		: !(header ? wants->header_none : wants->data_none) || !iscsi_text_is(item, "None"))
		return false;
	*(header ? &now->header_digest : &now->data_digest) = crc;
	return true;
}

/* 6.2.1: the first value of the peer's that we take; what we do not know is passed
 * over. */
static enum iscsi_neg_fault offer_list(struct iscsi_keys *keys, enum iscsi_key key,
				       struct iscsi_slice list, struct iscsi_text_out *out)
{
	struct iscsi_slice item,
		word = { (const uint8_t *)rows[key].word, (uint32_t)strlen(rows[key].word) };

	while (iscsi_text_item(&list, &item)) {
		if (item.len > ISCSI_TEXT_VALUE_MAX)
			return ISCSI_NEG_LONG_VALUE;
		if (choose(keys, key, item))
			return sent(iscsi_text_put_slices(out, word, item));
	}
	/* The value stays what it is: a digest that we insist on would be missing. */
	if (key == ISCSI_KEY_HEADER_DIGEST && !keys->wants->header_none)
		return ISCSI_NEG_NO_CHOICE;
	if (key == ISCSI_KEY_DATA_DIGEST && !keys->wants->data_none)
		return ISCSI_NEG_NO_CHOICE;
	return say(out, key, "Reject");
}

static bool number_of(enum iscsi_key key, struct iscsi_slice value, uint32_t *number)
{
	uint64_t n;

	if (!iscsi_text_number(value, &n) || n < rows[key].low || n > rows[key].high)
		return false;
	*number = (uint32_t)n;
	return true;
}

/* 13.19: with recovery and sequences in order there is one R2T at a time. */
static bool one_r2t_alone(const struct iscsi_params *now)
{
	return now->recovery_level && now->sequence_in_order;
}

/* Minimum and Maximum.  A value out of range is answered with Reject (6.2.2). */
static enum iscsi_neg_fault offer_number(struct iscsi_keys *keys, enum iscsi_key key,
					 struct iscsi_slice value, struct iscsi_text_out *out)
{
	uint32_t offer, want = want_of(keys->wants, key), result;

	if (!number_of(key, value, &offer))
		return say(out, key, "Reject");
	if (key == ISCSI_KEY_FIRST_BURST || key == ISCSI_KEY_MAX_R2T) {
		*(key == ISCSI_KEY_FIRST_BURST ? &keys->offer_first_burst : &keys->offer_max_r2t) =
			offer;
		keys->waiting |= 1u << key;
		return ISCSI_NEG_NONE;
	}
	result = (uint32_t)(rows[key].kind == ISCSI_KIND_MAXIMUM ? num_max(offer, want)
								 : num_min(offer, want));
	/* MaxOutstandingR2T was agreed in an earlier text and cannot change. */
	if (key == ISCSI_KEY_RECOVERY_LEVEL && keys->now.sequence_in_order && keys->now.max_r2t > 1)
		result = 0;
	set(&keys->now, key, result);
	return sent(iscsi_text_put_number(out, rows[key].word, result));
}

/* AND and OR.  Where the offer decides alone an answer is optional; we give it. */
static enum iscsi_neg_fault offer_bool(struct iscsi_keys *keys, enum iscsi_key key,
				       struct iscsi_slice value, struct iscsi_text_out *out)
{
	bool offer, want = want_of(keys->wants, key), result;

	if (!iscsi_text_bool(value, &offer))
		return say(out, key, "Reject");
	result = rows[key].kind == ISCSI_KIND_OR ? offer || want : offer && want;
	set(&keys->now, key, result);
	return sent(iscsi_text_put_bool(out, rows[key].word, result));
}

/* 4.2.7.1: names are compared as RFC 3722 prepares them, so capitals are folded. */
static enum iscsi_neg_fault keep_name(struct iscsi_slice value, uint8_t *to, uint8_t *len)
{
	if (!iscsi_text_is_name(value))
		return ISCSI_NEG_BAD_NAME;
	for (uint32_t i = 0; i < value.len; i++)
		to[i] = (uint8_t)(value.at[i] >= 'A' && value.at[i] <= 'Z' ? value.at[i] | 0x20
									   : value.at[i]);
	*len = (uint8_t)value.len;
	return ISCSI_NEG_NONE;
}

static enum iscsi_neg_fault keep_session_type(struct iscsi_keys *keys, struct iscsi_slice value)
{
	bool discovery = iscsi_text_is(value, "Discovery");

	if (!discovery && !iscsi_text_is(value, "Normal"))
		return ISCSI_NEG_SESSION_TYPE;
	if (discovery && !keys->leading)
		return ISCSI_NEG_SESSION_TYPE; /* 13.21: there is one connection */
	keys->now.discovery = discovery;
	return ISCSI_NEG_NONE;
}

/* Declarations in words: nothing is answered. */
static enum iscsi_neg_fault declare_text(struct iscsi_keys *keys, enum iscsi_key key,
					 struct iscsi_slice value)
{
	if (value.len > rows[key].high)
		return ISCSI_NEG_LONG_VALUE;
	switch (key) {
	case ISCSI_KEY_INITIATOR_NAME:
		return keep_name(value, keys->initiator_name, &keys->initiator_name_len);
	case ISCSI_KEY_TARGET_NAME:
		return keep_name(value, keys->target_name, &keys->target_name_len);
	case ISCSI_KEY_SESSION_TYPE:
		return keep_session_type(keys, value);
	case ISCSI_KEY_INITIATOR_ALIAS:
		if (value.len)
			memcpy(keys->initiator_alias, value.at, value.len);
		keys->initiator_alias_len = (uint8_t)value.len;
		return ISCSI_NEG_NONE;
	default: /* X#NodeArchitecture: 13.26.2 lets us be silent */
		return ISCSI_NEG_NONE;
	}
}

/* MaxRecvDataSegmentLength; what cannot be accepted ends the negotiation (7.12). */
static enum iscsi_neg_fault declare_number(struct iscsi_keys *keys, enum iscsi_key key,
					   struct iscsi_slice value)
{
	uint32_t n;

	if (!number_of(key, value, &n))
		return ISCSI_NEG_KEY_VALUE;
	set(&keys->now, key, n);
	return ISCSI_NEG_NONE;
}

/* ---- an offer -------------------------------------------------------------- */

/* 6.3: a key that does not belong here is a protocol error. */
static enum iscsi_neg_fault check_place(const struct iscsi_keys *keys, enum iscsi_key key,
					struct iscsi_slice value)
{
	const struct iscsi_key_row *row = &rows[key];
	bool belongs;

	if (is_answer(value))
		return keys->declared & 1u << key ? ISCSI_NEG_KEY_REFUSED : ISCSI_NEG_KEY_WORD;
	if (!(row->sender & ISCSI_SENDER_INITIATOR))
		return ISCSI_NEG_KEY_SENDER;
	switch (keys->stage) {
	case ISCSI_STAGE_SECURITY:
		belongs = row->any_stage;
		break;
	case ISCSI_STAGE_OPERATIONAL:
		belongs = row->use != FFPO && row->kind != ISCSI_KIND_AUTH;
		break;
	default:
		belongs = row->use == FFPO || row->use == ALL;
		break;
	}
	if (!belongs)
		return ISCSI_NEG_KEY_STAGE;
	if (keys->offered & 1u << key)
		return ISCSI_NEG_KEY_TWICE;
	return ISCSI_NEG_NONE;
}

/* Is the key of no meaning here, so that any value of it is? */
static bool is_irrelevant(const struct iscsi_keys *keys, const struct iscsi_key_row *row)
{
	if (row->kind == ISCSI_KIND_TEXT || row->kind == ISCSI_KIND_NUMBER)
		return false; /* declarations are heard anyway */
	/* 13: these were settled with the first connection of the session. */
	if (row->use == LO && !keys->leading)
		return true;
	return row->normal_only && keys->now.discovery;
}

/* Only these have a side of ours. */
static bool needs_wants(enum iscsi_key_kind kind)
{
	return kind == ISCSI_KIND_LIST || kind == ISCSI_KIND_MINIMUM ||
	       kind == ISCSI_KIND_MAXIMUM || kind == ISCSI_KIND_AND || kind == ISCSI_KIND_OR;
}

static enum iscsi_neg_fault answer(struct iscsi_keys *keys, enum iscsi_key key,
				   struct iscsi_slice value, struct iscsi_text_out *out)
{
	GW_CHECK(keys->wants || !needs_wants(rows[key].kind));
	switch (rows[key].kind) {
	case ISCSI_KIND_LIST:
		return offer_list(keys, key, value, out);
	case ISCSI_KIND_MINIMUM:
	case ISCSI_KIND_MAXIMUM:
		return offer_number(keys, key, value, out);
	case ISCSI_KIND_AND:
	case ISCSI_KIND_OR:
		return offer_bool(keys, key, value, out);
	case ISCSI_KIND_NUMBER:
		return declare_number(keys, key, value);
	case ISCSI_KIND_TEXT:
		return declare_text(keys, key, value);
	case ISCSI_KIND_OBSOLETE:
		return say(out, key, "Reject");
	case ISCSI_KIND_AUTH:
		return ISCSI_NEG_NONE; /* iscsi_login decides */
	default: /* those that others decide: their length alone */
		return value.len > rows[key].high ? ISCSI_NEG_LONG_VALUE : ISCSI_NEG_NONE;
	}
}

static enum iscsi_neg_fault offer_known(struct iscsi_keys *keys, enum iscsi_key key,
					struct iscsi_slice value, struct iscsi_text_out *out)
{
	enum iscsi_neg_fault fault = check_place(keys, key, value);
	const struct iscsi_key_row *row = &rows[key];

	if (fault != ISCSI_NEG_NONE)
		return fault;
	keys->offered |= 1u << key;
	if (is_irrelevant(keys, row))
		return say(out, key, "Irrelevant");
	/* 6.1: a simple-value has 255 bytes, a list of them may be longer */
	if (row->kind != ISCSI_KIND_LIST && row->kind != ISCSI_KIND_AUTH &&
	    value.len > ISCSI_TEXT_VALUE_MAX)
		return ISCSI_NEG_LONG_VALUE;
	return answer(keys, key, value, out);
}

enum iscsi_offer iscsi_keys_offer(struct iscsi_keys *keys, const struct iscsi_text_pair *pair,
				  struct iscsi_text_out *out, enum iscsi_neg_fault *fault)
{
	static const struct iscsi_slice not_understood = { (const uint8_t *)"NotUnderstood", 13 };
	unsigned key = iscsi_keys_find(pair->key);
	enum iscsi_neg_fault got;

	if (++keys->pairs > ISCSI_TEXT_PAIRS_MAX)
		got = ISCSI_NEG_TOO_MANY_KEYS;
	else if (key < ISCSI_KEY_COUNT)
		got = offer_known(keys, (enum iscsi_key)key, pair->value, out);
	else if (is_answer(pair->value))
		got = ISCSI_NEG_KEY_WORD; /* to nothing that we ever said */
	else
		got = sent(iscsi_text_put_slices(out, pair->key, not_understood));
	if (got != ISCSI_NEG_NONE) {
		*fault = got;
		return ISCSI_OFFER_FAULT;
	}
	if (key == ISCSI_KEY_AUTH_METHOD)
		return ISCSI_OFFER_AUTH;
	return key == ISCSI_KEY_SEND_TARGETS ? ISCSI_OFFER_SEND_TARGETS : ISCSI_OFFER_DONE;
}

/* ---- the end of a text ----------------------------------------------------- */

static enum iscsi_neg_fault close_first_burst(struct iscsi_keys *keys, struct iscsi_text_out *out)
{
	struct iscsi_params *now = &keys->now;
	uint64_t result = num_min(keys->offer_first_burst, keys->wants->first_burst);

	/* 13.14 */
	if (now->initial_r2t && !now->immediate_data)
		return say(out, ISCSI_KEY_FIRST_BURST, "Irrelevant");
	now->first_burst = (uint32_t)num_min(result, now->max_burst);
	return sent(iscsi_text_put_number(out, rows[ISCSI_KEY_FIRST_BURST].word, now->first_burst));
}

static enum iscsi_neg_fault close_max_r2t(struct iscsi_keys *keys, struct iscsi_text_out *out)
{
	uint64_t result = num_min(keys->offer_max_r2t, keys->wants->max_r2t);

	if (one_r2t_alone(&keys->now))
		result = 1;
	keys->now.max_r2t = (uint16_t)result;
	return sent(iscsi_text_put_number(out, rows[ISCSI_KEY_MAX_R2T].word, result));
}

/* What we declare without being asked, once. */
static enum iscsi_neg_fault declare_ours(struct iscsi_keys *keys, struct iscsi_text_out *out)
{
	const struct iscsi_wants *wants = keys->wants;
	bool has_alias = wants && wants->alias && wants->alias[0] && !keys->now.discovery;

	if (!wants || keys->stage == ISCSI_STAGE_FULL_FEATURE)
		return ISCSI_NEG_NONE;
	if (has_alias && !(keys->declared & 1u << ISCSI_KEY_TARGET_ALIAS)) {
		if (!iscsi_text_put(out, rows[ISCSI_KEY_TARGET_ALIAS].word, wants->alias))
			return ISCSI_NEG_NO_ROOM;
		keys->declared |= 1u << ISCSI_KEY_TARGET_ALIAS;
	}
	/* 13.12: no key of the security stage. */
	if (keys->stage == ISCSI_STAGE_OPERATIONAL &&
	    !(keys->declared & 1u << ISCSI_KEY_MAX_RECV)) {
		if (!iscsi_text_put_number(out, rows[ISCSI_KEY_MAX_RECV].word, wants->recv_max))
			return ISCSI_NEG_NO_ROOM;
		keys->declared |= 1u << ISCSI_KEY_MAX_RECV;
		keys->now.recv_max = wants->recv_max;
	}
	return ISCSI_NEG_NONE;
}

enum iscsi_neg_fault iscsi_keys_close(struct iscsi_keys *keys, struct iscsi_text_out *out)
{
	uint32_t waiting = keys->waiting;
	enum iscsi_neg_fault fault = ISCSI_NEG_NONE;

	keys->waiting = 0;
	if (waiting & 1u << ISCSI_KEY_FIRST_BURST)
		fault = close_first_burst(keys, out);
	if (fault == ISCSI_NEG_NONE && waiting & 1u << ISCSI_KEY_MAX_R2T)
		fault = close_max_r2t(keys, out);
	return fault == ISCSI_NEG_NONE ? declare_ours(keys, out) : fault;
}

enum iscsi_neg_fault iscsi_keys_settle(struct iscsi_keys *keys)
{
	struct iscsi_params *now = &keys->now;

	if (now->discovery) { /* 13.21, whatever was said before */
		now->max_connections = 1;
		now->recovery_level = 0;
		now->max_r2t = 1;
	}
	if (keys->wants && !keys->wants->header_none && !now->header_digest)
		return ISCSI_NEG_NO_CHOICE;
	if (keys->wants && !keys->wants->data_none && !now->data_digest)
		return ISCSI_NEG_NO_CHOICE;
	/* 13.14: who offers one of the two alone cannot know the other's default */
	if (now->first_burst > now->max_burst)
		now->first_burst = now->max_burst;
	if (one_r2t_alone(now) && now->max_r2t > 1)
		return ISCSI_NEG_KEYS_DISAGREE;
	return ISCSI_NEG_NONE;
}
