/* SPDX-License-Identifier: BSD-3-Clause
 *
 * watch.h - says so when a loop does not turn.
 *
 * A loop never waits, but a call into the kernel may: a write to a cached file
 * whose file system is frozen stands in the kernel until it is thawed, and with it
 * all clients of that loop, without a word.  Loop 0 sends a mail round all loops
 * and looks whether it comes back.  It cannot watch itself: nobody says so where
 * loop 0 stands still, or is the only one.
 */
#ifndef GATEWAY_DAEMON_WATCH_H
#define GATEWAY_DAEMON_WATCH_H

#include <stdatomic.h>

#include "gateway/api/visit.h"

#define WATCH_S 10 /* between two rounds; so long one may take */

struct watch {
	struct gw *gw;
	struct loop *loop;
	struct loop_timer timer;
	struct gw_visit visit;
	atomic_uint seen; /* loops that the round has been to */
	bool out; /* the mail is on its way */
	bool stuck; /* and that was told */
	struct instant since;
	void (*stopped)(void *arg);
	void *arg;
	struct loop_task task;
};

void watch_init(struct watch *watch, struct gw *gw);
void watch_start(struct watch *watch);
/* Started or not.  done() when no mail is on its way any more, or watch->stuck;
 * never from inside. */
void watch_stop(struct watch *watch, void (*done)(void *arg), void *arg);

#endif
