/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_client.h - who asks: a MAC, and its I_T_L nexus with each disk that it asks.
 *
 * AoE knows no login, so a client comes with its first command and is forgotten when
 * there is no room for all: the one that was silent longest.  Anybody can forge a
 * MAC; what that costs us is bounded here.
 * Above: aoe_slot.c, aoe_disk.c, aoe_port.c.  Below: gateway/api/nexus.h.
 */
#ifndef PROTOCOLS_AOE_AOE_CLIENT_H
#define PROTOCOLS_AOE_AOE_CLIENT_H

#include "gateway/api/out.h"
#include "protocols/aoe/aoe_state.h"

/* The seat of this client at the disk, held until aoe_client_release(); its nexus is
 * asked for where there is none, and seated() tells when it is there.  Null: no room. */
struct aoe_seat *aoe_client_take(struct aoe_disk *disk, const struct aoe_mac *mac,
				 const struct gw_itl_ops *ops);
void aoe_client_release(struct aoe_client *client);
/* All; none may be held. */
void aoe_client_forget_all(struct aoe_port *port);
/* Records "connection" (gateway/api/frontend.h), one for each seat. */
void aoe_client_list(const struct aoe_port *port, struct gw_out *out);

#endif
