/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd_faults.c - the network and the disk misbehave while clients work.
 *
 *   cuts     connections break in every way; clients come back and write again
 *   stalls   disk operations take seconds to minutes; clients give up and return
 *   errors   the disk fails reads, writes and syncs, fills up, vanishes
 *   storm    all of it, power cuts too
 */
#include "config.h"

#include "tests/sim/sim_run.h"

static void break_lines(struct sim_habits *h, unsigned odds)
{
	h->cut = odds;
	h->half_open = odds / 2;
	h->vanish = odds / 2;
	h->leave = odds / 2;
	h->half_request = odds / 2;
	h->pause = odds / 2;
}

static void add_users(struct sim_run *run, unsigned n, unsigned odds, bool errors)
{
	for (unsigned i = 0; i < n; i++) {
		struct sim_habits habits = sim_run_habits(run);

		break_lines(&habits, odds);
		habits.errors_happen = errors;
		sim_run_user(run, &habits, sim_rng_between(run->rng, 20, 80));
	}
}

/* One that comes, sends 64 commands and is gone, again and again. */
static void add_vandal(struct sim_run *run)
{
	struct sim_habits habits = sim_run_habits(run);

	habits.lines = 1;
	habits.depth = SIM_NBD_DEPTH;
	habits.burst = SIM_NBD_DEPTH;
	habits.max_sectors = 32;
	habits.vanish = 10000;
	habits.away_max_ns = SIM_MS;
	habits.rewrite = false;
	sim_run_user(run, &habits, 1000);
}

static void run_cuts(struct sim_run *run)
{
	run->cfg.write_through = sim_rng_chance(run->rng, 1, 8);
	sim_run_serve(run, sim_rng_between(run->rng, 256, 2048));
	if (sim_rng_chance(run->rng, 1, 8))
		add_vandal(run);
	add_users(run, (unsigned)sim_rng_between(run->rng, 1, 4), 300, false);
	sim_run_settle(run, 7200 * SIM_S);
}

static void run_stalls(struct sim_run *run)
{
	sim_run_serve(run, sim_rng_between(run->rng, 256, 1024));
	run->host->disk->faults.stall = (unsigned)sim_rng_log(run->rng, 20, 500);
	run->host->disk->faults.stall_min_ns = 100 * SIM_MS;
	run->host->disk->faults.stall_max_ns = sim_rng_log(run->rng, SIM_S, 120 * SIM_S);
	add_users(run, (unsigned)sim_rng_between(run->rng, 1, 3), 400, false);
	sim_run_settle(run, 7200 * SIM_S);
}

/* Many flushes at once, and one of them fails: then no other may say that what
 * the kernel has dropped is safe. */
static void add_flushers(struct sim_run *run)
{
	for (unsigned i = 0; i < 3; i++) {
		struct sim_habits habits = sim_run_habits(run);

		habits.lines = 2;
		habits.depth = 16;
		habits.flush = 30;
		habits.fua = 30;
		habits.errors_happen = true;
		sim_run_user(run, &habits, sim_rng_between(run->rng, 50, 150));
	}
}

static void run_errors(struct sim_run *run)
{
	struct sim_disk_faults *f = &run->host->disk->faults;
	uint64_t sectors = sim_rng_between(run->rng, 256, 1024);

	sim_run_serve(run, sectors);
	f->read_error = (unsigned)sim_rng_log(run->rng, 10, 1000);
	f->write_error = (unsigned)sim_rng_log(run->rng, 10, 1000);
	f->sync_error = (unsigned)sim_rng_log(run->rng, 10, 2000);
	if (sim_rng_chance(run->rng, 1, 3))
		f->capacity_sectors = sectors / 2;
	if (sim_rng_chance(run->rng, 1, 3))
		add_flushers(run);
	add_users(run, (unsigned)sim_rng_between(run->rng, 1, 3), 50, true);
	sim_run_for(run, sim_rng_log(run->rng, SIM_MS, SIM_S));
	if (sim_rng_chance(run->rng, 1, 4)) {
		run->host->disk->vanished = true;
		sim_run_for(run, sim_rng_log(run->rng, SIM_MS, SIM_S));
		run->host->disk->vanished = false;
	}
	sim_run_settle(run, 7200 * SIM_S);
}

static void run_storm(struct sim_run *run)
{
	struct sim_disk_faults *f = &run->host->disk->faults;

	run->cfg.limits.requests = (uint32_t)sim_rng_log(run->rng, 16, 256);
	sim_run_serve(run, sim_rng_between(run->rng, 256, 2048));
	add_users(run, (unsigned)sim_rng_between(run->rng, 2, 5), 300, true);
	for (unsigned i = 0; i < 3 && !run->world->failed; i++) {
		*f = (struct sim_disk_faults){
			.read_error = (unsigned)sim_rng_below(run->rng, 100),
			.write_error = (unsigned)sim_rng_below(run->rng, 100),
			.sync_error = (unsigned)sim_rng_below(run->rng, 100),
			.stall = (unsigned)sim_rng_below(run->rng, 200),
			.stall_min_ns = SIM_MS,
			.stall_max_ns = 20 * SIM_S,
		};
		sim_run_for(run, sim_rng_log(run->rng, SIM_MS, 5 * SIM_S));
		*f = (struct sim_disk_faults){ 0 };
		if (sim_rng_chance(run->rng, 1, 2))
			sim_run_power_cut(run);
	}
	sim_run_settle(run, 7200 * SIM_S);
}

const struct sim_scenario sim_nbd_cuts = {
	.name = "cuts",
	.words = "connections break, clients come back and write again",
	.share = 4,
	.run = run_cuts,
};

const struct sim_scenario sim_nbd_stalls = {
	.name = "stalls",
	.words = "disk operations take up to two minutes",
	.share = 4,
	.run = run_stalls,
};

const struct sim_scenario sim_nbd_errors = {
	.name = "errors",
	.words = "the disk fails, fills up, vanishes",
	.share = 3,
	.run = run_errors,
};

const struct sim_scenario sim_nbd_storm = {
	.name = "storm",
	.words = "everything at once",
	.share = 4,
	.run = run_storm,
};
