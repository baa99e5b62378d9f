/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_link.h - the daemon's end of the simulated Ethernet: what the contract of
 * frames (drv_link.h) asks for, and DRV_POLL on its descriptors.
 *
 * A poll is told of what is there when it is armed, and of each change after it
 * was read; of a change before that perhaps: a kernel promises no more.
 */
#ifndef TESTS_SIM_SIM_LINK_H
#define TESTS_SIM_SIM_LINK_H

#include "tests/sim/sim_ether.h"
#include "tests/sim/sim_home.h"

extern const struct sim_ether_daemon sim_link_daemon; /* for sim_ether_new() */
extern const struct drv_link_ops sim_link_ops;

/* Is it one of ours?  Other foreign descriptors never have anything to say. */
bool sim_link_is(const struct sim_ether *ether, int sock);
void sim_link_poll(struct sim_ether *ether, struct sim_home *home, struct drv_op *op);
/* False: it was cancelled before. */
bool sim_link_cancel(struct sim_ether *ether, struct drv_op *op);

/* The machine loses power, or the process is killed: links hear and say nothing
 * any more.  Those opened later work. */
void sim_link_power_cut(struct sim_ether *ether);
/* Links that the daemon has not closed. */
unsigned sim_link_open(const struct sim_ether *ether);

#endif
