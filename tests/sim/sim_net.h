/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_net.h - the scripted network: connections between simulated clients,
 * which live outside the daemon, and the daemon's sockets.
 *
 *   client ──up──▶ daemon          Both ends of a connection stand in one
 *   client ◀─down── daemon         struct sim_conn.  The client's end is driven
 *                                  through the calls below and hears through
 * struct sim_conn_ops; the daemon's end is sim_sock.h's.  Connections live as
 * long as the net; after closed() or after it closed or reset one itself, a
 * client must not touch it any more.
 */
#ifndef TESTS_SIM_SIM_NET_H
#define TESTS_SIM_SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/loop/drv.h"
#include "tests/sim/sim_home.h"
#include "tests/sim/sim_pipe.h"

struct sim_conn;

struct sim_conn_ops {
	void (*connected)(void *arg);
	/* len bytes have arrived; returns how many it took. */
	size_t (*data)(void *arg, const uint8_t *buf, size_t len);
	/* The connection is over; errnum 0: an orderly end. */
	void (*closed)(void *arg, int errnum);
	/* An oracle's word, also after closed(): the daemon knows that this
	 * connection is over. */
	void (*decided)(void *arg);
};

enum sim_cut {
	SIM_CUT_BOTH, /* both sides learn soon */
	SIM_CUT_CLIENT, /* the client learns now, the daemon late */
	SIM_CUT_DAEMON /* the daemon learns soon, the client late */
};

struct sim_listener {
	struct loop_addr addr;
	struct sim_conn *first, *last; /* waiting to be accepted */
	unsigned waiting;
	struct drv_op *accept;
	struct sim_home *home;
	int sock;
	bool dead; /* its machine lost power */
	struct sim_listener *next;
};

/* What the network tells the daemon's end (sim_sock.c). */
struct sim_net_daemon {
	void (*knock)(struct sim_listener *listener); /* a connection waits */
	void (*came)(struct sim_conn *conn); /* bytes or the end arrived */
	void (*room)(struct sim_conn *conn); /* the client has read */
	void (*learns)(struct sim_conn *conn); /* daemon_error is to be told */
};

/* What stands behind a socket number of the daemon. */
struct sim_sock {
	struct sim_conn *conn;
	struct sim_listener *listener;
};

struct sim_net {
	struct sim_world *world;
	const struct sim_net_daemon *daemon;
	struct sim_conn *conns; /* the newest first */
	unsigned n_conns;
	struct sim_listener *listeners;
	struct sim_sock *sock; /* by number */
	size_t n_socks;
	uint16_t next_port;
	unsigned backlog;
	unsigned half_open_max_s;
};

struct sim_conn {
	struct sim_net *net;
	unsigned id;
	struct sim_pipe up, down;
	struct loop_addr addr;
	struct sim_conn *next, *next_waiting;

	/* the client's end */
	const struct sim_conn_ops *ops;
	void *arg;
	bool knocked, open, over, paused; /* knocked: the daemon's kernel knows of it */
	unsigned tries;
	struct sim_event connect_event, client_learns, daemon_learns;
	int client_error, daemon_error; /* what they will be told */

	/* the daemon's end (sim_sock.c) */
	int sock; /* -1: not accepted */
	struct drv_op *recv, *send;
	struct sim_home *recv_home, *send_home;
	size_t recv_pos, send_pos, send_bytes; /* send_bytes: of all of it */
	size_t send_room; /* bytes its send buffer takes */
	size_t swallowed; /* bytes sent into a dead line */
	struct sim_event send_event;
	bool learned, shut, decided, daemon_closed;
};

struct sim_net *sim_net_new(struct sim_world *world, const struct sim_net_daemon *daemon);
void sim_net_free(struct sim_net **net);

/* ---- the client's end --------------------------------------------------- */

struct sim_conn *sim_net_connect(struct sim_net *net, const struct loop_addr *addr,
				 const struct sim_conn_ops *ops, void *arg);
void sim_net_send(struct sim_conn *conn, const void *buf, size_t len);
/* Bytes it has sent and that are not consumed by the daemon. */
size_t sim_net_unread(const struct sim_conn *conn);
/* Orderly: what was sent still arrives, then the end. */
void sim_net_close(struct sim_conn *conn);
/* The client's process dies: what is on the way is lost. */
void sim_net_reset(struct sim_conn *conn);
/* The network breaks it; closed() follows. */
void sim_net_cut(struct sim_conn *conn, enum sim_cut how);
/* Does not read for a while: the window fills. */
void sim_net_pause(struct sim_conn *conn, bool pause);

/* ---- for sim_sock.c ----------------------------------------------------- */

struct sim_listener *sim_net_listener(const struct sim_net *net, const struct loop_addr *addr);
/* That side hears of the end, errnum, after a delay; the first word counts. */
void sim_net_tell_client(struct sim_conn *conn, int errnum, uint64_t delay_ns);
void sim_net_tell_daemon(struct sim_conn *conn, int errnum, uint64_t delay_ns);
void sim_net_decided(struct sim_conn *conn);
/* Bytes that were on their way in either direction are gone. */
void sim_net_drop(struct sim_conn *conn, bool keep_arrived);

#endif
