/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_host.c - who is next: a loop, or the world.
 */
#include "config.h"

#include "tests/sim/sim_host.h"

#include <stdlib.h>

#include "gateway/base/check.h"
#include "tests/sim/sim_disk_io.h"
#include "tests/sim/sim_link.h"
#include "tests/sim/sim_sock.h"

static void wait_in_turn(struct sim_machine *machine, struct drv *drv, uint64_t until_ns);

struct sim_host *sim_host_new(uint64_t seed)
{
	struct sim_host *h = calloc(1, sizeof(*h));

	GW_CHECK(h);
	h->world = sim_world_new(seed);
	h->net = sim_net_new(h->world, &sim_sock_daemon);
	h->ether = sim_ether_new(h->world, &sim_link_daemon);
	h->disk = sim_disk_new(h->world);
	h->machine = (struct sim_machine){
		.world = h->world,
		.net = h->net,
		.ether = h->ether,
		.disk = h->disk,
		.at = SIM_AT_MAIN,
		.mail_min_ns = 200,
		.mail_max_ns = sim_rng_log(&h->world->rng, 2 * SIM_US, 5 * SIM_MS),
		.wait = wait_in_turn,
	};
	return h;
}

void sim_host_free(struct sim_host **address)
{
	struct sim_host *h = *address;

	if (!h)
		return;
	sim_net_free(&h->net);
	sim_ether_free(&h->ether);
	sim_disk_free(&h->disk);
	sim_world_free(&h->world);
	free(h);
	*address = NULL;
}

void sim_host_boot(struct sim_host *h, unsigned n_loops)
{
	struct gw_err err = GW_ERR_NONE;

	GW_CHECK(!h->loops);
	drv_sim_use(&h->machine);
	if (loop_set_create(n_loops, &drv_sim, &h->loops, &err))
		sim_world_broken(h->world, "no loops: %s", err.text);
	h->n_loops = n_loops;
	for (unsigned i = 0; i < n_loops; i++) {
		h->state[i].busy_ns = 0;
		h->state[i].asleep = false;
	}
	sim_note(h->world, SIM_TR_BOOT, n_loops, 0, 0);
}

void sim_host_down(struct sim_host *h)
{
	loop_set_destroy(&h->loops);
	h->n_loops = 0;
}

/* The instant at which loop i can turn with something to do. */
static uint64_t loop_ready_ns(const struct sim_host *h, unsigned i)
{
	uint64_t timer = (uint64_t)loop_next_timer(loop_set_get(h->loops, i)).ns;
	uint64_t due = drv_sim_due_ns(h->machine.drv[i]);

	if (!h->state[i].asleep)
		due = 0;
	else if (timer < due && timer < INT64_MAX)
		due = timer;
	return due > h->state[i].busy_ns ? due : h->state[i].busy_ns;
}

/* How long the turn kept the loop from its next one. */
static uint64_t turn_cost(struct sim_host *h, unsigned ran)
{
	struct sim_rng *r = &h->world->rng;

	if (!ran)
		return 0;
	if (sim_rng_chance(r, 1, 400))
		return sim_rng_log(r, SIM_MS, 30 * SIM_MS);
	return sim_rng_log(r, 500, 20 * SIM_US);
}

static void turn_loop(struct sim_host *h, unsigned i)
{
	enum sim_at at = h->machine.at;
	unsigned at_loop = h->machine.at_loop, ran;

	h->machine.at = SIM_AT_LOOP;
	h->machine.at_loop = i;
	ran = loop_turn(loop_set_get(h->loops, i), (struct instant){ 0 });
	h->machine.at = at;
	h->machine.at_loop = at_loop;
	h->state[i].asleep = ran == 0;
	h->state[i].busy_ns = h->world->now_ns + turn_cost(h, ran);
	if (ran)
		sim_note(h->world, SIM_TR_TURN, i, ran, 0);
}

static void fire_world(struct sim_host *h)
{
	enum sim_at at = h->machine.at;

	h->machine.at = SIM_AT_OUTSIDE;
	sim_world_fire(h->world);
	h->machine.at = at;
}

/* One step in which loop `not_this` (or none: SIM_LOOPS) does not turn. */
static bool step(struct sim_host *h, uint64_t until_ns, unsigned not_this)
{
	uint64_t soonest = sim_world_next_ns(h->world), ready[SIM_LOOPS];
	unsigned choice[SIM_LOOPS + 1], n = 0;

	for (unsigned i = 0; i < h->n_loops; i++) {
		ready[i] = i == not_this ? SIM_NEVER : loop_ready_ns(h, i);
		soonest = ready[i] < soonest ? ready[i] : soonest;
	}
	if (soonest > until_ns || soonest == SIM_NEVER)
		return false;
	if (soonest > h->world->now_ns)
		h->world->now_ns = soonest;
	for (unsigned i = 0; i < h->n_loops; i++)
		if (ready[i] <= h->world->now_ns)
			choice[n++] = i;
	if (sim_world_next_ns(h->world) <= h->world->now_ns)
		choice[n++] = SIM_LOOPS;
	h->steps++;
	n = choice[n > 1 ? sim_rng_below(&h->world->rng, n) : 0];
	if (n == SIM_LOOPS)
		fire_world(h);
	else
		turn_loop(h, n);
	return true;
}

bool sim_host_step(struct sim_host *h, uint64_t until_ns)
{
	return step(h, until_ns, SIM_LOOPS);
}

/* Main may have given the loops something to do since they last turned. */
static void wake_all(struct sim_host *h)
{
	for (unsigned i = 0; i < h->n_loops; i++)
		h->state[i].asleep = false;
}

void sim_host_run(struct sim_host *h, uint64_t for_ns)
{
	uint64_t until = h->world->now_ns + for_ns;

	wake_all(h);
	while (!h->world->failed && step(h, until, SIM_LOOPS))
		;
	if (!h->world->failed && h->world->now_ns < until)
		h->world->now_ns = until;
}

bool sim_host_run_until(struct sim_host *h, uint64_t for_ns, bool (*done)(void *arg), void *arg)
{
	uint64_t until = h->world->now_ns + for_ns;

	wake_all(h);
	while (!done(arg)) {
		if (h->world->failed || !step(h, until, SIM_LOOPS))
			return false;
	}
	return true;
}

/* A turn that may wait, from inside main or another turn. */
static void wait_in_turn(struct sim_machine *machine, struct drv *drv, uint64_t until_ns)
{
	struct sim_host *h = SIM_OF(machine, struct sim_host, machine);
	unsigned me = 0;

	while (machine->drv[me] != drv)
		me++;
	if (machine->at == SIM_AT_MAIN)
		wake_all(h);
	while (drv_sim_due_ns(drv) > h->world->now_ns) {
		uint64_t due = drv_sim_due_ns(drv);

		if (step(h, due < until_ns ? due : until_ns, me))
			continue;
		if (due == SIM_NEVER && until_ns >= INT64_MAX)
			sim_world_broken(h->world, "loop %u waits for ever", me);
		h->world->now_ns = due < until_ns ? due : until_ns;
		if (h->world->now_ns >= until_ns)
			return;
	}
}

void sim_host_power_cut(struct sim_host *h)
{
	static const unsigned keep[] = { 0, 1, 4, 7, 8 };
	struct sim_survey survey = { 0 };
	unsigned num = keep[sim_rng_below(&h->world->rng, 5)];

	sim_count(h->world, SIM_COVER_POWER_CUT);
	sim_disk_io_power_cut(h->disk);
	sim_disk_power_cut(h->disk, num, 8, &survey);
	sim_note(h->world, SIM_TR_POWER_CUT, survey.kept, survey.lost, 0);
	sim_sock_power_cut(h->net);
	sim_link_power_cut(h->ether);
}

void sim_host_kill(struct sim_host *h)
{
	sim_disk_io_power_cut(h->disk);
	h->disk->powered = false;
	h->disk->life++;
	for (struct sim_inode *i = h->disk->inodes; i; i = i->next) {
		i->readers = 0;
		i->writer = false;
	}
	sim_sock_power_cut(h->net);
	sim_link_power_cut(h->ether);
}

void sim_host_power_on(struct sim_host *h)
{
	sim_disk_power_on(h->disk);
}
