/* SPDX-License-Identifier: BSD-3-Clause
 *
 * access.c - who may do what: under `serve`, whoever reaches the listener may use
 * every volume (gateway/api/access.h).
 */
#include "config.h"

#include "gateway/api/access.h"

#include <string.h>

#include "gateway/core/core.h"

static bool allowed(struct gw_volume *volume, const struct gw_who *who, struct gw_grant *out)
{
	(void)who;
	if (volume->opening || volume->facts.state == GW_VOLUME_DRAINING)
		return false;
	*out = (struct gw_grant){
		.volume = volume,
		.read_only = volume->facts.read_only,
		.lun = volume->lun,
	};
	return true;
}

bool gw_access_find(struct gw *gw, const struct gw_who *who, const char *name, struct gw_grant *out)
{
	struct gw_volume *volume;
	struct gw_grant lent;

	if (*name) {
		volume = gw_volume_find(gw, name);
	} else {
		volume = TAILQ_FIRST(&gw->volumes); /* the only one */
		if (volume && TAILQ_NEXT(volume, link))
			volume = NULL;
	}
	if (!volume || !allowed(volume, who, &lent))
		return false;
	*out = gw_grant_hold(&lent);
	return true;
}

struct gw_grant gw_grant_hold(const struct gw_grant *lent)
{
	atomic_fetch_add(&lent->volume->holds, 1);
	return *lent;
}

/* Who sees the last hold go sees the nexuses that were opened under it, too. */
void gw_grant_release(struct gw_grant *grant)
{
	unsigned held;

	if (!grant->volume)
		return;
	held = atomic_fetch_sub(&grant->volume->holds, 1);
	GW_CHECK(held);
	grant->volume = NULL;
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
