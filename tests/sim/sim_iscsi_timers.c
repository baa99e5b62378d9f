/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi_timers.c - how long the daemon waits for an initiator.
 *
 *   who is silent is asked after 15 s, and dropped 15 s later if he does not answer;
 *   who answers stays;  a login that does not go on ends after 15 s
 */
#include "config.h"

#include "tests/sim/sim_run.h"
#include "tests/sim/sim_sitting.h"

#define PING_NS (15 * SIM_S)
/* What the network and a busy loop may add. */
#define SLACK_NS (2 * SIM_S)

static struct sim_initiator *silent(struct sim_run *run, bool mute)
{
	struct sim_iscsi_cfg cfg = sim_run_iscsi_cfg(run);
	struct sim_manners manners = sim_run_manners(run);
	struct sim_initiator *u;

	cfg.mute = mute;
	manners.rewrite = false;
	u = sim_run_initiator(run, &cfg, &manners, 1);
	u->manners.depth = 0;
	return u;
}

static bool is_ready(void *arg)
{
	return sim_initiator_ready(arg);
}

static bool is_over(void *arg)
{
	struct sim_sitting *s = arg;

	return s->iscsi->phase == SIM_ISCSI_OVER;
}

static void expect_end(struct sim_run *run, struct sim_sitting *s, uint64_t since_ns,
		       uint64_t after_ns, const char *whose)
{
	uint64_t took;

	if (!sim_host_run_until(run->host, 600 * SIM_S, is_over, s)) {
		sim_world_fail(run->world, "%s does not end", whose);
		return;
	}
	took = run->world->now_ns - since_ns;
	if (took + SLACK_NS < after_ns || took > after_ns + SLACK_NS)
		sim_world_fail(run->world, "%s ends after %llu ms", whose,
			       (unsigned long long)(took / SIM_MS));
}

static void mute(struct sim_run *run)
{
	struct sim_initiator *u = silent(run, true);

	if (!sim_host_run_until(run->host, 60 * SIM_S, is_ready, u)) {
		sim_world_fail(run->world, "initiator %u gets no session", u->id);
		return;
	}
	sim_initiator_stop(u);
	expect_end(run, u->sitting, u->sitting->iscsi->ready_ns, 2 * PING_NS,
		   "a session without an answer");
	if (u->sittings->iscsi->pings != 1)
		sim_world_fail(run->world, "it was asked %llu times",
			       (unsigned long long)u->sittings->iscsi->pings);
}

static bool is_asked(void *arg)
{
	struct sim_initiator *u = arg;

	return u->sitting && u->sitting->iscsi->asked_ns;
}

/* Its login stops after so many bytes: the daemon waits for more, but not for ever. */
static void half_login(struct sim_run *run)
{
	struct sim_initiator *u = silent(run, true);
	struct sim_sitting *s;

	u->cfg.hold_after = sim_rng_between(run->rng, 1, 300);
	if (!sim_host_run_until(run->host, 60 * SIM_S, is_asked, u)) {
		sim_world_fail(run->world, "initiator %u gets no connection", u->id);
		return;
	}
	s = u->sitting;
	sim_initiator_stop(u);
	expect_end(run, s, s->iscsi->asked_ns, PING_NS, "half a login");
}

static void run_timers(struct sim_run *run)
{
	struct sim_initiator *good;
	uint64_t before;

	run->cfg.iscsi = true;
	run->cfg.limits.pool_bytes = 2ull * GW_POOL_MIN_BYTES;
	sim_run_serve(run, 64);
	good = silent(run, false);
	if (!sim_host_run_until(run->host, 60 * SIM_S, is_ready, good)) {
		sim_world_fail(run->world, "no session");
		return;
	}
	before = run->world->now_ns;
	mute(run);
	if (!run->world->failed)
		half_login(run);
	if (run->world->failed)
		return;
	sim_run_for(run, sim_rng_between(run->rng, 60, 300) * SIM_S);
	if (good->sessions != 1 || !sim_initiator_ready(good))
		sim_world_fail(run->world, "who answers was dropped");
	else if (good->sitting->iscsi->pings <
		 (run->world->now_ns - before) / (PING_NS + SLACK_NS) - 1)
		sim_world_fail(run->world, "only %llu pings",
			       (unsigned long long)good->sitting->iscsi->pings);
	good->budget = 0;
}

const struct sim_scenario sim_iscsi_timers = {
	.name = "timers",
	.words = "silent initiators are asked, and dropped in time",
	.share = 1,
	.run = run_timers,
};
