/* SPDX-License-Identifier: BSD-3-Clause
 *
 * event.c - deliver a volume's event to the I_T_L nexuses of one lane.
 *
 * Who wants all loops to hear visits them (visit.c) and tells each lane, as a reset
 * does here.
 */
#include "config.h"

#include "gateway/api/event.h"

#include <stdlib.h>

#include "gateway/api/visit.h"
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

/* ---- a reset ------------------------------------------------------------- */

struct reset {
	struct gw_visit visit;
	struct gw_itl *itl; /* keeps the volume, too, while the news travels */
	struct gw_event event;
};

static void reset_each(struct gw_visit *visit, struct loop *loop)
{
	struct reset *reset = (struct reset *)visit;

	gw_event_tell(&reset->itl->lane->volume->lane[loop_index(loop)], &reset->event);
}

static void reset_done(struct gw_visit *visit)
{
	gw_itl_put(((struct reset *)visit)->itl);
	free(visit);
}

/* Without memory nobody is told: as if the reset had come after all that is in
 * flight, which an initiator cannot tell apart. */
void gw_itl_reset(struct gw_itl *itl)
{
	struct reset *reset = calloc(1, sizeof(*reset));
	struct gw_loop *gwl = itl->lane->gwl;

	gw_tag_check(itl, GW_ITL_TAG);
	if (!reset)
		return;
	itl->refs++;
	reset->itl = itl;
	reset->event = (struct gw_event){ .kind = GW_EVENT_RESET, .nexus_id = itl->nexus->id };
	reset->visit.each = reset_each;
	reset->visit.done = reset_done;
	gw_visit_loops(gwl->gw, gwl->loop, &reset->visit);
}
