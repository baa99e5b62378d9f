/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd_state.c - bytes in, commands to their ends, and the ends of a connection.
 */
#include "config.h"

#include "tests/sim/sim_nbd_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"

static void release(struct sim_nbd_cmd *cmd)
{
	free(cmd->buf);
	free(cmd->extent);
	*cmd = (struct sim_nbd_cmd){ 0 };
}

void sim_nbd_over(struct sim_nbd *n, int errnum)
{
	if (n->phase == SIM_NBD_OVER)
		return;
	n->phase = SIM_NBD_OVER;
	n->conn = NULL;
	sim_note(n->world, SIM_TR_CLIENT, n->id, SIM_NBD_OVER, (unsigned)errnum);
	for (unsigned i = 0; i < SIM_NBD_DEPTH; i++) {
		if (!n->cmd[i].used || n->cmd[i].ending)
			continue;
		n->ops->done(n->arg, n, &n->cmd[i], true);
		release(&n->cmd[i]);
	}
	n->in_flight = 0;
	n->ops->over(n->arg, n, errnum);
}

void sim_nbd_free(struct sim_nbd **nbd)
{
	struct sim_nbd *n = *nbd;

	if (!n)
		return;
	for (unsigned i = 0; i < SIM_NBD_DEPTH; i++)
		release(&n->cmd[i]);
	free(n->payload);
	free(n);
	*nbd = NULL;
}

/* ---- receiving ---------------------------------------------------------- */

size_t sim_nbd_feed(struct sim_nbd *n, const uint8_t *buf, size_t len)
{
	size_t used = 0;

	while (used < len && n->phase != SIM_NBD_OVER) {
		size_t part = n->want - n->have;

		part = part < len - used ? part : len - used;
		if (n->dst)
			memcpy(n->dst + n->have, buf + used, part);
		n->have += part;
		used += part;
		if (n->have == n->want)
			n->next(n);
	}
	return n->phase == SIM_NBD_OVER ? 0 : used;
}

void sim_nbd_want(struct sim_nbd *n, uint8_t *dst, size_t want, void (*next)(struct sim_nbd *nbd))
{
	n->dst = dst;
	n->want = want;
	n->have = 0;
	n->next = next;
	if (want == 0)
		next(n);
}

void sim_nbd_want_payload(struct sim_nbd *n, size_t want, void (*next)(struct sim_nbd *nbd))
{
	free(n->payload);
	n->payload = malloc(want + 1);
	GW_CHECK(n->payload);
	n->payload_len = want;
	sim_nbd_want(n, n->payload, want, next);
}

void sim_nbd_offence(struct sim_nbd *n, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_world_fail(n->world, "connection %u: the daemon breaks the protocol: %s", n->id, text);
	sim_nbd_vanish(n);
}

void sim_nbd_finish(struct sim_nbd *n, struct sim_nbd_cmd *cmd)
{
	if (cmd->error)
		sim_note(n->world, SIM_TR_CMD_ERR, n->id, cmd->type, cmd->error);
	n->in_flight--;
	cmd->ending = true; /* done() may send new ones, or end the connection */
	n->ops->done(n->arg, n, cmd, false);
	release(cmd);
}

/* ---- sending and ending -------------------------------------------------- */

size_t sim_nbd_put_header(const struct sim_nbd *n, const struct sim_nbd_cmd *cmd, uint8_t *p)
{
	bool ext = n->headers == SIM_NBD_EXTENDED;
	bool names = cmd->type == WIRE_STATUS && (cmd->flags & WIRE_PAYLOAD);
	uint16_t flags = cmd->flags;

	if (ext && cmd->type == WIRE_WRITE)
		flags |= WIRE_PAYLOAD;
	wire_put32(p, ext ? WIRE_REQUEST_EXT : WIRE_REQUEST);
	wire_put16(p + 4, flags);
	wire_put16(p + 6, cmd->type);
	wire_put64(p + 8, cmd->cookie);
	wire_put64(p + 16, cmd->offset);
	if (!ext) {
		wire_put32(p + 24, (uint32_t)cmd->length);
		return 28;
	}
	wire_put64(p + 24, names ? 12 : cmd->length);
	if (!names)
		return 32;
	/* BLOCK_STATUS_PAYLOAD: the range's length, and the contexts wanted. */
	wire_put64(p + 32, cmd->length);
	wire_put32(p + 40, n->meta_id);
	return 44;
}

void sim_nbd_disconnect(struct sim_nbd *n)
{
	struct sim_nbd_cmd bye = { .type = WIRE_DISC };
	uint8_t head[SIM_NBD_HEAD];

	if (n->phase == SIM_NBD_OVER)
		return;
	if (n->phase == SIM_NBD_READY)
		sim_net_send(n->conn, head, sim_nbd_put_header(n, &bye, head));
	sim_nbd_close(n);
}

void sim_nbd_close(struct sim_nbd *n)
{
	if (n->phase == SIM_NBD_OVER)
		return;
	sim_net_close(n->conn);
	sim_nbd_over(n, 0);
}

void sim_nbd_vanish(struct sim_nbd *n)
{
	if (n->phase == SIM_NBD_OVER)
		return;
	sim_net_reset(n->conn);
	sim_nbd_over(n, 0);
}
