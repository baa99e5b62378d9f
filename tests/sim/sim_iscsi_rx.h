/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi_rx.h - the simulated initiator reads what the target sends in full
 * feature phase and holds every field against RFC 7143.
 */
#ifndef TESTS_SIM_SIM_ISCSI_RX_H
#define TESTS_SIM_SIM_ISCSI_RX_H

#include "tests/sim/sim_iscsi_state.h"

/* Reads PDUs from now on. */
void sim_iscsi_rx_begin(struct sim_iscsi *iscsi);
/* ExpCmdSN and MaxCmdSN of any PDU; false: an offence. */
bool sim_iscsi_rx_window(struct sim_iscsi *iscsi, const uint8_t bhs[SIM_BHS]);

#endif
