/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd.h - one connection of a simulated NBD client.
 *
 *   NEW ─greeting─▶ OPTIONS ─GO acknowledged─▶ READY ─▶ OVER
 *
 * It speaks simple, structured or extended headers, judges every byte that the
 * daemon sends by the protocol's text, and reports each command's end once:
 * answered, or over with the connection.  What the bytes mean for the volume is
 * its owner's business (sim_user.h).  The owner frees it when it is both over
 * and decided (not from inside a callback), or at the end of the world.
 */
#ifndef TESTS_SIM_SIM_NBD_H
#define TESTS_SIM_SIM_NBD_H

#include "tests/sim/sim_nbd_state.h"

struct sim_nbd *sim_nbd_open(struct sim_net *net, const struct loop_addr *addr,
			     const struct sim_nbd_cfg *cfg, const struct sim_nbd_ops *ops,
			     void *arg, unsigned id);

/* A free command, to be filled (type, flags, offset, length) and sent; null: the
 * depth is reached. */
struct sim_nbd_cmd *sim_nbd_take(struct sim_nbd *nbd);
/* data: the payload of a WRITE. only_bytes: no more than that many bytes of the
 * message go out (a client that dies in the middle); UINT64_MAX: all. */
void sim_nbd_send(struct sim_nbd *nbd, struct sim_nbd_cmd *cmd, const uint8_t *data,
		  uint64_t only_bytes);

#endif
