/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi_state.c - bytes in, commands to their ends, and the ends of a session.
 */
#include "config.h"

#include "tests/sim/sim_iscsi_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"

static void release(struct sim_iscsi_cmd *cmd)
{
	free(cmd->out);
	free(cmd->in);
	*cmd = (struct sim_iscsi_cmd){ 0 };
}

/* ---- receiving ---------------------------------------------------------- */

size_t sim_iscsi_feed(struct sim_iscsi *n, const uint8_t *buf, size_t len)
{
	size_t used = 0;

	while (used < len && n->phase != SIM_ISCSI_OVER) {
		size_t part = n->want - n->have;

		part = part < len - used ? part : len - used;
		memcpy(n->dst + n->have, buf + used, part);
		n->have += part;
		used += part;
		if (n->have == n->want)
			n->next(n);
	}
	return n->phase == SIM_ISCSI_OVER ? 0 : used;
}

void sim_iscsi_want(struct sim_iscsi *n, uint8_t *dst, size_t want,
		    void (*next)(struct sim_iscsi *iscsi))
{
	n->dst = dst;
	n->want = want;
	n->have = 0;
	n->next = next;
	if (want == 0)
		next(n);
}

void sim_iscsi_want_data(struct sim_iscsi *n, size_t want, void (*next)(struct sim_iscsi *iscsi))
{
	free(n->data);
	n->data = malloc(want + 1);
	GW_CHECK(n->data);
	sim_iscsi_want(n, n->data, want, next);
}

/* ---- ends --------------------------------------------------------------- */

static void drop_bursts(struct sim_iscsi *n, const struct sim_iscsi_cmd *cmd)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n->bursts; i++)
		if (n->burst[i].cmd != cmd)
			n->burst[kept++] = n->burst[i];
	n->bursts = kept;
}

void sim_iscsi_finish(struct sim_iscsi *n, struct sim_iscsi_cmd *cmd, enum sim_iscsi_end end)
{
	drop_bursts(n, cmd);
	if (n->tmf.cmd == cmd)
		n->tmf.cmd = NULL;
	n->in_flight--;
	cmd->ending = true; /* done() may send new ones, or end the session */
	n->ops->done(n->arg, n, cmd, end);
	release(cmd);
}

void sim_iscsi_over(struct sim_iscsi *n, int errnum)
{
	if (n->phase == SIM_ISCSI_OVER)
		return;
	n->phase = SIM_ISCSI_OVER;
	n->conn = NULL;
	sim_world_cancel(n->world, &n->pour);
	sim_note(n->world, SIM_TR_CLIENT, n->id, SIM_ISCSI_OVER, (unsigned)errnum);
	for (unsigned i = 0; i < SIM_ISCSI_DEPTH; i++)
		if (n->cmd[i].used && !n->cmd[i].ending)
			sim_iscsi_finish(n, &n->cmd[i], SIM_LOST);
	n->in_flight = 0;
	n->ops->over(n->arg, n, errnum);
}

void sim_iscsi_close(struct sim_iscsi *n)
{
	if (n->phase == SIM_ISCSI_OVER)
		return;
	sim_net_close(n->conn);
	sim_iscsi_over(n, 0);
}

void sim_iscsi_vanish(struct sim_iscsi *n)
{
	if (n->phase == SIM_ISCSI_OVER)
		return;
	sim_net_reset(n->conn);
	sim_iscsi_over(n, 0);
}

void sim_iscsi_offence(struct sim_iscsi *n, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_world_fail(n->world, "session %u: the target breaks the protocol: %s", n->id, text);
	sim_iscsi_vanish(n);
}

void sim_iscsi_free(struct sim_iscsi **iscsi)
{
	struct sim_iscsi *n = *iscsi;

	if (!n)
		return;
	sim_world_cancel(n->world, &n->pour);
	for (unsigned i = 0; i < SIM_ISCSI_DEPTH; i++)
		release(&n->cmd[i]);
	free(n->data);
	free(n->scratch);
	free(n);
	*iscsi = NULL;
}
