/* SPDX-License-Identifier: BSD-3-Clause
 *
 * visit.h - run something on every loop, one after the other, then come back.
 *
 * For what is seldom: listing connections, closing them, adopting facts.
 */
#ifndef GATEWAY_API_VISIT_H
#define GATEWAY_API_VISIT_H

#include "gateway/loop/loop.h"

struct gw;

struct gw_visit {
	/* On each loop in turn, 0 first. */
	void (*each)(struct gw_visit *visit, struct loop *loop);
	/* On the loop that began; the visit is free then. */
	void (*done)(struct gw_visit *visit);
	/* the core's own */
	struct gw *gw;
	struct loop *from;
	unsigned next;
	struct loop_mail mail;
};

/* Any loop; never runs anything from inside. */
void gw_visit_loops(struct gw *gw, struct loop *from, struct gw_visit *visit);

#endif
