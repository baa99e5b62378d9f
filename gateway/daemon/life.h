/* SPDX-License-Identifier: BSD-3-Clause
 *
 * life.h - the life of the daemon on loop 0, between the start of the loops and
 * their end: apply, serve, stop in order.
 *
 *	STARTING ──applied──▶ SERVING ──signal──▶ DRAINING ──▶ FLUSHING ──▶ CLOSING ──▶ OVER
 *	    │ failed: undone                      front ends   volumes      control     loops
 *	    └────────────────────────────────────────────────────────────────▶ socket   end
 */
#ifndef GATEWAY_DAEMON_LIFE_H
#define GATEWAY_DAEMON_LIFE_H

#include "gateway/core/admin.h"
#include "gateway/ctl/conf_apply.h"

#define LIFE_DRAIN_S 5 /* how long connections may live after the signal */

struct life;

struct life_args {
	struct gw *gw;
	struct conf_applier *applier;
	const struct conf *conf;
	const char *control; /* path of the control socket */
	int signals; /* descriptor of process_signals_open() */
};

/* All but the life itself is borrowed. */
int life_create(const struct life_args *args, struct life **out, struct gw_err *err);
/* Main thread, the loops have started: begins; loop_set_run() does the rest and
 * returns when it is over. */
void life_begin(struct life *life);
/* What the process has to exit with. */
int life_exit_code(const struct life *life);
/* Something never ended: nothing may be destroyed, only left. */
bool life_hangs(const struct life *life);
void life_destroy(struct life **life);

#endif
