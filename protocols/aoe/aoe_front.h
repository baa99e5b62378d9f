/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_front.h - the AoE front end: interfaces, and the volumes on each of them
 * (gateway/api/frontend.h).
 *
 *   gw_front ──▶ aoe_shelf[]  one per volume
 *       └──────▶ aoe_port[]   one per interface, each with all volumes; all on one loop
 */
#ifndef PROTOCOLS_AOE_AOE_FRONT_H
#define PROTOCOLS_AOE_AOE_FRONT_H

#include "gateway/api/frontend.h"

#define AOE_FRONT_PORTS_MAX 16u

extern const struct gw_front_ops aoe_front_ops;

#endif
