/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_aoe_faults.c - AoE clients over disks that stall or fail, and a daemon that ends.
 *
 *   frozen   the disk stalls, clients ask again and again, some give up and write the
 *            same place anew: the old write never wins
 *   outage   the power fails, the daemon is killed or stopped, with frames in flight:
 *            what was answered is there (unless it writes back), lists are kept
 *   faulty   the disk fails
 *
 * A machine that starts takes longer than a frame is under way: copies of frames that
 * the guard of the daemon before has seen do not reach the next one (sim_run.c).
 */
#include "config.h"

#include "tests/sim/sim_run.h"

static void serve(struct sim_run *run, uint64_t sectors)
{
	sim_run_ifaces(run, (unsigned)sim_rng_between(run->rng, 1, SIM_AOE_IFACES),
		       sim_rng_chance(run->rng, 1, 2) ? 1500 : 9000);
	sim_run_serve(run, sectors);
}

/* ---- stalls -------------------------------------------------------------- */

static void run_frozen(struct sim_run *run)
{
	struct sim_disk_faults *f = &run->host->disk->faults;
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 4);

	if (sim_rng_chance(run->rng, 1, 3))
		run->cfg.limits.requests = (uint32_t)sim_rng_log(run->rng, 8, 64);
	serve(run, sim_rng_between(run->rng, 64, 512));
	f->stall = (unsigned)sim_rng_log(run->rng, 50, 1000);
	f->stall_min_ns = 10 * SIM_MS;
	f->stall_max_ns = sim_rng_log(run->rng, SIM_S, 60 * SIM_S);
	if (sim_rng_chance(run->rng, 1, 2))
		sim_ether_trouble(run->host->ether, 100);
	while (n--) {
		struct sim_aoe_cfg cfg = sim_run_aoe_cfg(run);
		struct sim_aoe_habits habits = sim_run_aoe_habits(run);

		cfg.wait_max_ns =
			120 * SIM_S; /* or what is asked again is more than what is done */
		if (sim_rng_chance(run->rng, 2, 3))
			cfg.patience_ns = sim_rng_log(run->rng, 20 * SIM_MS, 10 * SIM_S);
		sim_run_aoe(run, &cfg, &habits, sim_rng_between(run->rng, 20, 60));
	}
	sim_run_settle(run, 7200 * SIM_S);
}

/* ---- ends ---------------------------------------------------------------- */

static void some_time(struct sim_run *run)
{
	sim_run_for(run, sim_rng_log(run->rng, 100 * SIM_US, 300 * SIM_MS));
}

static void run_outage(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 3);
	unsigned ends = (unsigned)sim_rng_between(run->rng, 1, 3);
	bool lists = sim_rng_chance(run->rng, 1, 3);

	run->cfg.aoe_write_back = sim_rng_chance(run->rng, 1, 4);
	run->cfg.direct = sim_rng_chance(run->rng, 1, 4);
	serve(run, sim_rng_between(run->rng, 64, 512));
	if (sim_rng_chance(run->rng, 1, 2))
		sim_ether_trouble(run->host->ether, 50);
	while (n--) {
		struct sim_aoe_cfg cfg = sim_run_aoe_cfg(run);
		struct sim_aoe_habits habits = sim_run_aoe_habits(run);

		habits.lists = lists ? 1000 : 0;
		habits.refused = lists;
		habits.string = n == 0 ? 10 : 0;
		sim_run_aoe(run, &cfg, &habits, sim_rng_between(run->rng, 40, 120));
	}
	while (ends-- && !run->world->failed) {
		some_time(run);
		if (sim_rng_chance(run->rng, 1, 2))
			sim_run_power_cut(run);
		else if (sim_rng_chance(run->rng, 1, 2))
			sim_run_kill(run);
		else
			sim_run_restart(run);
	}
	sim_run_settle(run, 7200 * SIM_S);
}

/* ---- errors -------------------------------------------------------------- */

static void run_faulty(struct sim_run *run)
{
	struct sim_disk_faults *f = &run->host->disk->faults;
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 3);

	serve(run, sim_rng_between(run->rng, 64, 512));
	f->read_error = (unsigned)sim_rng_log(run->rng, 10, 1000);
	f->write_error = (unsigned)sim_rng_log(run->rng, 10, 1000);
	f->sync_error = (unsigned)sim_rng_log(run->rng, 10, 1000);
	if (sim_rng_chance(run->rng, 1, 2))
		sim_ether_trouble(run->host->ether, 100);
	while (n--) {
		struct sim_aoe_cfg cfg = sim_run_aoe_cfg(run);
		struct sim_aoe_habits habits = sim_run_aoe_habits(run);

		habits.errors_happen = true;
		habits.lists = sim_rng_chance(run->rng, 1, 4) ? 500 : 0;
		sim_run_aoe(run, &cfg, &habits, sim_rng_between(run->rng, 20, 80));
	}
	sim_run_settle(run, 7200 * SIM_S);
}

const struct sim_scenario sim_aoe_frozen = {
	.name = "frozen",
	.words = "the disk stalls, AoE clients ask again, some give up",
	.share = 4,
	.run = run_frozen,
};

const struct sim_scenario sim_aoe_outage = {
	.name = "outage",
	.words = "power cuts and ends of the daemon under AoE",
	.share = 5,
	.run = run_outage,
};

const struct sim_scenario sim_aoe_faulty = {
	.name = "faulty",
	.words = "the disk fails under AoE",
	.share = 3,
	.run = run_faulty,
};
