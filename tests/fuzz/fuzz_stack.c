/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_stack.c - the daemon in a simulated world, and a client of bytes.
 */
#include "config.h"

#include "tests/fuzz/fuzz_stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "gateway/base/log.h"

#define PATIENCE_NS (60 * SIM_S)

/* ---- the stack ----------------------------------------------------------- */

static void no_log(void *arg, enum log_level level, enum log_area area, const char *text)
{
}

static void register_once(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	log_set_sink(no_log, NULL);
	sim_daemon_register();
}

static void add_ifaces(struct fuzz_stack *stack, const struct fuzz_stack_cfg *cfg)
{
	for (unsigned i = 0; i < cfg->aoe; i++) {
		const uint8_t mac[6] = { 2, 0, 0, 0, 0, (uint8_t)i };

		sim_ether_iface(stack->host->ether, sim_daemon_ifaces[i], mac,
				cfg->mtu_bytes ? cfg->mtu_bytes : 1500);
	}
}

void fuzz_stack_up(struct fuzz_stack *stack, uint64_t seed, const struct fuzz_stack_cfg *cfg)
{
	struct sim_daemon_cfg daemon = {
		.loops = cfg->loops,
		.limits = { .pool_bytes = cfg->pool_bytes, .requests = cfg->requests },
		.block_bytes = cfg->block_bytes,
		.aoe = cfg->aoe,
		.direct = cfg->direct,
	};

	register_once();
	if (cfg->front)
		daemon.front = cfg->front->name;
	stack->host = sim_host_new(seed);
	add_ifaces(stack, cfg);
	sim_daemon_make_image(stack->host, cfg->image_bytes);
	GW_CHECK(sim_daemon_start(&stack->daemon, stack->host, &daemon));
}

bool fuzz_stack_down(struct fuzz_stack *stack)
{
	bool fine = sim_daemon_stop(&stack->daemon) && !stack->host->world->failed;

	if (!fine)
		fprintf(stderr, "the simulation: %s (flush %d)\n", stack->host->world->failure,
			stack->daemon.flush_rc);
	sim_host_free(&stack->host);
	return fine;
}

void fuzz_stack_run(struct fuzz_stack *stack, uint64_t for_ns)
{
	sim_host_run(stack->host, for_ns);
}

/* ---- a client ------------------------------------------------------------ */

static void connected(void *arg)
{
	((struct fuzz_client *)arg)->connected = true;
}

static size_t came(void *arg, const uint8_t *bytes, size_t n)
{
	struct fuzz_client *c = arg;

	if (c->len + n > c->room) {
		c->room = (c->len + n) * 2;
		c->in = realloc(c->in, c->room);
		GW_CHECK(c->in);
	}
	memcpy(c->in + c->len, bytes, n);
	c->len += n;
	return n;
}

static void closed(void *arg, int errnum)
{
	struct fuzz_client *c = arg;

	c->closed = true;
	c->errnum = errnum;
}

static const struct sim_conn_ops ops = { .connected = connected, .data = came, .closed = closed };

static bool is_connected(void *arg)
{
	struct fuzz_client *c = arg;

	return c->connected || c->closed;
}

void fuzz_client_open(struct fuzz_client *c, struct fuzz_stack *stack)
{
	fuzz_client_dial(c, stack, &sim_daemon_addr);
}

void fuzz_client_dial(struct fuzz_client *c, struct fuzz_stack *stack, const struct loop_addr *addr)
{
	*c = (struct fuzz_client){ .stack = stack };
	c->conn = sim_net_connect(stack->host->net, addr, &ops, c);
	sim_host_run_until(stack->host, PATIENCE_NS, is_connected, c);
}

void fuzz_client_send(struct fuzz_client *c, const void *bytes, size_t n)
{
	if (!c->closed && n)
		sim_net_send(c->conn, bytes, n);
}

void fuzz_client_send_cut(struct fuzz_client *c, const uint8_t *data, size_t n, uint8_t seed)
{
	struct sim_rng rng;

	sim_rng_seed(&rng, seed);
	while (n && !c->closed) {
		size_t most = seed & 1 ? 64 : 100000;
		size_t piece = 1 + sim_rng_below(&rng, most < n ? most : n);

		fuzz_client_send(c, data, piece);
		data += piece;
		n -= piece;
		if (sim_rng_below(&rng, 2))
			fuzz_stack_run(c->stack, sim_rng_below(&rng, 5 * SIM_MS));
	}
}

struct wish {
	struct fuzz_client *client;
	size_t n;
};

static bool is_here(void *arg)
{
	struct wish *wish = arg;

	return wish->client->closed || wish->client->len >= wish->n;
}

bool fuzz_client_wait(struct fuzz_client *c, size_t n)
{
	struct wish wish = { c, n };

	if (c->len < n && !c->closed)
		sim_host_run_until(c->stack->host, PATIENCE_NS, is_here, &wish);
	return c->len >= n;
}

void fuzz_client_take(struct fuzz_client *c, size_t n)
{
	GW_CHECK(n <= c->len);
	c->len -= n;
	memmove(c->in, c->in + n, c->len);
}

static bool is_closed(void *arg)
{
	return ((struct fuzz_client *)arg)->closed;
}

bool fuzz_client_wait_closed(struct fuzz_client *c)
{
	return c->closed || sim_host_run_until(c->stack->host, PATIENCE_NS, is_closed, c);
}

void fuzz_client_close(struct fuzz_client *c, bool orderly)
{
	if (!c->closed && orderly)
		sim_net_close(c->conn);
	else if (!c->closed)
		sim_net_reset(c->conn);
	c->closed = true;
	free(c->in);
	c->in = NULL;
	c->len = c->room = 0;
}
