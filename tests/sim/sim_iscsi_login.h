/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi_login.h - the simulated initiator's way to full feature phase.
 */
#ifndef TESTS_SIM_SIM_ISCSI_LOGIN_H
#define TESTS_SIM_SIM_ISCSI_LOGIN_H

#include "tests/sim/sim_iscsi_state.h"

/* Begins when the connection stands; ends by calling ready(), with cfg as agreed,
 * or with the connection's end. */
void sim_iscsi_login_begin(struct sim_iscsi *iscsi, void (*ready)(struct sim_iscsi *iscsi));

#endif
