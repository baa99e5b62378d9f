/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The choice between two ways to wait (loop_wait.h).  The figure that decides is the product of
 * processor time and time: half the time for the same processor time is a bargain, and
 * where the client sets the pace, so that the times are the same, looking would have to be cheaper.
 * An eighth must be won, or noise would choose.
 */
#include "config.h"

#include "gateway/loop/loop_wait.h"

#include "gateway/base/num.h"

#define COST_MOST_NS 1000000000 /* a second: then the product still fits */

static bool is_looking(const struct loop_wait *wait)
{
	return wait->look.ns > 0;
}

static void look_or_not(struct loop_wait *wait, bool looking)
{
	wait->look = looking ? LOOP_WAIT_LOOK : span_ns(0);
	wait->misses = 0;
}

void loop_wait_fix(struct loop_wait *wait, struct span look)
{
	*wait = (struct loop_wait){ .look = look };
}

void loop_wait_choose(struct loop_wait *wait)
{
	*wait = (struct loop_wait){ .chooses = true, .patience = 1, .left = 1 };
}

/* ---- what a stretch has shown -------------------------------------------- */

static int64_t per_request(struct span spent, uint64_t served)
{
	int64_t ns = spent.ns / (int64_t)num_max(served, 1);

	return ns < 1 ? 1 : ns < COST_MOST_NS ? ns : COST_MOST_NS;
}

static struct loop_wait_cost cost_of(const struct loop_wait *wait,
				     const struct loop_wait_meter *meter)
{
	const struct loop_wait_meter *start = &wait->start;
	uint64_t served = meter->served - start->served;

	return (struct loop_wait_cost){
		.cpu_ns = per_request(span_ns(meter->cpu.ns - start->cpu.ns), served),
		.ns = per_request(instant_since(meter->now, start->now), served),
	};
}

/* One stretch proves little: three quarters of its noise are taken out. */
static void blend(struct loop_wait_cost *old, const struct loop_wait_cost *cost)
{
	if (old->ns) {
		old->cpu_ns = (3 * old->cpu_ns + cost->cpu_ns) / 4;
		old->ns = (3 * old->ns + cost->ns) / 4;
	} else {
		*old = *cost;
	}
}

/* Another load than that by which the choice was made. */
static bool is_other(const struct loop_wait_cost *old, const struct loop_wait_cost *cost)
{
	return old->ns && (cost->ns > 2 * old->ns || old->ns > 2 * cost->ns ||
			   cost->cpu_ns > 2 * old->cpu_ns || old->cpu_ns > 2 * cost->cpu_ns);
}

static bool looking_pays(const struct loop_wait *wait)
{
	const struct loop_wait_cost *sleep = &wait->cost[false], *look = &wait->cost[true];

	return look->cpu_ns * 16 <= sleep->cpu_ns * 17 &&
	       look->cpu_ns * look->ns < sleep->cpu_ns * sleep->ns / 8 * 7;
}

/* ---- what comes of it ---------------------------------------------------- */

static void keep(struct loop_wait *wait, bool looking, unsigned patience)
{
	look_or_not(wait, looking);
	wait->trial = false;
	wait->left = wait->patience = (unsigned)num_min(num_max(patience, 1), LOOP_WAIT_PATIENCE);
}

static void try_other(struct loop_wait *wait)
{
	look_or_not(wait, !is_looking(wait));
	wait->trial = true;
}

/* After the trial: what it has shown decides. */
static void settle(struct loop_wait *wait)
{
	bool pays = looking_pays(wait), changed = pays == is_looking(wait);

	keep(wait, pays, changed ? wait->patience / 2 : wait->patience * 2);
}

void loop_wait_judge(struct loop_wait *wait, const struct loop_wait_meter *meter)
{
	struct loop_wait_cost cost = cost_of(wait, meter);
	struct loop_wait_cost *old = &wait->cost[is_looking(wait)];
	bool other = is_other(old, &cost);

	if (other && !wait->trial) {
		*old = cost;
		wait->cost[!is_looking(wait)].ns = 0;
		keep(wait, is_looking(wait), wait->patience / 2);
	} else {
		blend(old, &cost);
		if (wait->trial)
			settle(wait);
		else if (!--wait->left)
			try_other(wait);
	}
	wait->start = *meter;
}

void loop_wait_give_up(struct loop_wait *wait, const struct loop_wait_meter *meter)
{
	wait->cost[true].ns = 0;
	keep(wait, false, wait->trial ? wait->patience * 2 : wait->patience / 2);
	wait->start = *meter;
}
