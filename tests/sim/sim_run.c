/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_run.c - the frame around every scenario.
 */
#include "config.h"

#include "tests/sim/sim_run.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"

static struct sim_world *the_world;

struct sim_world *sim_run_world(void)
{
	return the_world;
}

/* ---- the daemon --------------------------------------------------------- */

/* A failed sync gave sectors of the image up. */
static void on_lost(void *arg, struct sim_inode *inode, uint64_t first, uint64_t sectors)
{
	struct sim_run *run = arg;

	if (inode == sim_disk_find(run->host->disk, SIM_IMAGE))
		sim_model_disturbed(run->model, first, sectors);
}

static void start(struct sim_run *run)
{
	run->serving = sim_daemon_start(&run->daemon, run->host, &run->cfg);
}

void sim_run_serve(struct sim_run *run, uint64_t sectors)
{
	run->model = sim_model_new(run->world, sectors);
	run->model->write_through = run->cfg.write_through;
	run->model->reads_tear = run->host->disk->lend_odds;
	run->host->disk->lost = on_lost;
	run->host->disk->lost_arg = run;
	sim_daemon_make_image(run->host, sectors * SIM_MODEL_SECTOR);
	start(run);
}

static void peek(void *arg, uint64_t first, uint32_t count, uint8_t *buf)
{
	struct sim_run *run = arg;
	struct sim_inode *inode = sim_disk_find(run->host->disk, SIM_IMAGE);

	if (!inode) {
		sim_world_fail(run->world, "the image has lost its name");
		memset(buf, 0, (size_t)count * SIM_SECTOR);
		return;
	}
	sim_inode_read(inode, first * SIM_SECTOR, buf, (size_t)count * SIM_SECTOR);
}

/* A machine is away for longer than frames can be under way. */
static void renew(struct sim_run *run)
{
	if (run->aoes)
		sim_ether_hush(run->host->ether);
	for (unsigned i = 0; i < run->aoes; i++)
		sim_aoe_ask_renew(run->aoe[i]);
}

void sim_run_power_cut(struct sim_run *run)
{
	sim_host_power_cut(run->host);
	sim_model_power_cut(run->model, peek, run);
	renew(run);
	sim_daemon_stop(&run->daemon);
	sim_host_power_on(run->host);
	sim_run_for(run, sim_rng_log(run->rng, SIM_MS, 10 * SIM_S));
	if (!run->world->failed)
		start(run);
}

void sim_run_kill(struct sim_run *run)
{
	sim_host_kill(run->host);
	sim_model_killed(run->model, peek, run);
	renew(run);
	sim_daemon_stop(&run->daemon);
	sim_host_power_on(run->host);
	sim_run_for(run, sim_rng_log(run->rng, SIM_MS, SIM_S));
	if (!run->world->failed)
		start(run);
}

void sim_run_restart(struct sim_run *run)
{
	uint64_t stamp = sim_model_flush(run->model);

	/* The last flush covers all that was acknowledged before. */
	if (sim_daemon_stop(&run->daemon))
		sim_model_flushed(run->model, stamp);
	if (!run->world->failed && sim_rng_chance(run->rng, 1, 2)) {
		sim_host_power_cut(run->host);
		sim_model_power_cut(run->model, peek, run);
		renew(run);
		sim_host_power_on(run->host);
	} else if (run->aoes) {
		sim_ether_hush(run->host->ether);
	}
	sim_run_for(run, sim_rng_log(run->rng, SIM_MS, SIM_S));
	if (!run->world->failed)
		start(run);
}

/* ---- clients ------------------------------------------------------------ */

struct sim_habits sim_run_habits(struct sim_run *run)
{
	struct sim_rng *r = run->rng;

	return (struct sim_habits){
		.lines = (unsigned)sim_rng_between(r, 1, 3),
		.depth = (unsigned)sim_rng_log(r, 1, SIM_NBD_DEPTH),
		.burst = (unsigned)sim_rng_log(r, 1, 16),
		.think_min_ns = SIM_US,
		.think_max_ns = sim_rng_log(r, 100 * SIM_US, 50 * SIM_MS),
		.max_sectors = (unsigned)sim_rng_log(r, 4, 128),
		.write = (unsigned)sim_rng_between(r, 25, 60),
		.flush = (unsigned)sim_rng_between(r, 1, 8),
		.zero = 4,
		.trim = 4,
		.cache = 2,
		.status = 4,
		.fua = (unsigned)sim_rng_between(r, 0, 20),
		.pause_max_ns = SIM_S,
		.away_max_ns = sim_rng_log(r, SIM_MS, SIM_S),
		.rewrite = true,
	};
}

struct sim_user *sim_run_user(struct sim_run *run, const struct sim_habits *habits, uint64_t budget)
{
	struct sim_nbd_cfg cfg = {
		.headers = (enum sim_nbd_headers)sim_rng_below(run->rng, 3),
		.export_name = sim_rng_chance(run->rng, 1, 6),
		.meta = sim_rng_chance(run->rng, 3, 4),
		.chatty = sim_rng_chance(run->rng, 1, 6),
		.name = sim_rng_chance(run->rng, 1, 2) ? "disk" : "",
	};
	struct sim_user *user = sim_user_new(run->host->net, run->model, ++run->next_id,
					     &sim_daemon_addr, &cfg, habits, budget);

	GW_CHECK(run->users < SIM_USERS);
	run->user[run->users++] = user;
	sim_user_start(user);
	return user;
}

/* ---- initiators --------------------------------------------------------- */

struct sim_manners sim_run_manners(struct sim_run *run)
{
	struct sim_rng *r = run->rng;

	return (struct sim_manners){
		.depth = (unsigned)sim_rng_log(r, 1, SIM_ISCSI_DEPTH),
		.burst = (unsigned)sim_rng_log(r, 1, 16),
		.think_min_ns = SIM_US,
		.think_max_ns = sim_rng_log(r, 100 * SIM_US, 50 * SIM_MS),
		.max_sectors = (unsigned)sim_rng_log(r, 4, 256),
		.write = (unsigned)sim_rng_between(r, 25, 50),
		.sync = (unsigned)sim_rng_between(r, 1, 6),
		.unmap = 3,
		.same = 3,
		.zero = 3,
		.caw = (unsigned)sim_rng_between(r, 0, 12),
		.test = 1,
		.nop = 2,
		.fua = (unsigned)sim_rng_between(r, 0, 20),
		.pause_max_ns = SIM_S,
		.away_max_ns = sim_rng_log(r, SIM_MS, SIM_S),
		.patience_ns = 30 * SIM_S,
		.rewrite = true,
	};
}

struct sim_iscsi_cfg sim_run_iscsi_cfg(struct sim_run *run)
{
	struct sim_rng *r = run->rng;
	struct sim_iscsi_cfg cfg = {
		.style = (enum sim_iscsi_style)sim_rng_below(r, SIM_STYLES),
		.initial_r2t = sim_rng_chance(r, 1, 3),
		.immediate = sim_rng_chance(r, 2, 3),
		.header_digest = sim_rng_chance(r, 1, 4),
		.data_digest = sim_rng_chance(r, 1, 4),
		.first_burst = (uint32_t)sim_rng_log(r, 512, 262144),
		.max_burst = (uint32_t)sim_rng_log(r, 512, 1u << 20),
		.max_r2t = (uint32_t)sim_rng_between(r, 1, 4),
		.recv_max = (uint32_t)sim_rng_log(r, 512, 262144),
		.send_max = (uint32_t)sim_rng_log(r, 512, 262144) & ~3u,
		.isid = { 0x80 },
	};

	if (cfg.first_burst > cfg.max_burst)
		cfg.first_burst = cfg.max_burst;
	return cfg;
}

struct sim_initiator *sim_run_initiator(struct sim_run *run, const struct sim_iscsi_cfg *like,
					const struct sim_manners *manners, uint64_t budget)
{
	struct sim_iscsi_cfg cfg = *like;
	struct sim_initiator *u;

	GW_CHECK(run->initiators < SIM_INITIATORS);
	cfg.port = ++run->next_id;
	cfg.isid[5] = (uint8_t)cfg.port;
	u = sim_initiator_new(run->host->net, run->model, cfg.port, &sim_daemon_iscsi_addr, &cfg,
			      manners, budget);
	run->initiator[run->initiators++] = u;
	sim_initiator_start(u);
	return u;
}

void sim_run_for(struct sim_run *run, uint64_t ns)
{
	sim_host_run(run->host, ns);
}

static bool all_idle(void *arg)
{
	struct sim_run *run = arg;

	for (unsigned i = 0; i < run->users; i++)
		if (!sim_user_idle(run->user[i]))
			return false;
	for (unsigned i = 0; i < run->initiators; i++)
		if (!sim_initiator_idle(run->initiator[i]))
			return false;
	for (unsigned i = 0; i < run->aoes; i++)
		if (!sim_aoe_user_idle(run->aoe[i]))
			return false;
	return true;
}

static uint64_t left(struct sim_run *run)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < run->users; i++)
		n += run->user[i]->budget + sim_user_in_flight(run->user[i]);
	for (unsigned i = 0; i < run->initiators; i++)
		n += run->initiator[i]->budget + sim_initiator_in_flight(run->initiator[i]);
	for (unsigned i = 0; i < run->aoes; i++)
		n += run->aoe[i]->budget + run->aoe[i]->aoe->in_flight;
	return n;
}

void sim_run_settle(struct sim_run *run, uint64_t patience_ns)
{
	if (!sim_host_run_until(run->host, patience_ns, all_idle, run))
		sim_world_fail(run->world,
			       "after %llu s of patience %llu commands are not answered",
			       (unsigned long long)(patience_ns / SIM_S),
			       (unsigned long long)left(run));
}

static bool is_ready(void *user)
{
	return sim_user_ready(user);
}

bool sim_run_connected(struct sim_run *run, struct sim_user *user)
{
	if (sim_host_run_until(run->host, 600 * SIM_S, is_ready, user))
		return true;
	sim_world_fail(run->world, "client %u does not get a connection", user->id);
	return false;
}

static bool is_answered(void *user)
{
	return sim_user_in_flight(user) == 0;
}

bool sim_run_answered(struct sim_run *run, struct sim_user *user, uint64_t patience_ns)
{
	if (sim_host_run_until(run->host, patience_ns, is_answered, user))
		return true;
	sim_world_fail(run->world, "client %u gets no answer", user->id);
	return false;
}

/* ---- the end of every scenario ------------------------------------------ */

static void heal(struct sim_run *run)
{
	run->host->disk->faults = (struct sim_disk_faults){ 0 };
	run->host->disk->vanished = false;
	memset(run->host->disk->stall_next_ns, 0, sizeof(run->host->disk->stall_next_ns));
	memset(run->host->disk->fail_next, 0, sizeof(run->host->disk->fail_next));
	for (unsigned i = 0; i < run->users; i++) {
		run->user[i]->budget = 0;
		sim_user_stop(run->user[i]);
	}
	for (unsigned i = 0; i < run->initiators; i++) {
		run->initiator[i]->budget = 0;
		sim_initiator_stop(run->initiator[i]);
	}
	for (unsigned i = 0; i < run->aoes; i++) {
		run->aoe[i]->budget = 0;
		sim_aoe_user_stop(run->aoe[i]);
	}
	run->host->ether->faults = (struct sim_ether_faults){ 0 };
}

static void read_all(struct sim_run *run)
{
	struct sim_habits habits = sim_run_habits(run);
	struct sim_user *checker;
	uint32_t step = 256;

	habits.lines = 1;
	habits.errors_happen = false;
	habits.rewrite = false;
	checker = sim_run_user(run, &habits, 1);
	checker->habits.depth = 0; /* connects and sends nothing by itself */
	for (uint64_t at = 0; at < run->model->sectors && !run->world->failed; at += step) {
		uint32_t n = run->model->sectors - at < step ? (uint32_t)(run->model->sectors - at)
							     : step;

		if (!sim_run_connected(run, checker) || !sim_user_read(checker, at, n) ||
		    !sim_run_answered(run, checker, 600 * SIM_S))
			return;
	}
	checker->budget = 0;
}

static void finish(struct sim_run *run)
{
	uint64_t stamp;

	heal(run);
	if (run->serving && !run->world->failed) {
		sim_run_settle(run, 1000 * SIM_S);
		read_all(run);
	}
	if (!run->host->loops)
		return;
	stamp = sim_model_flush(run->model);
	if (sim_daemon_stop(&run->daemon))
		sim_model_flushed(run->model, stamp);
	if (run->world->failed)
		return;
	sim_host_power_cut(run->host);
	sim_model_power_cut(run->model, peek, run);
}

static void give_up(struct sim_run *run)
{
	for (unsigned i = 0; i < SIM_USERS; i++)
		sim_user_free(&run->user[i]);
	for (unsigned i = 0; i < SIM_INITIATORS; i++)
		sim_initiator_free(&run->initiator[i]);
	for (unsigned i = 0; i < SIM_AOE_USERS; i++)
		sim_aoe_user_free(&run->aoe[i]);
	sim_model_free(&run->model);
	sim_host_free(&run->host);
}

void sim_run_seed(const struct sim_scenario *scenario, uint64_t seed, unsigned loops, bool trace,
		  struct sim_result *result)
{
	struct sim_run run = { 0 };

	run.host = sim_host_new(seed ^ sim_rng_mix(loops));
	run.world = the_world = run.host->world;
	run.world->seed = seed;
	run.world->trace.print = trace;
	run.rng = &run.world->rng;
	run.cfg = (struct sim_daemon_cfg){ .loops = loops };
	run.cfg.limits.pool_bytes = GW_POOL_MIN_BYTES;
	scenario->run(&run);
	finish(&run);
	result->failed = run.world->failed;
	memcpy(result->failure, run.world->failure, sizeof(result->failure));
	memcpy(result->cover, run.world->cover, sizeof(result->cover));
	result->hash = run.world->trace.hash;
	result->steps = run.host->steps;
	result->virtual_ns = run.world->now_ns - 1000 * SIM_S;
	the_world = NULL;
	give_up(&run);
}
