/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_run_aoe.c - interfaces and AoE clients for scenarios.
 */
#include "config.h"

#include "gateway/base/check.h"
#include "tests/sim/sim_run.h"

void sim_run_ifaces(struct sim_run *run, unsigned n, uint32_t mtu_bytes)
{
	GW_CHECK(n && n <= SIM_AOE_IFACES);
	for (unsigned i = 0; i < n; i++) {
		const uint8_t mac[6] = { 2, 0, 0, 0xda, 0, (uint8_t)i };

		sim_ether_iface(run->host->ether, sim_daemon_ifaces[i], mac, mtu_bytes);
	}
	run->cfg.aoe = n;
}

struct sim_aoe_habits sim_run_aoe_habits(struct sim_run *run)
{
	struct sim_rng *r = run->rng;

	return (struct sim_aoe_habits){
		.depth = (unsigned)sim_rng_log(r, 1, SIM_AOE_DEPTH),
		.burst = (unsigned)sim_rng_log(r, 1, 16),
		.think_min_ns = SIM_US,
		.think_max_ns = sim_rng_log(r, 100 * SIM_US, 50 * SIM_MS),
		.max_sectors = (unsigned)sim_rng_log(r, 2, 32),
		.write = (unsigned)sim_rng_between(r, 25, 60),
		.flush = (unsigned)sim_rng_between(r, 1, 4),
		.trim = 4,
		.verify = 2,
		.identify = 2,
		.fua = (unsigned)sim_rng_between(r, 0, 10),
		.hold_max_ns = SIM_S,
		.durable = !run->cfg.aoe_write_back,
	};
}

struct sim_aoe_cfg sim_run_aoe_cfg(struct sim_run *run)
{
	struct sim_rng *r = run->rng;

	return (struct sim_aoe_cfg){
		.style = (enum sim_aoe_style)sim_rng_below(r, SIM_AOE_STYLES),
		.macs = (unsigned)sim_rng_between(r, 1, SIM_AOE_MACS),
		.wait_min_ns = sim_rng_log(r, SIM_MS, 50 * SIM_MS),
		.wait_max_ns = sim_rng_log(r, 200 * SIM_MS, 2 * SIM_S),
	};
}

struct sim_aoe_user *sim_run_aoe(struct sim_run *run, const struct sim_aoe_cfg *cfg,
				 const struct sim_aoe_habits *habits, uint64_t budget)
{
	GW_CHECK(run->aoes < SIM_AOE_USERS);
	return run->aoe[run->aoes++] = sim_aoe_user_new(run->host->ether, run->model,
							++run->next_id, cfg, habits, &run->lists,
							budget);
}
