/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_daemon.h - the daemon on a simulated machine: the core, the file store,
 * the NBD front end and (if asked for) those of iSCSI and AoE, brought up and taken down
 * through gateway/core/admin.h as configuration does it.
 */
#ifndef TESTS_SIM_SIM_DAEMON_H
#define TESTS_SIM_SIM_DAEMON_H

#include "gateway/core/admin.h"
#include "tests/sim/sim_host.h"

#define SIM_IMAGE "disk.img"
#define SIM_PORT 10809
#define SIM_ISCSI_PORT 3260

#define SIM_AOE_IFACES 2u
extern const char *const sim_daemon_ifaces[SIM_AOE_IFACES]; /* their names */

struct sim_daemon_cfg {
	unsigned loops;
	struct gw_limits limits;
	uint32_t block_bytes; /* 0: the store's */
	bool write_through, direct;
	const char *front; /* instead of NBD's: a registered front end; null: NBD */
	bool iscsi; /* beside NBD, at its own port */
	unsigned aoe; /* beside NBD, on so many interfaces: SIM_AOE_IFACES */
	bool aoe_write_back;
};

struct sim_daemon {
	struct sim_host *host;
	struct gw *gw;
	struct gw_admin_op op;
	bool op_done;
	int flush_rc; /* what the volume's removal said about its last flush */
};

/* The stores and front ends that every simulation has, into the registry; once. */
void sim_daemon_register(void);

/* An image of that size, whole and durable. */
void sim_daemon_make_image(struct sim_host *host, uint64_t size_bytes);
/* Serving when it returns; otherwise the run has failed. */
bool sim_daemon_start(struct sim_daemon *daemon, struct sim_host *host,
		      const struct sim_daemon_cfg *cfg);
/* Drains, flushes, closes; every loop and socket is gone when it returns.  After
 * a power cut, too: then on a dead machine. */
bool sim_daemon_stop(struct sim_daemon *daemon);

extern const struct loop_addr sim_daemon_addr, sim_daemon_iscsi_addr; /* where it listens */

#endif
