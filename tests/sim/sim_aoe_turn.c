/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_aoe_turn.c - a simulated AoE client's turns at the mask and the reserve list.
 *
 * It puts its stations on the list, works alone for a while, and takes them off.  What
 * is demanded: as long as a turn is known to hold, no command that another client has
 * begun since is done for it (reserve), or answered at all (mask), be the daemon
 * started anew meanwhile or not.
 */
#include "config.h"

#include <string.h>

#include "tests/sim/sim_aoe_user.h"

#define AGAIN_NS (100 * SIM_MS)

static void send_list(struct sim_aoe_user *u)
{
	struct sim_aoe_cmd *cmd = sim_aoe_take(u->aoe);

	if (!cmd) {
		sim_world_after(u->world, &u->turn, AGAIN_NS);
		return;
	}
	u->list_busy = true;
	cmd->kind = u->list;
	cmd->code = u->list == SIM_AOE_KIND_MASK ? SIM_AOE_MASK : SIM_AOE_RESERVE;
	cmd->list_command = u->at == SIM_AOE_LOOK ? SIM_LIST_READ : SIM_LIST_SET;
	cmd->directive = u->at == SIM_AOE_LEAVE ? SIM_DIRECTIVE_DELETE : SIM_DIRECTIVE_ADD;
	if (u->at == SIM_AOE_LEAVE && u->list == SIM_AOE_KIND_MASK && u->lists->masker == u->id)
		u->lists->masker = 0;
	if (u->at == SIM_AOE_LEAVE && u->list == SIM_AOE_KIND_RESERVE &&
	    u->lists->reserver == u->id)
		u->lists->reserver = 0;
	sim_aoe_send(cmd);
}

static void fire_turn(struct sim_event *event)
{
	struct sim_aoe_user *u = SIM_OF(event, struct sim_aoe_user, turn);

	if (u->at == SIM_AOE_HOLD)
		u->at = SIM_AOE_LEAVE;
	send_list(u);
}

static void go_on(struct sim_aoe_user *u, enum sim_aoe_turn at, uint64_t after_ns)
{
	u->at = at;
	sim_world_after(u->world, &u->turn, after_ns);
}

static bool is_on(const struct sim_aoe_user *u, const struct sim_aoe_cmd *cmd)
{
	unsigned each = cmd->code == SIM_AOE_MASK ? 8 : 6;

	for (unsigned i = 0; i * each < cmd->in_bytes; i++)
		if (!memcmp(cmd->in + i * each + each - 6, sim_aoe_mac(u->aoe, 0), 6))
			return true;
	return false;
}

static void taken(struct sim_aoe_user *u)
{
	sim_count(u->world, SIM_COVER_AOE_LISTS);
	if (u->list == SIM_AOE_KIND_MASK) {
		u->lists->masker = u->id;
		u->lists->masked_ns = u->world->now_ns;
	} else {
		u->lists->reserver = u->id;
		u->lists->reserved_ns = u->world->now_ns;
	}
	go_on(u, SIM_AOE_HOLD, AGAIN_NS + sim_rng_below(&u->world->rng, u->habits.hold_max_ns + 1));
}

static void leave(struct sim_aoe_user *u)
{
	u->at = SIM_AOE_NOBODY;
	u->off_ns = u->world->now_ns;
}

void sim_aoe_turn_done(struct sim_aoe_user *u, const struct sim_aoe_cmd *cmd, enum sim_aoe_end end)
{
	bool good = end == SIM_AOE_ANSWERED && !cmd->error;

	u->list_busy = false;
	if (u->at == SIM_AOE_TAKE && good && is_on(u, cmd))
		taken(u);
	else if (u->at == SIM_AOE_TAKE)
		go_on(u, good ? SIM_AOE_LEAVE : SIM_AOE_LOOK, AGAIN_NS);
	else if (u->at == SIM_AOE_LEAVE)
		go_on(u, end == SIM_AOE_ANSWERED ? SIM_AOE_LOOK : SIM_AOE_LEAVE, AGAIN_NS);
	else if (u->at == SIM_AOE_LOOK && good && !is_on(u, cmd))
		leave(u);
	else
		go_on(u, good ? SIM_AOE_LEAVE : SIM_AOE_LOOK, AGAIN_NS);
}

void sim_aoe_turn_begin(struct sim_aoe_user *u)
{
	if (u->at != SIM_AOE_NOBODY || !u->habits.lists ||
	    !sim_rng_chance(&u->world->rng, u->habits.lists, 10000))
		return;
	u->at = SIM_AOE_TAKE;
	u->list = sim_rng_chance(&u->world->rng, 1, 2) ? SIM_AOE_KIND_MASK : SIM_AOE_KIND_RESERVE;
	send_list(u);
}

void sim_aoe_turn_judge(struct sim_aoe_user *u, const struct sim_aoe_cmd *cmd)
{
	const struct sim_aoe_lists *l = u->lists;

	/* Two may have put themselves on the mask list at once: both are heard. */
	if (l->masker && l->masker != u->id && cmd->begun_ns > l->masked_ns &&
	    (u->at == SIM_AOE_NOBODY || u->list != SIM_AOE_KIND_MASK) && cmd->begun_ns > u->off_ns)
		sim_world_fail(u->world, "client %u is answered, and the mask list has client %u",
			       u->id, l->masker);
	if (cmd->code != SIM_AOE_ATA || cmd->kind == SIM_AOE_KIND_IDENTIFY || cmd->error)
		return;
	if (l->reserver && l->reserver != u->id && cmd->begun_ns > l->reserved_ns)
		sim_world_fail(u->world,
			       "command %#x of client %u is done, and client %u has reserved the"
			       " disk",
			       cmd->op, u->id, l->reserver);
}

void sim_aoe_turn_init(struct sim_aoe_user *u)
{
	u->turn.fire = fire_turn;
}
