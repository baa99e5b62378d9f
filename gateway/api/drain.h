/* SPDX-License-Identifier: BSD-3-Clause
 *
 * drain.h - how a front end ends its connections on all loops, to a deadline.
 *
 *   loop 0:  begin ─▶ no door is open, ask() on each loop ... look() ... empty ─▶ done()
 *                       deadline: the doors' guests end, force() on each loop, again a
 *                       little later, until all is empty
 *
 * Empty means that nobody is left who came in by a door, and that empty() says so of
 * whatever else the front end must wait for.
 */
#ifndef GATEWAY_API_DRAIN_H
#define GATEWAY_API_DRAIN_H

#include <stdbool.h>

#include "gateway/api/visit.h"
#include "gateway/loop/loop_doors.h"

struct gw_drain;

struct gw_drain_ops {
	/* Loop 0.  May be absent: then those inside the doors are all. */
	bool (*empty)(struct gw_drain *drain);
	/* On each loop: its connections end in order. */
	void (*ask)(struct gw_drain *drain, struct loop *loop);
	/* On each loop: now. */
	void (*force)(struct gw_drain *drain, struct loop *loop);
};

/* Embedded in the front end. */
struct gw_drain {
	const struct gw_drain_ops *ops;
	struct gw *gw;
	struct loop_doors *doors; /* null: nobody comes by a door */
	bool begun;
	/* the core's own */
	bool visiting, told;
	struct gw_visit visit;
	struct loop *loop;
	struct loop_timer deadline;
	struct loop_mail end;
	void (*done)(void *arg);
	void *arg;
};

/* Loop 0.  done() comes once, on loop 0, never from inside. */
void gw_drain_begin(struct gw_drain *drain, struct instant deadline, void (*done)(void *arg),
		    void *arg);
/* Loop 0.  Somebody left: was it the last?  In the shape of a door's changed(): the
 * argument is the struct gw_drain, which need not have begun. */
void gw_drain_look(void *drain);

#endif
