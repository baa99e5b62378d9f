/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_aoe_mix.c - AoE clients on a volume, alone or beside others; the daemon lives.
 *
 *   frames   nothing goes wrong
 *   lossy    frames are lost, doubled, late; the guard keeps old writes away
 *   links    interfaces go down, away and come back, and change their MTU
 *   lists    clients shut each other out, and reserve the disk
 *   blocks   writes of parts of blocks beside NBD and iSCSI writers of whole ones, and
 *            COMPARE AND WRITE; no frame goes wrong or is sent again, so each write
 *            is done once, and the model may count who beats whom
 *   others   NBD and iSCSI beside AoE over a bad network.  The guard sees no writes of
 *            other protocols (protocols/aoe/aoe_order.h, "other ways"), so nothing is
 *            demanded of an answered write that was sent more than once, until none of
 *            its frames can be under way or wait in the daemon's queue any more
 */
#include "config.h"

#include <string.h>

#include "tests/sim/sim_run.h"

/* What a busy loop of the daemon may leave in a queue, with much to spare. */
#define LINGER_NS (500 * SIM_MS)

static uint32_t any_mtu(struct sim_run *run)
{
	static const uint32_t mtus[] = { 1500, 1500, 4200, 9000, 16500 };

	return mtus[sim_rng_below(run->rng, 5)];
}

static void serve(struct sim_run *run, uint64_t sectors)
{
	run->cfg.aoe_write_back = sim_rng_chance(run->rng, 1, 6);
	run->cfg.direct = sim_rng_chance(run->rng, 1, 4);
	if (sim_rng_chance(run->rng, 1, 2))
		run->cfg.limits.pool_bytes = 4ull * GW_POOL_MIN_BYTES;
	sim_run_ifaces(run, (unsigned)sim_rng_between(run->rng, 1, SIM_AOE_IFACES), any_mtu(run));
	sim_run_serve(run, sectors);
}

static void add_aoe(struct sim_run *run, unsigned n)
{
	while (n--) {
		struct sim_aoe_cfg cfg = sim_run_aoe_cfg(run);
		struct sim_aoe_habits habits = sim_run_aoe_habits(run);

		sim_run_aoe(run, &cfg, &habits, sim_rng_between(run->rng, 20, 100));
	}
}

static void run_calm(struct sim_run *run)
{
	struct sim_aoe_cfg cfg = sim_run_aoe_cfg(run);
	struct sim_aoe_habits habits;

	serve(run, sim_rng_between(run->rng, 64, 2048));
	habits = sim_run_aoe_habits(run);
	habits.string = 5;
	habits.in_order = true;
	sim_run_aoe(run, &cfg, &habits, sim_rng_between(run->rng, 20, 100));
	add_aoe(run, (unsigned)sim_rng_below(run->rng, 4));
	sim_run_settle(run, 3600 * SIM_S);
}

/* The same few places again and again, so that copies which come late lie under others. */
static void run_lossy(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 4);
	uint64_t places = sim_rng_log(run->rng, 4, 64);

	serve(run, sim_rng_between(run->rng, 64, 1024));
	sim_ether_trouble(run->host->ether, (unsigned)sim_rng_log(run->rng, 10, 300));
	while (n--) {
		struct sim_aoe_cfg cfg = sim_run_aoe_cfg(run);
		struct sim_aoe_habits habits = sim_run_aoe_habits(run);

		habits.sectors = places;
		habits.think_max_ns = SIM_MS;
		sim_run_aoe(run, &cfg, &habits, sim_rng_between(run->rng, 40, 200));
	}
	sim_run_settle(run, 3600 * SIM_S);
}

/* ---- interfaces ---------------------------------------------------------- */

static void disturb(struct sim_run *run, struct sim_iface *iface)
{
	const uint8_t other[6] = { 2, 0, 0, 0xda, 1, (uint8_t)sim_rng_below(run->rng, 4) };
	uint8_t mac[6];
	uint64_t away = sim_rng_log(run->rng, SIM_MS, 3 * SIM_S);

	memcpy(mac, iface->facts.mac, 6);
	switch (sim_rng_below(run->rng, 4)) {
	case 0:
		sim_ether_set_up(iface, false);
		sim_run_for(run, away);
		sim_ether_set_up(iface, true);
		break;
	case 1:
		sim_ether_remove(iface);
		sim_run_for(run, away);
		sim_ether_restore(iface, sim_rng_chance(run->rng, 1, 2) ? mac : other,
				  any_mtu(run));
		break;
	default:
		sim_ether_set_mtu(iface, any_mtu(run));
		break;
	}
}

static void run_links(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 3);

	serve(run, sim_rng_between(run->rng, 64, 1024));
	if (sim_rng_chance(run->rng, 1, 2))
		sim_ether_trouble(run->host->ether, 50);
	while (n--) {
		struct sim_aoe_cfg cfg = sim_run_aoe_cfg(run);
		struct sim_aoe_habits habits = sim_run_aoe_habits(run);

		cfg.resizes = true;
		sim_run_aoe(run, &cfg, &habits, sim_rng_between(run->rng, 40, 100));
	}
	for (unsigned i = 0; i < 6 && !run->world->failed; i++) {
		sim_run_for(run, sim_rng_log(run->rng, SIM_MS, SIM_S));
		disturb(run,
			sim_ether_find(run->host->ether,
				       sim_daemon_ifaces[sim_rng_below(run->rng, run->cfg.aoe)]));
	}
	sim_run_settle(run, 3600 * SIM_S);
}

static void run_lists(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 2, 4);

	serve(run, sim_rng_between(run->rng, 64, 512));
	if (sim_rng_chance(run->rng, 1, 2))
		sim_ether_trouble(run->host->ether, 50);
	for (unsigned i = 0; i < n; i++) {
		struct sim_aoe_cfg cfg = sim_run_aoe_cfg(run);
		struct sim_aoe_habits habits = sim_run_aoe_habits(run);

		habits.lists = i < 2 ? 1000 : 0;
		habits.refused = true;
		habits.string = i == 0 ? 5 : 0;
		habits.identify = 5;
		sim_run_aoe(run, &cfg, &habits, sim_rng_between(run->rng, 40, 100));
	}
	sim_run_settle(run, 3600 * SIM_S);
}

/* ---- beside others ------------------------------------------------------- */

static void add_users(struct sim_run *run, unsigned n, unsigned block)
{
	while (n--) {
		struct sim_habits habits = sim_run_habits(run);

		habits.block = block;
		if (habits.max_sectors < block)
			habits.max_sectors = block;
		sim_run_user(run, &habits, sim_rng_between(run->rng, 20, 60));
	}
}

static void add_initiators(struct sim_run *run, unsigned n, unsigned caw, unsigned block)
{
	while (n--) {
		struct sim_iscsi_cfg cfg = sim_run_iscsi_cfg(run);
		struct sim_manners manners = sim_run_manners(run);

		manners.caw = caw;
		cfg.block_sectors = block;
		sim_run_initiator(run, &cfg, &manners, sim_rng_between(run->rng, 20, 60));
	}
}

static void run_blocks(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 3);
	unsigned block = sim_rng_chance(run->rng, 3, 4) ? 8 : 1;

	run->cfg.iscsi = true;
	run->cfg.block_bytes = block * SIM_MODEL_SECTOR;
	serve(run, 8 * sim_rng_between(run->rng, 8, 64));
	run->host->ether->ns_per_kib = 100; /* nothing waits for long */
	while (n--) {
		struct sim_aoe_cfg cfg = sim_run_aoe_cfg(run);
		struct sim_aoe_habits habits = sim_run_aoe_habits(run);

		cfg.wait_min_ns = cfg.wait_max_ns = 100 * SIM_S;
		habits.max_sectors = (unsigned)sim_rng_between(run->rng, 1, 12);
		habits.write = 60;
		sim_run_aoe(run, &cfg, &habits, sim_rng_between(run->rng, 40, 150));
	}
	add_initiators(run, (unsigned)sim_rng_between(run->rng, 1, 2), 30, block);
	add_users(run, (unsigned)sim_rng_below(run->rng, 3), block);
	sim_run_settle(run, 7200 * SIM_S);
}

static void run_others(struct sim_run *run)
{
	unsigned n = (unsigned)sim_rng_between(run->rng, 1, 3);

	run->cfg.iscsi = true;
	serve(run, sim_rng_between(run->rng, 64, 1024));
	sim_ether_trouble(run->host->ether, (unsigned)sim_rng_log(run->rng, 10, 200));
	while (n--) {
		struct sim_aoe_cfg cfg = sim_run_aoe_cfg(run);
		struct sim_aoe_habits habits = sim_run_aoe_habits(run);

		cfg.linger_ns = LINGER_NS;
		sim_run_aoe(run, &cfg, &habits, sim_rng_between(run->rng, 20, 80));
	}
	add_initiators(run, (unsigned)sim_rng_between(run->rng, 0, 2), 0, 1);
	add_users(run, (unsigned)sim_rng_between(run->rng, 1, 2), 1);
	sim_run_settle(run, 7200 * SIM_S);
}

const struct sim_scenario sim_aoe_calm = {
	.name = "frames",
	.words = "AoE clients, nothing goes wrong",
	.share = 3,
	.run = run_calm,
};

const struct sim_scenario sim_aoe_lossy = {
	.name = "lossy",
	.words = "AoE frames are lost, doubled, late",
	.share = 4,
	.run = run_lossy,
};

const struct sim_scenario sim_aoe_links = {
	.name = "links",
	.words = "interfaces go and come, and change their MTU",
	.share = 3,
	.run = run_links,
};

const struct sim_scenario sim_aoe_lists = {
	.name = "lists",
	.words = "AoE clients shut each other out",
	.share = 3,
	.run = run_lists,
};

const struct sim_scenario sim_aoe_blocks = {
	.name = "blocks",
	.words = "parts of blocks by AoE, whole ones by NBD and iSCSI, COMPARE AND WRITE",
	.share = 5,
	.run = run_blocks,
};

const struct sim_scenario sim_aoe_others = {
	.name = "others",
	.words = "AoE over a bad network, beside NBD and iSCSI",
	.share = 4,
	.run = run_others,
};
