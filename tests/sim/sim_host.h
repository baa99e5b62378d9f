/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_host.h - a machine with loops on it, and the turning of everything.
 *
 * One step is either one turn of one loop or one event of the world; which, the
 * seed chooses among all that are possible at this instant.  When nothing is,
 * time jumps.  A loop that has turned is busy for a while, so that the others
 * and the world overtake it.
 */
#ifndef TESTS_SIM_SIM_HOST_H
#define TESTS_SIM_SIM_HOST_H

#include "gateway/loop/loop_set.h"
#include "tests/sim/drv_sim.h"

struct sim_host {
	struct sim_machine machine;
	struct sim_world *world;
	struct sim_net *net;
	struct sim_ether *ether;
	struct sim_disk *disk;
	struct loop_set *loops; /* null: no daemon runs */
	unsigned n_loops;
	struct {
		uint64_t busy_ns; /* it cannot turn before */
		bool asleep; /* its last turn found nothing to do */
	} state[SIM_LOOPS];
	uint64_t steps;
};

struct sim_host *sim_host_new(uint64_t seed);
void sim_host_free(struct sim_host **host);

/* Makes the loops for a new daemon on this machine. */
void sim_host_boot(struct sim_host *host, unsigned n_loops);
/* The daemon is gone from all loops; destroys them. */
void sim_host_down(struct sim_host *host);

/* One step, not past `until`; false: nothing is left to do until then. */
bool sim_host_step(struct sim_host *host, uint64_t until_ns);
/* Steps for that long, or until the run has found a fault. */
void sim_host_run(struct sim_host *host, uint64_t for_ns);
/* Steps until done() says so; false: it did not within for_ns. */
bool sim_host_run_until(struct sim_host *host, uint64_t for_ns, bool (*done)(void *arg), void *arg);

/* The power fails: the disk keeps what it will, nothing reaches the daemon's
 * loops any more but errors.  The scenario then takes the daemon down as usual
 * (it talks to a dead machine), calls sim_host_down() and sim_host_power_on(). */
void sim_host_power_cut(struct sim_host *host);
/* The daemon's process dies; what the kernel has, the kernel keeps.  Otherwise
 * as above. */
void sim_host_kill(struct sim_host *host);
void sim_host_power_on(struct sim_host *host);

#endif
