/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd_rx.h - the simulated client reads replies: simple, structured, extended.
 */
#ifndef TESTS_SIM_SIM_NBD_RX_H
#define TESTS_SIM_SIM_NBD_RX_H

#include "tests/sim/sim_nbd_state.h"

/* Reads replies from now on. */
void sim_nbd_rx_begin(struct sim_nbd *nbd);

#endif
