/* SPDX-License-Identifier: BSD-3-Clause
 *
 * front.c - add, start and remove front ends (gateway/core/admin.h).  What they are
 * made of is gateway/api/frontend.h; who they are, core/registry.h.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/core/core.h"
#include "gateway/core/registry.h"

static struct gw_front_run *find(struct gw *gw, const char *name)
{
	struct gw_front_run *run;

	TAILQ_FOREACH (run, &gw->fronts, link)
		if (strcmp(run->ops->name, name) == 0)
			return run;
	return NULL;
}

int gw_front_add(struct gw *gw, const char *name, const struct gw_setting *settings, unsigned n,
		 struct gw_err *err)
{
	const struct gw_front_ops *ops = gw_registry_front(name);
	struct gw_front_run *run;
	int rc;

	if (!ops)
		return gw_err_set(err, ENOENT, "no front end is named %s", name);
	if (find(gw, name))
		return gw_err_set(err, EEXIST, "front end %s runs already", name);
	run = calloc(1, sizeof(*run));
	if (!run)
		return gw_err_set(err, ENOMEM, "no memory");
	run->ops = ops;
	run->gw = gw;
	rc = ops->create(gw, settings, n, &run->front, err);
	if (rc) {
		free(run);
		return rc;
	}
	TAILQ_INSERT_TAIL(&gw->fronts, run, link);
	return 0;
}

void gw_front_start_all(struct gw *gw)
{
	struct gw_front_run *run;

	TAILQ_FOREACH (run, &gw->fronts, link) {
		if (!run->started)
			run->ops->start(run->front);
		run->started = true;
	}
}

/* A list may be on its way over the loops and look at us. */
static void remove_when_unseen(struct loop_timer *timer)
{
	struct gw_front_run *run =
		(struct gw_front_run *)((uint8_t *)timer - offsetof(struct gw_front_run, timer));
	struct loop *loop = loop_set_get(run->gw->loops, 0);
	struct gw_admin_op *op = run->removing;

	if (run->gw->listing) {
		loop_timer_arm(loop, timer, instant_add(loop_now(loop), span_ms(10)));
		return;
	}
	TAILQ_REMOVE(&run->gw->fronts, run, link);
	run->ops->destroy(&run->front);
	free(run);
	op->rc = 0;
	op->done(op);
}

static void drained(void *arg)
{
	struct gw_front_run *run = arg;

	loop_timer_init(&run->timer, remove_when_unseen);
	remove_when_unseen(&run->timer);
}

void gw_front_remove(struct gw *gw, const char *name, struct instant deadline,
		     struct gw_admin_op *op)
{
	struct gw_front_run *run = find(gw, name);

	if (!run || run->removing) {
		gw_admin_end(gw, op,
			     gw_err_set(&op->err, run ? EBUSY : ENOENT,
					run ? "front end %s is being removed already"
					    : "front end %s does not run",
					name));
		return;
	}
	run->removing = op;
	run->ops->drain(run->front, deadline, drained, run);
}

void gw_front_names(struct gw *gw, void (*each)(void *arg, const char *name), void *arg)
{
	struct gw_front_run *run;

	TAILQ_FOREACH (run, &gw->fronts, link)
		each(arg, run->ops->name);
}
