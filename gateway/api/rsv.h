/* SPDX-License-Identifier: BSD-3-Clause
 *
 * rsv.h - reservations as a model free of any protocol (SPC-4 5.13, AoEr11 3.5).
 *
 * Registrants (nexus and key), holder, type, generation.  The verdict is taken
 * on the request's own loop from the snapshot that this loop has adopted, when
 * the request is submitted.
 */
#ifndef GATEWAY_API_RSV_H
#define GATEWAY_API_RSV_H

#include <stdbool.h>

#include "gateway/api/status.h"

struct gw_itl;
struct gw_rsv_snapshot;

/* What a command does to the medium, as SPC-4 table 46 classes it. */
enum gw_rsv_class {
	GW_RSV_FREE, /* allowed whoever holds: INQUIRY and its like */
	GW_RSV_READ, /* reads the medium */
	GW_RSV_WRITE, /* changes it */
	GW_RSV_CLASS_COUNT
};

/* Home loop.  GW_OK or GW_RESERVED.  A null snapshot: nobody ever reserved. */
enum gw_status gw_rsv_verdict(const struct gw_rsv_snapshot *snapshot, const struct gw_itl *itl,
			      enum gw_rsv_class what);

#endif
