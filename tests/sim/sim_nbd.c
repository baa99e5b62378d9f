/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd.c - opens a simulated NBD connection and sends its commands.
 */
#include "config.h"

#include "tests/sim/sim_nbd.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "tests/sim/sim_nbd_hs.h"
#include "tests/sim/sim_nbd_rx.h"

static size_t on_data(void *arg, const uint8_t *buf, size_t len)
{
	return sim_nbd_feed(arg, buf, len);
}

static void on_connected(void *arg)
{
	(void)arg; /* the daemon speaks first */
}

static void on_closed(void *arg, int errnum)
{
	sim_nbd_over(arg, errnum);
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

void sim_nbd_send(struct sim_nbd *n, struct sim_nbd_cmd *cmd, const uint8_t *data,
		  uint64_t only_bytes)
{
	uint8_t head[SIM_NBD_HEAD];
	uint64_t len = sim_nbd_put_header(n, cmd, head);
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
