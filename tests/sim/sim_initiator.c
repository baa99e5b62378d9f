/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_initiator.c - what a simulated initiator does next, and what it makes of
 * answers.
 */
#include "config.h"

#include "tests/sim/sim_initiator.h"

#include <stdlib.h>

#include "gateway/base/check.h"
#include "tests/sim/sim_iscsi_tx.h"

/* Until the daemon has lost patience with the tasks of a session, and every loop of
 * it surely has the fences of what was orphaned then. */
#define GRACE_NS (6 * SIM_S)
#define WATCH_NS SIM_S
#define CODE_CRC 0x4705u
#define SPOILS 20u /* so that large writes get through in the end */

static struct sim_rng *rng_of(struct sim_initiator *u)
{
	return &u->world->rng;
}

static void think(struct sim_initiator *u)
{
	sim_world_after(u->world, &u->tick,
			sim_rng_log(rng_of(u), u->manners.think_min_ns, u->manners.think_max_ns));
}

/* ---- answers ------------------------------------------------------------ */

static void write_again(struct sim_initiator *u, const struct sim_iscsi_cmd *cmd)
{
	if (!u->manners.rewrite || u->n_again == SIM_AGAIN_MAX)
		return;
	u->again[u->n_again++] = (struct sim_extent){ cmd->first, cmd->count };
	if (!u->stopped && !sim_world_is_set(&u->tick))
		think(u);
}

static void write_over(struct sim_sitting *s, const struct sim_iscsi_cmd *cmd,
		       enum sim_iscsi_end end)
{
	struct sim_initiator *u = s->initiator;
	struct sim_model *m = u->model;

	if (end == SIM_LOST) {
		sim_model_lost(m, cmd->write);
		s->lost[s->n_lost++] = cmd->write;
		if (s->iscsi->decided)
			sim_model_decided(m, cmd->write);
	} else if (end == SIM_ABORTED) {
		sim_model_failed(m, cmd->write, 0);
	} else if (cmd->status == SCSI_OK) {
		if (cmd->kind == SIM_KIND_CAW)
			sim_model_caw_won(m, cmd->write, cmd->stamp, cmd->out);
		sim_model_acked(m, cmd->write);
		return;
	} else if (cmd->kind == SIM_KIND_CAW && cmd->key == KEY_MISCOMPARE) {
		sim_model_caw_lost(m, cmd->write, cmd->stamp, cmd->out);
		return;
	} else {
		sim_model_failed(m, cmd->write, cmd->code);
	}
	write_again(u, cmd);
}

static void read_done(struct sim_sitting *s, struct sim_iscsi_cmd *cmd)
{
	struct sim_initiator *u = s->initiator;

	if (!sim_model_read_done(u->model, cmd->stamp, u->id, cmd->first, cmd->count, cmd->in))
		return;
	cmd->reading = false; /* it is over */
	if (u->manners.caw && !u->stopped && cmd->count <= SIM_ISCSI_CAW_MAX &&
	    (cmd->count == 1 || sim_rng_chance(rng_of(u), 1, 4)))
		sim_sitting_caw(s, cmd->first, cmd->count, cmd->in);
}

static void judge_error(struct sim_initiator *u, const struct sim_iscsi_cmd *cmd)
{
	u->errors++;
	sim_note(u->world, SIM_TR_CMD_ERR, u->id, cmd->kind,
		 (uint64_t)cmd->status << 24 | (uint64_t)cmd->key << 16 | cmd->code);
	if (u->manners.errors_happen || cmd->key == KEY_ATTENTION ||
	    (cmd->kind == SIM_KIND_CAW && cmd->key == KEY_MISCOMPARE) ||
	    (cmd->corrupted && cmd->key == KEY_ABORTED && cmd->code == CODE_CRC))
		return;
	sim_world_fail(u->world,
		       "initiator %u: command %u at %llu failed with status %#x, sense %#x %#x,"
		       " and nothing was wrong",
		       u->id, cmd->kind, (unsigned long long)cmd->first, cmd->status, cmd->key,
		       cmd->code);
}

static void on_done(void *arg, struct sim_iscsi *iscsi, struct sim_iscsi_cmd *cmd,
		    enum sim_iscsi_end end)
{
	struct sim_sitting *s = arg;
	struct sim_initiator *u = s->initiator;
	bool good = end == SIM_ANSWERED && cmd->status == SCSI_OK;

	(void)iscsi;
	u->answered++;
	if (end == SIM_ANSWERED && !good)
		judge_error(u, cmd);
	if (cmd->kind == SIM_KIND_READ && good)
		read_done(s, cmd);
	else if (sim_sitting_writes(cmd))
		write_over(s, cmd, end);
	else if (cmd->kind == SIM_KIND_SYNC && good)
		sim_model_flushed(u->model, cmd->stamp);
	if (cmd->reading)
		sim_model_read_over(u->model, cmd->stamp);
}

/* All writes of a session whose fate nobody has told. */
static void each_lost(struct sim_sitting *s, void (*what)(struct sim_model *m, uint32_t write))
{
	for (unsigned i = 0; i < s->n_lost; i++)
		what(s->initiator->model, s->lost[i]);
	for (unsigned i = 0; i < SIM_ISCSI_DEPTH; i++) { /* its answer is under way, or lost */
		const struct sim_iscsi_cmd *cmd = &s->iscsi->cmd[i];

		if (cmd->used && !cmd->ending && sim_sitting_writes(cmd))
			what(s->initiator->model, cmd->write);
	}
}

static void fire_grace(struct sim_event *event)
{
	struct sim_sitting *s = SIM_OF(event, struct sim_sitting, grace);

	each_lost(s, sim_model_ended);
	s->n_lost = 0;
}

static void on_decided(void *arg, struct sim_iscsi *iscsi)
{
	struct sim_sitting *s = arg;

	(void)iscsi;
	each_lost(s, sim_model_decided);
	if (s->n_lost || s->iscsi->in_flight)
		sim_world_after(s->initiator->world, &s->grace, GRACE_NS);
}

static void on_over(void *arg, struct sim_iscsi *iscsi, int errnum)
{
	struct sim_sitting *s = arg;
	struct sim_initiator *u = s->initiator;

	(void)iscsi;
	(void)errnum;
	if (!s->current)
		return;
	s->current = false;
	u->sitting = NULL;
	sim_world_cancel(u->world, &u->resume);
	sim_world_cancel(u->world, &u->watch);
	if (!u->stopped)
		sim_world_after(u->world, &u->tick,
				sim_rng_log(rng_of(u), 10 * SIM_US, u->manners.away_max_ns));
}

static void on_ready(void *arg, struct sim_iscsi *iscsi)
{
	struct sim_sitting *s = arg;
	struct sim_initiator *u = s->initiator;

	if (s->rejoins)
		sim_count(u->world, SIM_COVER_REJOINED);
	else if (s->reinstates)
		sim_count(u->world, SIM_COVER_REINSTATED);
	for (const struct sim_sitting *old = s->next; old; old = old->next) /* 6.3.5 */
		if (old->iscsi->ready_ns && !old->iscsi->decided)
			sim_world_fail(u->world, "session %u is ready, and session %u is not ended",
				       iscsi->id, old->iscsi->id);
	if (u->manners.depth) /* with no depth: only by hand */
		think(u);
	sim_world_after(u->world, &u->watch, WATCH_NS);
}

static void on_managed(void *arg, struct sim_iscsi *iscsi, uint8_t answer)
{
	(void)arg;
	(void)iscsi;
	(void)answer;
}

static const struct sim_iscsi_ops iscsi_ops = { .ready = on_ready,
						.done = on_done,
						.over = on_over,
						.decided = on_decided,
						.managed = on_managed };

/* ---- patience ----------------------------------------------------------- */

static struct sim_iscsi_cmd *overdue(const struct sim_initiator *u, struct sim_iscsi *n)
{
	for (unsigned i = 0; i < SIM_ISCSI_DEPTH; i++)
		if (n->cmd[i].used && n->cmd[i].sent_ns + u->manners.patience_ns < u->world->now_ns)
			return &n->cmd[i];
	return NULL;
}

static void fire_watch(struct sim_event *event)
{
	struct sim_initiator *u = SIM_OF(event, struct sim_initiator, watch);
	struct sim_sitting *s = u->sitting;
	struct sim_iscsi *n = s->iscsi;
	struct sim_iscsi_cmd *late = overdue(u, n);
	uint64_t limit = u->world->now_ns - u->manners.patience_ns;

	if ((n->tmf.kind && n->tmf.sent_ns < limit) || (s->left_ns && s->left_ns < limit) ||
	    (late && late->kind == SIM_KIND_NOP)) {
		sim_iscsi_vanish(n);
		return;
	}
	if (late && !n->tmf.kind)
		sim_iscsi_manage(n, SIM_ABORT_TASK, late);
	if (u->sitting == s)
		sim_world_after(u->world, &u->watch, WATCH_NS);
}

/* ---- misfortunes -------------------------------------------------------- */

static bool send_again(struct sim_initiator *u)
{
	struct sim_extent e = u->again[u->n_again - 1];

	if (!sim_sitting_write(u->sitting, e.first, e.count, false))
		return false;
	u->n_again--;
	sim_count(u->world, SIM_COVER_RECONNECT);
	return true;
}

static void fire_resume(struct sim_event *event)
{
	struct sim_initiator *u = SIM_OF(event, struct sim_initiator, resume);

	if (u->sitting && u->sitting->iscsi->conn)
		sim_net_pause(u->sitting->iscsi->conn, false);
}

static struct sim_iscsi_cmd *any_cmd(struct sim_initiator *u, struct sim_iscsi *n)
{
	unsigned at = (unsigned)sim_rng_below(rng_of(u), SIM_ISCSI_DEPTH);

	for (unsigned i = 0; i < SIM_ISCSI_DEPTH; i++, at++)
		if (n->cmd[at % SIM_ISCSI_DEPTH].used &&
		    n->cmd[at % SIM_ISCSI_DEPTH].kind != SIM_KIND_NOP)
			return &n->cmd[at % SIM_ISCSI_DEPTH];
	return NULL;
}

static void tease(struct sim_initiator *u, struct sim_iscsi *n)
{
	const struct sim_manners *m = &u->manners;
	struct sim_iscsi_cmd *cmd = any_cmd(u, n);

	if (sim_sitting_odds(u, m->stray))
		sim_iscsi_stray(n);
	else if (cmd && sim_sitting_odds(u, m->twice))
		sim_iscsi_twice(n, cmd);
	else if (cmd && sim_sitting_odds(u, m->abort))
		sim_iscsi_manage(n, SIM_ABORT_TASK, cmd);
	else if (sim_sitting_odds(u, m->reset))
		sim_iscsi_manage(n, SIM_LUN_RESET, NULL);
}

static void misfortune(struct sim_initiator *u, struct sim_sitting *s)
{
	const struct sim_manners *m = &u->manners;
	struct sim_iscsi *n = s->iscsi;

	if (sim_sitting_odds(u, m->pause) && !sim_world_is_set(&u->resume)) {
		sim_count(u->world, SIM_COVER_SLOW_READER);
		sim_net_pause(n->conn, true);
		sim_world_after(u->world, &u->resume,
				sim_rng_log(rng_of(u), 10 * SIM_US, m->pause_max_ns));
	} else if (sim_sitting_odds(u, m->cut)) {
		sim_net_cut(n->conn, SIM_CUT_BOTH);
	} else if (sim_sitting_odds(u, m->half_open)) {
		sim_net_cut(n->conn,
			    sim_rng_chance(rng_of(u), 2, 3) ? SIM_CUT_CLIENT : SIM_CUT_DAEMON);
	} else if (sim_sitting_odds(u, m->vanish)) {
		sim_iscsi_vanish(n);
	} else if (sim_sitting_odds(u, m->half_request)) {
		n->cfg.die_after = n->sent + sim_rng_log(rng_of(u), 1, 65536);
	} else if (sim_sitting_odds(u, m->leave)) {
		s->left_ns = u->world->now_ns;
		sim_iscsi_logout(n);
	}
}

/* ---- a port's life ------------------------------------------------------ */

static void sweep(struct sim_initiator *u)
{
	struct sim_sitting **link = &u->sittings;

	while (*link) {
		struct sim_sitting *s = *link;

		if (s->iscsi->phase != SIM_ISCSI_OVER || !s->iscsi->decided || s->n_lost ||
		    sim_world_is_set(&s->grace)) {
			link = &s->next;
			continue;
		}
		*link = s->next;
		sim_iscsi_free(&s->iscsi);
		free(s);
	}
}

/* Into the session that the last connection was of, as if the target still had it. */
static bool rejoin(struct sim_initiator *u, const struct sim_sitting *old,
		   struct sim_iscsi_cfg *cfg)
{
	const struct sim_iscsi *n = old ? old->iscsi : NULL;

	if (!n || !n->tsih || n->leaving || !sim_rng_chance(rng_of(u), 1, 2))
		return false;
	cfg->initial_r2t = n->cfg.initial_r2t;
	cfg->immediate = n->cfg.immediate;
	cfg->first_burst = n->cfg.first_burst;
	cfg->max_burst = n->cfg.max_burst;
	cfg->max_r2t = n->cfg.max_r2t;
	cfg->tsih = n->tsih;
	cfg->acked_cmdsn = n->exp_cmdsn;
	cfg->sent_cmdsn = n->cmdsn;
	return true;
}

static void log_in(struct sim_initiator *u)
{
	struct sim_sitting *s = calloc(1, sizeof(*s));
	struct sim_iscsi_cfg cfg = u->cfg;

	GW_CHECK(s);
	sweep(u);
	s->initiator = u;
	s->current = true;
	s->born = sim_model_now(u->model);
	s->session = (uint32_t)++u->sessions;
	s->grace.fire = fire_grace;
	s->next = u->sittings;
	u->sittings = s;
	u->sitting = s;
	for (struct sim_sitting *old = s->next; old; old = old->next)
		s->reinstates |= !old->iscsi->decided; /* the daemon holds it for alive */
	s->rejoins = rejoin(u, s->next, &cfg);
	cfg.die_after = SIM_NEVER;
	if (sim_sitting_odds(u, u->manners.half_request)) /* within the login, or soon */
		cfg.die_after = sim_rng_log(rng_of(u), 1, 4096);
	s->iscsi = sim_iscsi_open(u->net, &u->addr, &cfg, &iscsi_ops, s, u->id * 1000 + s->session);
}

static void send_some(struct sim_initiator *u)
{
	struct sim_sitting *s = u->sitting;
	unsigned burst = (unsigned)sim_rng_between(rng_of(u), 1, u->manners.burst);

	while (burst-- && u->sitting == s && s->iscsi->phase == SIM_ISCSI_READY &&
	       s->iscsi->in_flight < u->manners.depth) {
		if (u->n_again && u->manners.rewrite) {
			if (!send_again(u))
				break;
			continue;
		}
		if (!u->budget || !sim_sitting_any(s))
			break;
		u->budget--;
	}
}

static void fire_tick(struct sim_event *event)
{
	struct sim_initiator *u = SIM_OF(event, struct sim_initiator, tick);
	struct sim_sitting *s = u->sitting;
	uint64_t before = u->commands;

	if (u->stopped)
		return;
	if (!s) {
		if (u->budget || u->n_again)
			log_in(u);
		return;
	}
	if (s->iscsi->phase != SIM_ISCSI_READY || s->iscsi->leaving)
		return; /* on_ready() or on_over() goes on */
	send_some(u);
	if (u->sitting == s && u->commands != before)
		tease(u, s->iscsi);
	if (u->sitting == s && u->commands != before)
		misfortune(u, s);
	if (u->sitting == s && (u->budget || u->n_again))
		think(u);
}

struct sim_initiator *sim_initiator_new(struct sim_net *net, struct sim_model *model, unsigned id,
					const struct loop_addr *addr,
					const struct sim_iscsi_cfg *cfg,
					const struct sim_manners *manners, uint64_t budget)
{
	struct sim_initiator *u = calloc(1, sizeof(*u));

	GW_CHECK(u);
	u->world = net->world;
	u->net = net;
	u->model = model;
	u->id = id;
	u->addr = *addr;
	u->cfg = *cfg;
	u->manners = *manners;
	u->budget = budget;
	u->spoils = SPOILS;
	u->cfg.spoils = &u->spoils;
	u->tick.fire = fire_tick;
	u->resume.fire = fire_resume;
	u->watch.fire = fire_watch;
	return u;
}

void sim_initiator_free(struct sim_initiator **initiator)
{
	struct sim_initiator *u = *initiator;

	if (!u)
		return;
	sim_world_cancel(u->world, &u->tick);
	sim_world_cancel(u->world, &u->resume);
	sim_world_cancel(u->world, &u->watch);
	while (u->sittings) {
		struct sim_sitting *s = u->sittings;

		u->sittings = s->next;
		sim_world_cancel(u->world, &s->grace);
		sim_iscsi_free(&s->iscsi);
		free(s);
	}
	free(u);
	*initiator = NULL;
}

void sim_initiator_start(struct sim_initiator *u)
{
	u->stopped = false;
	if (!u->sitting)
		sim_world_after(u->world, &u->tick, sim_rng_below(rng_of(u), SIM_MS));
}

void sim_initiator_stop(struct sim_initiator *u)
{
	u->stopped = true;
}

unsigned sim_initiator_in_flight(const struct sim_initiator *u)
{
	return u->sitting ? u->sitting->iscsi->in_flight : 0;
}

bool sim_initiator_ready(const struct sim_initiator *u)
{
	return u->sitting && u->sitting->iscsi->phase == SIM_ISCSI_READY;
}

bool sim_initiator_idle(const struct sim_initiator *u)
{
	if (!u->stopped && (u->budget || (u->n_again && u->manners.rewrite)))
		return false;
	return sim_initiator_in_flight(u) == 0;
}
