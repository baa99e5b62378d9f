/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_planted.c - the program that shows what the simulation is worth: over a
 * core built with -DGW_PLANT, each planted bug is found within a bounded number
 * of seeds, and the seed that finds it finds nothing without the plant.
 *
 *   parent ──fork──▶ child: seed, seed, seed ... found (exit 1) or crashed
 *      ◀── pipe: the number of each seed before it runs
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/check.h"
#include "gateway/core/plant.h"
#include "tests/sim/sim_run.h"
#include "tests/sim/sim_seeds.h"

#define SEEDS_MAX 1000

static const char *const bugs[GW_PLANT_COUNT] = {
	[GW_PLANT_SKIP_FENCE] = "a fence skipped",
	[GW_PLANT_EARLY_ACK] = "an acknowledgement before the sync",
	[GW_PLANT_ORPHAN_REUSE] = "an orphan's buffer used again",
};

static void __attribute__((noreturn)) child(int out, uint64_t first, uint64_t last)
{
	struct sim_result r = { 0 };

	for (uint64_t n = first; n <= last && !r.failed; n++) {
		struct sim_seed seed = sim_seeds_of(n);

		if (write(out, &n, sizeof(n)) != sizeof(n))
			_exit(2);
		sim_run_seed(seed.scenario, n, seed.loops, false, &r);
	}
	if (r.failed)
		printf("# %s\n", r.failure);
	fflush(stdout);
	_exit(r.failed);
}

/* Runs the seeds until one finds something; that seed, or 0. */
static uint64_t search(enum gw_plant_kind kind, uint64_t first, uint64_t last)
{
	uint64_t n = 0;
	int pipes[2], status = 0;
	pid_t pid;

	gw_plant = kind;
	fflush(stdout);
	GW_CHECK(pipe(pipes) == 0);
	pid = fork();
	GW_CHECK(pid >= 0);
	if (pid == 0) {
		close(pipes[0]);
		/* The last words of a daemon with a bug in it are no news. */
		if (kind != GW_PLANT_NONE && !freopen("/dev/null", "w", stderr))
			_exit(2);
		child(pipes[1], first, last);
	}
	close(pipes[1]);
	while (read(pipes[0], &n, sizeof(n)) == sizeof(n))
		;
	close(pipes[0]);
	GW_CHECK(waitpid(pid, &status, 0) == pid);
	return status == 0 ? 0 : n;
}

int main(void)
{
	unsigned number = 0, bad = 0;

	sim_seeds_quiet(false);
	sim_daemon_register();
	printf("1..%d\n", 2 * (GW_PLANT_COUNT - 1));
	for (int kind = GW_PLANT_NONE + 1; kind < GW_PLANT_COUNT; kind++) {
		uint64_t n = search((enum gw_plant_kind)kind, 1, SEEDS_MAX);
		struct sim_seed seed = sim_seeds_of(n);
		bool clean = n && search(GW_PLANT_NONE, n, n) == 0;

		bad += !n + !clean;
		printf("%s %u - %s is found: seed %llu (%s, %u loops), of %d\n",
		       n ? "ok" : "not ok", ++number, bugs[kind], (unsigned long long)n,
		       seed.scenario->name, seed.loops, SEEDS_MAX);
		printf("%s %u - without it, seed %llu finds nothing\n", clean ? "ok" : "not ok",
		       ++number, (unsigned long long)n);
	}
	return bad != 0;
}
