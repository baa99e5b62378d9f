/* SPDX-License-Identifier: BSD-3-Clause
 *
 * req_pool.c - where requests come from: per loop, made on demand up to the
 * limit, kept and used again.  An empty pool is back pressure: the protocol waits
 * (gw_req_wait) and takes no more from its wire.
 *
 * A volume takes at most thrice what it leaves to the others: three quarters of all
 * where it is alone, less where others are in the same plight, never the last.  So
 * a store that ends with nothing, and clients that come again and again to add to
 * it, keep nobody away from the other volumes.
 */
#include "config.h"

#include "gateway/api/req.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/core/core.h"

#define SHARE 3

void gw_req_pool_init(struct gw_loop *gwl, uint32_t limit)
{
	TAILQ_INIT(&gwl->free);
	TAILQ_INIT(&gwl->waiters);
	gwl->limit = limit;
}

void gw_req_pool_free(struct gw_loop *gwl)
{
	struct gw_req *req;

	GW_CHECK(gwl->in_use == 0);
	while ((req = TAILQ_FIRST(&gwl->free))) {
		TAILQ_REMOVE(&gwl->free, req, link);
		free(req);
	}
}

static bool may_take(const struct gw_lane *lane)
{
	const struct gw_loop *gwl = lane->gwl;
	uint64_t left = gwl->limit - gwl->in_use;

	return left && lane->n_taken < SHARE * left;
}

static void unlink_waiter(struct gw_loop *gwl, struct gw_req_waiter *waiter)
{
	TAILQ_REMOVE(&gwl->waiters, waiter, link);
	gwl->n_waiters--;
	waiter->waiting = false;
}

static struct gw_req_waiter *next_waiter(struct gw_loop *gwl)
{
	struct gw_req_waiter *w;

	TAILQ_FOREACH (w, &gwl->waiters, link)
		if (may_take(w->lane))
			return w;
	return NULL;
}

/* As often as there are who wait: who waits again at once must not keep us here. */
static void wake_waiters(struct gw_loop *gwl)
{
	unsigned most = gwl->n_waiters;
	struct gw_req_waiter *w;

	if (gwl->waking)
		return;
	gwl->waking = true;
	for (; most && (w = next_waiter(gwl)); most--) {
		unlink_waiter(gwl, w);
		w->wake(w);
	}
	gwl->waking = false;
}

/* Little memory: all that is touched here comes from beyond the processor's cache where
 * many requests are at work. */
static void req_clear(struct gw_req *req)
{
	memset(req, 0, offsetof(struct gw_req, data.iov));
	req->bounce.n = 0;
	req->bounce.bytes = 0;
	req->memory.waiting = false;
	req->fence.deadline.ns = 0;
}

struct gw_req *gw_req_take(struct gw_itl *itl)
{
	struct gw_loop *gwl = itl->lane->gwl;
	struct gw_req *req = TAILQ_FIRST(&gwl->free);

	gw_tag_check(itl, GW_ITL_TAG);
	if (!may_take(itl->lane))
		return NULL;
	if (req) {
		TAILQ_REMOVE(&gwl->free, req, link);
	} else {
		req = calloc(1, sizeof(*req));
		if (!req)
			return NULL;
	}
	gwl->in_use++;
	itl->lane->n_taken++;
	req_clear(req);
	gw_tag_set(req, GW_REQ_TAG);
	req->itl = itl;
	req->lane = itl->lane;
	req->state = GW_REQ_TAKEN;
	itl->refs++;
	return req;
}

void gw_req_wait(struct gw_itl *itl, struct gw_req_waiter *waiter)
{
	GW_CHECK(!waiter->waiting);
	waiter->waiting = true;
	waiter->lane = itl->lane;
	TAILQ_INSERT_TAIL(&itl->lane->gwl->waiters, waiter, link);
	itl->lane->gwl->n_waiters++;
}

void gw_req_unwait(struct gw_itl *itl, struct gw_req_waiter *waiter)
{
	if (waiter->waiting)
		unlink_waiter(itl->lane->gwl, waiter);
}

void gw_req_recycle(struct gw_req *req)
{
	struct gw_loop *gwl = req->lane->gwl;
	struct gw_itl *itl = req->itl;

	gw_mem_put(&req->data);
	gw_mem_put(&req->bounce);
	req->state = GW_REQ_FREE;
	gw_tag_wipe(req);
	TAILQ_INSERT_HEAD(&gwl->free, req, link);
	gwl->in_use--;
	req->lane->n_taken--;
	gw_itl_put(itl);
	if (!TAILQ_EMPTY(&gwl->waiters))
		wake_waiters(gwl);
}
