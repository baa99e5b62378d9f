/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd.c - a simulated NBD connection: commands out, and its life.
 */
#include "config.h"

#include "tests/sim/sim_nbd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "tests/sim/sim_nbd_hs.h"
#include "tests/sim/sim_nbd_rx.h"

static void release(struct sim_nbd_cmd *cmd)
{
	free(cmd->buf);
	free(cmd->extent);
	*cmd = (struct sim_nbd_cmd){ 0 };
}

/* The connection is over for the client; every command ends. */
static void over(struct sim_nbd *n, int errnum)
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

static size_t on_data(void *arg, const uint8_t *buf, size_t len)
{
	struct sim_nbd *n = arg;
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

static void on_connected(void *arg)
{
	(void)arg; /* the daemon speaks first */
}

static void on_closed(void *arg, int errnum)
{
	over(arg, errnum);
}

static void on_decided(void *arg)
{
	struct sim_nbd *n = arg;

	n->decided = true;
	n->ops->decided(n->arg, n);
}

static const struct sim_conn_ops conn_ops = {
	.connected = on_connected, .data = on_data, .closed = on_closed, .decided = on_decided
};

static void become_ready(struct sim_nbd *n)
{
	n->phase = SIM_NBD_READY;
	sim_note(n->world, SIM_TR_CLIENT, n->id, SIM_NBD_READY, n->headers);
	sim_nbd_rx_begin(n);
	n->ops->ready(n->arg, n);
}

struct sim_nbd *sim_nbd_open(struct sim_net *net, const struct loop_addr *addr,
			     const struct sim_nbd_cfg *cfg, const struct sim_nbd_ops *ops,
			     void *arg, unsigned id)
{
	struct sim_nbd *n = calloc(1, sizeof(*n));

	GW_CHECK(n);
	n->world = net->world;
	n->id = id;
	n->cfg = *cfg;
	n->ops = ops;
	n->arg = arg;
	n->next_cookie = sim_rng_next(&net->world->rng);
	n->block_min = 1;
	n->block_max = 32u << 20;
	n->conn = sim_net_connect(net, addr, &conn_ops, n);
	sim_nbd_hs_begin(n, become_ready);
	return n;
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

/* ---- sending ------------------------------------------------------------ */

struct sim_nbd_cmd *sim_nbd_take(struct sim_nbd *n)
{
	for (unsigned i = 0; i < SIM_NBD_DEPTH && n->phase == SIM_NBD_READY; i++) {
		struct sim_nbd_cmd *cmd = &n->cmd[i];

		if (cmd->used)
			continue;
		*cmd = (struct sim_nbd_cmd){ .used = true, .cookie = n->next_cookie++ };
		n->in_flight++;
		return cmd;
	}
	return NULL;
}

static size_t put_header(const struct sim_nbd *n, const struct sim_nbd_cmd *cmd, uint8_t *p)
{
	bool ext = n->headers == SIM_NBD_EXTENDED;
	uint16_t flags = cmd->flags;

	if (ext && cmd->type == WIRE_WRITE)
		flags |= WIRE_PAYLOAD;
	wire_put32(p, ext ? WIRE_REQUEST_EXT : WIRE_REQUEST);
	wire_put16(p + 4, flags);
	wire_put16(p + 6, cmd->type);
	wire_put64(p + 8, cmd->cookie);
	wire_put64(p + 16, cmd->offset);
	if (ext)
		wire_put64(p + 24, cmd->length);
	else
		wire_put32(p + 24, (uint32_t)cmd->length);
	return ext ? 32 : 28;
}

void sim_nbd_send(struct sim_nbd *n, struct sim_nbd_cmd *cmd, const uint8_t *data,
		  uint64_t only_bytes)
{
	uint8_t head[32];
	uint64_t len = put_header(n, cmd, head);
	uint64_t body = cmd->type == WIRE_WRITE ? cmd->length : 0;

	if (cmd->type == WIRE_READ) {
		cmd->buf = malloc(cmd->length + 1);
		GW_CHECK(cmd->buf);
		memset(cmd->buf, 0xa5, cmd->length);
	}
	sim_net_send(n->conn, head, only_bytes < len ? only_bytes : len);
	if (only_bytes > len && body)
		sim_net_send(n->conn, data, only_bytes - len < body ? only_bytes - len : body);
	if (only_bytes < len + body)
		sim_count(n->world, SIM_COVER_HALF_REQUEST);
}

void sim_nbd_disconnect(struct sim_nbd *n)
{
	struct sim_nbd_cmd bye = { .type = WIRE_DISC };
	uint8_t head[32];

	if (n->phase == SIM_NBD_OVER)
		return;
	if (n->phase == SIM_NBD_READY)
		sim_net_send(n->conn, head, put_header(n, &bye, head));
	sim_nbd_close(n);
}

void sim_nbd_close(struct sim_nbd *n)
{
	if (n->phase == SIM_NBD_OVER)
		return;
	sim_net_close(n->conn);
	over(n, 0);
}

void sim_nbd_vanish(struct sim_nbd *n)
{
	if (n->phase == SIM_NBD_OVER)
		return;
	sim_net_reset(n->conn);
	over(n, 0);
}
