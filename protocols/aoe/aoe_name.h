/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_name.h - IFACE[:SHELF.SLOT], and the numbers of the disks behind it; pure.
 *
 * The word of the command line, as aoe_front.c takes it.
 */
#ifndef PROTOCOLS_AOE_AOE_NAME_H
#define PROTOCOLS_AOE_AOE_NAME_H

#include "gateway/base/err.h"
#include "gateway/loop/drv_link.h"
#include "protocols/aoe/aoe.h"

struct aoe_name {
	char ifname[DRV_LINK_NAME];
	uint16_t shelf; /* 0 where nothing is said, and slot 0 */
	uint8_t slot;
};

/* 0 or -EINVAL with a sentence. */
int aoe_name_parse(const char *text, struct aoe_name *out, struct gw_err *err);
/* The n-th disk: slots count on to 254.  False: the shelf is full. */
bool aoe_name_number(const struct aoe_name *name, unsigned n, uint16_t *shelf, uint8_t *slot);

#endif
