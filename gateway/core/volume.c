/* SPDX-License-Identifier: BSD-3-Clause
 *
 * volume.c - a volume: its facts, its lanes, and how they change together.
 *
 * Opening, refreshing and removing are in volume_life.c; this file holds what
 * they share: the facts as the store and the administrator make them, and the
 * way in which every lane takes them over.
 */
#include "config.h"

#include "gateway/api/volume.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/core/core.h"

struct gw_volume *gw_volume_find(struct gw *gw, const char *name)
{
	struct gw_volume *volume;

	TAILQ_FOREACH (volume, &gw->volumes, link)
		if (strcmp(volume->name, name) == 0)
			return volume;
	return NULL;
}

const char *gw_volume_name(const struct gw_volume *volume)
{
	return volume->name;
}

const char *gw_volume_description(const struct gw_volume *volume)
{
	return volume->description;
}

const struct gw_identity *gw_volume_identity(const struct gw_volume *volume)
{
	return &volume->identity;
}

const struct gw_facts *gw_volume_facts(const struct gw_volume *volume, const struct loop *loop)
{
	return &volume->lane[loop_index(loop)].facts;
}

static uint32_t caps_of(const struct gw_store_info *info)
{
	uint32_t caps = GW_CAP_MULTI;

	if (info->can & GW_STORE_CAN(GW_UNMAP))
		caps |= GW_CAP_UNMAP;
	if (info->can & GW_STORE_CAN(GW_EXTENTS))
		caps |= GW_CAP_EXTENTS;
	if (info->can & GW_STORE_CAN(GW_PREFETCH))
		caps |= GW_CAP_PREFETCH;
	if ((info->can & GW_STORE_CAN(GW_ZERO)) && info->fast_zero)
		caps |= GW_CAP_FAST_ZERO;
	if (info->rotational)
		caps |= GW_CAP_ROTATIONAL;
	return caps;
}

void gw_volume_set_facts(struct gw_volume *volume)
{
	const struct gw_store_info *info = &volume->info;
	struct gw_facts *facts = &volume->facts;
	uint32_t optimal = info->optimal_bytes;

	facts->size_bytes = info->size_bytes - info->size_bytes % facts->block_bytes;
	if (optimal < facts->block_bytes || optimal & (optimal - 1))
		optimal = facts->block_bytes > 4096 ? facts->block_bytes : 4096;
	facts->optimal_bytes = optimal;
	facts->caps = caps_of(info);
	facts->unmap_granularity_bytes = info->unmap_granularity_bytes;
	facts->memory_align_bytes = info->memory_align_bytes;
	facts->read_only = volume->read_only || info->read_only;
	facts->write_cache = info->volatile_cache && !volume->write_through;
	facts->generation++;
}

void gw_lane_adopt(struct gw_lane *lane, const struct gw_facts *facts,
		   const struct gw_store_info *info, const struct gw_event *event)
{
	struct gw_itl *itl;

	lane->facts = *facts;
	lane->info = *info;
	lane->durable_always = lane->volume->write_through && info->volatile_cache;
	TAILQ_FOREACH (itl, &lane->itls, link)
		gw_itl_adopt(itl);
	if (event)
		gw_event_tell(lane, event);
}

void gw_volume_free(struct gw_volume *volume)
{
	gw_fence_free_all(volume);
	gw_keep_close(&volume->keep);
	gw_tag_wipe(volume);
	free(volume);
}

/* ---- going offline by itself -------------------------------------------- */

struct offline {
	struct gw_visit visit;
	struct gw_volume *volume;
	struct gw_facts facts;
	struct gw_store_info info;
};

static void offline_each(struct gw_visit *visit, struct loop *loop)
{
	struct offline *off = (struct offline *)visit;
	struct gw_event event = { .kind = GW_EVENT_OFFLINE };

	gw_lane_adopt(&off->volume->lane[loop_index(loop)], &off->facts, &off->info, &event);
}

static void offline_done(struct gw_visit *visit)
{
	((struct offline *)visit)->volume->gw->listing--;
	free(visit);
}

static void offline_mail(struct loop_mail *mail)
{
	struct gw_volume *volume =
		(struct gw_volume *)((uint8_t *)mail - offsetof(struct gw_volume, offline));
	struct gw *gw = volume->gw;
	struct offline *off;

	volume->offline_told = true;
	if (volume->facts.state == GW_VOLUME_DRAINING)
		return; /* it is going away already */
	off = calloc(1, sizeof(*off));
	GW_CHECK(off);
	volume->facts.state = GW_VOLUME_OFFLINE;
	volume->facts.generation++;
	off->volume = volume;
	off->facts = volume->facts;
	off->info = volume->info;
	off->visit.each = offline_each;
	off->visit.done = offline_done;
	gw->listing++;
	gw_visit_loops(gw, loop_set_get(gw->loops, 0), &off->visit);
}

void gw_volume_go_offline(struct gw_volume *volume, const char *why)
{
	if (atomic_exchange(&volume->offline_asked, true))
		return;
	log_error(VOLUME, "volume %s goes offline: %s", volume->name, why);
	volume->offline.run = offline_mail;
	loop_post(loop_set_get(volume->gw->loops, 0), &volume->offline);
}
