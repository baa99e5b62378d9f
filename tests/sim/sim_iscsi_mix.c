/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi_mix.c - iSCSI initiators and NBD clients on one volume.
 *
 *   mix      nothing goes wrong
 *   digests  bytes are spoilt on the wire, where a digest tells
 *   breaks   sessions break in every way, and are reinstated
 *   tasks    commands are aborted, the unit is reset, the disk stalls
 *   memory   more is asked than there is memory or requests for
 *   tempest  all of it, power cuts too
 */
#include "config.h"

#include "tests/sim/sim_run.h"

static void serve(struct sim_run *run, uint64_t sectors)
{
	run->cfg.iscsi = true;
	if (sim_rng_chance(run->rng, 1, 2))
		run->cfg.limits.pool_bytes = 4ull * GW_POOL_MIN_BYTES;
	sim_run_serve(run, sectors);
}

static void add_users(struct sim_run *run, unsigned n, unsigned odds, bool errors)
{
	while (n--) {
		struct sim_habits habits = sim_run_habits(run);

		habits.cut = odds;
		habits.vanish = odds / 2;
		habits.leave = odds / 2;
		habits.errors_happen = errors;
		sim_run_user(run, &habits, sim_rng_between(run->rng, 20, 60));
	}
}

static void break_sessions(struct sim_manners *m, unsigned odds)
{
	m->cut = odds;
	m->half_open = odds;
	m->vanish = odds / 2;
	m->leave = odds / 2;
	m->half_request = odds;
	m->pause = odds / 2;
}

static void run_mix(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 4);

	run->cfg.write_through = sim_rng_chance(run->rng, 1, 6);
	run->cfg.direct = sim_rng_chance(run->rng, 1, 4);
	serve(run, sim_rng_between(run->rng, 64, 2048));
	while (n--) {
		struct sim_iscsi_cfg cfg = sim_run_iscsi_cfg(run);
		struct sim_manners manners = sim_run_manners(run);

		manners.leave = 200;
		manners.pause = 50;
		manners.stray = 300;
		manners.twice = 300;
		sim_run_initiator(run, &cfg, &manners, sim_rng_between(run->rng, 20, 100));
	}
	add_users(run, (unsigned)sim_rng_below(run->rng, 3), 0, false);
	sim_run_settle(run, 3600 * SIM_S);
}

static void run_digests(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 3);

	serve(run, sim_rng_between(run->rng, 64, 1024));
	while (n--) {
		struct sim_iscsi_cfg cfg = sim_run_iscsi_cfg(run);
		struct sim_manners manners = sim_run_manners(run);

		cfg.header_digest = sim_rng_chance(run->rng, 1, 2);
		cfg.data_digest = !cfg.header_digest || sim_rng_chance(run->rng, 2, 3);
		cfg.corrupt = (unsigned)sim_rng_log(run->rng, 50, 1000);
		manners.nop = 10;
		sim_run_initiator(run, &cfg, &manners, sim_rng_between(run->rng, 20, 80));
	}
	add_users(run, (unsigned)sim_rng_below(run->rng, 2), 0, false);
	sim_run_settle(run, 3600 * SIM_S);
}

static void run_cuts(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 4);

	serve(run, sim_rng_between(run->rng, 256, 2048));
	if (sim_rng_chance(run->rng, 1, 2)) {
		run->host->disk->faults.stall = (unsigned)sim_rng_log(run->rng, 20, 500);
		run->host->disk->faults.stall_min_ns = 10 * SIM_MS;
		run->host->disk->faults.stall_max_ns = sim_rng_log(run->rng, SIM_S, 60 * SIM_S);
	}
	while (n--) {
		struct sim_iscsi_cfg cfg = sim_run_iscsi_cfg(run);
		struct sim_manners manners = sim_run_manners(run);

		break_sessions(&manners, 300);
		sim_run_initiator(run, &cfg, &manners, sim_rng_between(run->rng, 20, 80));
	}
	add_users(run, (unsigned)sim_rng_below(run->rng, 3), 200, false);
	sim_run_settle(run, 7200 * SIM_S);
}

static void run_tasks(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 3);

	serve(run, sim_rng_between(run->rng, 64, 512));
	run->host->disk->faults.stall = (unsigned)sim_rng_log(run->rng, 100, 1000);
	run->host->disk->faults.stall_min_ns = SIM_MS;
	run->host->disk->faults.stall_max_ns = sim_rng_log(run->rng, SIM_S, 120 * SIM_S);
	while (n--) {
		struct sim_iscsi_cfg cfg = sim_run_iscsi_cfg(run);
		struct sim_manners manners = sim_run_manners(run);

		manners.abort = 2000;
		manners.reset = sim_rng_chance(run->rng, 1, 2) ? 1000 : 0;
		manners.stray = 200;
		manners.pause = 100;
		sim_run_initiator(run, &cfg, &manners, sim_rng_between(run->rng, 20, 80));
	}
	add_users(run, (unsigned)sim_rng_below(run->rng, 2), 0, false);
	sim_run_settle(run, 7200 * SIM_S);
}

static void run_pool(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 3);
	struct sim_disk_faults *f = &run->host->disk->faults;

	run->cfg.iscsi = true;
	run->cfg.limits.requests = (uint32_t)sim_rng_log(run->rng, 8, 64);
	sim_run_serve(run, 4096);
	f->stall = 300;
	f->stall_min_ns = 10 * SIM_MS;
	f->stall_max_ns = 5 * SIM_S;
	while (n--) {
		struct sim_iscsi_cfg cfg = sim_run_iscsi_cfg(run);
		struct sim_manners manners = sim_run_manners(run);
		bool large = sim_rng_chance(run->rng, 1, 3);

		manners.depth = SIM_ISCSI_DEPTH;
		manners.burst = SIM_ISCSI_DEPTH;
		manners.max_sectors = large ? 4096 : 128;
		manners.pause = 500;
		manners.vanish = 200;
		manners.patience_ns = 600 * SIM_S;
		manners.rewrite = false;
		if (large && cfg.recv_max < 8192)
			cfg.recv_max = 8192;
		if (large && cfg.send_max < 8192)
			cfg.send_max = 8192;
		sim_run_initiator(run, &cfg, &manners, large ? 24 : 100);
	}
	add_users(run, (unsigned)sim_rng_below(run->rng, 2), 100, false);
	sim_run_settle(run, 7200 * SIM_S);
}

static void run_storm(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 4);
	struct sim_disk_faults *f = &run->host->disk->faults;
	/* A new daemon cannot know of a sync that failed before it. */
	bool power = sim_rng_chance(run->rng, 2, 3);

	run->cfg.limits.requests = (uint32_t)sim_rng_log(run->rng, 16, 256);
	serve(run, sim_rng_between(run->rng, 256, 2048));
	while (n--) {
		struct sim_iscsi_cfg cfg = sim_run_iscsi_cfg(run);
		struct sim_manners manners = sim_run_manners(run);

		break_sessions(&manners, 200);
		manners.abort = manners.stray = 200;
		manners.reset = 50;
		manners.errors_happen = true;
		cfg.corrupt = 50;
		sim_run_initiator(run, &cfg, &manners, sim_rng_between(run->rng, 20, 80));
	}
	add_users(run, (unsigned)sim_rng_between(run->rng, 0, 2), 200, true);
	for (unsigned i = 0; i < 3 && !run->world->failed; i++) {
		*f = (struct sim_disk_faults){
			.read_error = (unsigned)sim_rng_below(run->rng, 100),
			.write_error = (unsigned)sim_rng_below(run->rng, 100),
			.sync_error = power ? (unsigned)sim_rng_below(run->rng, 100) : 0,
			.stall = (unsigned)sim_rng_below(run->rng, 200),
			.stall_min_ns = SIM_MS,
			.stall_max_ns = 20 * SIM_S,
		};
		sim_run_for(run, sim_rng_log(run->rng, SIM_MS, 5 * SIM_S));
		*f = (struct sim_disk_faults){ 0 };
		if (power && sim_rng_chance(run->rng, 1, 2))
			sim_run_power_cut(run);
		else if (!power && sim_rng_chance(run->rng, 1, 2))
			sim_run_kill(run);
		else if (!power)
			sim_run_restart(run);
	}
	sim_run_settle(run, 7200 * SIM_S);
}

const struct sim_scenario sim_iscsi_mix = {
	.name = "mix",
	.words = "iSCSI and NBD on one volume, nothing goes wrong",
	.share = 5,
	.run = run_mix,
};

const struct sim_scenario sim_iscsi_digests = {
	.name = "digests",
	.words = "bytes are spoilt where a digest tells",
	.share = 3,
	.run = run_digests,
};

const struct sim_scenario sim_iscsi_cuts = {
	.name = "breaks",
	.words = "iSCSI sessions break and are reinstated",
	.share = 5,
	.run = run_cuts,
};

const struct sim_scenario sim_iscsi_tasks = {
	.name = "tasks",
	.words = "ABORT TASK and LUN RESET over a disk that stalls",
	.share = 4,
	.run = run_tasks,
};

const struct sim_scenario sim_iscsi_pool = {
	.name = "memory",
	.words = "initiators ask more than there is room for",
	.share = 2,
	.run = run_pool,
};

const struct sim_scenario sim_iscsi_storm = {
	.name = "tempest",
	.words = "everything at once, with iSCSI",
	.share = 4,
	.run = run_storm,
};
