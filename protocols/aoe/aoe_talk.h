/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_talk.h - a command that is no ATA command, and the book: what is answered, and
 * what the book is afterwards; pure.
 *
 * Above: aoe_shelf.c, aoe_port.c.  Below: aoe_book.h, aoe_pdu.h.
 */
#ifndef PROTOCOLS_AOE_AOE_TALK_H
#define PROTOCOLS_AOE_AOE_TALK_H

#include "protocols/aoe/aoe_book.h"
#include "protocols/aoe/aoe_pdu.h"

struct aoe_talk {
	struct aoe_head head;
	enum aoe_address address; /* ONE or ALL */
	struct aoe_target target;
	struct aoe_offer offer;
	const uint8_t *frame; /* in one piece */
	size_t frame_bytes;
};

/* *bytes of the answer stand in to, of at least AOE_FRAME_STANDARD bytes; 0 where there
 * is none.  *next is written only if CHANGED. */
enum aoe_outcome aoe_talk_answer(const struct aoe_talk *talk, const struct aoe_book *book,
				 struct aoe_book *next, uint8_t *to, size_t room, size_t *bytes);
/* Word to somebody, or to everybody, that the disk is there, as if he had asked. */
size_t aoe_talk_announce(const struct aoe_target *target, const struct aoe_offer *offer,
			 const struct aoe_book *book, const struct aoe_mac *to_whom, uint8_t *to,
			 size_t room);

#endif
