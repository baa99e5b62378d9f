/* SPDX-License-Identifier: BSD-3-Clause
 *
 * rsv.c - the verdict on a request from the reservation snapshot of its lane.
 *
 * No command can reserve yet, so no lane ever has a snapshot: the call and its
 * place in the path are here, the rules come with PERSISTENT RESERVE.
 */
#include "config.h"

#include "gateway/api/rsv.h"

#include "gateway/core/core.h"

enum gw_status gw_rsv_verdict(const struct gw_rsv_snapshot *snapshot, const struct gw_itl *itl,
			      enum gw_rsv_class what)
{
	GW_CHECK(!snapshot && itl->nexus && (unsigned)what < GW_RSV_CLASS_COUNT);
	return GW_OK;
}
