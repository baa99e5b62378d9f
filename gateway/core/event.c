/* SPDX-License-Identifier: BSD-3-Clause
 *
 * event.c - deliver a volume's event to the I_T_L nexuses of one lane.
 *
 * Who wants all loops to hear visits them (visit.c) and tells each lane.
 */
#include "config.h"

#include "gateway/api/event.h"

#include "gateway/core/core.h"

void gw_event_tell(struct gw_lane *lane, const struct gw_event *event)
{
	struct gw_itl *itl, *next;

	for (itl = TAILQ_FIRST(&lane->itls); itl; itl = next) {
		next = TAILQ_NEXT(itl, link);
		if (itl->joined && itl->ops && itl->ops->event && itl->nexus->id != event->nexus_id)
			itl->ops->event(itl, itl->owner, event);
	}
}
