/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_slot.h - slots and notes of a port: where frames come from and go to.
 *
 *   at rest ─lend─▶ the link ─▶ a frame: busy ─▶ answered, or not ─▶ at rest
 *
 * Above: aoe_disk.c, aoe_shelf.c, aoe_port.c.  Below: loop_link.h.
 */
#ifndef PROTOCOLS_AOE_AOE_SLOT_H
#define PROTOCOLS_AOE_AOE_SLOT_H

#include "protocols/aoe/aoe_state.h"

/* As many as there is memory for, all lent.  False: none. */
bool aoe_slot_make_all(struct aoe_port *port);
/* Nothing may be lent or busy. */
void aoe_slot_free_all(struct aoe_port *port);

/* A frame is in it. */
void aoe_slot_begin(struct aoe_slot *slot);
/* It leaves with the first head_bytes of slot->bytes and data_bytes of its data. */
void aoe_slot_send(struct aoe_slot *slot, size_t head_bytes, uint32_t data_bytes);
/* An answer without data: an error of AoE, or none. */
void aoe_slot_refuse(struct aoe_slot *slot, enum aoe_error error);
/* It is over, sent or not; the slot is lent again. */
void aoe_slot_end(struct aoe_slot *slot);

/* Null: all are on their way. */
struct aoe_note *aoe_note_take(struct aoe_port *port);
/* Its first bytes leave; 0: it is free again. */
void aoe_note_send(struct aoe_port *port, struct aoe_note *note, size_t bytes);
/* From loop_link_ops.sent; true: it was one. */
bool aoe_note_sent(struct aoe_port *port, struct drv_frame *frame);

#endif
