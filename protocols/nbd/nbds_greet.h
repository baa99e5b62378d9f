/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_greet.h - a half-open connection: runs the handshake.
 *
 * It feeds the machine of nbds_hs.h with what the wire brings and acts as it
 * says.  It lives on loop 0, receives exactly what it needs and nothing more,
 * and goes to the home loop of the future connection with nothing armed and
 * nothing buffered, to open the nexus there before the last answer is sent.
 *
 *   loop 0:  ... HAGGLE ──CHOSEN──▶ mail ─┐      ┌─▶ over() ─▶ freed
 *   home:                                 ▼      │
 *                          join ─▶ JOINED ─▶ last answer ─▶ transmission
 *                            └───▶ REFUSED ─▶ mail back to loop 0
 *
 * Above: nbds_front.c.
 */
#ifndef PROTOCOLS_NBD_NBDS_GREET_H
#define PROTOCOLS_NBD_NBDS_GREET_H

#include "protocols/nbd/nbds_conn.h"
#include "protocols/nbd/nbds_hs.h"
#include "protocols/nbd/nbds_opts.h"
#include "protocols/nbd/nbds_wire.h"

#define NBDS_GREET_DEADLINE_S 15
#define NBDS_GREET_TRAIL 16 /* last moves, for the debugger and the last words */

struct nbds_greet;

/* What the owner brings, and is told. */
struct nbds_greet_host {
	struct gw *gw;
	struct nbds_home *homes; /* one per loop */
	const char *target; /* the listener's name */
	/* Loop 0, never from inside.  The handshake is over: begun, transmission
	 * has taken the connection, and conn_ended() will follow; else it is gone.
	 * The object is freed when this returns. */
	void (*over)(struct nbds_greet_host *host, struct nbds_greet *greet, bool begun);
	/* Loop 0: free it. */
	void (*conn_ended)(struct nbds_conn *conn);
};

struct nbds_greet {
	TAILQ_ENTRY(nbds_greet) link; /* the owner's */
	struct nbds_greet_host *host;
	enum nbds_hs_state state;
	uint8_t trail[NBDS_GREET_TRAIL];
	unsigned moves;
	bool away; /* loop 0's: on its home loop now */
	bool closing;
	struct nbds_wire wire;
	struct iovec iov;
	uint8_t head[NBDS_GREETING_BYTES];
	struct nbds_option option;
	uint8_t *data;
	struct nbds_haggle haggle;
	struct loop_peer peer;
	struct instant due;
	struct loop_timer timer;
	struct loop_task task;
	struct loop_mail mail;
	enum nbds_hs_event carried; /* what the mail back brings */
	struct nbds_home *home;
	struct nbds_conn *conn;
};

/* Loop 0.  Greets whoever is behind the socket; the socket is its own from now
 * on, also when this fails (null: no memory). */
struct nbds_greet *nbds_greet_begin(struct nbds_greet_host *host, int sock,
				    const struct loop_peer *peer);
/* Loop 0, and not away: it is told, and ends soon. */
void nbds_greet_drain(struct nbds_greet *greet);
void nbds_greet_end(struct nbds_greet *greet);

#endif
