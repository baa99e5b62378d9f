/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_door.h - one listener: accepts, and keeps the number of those inside
 * bounded.
 *
 * Above: nbds_front.c, which owns the doors.  Below: nbds_greet.h.  Loop 0.
 */
#ifndef PROTOCOLS_NBD_NBDS_DOOR_H
#define PROTOCOLS_NBD_NBDS_DOOR_H

#include "gateway/base/err.h"
#include "protocols/nbd/nbds_greet.h"

#define NBDS_DOOR_LOBBY 1024u

struct nbds_door_bounds {
	unsigned conns, half_open;
};

struct nbds_door {
	struct nbds_greet_host host; /* first: whom the handshakes tell */
	struct loop *loop;
	struct loop_addr addr;
	char text[LOOP_ADDR_TEXT]; /* the address, for people */
	char target[sizeof("nbd:") + LOOP_ADDR_TEXT]; /* the port's stable name */
	struct nbds_door_bounds bounds;
	struct drv_op accept;
	int sock;
	bool open, armed;
	struct loop_timer again; /* after accept failed */
	TAILQ_HEAD(, nbds_greet) half_open;
	unsigned n_half_open, n_conns; /* n_conns: all, half-open ones too */
	unsigned first_waiting, n_waiting;
	int lobby[NBDS_DOOR_LOBBY]; /* accepted, and no room yet; a ring */
	void (*changed)(void *arg); /* somebody left, or accepting has ended */
	void *arg;
};

/* Listens; 0 or -errno with a sentence. */
int nbds_door_open(struct nbds_door *door, struct gw *gw, struct nbds_home *homes, const char *text,
		   struct gw_err *err);
/* Begins to accept. */
void nbds_door_start(struct nbds_door *door);
/* Accepts nobody any more, tells the half-open ones. */
void nbds_door_drain(struct nbds_door *door);
/* Ends the half-open ones now. */
void nbds_door_kill(struct nbds_door *door);
/* Nobody is inside and nothing is armed. */
bool nbds_door_empty(const struct nbds_door *door);
/* Only when it is empty, or was never started. */
void nbds_door_close(struct nbds_door *door);

#endif
