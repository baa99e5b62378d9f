/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi_again.c - a store stalls for 60 s; the initiator gives up, logs in again
 * with its ISID while the daemon may still hold the old session for alive, and
 * writes the same place anew.  The old write never wins, and the login waits for the
 * old session's tasks no longer than the patience that iscsi_sess.h tells.
 *
 *   old ──write──▶ store (stalls 60 s) ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶ lands
 *        ✂ connection
 *   new ──login ≤ 5 s──write────────────────────────────────────▶ read: new
 */
#include "config.h"

#include "tests/sim/sim_disk_io.h"
#include "tests/sim/sim_run.h"
#include "tests/sim/sim_sitting.h"

#define STALL_NS (60 * SIM_S)
/* The session's patience, and as much as a slow network adds in round trips. */
#define LOGIN_MAX_NS (5 * SIM_S + 2500 * SIM_MS)

struct again {
	struct sim_run *run;
	struct sim_initiator *port;
	uint64_t first;
	uint32_t count;
};

static struct sim_initiator *quiet(struct sim_run *run)
{
	struct sim_iscsi_cfg cfg = sim_run_iscsi_cfg(run);
	struct sim_manners manners = sim_run_manners(run);
	struct sim_initiator *u;

	manners.max_sectors = 256;
	manners.rewrite = false;
	manners.patience_ns = 600 * SIM_S;
	u = sim_run_initiator(run, &cfg, &manners, 1);
	u->manners.depth = 0; /* only by hand */
	return u;
}

static bool is_ready(void *arg)
{
	return sim_initiator_ready(arg);
}

static bool connected(struct sim_run *run, struct sim_initiator *u)
{
	if (sim_host_run_until(run->host, 600 * SIM_S, is_ready, u))
		return true;
	sim_world_fail(run->world, "initiator %u gets no session", u->id);
	return false;
}

static bool is_answered(void *arg)
{
	return sim_initiator_in_flight(arg) == 0;
}

static bool answered(struct sim_run *run, struct sim_initiator *u)
{
	if (sim_host_run_until(run->host, 600 * SIM_S, is_answered, u))
		return true;
	sim_world_fail(run->world, "initiator %u gets no answer", u->id);
	return false;
}

/* The unit attention of the first command is heard, and over. */
static bool clear(struct sim_run *run, struct sim_initiator *u)
{
	return connected(run, u) && sim_sitting_read(u->sitting, 0, 1) && answered(run, u);
}

static bool at_its_store(void *arg)
{
	struct again *a = arg;

	return sim_disk_io_writing(a->run->host->disk, a->first * SIM_SECTOR,
				   (uint64_t)a->count * SIM_SECTOR);
}

static void part(struct again *a)
{
	struct sim_run *run = a->run;
	struct sim_iscsi *n = a->port->sitting->iscsi;

	switch (sim_rng_below(run->rng, 4)) {
	case 0:
		sim_iscsi_vanish(n);
		break;
	case 1:
		sim_iscsi_close(n);
		break;
	case 2:
		sim_net_cut(n->conn, SIM_CUT_BOTH);
		break;
	default: /* the daemon does not know */
		sim_net_cut(n->conn, SIM_CUT_CLIENT);
		break;
	}
}

static bool is_new(void *arg)
{
	struct sim_initiator *u = arg;

	return u->sessions > 1 && sim_initiator_ready(u);
}

static void write_anew(struct again *a)
{
	struct sim_run *run = a->run;
	struct sim_initiator *u = a->port;
	struct sim_iscsi *n;

	if (!sim_host_run_until(run->host, 600 * SIM_S, is_new, u)) {
		sim_world_fail(run->world, "the session is not reinstated");
		return;
	}
	n = u->sitting->iscsi;
	if (n->ready_ns - n->asked_ns > LOGIN_MAX_NS)
		sim_world_fail(run->world, "the login takes %llu ms",
			       (unsigned long long)((n->ready_ns - n->asked_ns) / SIM_MS));
	if (!clear(run, u))
		return;
	sim_sitting_write(u->sitting, a->first, a->count, sim_rng_chance(run->rng, 1, 2));
	sim_count(run->world, SIM_COVER_RECONNECT);
}

static void add_others(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_below(run->rng, 4);

	while (n--) { /* so that the loops differ */
		struct sim_habits habits = sim_run_habits(run);

		habits.lines = 1;
		habits.write = 0;
		habits.zero = habits.trim = 0;
		sim_run_user(run, &habits, 20);
	}
}

static void run_again(struct sim_run *run)
{
	struct again a = { .run = run };

	run->cfg.iscsi = true;
	run->cfg.limits.pool_bytes = 2ull * GW_POOL_MIN_BYTES;
	sim_run_serve(run, 1024);
	add_others(run);
	a.port = quiet(run);
	if (!clear(run, a.port))
		return;
	a.first = sim_rng_below(run->rng, 64);
	a.count = (uint32_t)sim_rng_log(run->rng, 1, 256);
	run->host->disk->stall_next_ns[DRV_WRITE] = STALL_NS;
	sim_sitting_write(a.port->sitting, a.first, a.count, sim_rng_chance(run->rng, 1, 4));
	if (!sim_host_run_until(run->host, 10 * SIM_S, at_its_store, &a)) {
		sim_world_fail(run->world, "the write does not reach its store");
		return;
	}
	sim_run_for(run, sim_rng_log(run->rng, SIM_US, 3 * SIM_S));
	part(&a);
	write_anew(&a);
	for (unsigned i = 0; i < 8 && !run->world->failed; i++) {
		sim_run_for(run, 10 * SIM_S);
		if (!connected(run, a.port) || !answered(run, a.port))
			return;
		sim_sitting_read(a.port->sitting, a.first, a.count);
		answered(run, a.port);
	}
	a.port->budget = 0;
}

const struct sim_scenario sim_iscsi_again = {
	.name = "again",
	.words = "a store stalls for 60 s, its initiator is reinstated and writes anew",
	.share = 4,
	.run = run_again,
};
