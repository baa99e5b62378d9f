/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_home.h - where the result of an operation goes.
 *
 * The network and the disk end operations; which loop runs done(), and when, is
 * the driver's business (drv_sim.c), which embeds one of these per loop.  So
 * neither has to know the other.
 */
#ifndef TESTS_SIM_SIM_HOME_H
#define TESTS_SIM_SIM_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/loop/drv.h"

struct sim_home {
	/* The result is in; done() runs in one of the loop's next turns.  armed:
	 * more may follow (ACCEPT), otherwise the operation is over. */
	void (*ready)(struct sim_home *home, struct drv_op *op, int64_t res, bool armed);
	unsigned index; /* the loop's */
};

#endif
