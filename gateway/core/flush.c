/* SPDX-License-Identifier: BSD-3-Clause
 *
 * flush.c - one flush of a volume at a time, at its home loop.
 *
 * Linux tells a write error once, to whichever sync looks first: of two at once
 * one would hear nothing and be acknowledged over lost bytes.  So requests that
 * want durability (FLUSH, and durable writes behind their bytes) queue here; what
 * waits while one flush is at the store shares the next: group commit.
 *
 *   lane ──join──▶ home: next ──▶ now ═ store ═▶ told ──▶ lane: gw_plan_flushed()
 */
#include "config.h"

#include "gateway/base/log.h"
#include "gateway/core/core.h"

static void begin(struct gw_volume *volume);

void gw_flush_lost(struct gw_volume *volume, enum gw_status status)
{
	if (!atomic_exchange(&volume->lost, true))
		log_error(VOLUME,
			  "volume %s: %s while making data durable: what was written since the "
			  "last flush may be lost; every flush fails from now on",
			  volume->name, gw_status_words(status));
}

static void told(struct loop_mail *mail)
{
	struct gw_req *req =
		(struct gw_req *)((uint8_t *)mail - offsetof(struct gw_req, flush_mail));

	gw_plan_flushed(req, req->flush_status);
}

static void tell_all(struct gw_req_list *list, enum gw_status status)
{
	struct gw_req *req;

	while ((req = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, req, flush_link);
		req->flush_status = status;
		req->flush_mail.run = told;
		loop_post(req->lane->gwl->loop, &req->flush_mail);
	}
}

static void flushed(struct gw_io *io)
{
	struct gw_volume *volume =
		(struct gw_volume *)((uint8_t *)io - offsetof(struct gw_volume, flush.io));

	if (io->core_status != GW_OK && io->core_status != GW_UNSUPPORTED)
		gw_flush_lost(volume, io->core_status);
	tell_all(&volume->flush.now, io->core_status);
	if (!TAILQ_EMPTY(&volume->flush.next))
		begin(volume);
}

static void begin(struct gw_volume *volume)
{
	struct gw_flush *flush = &volume->flush;

	if (atomic_load(&volume->lost)) {
		tell_all(&flush->next, GW_MEDIUM_ERROR);
		return;
	}
	TAILQ_CONCAT(&flush->now, &flush->next, flush_link);
	flush->io.op = GW_FLUSH;
	gw_store_submit(&volume->lane[volume->home], &flush->io, flushed);
}

static void join(struct loop_mail *mail)
{
	struct gw_req *req =
		(struct gw_req *)((uint8_t *)mail - offsetof(struct gw_req, flush_mail));
	struct gw_volume *volume = req->lane->volume;

	TAILQ_INSERT_TAIL(&volume->flush.next, req, flush_link);
	if (TAILQ_EMPTY(&volume->flush.now))
		begin(volume);
}

void gw_flush_init(struct gw_volume *volume)
{
	TAILQ_INIT(&volume->flush.next);
	TAILQ_INIT(&volume->flush.now);
}

/* Always by mail, also on the home loop: what arrives in one turn shares a flush,
 * and nobody is told from inside. */
void gw_flush_join(struct gw_req *req)
{
	struct gw_volume *volume = req->lane->volume;

	req->flush_mail.run = join;
	loop_post(volume->lane[volume->home].gwl->loop, &req->flush_mail);
}
