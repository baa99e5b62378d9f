/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_user.c - what a simulated client does next, and what it makes of answers.
 */
#include "config.h"

#include "tests/sim/sim_user.h"

#include <stdlib.h>

#include "gateway/base/check.h"

/* Until every loop of the daemon surely has the fences of what was orphaned. */
#define GRACE_NS (500 * SIM_MS)
#define NBD_ESHUTDOWN 108u
#define NBD_ENOTSUP 95u

static struct sim_rng *rng_of(struct sim_user *u)
{
	return &u->world->rng;
}

static void think(struct sim_line *l)
{
	struct sim_habits *h = &l->user->habits;

	sim_world_after(l->user->world, &l->tick,
			sim_rng_log(rng_of(l->user), h->think_min_ns, h->think_max_ns));
}

/* ---- answers ------------------------------------------------------------ */

static void write_over(struct sim_call *call, const struct sim_nbd_cmd *cmd, bool lost)
{
	struct sim_model *m = call->user->model;

	if (!lost && cmd->error)
		sim_model_failed(m, cmd->write, cmd->error);
	else if (!lost)
		sim_model_acked(m, cmd->write);
	if (!lost)
		return;
	sim_model_lost(m, cmd->write);
	call->lost[call->n_lost++] = cmd->write;
	if (call->nbd->decided)
		sim_model_decided(m, cmd->write);
	if (call->line && call->user->habits.rewrite && call->line->n_again < SIM_NBD_DEPTH)
		call->line->again[call->line->n_again++] =
			(struct sim_range){ m->write[cmd->write].first,
					    m->write[cmd->write].count };
}

static void check_extents(struct sim_call *call, const struct sim_nbd_cmd *cmd)
{
	uint64_t at = cmd->offset, end = cmd->offset + cmd->length;

	for (unsigned i = 0; i < cmd->extents && at < end; i++) {
		uint64_t to = at + cmd->extent[i].length;
		uint64_t first = (at + SIM_MODEL_SECTOR - 1) / SIM_MODEL_SECTOR;
		uint64_t last = (to < end ? to : end) / SIM_MODEL_SECTOR;

		if ((cmd->extent[i].flags & 2) && first < last &&
		    !sim_model_zero_told(call->user->model, cmd->stamp, call->user->id, first,
					 last - first))
			return;
		at = to;
	}
}

static void read_over(struct sim_call *call, const struct sim_nbd_cmd *cmd, bool lost)
{
	struct sim_model *m = call->user->model;

	if (lost || cmd->error) {
		sim_model_read_over(m, cmd->stamp);
	} else if (cmd->type == WIRE_READ) {
		sim_model_read_done(m, cmd->stamp, call->user->id, cmd->offset / SIM_MODEL_SECTOR,
				    (uint32_t)(cmd->length / SIM_MODEL_SECTOR), cmd->buf);
	} else {
		check_extents(call, cmd);
		sim_model_read_over(m, cmd->stamp);
	}
}

static void judge_error(struct sim_user *u, const struct sim_nbd_cmd *cmd)
{
	u->errors++;
	if (u->habits.errors_happen || cmd->error == NBD_ESHUTDOWN)
		return;
	if (cmd->error == NBD_ENOTSUP && (cmd->flags & WIRE_FAST_ZERO))
		return;
	sim_world_fail(u->world,
		       "client %u: command %u at %llu failed with %u, and nothing was"
		       " wrong",
		       u->id, cmd->type, (unsigned long long)cmd->offset, cmd->error);
}

static void on_done(void *arg, struct sim_nbd *nbd, struct sim_nbd_cmd *cmd, bool lost)
{
	struct sim_call *call = arg;

	(void)nbd;
	call->user->answered++;
	if (!lost && cmd->error)
		judge_error(call->user, cmd);
	if (cmd->type == WIRE_READ || cmd->type == WIRE_STATUS)
		read_over(call, cmd, lost);
	else if (cmd->type == WIRE_WRITE || cmd->type == WIRE_ZEROES || cmd->type == WIRE_TRIM)
		write_over(call, cmd, lost);
	else if (cmd->type == WIRE_FLUSH && !lost && !cmd->error)
		sim_model_flushed(call->user->model, cmd->stamp);
}

static void fire_grace(struct sim_event *event)
{
	struct sim_call *call = SIM_OF(event, struct sim_call, grace);

	for (unsigned i = 0; i < call->n_lost; i++)
		sim_model_ended(call->user->model, call->lost[i]);
	call->n_lost = 0;
	/* Its answer is still on its way, or lost. */
	for (unsigned i = 0; i < SIM_NBD_DEPTH; i++)
		if (call->nbd->cmd[i].used && call->nbd->cmd[i].write)
			sim_model_ended(call->user->model, call->nbd->cmd[i].write);
}

static void on_decided(void *arg, struct sim_nbd *nbd)
{
	struct sim_call *call = arg;

	for (unsigned i = 0; i < call->n_lost; i++)
		sim_model_decided(call->user->model, call->lost[i]);
	for (unsigned i = 0; i < SIM_NBD_DEPTH; i++)
		if (nbd->cmd[i].used && !nbd->cmd[i].ending && nbd->cmd[i].write)
			sim_model_decided(call->user->model, nbd->cmd[i].write);
	sim_world_after(call->user->world, &call->grace, GRACE_NS);
}

static void on_over(void *arg, struct sim_nbd *nbd, int errnum)
{
	struct sim_call *call = arg;
	struct sim_line *l = call->line;
	struct sim_user *u = call->user;

	(void)nbd;
	(void)errnum;
	if (!l)
		return;
	call->line = NULL;
	l->call = NULL;
	sim_world_cancel(u->world, &l->resume);
	if (!u->stopped)
		sim_world_after(u->world, &l->tick,
				sim_rng_log(rng_of(u), 10 * SIM_US, u->habits.away_max_ns));
}

static void on_ready(void *arg, struct sim_nbd *nbd)
{
	struct sim_call *call = arg;

	if (nbd->size < call->user->model->sectors * SIM_MODEL_SECTOR)
		sim_world_fail(call->user->world, "the export has shrunk to %llu bytes",
			       (unsigned long long)nbd->size);
	if (call->line && call->user->habits.depth)
		think(call->line); /* with no depth: only by hand */
}

static const struct sim_nbd_ops nbd_ops = {
	.ready = on_ready, .done = on_done, .over = on_over, .decided = on_decided
};

/* ---- misfortunes -------------------------------------------------------- */

static bool send_again(struct sim_line *l)
{
	struct sim_nbd_cmd *cmd;

	if (!l->n_again || !(cmd = sim_nbd_take(l->call->nbd)))
		return false;
	cmd->type = WIRE_WRITE;
	l->n_again--;
	l->user->commands++;
	sim_count(l->user->world, SIM_COVER_RECONNECT);
	sim_call_write(l->call, cmd, l->again[l->n_again].first, l->again[l->n_again].count,
		       UINT64_MAX);
	return true;
}

static void fire_resume(struct sim_event *event)
{
	struct sim_line *l = SIM_OF(event, struct sim_line, resume);

	if (l->call && l->call->nbd->conn)
		sim_net_pause(l->call->nbd->conn, false);
}

static void misfortune(struct sim_line *l)
{
	struct sim_user *u = l->user;
	const struct sim_habits *h = &u->habits;
	struct sim_nbd *n = l->call->nbd;

	if (sim_call_odds(u, h->pause) && !sim_world_is_set(&l->resume)) {
		sim_count(u->world, SIM_COVER_SLOW_READER);
		sim_net_pause(n->conn, true);
		sim_world_after(u->world, &l->resume,
				sim_rng_log(rng_of(u), 10 * SIM_US, h->pause_max_ns));
	} else if (sim_call_odds(u, h->cut)) {
		sim_net_cut(n->conn, SIM_CUT_BOTH);
	} else if (sim_call_odds(u, h->half_open)) {
		sim_net_cut(n->conn,
			    sim_rng_chance(rng_of(u), 1, 2) ? SIM_CUT_CLIENT : SIM_CUT_DAEMON);
	} else if (sim_call_odds(u, h->vanish)) {
		sim_nbd_vanish(n);
	} else if (sim_call_odds(u, h->leave)) {
		sim_nbd_disconnect(n);
	}
}

/* ---- a line's life ------------------------------------------------------ */

static void sweep(struct sim_user *u)
{
	struct sim_call **link = &u->calls;

	while (*link) {
		struct sim_call *call = *link;

		if (call->nbd->phase != SIM_NBD_OVER || !call->nbd->decided || call->n_lost ||
		    sim_world_is_set(&call->grace)) {
			link = &call->next;
			continue;
		}
		*link = call->next;
		sim_nbd_free(&call->nbd);
		free(call);
	}
}

static void connect_line(struct sim_line *l)
{
	struct sim_user *u = l->user;
	struct sim_call *call = calloc(1, sizeof(*call));

	GW_CHECK(call);
	sweep(u);
	call->user = u;
	call->line = l;
	call->born = sim_model_now(u->model);
	call->grace.fire = fire_grace;
	call->next = u->calls;
	u->calls = call;
	l->call = call;
	call->nbd = sim_nbd_open(u->net, &u->addr, &u->cfg, &nbd_ops, call,
				 u->id * 1000 + (unsigned)++u->connects);
}

static void fire_tick(struct sim_event *event)
{
	struct sim_line *l = SIM_OF(event, struct sim_line, tick);
	struct sim_user *u = l->user;
	uint64_t before = u->commands;
	unsigned burst;

	if (u->stopped)
		return;
	if (!l->call) {
		if (u->budget || l->n_again)
			connect_line(l);
		return;
	}
	if (l->call->nbd->phase != SIM_NBD_READY)
		return; /* on_ready() goes on */
	burst = (unsigned)sim_rng_between(rng_of(u), 1, u->habits.burst);
	while (burst-- && l->call && l->call->nbd->in_flight < u->habits.depth) {
		if (u->habits.rewrite && send_again(l))
			continue;
		if (!u->budget)
			break;
		sim_call_any(l->call);
	}
	if (l->call && u->commands != before)
		misfortune(l);
	if (l->call && (u->budget || l->n_again))
		think(l);
}

struct sim_user *sim_user_new(struct sim_net *net, struct sim_model *model, unsigned id,
			      const struct loop_addr *addr, const struct sim_nbd_cfg *cfg,
			      const struct sim_habits *habits, uint64_t budget)
{
	struct sim_user *u = calloc(1, sizeof(*u));

	GW_CHECK(u);
	*u = (struct sim_user){ .world = net->world,
				.net = net,
				.model = model,
				.id = id,
				.habits = *habits,
				.addr = *addr,
				.cfg = *cfg,
				.budget = budget };
	if (!u->habits.sectors)
		u->habits.sectors = model->sectors;
	u->line = calloc(habits->lines, sizeof(*u->line));
	u->scratch = malloc((size_t)habits->max_sectors * SIM_MODEL_SECTOR);
	GW_CHECK(u->line && u->scratch);
	for (unsigned i = 0; i < habits->lines; i++) {
		u->line[i].user = u;
		u->line[i].tick.fire = fire_tick;
		u->line[i].resume.fire = fire_resume;
	}
	return u;
}

void sim_user_free(struct sim_user **user)
{
	struct sim_user *u = *user;

	if (!u)
		return;
	for (unsigned i = 0; i < u->habits.lines; i++) {
		sim_world_cancel(u->world, &u->line[i].tick);
		sim_world_cancel(u->world, &u->line[i].resume);
	}
	while (u->calls) {
		struct sim_call *call = u->calls;

		u->calls = call->next;
		sim_world_cancel(u->world, &call->grace);
		sim_nbd_free(&call->nbd);
		free(call);
	}
	free(u->line);
	free(u->scratch);
	free(u);
	*user = NULL;
}

void sim_user_start(struct sim_user *u)
{
	u->stopped = false;
	for (unsigned i = 0; i < u->habits.lines; i++)
		if (!u->line[i].call)
			sim_world_after(u->world, &u->line[i].tick,
					sim_rng_below(rng_of(u), SIM_MS));
}

void sim_user_stop(struct sim_user *u)
{
	u->stopped = true;
}

void sim_user_hang_up(struct sim_user *u, bool orderly)
{
	for (unsigned i = 0; i < u->habits.lines; i++) {
		if (!u->line[i].call)
			continue;
		if (orderly)
			sim_nbd_disconnect(u->line[i].call->nbd);
		else
			sim_nbd_vanish(u->line[i].call->nbd);
	}
}

unsigned sim_user_in_flight(const struct sim_user *u)
{
	unsigned n = 0;

	for (unsigned i = 0; i < u->habits.lines; i++)
		n += u->line[i].call ? u->line[i].call->nbd->in_flight : 0;
	return n;
}

bool sim_user_idle(const struct sim_user *u)
{
	for (unsigned i = 0; i < u->habits.lines && !u->stopped; i++)
		if (u->budget || (u->line[i].n_again && u->habits.rewrite))
			return false;
	return sim_user_in_flight(u) == 0;
}

/* ---- by hand ------------------------------------------------------------ */

static struct sim_call *ready_call(const struct sim_user *u)
{
	for (unsigned i = 0; i < u->habits.lines; i++)
		if (u->line[i].call && u->line[i].call->nbd->phase == SIM_NBD_READY)
			return u->line[i].call;
	return NULL;
}

bool sim_user_ready(const struct sim_user *u)
{
	return ready_call(u) != NULL;
}

static struct sim_nbd_cmd *take(struct sim_user *u, uint16_t type, struct sim_call **call)
{
	struct sim_nbd_cmd *cmd;

	*call = ready_call(u);
	cmd = *call ? sim_nbd_take((*call)->nbd) : NULL;
	if (cmd)
		cmd->type = type;
	u->commands += cmd != NULL;
	return cmd;
}

bool sim_user_write(struct sim_user *u, uint64_t first, uint32_t count, bool fua)
{
	struct sim_call *call;
	struct sim_nbd_cmd *cmd = take(u, WIRE_WRITE, &call);

	if (!cmd)
		return false;
	cmd->flags = fua ? WIRE_FUA : 0;
	sim_call_write(call, cmd, first, count, UINT64_MAX);
	return true;
}

bool sim_user_read(struct sim_user *u, uint64_t first, uint32_t count)
{
	struct sim_call *call;
	struct sim_nbd_cmd *cmd = take(u, WIRE_READ, &call);

	if (cmd)
		sim_call_read(call, cmd, first, count);
	return cmd != NULL;
}

bool sim_user_flush(struct sim_user *u)
{
	struct sim_call *call;
	struct sim_nbd_cmd *cmd = take(u, WIRE_FLUSH, &call);

	if (cmd)
		sim_call_flush(call, cmd);
	return cmd != NULL;
}
