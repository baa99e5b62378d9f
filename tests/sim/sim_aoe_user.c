/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_aoe_user.c - what a simulated AoE client does next, and what it makes of
 * answers.
 */
#include "config.h"

#include "tests/sim/sim_aoe_user.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"

#define PATIENT_AFTER 40u

static struct sim_rng *rng_of(struct sim_aoe_user *u)
{
	return &u->world->rng;
}

static void think(struct sim_aoe_user *u)
{
	sim_world_after(u->world, &u->tick,
			sim_rng_log(rng_of(u), u->habits.think_min_ns, u->habits.think_max_ns));
}

/* ---- answers ------------------------------------------------------------ */

static void lose(struct sim_aoe_user *u, const struct sim_aoe_cmd *cmd, unsigned i)
{
	sim_model_lost(u->model, cmd->write[i]);
	if (u->n_lost < SIM_AOE_LOST_MAX)
		u->lost[u->n_lost++] = (struct sim_aoe_lost){ cmd->write[i], cmd->landed_ns };
	if (!sim_world_is_set(&u->grace))
		sim_world_at(u->world, &u->grace, cmd->landed_ns + 1);
	if (u->n_again < SIM_AOE_LOST_MAX && !u->stopped)
		u->again[u->n_again++] = cmd->range[i];
}

static void fire_grace(struct sim_event *event)
{
	struct sim_aoe_user *u = SIM_OF(event, struct sim_aoe_user, grace);
	uint64_t next = SIM_NEVER;
	unsigned kept = 0;

	for (unsigned i = 0; i < u->n_lost; i++) {
		if (u->lost[i].landed_ns < u->world->now_ns) {
			sim_model_ended(u->model, u->lost[i].write);
			continue;
		}
		next = u->lost[i].landed_ns < next ? u->lost[i].landed_ns : next;
		u->lost[kept++] = u->lost[i];
	}
	u->n_lost = kept;
	if (kept)
		sim_world_at(u->world, &u->grace, next + 1);
}

static bool is_good(const struct sim_aoe_cmd *cmd, enum sim_aoe_end end)
{
	return end == SIM_AOE_ANSWERED && !cmd->error && !(cmd->status & SIM_ATA_FAILED);
}

static void write_over(struct sim_aoe_user *u, const struct sim_aoe_cmd *cmd, enum sim_aoe_end end)
{
	for (unsigned i = 0; i < cmd->n_ranges; i++)
		if (end == SIM_AOE_GIVEN_UP)
			lose(u, cmd, i);
		else if (is_good(cmd, end))
			sim_model_acked(u->model, cmd->write[i]);
		else
			sim_model_failed(u->model, cmd->write[i], cmd->error);
}

static uint64_t words(const uint8_t *page, unsigned first, unsigned n)
{
	uint64_t value = 0;

	while (n--)
		value = value << 16 | le16_get(page + 2 * (first + n));
	return value;
}

/* ACS-3, IDENTIFY DEVICE data */
static void identified(struct sim_aoe_user *u, const uint8_t *page)
{
	uint64_t sectors = u->model->sectors;
	bool cache = words(page, 85, 1) & 0x20;
	uint8_t sum = 0;

	for (unsigned i = 0; i < 512; i++)
		sum = (uint8_t)(sum + page[i]);
	if (sum || page[510] != 0xa5)
		sim_world_fail(u->world, "IDENTIFY: a checksum of %u", sum);
	if (words(page, 60, 2) != sectors || words(page, 100, 4) != sectors)
		sim_world_fail(u->world, "IDENTIFY: %llu sectors, there are %llu",
			       (unsigned long long)words(page, 100, 4),
			       (unsigned long long)sectors);
	if (cache && u->habits.durable)
		sim_world_fail(u->world, "IDENTIFY: a write cache, where every write is durable");
}

static void named(struct sim_aoe_user *u, const struct sim_aoe_cmd *cmd, bool good)
{
	char text[SIM_AOE_STRING + 1] = "0";
	unsigned n;

	u->naming = false;
	if (!good)
		return;
	memcpy(text, cmd->in, cmd->in_bytes < SIM_AOE_STRING ? cmd->in_bytes : SIM_AOE_STRING);
	n = (unsigned)strtoul(text, NULL, 10);
	if (cmd->list_command == SIM_QUERY_FORCE) {
		sim_count(u->world, SIM_COVER_AOE_LISTS);
		u->string_told = (unsigned)cmd->stamp;
	}
	if (n > u->string_sent || (u->habits.in_order && n < cmd->stamp))
		sim_world_fail(u->world, "the config string is %u; %u was set, %llu told", n,
			       u->string_sent, (unsigned long long)cmd->stamp);
}

static void judge_error(struct sim_aoe_user *u, const struct sim_aoe_cmd *cmd)
{
	u->errors++;
	sim_note(u->world, SIM_TR_CMD_ERR, u->id, cmd->op, cmd->error);
	if (cmd->error == SIM_AOE_RESERVED && u->habits.refused)
		sim_count(u->world, SIM_COVER_AOE_RESERVED);
	else if (!u->habits.errors_happen)
		sim_world_fail(u->world,
			       "client %u: command %#x at %llu failed with error %u, status %#x,"
			       " and nothing was wrong",
			       u->id, cmd->op, (unsigned long long)cmd->range[0].first, cmd->error,
			       cmd->status);
}

static void ata_done(struct sim_aoe_user *u, struct sim_aoe_cmd *cmd, enum sim_aoe_end end)
{
	bool good = is_good(cmd, end);

	if (end == SIM_AOE_ANSWERED && !good)
		judge_error(u, cmd);
	if (cmd->kind == SIM_AOE_KIND_READ && good)
		sim_model_read_done(u->model, cmd->stamp, u->id, cmd->range[0].first,
				    cmd->range[0].count, cmd->in);
	else if (cmd->kind == SIM_AOE_KIND_READ)
		sim_model_read_over(u->model, cmd->stamp);
	else if (cmd->kind == SIM_AOE_KIND_WRITE || cmd->kind == SIM_AOE_KIND_TRIM)
		write_over(u, cmd, end);
	else if (cmd->kind == SIM_AOE_KIND_FLUSH && good)
		sim_model_flushed(u->model, cmd->stamp);
	else if (cmd->kind == SIM_AOE_KIND_IDENTIFY && good)
		identified(u, cmd->in);
}

/* In the end it waits, or a disk that stalls would never be written to. */
static void gave_up(struct sim_aoe_user *u)
{
	sim_count(u->world, SIM_COVER_AOE_GIVEN_UP);
	if (++u->gave_up == PATIENT_AFTER)
		u->aoe->cfg.patience_ns = 0;
}

static void on_done(void *arg, struct sim_aoe_cmd *cmd, enum sim_aoe_end end)
{
	struct sim_aoe_user *u = arg;

	u->answered++;
	if (end == SIM_AOE_GIVEN_UP)
		gave_up(u);
	else
		sim_aoe_turn_judge(u, cmd);
	if (cmd->code == SIM_AOE_ATA)
		ata_done(u, cmd, end);
	else if (cmd->code == SIM_AOE_QUERY)
		named(u, cmd, end == SIM_AOE_ANSWERED && !cmd->error);
	else
		sim_aoe_turn_done(u, cmd, end);
	if (!sim_world_is_set(&u->tick) && !u->stopped && u->habits.depth)
		think(u);
}

static void on_ready(void *arg)
{
	struct sim_aoe_user *u = arg;

	if (u->habits.depth) /* with no depth: only by hand */
		think(u);
}

static const struct sim_aoe_ops aoe_ops = { .ready = on_ready, .done = on_done };

static void fire_tick(struct sim_event *event)
{
	struct sim_aoe_user *u = SIM_OF(event, struct sim_aoe_user, tick);
	unsigned burst = (unsigned)sim_rng_between(rng_of(u), 1, u->habits.burst);
	bool sent = false;

	if (u->stopped)
		return;
	while (burst-- && u->aoe->in_flight < u->habits.depth && (u->budget || u->n_again)) {
		sent = u->n_again ? sim_aoe_ask_again(u) : sim_aoe_ask_any(u);
		u->budget -= u->budget ? 1 : 0;
	}
	if (sent)
		sim_aoe_turn_begin(u);
	if (u->budget || u->n_again)
		think(u);
}

/* ---- life --------------------------------------------------------------- */

struct sim_aoe_user *sim_aoe_user_new(struct sim_ether *ether, struct sim_model *model, unsigned id,
				      const struct sim_aoe_cfg *cfg,
				      const struct sim_aoe_habits *habits,
				      struct sim_aoe_lists *lists, uint64_t budget)
{
	struct sim_aoe_user *u = calloc(1, sizeof(*u));

	GW_CHECK(u);
	*u = (struct sim_aoe_user){ .world = ether->world,
				    .model = model,
				    .id = id,
				    .habits = *habits,
				    .lists = lists,
				    .budget = budget,
				    .tick.fire = fire_tick,
				    .grace.fire = fire_grace };
	if (!u->habits.sectors)
		u->habits.sectors = model->sectors;
	sim_aoe_turn_init(u);
	u->aoe = sim_aoe_new(ether, cfg, &aoe_ops, u, id);
	sim_aoe_seek(u->aoe);
	return u;
}

void sim_aoe_user_free(struct sim_aoe_user **user)
{
	struct sim_aoe_user *u = *user;

	if (!u)
		return;
	sim_world_cancel(u->world, &u->tick);
	sim_world_cancel(u->world, &u->grace);
	sim_world_cancel(u->world, &u->turn);
	sim_aoe_free(&u->aoe);
	free(u);
	*user = NULL;
}

void sim_aoe_user_stop(struct sim_aoe_user *u)
{
	u->stopped = true;
	u->n_again = 0;
}

bool sim_aoe_user_idle(const struct sim_aoe_user *u)
{
	if (!u->stopped && (u->budget || u->n_again))
		return false;
	return u->aoe->in_flight == 0 && u->at == SIM_AOE_NOBODY;
}
