/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_net.c - connections as their clients see them, and how they break.
 */
#include "config.h"

#include "tests/sim/sim_net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"

struct sim_net *sim_net_new(struct sim_world *world, const struct sim_net_daemon *daemon)
{
	struct sim_net *net = calloc(1, sizeof(*net));

	GW_CHECK(net);
	net->world = world;
	net->daemon = daemon;
	net->next_port = 40000;
	net->backlog = (unsigned)sim_rng_between(&world->rng, 2, 64);
	net->half_open_max_s = 90;
	return net;
}

void sim_net_free(struct sim_net **address)
{
	struct sim_net *net = *address;

	if (!net)
		return;
	while (net->conns) {
		struct sim_conn *c = net->conns;

		net->conns = c->next;
		sim_pipe_kill(&c->up, false);
		sim_pipe_kill(&c->down, false);
		sim_world_cancel(net->world, &c->connect_event);
		sim_world_cancel(net->world, &c->client_learns);
		sim_world_cancel(net->world, &c->daemon_learns);
		sim_world_cancel(net->world, &c->send_event);
		free(c);
	}
	while (net->listeners) {
		struct sim_listener *l = net->listeners;

		net->listeners = l->next;
		free(l);
	}
	free(net->sock);
	free(net);
	*address = NULL;
}

struct sim_listener *sim_net_listener(const struct sim_net *net, const struct loop_addr *addr)
{
	for (struct sim_listener *l = net->listeners; l; l = l->next) {
		if (l->dead || l->addr.family != addr->family)
			continue;
		if (addr->family == LOOP_ADDR_UNIX ? strcmp(l->addr.path, addr->path) == 0
						   : l->addr.port == addr->port)
			return l;
	}
	return NULL;
}

/* ---- one side learns ---------------------------------------------------- */

static void client_over(struct sim_conn *c)
{
	c->over = true;
	sim_world_cancel(c->net->world, &c->connect_event);
	sim_world_cancel(c->net->world, &c->client_learns);
}

static void fire_client_learns(struct sim_event *event)
{
	struct sim_conn *c = SIM_OF(event, struct sim_conn, client_learns);

	client_over(c);
	sim_note(c->net->world, SIM_TR_CLIENT_END, c->id, (unsigned)c->client_error, 0);
	c->ops->closed(c->arg, c->client_error);
	if (!c->knocked)
		sim_net_decided(c); /* the daemon never heard of it */
}

static void fire_daemon_learns(struct sim_event *event)
{
	struct sim_conn *c = SIM_OF(event, struct sim_conn, daemon_learns);

	c->learned = true;
	sim_note(c->net->world, SIM_TR_LEARN, c->id, 1, (unsigned)c->daemon_error);
	c->net->daemon->learns(c);
}

void sim_net_tell_client(struct sim_conn *c, int errnum, uint64_t delay_ns)
{
	if (c->over || sim_world_is_set(&c->client_learns))
		return;
	sim_world_cancel(c->net->world, &c->connect_event);
	c->client_error = errnum;
	sim_world_after(c->net->world, &c->client_learns, delay_ns);
}

void sim_net_tell_daemon(struct sim_conn *c, int errnum, uint64_t delay_ns)
{
	if (c->learned || sim_world_is_set(&c->daemon_learns))
		return;
	c->daemon_error = errnum;
	sim_world_after(c->net->world, &c->daemon_learns, delay_ns);
}

void sim_net_decided(struct sim_conn *c)
{
	if (c->decided)
		return;
	c->decided = true;
	sim_note(c->net->world, SIM_TR_DECIDED, c->id, 0, 0);
	if (c->ops->decided)
		c->ops->decided(c->arg);
}

void sim_net_drop(struct sim_conn *c, bool keep_arrived)
{
	size_t gone = c->up.flying + c->up.unsent + c->down.flying + c->down.unsent +
		      c->down.arrived + (keep_arrived ? 0 : c->up.arrived);

	if (gone)
		sim_count(c->net->world, SIM_COVER_LOSS);
	sim_note(c->net->world, SIM_TR_CUT, c->id, 0, gone);
	sim_pipe_kill(&c->up, keep_arrived);
	sim_pipe_kill(&c->down, false);
}

/* ---- connecting --------------------------------------------------------- */

static void deliver(struct sim_conn *c);

static void enqueue(struct sim_listener *l, struct sim_conn *c)
{
	*(l->last ? &l->last->next_waiting : &l->first) = c;
	l->last = c;
	l->waiting++;
	c->knocked = true;
}

static void fire_connected(struct sim_event *event)
{
	struct sim_conn *c = SIM_OF(event, struct sim_conn, connect_event);

	c->open = true;
	c->ops->connected(c->arg);
	deliver(c);
}

static void fire_knock(struct sim_event *event)
{
	struct sim_conn *c = SIM_OF(event, struct sim_conn, connect_event);
	struct sim_world *w = c->net->world;
	struct sim_listener *l = sim_net_listener(c->net, &c->addr);

	if (!l || (l->waiting >= c->net->backlog && ++c->tries > 5)) {
		sim_note(w, SIM_TR_REFUSED, c->id, c->tries, 0);
		sim_net_tell_client(c, l ? ETIMEDOUT : ECONNREFUSED, c->down.latency_ns);
		return;
	}
	if (l->waiting >= c->net->backlog) {
		sim_world_after(w, &c->connect_event, SIM_S << c->tries);
		return;
	}
	c->connect_event.fire = fire_connected;
	sim_world_after(w, &c->connect_event, c->down.latency_ns);
	enqueue(l, c);
	c->net->daemon->knock(l);
}

static void up_came(struct sim_pipe *pipe)
{
	struct sim_conn *c = SIM_OF(pipe, struct sim_conn, up);

	sim_note(c->net->world, SIM_TR_ARRIVE, c->id, 0, pipe->arrived);
	if (c->daemon_closed && pipe->arrived) {
		sim_pipe_consume(pipe, pipe->arrived);
		sim_net_tell_client(c, ECONNRESET, c->down.latency_ns);
	}
	c->net->daemon->came(c);
}

/* Hands what has arrived to the client. */
static void deliver(struct sim_conn *c)
{
	struct sim_pipe *p = &c->down;
	bool moved = false;

	while (p->arrived && c->open && !c->paused && !c->over) {
		size_t n = c->ops->data(c->arg, sim_pipe_data(p), p->arrived);

		if (!n || !p->buf)
			break;
		sim_pipe_consume(p, n);
		moved = true;
	}
	if (c->over && p->arrived) {
		sim_pipe_consume(p, p->arrived);
		sim_net_tell_daemon(c, ECONNRESET, c->up.latency_ns);
	}
	if (moved)
		c->net->daemon->room(c);
	if (p->end_arrived && !p->arrived && c->open && !c->over && !c->paused)
		sim_net_tell_client(c, 0, 0);
}

static void down_came(struct sim_pipe *pipe)
{
	struct sim_conn *c = SIM_OF(pipe, struct sim_conn, down);

	sim_note(c->net->world, SIM_TR_ARRIVE, c->id, 1, pipe->arrived);
	deliver(c);
}

static void fire_send(struct sim_event *event)
{
	struct sim_conn *c = SIM_OF(event, struct sim_conn, send_event);

	c->net->daemon->room(c);
}

struct sim_conn *sim_net_connect(struct sim_net *net, const struct loop_addr *addr,
				 const struct sim_conn_ops *ops, void *arg)
{
	struct sim_conn *c = calloc(1, sizeof(*c));

	GW_CHECK(c);
	c->net = net;
	c->id = ++net->n_conns;
	c->addr = *addr;
	c->ops = ops;
	c->arg = arg;
	c->sock = -1;
	c->next = net->conns;
	net->conns = c;
	sim_pipe_init(&c->up, net->world, up_came);
	sim_pipe_init(&c->down, net->world, down_came);
	c->send_room = (size_t)sim_rng_log(&net->world->rng, 4096, 1024 * 1024);
	c->connect_event.fire = fire_knock;
	c->client_learns.fire = fire_client_learns;
	c->daemon_learns.fire = fire_daemon_learns;
	c->send_event.fire = fire_send;
	sim_note(net->world, SIM_TR_CONNECT, c->id, addr->port, c->up.latency_ns);
	sim_world_after(net->world, &c->connect_event, c->up.latency_ns);
	return c;
}

/* ---- the client acts ---------------------------------------------------- */

void sim_net_send(struct sim_conn *c, const void *buf, size_t len)
{
	sim_pipe_send(&c->up, buf, len);
}

size_t sim_net_unread(const struct sim_conn *c)
{
	return c->up.arrived + c->up.flying + c->up.unsent;
}

void sim_net_close(struct sim_conn *c)
{
	client_over(c);
	sim_pipe_end(&c->up);
	deliver(c);
}

void sim_net_reset(struct sim_conn *c)
{
	struct sim_world *w = c->net->world;

	sim_count(w, SIM_COVER_CUT);
	client_over(c);
	sim_net_drop(c, sim_rng_chance(&w->rng, 1, 2));
	sim_net_tell_daemon(c, ECONNRESET, c->up.latency_ns);
}

void sim_net_cut(struct sim_conn *c, enum sim_cut how)
{
	struct sim_world *w = c->net->world;
	uint64_t soon = sim_rng_log(&w->rng, 1 * SIM_US, 5 * SIM_MS);
	uint64_t late = sim_rng_log(&w->rng, SIM_MS, c->net->half_open_max_s * SIM_S);

	if (c->down.dead)
		return;
	sim_count(w, SIM_COVER_CUT);
	if (how != SIM_CUT_BOTH)
		sim_count(w, SIM_COVER_HALF_OPEN);
	sim_net_drop(c, sim_rng_chance(&w->rng, 1, 2));
	sim_net_tell_client(c, ECONNRESET, how == SIM_CUT_DAEMON ? late : soon);
	sim_net_tell_daemon(c, how == SIM_CUT_CLIENT ? ETIMEDOUT : ECONNRESET,
			    how == SIM_CUT_CLIENT ? late : soon);
}

void sim_net_pause(struct sim_conn *c, bool pause)
{
	if (c->over)
		return;
	c->paused = pause;
	if (!pause)
		deliver(c);
}
