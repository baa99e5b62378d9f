/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_greet.h - a half-open connection: runs the handshake.
 *
 * It feeds the machine of nbds_hs.h with what the wire brings and acts as it
 * says.  It lives on loop 0, receives exactly what it needs and nothing more,
 * and goes to the home loop of the future connection with nothing armed and
 * nothing buffered, to open the nexus there before the last answer is sent.
 *
 *   loop 0:  ... HAGGLE ──CHOSEN──▶ mail ─┐      ┌─▶ over ─▶ freed
 *   home:                                 ▼      │
 *                          join ─▶ JOINED ─▶ last answer ─▶ transmission
 *                            └───▶ REFUSED ─▶ mail back to loop 0
 *
 * Above: the door (loop_door.h), whose guest it is, and nbds_front.c.
 */
#ifndef PROTOCOLS_NBD_NBDS_GREET_H
#define PROTOCOLS_NBD_NBDS_GREET_H

#include "gateway/loop/loop_door.h"
#include "protocols/nbd/nbds_conn.h"
#include "protocols/nbd/nbds_hs.h"
#include "protocols/nbd/nbds_opts.h"

#define NBDS_GREET_DEADLINE_S 15
#define NBDS_GREET_TRAIL 16 /* last moves, for the debugger and the last words */

/* What a handshake must know of the server: the owner of its door. */
struct nbds_greet_host {
	struct gw *gw;
	struct nbds_home *homes; /* one per loop */
	char target[sizeof("nbd:") + LOOP_ADDR_TEXT]; /* the port's stable name */
};

struct nbds_greet {
	struct loop_guest guest; /* first */
	const struct nbds_greet_host *host;
	enum nbds_hs_state state;
	uint8_t trail[NBDS_GREET_TRAIL];
	unsigned moves;
	struct loop_stream wire;
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

/* For a door on loop 0 whose owner is a struct nbds_greet_host. */
extern const struct loop_door_ops nbds_greet_ops;

#endif
