/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_sock.c - ACCEPT, RECV and SEND over the simulated network.
 */
#include "config.h"

#include "tests/sim/sim_sock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "tests/sim/sim_lend.h"

#define FIRST_SOCK 3u

/* ---- numbers ------------------------------------------------------------ */

static int number_take(struct sim_net *net, struct sim_sock what)
{
	size_t i = FIRST_SOCK;

	while (i < net->n_socks && (net->sock[i].conn || net->sock[i].listener))
		i++;
	if (i >= net->n_socks) {
		net->sock = realloc(net->sock, (i + 16) * sizeof(*net->sock));
		GW_CHECK(net->sock);
		memset(net->sock + net->n_socks, 0, (i + 16 - net->n_socks) * sizeof(*net->sock));
		net->n_socks = i + 16;
	}
	net->sock[i] = what;
	return (int)i;
}

static struct sim_sock *sock_at(struct sim_net *net, int sock)
{
	struct sim_sock *s = NULL;

	if (sock >= 0 && (size_t)sock < net->n_socks)
		s = &net->sock[sock];
	if (!s || (!s->conn && !s->listener))
		sim_world_broken(net->world, "socket %d is used, but it is not open", sock);
	return s;
}

static struct sim_conn *conn_at(struct sim_net *net, int sock)
{
	struct sim_sock *s = sock_at(net, sock);

	if (!s->conn)
		sim_world_broken(net->world, "socket %d is a listener, not a connection", sock);
	return s->conn;
}

unsigned sim_sock_open(const struct sim_net *net)
{
	unsigned n = 0;

	for (size_t i = 0; i < net->n_socks; i++)
		n += net->sock[i].conn || net->sock[i].listener;
	return n;
}

/* ---- listening ---------------------------------------------------------- */

int sim_sock_listen(struct sim_net *net, struct loop_addr *addr, int *sock, struct gw_err *err)
{
	struct sim_listener *l;

	if (addr->family != LOOP_ADDR_UNIX && addr->port == 0)
		addr->port = net->next_port++;
	if (sim_net_listener(net, addr))
		return gw_err_set(err, EADDRINUSE, "port %u is in use by process 4711", addr->port);
	l = calloc(1, sizeof(*l));
	GW_CHECK(l);
	l->addr = *addr;
	l->next = net->listeners;
	net->listeners = l;
	l->sock = number_take(net, (struct sim_sock){ .listener = l });
	*sock = l->sock;
	sim_note(net->world, SIM_TR_LISTEN, (unsigned)l->sock, addr->port,
		 addr->family == LOOP_ADDR_UNIX);
	return 0;
}

static void knock(struct sim_listener *l)
{
	while (l->accept && l->first && !l->dead) {
		struct sim_conn *c = l->first;
		struct sim_net *net = c->net;

		l->first = c->next_waiting;
		l->last = l->first ? l->last : NULL;
		l->waiting--;
		c->sock = number_take(net, (struct sim_sock){ .conn = c });
		sim_note(net->world, SIM_TR_ACCEPT, c->id, (unsigned)c->sock, 0);
		l->home->ready(l->home, l->accept, c->sock, true);
	}
}

static void close_listener(struct sim_net *net, struct sim_listener *l)
{
	struct sim_listener **link = &net->listeners;

	if (l->accept)
		sim_world_broken(net->world, "socket %d is closed while ACCEPT is armed", l->sock);
	while (l->first) {
		struct sim_conn *c = l->first;

		l->first = c->next_waiting;
		sim_net_drop(c, false);
		sim_net_tell_client(c, ECONNRESET, c->down.latency_ns);
		sim_net_decided(c);
	}
	while (*link != l)
		link = &(*link)->next;
	*link = l->next;
	free(l);
}

/* ---- receiving ---------------------------------------------------------- */

static size_t bytes_of(const struct drv_op *op)
{
	size_t n = 0;

	for (unsigned i = 0; i < op->niov; i++)
		n += op->iov[i].iov_len;
	return n;
}

/* Copies n bytes between buf and the operation's memory from byte `at` on.  False: some
 * that were lent are gone. */
static bool copy(struct sim_world *w, const struct drv_op *op, size_t at, uint8_t *buf, size_t n,
		 bool into_op)
{
	for (unsigned i = 0; i < op->niov && n; i++) {
		size_t len = op->iov[i].iov_len;
		size_t skip = at < len ? at : len;
		size_t part = len - skip < n ? len - skip : n;
		uint8_t *mem = (uint8_t *)op->iov[i].iov_base + skip;

		at -= skip;
		if (part && into_op)
			memcpy(mem, buf, part);
		else if (part && !sim_lend_copy(w, buf, mem, part))
			return false;
		buf += part;
		n -= part;
	}
	return true;
}

static void end_recv(struct sim_conn *c, int64_t res)
{
	struct drv_op *op = c->recv;

	c->recv = NULL;
	sim_note(c->net->world, SIM_TR_RECV, (unsigned)c->sock, (uint64_t)res, op->flags & DRV_ALL);
	c->recv_home->ready(c->recv_home, op, res, false);
}

static void take_bytes(struct sim_conn *c)
{
	size_t want = bytes_of(c->recv) - c->recv_pos;
	size_t n = c->up.arrived < want ? c->up.arrived : want;

	if (!(c->recv->flags & DRV_ALL) && n > 1 && sim_rng_chance(&c->net->world->rng, 1, 8))
		n = (size_t)sim_rng_between(&c->net->world->rng, 1, n);
	copy(c->net->world, c->recv, c->recv_pos, c->up.buf + c->up.head, n, true);
	c->recv_pos += n;
	sim_pipe_consume(&c->up, n);
	if (!(c->recv->flags & DRV_ALL) || n == want)
		end_recv(c, (int64_t)c->recv_pos);
}

static void came(struct sim_conn *c)
{
	if (!c->recv)
		return;
	if (c->shut)
		end_recv(c, 0);
	else if (c->up.arrived || bytes_of(c->recv) == c->recv_pos)
		take_bytes(c);
	if (!c->recv || c->up.arrived)
		return;
	if (c->learned)
		end_recv(c, -c->daemon_error);
	else if (c->up.end_arrived)
		end_recv(c, 0);
}

/* ---- sending ------------------------------------------------------------ */

static void end_send(struct sim_conn *c, int64_t res)
{
	struct drv_op *op = c->send;

	c->send = NULL;
	sim_world_cancel(c->net->world, &c->send_event);
	sim_note(c->net->world, SIM_TR_SEND, (unsigned)c->sock, (uint64_t)res, 0);
	c->send_home->ready(c->send_home, op, res, false);
}

/* The pages that the file still has; those that were cut stay what they were. */
static void read_late(const void *arg, uint64_t at, void *buf, size_t n)
{
	const struct sim_inode *inode = arg;

	if (at < inode->size)
		sim_inode_read(inode, at, buf, n < inode->size - at ? n : inode->size - at);
}

/* Of the last n bytes that were sent: what is large and lent went by reference (drv.h). */
static void refer(struct sim_conn *c, size_t n)
{
	const struct drv_op *op = c->send;
	size_t from = c->send_pos, to = from + n, at = 0;

	for (unsigned i = 0; op->file && i < op->niov; at += op->iov[i++].iov_len) {
		const uint8_t *mem = op->iov[i].iov_base;
		size_t len = op->iov[i].iov_len;
		size_t lo = at > from ? at : from, hi = at + len < to ? at + len : to;
		struct sim_late late = { .read = read_late };
		const struct sim_inode *inode;

		if (len < DRV_REFER_BYTES || lo >= hi ||
		    !sim_lend_where(mem + (lo - at), &inode, &late.at))
			continue;
		late.arg = inode;
		late.bytes = hi - lo;
		sim_pipe_late(&c->down, &late, to - hi);
		sim_count(c->net->world, SIM_COVER_REFERRED);
	}
}

static void put_bytes(struct sim_conn *c, size_t n)
{
	uint8_t *tmp = malloc(n);

	GW_CHECK(tmp);
	if (!copy(c->net->world, c->send, c->send_pos, tmp, n, false)) {
		free(tmp);
		end_send(c, -EFAULT);
		return;
	}
	if (c->down.dead) {
		c->swallowed += n;
	} else {
		sim_pipe_send(&c->down, tmp, n);
		refer(c, n);
	}
	c->send_pos += n;
	free(tmp);
}

static void room(struct sim_conn *c)
{
	size_t left, waiting;

	if (!c->send || sim_world_is_set(&c->send_event))
		return;
	if (c->shut || c->learned) {
		end_send(c, c->shut ? -EPIPE : -c->daemon_error);
		return;
	}
	left = c->send_bytes - c->send_pos;
	waiting = c->down.dead ? c->swallowed : c->down.unsent;
	if (left && waiting < c->send_room)
		put_bytes(c, left < c->send_room - waiting ? left : c->send_room - waiting);
	if (c->send && c->send_pos == c->send_bytes)
		end_send(c, (int64_t)c->send_pos);
}

static void learns(struct sim_conn *c)
{
	came(c);
	if (c->send) {
		sim_world_cancel(c->net->world, &c->send_event);
		room(c);
	}
}

const struct sim_net_daemon sim_sock_daemon = {
	.knock = knock, .came = came, .room = room, .learns = learns
};

/* ---- what the driver calls ---------------------------------------------- */

static void submit_send(struct sim_net *net, struct sim_home *home, struct drv_op *op)
{
	struct sim_conn *c = conn_at(net, op->sock);

	if (c->send)
		sim_world_broken(net->world, "two SENDs at once on socket %d", op->sock);
	c->send = op;
	c->send_home = home;
	c->send_pos = 0;
	c->send_bytes = bytes_of(op);
	sim_world_after(net->world, &c->send_event, sim_rng_below(&net->world->rng, 3 * SIM_US));
}

static void submit_recv(struct sim_net *net, struct sim_home *home, struct drv_op *op)
{
	struct sim_conn *c = conn_at(net, op->sock);

	if (c->recv)
		sim_world_broken(net->world, "two RECVs at once on socket %d", op->sock);
	c->recv = op;
	c->recv_home = home;
	c->recv_pos = 0;
	came(c);
}

static void submit_accept(struct sim_net *net, struct sim_home *home, struct drv_op *op)
{
	struct sim_listener *l = sock_at(net, op->sock)->listener;

	if (!l || l->accept)
		sim_world_broken(net->world, "ACCEPT on socket %d: %s", op->sock,
				 l ? "one is armed already" : "it does not listen");
	l->accept = op;
	l->home = home;
	knock(l);
}

void sim_sock_submit(struct sim_net *net, struct sim_home *home, struct drv_op *op)
{
	if (op->kind == DRV_ACCEPT)
		submit_accept(net, home, op);
	else if (op->kind == DRV_RECV)
		submit_recv(net, home, op);
	else
		submit_send(net, home, op);
}

void sim_sock_cancel(struct sim_net *net, struct sim_home *home, struct drv_op *op)
{
	struct sim_sock *s = sock_at(net, op->sock);

	if (op->kind == DRV_ACCEPT && s->listener && s->listener->accept == op)
		s->listener->accept = NULL;
	else if (op->kind == DRV_RECV && s->conn && s->conn->recv == op)
		s->conn->recv = NULL;
	else
		return; /* its own result came first */
	home->ready(home, op, -ECANCELED, false);
}

int sim_sock_peer(struct sim_net *net, int sock, struct loop_peer *peer)
{
	struct sim_conn *c = conn_at(net, sock);
	bool is_unix = c->addr.family == LOOP_ADDR_UNIX;

	*peer = (struct loop_peer){ .uid = UINT32_MAX, .gid = UINT32_MAX, .pid = UINT32_MAX };
	peer->addr.family = c->addr.family;
	peer->addr.port = is_unix ? 0 : (uint16_t)(20000 + c->id % 20000);
	memcpy(peer->addr.ip, (uint8_t[]){ 192, 0, 2, 1 }, 4);
	if (is_unix)
		peer->uid = peer->gid = peer->pid = 1000 + c->id;
	return c->learned ? -ENOTCONN : 0;
}

void sim_sock_shut(struct sim_net *net, int sock)
{
	struct sim_conn *c = conn_at(net, sock);

	sim_note(net->world, SIM_TR_SHUT, (unsigned)sock, c->id, 0);
	if (c->shut)
		return;
	c->shut = true;
	sim_net_decided(c);
	came(c);
	sim_world_cancel(net->world, &c->send_event);
	room(c);
	sim_pipe_end(&c->down);
}

static void close_conn(struct sim_net *net, struct sim_conn *c)
{
	size_t unread = c->up.arrived;

	if (c->recv || c->send)
		sim_world_broken(net->world, "socket %d is closed while %s is armed", c->sock,
				 c->recv ? "RECV" : "SEND");
	sim_note(net->world, SIM_TR_CLOSE, (unsigned)c->sock, c->id, unread);
	c->daemon_closed = true;
	c->sock = -1;
	sim_net_decided(c);
	if (unread && sim_rng_chance(&net->world->rng, 1, 2)) {
		/* A kernel resets here, and answers on their way may be lost. */
		sim_net_drop(c, false);
		sim_net_tell_client(c, ECONNRESET, c->down.latency_ns);
		return;
	}
	if (unread)
		sim_pipe_consume(&c->up, unread);
	sim_pipe_end(&c->down);
}

void sim_sock_close(struct sim_net *net, int sock)
{
	struct sim_sock s = *sock_at(net, sock);

	net->sock[sock] = (struct sim_sock){ 0 };
	if (s.listener)
		close_listener(net, s.listener);
	else
		close_conn(net, s.conn);
}

void sim_sock_told(struct sim_net *net, int sock)
{
	if (sock >= 0 && (size_t)sock < net->n_socks && net->sock[sock].conn)
		sim_net_decided(net->sock[sock].conn);
}

void sim_sock_power_cut(struct sim_net *net)
{
	struct sim_world *w = net->world;

	for (struct sim_listener *l = net->listeners; l; l = l->next)
		l->dead = true;
	for (struct sim_conn *c = net->conns; c; c = c->next) {
		if (!c->knocked || (c->sock < 0 && (c->daemon_closed || c->over)))
			continue;
		if (!c->down.dead)
			sim_net_drop(c, false);
		sim_net_decided(c);
		sim_net_tell_client(c, ECONNRESET, sim_rng_log(&w->rng, SIM_US, 3 * SIM_S));
		sim_world_cancel(w, &c->daemon_learns);
		c->daemon_error = ECONNRESET;
		c->learned = true;
		if (c->sock >= 0)
			learns(c);
	}
}
