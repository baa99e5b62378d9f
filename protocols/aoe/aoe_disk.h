/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_disk.h - ATA commands of one disk, from the frame to the answer: who may, what
 * it means (translators/ata), whether it comes too late, the requests, the registers.
 *
 *   aoe_disk_take ─ reserved? ─ ata_dispatch ─┬─ answer, page ─────────────▶ reply
 *                                             └─ seat ─ late? ─ gw_req ... ─▶ reply
 *
 * Above: aoe_port.c.  Below: aoe_client.h, aoe_slot.h.
 */
#ifndef PROTOCOLS_AOE_AOE_DISK_H
#define PROTOCOLS_AOE_AOE_DISK_H

#include "protocols/aoe/aoe_state.h"

/* Of a new shelf: what its disks have in common. */
void aoe_disk_share(struct aoe_shelf *shelf);
/* Takes its place at the volume; ops: of that, whose owner is the disk.  False: no room. */
bool aoe_disk_open(struct aoe_disk *disk, const struct gw_itl_ops *ops);
void aoe_disk_close(struct aoe_disk *disk);
/* The facts are new. */
void aoe_disk_adopt(struct aoe_disk *disk);
/* A command for this disk; slot->head is filled, ata: of the frame. */
void aoe_disk_take(struct aoe_disk *disk, struct aoe_slot *slot, const struct aoe_ata *ata);
/* By force: what is at the store is left there, nothing more is answered. */
void aoe_disk_abandon(struct aoe_disk *disk);

#endif
