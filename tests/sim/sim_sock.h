/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_sock.h - the daemon's end of the simulated network: socket numbers, and
 * the operations that the driver's contract (drv.h) knows for them.
 *
 * Numbers are handed out as a kernel does, the lowest free one first, so that a
 * number used after its close hits somebody else's connection.
 */
#ifndef TESTS_SIM_SIM_SOCK_H
#define TESTS_SIM_SIM_SOCK_H

#include "tests/sim/sim_net.h"

extern const struct sim_net_daemon sim_sock_daemon; /* for sim_net_new() */

int sim_sock_listen(struct sim_net *net, struct loop_addr *addr, int *sock, struct gw_err *err);
int sim_sock_peer(struct sim_net *net, int sock, struct loop_peer *peer);
void sim_sock_shut(struct sim_net *net, int sock);
void sim_sock_close(struct sim_net *net, int sock);
void sim_sock_submit(struct sim_net *net, struct sim_home *home, struct drv_op *op);
void sim_sock_cancel(struct sim_net *net, struct sim_home *home, struct drv_op *op);
/* The daemon is about to be told a result <= 0 of an operation on this socket. */
void sim_sock_told(struct sim_net *net, int sock);

/* The machine loses power: listeners are gone, connections are dead. */
void sim_sock_power_cut(struct sim_net *net);
/* Sockets that the daemon has not closed. */
unsigned sim_sock_open(const struct sim_net *net);

#endif
