/* SPDX-License-Identifier: BSD-3-Clause
 *
 * plant.c - which bug is planted; empty but in the test library that is built with
 * -DGW_PLANT (plant.h).
 */
#include "config.h"

#include "gateway/core/plant.h"

#ifdef GW_PLANT
enum gw_plant_kind gw_plant;
#endif
