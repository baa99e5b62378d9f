/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd_power.c - the daemon ends while clients work.
 *
 *   power    the power fails, several times: what was acknowledged as durable is
 *            there, sector by sector, and everything else is something written
 *   kill     the process dies: everything acknowledged is there
 *   stop     an orderly stop flushes everything
 */
#include "config.h"

#include "tests/sim/sim_run.h"

static void add_users(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 3);

	for (unsigned i = 0; i < n; i++) {
		struct sim_habits habits = sim_run_habits(run);

		habits.flush = (unsigned)sim_rng_between(run->rng, 5, 20);
		habits.fua = (unsigned)sim_rng_between(run->rng, 0, 60);
		habits.errors_happen = true; /* a stopping daemon may say so */
		habits.cut = 50;
		sim_run_user(run, &habits, sim_rng_between(run->rng, 40, 120));
	}
}

static void some_time(struct sim_run *run)
{
	sim_run_for(run, sim_rng_log(run->rng, 100 * SIM_US, 300 * SIM_MS));
}

static void run_power(struct sim_run *run)
{
	unsigned cuts = (unsigned)sim_rng_between(run->rng, 1, 3);

	run->cfg.write_through = sim_rng_chance(run->rng, 1, 6);
	run->cfg.direct = sim_rng_chance(run->rng, 1, 4);
	sim_run_serve(run, sim_rng_between(run->rng, 128, 1024));
	add_users(run);
	while (cuts-- && !run->world->failed) {
		some_time(run);
		sim_run_power_cut(run);
	}
	sim_run_settle(run, 7200 * SIM_S);
}

static void run_kill(struct sim_run *run)
{
	sim_run_serve(run, sim_rng_between(run->rng, 128, 1024));
	add_users(run);
	some_time(run);
	sim_run_kill(run);
	if (!run->world->failed && sim_rng_chance(run->rng, 1, 2)) {
		some_time(run);
		sim_run_power_cut(run);
	}
	sim_run_settle(run, 7200 * SIM_S);
}

static void run_stop(struct sim_run *run)
{
	sim_run_serve(run, sim_rng_between(run->rng, 128, 1024));
	add_users(run);
	some_time(run);
	sim_run_restart(run);
	sim_run_settle(run, 7200 * SIM_S);
}

const struct sim_scenario sim_nbd_power = {
	.name = "power",
	.words = "the power fails under load",
	.share = 6,
	.run = run_power,
};

const struct sim_scenario sim_nbd_kill = {
	.name = "kill",
	.words = "the daemon is killed under load",
	.share = 2,
	.run = run_kill,
};

const struct sim_scenario sim_nbd_stop = {
	.name = "stop",
	.words = "the daemon is stopped in order under load",
	.share = 2,
	.run = run_stop,
};
