/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_aoe_ask.c - which command a simulated AoE client sends, and its stamps.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"
#include "tests/sim/sim_aoe_user.h"

#define TRIM_BYTES 512u

static struct sim_rng *rng_of(struct sim_aoe_user *u)
{
	return &u->world->rng;
}

/* ---- commands ----------------------------------------------------------- */

static struct sim_aoe_cmd *take(struct sim_aoe_user *u, enum sim_aoe_kind kind)
{
	struct sim_aoe_cmd *cmd = sim_aoe_take(u->aoe);

	if (!cmd)
		return NULL;
	cmd->kind = kind;
	u->commands++;
	return cmd;
}

static uint8_t *room(struct sim_aoe_cmd *cmd, uint32_t bytes)
{
	cmd->out_bytes = bytes;
	cmd->out = calloc(1, bytes);
	GW_CHECK(cmd->out);
	return cmd->out;
}

/* A short command, a long one, or one of the same meaning. */
static void choose_op(struct sim_aoe_user *u, struct sim_aoe_cmd *cmd)
{
	static const uint8_t ops[][6] = {
		[SIM_AOE_KIND_READ] = { SIM_ATA_READ, SIM_ATA_READ_MULTIPLE, SIM_ATA_READ_DMA,
					SIM_ATA_READ_EXT, SIM_ATA_READ_DMA_EXT, SIM_ATA_READ_EXT },
		[SIM_AOE_KIND_WRITE] = { SIM_ATA_WRITE, SIM_ATA_WRITE_MULTIPLE, SIM_ATA_WRITE_DMA,
					 SIM_ATA_WRITE_EXT, SIM_ATA_WRITE_DMA_EXT,
					 SIM_ATA_WRITE_EXT },
		[SIM_AOE_KIND_VERIFY] = { SIM_ATA_VERIFY, SIM_ATA_VERIFY, SIM_ATA_VERIFY,
					  SIM_ATA_VERIFY_EXT, SIM_ATA_VERIFY_EXT,
					  SIM_ATA_VERIFY_EXT },
	};
	unsigned pick = (unsigned)sim_rng_below(rng_of(u), 6);

	cmd->op = ops[cmd->kind][pick];
	cmd->flags = pick < 3 ? 0 : SIM_ATA_LONG;
	if (cmd->fua) {
		cmd->op = pick < 3 ? SIM_ATA_WRITE_DMA_FUA : SIM_ATA_WRITE_MULTIPLE_FUA;
		cmd->flags = SIM_ATA_LONG;
	}
	if (cmd->kind == SIM_AOE_KIND_WRITE)
		cmd->flags |= SIM_ATA_TO_DISK | (pick & 1 ? SIM_ATA_ASYNC : 0);
}

/* The model's number, and the bytes that bear it. */
static void stamp(struct sim_aoe_user *u, struct sim_aoe_cmd *cmd)
{
	bool data = cmd->kind == SIM_AOE_KIND_WRITE;

	for (unsigned i = 0; i < cmd->n_ranges; i++)
		cmd->write[i] = sim_model_write(u->model, u->id, 0, data ? SIM_DATA : SIM_ZERO,
						cmd->range[i].first, cmd->range[i].count,
						cmd->fua || u->habits.durable);
	if (data)
		sim_model_fill(u->model, cmd->write[0], cmd->out);
}

bool sim_aoe_ask_write(struct sim_aoe_user *u, uint64_t first, uint32_t count, bool fua)
{
	struct sim_aoe_cmd *cmd = take(u, SIM_AOE_KIND_WRITE);

	if (!cmd)
		return false;
	cmd->range[0] = (struct sim_aoe_range){ first, count };
	cmd->n_ranges = 1;
	cmd->fua = fua;
	choose_op(u, cmd);
	room(cmd, count * SIM_MODEL_SECTOR);
	stamp(u, cmd);
	sim_aoe_send(cmd);
	return true;
}

static bool send_read(struct sim_aoe_user *u, enum sim_aoe_kind kind, uint64_t first,
		      uint32_t count)
{
	struct sim_aoe_cmd *cmd = take(u, kind);

	if (!cmd)
		return false;
	cmd->range[0] = (struct sim_aoe_range){ first, count };
	choose_op(u, cmd);
	if (kind == SIM_AOE_KIND_READ) {
		cmd->stamp = sim_model_read(u->model);
		sim_note(u->world, SIM_TR_READ, u->id, count, first);
	}
	sim_aoe_send(cmd);
	return true;
}

bool sim_aoe_ask_read(struct sim_aoe_user *u, uint64_t first, uint32_t count)
{
	return send_read(u, SIM_AOE_KIND_READ, first, count);
}

static bool send_plain(struct sim_aoe_user *u, enum sim_aoe_kind kind)
{
	struct sim_aoe_cmd *cmd = take(u, kind);

	if (!cmd)
		return false;
	cmd->op = kind == SIM_AOE_KIND_IDENTIFY	    ? SIM_ATA_IDENTIFY
		  : sim_rng_chance(rng_of(u), 1, 2) ? SIM_ATA_FLUSH
						    : SIM_ATA_FLUSH_EXT;
	cmd->flags = cmd->op == SIM_ATA_FLUSH_EXT ? SIM_ATA_LONG : 0;
	cmd->range[0].count = kind == SIM_AOE_KIND_IDENTIFY;
	if (kind == SIM_AOE_KIND_FLUSH) {
		cmd->stamp = sim_model_flush(u->model);
		sim_note(u->world, SIM_TR_FLUSH, u->id, cmd->stamp, 0);
	}
	sim_aoe_send(cmd);
	return true;
}

/* Some set one: a number, the next. */
static bool send_string(struct sim_aoe_user *u)
{
	struct sim_aoe_cmd *cmd = u->naming ? NULL : take(u, SIM_AOE_KIND_STRING);

	if (!cmd)
		return false;
	u->naming = true;
	cmd->code = SIM_AOE_QUERY;
	cmd->stamp = u->string_told;
	if (sim_rng_chance(rng_of(u), 1, 2)) {
		cmd->list_command = SIM_QUERY_FORCE;
		cmd->stamp = ++u->string_sent;
		snprintf((char *)room(cmd, SIM_AOE_STRING), SIM_AOE_STRING, "%u", u->string_sent);
	}
	sim_aoe_send(cmd);
	return true;
}

/* ---- chance ------------------------------------------------------------- */

static struct sim_aoe_range pick_range(struct sim_aoe_user *u, unsigned most)
{
	const struct sim_aoe_habits *h = &u->habits;
	uint64_t n = sim_rng_log(rng_of(u), 1, most), first;

	n = n < h->sectors ? n : h->sectors;
	first = sim_rng_below(rng_of(u), h->sectors - n + 1);
	/* Often the same few places, so that writes meet. */
	if (sim_rng_chance(rng_of(u), 1, 2))
		first %= h->sectors - n + 1 < 64 ? h->sectors - n + 1 : 64;
	return (struct sim_aoe_range){ h->first + first, (uint32_t)n };
}

/* Some ranges begin where the one before ends. */
static bool send_trim(struct sim_aoe_user *u)
{
	struct sim_aoe_cmd *cmd = take(u, SIM_AOE_KIND_TRIM);
	uint64_t end = u->habits.first + u->habits.sectors;

	if (!cmd)
		return false;
	cmd->op = SIM_ATA_TRIM;
	cmd->flags = SIM_ATA_LONG | SIM_ATA_TO_DISK;
	cmd->n_ranges = (unsigned)sim_rng_between(rng_of(u), 1, SIM_AOE_PARTS);
	room(cmd, TRIM_BYTES);
	for (unsigned i = 0; i < cmd->n_ranges; i++) {
		struct sim_aoe_range *r = &cmd->range[i];

		*r = pick_range(u, u->habits.max_sectors);
		if (i && sim_rng_chance(rng_of(u), 1, 2) && r[-1].first + r[-1].count < end) {
			r->first = r[-1].first + r[-1].count;
			r->count = 1;
		}
		le64_put(cmd->out + 8 * i, r->first | (uint64_t)r->count << 48);
	}
	stamp(u, cmd);
	sim_aoe_send(cmd);
	return true;
}

static enum sim_aoe_kind pick_kind(struct sim_aoe_user *u)
{
	const struct sim_aoe_habits *h = &u->habits;
	const unsigned parts[] = {
		[SIM_AOE_KIND_WRITE] = h->write,       [SIM_AOE_KIND_TRIM] = h->trim,
		[SIM_AOE_KIND_FLUSH] = h->flush,       [SIM_AOE_KIND_VERIFY] = h->verify,
		[SIM_AOE_KIND_IDENTIFY] = h->identify, [SIM_AOE_KIND_STRING] = h->string,
	};
	unsigned dice = (unsigned)sim_rng_below(rng_of(u), 100);

	for (unsigned kind = SIM_AOE_KIND_WRITE; kind <= SIM_AOE_KIND_STRING; kind++) {
		if (dice < parts[kind])
			return (enum sim_aoe_kind)kind;
		dice -= parts[kind];
	}
	return SIM_AOE_KIND_READ;
}

bool sim_aoe_ask_any(struct sim_aoe_user *u)
{
	enum sim_aoe_kind kind = pick_kind(u);
	unsigned most = sim_aoe_sectors(u->aoe);
	struct sim_aoe_range r;

	most = most < u->habits.max_sectors ? most : u->habits.max_sectors;
	switch (kind) {
	case SIM_AOE_KIND_TRIM:
		return send_trim(u);
	case SIM_AOE_KIND_FLUSH:
	case SIM_AOE_KIND_IDENTIFY:
		return send_plain(u, kind);
	case SIM_AOE_KIND_STRING:
		return send_string(u);
	default:
		break;
	}
	r = pick_range(u, most);
	if (kind == SIM_AOE_KIND_WRITE)
		return sim_aoe_ask_write(u, r.first, r.count,
					 sim_rng_below(rng_of(u), 100) < u->habits.fua);
	return send_read(u, kind, r.first, r.count);
}

/* As much of it as a frame carries; the rest stays to be written. */
bool sim_aoe_ask_again(struct sim_aoe_user *u)
{
	struct sim_aoe_range *r = &u->again[u->n_again - 1];
	uint32_t n = sim_aoe_sectors(u->aoe);

	n = n < r->count ? n : r->count;
	if (!n || !sim_aoe_ask_write(u, r->first, n, false))
		return false;
	sim_count(u->world, SIM_COVER_RECONNECT);
	r->first += n;
	r->count -= n;
	u->n_again -= !r->count;
	return true;
}

void sim_aoe_ask_renew(struct sim_aoe_user *u)
{
	for (unsigned i = 0; i < SIM_AOE_DEPTH; i++) {
		struct sim_aoe_cmd *cmd = &u->aoe->cmd[i];

		if (!cmd->used || cmd->ending || cmd->answered)
			continue;
		if (cmd->kind == SIM_AOE_KIND_WRITE || cmd->kind == SIM_AOE_KIND_TRIM)
			stamp(u, cmd);
		else if (cmd->kind == SIM_AOE_KIND_READ)
			cmd->stamp = sim_model_read(u->model);
		else if (cmd->kind == SIM_AOE_KIND_FLUSH)
			cmd->stamp = sim_model_flush(u->model);
	}
}
