/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conf_diff.h - from what runs to what is wanted: the steps, in their order.
 *
 * Pure.  What nobody asked to change has no step, so its clients notice nothing.
 * Who takes the steps, and takes them back, is conf_apply.c.
 *
 *	phase  1  open new volumes                 nobody is disturbed so far,
 *	       2  listen: new front ends           and all of it can be undone
 *	       3  drain front ends that change     |
 *	       4  close volumes that change        | undone by opening
 *	       5  open them as wanted              | the old ones again
 *	       6  listen as wanted                 |
 *	       7  drain front ends that go         reached only when all that was
 *	       8  close volumes that go            wanted is there; never undone
 */
#ifndef GATEWAY_CTL_CONF_DIFF_H
#define GATEWAY_CTL_CONF_DIFF_H

#include "gateway/ctl/conf.h"

enum conf_act { CONF_ADD_VOLUME, CONF_ADD_FRONT, CONF_REMOVE_FRONT, CONF_REMOVE_VOLUME };

#define CONF_PHASE_GOING 7 /* from here on nothing is undone */

struct conf_step {
	enum conf_act act;
	unsigned phase;
	/* Of the wanted conf (ADD) or of the running one (REMOVE). */
	const struct conf_volume *volume;
	const struct conf_front *front;
};

/* Room for this many steps is enough. */
unsigned conf_diff_most(const struct conf *running, const struct conf *wanted);
/* Fills steps and returns how many there are; they point into both confs. */
unsigned conf_diff(const struct conf *running, const struct conf *wanted, struct conf_step *steps);
const char *conf_step_name(const struct conf_step *step);

#endif
