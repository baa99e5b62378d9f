/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_aoe_ghost.c - a store stalls for 60 s; its AoE client asks again and again, gives
 * the write up, and writes the same place anew, by whatever station and interface.  The
 * old write never wins, nor do its copies.
 *
 *   old ──write──▶ store (stalls 60 s) ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶ lands
 *       ──again──▶ ... ──again──▶        ✂ given up; every frame of it has arrived
 *   new ──write─────────────────────────────────────────────▶ answered ─▶ read: new
 */
#include "config.h"

#include "tests/sim/sim_disk_io.h"
#include "tests/sim/sim_run.h"

#define STALL_NS (60 * SIM_S)
/* Who has waited for a minute waits for minutes, and a frame may be lost then, too. */
#define PATIENCE_NS (7200 * SIM_S)

struct ghost {
	struct sim_run *run;
	struct sim_aoe_user *user;
	uint64_t first;
	uint32_t count;
};

static void add_readers(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_below(run->rng, 3);

	while (n--) {
		struct sim_aoe_cfg cfg = sim_run_aoe_cfg(run);
		struct sim_aoe_habits habits = sim_run_aoe_habits(run);

		habits.write = habits.trim = 0;
		sim_run_aoe(run, &cfg, &habits, 20);
	}
}

static struct sim_aoe_user *quiet(struct sim_run *run)
{
	struct sim_aoe_cfg cfg = sim_run_aoe_cfg(run);
	struct sim_aoe_habits habits = sim_run_aoe_habits(run);

	habits.depth = 0; /* only by hand */
	return sim_run_aoe(run, &cfg, &habits, 0);
}

static bool is_ready(void *arg)
{
	return ((struct ghost *)arg)->user->aoe->ready;
}

static bool at_its_store(void *arg)
{
	struct ghost *g = arg;

	return sim_disk_io_writing(g->run->host->disk, g->first * SIM_SECTOR,
				   (uint64_t)g->count * SIM_SECTOR);
}

static bool is_answered(void *arg)
{
	struct ghost *g = arg;

	return g->user->aoe->in_flight == 0 && g->user->n_lost == 0;
}

static bool until(struct ghost *g, bool (*done)(void *arg), const char *what)
{
	if (sim_host_run_until(g->run->host, PATIENCE_NS, done, g))
		return true;
	sim_world_fail(g->run->world, "%s", what);
	return false;
}

/* Nothing of it can be under way when it is over: that is what a client owes to AoE. */
static bool give_up(struct ghost *g)
{
	g->user->aoe->cfg.patience_ns = 1;
	if (!until(g, is_answered, "the old write is not given up"))
		return false;
	g->user->aoe->cfg.patience_ns = 0;
	g->user->n_again = 0;
	return true;
}

static void run_ghost(struct sim_run *run)
{
	struct ghost g = { .run = run };

	sim_run_ifaces(run, (unsigned)sim_rng_between(run->rng, 1, SIM_AOE_IFACES), 9000);
	sim_run_serve(run, 512);
	if (sim_rng_chance(run->rng, 1, 2))
		sim_ether_trouble(run->host->ether, 200);
	add_readers(run);
	g.user = quiet(run);
	g.first = sim_rng_below(run->rng, 64);
	g.count = (uint32_t)sim_rng_between(run->rng, 1, 8);
	if (!until(&g, is_ready, "the disk is not found"))
		return;
	run->host->disk->stall_next_ns[DRV_WRITE] = STALL_NS;
	sim_aoe_ask_write(g.user, g.first, g.count, sim_rng_chance(run->rng, 1, 4));
	if (!until(&g, at_its_store, "the write does not reach its store"))
		return;
	sim_run_for(run, sim_rng_log(run->rng, SIM_US, 20 * SIM_S));
	if (g.user->aoe->in_flight && !give_up(&g))
		return;
	sim_aoe_ask_write(g.user, g.first, g.count, sim_rng_chance(run->rng, 1, 2));
	sim_count(run->world, SIM_COVER_RECONNECT);
	for (unsigned i = 0; i < 8 && !run->world->failed; i++) {
		sim_run_for(run, 10 * SIM_S);
		sim_aoe_ask_read(g.user, g.first, g.count);
		until(&g, is_answered, "no answer");
	}
}

const struct sim_scenario sim_aoe_ghost = {
	.name = "ghost",
	.words = "a store stalls for 60 s, its AoE client gives up and writes anew",
	.share = 3,
	.run = run_ghost,
};
