/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_conn.h - one connection in transmission: birth, its turn, death.
 *
 * join ─▶ joined() ─▶ begin ─▶ turns ─▶ ended() on loop 0, where it is freed.
 * A connection that never begins is left.  While it dies its memory stays until
 * nothing is armed on the socket; what is at a store becomes an orphan of the
 * core.  Above: nbds_greet.c (birth), nbds_front.c (the rest).  Home loop.
 */
#ifndef PROTOCOLS_NBD_NBDS_CONN_H
#define PROTOCOLS_NBD_NBDS_CONN_H

#include "gateway/api/access.h"
#include "gateway/api/out.h"
#include "protocols/nbd/nbds_state.h"

/* Opens nexus, credits and the way to the volume.  target: the listener's name.
 * joined() follows, never from inside; null: no room for another client. */
struct nbds_conn *nbds_conn_join(struct nbds_home *home, const struct loop_peer *peer,
				 const char *target, const struct gw_grant *grant,
				 void (*joined)(struct nbds_conn *conn, enum gw_status status),
				 void *owner);
const struct gw_facts *nbds_conn_facts(const struct nbds_conn *conn);
/* Transmission begins on this socket, with the terms of nbds_opts_terms().
 * ended() comes once, on loop 0; the connection is that loop's then, to be freed
 * with nbds_conn_free(). */
void nbds_conn_begin(struct nbds_conn *conn, int sock, uint32_t terms,
		     void (*ended)(struct nbds_conn *conn), void *owner);
/* Instead of begin. */
void nbds_conn_leave(struct nbds_conn **conn);
void nbds_conn_free(struct nbds_conn **conn);

/* No new requests; ends when all that is in flight is answered. */
void nbds_conn_drain(struct nbds_conn *conn);
/* Ends now. */
void nbds_conn_kill(struct nbds_conn *conn);
/* One record "connection" (frontend.h). */
void nbds_conn_list(const struct nbds_conn *conn, struct gw_out *out);

#endif
