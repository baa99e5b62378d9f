/* SPDX-License-Identifier: BSD-3-Clause
 *
 * reset.c - one letter per nexus goes round all loops and tells each lane; then what
 * was at the store is waited for (gateway/api/reset.h).
 */
#include "config.h"

#include "gateway/api/reset.h"

#include "gateway/core/core.h"

static void begin(struct gw_itl *itl);

static void come_home(struct gw_itl *itl)
{
	struct gw_reset_waiter *waiter;

	itl->resetting = false;
	if (itl->reset_again)
		begin(itl);
	while (!itl->resetting && (waiter = TAILQ_FIRST(&itl->reset_waiters))) {
		gw_itl_reset_unwait(waiter);
		waiter->told(waiter);
	}
	gw_itl_put(itl);
}

/* Those that were told have aborted what they could: the rest is at the store. */
static void older_have_ended(struct gw_fence_req *fence, enum gw_status status)
{
	if (status == GW_OK)
		gw_fence_release(fence);
	come_home((struct gw_itl *)((uint8_t *)fence - offsetof(struct gw_itl, reset_end)));
}

static void wait_for_older(struct gw_itl *itl)
{
	itl->reset_end = (struct gw_fence_req){ .held = older_have_ended,
						.flags = GW_FENCE_SHADOW | GW_FENCE_PASS };
	gw_fence_take(itl->lane->volume, itl->lane->gwl->loop, &itl->reset_end);
}

static void tell_lane(struct loop_mail *mail)
{
	struct gw_itl *itl = (struct gw_itl *)((uint8_t *)mail - offsetof(struct gw_itl, reset));
	struct gw_volume *volume = itl->lane->volume;
	struct gw_event event = { .kind = GW_EVENT_RESET, .nexus_id = itl->nexus->id };

	if (itl->reset_next == volume->n_lanes) {
		wait_for_older(itl);
		return;
	}
	gw_event_tell(&volume->lane[itl->reset_next++], &event);
	loop_post(itl->reset_next < volume->n_lanes ? volume->lane[itl->reset_next].gwl->loop
						    : itl->lane->gwl->loop,
		  mail);
}

static void begin(struct gw_itl *itl)
{
	itl->resetting = true;
	itl->reset_again = false;
	itl->reset_next = 0;
	itl->refs++;
	itl->reset.run = tell_lane;
	loop_post(itl->lane->volume->lane[0].gwl->loop, &itl->reset);
}

void gw_itl_reset(struct gw_itl *itl)
{
	gw_tag_check(itl, GW_ITL_TAG);
	if (itl->resetting)
		itl->reset_again = true;
	else
		begin(itl);
}

bool gw_itl_reset_wait(struct gw_itl *itl, struct gw_reset_waiter *waiter)
{
	gw_tag_check(itl, GW_ITL_TAG);
	waiter->itl = itl->resetting ? itl : NULL;
	if (waiter->itl)
		TAILQ_INSERT_TAIL(&itl->reset_waiters, waiter, link);
	return waiter->itl;
}

void gw_itl_reset_unwait(struct gw_reset_waiter *waiter)
{
	if (waiter->itl)
		TAILQ_REMOVE(&waiter->itl->reset_waiters, waiter, link);
	waiter->itl = NULL;
}
