/* SPDX-License-Identifier: BSD-3-Clause
 *
 * list.c - what runs, as neutral records (gateway/core/admin.h, api/out.h).
 *
 * What belongs to loops is gathered by visiting them; no loop reads another's
 * counters.  While a list is on its way no volume is freed.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/core/core.h"

static const char *const states[] = {
	[GW_VOLUME_OFFLINE] = "offline",
	[GW_VOLUME_ONLINE] = "online",
	[GW_VOLUME_DRAINING] = "draining",
};

struct sums {
	struct gw_volume *volume;
	struct gw_lane_counts counts;
	uint64_t in_flight, nexuses;
};

struct list {
	struct gw_visit visit;
	struct gw_out *out;
	struct gw_admin_op *op;
	/* Loop 0's lists as they were when this one began: what is added meanwhile
	 * stays out, and nothing that is in here goes (gw->listing). */
	struct gw_front_run **fronts;
	unsigned n, n_fronts;
	struct sums sums[];
};

void gw_volume_names(struct gw *gw, void (*each)(void *arg, const char *name), void *arg)
{
	struct gw_volume *volume;

	TAILQ_FOREACH (volume, &gw->volumes, link)
		each(arg, volume->name);
}

void gw_list_exports(struct gw *gw, struct gw_out *out)
{
	struct gw_front_run *run;
	struct gw_volume *volume;

	TAILQ_FOREACH (volume, &gw->volumes, link)
		TAILQ_FOREACH (run, &gw->fronts, link)
			if (!volume->opening)
				run->ops->exports(run->front, volume, out);
}

static unsigned count_volumes(const struct gw *gw)
{
	const struct gw_volume *volume;
	unsigned n = 0;

	TAILQ_FOREACH (volume, &gw->volumes, link)
		n++;
	return n;
}

static bool copy_fronts(struct gw *gw, struct list *list)
{
	struct gw_front_run *run;
	unsigned n = 0;

	TAILQ_FOREACH (run, &gw->fronts, link)
		n++;
	list->fronts = calloc(n + 1, sizeof(struct gw_front_run *));
	if (!list->fronts)
		return false;
	TAILQ_FOREACH (run, &gw->fronts, link)
		list->fronts[list->n_fronts++] = run;
	return true;
}

static void list_begin(struct gw *gw, struct gw_out *out, struct gw_admin_op *op,
		       void (*each)(struct gw_visit *, struct loop *),
		       void (*done)(struct gw_visit *))
{
	struct list *list = calloc(1, sizeof(*list) + count_volumes(gw) * sizeof(list->sums[0]));
	struct gw_volume *volume;

	if (!list || !copy_fronts(gw, list)) {
		free(list);
		gw_admin_end(gw, op, gw_err_set(&op->err, ENOMEM, "no memory"));
		return;
	}
	TAILQ_FOREACH (volume, &gw->volumes, link)
		list->sums[list->n++].volume = volume;
	list->out = out;
	list->op = op;
	list->visit.each = each;
	list->visit.done = done;
	gw->listing++;
	gw_visit_loops(gw, loop_set_get(gw->loops, 0), &list->visit);
}

static void list_done(struct gw_visit *visit)
{
	struct list *list = (struct list *)visit;
	struct gw_admin_op *op = list->op;

	visit->gw->listing--;
	free(list->fronts);
	free(list);
	op->rc = 0;
	op->done(op);
}

/* ---- volumes ------------------------------------------------------------ */

static void add_lane(struct sums *sums, const struct gw_lane *lane)
{
	const struct gw_itl *itl;

#define COUNT(member, words) sums->counts.member += lane->counts.member;
	GW_LANE_COUNTS(COUNT)
#undef COUNT
	sums->in_flight += lane->n_running + lane->n_waiting;
	TAILQ_FOREACH (itl, &lane->itls, link)
		sums->nexuses += itl->ops != NULL;
}

static void volumes_each(struct gw_visit *visit, struct loop *loop)
{
	struct list *list = (struct list *)visit;

	for (unsigned i = 0; i < list->n; i++)
		add_lane(&list->sums[i], &list->sums[i].volume->lane[loop_index(loop)]);
}

static void uuid_text(const struct gw_identity *id, char out[37])
{
	const uint8_t *u = id->uuid;

	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
		 u[13], u[14], u[15]);
}

static void print_volume(struct gw_out *out, const struct sums *sums)
{
	const struct gw_volume *volume = sums->volume;
	const struct gw_facts *facts = &volume->facts;
	char uuid[37];

	uuid_text(&volume->identity, uuid);
	gw_out_record(out, "volume");
	gw_out_text(out, "name", volume->name);
	gw_out_text(out, "store", volume->ops->name);
	gw_out_text(out, "target", volume->target);
	gw_out_text(out, "state", volume->opening ? "opening" : states[facts->state]);
	gw_out_number(out, "size_bytes", facts->size_bytes);
	gw_out_number(out, "block_bytes", facts->block_bytes);
	gw_out_truth(out, "read_only", facts->read_only);
	gw_out_truth(out, "write_cache", facts->write_cache);
	gw_out_truth(out, "durability_lost", atomic_load(&volume->lost));
	gw_out_text(out, "uuid", uuid);
#define COUNT(member, words) gw_out_number(out, #member, sums->counts.member);
	GW_LANE_COUNTS(COUNT)
#undef COUNT
	gw_out_number(out, "in_flight", sums->in_flight);
	gw_out_number(out, "nexuses", sums->nexuses);
}

static void volumes_done(struct gw_visit *visit)
{
	struct list *list = (struct list *)visit;

	for (unsigned i = 0; i < list->n; i++)
		print_volume(list->out, &list->sums[i]);
	list_done(visit);
}

void gw_list_volumes(struct gw *gw, struct gw_out *out, struct gw_admin_op *op)
{
	list_begin(gw, out, op, volumes_each, volumes_done);
}

/* ---- connections and loops ---------------------------------------------- */

static void connections_each(struct gw_visit *visit, struct loop *loop)
{
	struct list *list = (struct list *)visit;

	for (unsigned i = 0; i < list->n_fronts; i++)
		list->fronts[i]->ops->list(list->fronts[i]->front, loop, list->out);
}

void gw_list_connections(struct gw *gw, struct gw_out *out, struct gw_admin_op *op)
{
	list_begin(gw, out, op, connections_each, list_done);
}

static void loops_each(struct gw_visit *visit, struct loop *loop)
{
	struct list *list = (struct list *)visit;
	const struct gw_loop *gwl = gw_loop_of(visit->gw, loop);
	struct gw_out *out = list->out;
	uint64_t turns, slow;

	loop_counts(loop, &turns, &slow);
	gw_out_record(out, "loop");
	gw_out_number(out, "index", loop_index(loop));
	gw_out_text(out, "driver", loop_set_driver(visit->gw->loops));
	gw_out_number(out, "turns", turns);
	gw_out_number(out, "slow_turns", slow);
	gw_out_number(out, "busy_poll_us", (uint64_t)span_to_us(loop_busy_poll(loop)));
	gw_out_number(out, "pool_bytes", gwl->pool.mapped_bytes);
	gw_out_number(out, "pool_used_bytes", gwl->pool.used_bytes);
	gw_out_number(out, "requests", gwl->in_use);
	for (unsigned i = 0; i < list->n_fronts; i++)
		if (list->fronts[i]->ops->counters)
			list->fronts[i]->ops->counters(list->fronts[i]->front, loop, out);
}

void gw_list_loops(struct gw *gw, struct gw_out *out, struct gw_admin_op *op)
{
	list_begin(gw, out, op, loops_each, list_done);
}
