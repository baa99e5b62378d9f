/* SPDX-License-Identifier: BSD-3-Clause
 *
 * volume_life.c - add, refresh and remove a volume (gateway/core/admin.h).
 *
 * Each is a small chain of steps on loop 0: a job on a helper where the store
 * may block, a visit to all loops where the lanes change, and one end.
 *
 *   add:     open (job) ─▶ lanes open (visit) ─▶ online
 *   refresh: look (job) ─▶ fence all ─▶ lanes adopt (visit) ─▶ release
 *   remove:  drain (visit, until empty) ─▶ flush ─▶ lanes close (visit) ─▶
 *            close (job) ─▶ gone
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/core/core.h"
#include "gateway/core/identity.h"
#include "gateway/core/registry.h"

#define LOOK_AGAIN_MS 10
#define FENCE_S 30
#define EVENTS_MAX 3

/* One change of one volume. */
struct change {
	struct gw *gw;
	struct gw_volume *volume;
	struct gw_admin_op *op;
	struct gw_store_args args;
	struct gw_store_info info;
	struct gw_facts facts; /* what the lanes adopt */
	int rc;
	struct gw_err err;
	struct drv_op job;
	struct gw_visit visit;
	struct gw_event events[EVENTS_MAX]; /* told in this order */
	unsigned n_events;
	struct gw_fence_req fence;
	struct loop_timer timer;
	struct instant deadline;
	unsigned busy;
	struct gw_io flush;
	bool flushing;
};

static struct loop *loop0(const struct gw *gw)
{
	return loop_set_get(gw->loops, 0);
}

#define CHANGE_OF(member, p) ((struct change *)((uint8_t *)(p)-offsetof(struct change, member)))

static void change_free(struct change *c)
{
	free((void *)(uintptr_t)c->args.target);
	free((void *)(uintptr_t)c->args.size_text);
	for (unsigned i = 0; i < c->args.n_more; i++) {
		free((void *)(uintptr_t)c->args.more[i].key);
		free((void *)(uintptr_t)c->args.more[i].value);
	}
	free((void *)(uintptr_t)c->args.more);
	free(c);
}

static void change_end(struct change *c)
{
	struct gw_admin_op *op = c->op;

	if (c->volume)
		c->volume->busy = false;
	op->rc = c->rc;
	op->err = c->err;
	change_free(c);
	op->done(op);
}

static void run_job(struct change *c, drv_job_fn *job, drv_done_fn *done)
{
	c->job = (struct drv_op){ .kind = DRV_JOB, .job = job, .done = done };
	loop_submit(loop0(c->gw), &c->job);
}

static void run_visit(struct change *c, void (*each)(struct gw_visit *, struct loop *),
		      void (*done)(struct gw_visit *))
{
	c->visit.each = each;
	c->visit.done = done;
	gw_visit_loops(c->gw, loop0(c->gw), &c->visit);
}

static struct gw_lane *lane_at(struct change *c, struct loop *loop)
{
	return &c->volume->lane[loop_index(loop)];
}

static void add_event(struct change *c, enum gw_event_kind kind)
{
	GW_CHECK(c->n_events < EVENTS_MAX);
	c->events[c->n_events++].kind = kind;
}

/* All facts first: whoever hears of one change finds them all. */
static void adopt(struct change *c, struct gw_lane *lane)
{
	gw_lane_adopt(lane, &c->facts, &c->info, NULL);
	for (unsigned i = 0; i < c->n_events; i++)
		gw_event_tell(lane, &c->events[i]);
}

/* ---- the end of a volume ------------------------------------------------ */

/* A list may be on its way over the loops and look at it. */
static void forget_when_unseen(struct loop_timer *timer)
{
	struct change *c = CHANGE_OF(timer, timer);
	struct loop *loop = loop0(c->gw);

	if (c->gw->listing) {
		loop_timer_arm(loop, timer, instant_add(loop_now(loop), span_ms(LOOK_AGAIN_MS)));
		return;
	}
	TAILQ_REMOVE(&c->gw->volumes, c->volume, link);
	gw_volume_free(c->volume);
	c->volume = NULL;
	change_end(c);
}

static void volume_forget(struct change *c)
{
	loop_timer_init(&c->timer, forget_when_unseen);
	forget_when_unseen(&c->timer);
}

static int64_t close_job(struct drv_op *op)
{
	struct change *c = CHANGE_OF(job, op);

	c->volume->ops->close(&c->volume->store);
	return 0;
}

static void closed(struct drv_op *op, int64_t res)
{
	(void)res;
	volume_forget(CHANGE_OF(job, op));
}

static void close_store(struct change *c)
{
	c->volume->closing = true;
	run_job(c, close_job, closed);
}

/* ---- add ---------------------------------------------------------------- */

static void lane_close(struct gw_visit *visit, struct loop *loop)
{
	struct change *c = CHANGE_OF(visit, visit);
	struct gw_lane *lane = lane_at(c, loop);

	if (!lane->open)
		return;
	lane->open = false;
	loop_timer_disarm(loop, &lane->elders);
	if (lane->ops->lane_close && lane->store_lane)
		lane->ops->lane_close(&lane->store_lane);
}

static void lanes_closed_after_failure(struct gw_visit *visit)
{
	close_store(CHANGE_OF(visit, visit));
}

static void lane_open(struct gw_visit *visit, struct loop *loop)
{
	struct change *c = CHANGE_OF(visit, visit);
	struct gw_lane *lane = lane_at(c, loop);

	if (c->rc)
		return;
	lane->store = c->volume->store;
	if (lane->ops->lane_open)
		c->rc = lane->ops->lane_open(lane->store, loop, &lane->store_lane, &c->err);
	if (c->rc)
		return;
	lane->open = true;
	gw_lane_adopt(lane, &c->facts, &c->info, NULL);
}

static void lanes_opened(struct gw_visit *visit)
{
	struct change *c = CHANGE_OF(visit, visit);

	if (c->rc) {
		run_visit(c, lane_close, lanes_closed_after_failure);
		return;
	}
	c->volume->opening = false;
	change_end(c);
}

static bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static int check_info(struct change *c, uint32_t want_block)
{
	struct gw_store_info *info = &c->info;
	uint32_t block = want_block ? want_block : info->block_bytes ? info->block_bytes : 512;
	uint32_t unit; /* what every piece of a transfer is made of */

	if (!info->align_bytes)
		info->align_bytes = 1;
	if (!info->memory_align_bytes)
		info->memory_align_bytes = 1;
	unit = info->align_bytes > info->memory_align_bytes ? info->align_bytes
							    : info->memory_align_bytes;
	if (!is_power_of_two(block) || block < 512 || block > 65536)
		return gw_err_set(&c->err, EINVAL,
				  "volume %s: a logical block of %u bytes is not a power of two "
				  "from 512 to 65536",
				  c->volume->name, block);
	if (!is_power_of_two(info->align_bytes) || info->align_bytes > 65536 ||
	    !is_power_of_two(info->memory_align_bytes) ||
	    info->memory_align_bytes > GW_PAGE_BYTES ||
	    (info->transfer_max_bytes && info->transfer_max_bytes < unit))
		return gw_err_set(&c->err, EINVAL, "volume %s: store %s states impossible limits",
				  c->volume->name, c->volume->ops->name);
	info->transfer_max_bytes -= info->transfer_max_bytes % unit;
	/* the tail that is no whole unit of the store cannot be reached */
	info->size_bytes -= info->size_bytes % info->align_bytes;
	c->volume->facts.block_bytes = block;
	return 0;
}

static int64_t open_job(struct drv_op *op)
{
	struct change *c = CHANGE_OF(job, op);

	return c->volume->ops->open(&c->args, &c->volume->store, &c->info, &c->err);
}

static void opened(struct drv_op *op, int64_t res)
{
	struct change *c = CHANGE_OF(job, op);
	struct gw_volume *volume = c->volume;

	c->rc = (int)res;
	if (c->rc) {
		volume_forget(c);
		return;
	}
	c->rc = check_info(c, volume->facts.block_bytes);
	if (c->rc) {
		close_store(c);
		return;
	}
	volume->info = c->info;
	gw_volume_set_facts(volume);
	volume->facts.state = GW_VOLUME_ONLINE;
	c->facts = volume->facts;
	run_visit(c, lane_open, lanes_opened);
}

static void lane_init(struct gw_volume *volume, unsigned i)
{
	struct gw_lane *lane = &volume->lane[i];

	lane->volume = volume;
	lane->gwl = volume->gw->per[i];
	lane->ops = volume->ops;
	TAILQ_INIT(&lane->guards);
	TAILQ_INIT(&lane->running);
	TAILQ_INIT(&lane->waiting);
	TAILQ_INIT(&lane->itls);
	loop_timer_init(&lane->elders, gw_req_elders);
	gw_lend_lane_init(lane);
}

static struct gw_volume *volume_make(struct gw *gw, const struct gw_volume_want *want)
{
	size_t bytes = sizeof(struct gw_volume) + gw->n * sizeof(struct gw_lane);
	struct gw_volume *volume = aligned_alloc(64, (bytes + 63) / 64 * 64);

	if (!volume)
		return NULL;
	memset(volume, 0, bytes);
	gw_tag_set(volume, GW_VOLUME_TAG);
	volume->gw = gw;
	snprintf(volume->name, sizeof(volume->name), "%s", want->name);
	snprintf(volume->target, sizeof(volume->target), "%s", want->args.target);
	snprintf(volume->description, sizeof(volume->description), "%s %s", want->store,
		 want->name);
	volume->ops = gw_registry_store(want->store);
	volume->read_only = want->args.read_only;
	volume->write_through = want->write_through;
	volume->facts.block_bytes = want->block_bytes;
	volume->lun = gw->next_lun++;
	volume->home = volume->lun % gw->n;
	volume->n_lanes = gw->n;
	volume->opening = volume->busy = true;
	gw_identity_make(gw->host, want->store, want->args.target, want->name, &volume->identity);
	TAILQ_INIT(&volume->fences);
	TAILQ_INIT(&volume->spare_fences);
	TAILQ_INIT(&volume->kept_ops);
	gw_flush_init(volume);
	for (unsigned i = 0; i < gw->n; i++)
		lane_init(volume, i);
	return volume;
}

static void copy_args(struct change *c, const struct gw_store_args *args)
{
	struct gw_store_arg *more;

	c->args = *args;
	c->args.fs = loop_fs(loop0(c->gw));
	c->args.target = strdup(args->target);
	c->args.size_text = args->size_text ? strdup(args->size_text) : NULL;
	more = calloc(args->n_more + 1, sizeof(*more));
	GW_CHECK(c->args.target && more);
	for (unsigned i = 0; i < args->n_more; i++) {
		more[i].key = strdup(args->more[i].key);
		more[i].value = strdup(args->more[i].value);
	}
	c->args.more = more;
}

static struct change *change_make(struct gw *gw, struct gw_volume *volume, struct gw_admin_op *op)
{
	struct change *c = calloc(1, sizeof(*c));

	GW_CHECK(c);
	c->gw = gw;
	c->op = op;
	c->volume = volume;
	if (volume)
		volume->busy = true;
	return c;
}

void gw_volume_add(struct gw *gw, const struct gw_volume_want *want, struct gw_admin_op *op)
{
	struct change *c;

	if (!gw_registry_store(want->store)) {
		gw_admin_end(gw, op,
			     gw_err_set(&op->err, EINVAL, "volume %s: no store is named %s",
					want->name, want->store));
		return;
	}
	if (!*want->name || strlen(want->name) >= GW_NAME_MAX) {
		gw_admin_end(gw, op,
			     gw_err_set(&op->err, EINVAL, "a volume's name has 1 to %d characters",
					GW_NAME_MAX - 1));
		return;
	}
	if (gw_volume_find(gw, want->name)) {
		gw_admin_end(gw, op,
			     gw_err_set(&op->err, EEXIST, "there is a volume named %s already",
					want->name));
		return;
	}
	c = change_make(gw, volume_make(gw, want), op);
	GW_CHECK(c->volume);
	copy_args(c, &want->args);
	TAILQ_INSERT_TAIL(&gw->volumes, c->volume, link);
	run_job(c, open_job, opened);
}

/* The volume to change, if no other change of it runs. */
static struct change *change_of(struct gw *gw, const char *name, struct gw_admin_op *op)
{
	struct gw_volume *volume = gw_volume_find(gw, name);

	if (volume && !volume->busy)
		return change_make(gw, volume, op);
	if (volume)
		gw_admin_end(gw, op,
			     gw_err_set(&op->err, EBUSY, "volume %s is being changed already",
					name));
	else
		gw_admin_end(gw, op,
			     gw_err_set(&op->err, ENOENT, "there is no volume named %s", name));
	return NULL;
}

/* ---- refresh ------------------------------------------------------------ */

static void lane_adopt(struct gw_visit *visit, struct loop *loop)
{
	struct change *c = CHANGE_OF(visit, visit);

	adopt(c, lane_at(c, loop));
}

static void adopted(struct gw_visit *visit)
{
	struct change *c = CHANGE_OF(visit, visit);

	gw_fence_release(&c->fence);
	change_end(c);
}

static void refresh_fenced(struct gw_fence_req *fence, enum gw_status status)
{
	struct change *c = CHANGE_OF(fence, fence);
	struct gw_volume *volume = c->volume;

	if (status != GW_OK) {
		c->rc = gw_err_set(&c->err, ETIMEDOUT,
				   "volume %s: requests at the store did not end in time",
				   volume->name);
		change_end(c);
		return;
	}
	volume->info = c->info;
	gw_volume_set_facts(volume);
	if (c->events[0].kind == GW_EVENT_OFFLINE)
		volume->facts.state = GW_VOLUME_OFFLINE;
	if (c->events[0].kind == GW_EVENT_ONLINE) {
		volume->facts.state = GW_VOLUME_ONLINE;
		volume->offline_told = false;
		atomic_store(&volume->offline_asked, false);
	}
	c->facts = volume->facts;
	for (unsigned i = 0; i < c->n_events; i++) {
		c->events[i].size_bytes = volume->facts.size_bytes;
		log_note(VOLUME, "volume %s: %s (%llu bytes)", volume->name,
			 gw_event_words(c->events[i].kind),
			 (unsigned long long)volume->facts.size_bytes);
	}
	run_visit(c, lane_adopt, adopted);
}

/* What changed, all of it. */
static void find_events(struct change *c, int rc)
{
	struct gw_volume *volume = c->volume;
	bool online = volume->facts.state == GW_VOLUME_ONLINE;

	if (rc) {
		c->info = volume->info;
		if (online)
			add_event(c, GW_EVENT_OFFLINE);
		return;
	}
	c->rc = check_info(c, volume->facts.block_bytes);
	if (c->rc)
		return;
	if (!online)
		add_event(c, GW_EVENT_ONLINE);
	if (c->info.size_bytes != volume->info.size_bytes)
		add_event(c, GW_EVENT_RESIZED);
	if (c->info.read_only != volume->info.read_only ||
	    c->info.volatile_cache != volume->info.volatile_cache)
		add_event(c, GW_EVENT_MODE_CHANGED);
}

static void looked(struct drv_op *op, int64_t res)
{
	struct change *c = CHANGE_OF(job, op);
	struct loop *loop = loop0(c->gw);

	find_events(c, (int)res);
	if (!c->n_events) {
		change_end(c);
		return;
	}
	c->fence = (struct gw_fence_req){
		.held = refresh_fenced,
		.length = GW_FENCE_ALL,
		.flags = GW_FENCE_READS,
		.deadline = instant_add(loop_now(loop), span_s(FENCE_S)),
	};
	gw_fence_take(c->volume, loop, &c->fence);
}

static int64_t look_job(struct drv_op *op)
{
	struct change *c = CHANGE_OF(job, op);

	return c->volume->ops->refresh(c->volume->store, &c->info, &c->err);
}

void gw_volume_refresh(struct gw *gw, const char *name, struct gw_admin_op *op)
{
	struct change *c = change_of(gw, name, op);

	if (!c)
		return;
	c->info = c->volume->info;
	if (c->volume->ops->refresh && c->volume->facts.state != GW_VOLUME_DRAINING) {
		run_job(c, look_job, looked);
		return;
	}
	c->volume->busy = false;
	change_free(c);
	gw_admin_end(gw, op, 0);
}

/* ---- remove ------------------------------------------------------------- */

/* The last fences may still be on their way home; only home may look. */
static void fences_each(struct gw_visit *visit, struct loop *loop)
{
	struct change *c = CHANGE_OF(visit, visit);

	if (c->volume->home == loop_index(loop))
		c->busy = !TAILQ_EMPTY(&c->volume->fences);
}

static void fences_look(struct loop_timer *timer);

static void fences_seen(struct gw_visit *visit)
{
	struct change *c = CHANGE_OF(visit, visit);
	struct loop *loop = loop0(c->gw);

	if (!c->busy && atomic_load(&c->volume->offline_asked) == c->volume->offline_told) {
		close_store(c);
		return;
	}
	loop_timer_init(&c->timer, fences_look);
	loop_timer_arm(loop, &c->timer, instant_add(loop_now(loop), span_ms(LOOK_AGAIN_MS)));
}

static void fences_look(struct loop_timer *timer)
{
	run_visit(CHANGE_OF(timer, timer), fences_each, fences_seen);
}

static void lanes_closed(struct gw_visit *visit)
{
	fences_look(&CHANGE_OF(visit, visit)->timer);
}

static void flushed(struct gw_io *io)
{
	struct change *c = CHANGE_OF(flush, io);

	c->flushing = false;
	loop_timer_disarm(loop0(c->gw), &c->timer);
	if (io->core_status != GW_OK || atomic_load(&c->volume->lost))
		c->rc = gw_err_set(&c->err, EIO,
				   "volume %s: the last flush failed (%s): what was written since "
				   "the flush before may be lost",
				   c->volume->name,
				   io->core_status != GW_OK ? gw_status_words(io->core_status)
							    : "an earlier one had failed");
	run_visit(c, lane_close, lanes_closed);
}

static void flush_late(struct loop_timer *timer)
{
	struct change *c = CHANGE_OF(timer, timer);
	struct loop *loop = loop0(c->gw);

	log_warn(VOLUME, "volume %s: still flushing", c->volume->name);
	loop_timer_arm(loop, timer, instant_add(loop_now(loop), span_s(10)));
}

static void flush(struct change *c)
{
	struct loop *loop = loop0(c->gw);

	/* a store that became read-only may still hold what was written before */
	if (!(c->volume->info.can & GW_STORE_CAN(GW_FLUSH)) || c->volume->read_only) {
		run_visit(c, lane_close, lanes_closed);
		return;
	}
	loop_timer_init(&c->timer, flush_late);
	loop_timer_arm(loop, &c->timer, instant_add(loop_now(loop), span_s(10)));
	c->flushing = true;
	c->flush.op = GW_FLUSH;
	gw_store_submit(&c->volume->lane[0], &c->flush, flushed);
}

static void drain_each(struct gw_visit *visit, struct loop *loop)
{
	struct change *c = CHANGE_OF(visit, visit);
	struct gw_lane *lane = lane_at(c, loop);

	if (lane->facts.state != GW_VOLUME_DRAINING)
		adopt(c, lane);
	c->busy += lane->n_running + lane->n_waiting + lane->n_lent +
		   (TAILQ_EMPTY(&lane->itls) ? 0 : 1);
}

static void drain_again(struct loop_timer *timer);

static void drain_seen(struct gw_visit *visit)
{
	struct change *c = CHANGE_OF(visit, visit);
	struct loop *loop = loop0(c->gw);

	if (!c->busy) {
		flush(c);
		return;
	}
	if (!instant_before(loop_now(loop), c->deadline)) {
		c->rc = gw_err_set(&c->err, ETIMEDOUT,
				   "volume %s: the store has not ended with %u requests: what was "
				   "written since the last flush may be lost",
				   c->volume->name, c->busy);
		change_end(c);
		return;
	}
	loop_timer_init(&c->timer, drain_again);
	loop_timer_arm(loop, &c->timer, instant_add(loop_now(loop), span_ms(LOOK_AGAIN_MS)));
}

/* Held grants are counted before the loops are looked at: none is given any more,
 * and what was joined under one that is gone by now is seen there. */
static void drain_look(struct change *c)
{
	c->busy = atomic_load(&c->volume->holds);
	run_visit(c, drain_each, drain_seen);
}

static void drain_again(struct loop_timer *timer)
{
	drain_look(CHANGE_OF(timer, timer));
}

void gw_volume_remove(struct gw *gw, const char *name, struct instant deadline,
		      struct gw_admin_op *op)
{
	struct change *c = change_of(gw, name, op);

	if (!c)
		return;
	c->deadline = deadline;
	add_event(c, GW_EVENT_GOING_AWAY);
	c->volume->facts.state = GW_VOLUME_DRAINING;
	c->volume->facts.generation++;
	c->facts = c->volume->facts;
	c->info = c->volume->info;
	drain_look(c);
}

uint64_t gw_volume_dirty_bytes(struct gw *gw, const char *name)
{
	struct gw_volume *volume = gw_volume_find(gw, name);

	if (!volume || volume->opening || volume->closing || !volume->ops->dirty_bytes)
		return 0;
	return volume->ops->dirty_bytes(volume->store);
}
