/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_pdu.h - AoE frames to structures, and replies to frames; pure.
 *
 * Three steps take a frame in: aoe_pdu_head_get() says whether it is a request,
 * aoe_pdu_address() whether it is for a certain target, aoe_pdu_request_get() what
 * it wants.  A frame begins at its destination address and has no VLAN tag.  The
 * length given is that of the frame, and may count padding; a count inside the
 * frame is never believed beyond it.  Putters write every byte of what they
 * return, reserved ones and padding as zeros, so nothing stale can leave.
 * Below: aoe.h.  Above: aoe_book.h, the front.  Clauses are of AoEr11.
 */
#ifndef PROTOCOLS_AOE_AOE_PDU_H
#define PROTOCOLS_AOE_AOE_PDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/aoe/aoe.h"

/* ---- what can be wrong, and names for logs -------------------------------- */

enum aoe_refusal {
	AOE_REFUSAL_NONE = 0,
#define REFUSAL(NAME, error, words, clause) AOE_REFUSAL_##NAME,
#include "protocols/aoe/aoe_refusals.tbl"
#undef REFUSAL
	AOE_REFUSAL_COUNT
};

struct aoe_refusal_row {
	enum aoe_error error; /* AOE_ERROR_NONE: no answer */
	const char *words, *clause;
};

/* Null for AOE_REFUSAL_NONE and for what is no refusal. */
const struct aoe_refusal_row *aoe_pdu_refusal(enum aoe_refusal refusal);

/* "?" for what has no row. */
const char *aoe_pdu_command_words(unsigned command);
const char *aoe_pdu_error_words(unsigned error);

/* ---- the header (2) ------------------------------------------------------- */

struct aoe_head {
	struct aoe_mac dst, src;
	uint8_t version, command;
	uint16_t shelf;
	uint8_t slot;
	uint32_t tag;
};

/* SHORT, TYPE, RESPONSE, SENDER, or none: then *head is filled.  The error code of
 * a request, and what is reserved in it, is ignored. */
enum aoe_refusal aoe_pdu_head_get(const uint8_t *frame, size_t bytes, struct aoe_head *head);

/* A target is a shelf and a slot; each volume has one on an interface. */
struct aoe_target {
	struct aoe_mac mac; /* of the interface */
	uint16_t shelf;
	uint8_t slot;
};

enum aoe_address { AOE_ADDRESS_NOT, AOE_ADDRESS_ONE, AOE_ADDRESS_ALL };

/* Whom a request means: not this target, this one, or it among others, by a shelf
 * or a slot of all ones.  The Ethernet address plays no part: boot loaders send to
 * the broadcast address what they mean for one target. */
enum aoe_address aoe_pdu_address(const struct aoe_head *head, const struct aoe_target *target);

/* ---- requests (3) --------------------------------------------------------- */

struct aoe_ata {
	uint8_t flags; /* enum aoe_ata_flag */
	uint8_t feature, count, command;
	uint64_t lba; /* all six bytes; what is no part of a short LBA, too */
	const uint8_t *data; /* inside the frame */
	size_t data_bytes; /* with AOE_ATA_WRITE at least count sectors; perhaps padding */
};

struct aoe_config {
	uint8_t command; /* enum aoe_config_command */
	const uint8_t *string; /* inside the frame */
	uint16_t string_bytes; /* of AOE_CONFIG_READ: 0, whatever came */
};

struct aoe_mask {
	uint8_t command; /* enum aoe_mask_command */
	uint8_t count; /* of AOE_MASK_READ: 0, whatever came */
	const uint8_t *list; /* inside the frame; see aoe_pdu_directive_get() */
};

struct aoe_directive {
	uint8_t command; /* as sent, perhaps no enum aoe_directive_command */
	struct aoe_mac mac;
};

struct aoe_reserve {
	uint8_t command; /* enum aoe_reserve_command */
	uint8_t count; /* at most AOE_RESERVE_MAX; of AOE_RESERVE_READ: 0 */
	const uint8_t *list; /* inside the frame; AOE_MAC_BYTES each */
};

/* head->command says which member holds. */
struct aoe_request {
	union {
		struct aoe_ata ata;
		struct aoe_config config;
		struct aoe_mask mask;
		struct aoe_reserve reserve;
	};
};

/* The argument of a request whose header was taken; address: AOE_ADDRESS_ONE or
 * _ALL.  At a refusal *request stays untouched.  What the fields of an ATA command
 * mean is the translator's business. */
enum aoe_refusal aoe_pdu_request_get(const uint8_t *frame, size_t bytes,
				     const struct aoe_head *head, enum aoe_address address,
				     struct aoe_request *request);

/* i < mask->count */
struct aoe_directive aoe_pdu_directive_get(const struct aoe_mask *mask, unsigned i);

/* ---- replies -------------------------------------------------------------- */

/* What stands in the header of a reply.  The announcement of a target (3.2) is that
 * to a request nobody made: tag 0, and to the broadcast address; where there is a
 * mask list, to each who is on it. */
struct aoe_reply {
	struct aoe_mac dst;
	struct aoe_target from;
	uint8_t command; /* as sent */
	uint8_t error; /* enum aoe_error; sets the flag */
	uint32_t tag;
};

/* The reply to a request: it goes to the sender, from the target's own numbers. */
struct aoe_reply aoe_pdu_reply(const struct aoe_head *head, const struct aoe_target *from,
			       enum aoe_error error);

/* 3.1.  feature is the error register, command the status register. */
struct aoe_ata_reply {
	uint8_t flags, error, count, status;
	uint64_t lba;
};

/* 3.2.  What a target offers, in the same words to everybody. */
struct aoe_offer {
	uint16_t buffers; /* messages that we take at a time */
	uint16_t firmware;
	uint8_t sectors; /* of one ATA command, at most */
};

struct aoe_config_reply {
	uint8_t command; /* as asked */
	const uint8_t *string;
	uint16_t string_bytes;
};

/* 3.3.  Without an error: the list.  With one: how many directives came before the one
 * that failed. */
struct aoe_mask_reply {
	uint8_t command; /* as asked */
	uint8_t error; /* enum aoe_mask_error */
	uint8_t done; /* with an error */
	const struct aoe_mac *list;
	uint8_t list_count;
};

/* 3.4.  The list as it stands. */
struct aoe_reserve_reply {
	uint8_t command; /* as asked */
	const struct aoe_mac *list;
	uint8_t list_count;
};

/* Each answers how many bytes the frame has, at least AOE_FRAME_MIN; or 0, and then
 * has written nothing, if that is more than room.  `to` may not overlap what the
 * reply refers to.  AOE_FRAME_STANDARD is room for all. */
size_t aoe_pdu_bare_put(uint8_t *to, size_t room, const struct aoe_reply *reply);
size_t aoe_pdu_config_put(uint8_t *to, size_t room, const struct aoe_reply *reply,
			  const struct aoe_offer *offer, const struct aoe_config_reply *config);
size_t aoe_pdu_mask_put(uint8_t *to, size_t room, const struct aoe_reply *reply,
			const struct aoe_mask_reply *mask);
size_t aoe_pdu_reserve_put(uint8_t *to, size_t room, const struct aoe_reply *reply,
			   const struct aoe_reserve_reply *reserve);

/* Writes all of AOE_FRAME_MIN.  Answers how much of it to send: with data, which
 * must be at least a sector, the AOE_AT_ATA_DATA bytes before them; else all. */
size_t aoe_pdu_ata_put(uint8_t to[AOE_FRAME_MIN], const struct aoe_reply *reply,
		       const struct aoe_ata_reply *ata, bool data);

#endif
