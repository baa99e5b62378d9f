/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_talk.h - a config, mask or reserve command and the book: what is answered, and
 * what the book is afterwards; pure.
 *
 * The same question is asked twice where something changes: on the port's loop, to
 * see that it does, and on loop 0, where books are changed.
 * Above: aoe_disk.c, aoe_shelf.c.  Below: aoe_book.h, aoe_pdu.h.
 */
#ifndef PROTOCOLS_AOE_AOE_TALK_H
#define PROTOCOLS_AOE_AOE_TALK_H

#include "protocols/aoe/aoe_book.h"
#include "protocols/aoe/aoe_pdu.h"

struct aoe_talk {
	struct aoe_head head;
	struct aoe_request request; /* refers to the frame, which must stay */
	struct aoe_target target;
	struct aoe_offer offer;
};

/* *bytes of the answer stand in to, of at least AOE_FRAME_STANDARD bytes and those of
 * the request; 0 where there is none.  *next is written only if CHANGED. */
enum aoe_outcome aoe_talk_answer(const struct aoe_talk *talk, const struct aoe_book *book,
				 struct aoe_book *next, uint8_t *to, size_t room, size_t *bytes);
/* Word to somebody, or to everybody, that the disk is there, as if he had asked. */
size_t aoe_talk_announce(const struct aoe_target *target, const struct aoe_offer *offer,
			 const struct aoe_book *book, const struct aoe_mac *to_whom, uint8_t *to,
			 size_t room);

#endif
