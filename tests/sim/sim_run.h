/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_run.h - one seed of one scenario: machine, daemon, model, clients.
 *
 * A scenario (sim_nbd_*.c, sim_iscsi_mix.c and its kin) is a function on a struct
 * sim_run: it chooses habits and misfortunes with the run's own chance, lets time
 * pass, and the model judges.  Every scenario ends the same way: all is healed, the
 * whole volume is read, the daemon stops, and what it left on the disk is held
 * against the model.
 */
#ifndef TESTS_SIM_SIM_RUN_H
#define TESTS_SIM_SIM_RUN_H

#include "tests/sim/sim_aoe_user.h"
#include "tests/sim/sim_daemon.h"
#include "tests/sim/sim_host.h"
#include "tests/sim/sim_initiator.h"
#include "tests/sim/sim_model.h"
#include "tests/sim/sim_user.h"

#define SIM_USERS 8 /* one of them the checker at the end */
#define SIM_INITIATORS 8
#define SIM_AOE_USERS 5 /* with 3 stations each: what the guard remembers (aoe_order.h) */

struct sim_run {
	struct sim_host *host;
	struct sim_world *world;
	struct sim_rng *rng;
	struct sim_model *model;
	struct sim_daemon daemon;
	struct sim_daemon_cfg cfg;
	bool serving;
	struct sim_user *user[SIM_USERS];
	struct sim_initiator *initiator[SIM_INITIATORS];
	struct sim_aoe_user *aoe[SIM_AOE_USERS];
	struct sim_aoe_lists lists;
	unsigned users, initiators, aoes, next_id;
};

struct sim_scenario {
	const char *name, *words;
	unsigned share; /* of the seeds */
	void (*run)(struct sim_run *run);
};

extern const struct sim_scenario sim_nbd_calm, sim_nbd_cuts, sim_nbd_stalls, sim_nbd_errors,
	sim_nbd_power, sim_nbd_pool, sim_nbd_sixty, sim_nbd_storm, sim_nbd_stop, sim_nbd_kill;
extern const struct sim_scenario sim_iscsi_mix, sim_iscsi_digests, sim_iscsi_cuts, sim_iscsi_tasks,
	sim_iscsi_pool, sim_iscsi_storm, sim_iscsi_again, sim_iscsi_timers;
extern const struct sim_scenario sim_aoe_calm, sim_aoe_lossy, sim_aoe_links, sim_aoe_lists,
	sim_aoe_blocks, sim_aoe_others, sim_aoe_frozen, sim_aoe_outage, sim_aoe_faulty,
	sim_aoe_ghost;

struct sim_result {
	bool failed;
	char failure[1024];
	uint64_t hash, steps, virtual_ns;
	uint64_t cover[SIM_COVER_COUNT];
};

/* Runs one seed from beginning to end. */
void sim_run_seed(const struct sim_scenario *scenario, uint64_t seed, unsigned loops, bool trace,
		  struct sim_result *result);
/* The run of this process, for what counts from outside (sim_wraps.c); or null. */
struct sim_world *sim_run_world(void);

/* ---- for scenarios ------------------------------------------------------ */

/* An image of so many sectors, a daemon over it. */
void sim_run_serve(struct sim_run *run, uint64_t sectors);
/* Habits that fit any scenario: a mix of everything, nothing goes wrong. */
struct sim_habits sim_run_habits(struct sim_run *run);
/* A client with habits of its own, connected and beginning. */
struct sim_user *sim_run_user(struct sim_run *run, const struct sim_habits *habits,
			      uint64_t budget);
/* The same for initiators: of a random port, what it will negotiate and how. */
struct sim_manners sim_run_manners(struct sim_run *run);
struct sim_iscsi_cfg sim_run_iscsi_cfg(struct sim_run *run);
struct sim_initiator *sim_run_initiator(struct sim_run *run, const struct sim_iscsi_cfg *cfg,
					const struct sim_manners *manners, uint64_t budget);
/* The same for AoE: interfaces for the daemon, before it is started, and clients on their
 * segment (sim_run_aoe.c). */
void sim_run_ifaces(struct sim_run *run, unsigned n, uint32_t mtu_bytes);
struct sim_aoe_habits sim_run_aoe_habits(struct sim_run *run);
struct sim_aoe_cfg sim_run_aoe_cfg(struct sim_run *run);
struct sim_aoe_user *sim_run_aoe(struct sim_run *run, const struct sim_aoe_cfg *cfg,
				 const struct sim_aoe_habits *habits, uint64_t budget);
void sim_run_for(struct sim_run *run, uint64_t ns);
/* Until every client has sent what it wanted and has its answers. */
void sim_run_settle(struct sim_run *run, uint64_t patience_ns);
/* Until this client is connected (or has no command in flight). */
bool sim_run_connected(struct sim_run *run, struct sim_user *user);
bool sim_run_answered(struct sim_run *run, struct sim_user *user, uint64_t patience_ns);
/* Power cut now, and the same image served again after a while. */
void sim_run_power_cut(struct sim_run *run);
/* The daemon dies (kill -9), the machine does not. */
void sim_run_kill(struct sim_run *run);
/* Stops the daemon in order, and starts a new one. */
void sim_run_restart(struct sim_run *run);

#endif
