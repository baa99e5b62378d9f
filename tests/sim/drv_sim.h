/* SPDX-License-Identifier: BSD-3-Clause
 *
 * drv_sim.h - the third driver (gateway/loop/drv.h): virtual time, a scripted
 * network and a simulated disk instead of the kernel.
 *
 * It runs no loop by itself: sim_host.c chooses which loop turns next.  A loop
 * is made for the machine that drv_sim_use() named last.
 */
#ifndef TESTS_SIM_DRV_SIM_H
#define TESTS_SIM_DRV_SIM_H

#include "gateway/loop/drv.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_ether.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_world.h"

#define SIM_LOOPS 4

/* Whose turn it is: what is_home() answers from. */
enum sim_at { SIM_AT_MAIN, SIM_AT_LOOP, SIM_AT_HELPER, SIM_AT_OUTSIDE };

/* The computer on which a daemon runs. */
struct sim_machine {
	struct sim_world *world;
	struct sim_net *net;
	struct sim_ether *ether;
	struct sim_disk *disk;
	struct drv *drv[SIM_LOOPS];
	enum sim_at at;
	unsigned at_loop;
	uint64_t mail_min_ns, mail_max_ns;
	unsigned jobs; /* on their way */
	/* A turn that may wait, called from inside a turn or by main: lets the
	 * others run until this loop has something, or until then. */
	void (*wait)(struct sim_machine *machine, struct drv *drv, uint64_t until_ns);
};

extern const struct drv_ops drv_sim;

void drv_sim_use(struct sim_machine *machine);
/* The instant at which the driver of this loop has something to run; SIM_NEVER. */
uint64_t drv_sim_due_ns(const struct drv *drv);
/* Operations that this loop has in flight, and mail it has not read. */
unsigned drv_sim_in_flight(const struct drv *drv);

#endif
