/* SPDX-License-Identifier: BSD-3-Clause
 *
 * drain.h - how a front end ends its connections on all loops, to a deadline.
 *
 *   loop 0:  begin ─▶ ask() on each loop ... look() ... empty() ─▶ done()
 *                                             deadline: force0(), force() on each loop,
 *                                             again a little later, until it is empty
 */
#ifndef GATEWAY_API_DRAIN_H
#define GATEWAY_API_DRAIN_H

#include <stdbool.h>

#include "gateway/api/visit.h"
#include "gateway/loop/loop.h"

struct gw_drain;

/* None may be absent. */
struct gw_drain_ops {
	/* Loop 0.  Nobody is left. */
	bool (*empty)(struct gw_drain *drain);
	/* On each loop: its connections end in order. */
	void (*ask)(struct gw_drain *drain, struct loop *loop);
	/* Loop 0, then on each loop: now. */
	void (*force0)(struct gw_drain *drain);
	void (*force)(struct gw_drain *drain, struct loop *loop);
};

/* Embedded in the front end. */
struct gw_drain {
	const struct gw_drain_ops *ops;
	struct gw *gw;
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
/* Loop 0.  Somebody left: was it the last? */
void gw_drain_look(struct gw_drain *drain);

#endif
