/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_port.h - one interface: frames to disks, word to everybody, and its life.
 *
 *   create (loop 0) ─ start ─▶ begin (its loop) ... frames ...
 *   drain ─▶ no new command ─▶ nothing busy ─▶ the link closes ─▶ ended() (loop 0)
 *
 * Above: aoe_front.c.  Below: aoe_disk.h, aoe_shelf.h, aoe_slot.h, loop_link.h.
 */
#ifndef PROTOCOLS_AOE_AOE_PORT_H
#define PROTOCOLS_AOE_AOE_PORT_H

#include "protocols/aoe/aoe_state.h"

/* Loop 0.  Opens the interface; gw, loop, shelf, slot and disks are set;
 * one_of_many: clients may come by another one, too.  0 or -errno with a sentence. */
int aoe_port_open(struct aoe_port *port, const char *ifname, bool one_of_many, struct gw_err *err);
/* Loop 0.  One that was never started. */
void aoe_port_drop(struct aoe_port *port);
/* Loop 0.  Serves from now on; ended is set. */
void aoe_port_start(struct aoe_port *port);
/* Its loop. */
void aoe_port_drain(struct aoe_port *port);
void aoe_port_force(struct aoe_port *port);

#endif
