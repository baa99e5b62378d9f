/* SPDX-License-Identifier: BSD-3-Clause
 *
 * banner.h - the lines that say what is served and how to attach it.
 *
 * They are a contract with scripts: one line per export, then "ready".
 *
 *	disk  1.0 GiB  nbd://127.0.0.1:10809/disk  nbd-client 127.0.0.1 ...
 *	ready
 */
#ifndef GATEWAY_DAEMON_BANNER_H
#define GATEWAY_DAEMON_BANNER_H

#include "gateway/core/admin.h"

/* Loop 0.  Asks the core for its volumes, prints one line per export and the
 * last one; done() on loop 0, never from inside, and then it is gone. */
int banner_print(struct gw *gw, void (*done)(void *arg), void *arg);

#endif
