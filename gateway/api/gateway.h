/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gateway.h - struct gw, the gateway as a whole, as front ends see it: its loops and
 * its name.  What may be done to it stands in gateway/core/admin.h.
 */
#ifndef GATEWAY_API_GATEWAY_H
#define GATEWAY_API_GATEWAY_H

#include "gateway/loop/loop_set.h"

struct gw;

/* Any loop. */
struct loop_set *gw_loops(const struct gw *gw);
const char *gw_product(void); /* "Sluice" */
const char *gw_version(void); /* from configure */

#endif
