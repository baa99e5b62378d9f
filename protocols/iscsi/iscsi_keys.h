/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_keys.h - each negotiable key of RFC 7143 section 13 and RFC 7144, and the
 * negotiation of one connection: offers in, answers out, parameters at the end.
 *
 *	iscsi_keys_begin()      the login starts
 *	iscsi_keys_offer()      for each pair of the initiator; appends the answer
 *	iscsi_keys_close()      after the last pair of a text: appends the answers that
 *	                        had to wait for all others, and what we declare
 *	iscsi_keys_settle()     the login ends well: do the values fit together?
 *	iscsi_keys_reopen()     a negotiation in full feature phase starts
 *
 * Facts about the keys are the rows of iscsi_keys.tbl.  Pure: the buffers are the
 * caller's.  Below: iscsi_text.  Above: iscsi_login, and full feature phase.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_KEYS_H
#define PROTOCOLS_ISCSI_ISCSI_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "protocols/iscsi/iscsi.h"
#include "protocols/iscsi/iscsi_text.h"

enum iscsi_key {
#define KEY(NAME, word, kind, use, sender, any, normal, scope, low, high, initial, clause) \
	ISCSI_KEY_##NAME,
#include "protocols/iscsi/iscsi_keys.tbl"
#undef KEY
	ISCSI_KEY_COUNT
};

enum iscsi_key_kind {
	ISCSI_KIND_LIST,
	ISCSI_KIND_MINIMUM,
	ISCSI_KIND_MAXIMUM,
	ISCSI_KIND_AND,
	ISCSI_KIND_OR,
	ISCSI_KIND_NUMBER,
	ISCSI_KIND_TEXT,
	ISCSI_KIND_AUTH,
	ISCSI_KIND_ASK,
	ISCSI_KIND_OBSOLETE
};
enum iscsi_key_use { ISCSI_USE_LO, ISCSI_USE_IO, ISCSI_USE_ALL, ISCSI_USE_FFPO };
enum iscsi_key_sender {
	ISCSI_SENDER_INITIATOR = 1,
	ISCSI_SENDER_TARGET = 2,
	ISCSI_SENDER_BOTH = 3
};
enum iscsi_key_scope { ISCSI_SCOPE_CO, ISCSI_SCOPE_SW };

struct iscsi_key_row {
	const char *word;
	enum iscsi_key_kind kind;
	enum iscsi_key_use use;
	enum iscsi_key_sender sender;
	bool any_stage; /* also in the security stage */
	bool normal_only; /* Irrelevant when SessionType=Discovery */
	enum iscsi_key_scope scope;
	uint32_t low, high, initial;
	const char *clause;
};

/* Null for the row after the last. */
const struct iscsi_key_row *iscsi_keys_row(unsigned key);
/* Case counts (6.1).  ISCSI_KEY_COUNT: not one of these. */
unsigned iscsi_keys_find(struct iscsi_slice word);

/* ---- what comes out: the operational values -------------------------------- */

/* 13.23 */
enum iscsi_reporting { ISCSI_REPORTING_RFC3720, ISCSI_REPORTING_FENCE, ISCSI_REPORTING_FAST_ABORT };

struct iscsi_params {
	bool discovery; /* SessionType */
	/* of this connection */
	bool header_digest, data_digest; /* CRC32C, or none */
	uint32_t send_max; /* the longest data segment that the initiator takes */
	uint32_t recv_max; /* that we take: 8192 until we could declare more */
	/* of the session */
	uint16_t max_connections;
	bool initial_r2t, immediate_data;
	uint32_t max_burst, first_burst;
	uint16_t time2wait, time2retain; /* seconds */
	uint16_t max_r2t;
	bool pdu_in_order, sequence_in_order;
	uint8_t recovery_level;
	uint8_t protocol_level; /* RFC 7144; 1 unless negotiated */
	enum iscsi_reporting reporting;
};

/* The defaults of the standard. */
void iscsi_keys_defaults(struct iscsi_params *params);

/* ---- what goes in: what this target wants ---------------------------------- */

/*
 * Where the result function is Minimum or Maximum these are our side of it; for
 * AND and OR what we would choose.  Every value must lie in the range of its key.
 * A max_burst below 65536 refuses initiators that let FirstBurstLength stand at its
 * default (13.14).  Lives as long as the negotiation.
 */
struct iscsi_wants {
	bool header_crc32c, header_none; /* which we take, in the initiator's order */
	bool data_crc32c, data_none;
	uint32_t recv_max; /* we declare it */
	uint16_t max_connections;
	bool initial_r2t, immediate_data;
	uint32_t max_burst, first_burst;
	uint16_t time2wait, time2retain;
	uint16_t max_r2t;
	bool pdu_in_order, sequence_in_order;
	uint8_t recovery_level;
	uint8_t protocol_level; /* RFC 7144 7.1.1 */
	bool reporting_fence, reporting_fast_abort; /* RFC3720 always is */
	const char *alias; /* TargetAlias; null or empty: none */
};

/* To begin a configuration from: one connection, no recovery, protocol level 1; for
 * the rest what moves data best. */
void iscsi_keys_wants(struct iscsi_wants *wants);

/* ---- the negotiation ------------------------------------------------------- */

struct iscsi_keys {
	/* Null: not known before the target is, and not needed after the login, where
	 * nothing is negotiated but declared. */
	const struct iscsi_wants *wants;
	struct iscsi_params now; /* as negotiated so far */
	struct iscsi_params before; /* to go back to, if a negotiation fails */
	enum iscsi_stage stage;
	bool leading; /* the first connection of its session */
	uint32_t offered; /* one bit per key that the initiator sent in this negotiation */
	uint32_t declared; /* that we sent on our own */
	uint32_t waiting; /* offered, answered by iscsi_keys_close() */
	uint32_t offer_first_burst, offer_max_r2t; /* of those that wait */
	uint32_t pairs; /* of the whole negotiation: ISCSI_TEXT_PAIRS_MAX */
	/* Names; length 0: not given. */
	uint8_t initiator_name[ISCSI_NAME_MAX], target_name[ISCSI_NAME_MAX];
	uint8_t initiator_alias[ISCSI_TEXT_VALUE_MAX];
	uint8_t initiator_name_len, target_name_len, initiator_alias_len;
};

/* A login, or the first negotiation that a connection keeps for itself.  leading:
 * TSIH is 0.  session: values to begin with, as by iscsi_keys_join(); or null. */
void iscsi_keys_begin(struct iscsi_keys *keys, bool leading, const struct iscsi_params *session);
/* As soon as it is known which target is meant; before any key of the operational
 * stage is offered. */
void iscsi_keys_want(struct iscsi_keys *keys, const struct iscsi_wants *wants);
/* A stage of the login begins. */
void iscsi_keys_stage(struct iscsi_keys *keys, enum iscsi_stage stage);
/* A login that joins a session learnt which one: its values count; copied. */
void iscsi_keys_join(struct iscsi_keys *keys, const struct iscsi_params *session);
/* A negotiation in full feature phase; what was agreed before stays. */
void iscsi_keys_reopen(struct iscsi_keys *keys);
/* It failed: as if it had not been (7.12 b). */
void iscsi_keys_undo(struct iscsi_keys *keys);

enum iscsi_offer {
	ISCSI_OFFER_DONE, /* answered, or nothing to answer, or later by close */
	ISCSI_OFFER_AUTH, /* AuthMethod: iscsi_login decides */
	ISCSI_OFFER_SEND_TARGETS, /* the caller answers; the value says which targets */
	ISCSI_OFFER_FAULT
};

/* *fault is written with ISCSI_OFFER_FAULT alone. */
enum iscsi_offer iscsi_keys_offer(struct iscsi_keys *keys, const struct iscsi_text_pair *pair,
				  struct iscsi_text_out *out, enum iscsi_neg_fault *fault);
/* NO_ROOM or NONE. */
enum iscsi_neg_fault iscsi_keys_close(struct iscsi_keys *keys, struct iscsi_text_out *out);
/* The login ends: what follows from the session's type, then the integrity rules
 * (6.2).  KEYS_DISAGREE; NO_CHOICE: a digest that we insist on was not agreed; NONE. */
enum iscsi_neg_fault iscsi_keys_settle(struct iscsi_keys *keys);

static inline struct iscsi_slice iscsi_keys_initiator_name(const struct iscsi_keys *keys)
{
	return (struct iscsi_slice){ keys->initiator_name, keys->initiator_name_len };
}

static inline struct iscsi_slice iscsi_keys_target_name(const struct iscsi_keys *keys)
{
	return (struct iscsi_slice){ keys->target_name, keys->target_name_len };
}

#endif
