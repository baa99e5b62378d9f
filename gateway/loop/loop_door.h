/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop_door.h - one listener: accepts, and keeps the number of those inside
 * bounded.
 *
 * Who comes waits in the lobby for room, is greeted (the protocol's handshake or
 * login: a guest, half open), and becomes a connection or goes.  Where there is
 * no room the oldest guest makes it; a connection that has begun never does.
 *
 *   accept ─▶ lobby ─▶ greet() ─▶ guest ─▶ over(begun) ─▶ connection ─▶ left()
 *               │                   └────▶ over(not begun)
 *               └─▶ turned away
 *
 * Above: protocols, which own the door and tell it who goes.  Below: loop.h.
 * Everything on the door's loop.
 */
#ifndef GATEWAY_LOOP_LOOP_DOOR_H
#define GATEWAY_LOOP_LOOP_DOOR_H

#include <stdbool.h>
#include <sys/queue.h>

#include "gateway/base/err.h"
#include "gateway/loop/loop.h"

#define LOOP_DOOR_LOBBY 1024u

struct loop_door;

/* First member of a protocol's half-open connection (handshake, login). */
struct loop_guest {
	TAILQ_ENTRY(loop_guest) link; /* the door's */
	struct loop_door *door; /* the door's; set after greet() */
	bool away; /* the protocol's: on another loop now, cannot be told */
	bool closing; /* the protocol's: ends by itself soon */
};

enum loop_door_count {
	LOOP_DOOR_GREETED,
	LOOP_DOOR_DISPLACED, /* a guest was told to end, to make room */
	LOOP_DOOR_TURNED_AWAY /* closed without a greeting: all is full, or a drain */
};

/* The protocol's; none may be absent.  None of them may call loop_door_over() or
 * loop_door_left() from inside: what ends tells so in a later turn, or by mail. */
struct loop_door_ops {
	/* Somebody came: the socket, tuned already, is the guest's from now on,
	 * also when this fails (null: no memory; it has closed the socket). */
	struct loop_guest *(*greet)(struct loop_door *door, int sock, const struct loop_peer *peer);
	/* Not away; perhaps closing already, then there is nothing to do. */
	void (*drain)(struct loop_guest *guest); /* tell it, it ends soon */
	void (*end)(struct loop_guest *guest); /* now: closing is true afterwards */
	void (*count)(struct loop_door *door, enum loop_door_count which);
};

struct loop_door_bounds {
	unsigned conns; /* half-open ones included */
	unsigned half_open; /* the oldest makes room */
};

struct loop_door {
	STAILQ_ENTRY(loop_door) link; /* of its front end's (loop_doors.h) */
	const struct loop_door_ops *ops;
	void *owner; /* the protocol's */
	struct loop *loop;
	struct loop_addr addr;
	char text[LOOP_ADDR_TEXT]; /* the address, for people */
	/* The owner's, set before start; may be null.  Somebody left, or accepting
	 * has ended. */
	void (*changed)(void *arg);
	void *arg;

	/* ---- its own ---- */
	struct loop_door_bounds bounds;
	struct drv_op accept;
	int sock;
	bool open, armed;
	struct loop_timer again; /* after accept failed */
	TAILQ_HEAD(, loop_guest) half_open; /* the oldest first */
	unsigned n_half_open, n_conns; /* n_conns: all, half-open ones too */
	unsigned first_waiting, n_waiting;
	int lobby[LOOP_DOOR_LOBBY]; /* accepted, and no room yet; a ring */
};

/* Listens; 0 or -errno with a sentence.  All of the door is set but changed. */
int loop_door_open(struct loop_door *door, struct loop *loop, const char *address,
		   const struct loop_door_ops *ops, void *owner, struct loop_door_bounds bounds,
		   struct gw_err *err);
/* Begins to accept. */
void loop_door_start(struct loop_door *door);
/* Accepts nobody any more, tells the half-open ones. */
void loop_door_drain(struct loop_door *door);
/* Ends the half-open ones now. */
void loop_door_kill(struct loop_door *door);
/* Nobody is inside and nothing is armed. */
bool loop_door_empty(const struct loop_door *door);
/* Only when it is empty, was never started, or could not be opened. */
void loop_door_close(struct loop_door *door);

/* ---- what the protocol tells -------------------------------------------- */

/* This half-open connection is over; begun: it has become a connection, and
 * loop_door_left() will follow; else it is gone.  The caller frees the guest
 * afterwards. */
void loop_door_over(struct loop_guest *guest, bool begun);
/* A connection that had begun has ended. */
void loop_door_left(struct loop_door *door);

#endif
