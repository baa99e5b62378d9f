/* SPDX-License-Identifier: BSD-3-Clause
 *
 * refresh.h - looks at the stores again and again, for they grow and vanish.
 *
 * One volume a tick, in turn, so that an idle daemon wakes up less than once a
 * second however many it has: each volume every 5 s where there are one or two,
 * less often where there are more.  Loop 0.
 */
#ifndef GATEWAY_DAEMON_REFRESH_H
#define GATEWAY_DAEMON_REFRESH_H

#include "gateway/api/volume.h"
#include "gateway/core/admin.h"

struct refresh {
	struct gw *gw;
	struct loop *loop;
	struct loop_timer timer;
	struct gw_admin_op op;
	bool looking;
	char next[GW_NAME_MAX]; /* the volume that has its turn */
	void (*stopped)(void *arg);
	void *arg;
	struct loop_task task;
};

void refresh_init(struct refresh *refresh, struct gw *gw);
void refresh_start(struct refresh *refresh);
/* Started or not. done() when nothing is under way any more; never from inside. */
void refresh_stop(struct refresh *refresh, void (*done)(void *arg), void *arg);

#endif
