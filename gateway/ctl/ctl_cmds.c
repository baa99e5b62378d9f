/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_cmds.c - one function per row of ctl_cmds.tbl.  Promises in ctl_cmds.h.
 *
 * status asks the core for its lists, one after the other, for some of them
 * visit every loop:
 *
 *	volumes ─▶ exports (at once) ─▶ loops ─▶ connections ─▶ one object
 *
 * Connections come last: they are what may be too many for one message.
 */
#include "config.h"

#include "gateway/ctl/ctl_cmds.h"

#include <errno.h>

#include "gateway/ctl/ctl_msg.h"

/* Room in a message for what is not in the lists. */
#define LISTS_BYTES (CTL_MSG_MAX - 8192)

static void end(struct ctl_call *call)
{
	ctl_out_end(&call->out);
	call->done(call);
}

static void end_with(struct ctl_call *call, json_t *result)
{
	call->result = result;
	if (!result) {
		call->code = CTL_INTERNAL_ERROR;
		gw_err_set(&call->err, ENOMEM, "the daemon has no memory for the reply");
	}
	end(call);
}

static json_t *daemon_facts(const struct ctl_env *env)
{
	struct loop_set *loops = gw_loops(env->gw);
	struct loop *loop = loop_set_get(loops, 0);
	struct span up = instant_since(loop_now(loop), env->started);

	return json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:I}", "product", gw_product(), "version",
			 gw_version(), "pid", (json_int_t)env->pid, "uptime_s",
			 (json_int_t)span_to_s(up), "state", env->phase(env->arg), "driver",
			 loop_set_driver(loops), "loops", (json_int_t)loop_set_count(loops));
}

/* ---- version ------------------------------------------------------------ */

static void run_version(struct ctl_call *call)
{
	end_with(call, daemon_facts(call->env));
}

/* ---- status ------------------------------------------------------------- */

static void status_is_whole(struct gw_admin_op *op)
{
	struct ctl_call *call = op->owner;
	struct ctl_out *out = &call->out;
	json_int_t left_out = (json_int_t)out->left_out;

	end_with(call, json_pack("{s:o, s:o, s:o, s:o, s:o, s:I}", "daemon",
				 daemon_facts(call->env), "volumes", ctl_out_list(out, "volume"),
				 "exports", ctl_out_list(out, "export"), "connections",
				 ctl_out_list(out, "connection"), "loops",
				 ctl_out_list(out, "loop"), "left_out", left_out));
}

static void status_asks_connections(struct gw_admin_op *op)
{
	struct ctl_call *call = op->owner;

	op->done = status_is_whole;
	gw_list_connections(call->env->gw, &call->out.out, op);
}

static void status_asks_loops(struct gw_admin_op *op)
{
	struct ctl_call *call = op->owner;

	gw_list_exports(call->env->gw, &call->out.out);
	op->done = status_asks_connections;
	gw_list_loops(call->env->gw, &call->out.out, op);
}

static void run_status(struct ctl_call *call)
{
	call->op = (struct gw_admin_op){ .done = status_asks_loops, .owner = call };
	gw_list_volumes(call->env->gw, &call->out.out, &call->op);
}

/* ---- sessions ----------------------------------------------------------- */

static void sessions_are_whole(struct gw_admin_op *op)
{
	struct ctl_call *call = op->owner;
	json_int_t left_out = (json_int_t)call->out.left_out;

	end_with(call, json_pack("{s:o, s:o, s:I}", "daemon", daemon_facts(call->env), "sessions",
				 ctl_out_list(&call->out, "connection"), "left_out", left_out));
}

/* False: it is there and no text. */
static bool want(struct ctl_call *call, const char *key)
{
	const json_t *value = json_object_get(call->params, key);

	if (!value)
		return true;
	if (!json_is_string(value))
		return false;
	ctl_out_want(&call->out, key, json_string_value(value));
	return true;
}

static void run_sessions(struct ctl_call *call)
{
	if (!want(call, "protocol") || !want(call, "volume")) {
		call->code = CTL_INVALID_PARAMS;
		gw_err_set(&call->err, EINVAL, "'protocol' and 'volume' are texts");
		end(call);
		return;
	}
	call->op = (struct gw_admin_op){ .done = sessions_are_whole, .owner = call };
	gw_list_connections(call->env->gw, &call->out.out, &call->op);
}

/* ---- all ---------------------------------------------------------------- */

static void (*const functions[CTL_VERB_COUNT])(struct ctl_call *call) = {
	[CTL_VERB_STATUS] = run_status,
	[CTL_VERB_SESSIONS] = run_sessions,
	[CTL_VERB_VERSION] = run_version,
};

static const char *unknown_param(const struct ctl_verb_row *row, const json_t *params)
{
	const char *key;
	json_t *value;

	/* jansson's macro takes no const, but changes nothing. */
	json_object_foreach((json_t *)(uintptr_t)params, key,
			    value) if (!ctl_verbs_takes(row, key)) return key;
	return NULL;
}

void ctl_cmds_run(struct ctl_call *call, const char *method)
{
	enum ctl_verb verb = ctl_verbs_find(method);
	const char *odd;

	call->code = 0;
	call->result = NULL;
	ctl_out_begin(&call->out, LISTS_BYTES);
	if (verb == CTL_VERB_COUNT) {
		call->code = CTL_METHOD_NOT_FOUND;
		gw_err_set(&call->err, ENOENT, "there is no verb '%.64s'", method);
		end(call);
		return;
	}
	odd = unknown_param(ctl_verbs_at(verb), call->params);
	if (odd) {
		call->code = CTL_INVALID_PARAMS;
		gw_err_set(&call->err, EINVAL, "%s takes no '%.64s'", method, odd);
		end(call);
		return;
	}
	functions[verb](call);
}
