/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_rate.h - how often requests to everybody are answered; pure.
 *
 * A request to all shelves or slots is answered by every target, so one small frame
 * with a forged source makes many, all to a victim.  Each source may ask so often,
 * and all together so often; what is over is not answered, and a client asks again.
 * Requests to one target are no business of this: one frame, one answer.
 * No neighbour: aoe.h alone, and the clock is the caller's.  Above: the front,
 * which asks once for a frame, for all its targets on that interface.
 */
#ifndef PROTOCOLS_AOE_AOE_RATE_H
#define PROTOCOLS_AOE_AOE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/clock.h"
#include "protocols/aoe/aoe.h"

#define AOE_RATE_SOURCES 64u /* the one with the fullest bucket makes room */

/* burst frames at once, then one for each interval; both at least 1. */
struct aoe_rate_limit {
	uint32_t burst;
	struct span interval;
};

struct aoe_rate_limits {
	struct aoe_rate_limit source, all;
};

/* A client that attaches asks once or twice; one that scans, a few times.  Over all:
 * some hundred clients that start at once are served within seconds. */
#define AOE_RATE_USUAL                                                       \
	((struct aoe_rate_limits){ .source = { .burst = 16, { 125000000 } }, \
				   .all = { .burst = 128, { 10000000 } } })

struct aoe_rate_source {
	struct aoe_mac mac;
	bool used;
	struct instant full; /* when its bucket is full again */
};

/* One for an interface, touched on its loop only. */
struct aoe_rate {
	struct aoe_rate_limits limits;
	struct instant full; /* of all together */
	struct aoe_rate_source sources[AOE_RATE_SOURCES];
};

void aoe_rate_begin(struct aoe_rate *rate, const struct aoe_rate_limits *limits);

/* True: answer this frame, which has cost one of each.  False has cost nothing. */
bool aoe_rate_take(struct aoe_rate *rate, const struct aoe_mac *from, struct instant now);

#endif
