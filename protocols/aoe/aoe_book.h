/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_book.h - what one target keeps for its clients: the config string, the mask
 * list and the reserve list, and who may do what by them; pure.
 *
 * An operation takes the book as it is and answers what to say; where it changes
 * something it writes the changed book beside the old one.  So the front can make
 * the new one durable first, and say so afterwards: an answer is a promise over
 * restarts.  Not here: who owns the book, and when it is written (aoe_shelf.c).
 * Below: aoe_pdu.h.  Above: aoe_talk.c, aoe_shelf.c.  Clauses are of AoEr11.
 */
#ifndef PROTOCOLS_AOE_AOE_BOOK_H
#define PROTOCOLS_AOE_AOE_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/aoe/aoe.h"
#include "protocols/aoe/aoe_pdu.h"

struct gw_err;

/* All zeros is the book of a target that nobody has touched. */
struct aoe_book {
	uint16_t config_bytes;
	uint8_t mask_count, reserve_count;
	uint8_t config[AOE_CONFIG_MAX];
	struct aoe_mac mask[AOE_MASK_MAX];
	struct aoe_mac reserve[AOE_RESERVE_MAX];
};

/* ---- who may do what ------------------------------------------------------- */

/* 3.3: an empty mask list lets everybody; else who is not on it is not heard at
 * all: no answer to anything, whatever he sends. */
bool aoe_book_hears(const struct aoe_book *book, const struct aoe_mac *from);

/* 3.4: while somebody is on the reserve list, the ATA commands of all others but
 * IDENTIFY DEVICE are answered with AOE_ERROR_RESERVED.  The other three commands
 * of AoE are not touched by it, but see AOE_RESERVE_SET.  (Coraid's own servers
 * differed: vblade does this; VSX let pass all but reads and writes.) */
bool aoe_book_lets(const struct aoe_book *book, const struct aoe_mac *from, uint8_t ata_command);

/* ---- operations ------------------------------------------------------------ */

enum aoe_outcome {
	AOE_OUTCOME_SILENT, /* no answer; only of a test that does not match */
	AOE_OUTCOME_SAME, /* answer; nothing has changed */
	AOE_OUTCOME_CHANGED /* *next is the book now; keep it, then answer */
};

/*
 * Each: book as it is, the request of a client that is heard, and what to answer.
 * *error is for the header of the reply.  The reply refers to book, or to next if
 * that has changed; it is filled unless the outcome is SILENT.  *next is written
 * only if the outcome is CHANGED, and may not be *book.
 */

/* 3.2.  READ: the string.  TEST, TEST_PREFIX: the same, or silence: the whole
 * string must be equal, or begin with what was sent.  SET: where there is none, or
 * the same; else AOE_ERROR_CONFIG_PRESENT, with the string that is there.  FORCE:
 * always.  The empty string is "none". */
enum aoe_outcome aoe_book_config(const struct aoe_book *book, const struct aoe_config *asked,
				 struct aoe_book *next, enum aoe_error *error,
				 struct aoe_config_reply *reply);

/* 3.3.  Directives are done in order, all or none: at the first that fails the
 * answer has its reason, and how many came before it.  To
 * add what is there, and to delete what is not, is success.  *error: none.
 * (vblade and ggaoed keep what came before the one that failed; a list that was
 * half changed would be nobody's wish.) */
enum aoe_outcome aoe_book_mask(const struct aoe_book *book, const struct aoe_mask *asked,
			       struct aoe_book *next, enum aoe_error *error,
			       struct aoe_mask_reply *reply);

/* 3.4.  SET: where the list is empty or the sender on it; else AOE_ERROR_RESERVED.
 * FORCE: always.  A list of nobody releases.  The answer has the list that holds. */
enum aoe_outcome aoe_book_reserve(const struct aoe_book *book, const struct aoe_mac *from,
				  const struct aoe_reserve *asked, struct aoe_book *next,
				  enum aoe_error *error, struct aoe_reserve_reply *reply);

/* ---- the record that outlives us (gateway/api/kept.h) ----------------------- */

#define AOE_BOOK_RECORD_MAX \
	(16u + AOE_CONFIG_MAX + (AOE_MASK_MAX + AOE_RESERVE_MAX) * AOE_MAC_BYTES + 4u)

/* Answers the bytes of the record. */
size_t aoe_book_save(const struct aoe_book *book, uint8_t to[AOE_BOOK_RECORD_MAX]);

/* 0, or -EBADMSG (damaged), -ENOTSUP (of another version) with a sentence; *book
 * is untouched then.  Never open to everybody what was masked: on failure the
 * volume must not be served until somebody has looked. */
int aoe_book_load(const void *record, size_t bytes, struct aoe_book *book, struct gw_err *err);

#endif
