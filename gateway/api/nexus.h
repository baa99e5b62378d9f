/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nexus.h - who asks: initiator port and target port (SAM-5 4.7), whatever the
 * protocol, and what it may touch: one I_T_L nexus per volume.
 *
 * A nexus and its I_T_L nexuses live on one loop.  They outlive their owner
 * while orphans refer to them; a late completion never finds them gone.
 *
 *   connection/session ──▶ gw_nexus (I_T) ──▶ gw_itl (I_T_L) ──▶ gw_volume
 *                                                ▲ gw_req.itl
 */
#ifndef GATEWAY_API_NEXUS_H
#define GATEWAY_API_NEXUS_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/api/event.h"
#include "gateway/api/status.h"

struct drv_file;
struct gw;
struct loop;
struct gw_volume;
struct gw_nexus;
struct gw_itl;
struct gw_facts;

#define GW_PORT_NAME_MAX 256

/* Names are stable: the same initiator port has the same name after a
 * reconnect.  NBD has none of its own: "nbd:ADDRESS"; its target port is the
 * listener's address. */
struct gw_nexus_names {
	const char *protocol; /* "nbd": the front end's name */
	const char *initiator; /* copied; at most GW_PORT_NAME_MAX - 1 bytes */
	const char *target;
};

/* ---- home loop ---------------------------------------------------------- */

/* Null: no memory or the bound on nexuses is reached. */
struct gw_nexus *gw_nexus_open(struct gw *gw, struct loop *loop,
			       const struct gw_nexus_names *names);
/* Every I_T_L nexus must be closed. Clears the pointer. */
void gw_nexus_close(struct gw_nexus **nexus);
const char *gw_nexus_initiator(const struct gw_nexus *nexus);
const char *gw_nexus_target(const struct gw_nexus *nexus);
const char *gw_nexus_protocol(const struct gw_nexus *nexus);

/* What the owner of an I_T_L nexus is told; called on its loop. */
struct gw_itl_ops {
	/* The join has ended: GW_OK, and requests may be submitted; or why not.
	 * Never from inside gw_itl_open(). */
	void (*ready)(struct gw_itl *itl, void *owner, enum gw_status status);
	/* Something happened to the volume (event.h).  May be null. */
	void (*event)(struct gw_itl *itl, void *owner, const struct gw_event *event);
};

/* Joins a volume.  Writes that other nexuses have at the store at this moment
 * are fenced first, so that none of them overtakes a write of this nexus
 * (design.md 2, Orphans).  read_only: writes get GW_READ_ONLY whatever the
 * volume says. */
struct gw_itl *gw_itl_open(struct gw_nexus *nexus, struct gw_volume *volume, bool read_only,
			   const struct gw_itl_ops *ops, void *owner);
/* Ends it: what is queued is dropped, what is at its store becomes an orphan;
 * nothing is delivered any more.  Clears the pointer. */
void gw_itl_close(struct gw_itl **itl);

struct gw_volume *gw_itl_volume(const struct gw_itl *itl);
struct gw_nexus *gw_itl_nexus(const struct gw_itl *itl);
/* The facts of the volume as this loop has adopted them; valid until the next
 * turn. read_only already holds for this nexus. */
const struct gw_facts *gw_itl_facts(const struct gw_itl *itl);
unsigned gw_itl_in_flight(const struct gw_itl *itl);
/* The file in which what was lent to requests of this nexus stands (req.h, GW_LEND), for
 * loop_stream_send_lent(); null: none.  It stays open while something is lent. */
struct drv_file *gw_itl_lent_file(const struct gw_itl *itl);

#endif
