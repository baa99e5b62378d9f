/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi.c - opens a session of a simulated initiator.
 */
#include "config.h"

#include "tests/sim/sim_iscsi.h"

#include <stdlib.h>

#include "gateway/base/check.h"
#include "tests/sim/sim_iscsi_login.h"
#include "tests/sim/sim_iscsi_rx.h"
#include "tests/sim/sim_iscsi_tx.h"

static size_t on_data(void *arg, const uint8_t *buf, size_t len)
{
	return sim_iscsi_feed(arg, buf, len);
}

static void become_ready(struct sim_iscsi *n)
{
	n->phase = SIM_ISCSI_READY;
	n->ready_ns = n->world->now_ns;
	sim_note(n->world, SIM_TR_CLIENT, n->id, SIM_ISCSI_READY, n->max_cmdsn - n->cmdsn + 1);
	sim_iscsi_rx_begin(n);
	n->ops->ready(n->arg, n);
}

static void on_connected(void *arg)
{
	sim_iscsi_login_begin(arg, become_ready);
}

static void on_closed(void *arg, int errnum)
{
	sim_iscsi_over(arg, errnum);
}

static void on_decided(void *arg)
{
	struct sim_iscsi *n = arg;

	n->decided = true;
	n->ops->decided(n->arg, n);
}

static const struct sim_conn_ops conn_ops = {
	.connected = on_connected, .data = on_data, .closed = on_closed, .decided = on_decided
};

struct sim_iscsi *sim_iscsi_open(struct sim_net *net, const struct loop_addr *addr,
				 const struct sim_iscsi_cfg *cfg, const struct sim_iscsi_ops *ops,
				 void *arg, unsigned id)
{
	struct sim_iscsi *n = calloc(1, sizeof(*n));

	GW_CHECK(n);
	n->world = net->world;
	n->id = id;
	n->cfg = *cfg;
	n->ops = ops;
	n->arg = arg;
	n->cmdsn = (uint32_t)sim_rng_next(&net->world->rng);
	if (sim_rng_chance(&net->world->rng, 1, 2)) /* they often wrap */
		n->cmdsn = 0u - (uint32_t)sim_rng_below(&net->world->rng, 64);
	if (cfg->tsih)
		n->cmdsn = cfg->sent_cmdsn;
	n->next_itt = (uint32_t)sim_rng_next(&net->world->rng) >> 1;
	sim_iscsi_tx_begin(n);
	n->conn = sim_net_connect(net, addr, &conn_ops, n);
	return n;
}

struct sim_iscsi_cmd *sim_iscsi_take(struct sim_iscsi *n)
{
	if (n->phase != SIM_ISCSI_READY || n->leaving || sim_sn_before(n->max_cmdsn, n->cmdsn))
		return NULL;
	for (unsigned i = 0; i < SIM_ISCSI_DEPTH; i++) {
		if (n->cmd[i].used)
			continue;
		n->cmd[i] = (struct sim_iscsi_cmd){ .used = true };
		n->in_flight++;
		return &n->cmd[i];
	}
	return NULL;
}
