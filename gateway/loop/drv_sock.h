/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets on the real system: listen, tune, ask who is there, move bytes, end.
 * None of it blocks.
 */
#ifndef GATEWAY_LOOP_DRV_SOCK_H
#define GATEWAY_LOOP_DRV_SOCK_H

#include <stdbool.h>

#include "gateway/loop/drv_op.h"

/* The promises stand at the members of struct drv_ops.  io_uring waits only on
 * blocking sockets, epoll wants the others: each driver says what it needs. */
int drv_sock_listen(struct loop_addr *addr, bool nonblock, int *sock, struct gw_err *err);
void drv_sock_nonblock(int sock, bool on);
bool drv_sock_listens(int sock);
void drv_sock_tune(struct drv *drv, int sock);
int drv_sock_peer(struct drv *drv, int sock, struct loop_peer *peer);
/* Without waiting, as far as it goes.  RECV, SEND, rewound.  True: the operation
 * ended, with *res.  drained: the last call took all there was. */
bool drv_sock_try_recv(struct drv_op *op, bool *drained, int64_t *res);
bool drv_sock_try_send(struct drv_op *op, int64_t *res);
void drv_sock_shut(struct drv *drv, int sock);
void drv_sock_close(int sock);

#endif
