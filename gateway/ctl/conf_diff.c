/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conf_diff.c - the difference of two confs as a list of steps (conf_diff.h).
 */
#include "config.h"

#include "gateway/ctl/conf_diff.h"

#include <string.h>

struct diff {
	const struct conf *running, *wanted;
	struct conf_step *steps;
	unsigned n;
};

unsigned conf_diff_most(const struct conf *running, const struct conf *wanted)
{
	return running->n_volumes + running->n_fronts + wanted->n_volumes + wanted->n_fronts;
}

const char *conf_step_name(const struct conf_step *step)
{
	return step->volume ? step->volume->name : step->front->name;
}

/* Do both need the same store, so that one must leave before the other comes? */
static bool same_store(const struct conf_volume *a, const struct conf_volume *b)
{
	return !strcmp(a->store, b->store) && !strcmp(a->target, b->target);
}

/* Is anything running in the way of this wanted volume? */
static bool must_wait(const struct diff *d, const struct conf_volume *wanted)
{
	for (unsigned i = 0; i < d->running->n_volumes; i++) {
		const struct conf_volume *old = &d->running->volumes[i];
		const struct conf_volume *now = conf_find_volume(d->wanted, old->name);

		if (now && conf_volume_same(old, now))
			continue; /* stays */
		if (!strcmp(old->name, wanted->name) || same_store(old, wanted))
			return true;
	}
	return false;
}

/* Is this running volume in the way of a wanted one? */
static bool must_yield(const struct diff *d, const struct conf_volume *running)
{
	for (unsigned i = 0; i < d->wanted->n_volumes; i++) {
		const struct conf_volume *now = &d->wanted->volumes[i];

		if (!strcmp(now->name, running->name) || same_store(running, now))
			return true;
	}
	return false;
}

static void step(struct diff *d, enum conf_act act, unsigned phase,
		 const struct conf_volume *volume, const struct conf_front *front)
{
	d->steps[d->n++] = (struct conf_step){ act, phase, volume, front };
}

static void add_volumes(struct diff *d, bool waiting, unsigned phase)
{
	for (unsigned i = 0; i < d->wanted->n_volumes; i++) {
		const struct conf_volume *volume = &d->wanted->volumes[i];
		const struct conf_volume *old = conf_find_volume(d->running, volume->name);

		if (old && conf_volume_same(old, volume))
			continue;
		if (must_wait(d, volume) == waiting)
			step(d, CONF_ADD_VOLUME, phase, volume, NULL);
	}
}

static void remove_volumes(struct diff *d, bool yielding, unsigned phase)
{
	for (unsigned i = 0; i < d->running->n_volumes; i++) {
		const struct conf_volume *volume = &d->running->volumes[i];
		const struct conf_volume *now = conf_find_volume(d->wanted, volume->name);

		if (now && conf_volume_same(volume, now))
			continue;
		if (must_yield(d, volume) == yielding)
			step(d, CONF_REMOVE_VOLUME, phase, volume, NULL);
	}
}

/* Front ends of `here` that `there` has not, or has differently. */
static void fronts(struct diff *d, enum conf_act act, bool changed, unsigned phase)
{
	const struct conf *here = act == CONF_ADD_FRONT ? d->wanted : d->running;
	const struct conf *there = act == CONF_ADD_FRONT ? d->running : d->wanted;

	for (unsigned i = 0; i < here->n_fronts; i++) {
		const struct conf_front *front = &here->fronts[i];
		const struct conf_front *other = conf_find_front(there, front->name);

		if (other && conf_front_same(front, other))
			continue;
		if (!!other == changed)
			step(d, act, phase, NULL, front);
	}
}

unsigned conf_diff(const struct conf *running, const struct conf *wanted, struct conf_step *steps)
{
	struct diff d = { running, wanted, steps, 0 };

	add_volumes(&d, false, 1);
	fronts(&d, CONF_ADD_FRONT, false, 2);
	fronts(&d, CONF_REMOVE_FRONT, true, 3);
	remove_volumes(&d, true, 4);
	add_volumes(&d, true, 5);
	fronts(&d, CONF_ADD_FRONT, true, 6);
	fronts(&d, CONF_REMOVE_FRONT, false, CONF_PHASE_GOING);
	remove_volumes(&d, false, CONF_PHASE_GOING + 1);
	return d.n;
}
