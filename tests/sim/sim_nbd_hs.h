/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd_hs.h - the simulated client's way from the greeting to GO.
 */
#ifndef TESTS_SIM_SIM_NBD_HS_H
#define TESTS_SIM_SIM_NBD_HS_H

#include "tests/sim/sim_nbd_state.h"

/* Begins with the greeting; ends by calling ready() or with an offence. */
void sim_nbd_hs_begin(struct sim_nbd *nbd, void (*ready)(struct sim_nbd *nbd));

#endif
