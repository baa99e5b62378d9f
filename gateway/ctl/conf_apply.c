/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conf_apply.c - takes the steps, and takes them back.  Promises in conf_apply.h.
 *
 *	      ┌──────── next phase ◀────────┐
 *	      ▼                             │ all of the phase ended well
 *	   FORWARD ── its steps ─▶ core ────┤
 *	                                    │ one failed (phase < 7)
 *	   BACKWARD ◀───────────────────────┘
 *	      │ the inverse of each step taken, last first
 *	      ▼
 *	    done: the conf that runs now is kept for the next difference
 */
#include "config.h"

#include "gateway/ctl/conf_apply.h"

#include <errno.h>
#include <stdlib.h>

#include "gateway/base/check.h"
#include "gateway/base/log.h"
#include "gateway/core/admin.h"
#include "gateway/ctl/conf_diff.h"

#define TAG GW_TAG('c', 'o', 'n', 'f')

/* A step under way or taken. */
struct taken {
	struct gw_admin_op op;
	struct conf_step step;
	bool good; /* it has been taken, so it can be taken back */
};

struct conf_applier {
	uint32_t tag;
	struct gw *gw;
	struct loop *loop;
	struct conf *running; /* as it is now, step by step */

	/* of the apply under way */
	struct conf_apply_op *op;
	struct conf *before, *wanted; /* the steps point into these */
	struct taken *steps;
	unsigned n, next, in_flight;
	bool backward;
	int rc;
	struct gw_err err;
	struct loop_task task;
	/* a front end whose address is in use by nobody that lives */
	struct taken *adding;
	struct loop_timer again;
	struct instant until;
};

/* ---- one step ----------------------------------------------------------- */

static void go_on(struct loop_task *task);

/* The first failure is the one that is told. */
static void note_failure(struct conf_applier *a, const struct conf_step *step, int rc,
			 const struct gw_err *err)
{
	if (a->rc) {
		log_error(CONTROL, "%s: %s", conf_step_name(step), err->text);
		return;
	}
	a->rc = rc;
	a->err = *err;
}

/* Keeps `running` true.  No memory costs only that the next difference is
 * larger than it need be. */
static void remember(struct conf_applier *a, const struct conf_step *step, enum conf_act act)
{
	struct gw_err err = GW_ERR_NONE;
	int rc = 0;

	switch (act) {
	case CONF_ADD_VOLUME:
		rc = conf_add_volume(a->running, step->volume, &err);
		break;
	case CONF_ADD_FRONT:
		rc = conf_add_front(a->running, step->front, &err);
		break;
	case CONF_REMOVE_VOLUME:
		conf_drop_volume(a->running, step->volume->name);
		break;
	case CONF_REMOVE_FRONT:
		conf_drop_front(a->running, step->front->name);
		break;
	}
	if (rc)
		log_error(CONTROL, "%s", err.text);
}

static enum conf_act inverse(enum conf_act act)
{
	static const enum conf_act of[] = {
		[CONF_ADD_VOLUME] = CONF_REMOVE_VOLUME,
		[CONF_REMOVE_VOLUME] = CONF_ADD_VOLUME,
		[CONF_ADD_FRONT] = CONF_REMOVE_FRONT,
		[CONF_REMOVE_FRONT] = CONF_ADD_FRONT,
	};

	return of[act];
}

static enum conf_act act_now(const struct conf_applier *a, const struct conf_step *step)
{
	return a->backward ? inverse(step->act) : step->act;
}

/* A step has ended.  Where it only failed to flush, the thing is gone all the
 * same: that is told, and counts as taken. */
static void step_ended(struct conf_applier *a, struct taken *t, int rc, const struct gw_err *err)
{
	enum conf_act act = act_now(a, &t->step);
	bool removal = act == CONF_REMOVE_VOLUME || act == CONF_REMOVE_FRONT;

	if (rc)
		note_failure(a, &t->step, rc, err);
	if (!rc || removal)
		remember(a, &t->step, act);
	t->good = !a->backward && (!rc || removal);
}

static void op_done(struct gw_admin_op *op)
{
	struct conf_applier *a = op->owner;
	struct taken *t = (struct taken *)((char *)op - offsetof(struct taken, op));

	GW_CHECK(a->in_flight);
	a->in_flight--;
	step_ended(a, t, op->rc, &op->err);
	if (!a->in_flight)
		loop_defer(a->loop, &a->task);
}

static void add_volume(struct conf_applier *a, struct taken *t)
{
	const struct conf_volume *volume = t->step.volume;
	const struct gw_volume_want want = {
		.name = volume->name,
		.store = volume->store,
		.args = { .target = volume->target,
			  .read_only = volume->read_only,
			  .direct = volume->direct,
			  .size_text = volume->size_text },
		.block_bytes = volume->block_bytes,
		.write_through = volume->write_through,
	};

	gw_volume_add(a->gw, &want, &t->op);
}

/* Its listener may be in use by what the kernel has not cleared away yet. */
static void try_front(struct loop_timer *timer)
{
	struct conf_applier *a =
		(struct conf_applier *)((char *)timer - offsetof(struct conf_applier, again));
	struct taken *t = a->adding;
	struct instant now = loop_now(a->loop);

	t->op.rc = gw_front_add(a->gw, t->step.front->name, t->step.front->settings,
				t->step.front->n_settings, &t->op.err);
	if (t->op.rc == -EAGAIN && instant_before(now, a->until))
		loop_timer_arm(a->loop, timer, instant_add(now, span_ms(DRV_LINGER_STEP_MS)));
	else
		op_done(&t->op);
}

static void add_front(struct conf_applier *a, struct taken *t)
{
	a->adding = t;
	a->until = instant_add(loop_now(a->loop), span_ms(DRV_LINGER_MS));
	try_front(&a->again);
}

static void start_step(struct conf_applier *a, struct taken *t)
{
	struct instant deadline = instant_add(loop_now(a->loop), a->op->drain);

	t->op = (struct gw_admin_op){ .done = op_done, .owner = a };
	a->in_flight++;
	switch (act_now(a, &t->step)) {
	case CONF_ADD_VOLUME:
		add_volume(a, t);
		break;
	case CONF_REMOVE_VOLUME:
		gw_volume_remove(a->gw, t->step.volume->name, deadline, &t->op);
		break;
	case CONF_REMOVE_FRONT:
		gw_front_remove(a->gw, t->step.front->name, deadline, &t->op);
		break;
	case CONF_ADD_FRONT:
		add_front(a, t);
		break;
	}
}

/* ---- all of them -------------------------------------------------------- */

static void finish(struct conf_applier *a)
{
	struct conf_apply_op *op = a->op;

	/* What was added accepts from now on, wanted or restored. */
	gw_front_start_all(a->gw);
	op->rc = a->rc;
	op->err = a->err;
	conf_destroy(&a->before);
	conf_destroy(&a->wanted);
	free(a->steps);
	a->steps = NULL;
	a->n = a->next = 0;
	a->op = NULL;
	op->done(op);
}

/* Takes back the last step that was taken; one at a time. */
static void go_back(struct conf_applier *a)
{
	while (a->next) {
		struct taken *t = &a->steps[--a->next];

		if (!t->good)
			continue;
		start_step(a, t);
		return;
	}
	finish(a);
}

/* Additions go one by one, so that volumes get their LUNs in order; removals of
 * one phase go together, so that their flushes do. */
static void go_forward(struct conf_applier *a)
{
	unsigned phase = a->steps[a->next].step.phase;
	bool together = a->steps[a->next].step.act == CONF_REMOVE_FRONT ||
			a->steps[a->next].step.act == CONF_REMOVE_VOLUME;

	do {
		start_step(a, &a->steps[a->next++]);
	} while (together && a->next < a->n && a->steps[a->next].step.phase == phase);
}

static void go_on(struct loop_task *task)
{
	struct conf_applier *a =
		(struct conf_applier *)((char *)task - offsetof(struct conf_applier, task));
	bool going = a->next && a->steps[a->next - 1].step.phase >= CONF_PHASE_GOING;

	if (a->in_flight)
		return;
	if (a->rc && !a->backward && !going) {
		a->backward = true;
		log_debug(CONTROL, "undoing the changes: %s", a->err.text);
	}
	if (a->backward)
		go_back(a);
	else if (a->next < a->n)
		go_forward(a);
	else
		finish(a);
}

static int plan(struct conf_applier *a, const struct conf *wanted)
{
	struct conf_step *steps;
	unsigned most;

	a->before = conf_copy(a->running);
	a->wanted = conf_copy(wanted);
	most = a->before && a->wanted ? conf_diff_most(a->before, a->wanted) : 0;
	steps = calloc(most + 1, sizeof(*steps));
	a->steps = calloc(most + 1, sizeof(*a->steps));
	if (!a->before || !a->wanted || !steps || !a->steps) {
		free(steps);
		return -ENOMEM;
	}
	a->n = conf_diff(a->before, a->wanted, steps);
	for (unsigned i = 0; i < a->n; i++)
		a->steps[i].step = steps[i];
	free(steps);
	return 0;
}

void conf_apply(struct conf_applier *a, const struct conf *wanted, struct conf_apply_op *op)
{
	gw_tag_check(a, TAG);
	GW_CHECK(!a->op);
	a->op = op;
	a->backward = false;
	a->err = GW_ERR_NONE;
	a->rc = plan(a, wanted);
	if (a->rc)
		gw_err_set(&a->err, ENOMEM, "no memory to compare the configuration");
	loop_defer(a->loop, &a->task);
}

bool conf_apply_is_busy(const struct conf_applier *a)
{
	return a->op;
}

const struct conf *conf_apply_running(const struct conf_applier *a)
{
	return a->running;
}

int conf_apply_create(struct gw *gw, struct conf_applier **out, struct gw_err *err)
{
	struct conf_applier *a = calloc(1, sizeof(*a));

	if (a)
		a->running = conf_new();
	if (!a || !a->running) {
		free(a);
		return gw_err_set(err, ENOMEM, "no memory for the configuration");
	}
	a->gw = gw;
	a->loop = loop_set_get(gw_loops(gw), 0);
	a->task.run = go_on;
	loop_timer_init(&a->again, try_front);
	gw_tag_set(a, TAG);
	*out = a;
	return 0;
}

void conf_apply_destroy(struct conf_applier **address)
{
	struct conf_applier *a = *address;

	if (!a)
		return;
	gw_tag_check(a, TAG);
	GW_CHECK(!a->op);
	conf_destroy(&a->running);
	gw_tag_wipe(a);
	free(a);
	*address = NULL;
}
