/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd_sixty.c - a store stalls for 60 s; its client gives up, comes back on
 * the same or on another loop, and writes the same place anew.  The old write
 * never wins, nor does its memory serve somebody else meanwhile.
 *
 *   old ──write──▶ store (stalls 60 s) ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶ lands
 *        ✂ connection
 *   new ──connect──write──────────────────────────────────────────▶ read: new
 */
#include "config.h"

#include "tests/sim/sim_disk_io.h"
#include "tests/sim/sim_run.h"

#define STALL_NS (60 * SIM_S)

static struct sim_user *quiet_user(struct sim_run *run)
{
	struct sim_habits habits = sim_run_habits(run);
	struct sim_user *user;

	habits.lines = 1;
	habits.max_sectors = 256;
	habits.rewrite = false;
	user = sim_run_user(run, &habits, 1);
	user->habits.depth = 0; /* only by hand */
	return user;
}

struct old_write {
	struct sim_run *run;
	struct sim_user *user;
	uint64_t first;
	uint32_t count;
};

static bool at_its_store(void *arg)
{
	struct old_write *old = arg;

	return sim_disk_io_writing(old->run->host->disk, old->first * SIM_SECTOR,
				   (uint64_t)old->count * SIM_SECTOR);
}

/* The old connection ends in one of the ways that connections end. */
static void part_with(struct old_write *old)
{
	struct sim_run *run = old->run;
	struct sim_nbd *nbd = old->user->line[0].call->nbd;

	switch (sim_rng_below(run->rng, 4)) {
	case 0:
		sim_nbd_vanish(nbd);
		break;
	case 1:
		sim_nbd_disconnect(nbd);
		break;
	case 2:
		sim_net_cut(nbd->conn, SIM_CUT_BOTH);
		break;
	default: /* the daemon does not know: half open */
		sim_net_cut(nbd->conn, SIM_CUT_CLIENT);
		break;
	}
	sim_user_stop(old->user);
}

/* It is at the store, so nobody who connects from now on may lose to it. */
static void it_is_decided(struct old_write *old)
{
	for (struct sim_call *call = old->user->calls; call; call = call->next) {
		for (unsigned i = 0; i < call->n_lost; i++)
			sim_model_decided(old->run->model, call->lost[i]);
		for (unsigned i = 0; i < SIM_NBD_DEPTH; i++)
			if (call->nbd->cmd[i].used && call->nbd->cmd[i].write)
				sim_model_decided(old->run->model, call->nbd->cmd[i].write);
	}
}

/* The new client writes over it, and others use memory meanwhile. */
static void write_anew(struct sim_run *run, struct old_write *old, struct sim_user *new)
{
	struct sim_user *busy = quiet_user(run);

	if (!sim_run_connected(run, new) || !sim_run_connected(run, busy))
		return;
	sim_user_write(new, old->first, old->count, sim_rng_chance(run->rng, 1, 2));
	sim_count(run->world, SIM_COVER_RECONNECT);
	for (unsigned i = 0; i < 40 && !run->world->failed; i++) {
		uint64_t at = 512 + sim_rng_below(run->rng, 256);

		if (sim_rng_chance(run->rng, 1, 2))
			sim_user_write(busy, at, 64, false);
		else
			sim_user_read(busy, at, 64);
		sim_run_for(run, sim_rng_log(run->rng, 10 * SIM_US, 100 * SIM_MS));
	}
	sim_run_answered(run, busy, 600 * SIM_S);
	sim_run_answered(run, new, 600 * SIM_S);
}

static void run_sixty(struct sim_run *run)
{
	struct old_write old = { .run = run };
	struct sim_user *new;
	unsigned others = (unsigned)sim_rng_below(run->rng, 4);

	sim_run_serve(run, 1024);
	for (unsigned i = 0; i < others; i++) /* so that the loops differ */
		sim_run_connected(run, quiet_user(run));
	old.user = quiet_user(run);
	if (!sim_run_connected(run, old.user))
		return;
	old.first = sim_rng_below(run->rng, 64);
	old.count = (uint32_t)sim_rng_log(run->rng, 1, 256);
	run->host->disk->stall_next_ns[DRV_WRITE] = STALL_NS;
	sim_user_write(old.user, old.first, old.count, sim_rng_chance(run->rng, 1, 4));
	if (!sim_host_run_until(run->host, 10 * SIM_S, at_its_store, &old)) {
		sim_world_fail(run->world, "the write does not reach its store");
		return;
	}
	sim_run_for(run, sim_rng_log(run->rng, SIM_US, 3 * SIM_S));
	part_with(&old);
	it_is_decided(&old);
	sim_run_for(run, sim_rng_log(run->rng, SIM_US, SIM_S));
	new = quiet_user(run);
	write_anew(run, &old, new);
	for (unsigned i = 0; i < 8 && !run->world->failed; i++) {
		sim_run_for(run, 10 * SIM_S);
		if (sim_run_connected(run, new) && sim_user_read(new, old.first, old.count))
			sim_run_answered(run, new, 600 * SIM_S);
	}
}

const struct sim_scenario sim_nbd_sixty = {
	.name = "sixty",
	.words = "a store stalls for 60 s, its client comes back and writes anew",
	.share = 4,
	.run = run_sixty,
};
