/* SPDX-License-Identifier: BSD-3-Clause
 *
 * drain.c - the end of a front end's connections (gateway/api/drain.h): every loop
 * is visited, those inside are asked, and at the deadline forced.
 */
#include "config.h"

#include "gateway/api/drain.h"

#include "gateway/core/core.h"

/* Those that were on their way between loops are looked for again. */
#define AGAIN_MS 100

static struct gw_drain *of_visit(struct gw_visit *visit)
{
	return (struct gw_drain *)((uint8_t *)visit - offsetof(struct gw_drain, visit));
}

static void say_done(struct loop_mail *mail)
{
	struct gw_drain *drain =
		(struct gw_drain *)((uint8_t *)mail - offsetof(struct gw_drain, end));

	drain->done(drain->arg);
}

static bool is_empty(struct gw_drain *drain)
{
	if (drain->doors && !loop_doors_empty(drain->doors))
		return false;
	return !drain->ops->empty || drain->ops->empty(drain);
}

void gw_drain_look(void *arg)
{
	struct gw_drain *drain = arg;

	if (!drain->begun || drain->visiting || drain->told || !is_empty(drain))
		return;
	drain->told = true;
	loop_timer_disarm(drain->loop, &drain->deadline);
	drain->end.run = say_done;
	loop_post(drain->loop, &drain->end);
}

static void ask(struct gw_visit *visit, struct loop *loop)
{
	struct gw_drain *drain = of_visit(visit);

	drain->ops->ask(drain, loop);
}

static void force(struct gw_visit *visit, struct loop *loop)
{
	struct gw_drain *drain = of_visit(visit);

	drain->ops->force(drain, loop);
}

static void visited(struct gw_visit *visit)
{
	struct gw_drain *drain = of_visit(visit);

	drain->visiting = false;
	gw_drain_look(drain);
}

static void visit(struct gw_drain *drain, void (*each)(struct gw_visit *visit, struct loop *loop))
{
	drain->visiting = true;
	drain->visit.each = each;
	drain->visit.done = visited;
	gw_visit_loops(drain->gw, drain->loop, &drain->visit);
}

static void too_late(struct loop_timer *timer)
{
	struct gw_drain *drain =
		(struct gw_drain *)((uint8_t *)timer - offsetof(struct gw_drain, deadline));

	if (drain->doors)
		loop_doors_kill(drain->doors);
	if (!drain->visiting)
		visit(drain, force);
	loop_timer_arm(drain->loop, timer, instant_add(loop_now(drain->loop), span_ms(AGAIN_MS)));
}

void gw_drain_begin(struct gw_drain *drain, struct instant deadline, void (*done)(void *arg),
		    void *arg)
{
	drain->loop = loop_set_get(drain->gw->loops, 0);
	drain->begun = true;
	drain->done = done;
	drain->arg = arg;
	loop_timer_init(&drain->deadline, too_late);
	loop_timer_arm(drain->loop, &drain->deadline, deadline);
	if (drain->doors)
		loop_doors_drain(drain->doors);
	visit(drain, ask);
}
