/* SPDX-License-Identifier: BSD-3-Clause
 *
 * gateway.c - struct gw: made at start, ended at stop; each loop's part of it: pool,
 * requests, bounce memory.  Volumes and front ends come later, through admin.h.
 */
#include "config.h"

#include "gateway/api/gateway.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/core/core.h"

#define REQUESTS_DEFAULT 8192
#define NEXUSES_DEFAULT 4096
/* Bounce memory of the core: one MODIFY of 1 MiB over any alignment for sure. */
#define BOUNCE_BYTES (3u << 20)
#define BOUNCE_LIMIT_BYTES (16u << 20)

struct loop_set *gw_loops(const struct gw *gw)
{
	return gw->loops;
}

const char *gw_product(void)
{
	return "Sluice";
}

const char *gw_version(void)
{
	return PACKAGE_VERSION;
}

void gw_host_is(struct gw *gw, const char *host)
{
	snprintf(gw->host, sizeof(gw->host), "%s", host);
}

struct gw_loop *gw_loop_of(struct gw *gw, struct loop *loop)
{
	return gw->per[loop_index(loop)];
}

struct gw_pool *gw_pool_of(struct gw *gw, struct loop *loop)
{
	return &gw_loop_of(gw, loop)->pool;
}

static int loop_make(struct gw *gw, unsigned i)
{
	struct gw_loop *gwl = calloc(1, sizeof(*gwl));

	if (!gwl)
		return -ENOMEM;
	gwl->gw = gw;
	gwl->loop = loop_set_get(gw->loops, i);
	gw_pool_init(&gwl->pool, gw->limits.pool_bytes);
	gw_req_pool_init(gwl, gw->limits.requests);
	gw_req_done_init(gwl);
	gw_lend_init(gwl);
	GW_CHECK(gw_credit_open(&gwl->pool, BOUNCE_BYTES, BOUNCE_LIMIT_BYTES, &gwl->bounce));
	gw->per[i] = gwl;
	return 0;
}

static void loop_free(struct gw_loop *gwl)
{
	if (!gwl)
		return;
	gw_credit_close(&gwl->bounce);
	gw_req_pool_free(gwl);
	gw_pool_free(&gwl->pool);
	free(gwl);
}

static void set_limits(struct gw *gw, const struct gw_limits *want)
{
	gw->limits = *want;
	if (!gw->limits.pool_bytes)
		gw->limits.pool_bytes = GW_POOL_DEFAULT_BYTES;
	if (!gw->limits.requests)
		gw->limits.requests = REQUESTS_DEFAULT;
	if (!gw->limits.nexuses)
		gw->limits.nexuses = NEXUSES_DEFAULT;
}

int gw_create(struct loop_set *loops, const struct gw_limits *limits, struct gw **out,
	      struct gw_err *err)
{
	struct gw *gw;

	if (limits->pool_bytes && limits->pool_bytes < GW_POOL_MIN_BYTES)
		return gw_err_set(err, EINVAL, "a pool of %llu bytes is too small: %u at least",
				  (unsigned long long)limits->pool_bytes, GW_POOL_MIN_BYTES);
	gw = calloc(1, sizeof(*gw));
	if (!gw)
		return gw_err_set(err, ENOMEM, "no memory");
	gw->loops = loops;
	gw->n = loop_set_count(loops);
	TAILQ_INIT(&gw->volumes);
	TAILQ_INIT(&gw->fronts);
	set_limits(gw, limits);
	for (unsigned i = 0; i < gw->n; i++)
		if (loop_make(gw, i)) {
			gw_destroy(&gw);
			return gw_err_set(err, ENOMEM, "no memory");
		}
	*out = gw;
	return 0;
}

void gw_destroy(struct gw **gwp)
{
	struct gw *gw = *gwp;

	*gwp = NULL;
	if (!gw)
		return;
	GW_CHECK(TAILQ_EMPTY(&gw->volumes) && TAILQ_EMPTY(&gw->fronts));
	for (unsigned i = 0; i < gw->n; i++)
		loop_free(gw->per[i]);
	free(gw);
}

static void admin_mail(struct loop_mail *mail)
{
	struct gw_admin_op *op =
		(struct gw_admin_op *)((uint8_t *)mail - offsetof(struct gw_admin_op, mail));

	op->done(op);
}

void gw_admin_end(struct gw *gw, struct gw_admin_op *op, int rc)
{
	op->rc = rc;
	op->mail.run = admin_mail;
	loop_post(loop_set_get(gw->loops, 0), &op->mail);
}
