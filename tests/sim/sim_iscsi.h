/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi.h - one session of a simulated iSCSI initiator.
 *
 *   LOGIN ─success─▶ READY ─▶ OVER
 *
 * It negotiates what it was told to, sends commands with their data in every way
 * that was agreed, judges every field that the target sends by RFC 7143, and
 * reports each command's end once.  What the bytes mean for the volume is its
 * owner's business (sim_init.h).  The owner frees it when it is both over and
 * decided (not from inside a callback), or at the end of the world.
 */
#ifndef TESTS_SIM_SIM_ISCSI_H
#define TESTS_SIM_SIM_ISCSI_H

#include "tests/sim/sim_iscsi_state.h"

struct sim_iscsi *sim_iscsi_open(struct sim_net *net, const struct loop_addr *addr,
				 const struct sim_iscsi_cfg *cfg, const struct sim_iscsi_ops *ops,
				 void *arg, unsigned id);

/* A free command, to be filled (kind, range, buffers) and sent by
 * sim_iscsi_command(); null: no tag or no place in the window. */
struct sim_iscsi_cmd *sim_iscsi_take(struct sim_iscsi *iscsi);

#endif
