/* SPDX-License-Identifier: BSD-3-Clause
 *
 * refresh.c - one look a tick.  Promises in refresh.h.
 *
 * A store that hangs holds up the looks at the others, for one look is under
 * way at a time; their I/O does not notice.
 */
#include "config.h"

#include "gateway/daemon/refresh.h"

#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/str.h"

#define EACH_MS 5000 /* every volume ... */
#define TICK_MS 2500 /* ... but no more looks than this: each is two wake-ups */

/* Finds the volume after the one that had its turn, and the first of all. */
struct turn {
	struct refresh *r;
	unsigned n;
	bool take;
	char first[sizeof(((struct refresh *)0)->next)];
	char after[sizeof(((struct refresh *)0)->next)];
};

static void consider(void *arg, const char *name)
{
	struct turn *t = arg;

	if (t->n++ == 0)
		str_copy(t->first, sizeof(t->first), name);
	if (t->take)
		str_copy(t->after, sizeof(t->after), name);
	t->take = !strcmp(name, t->r->next);
}

static void arm(struct refresh *r, unsigned n_volumes)
{
	int64_t ms = n_volumes > 1 ? TICK_MS : EACH_MS;

	loop_timer_arm(r->loop, &r->timer, instant_add(loop_now(r->loop), span_ms(ms)));
}

static void looked(struct gw_admin_op *op)
{
	struct refresh *r = op->owner;

	r->looking = false;
	if (op->rc)
		log_warn(DAEMON, "%s: %s", r->next, op->err.text);
	if (r->stopped)
		loop_defer(r->loop, &r->task);
}

static void tick(struct loop_timer *timer)
{
	struct refresh *r = (struct refresh *)((char *)timer - offsetof(struct refresh, timer));
	struct turn turn = { .r = r };

	gw_volume_names(r->gw, consider, &turn);
	arm(r, turn.n);
	if (r->looking || !turn.n)
		return;
	str_copy(r->next, sizeof(r->next), turn.after[0] ? turn.after : turn.first);
	r->op = (struct gw_admin_op){ .done = looked, .owner = r };
	r->looking = true;
	gw_volume_refresh(r->gw, r->next, &r->op);
}

static void is_quiet(struct loop_task *task)
{
	struct refresh *r = (struct refresh *)((char *)task - offsetof(struct refresh, task));

	if (!r->looking)
		r->stopped(r->arg);
}

void refresh_init(struct refresh *r, struct gw *gw)
{
	*r = (struct refresh){ .gw = gw, .loop = loop_set_get(gw_loops(gw), 0) };
	r->task.run = is_quiet;
	loop_timer_init(&r->timer, tick);
}

void refresh_start(struct refresh *r)
{
	arm(r, 0);
}

void refresh_stop(struct refresh *r, void (*done)(void *arg), void *arg)
{
	r->stopped = done;
	r->arg = arg;
	loop_timer_disarm(r->loop, &r->timer);
	loop_defer(r->loop, &r->task);
}
