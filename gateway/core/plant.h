/* SPDX-License-Identifier: BSD-3-Clause
 *
 * plant.h - planted bugs, for the test that the simulation finds such bugs.
 *
 * Compiled in only under -DGW_PLANT (a test library); elsewhere gw_planted() is
 * a constant false and the compiler removes the branch.
 */
#ifndef GATEWAY_CORE_PLANT_H
#define GATEWAY_CORE_PLANT_H

#include <stdbool.h>

enum gw_plant_kind {
	GW_PLANT_NONE,
	GW_PLANT_SKIP_FENCE, /* a loop says "drained" without waiting */
	GW_PLANT_EARLY_ACK, /* a durable write is acknowledged before its sync */
	GW_PLANT_ORPHAN_REUSE, /* an orphan's memory is given back while its store writes */
	GW_PLANT_COUNT
};

#ifdef GW_PLANT
extern enum gw_plant_kind gw_plant;
static inline bool gw_planted(enum gw_plant_kind kind)
{
	return gw_plant == kind;
}
#else
#define gw_planted(kind) false
#endif

#endif
