/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nexus.c - create, join and leave: I_T and I_T_L nexuses (gateway/api/nexus.h).
 *
 * The join is a token that travels home ─▶ loop 0 ─▶ home ─▶ loop 1 ─▶ home ... ─▶
 * the nexus's own loop.  Each loop asks home to fence the writes that it has, at
 * the store or waiting, before it sends the token back; mail from one sender keeps
 * its order, so home has posted every guard to the joining loop before it posts
 * the token.
 */
#include "config.h"

#include "gateway/api/nexus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/core/core.h"

struct gw_nexus *gw_nexus_open(struct gw *gw, struct loop *loop, const struct gw_nexus_names *names)
{
	struct gw_loop *gwl = gw_loop_of(gw, loop);
	struct gw_nexus *nexus;

	if (atomic_fetch_add(&gw->nexuses, 1) >= gw->limits.nexuses)
		goto full;
	nexus = calloc(1, sizeof(*nexus));
	if (!nexus)
		goto full;
	nexus->gwl = gwl;
	nexus->refs = 1;
	nexus->id = ((uint64_t)(loop_index(loop) + 1) << 48) | ++gwl->nexus_count;
	snprintf(nexus->protocol, sizeof(nexus->protocol), "%s", names->protocol);
	snprintf(nexus->initiator, sizeof(nexus->initiator), "%s", names->initiator);
	snprintf(nexus->target, sizeof(nexus->target), "%s", names->target);
	return nexus;
full:
	atomic_fetch_sub(&gw->nexuses, 1);
	return NULL;
}

static void nexus_put(struct gw_nexus *nexus)
{
	if (--nexus->refs)
		return;
	atomic_fetch_sub(&nexus->gwl->gw->nexuses, 1);
	free(nexus);
}

void gw_nexus_close(struct gw_nexus **nexusp)
{
	struct gw_nexus *nexus = *nexusp;

	*nexusp = NULL;
	if (nexus)
		nexus_put(nexus);
}

const char *gw_nexus_initiator(const struct gw_nexus *nexus)
{
	return nexus->initiator;
}

const char *gw_nexus_target(const struct gw_nexus *nexus)
{
	return nexus->target;
}

const char *gw_nexus_protocol(const struct gw_nexus *nexus)
{
	return nexus->protocol;
}

/* ---- the join ----------------------------------------------------------- */

static struct gw_itl *itl_of(struct loop_mail *mail)
{
	return (struct gw_itl *)((uint8_t *)mail - offsetof(struct gw_itl, join));
}

static void join_done(struct loop_mail *mail)
{
	struct gw_itl *itl = itl_of(mail);
	enum gw_volume_state state = itl->lane->facts.state;

	itl->joined = true;
	if (itl->ops)
		itl->ops->ready(itl, itl->owner,
				!itl->lane->open || state == GW_VOLUME_DRAINING ? GW_SHUTDOWN
										: GW_OK);
	gw_itl_put(itl);
}

static void join_at_home(struct loop_mail *mail);

static void join_at_loop(struct loop_mail *mail)
{
	struct gw_itl *itl = itl_of(mail);
	struct gw_volume *volume = itl->lane->volume;
	struct gw_lane *lane = &volume->lane[itl->join_next++];
	struct gw_req *req;

	TAILQ_FOREACH (req, &lane->running, link)
		gw_order_fence(req);
	TAILQ_FOREACH (req, &lane->waiting, link)
		gw_order_fence(req);
	mail->run = join_at_home;
	loop_post(loop_set_get(volume->gw->loops, volume->home), mail);
}

static void join_at_home(struct loop_mail *mail)
{
	struct gw_itl *itl = itl_of(mail);
	struct gw_volume *volume = itl->lane->volume;

	if (itl->join_next < volume->n_lanes) {
		mail->run = join_at_loop;
		loop_post(volume->lane[itl->join_next].gwl->loop, mail);
		return;
	}
	mail->run = join_done;
	loop_post(itl->lane->gwl->loop, mail);
}

struct gw_itl *gw_itl_open(struct gw_nexus *nexus, struct gw_volume *volume, bool read_only,
			   const struct gw_itl_ops *ops, void *owner)
{
	struct gw_loop *gwl = nexus->gwl;
	struct gw_itl *itl = calloc(1, sizeof(*itl));

	if (!itl)
		return NULL;
	gw_tag_set(itl, GW_ITL_TAG);
	itl->refs = 2; /* the owner's and the token's */
	itl->nexus = nexus;
	nexus->refs++;
	itl->lane = &volume->lane[loop_index(gwl->loop)];
	itl->ops = ops;
	itl->owner = owner;
	itl->read_only = read_only;
	TAILQ_INIT(&itl->reqs);
	TAILQ_INIT(&itl->reset_waiters);
	gw_itl_adopt(itl);
	TAILQ_INSERT_TAIL(&itl->lane->itls, itl, link);
	itl->join.run = join_at_home;
	loop_post(loop_set_get(volume->gw->loops, volume->home), &itl->join);
	return itl;
}

void gw_itl_adopt(struct gw_itl *itl)
{
	itl->facts = itl->lane->facts;
	itl->facts.read_only |= itl->read_only;
}

/* The last of owner, token and requests has let go.  Only now does the lane
 * forget it: a volume is not removed under an orphan. */
void gw_itl_put(struct gw_itl *itl)
{
	if (--itl->refs)
		return;
	TAILQ_REMOVE(&itl->lane->itls, itl, link);
	nexus_put(itl->nexus);
	gw_tag_wipe(itl);
	free(itl);
}

void gw_itl_close(struct gw_itl **itlp)
{
	struct gw_itl *itl = *itlp;
	struct gw_req *req;

	*itlp = NULL;
	if (!itl)
		return;
	gw_tag_check(itl, GW_ITL_TAG);
	itl->ops = NULL;
	while ((req = TAILQ_FIRST(&itl->reqs)))
		gw_req_orphan(&req);
	gw_itl_put(itl);
}

struct gw_volume *gw_itl_volume(const struct gw_itl *itl)
{
	return itl->lane->volume;
}

struct gw_nexus *gw_itl_nexus(const struct gw_itl *itl)
{
	return itl->nexus;
}

const struct gw_facts *gw_itl_facts(const struct gw_itl *itl)
{
	return &itl->facts;
}

unsigned gw_itl_in_flight(const struct gw_itl *itl)
{
	return itl->in_flight;
}
