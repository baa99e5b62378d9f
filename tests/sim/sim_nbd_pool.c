/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd_pool.c - more is asked than there is memory or requests for.
 *
 * Large commands over a disk that stalls, clients that do not read their answers
 * and some that vanish with everything in flight; the smallest legal pool, and
 * few requests.  Everything asked must be answered in the end.
 */
#include "config.h"

#include "tests/sim/sim_run.h"

static void run_pool(struct sim_run *run)
{
	unsigned clients = (unsigned)sim_rng_between(run->rng, 2, 4);
	struct sim_disk_faults *f = &run->host->disk->faults;

	run->cfg.limits.requests = (uint32_t)sim_rng_log(run->rng, 8, 64);
	sim_run_serve(run, 4096);
	f->stall = 300;
	f->stall_min_ns = 10 * SIM_MS;
	f->stall_max_ns = 5 * SIM_S;
	for (unsigned i = 0; i < clients; i++) {
		struct sim_habits habits = sim_run_habits(run);
		bool large = sim_rng_chance(run->rng, 1, 4);

		habits.lines = (unsigned)sim_rng_between(run->rng, 1, 4);
		habits.depth = SIM_NBD_DEPTH;
		habits.burst = SIM_NBD_DEPTH;
		habits.max_sectors = large ? 2048 : 64;
		habits.pause = 500;
		habits.vanish = 200;
		habits.rewrite = false;
		sim_run_user(run, &habits, large ? 24 : 150);
	}
	sim_run_settle(run, 7200 * SIM_S);
}

const struct sim_scenario sim_nbd_pool = {
	.name = "pool",
	.words = "more is asked than there is room for",
	.share = 3,
	.run = run_pool,
};
