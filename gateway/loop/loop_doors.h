/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop_doors.h - the listeners of one front end, opened and closed as one.
 *
 *   init ─▶ add each door that loop_door_open() has opened ─▶ start ─▶ drain ─▶ (kill) ─▶
 *   empty ─▶ close
 *
 * The doors are the front end's, wherever it keeps them; a front end without any has an
 * empty list, and all of this is true of it at once.  Above: front ends, and
 * gateway/api/drain.h, which ends those who came in.  Below: loop_door.h.  Everything on
 * the doors' loop.
 */
#ifndef GATEWAY_LOOP_LOOP_DOORS_H
#define GATEWAY_LOOP_LOOP_DOORS_H

#include "gateway/loop/loop_door.h"

struct loop_doors {
	STAILQ_HEAD(, loop_door) list; /* as they were added */
};

void loop_doors_init(struct loop_doors *doors);
/* The door is open and not yet started; it stays where it is. */
void loop_doors_add(struct loop_doors *doors, struct loop_door *door);
/* Begins to accept by all of them.  changed(arg): somebody left, or accepting has ended;
 * never from inside a call, may be null. */
void loop_doors_start(struct loop_doors *doors, void (*changed)(void *arg), void *arg);
/* Accepts nobody any more, tells the half-open ones. */
void loop_doors_drain(struct loop_doors *doors);
/* Ends the half-open ones now. */
void loop_doors_kill(struct loop_doors *doors);
/* Nobody is inside and nothing is armed. */
bool loop_doors_empty(const struct loop_doors *doors);
/* Only when they are empty, or were never started.  Twice is harmless. */
void loop_doors_close(struct loop_doors *doors);

#endif
