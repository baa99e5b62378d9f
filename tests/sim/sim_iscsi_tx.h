/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi_tx.h - what the simulated initiator sends in full feature phase: whole
 * PDUs with their digests, some of them spoilt on the way where a digest tells.
 */
#ifndef TESTS_SIM_SIM_ISCSI_TX_H
#define TESTS_SIM_SIM_ISCSI_TX_H

#include "tests/sim/sim_iscsi_state.h"

/* Puts length, padding and digests to a PDU and sends it.  True: its data was
 * spoilt. */
bool sim_iscsi_put(struct sim_iscsi *iscsi, uint8_t bhs[SIM_BHS], const uint8_t *data,
		   uint32_t bytes);
/* The command, with as much data as may come and is liked to come unasked. */
void sim_iscsi_command(struct sim_iscsi *iscsi, struct sim_iscsi_cmd *cmd);
/* Queues a burst, and sends what is queued piece by piece. */
void sim_iscsi_pour(struct sim_iscsi *iscsi, const struct sim_iscsi_burst *burst);
void sim_iscsi_tx_begin(struct sim_iscsi *iscsi);

void sim_iscsi_pong(struct sim_iscsi *iscsi, const uint8_t ping[SIM_BHS]);
/* cmd: to be aborted, or null. False: another one is under way. */
bool sim_iscsi_manage(struct sim_iscsi *iscsi, enum sim_iscsi_tmf_kind kind,
		      struct sim_iscsi_cmd *cmd);
void sim_iscsi_logout(struct sim_iscsi *iscsi);
/* What a target must not hear: a command out of its window, and one once more. */
void sim_iscsi_stray(struct sim_iscsi *iscsi);
void sim_iscsi_twice(struct sim_iscsi *iscsi, const struct sim_iscsi_cmd *cmd);

#endif
