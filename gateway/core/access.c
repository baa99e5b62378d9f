/* SPDX-License-Identifier: BSD-3-Clause
 *
 * access.c - who may do what: under `serve`, whoever reaches the listener may use
 * every volume (gateway/api/access.h).
 */
#include "config.h"

#include "gateway/api/access.h"

#include <string.h>

#include "gateway/core/core.h"

static bool allowed(const struct gw_volume *volume, const struct gw_who *who, struct gw_grant *out)
{
	(void)who;
	if (volume->opening || volume->facts.state == GW_VOLUME_DRAINING)
		return false;
	*out = (struct gw_grant){
		.volume = (struct gw_volume *)(uintptr_t)volume,
		.read_only = volume->facts.read_only,
		.lun = volume->lun,
	};
	return true;
}

bool gw_access_find(struct gw *gw, const struct gw_who *who, const char *name, struct gw_grant *out)
{
	struct gw_volume *volume;

	if (*name) {
		volume = gw_volume_find(gw, name);
		return volume && allowed(volume, who, out);
	}
	volume = TAILQ_FIRST(&gw->volumes); /* the only one */
	return volume && !TAILQ_NEXT(volume, link) && allowed(volume, who, out);
}

void gw_access_each(struct gw *gw, const struct gw_who *who,
		    void (*each)(void *arg, const struct gw_grant *grant), void *arg)
{
	struct gw_volume *volume;
	struct gw_grant grant;

	TAILQ_FOREACH (volume, &gw->volumes, link)
		if (allowed(volume, who, &grant))
			each(arg, &grant);
}
