/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_sitting.c - which command a simulated initiator sends, and its stamps.
 */
#include "config.h"

#include "tests/sim/sim_sitting.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "tests/sim/sim_iscsi_tx.h"

#define LOCKS 4u /* sectors at the beginning for which COMPARE AND WRITE contends */

static struct sim_rng *rng_of(struct sim_sitting *s)
{
	return &s->initiator->world->rng;
}

bool sim_sitting_odds(struct sim_initiator *u, unsigned of_10000)
{
	return of_10000 && sim_rng_chance(&u->world->rng, of_10000, 10000);
}

bool sim_sitting_writes(const struct sim_iscsi_cmd *cmd)
{
	return cmd->write != 0;
}

/* Sectors of a logical block: ranges are multiples of it. */
static unsigned block_of(const struct sim_sitting *s)
{
	return s->iscsi->cfg.block_sectors ? s->iscsi->cfg.block_sectors : 1;
}

/* ---- one of each -------------------------------------------------------- */

static struct sim_iscsi_cmd *take(struct sim_sitting *s, enum sim_iscsi_kind kind, uint64_t first,
				  uint32_t count)
{
	struct sim_iscsi_cmd *cmd = sim_iscsi_take(s->iscsi);

	if (!cmd)
		return NULL;
	cmd->kind = kind;
	cmd->first = first;
	cmd->count = count;
	cmd->long_cdb = sim_rng_chance(rng_of(s), 1, 2);
	s->initiator->commands++;
	return cmd;
}

static uint8_t *room(uint32_t bytes)
{
	uint8_t *p = calloc(1, bytes + 1);

	GW_CHECK(p);
	return p;
}

/* Its number in the model, and out bytes of payload; those of the model from `at`. */
static void stamp(struct sim_sitting *s, struct sim_iscsi_cmd *cmd, enum sim_kind kind,
		  uint32_t out, uint32_t at)
{
	struct sim_initiator *u = s->initiator;

	cmd->out_bytes = out;
	cmd->out = room(out);
	cmd->write =
		sim_model_write(u->model, u->id, s->born, kind, cmd->first, cmd->count, cmd->fua);
	sim_model_of_session(u->model, cmd->write, u->id, s->session);
	if (kind != SIM_ZERO)
		sim_model_fill(u->model, cmd->write, cmd->out + at);
}

bool sim_sitting_write(struct sim_sitting *s, uint64_t first, uint32_t count, bool fua)
{
	struct sim_iscsi_cmd *cmd = take(s, SIM_KIND_WRITE, first, count);

	if (!cmd)
		return false;
	cmd->fua = fua;
	stamp(s, cmd, SIM_DATA, count * SIM_MODEL_SECTOR, 0);
	sim_iscsi_command(s->iscsi, cmd);
	return true;
}

bool sim_sitting_read(struct sim_sitting *s, uint64_t first, uint32_t count)
{
	struct sim_iscsi_cmd *cmd = take(s, SIM_KIND_READ, first, count);

	if (!cmd)
		return false;
	cmd->in_bytes = count * SIM_MODEL_SECTOR;
	cmd->in = room(cmd->in_bytes);
	cmd->reading = true;
	cmd->stamp = sim_model_read(s->initiator->model);
	sim_note(s->initiator->world, SIM_TR_READ, s->initiator->id, count, first);
	sim_iscsi_command(s->iscsi, cmd);
	return true;
}

bool sim_sitting_caw(struct sim_sitting *s, uint64_t first, uint32_t count, const uint8_t *found)
{
	struct sim_iscsi_cmd *cmd = take(s, SIM_KIND_CAW, first, count);
	uint32_t half = count * SIM_MODEL_SECTOR;

	if (!cmd)
		return false;
	cmd->fua = sim_rng_below(rng_of(s), 100) < s->initiator->manners.fua;
	cmd->reading = true;
	cmd->stamp = sim_model_read(s->initiator->model);
	stamp(s, cmd, SIM_DATA, 2 * half, half);
	memcpy(cmd->out, found, half);
	sim_iscsi_command(s->iscsi, cmd);
	return true;
}

static bool send_sync(struct sim_sitting *s)
{
	struct sim_iscsi_cmd *cmd = take(s, SIM_KIND_SYNC, 0, 0);

	if (!cmd)
		return false;
	cmd->stamp = sim_model_flush(s->initiator->model);
	sim_note(s->initiator->world, SIM_TR_FLUSH, s->initiator->id, cmd->stamp, 0);
	sim_iscsi_command(s->iscsi, cmd);
	return true;
}

static bool send_unmap(struct sim_sitting *s, uint64_t first, uint32_t count)
{
	struct sim_iscsi_cmd *cmd = take(s, SIM_KIND_UNMAP, first, count);

	if (!cmd)
		return false;
	stamp(s, cmd, SIM_ZERO, 24, 0);
	sim_put16(cmd->out, 22);
	sim_put16(cmd->out + 2, 16);
	sim_put64(cmd->out + 8, first / block_of(s));
	sim_put32(cmd->out + 16, count / block_of(s));
	sim_iscsi_command(s->iscsi, cmd);
	return true;
}

/* Of data, or of zeroes: then with the block of zeroes, or without any (NDOB). */
static bool send_same(struct sim_sitting *s, bool zero, uint64_t first, uint32_t count)
{
	struct sim_iscsi_cmd *cmd = take(s, zero ? SIM_KIND_ZERO : SIM_KIND_SAME, first, count);
	bool no_data = zero && cmd && cmd->long_cdb && sim_rng_chance(rng_of(s), 1, 2);

	if (!cmd)
		return false;
	stamp(s, cmd, zero ? SIM_ZERO : SIM_SAME, no_data ? 0 : block_of(s) * SIM_MODEL_SECTOR, 0);
	for (uint32_t at = SIM_MODEL_SECTOR; at < cmd->out_bytes; at += SIM_MODEL_SECTOR)
		memcpy(cmd->out + at, cmd->out, SIM_MODEL_SECTOR);
	sim_iscsi_command(s->iscsi, cmd);
	return true;
}

static bool send_test(struct sim_sitting *s, bool nop)
{
	struct sim_iscsi_cmd *cmd = take(s, nop ? SIM_KIND_NOP : SIM_KIND_TEST, 0, 0);
	uint32_t most = 8192;

	if (!cmd)
		return false;
	most = most < s->iscsi->cfg.send_max ? most : s->iscsi->cfg.send_max;
	if (nop && sim_rng_chance(rng_of(s), 1, 2))
		cmd->out_bytes = (uint32_t)sim_rng_below(rng_of(s), most + 1);
	if (nop) {
		cmd->out = room(cmd->out_bytes);
		memset(cmd->out, 0x5a, cmd->out_bytes);
	}
	sim_iscsi_command(s->iscsi, cmd);
	return true;
}

/* A guess: zeroes, or what never was there. */
static bool send_guess(struct sim_sitting *s)
{
	uint8_t found[SIM_ISCSI_CAW_MAX * SIM_MODEL_SECTOR];

	memset(found, sim_rng_chance(rng_of(s), 1, 2) ? 0 : 0xee, sizeof(found));
	return sim_sitting_caw(s, sim_rng_below(rng_of(s), LOCKS) * block_of(s), block_of(s),
			       found);
}

/* ---- chance ------------------------------------------------------------- */

static void pick_range(struct sim_sitting *s, uint64_t *first, uint32_t *count)
{
	const struct sim_initiator *u = s->initiator;
	uint64_t all = u->model->sectors, n = sim_rng_log(rng_of(s), 1, u->manners.max_sectors);
	unsigned block = block_of(s);

	n = n < all ? n : all;
	*count = (uint32_t)n;
	*first = sim_rng_below(rng_of(s), all - n + 1);
	/* Often the same few places, so that writes meet. */
	if (sim_rng_chance(rng_of(s), 1, 2))
		*first %= all - n + 1 < 64 ? all - n + 1 : 64;
	*count = (*count + block - 1) / block * block;
	*first = (*first < all - *count ? *first : all - *count) / block * block;
}

static enum sim_iscsi_kind pick_kind(struct sim_sitting *s)
{
	const struct sim_manners *m = &s->initiator->manners;
	const unsigned parts[] = {
		[SIM_KIND_WRITE] = m->write, [SIM_KIND_SYNC] = m->sync, [SIM_KIND_UNMAP] = m->unmap,
		[SIM_KIND_SAME] = m->same,   [SIM_KIND_ZERO] = m->zero, [SIM_KIND_CAW] = m->caw,
		[SIM_KIND_TEST] = m->test,   [SIM_KIND_NOP] = m->nop,
	};
	unsigned dice = (unsigned)sim_rng_below(rng_of(s), 100);

	for (unsigned kind = SIM_KIND_WRITE; kind <= SIM_KIND_NOP; kind++) {
		if (dice < parts[kind])
			return (enum sim_iscsi_kind)kind;
		dice -= parts[kind];
	}
	return SIM_KIND_READ;
}

bool sim_sitting_any(struct sim_sitting *s)
{
	enum sim_iscsi_kind kind = pick_kind(s);
	uint64_t first;
	uint32_t count;

	pick_range(s, &first, &count);
	switch (kind) {
	case SIM_KIND_WRITE:
		return sim_sitting_write(s, first, count,
					 sim_rng_below(rng_of(s), 100) < s->initiator->manners.fua);
	case SIM_KIND_SYNC:
		return send_sync(s);
	case SIM_KIND_UNMAP:
		return send_unmap(s, first, count);
	case SIM_KIND_SAME:
	case SIM_KIND_ZERO:
		return send_same(s, kind == SIM_KIND_ZERO, first, count);
	case SIM_KIND_CAW: /* after a look at what is there, mostly */
		if (sim_rng_chance(rng_of(s), 1, 6))
			return send_guess(s);
		return sim_sitting_read(s, sim_rng_below(rng_of(s), LOCKS) * block_of(s),
					block_of(s));
	case SIM_KIND_TEST:
	case SIM_KIND_NOP:
		return send_test(s, kind == SIM_KIND_NOP);
	case SIM_KIND_READ:
		break;
	}
	return sim_sitting_read(s, first, count);
}
