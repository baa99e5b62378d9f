/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd_calm.c - several clients, every command, nothing goes wrong.
 *
 * Whatever fails here is a plain bug: no fault excuses it.
 */
#include "config.h"

#include "tests/sim/sim_run.h"

static void run_calm(struct sim_run *run)
{
	unsigned clients = (unsigned)sim_rng_between(run->rng, 1, 4);

	if (sim_rng_chance(run->rng, 1, 4))
		run->cfg.block_bytes = 512;
	run->cfg.write_through = sim_rng_chance(run->rng, 1, 6);
	run->cfg.direct = sim_rng_chance(run->rng, 1, 4);
	sim_run_serve(run, sim_rng_between(run->rng, 64, 2048));
	for (unsigned i = 0; i < clients; i++) {
		struct sim_habits habits = sim_run_habits(run);

		habits.leave = 50;
		habits.pause = 50;
		if (habits.max_sectors > run->model->sectors)
			habits.max_sectors = (unsigned)run->model->sectors;
		sim_run_user(run, &habits, sim_rng_between(run->rng, 20, 100));
	}
	sim_run_settle(run, 3600 * SIM_S);
}

const struct sim_scenario sim_nbd_calm = {
	.name = "calm",
	.words = "several clients, nothing goes wrong",
	.share = 3,
	.run = run_calm,
};
