/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conf_apply.h - make a wanted state true: the one road into the core.
 *
 * Takes the steps of conf_diff.h one after the other (what is removed together,
 * together).  Where one fails, those before it are undone, last first, and what
 * ran before runs again; the sentence of the first failure comes back.  An empty
 * state is the orderly shutdown.  Everything here is called on loop 0.
 */
#ifndef GATEWAY_CTL_CONF_APPLY_H
#define GATEWAY_CTL_CONF_APPLY_H

#include "gateway/base/clock.h"
#include "gateway/ctl/conf.h"

struct gw;
struct conf_applier; /* one per gateway: it remembers what runs */

struct conf_apply_op {
	/* On loop 0, never from inside conf_apply(). */
	void (*done)(struct conf_apply_op *op);
	/* How long connections may live that a step ends; and then how long a
	 * volume's requests in flight may take. */
	struct span drain;
	int rc; /* 0 or -errno, with the sentence in err */
	struct gw_err err;
	void *owner;
};

int conf_apply_create(struct gw *gw, struct conf_applier **out, struct gw_err *err);
/* Nothing may be under way. What runs is left alone. */
void conf_apply_destroy(struct conf_applier **applier);

/* The conf is copied. One at a time. A failure to flush what goes for good does
 * not stop the others from going; it is told in the end. */
void conf_apply(struct conf_applier *applier, const struct conf *wanted, struct conf_apply_op *op);
bool conf_apply_is_busy(const struct conf_applier *applier);
/* What runs, as far as conf_apply() made it; valid until the next turn. */
const struct conf *conf_apply_running(const struct conf_applier *applier);

#endif
