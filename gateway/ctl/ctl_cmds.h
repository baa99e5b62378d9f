/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_cmds.h - what each control verb does; the first ones show how the others
 * will look.
 *
 * A verb is a row of ctl_cmds.tbl and a function in ctl_cmds.c.  It runs on loop
 * 0, knows no socket and no JSON text, and ends by ctl_call_done() once, from
 * inside or later.  Neighbour above: ctl_server.c.
 */
#ifndef GATEWAY_CTL_CTL_CMDS_H
#define GATEWAY_CTL_CTL_CMDS_H

#include <jansson.h>

#include "gateway/core/admin.h"
#include "gateway/ctl/ctl_out.h"

/* What the verbs may ask about the daemon; borrowed for the server's life. */
struct ctl_env {
	struct gw *gw;
	uint32_t pid, uid;
	struct instant started;
	/* One word: "starting", "serving", "stopping". */
	const char *(*phase)(void *arg);
	void *arg;
};

struct ctl_call {
	/* set by the caller */
	const struct ctl_env *env;
	const json_t *params; /* an object, or null; borrowed to the end */
	void (*done)(struct ctl_call *call);
	/* the outcome: a result to be taken over, or a code and a sentence */
	json_t *result;
	int code;
	struct gw_err err;
	/* the verb's own */
	struct ctl_out out;
	struct gw_admin_op op;
};

/* Finds the verb, checks its params, runs it. */
void ctl_cmds_run(struct ctl_call *call, const char *method);

#endif
