/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_server.h - the control socket: who may speak, one line in, one line out.
 *
 * Lives on loop 0 and speaks by loop_* calls alone.  What a verb does is
 * ctl_cmds.c's business, what a line looks like ctl_msg.c's.
 */
#ifndef GATEWAY_CTL_CTL_SERVER_H
#define GATEWAY_CTL_CTL_SERVER_H

#include "gateway/base/err.h"
#include "gateway/ctl/ctl_cmds.h"

#define CTL_CONNS_MAX 16u /* more are closed at once */
#define CTL_DEADLINE_S 30 /* to send a whole request; to take a whole reply */

struct ctl_server;

/* Loop 0.  Listens and answers from now on.  The env is borrowed for the
 * server's life.  Only env->uid and root are answered. */
int ctl_server_create(struct loop *loop, const char *path, const struct ctl_env *env,
		      struct ctl_server **out, struct gw_err *err);
/* Loop 0.  Closes the listener (its file goes), ends connections, waits for the
 * verbs that run; done() never from inside. */
void ctl_server_stop(struct ctl_server *server, void (*done)(void *arg), void *arg);
/* After stop. */
void ctl_server_destroy(struct ctl_server **server);

#endif
