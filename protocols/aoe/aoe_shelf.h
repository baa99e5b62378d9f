/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_shelf.h - the book of a volume, by whatever interface it is reached: read from
 * the keeper at start, asked, and changed one change at a time.
 *
 *   the ports' loop:  asked ─┬─ nothing changes ─▶ answer
 *                            └─ next ── mail ─▶ loop 0: kept (durable) ─ mail ─┐
 *        answer ◀─ older writes have ended ◀─ the book is the next one now ◀───┘
 *
 * So an answer is a promise over restarts, and "reserved" means that no older write of
 * others can land any more.  Who asks meanwhile is answered afterwards.
 * Above: aoe_port.c, aoe_front.c.  Below: aoe_talk.h, aoe_slot.h.
 */
#ifndef PROTOCOLS_AOE_AOE_SHELF_H
#define PROTOCOLS_AOE_AOE_SHELF_H

#include "protocols/aoe/aoe_state.h"
#include "protocols/aoe/aoe_talk.h"

/* Loop 0, at start; may block.  0, or -errno with a sentence: then the volume must not
 * be served, for its lists are not known. */
int aoe_shelf_load(struct aoe_shelf *shelf, struct gw_volume *volume, struct loop *loop,
		   struct gw_err *err);
/* Loop 0; no change is under way. */
void aoe_shelf_free(struct aoe_shelf *shelf);
/* A command about the book, from the port; answered there, now, later or never. */
void aoe_shelf_ask(struct aoe_shelf *shelf, struct aoe_port *port, const struct aoe_talk *talk);

#endif
