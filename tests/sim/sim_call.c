/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_call.c - which command a simulated client sends, and its stamps.
 */
#include "config.h"

#include "tests/sim/sim_call.h"

#include "gateway/base/check.h"

static struct sim_rng *rng_of(struct sim_user *u)
{
	return &u->world->rng;
}

bool sim_call_odds(struct sim_user *u, unsigned of_10000)
{
	return of_10000 && sim_rng_chance(rng_of(u), of_10000, 10000);
}

void sim_call_write(struct sim_call *call, struct sim_nbd_cmd *cmd, uint64_t first, uint32_t count,
		    uint64_t only_bytes)
{
	struct sim_user *u = call->user;
	bool fua = cmd->flags & WIRE_FUA;
	bool data = cmd->type == WIRE_WRITE;

	GW_CHECK(count <= u->habits.max_sectors);
	cmd->offset = first * SIM_MODEL_SECTOR;
	cmd->length = (uint64_t)count * SIM_MODEL_SECTOR;
	cmd->write = sim_model_write(u->model, u->id, call->born, data ? SIM_DATA : SIM_ZERO, first,
				     count, fua);
	if (data)
		sim_model_fill(u->model, cmd->write, u->scratch);
	sim_nbd_send(call->nbd, cmd, u->scratch, only_bytes);
}

void sim_call_read(struct sim_call *call, struct sim_nbd_cmd *cmd, uint64_t first, uint32_t count)
{
	cmd->offset = first * SIM_MODEL_SECTOR;
	cmd->length = (uint64_t)count * SIM_MODEL_SECTOR;
	if (cmd->type != WIRE_CACHE) {
		cmd->stamp = sim_model_read(call->user->model);
		sim_note(call->user->world, SIM_TR_READ, call->user->id, count, first);
	}
	sim_nbd_send(call->nbd, cmd, NULL, UINT64_MAX);
}

void sim_call_flush(struct sim_call *call, struct sim_nbd_cmd *cmd)
{
	cmd->stamp = sim_model_flush(call->user->model);
	sim_note(call->user->world, SIM_TR_FLUSH, call->user->id, cmd->stamp, 0);
	sim_nbd_send(call->nbd, cmd, NULL, UINT64_MAX);
}

static void pick_range(struct sim_user *u, uint64_t *first, uint32_t *count)
{
	struct sim_habits *h = &u->habits;
	uint64_t n = sim_rng_log(rng_of(u), 1, h->max_sectors);

	n = n < h->sectors ? n : h->sectors;
	*count = (uint32_t)n;
	*first = h->first + sim_rng_below(rng_of(u), h->sectors - n + 1);
	/* Often the same few places, so that writes meet. */
	if (sim_rng_chance(rng_of(u), 1, 2))
		*first = h->first +
			 (*first - h->first) % (h->sectors - n + 1 < 64 ? h->sectors - n + 1 : 64);
	if (h->block) {
		*count = (*count + h->block - 1) / h->block * h->block;
		*count = *count < h->max_sectors ? *count : h->max_sectors / h->block * h->block;
		*first -= *first % h->block;
		*first = *first + *count <= h->sectors ? *first : h->sectors - *count;
	}
}

static enum wire_cmd pick_type(struct sim_user *u)
{
	const struct sim_habits *h = &u->habits;
	unsigned dice = (unsigned)sim_rng_below(rng_of(u), 100);

	if (dice < h->write)
		return WIRE_WRITE;
	if ((dice -= h->write) < h->flush)
		return WIRE_FLUSH;
	if ((dice -= h->flush) < h->zero)
		return WIRE_ZEROES;
	if ((dice -= h->zero) < h->trim)
		return WIRE_TRIM;
	if ((dice -= h->trim) < h->cache)
		return WIRE_CACHE;
	return dice - h->cache < h->status ? WIRE_STATUS : WIRE_READ;
}

/* Drops what the export does not offer, and adds flags. */
static void dress(struct sim_call *call, struct sim_nbd_cmd *cmd)
{
	struct sim_user *u = call->user;
	uint16_t offers = call->nbd->flags;

	if ((cmd->type == WIRE_STATUS && !call->nbd->meta_on) ||
	    (cmd->type == WIRE_TRIM && !(offers & WIRE_SEND_TRIM)) ||
	    (cmd->type == WIRE_ZEROES && !(offers & WIRE_SEND_ZEROES)) ||
	    (cmd->type == WIRE_CACHE && !(offers & WIRE_SEND_CACHE)) ||
	    (cmd->type == WIRE_FLUSH && !(offers & WIRE_SEND_FLUSH)))
		cmd->type = WIRE_READ;
	if (cmd->type == WIRE_READ && (offers & WIRE_SEND_DF) && sim_rng_chance(rng_of(u), 1, 4))
		cmd->flags |= WIRE_DF;
	if (cmd->type == WIRE_STATUS && sim_rng_chance(rng_of(u), 1, 4))
		cmd->flags |= WIRE_REQ_ONE;
	if (cmd->type == WIRE_STATUS && call->nbd->headers == SIM_NBD_EXTENDED &&
	    (offers & WIRE_STATUS_PAYLOAD) && sim_rng_chance(rng_of(u), 1, 3))
		cmd->flags |= WIRE_PAYLOAD;
	if (cmd->type == WIRE_ZEROES && sim_rng_chance(rng_of(u), 1, 3))
		cmd->flags |= WIRE_NO_HOLE;
	if (cmd->type == WIRE_ZEROES && (offers & WIRE_SEND_FAST_ZERO) &&
	    sim_rng_chance(rng_of(u), 1, 6))
		cmd->flags |= WIRE_FAST_ZERO;
	if ((cmd->type == WIRE_WRITE || cmd->type == WIRE_ZEROES || cmd->type == WIRE_TRIM) &&
	    (offers & WIRE_SEND_FUA) && sim_rng_below(rng_of(u), 100) < u->habits.fua)
		cmd->flags |= WIRE_FUA;
}

void sim_call_any(struct sim_call *call)
{
	struct sim_user *u = call->user;
	struct sim_nbd_cmd *cmd = sim_nbd_take(call->nbd);
	uint64_t first, only = UINT64_MAX;
	uint32_t count;

	if (!cmd)
		return;
	cmd->type = (uint16_t)pick_type(u);
	dress(call, cmd);
	pick_range(u, &first, &count);
	u->commands++;
	u->budget -= u->budget ? 1 : 0;
	if (cmd->type == WIRE_WRITE && sim_call_odds(u, u->habits.half_request))
		only = sim_rng_below(rng_of(u), 28 + (uint64_t)count * SIM_MODEL_SECTOR);
	if (cmd->type == WIRE_FLUSH)
		sim_call_flush(call, cmd);
	else if (cmd->type == WIRE_READ || cmd->type == WIRE_CACHE || cmd->type == WIRE_STATUS)
		sim_call_read(call, cmd, first, count);
	else
		sim_call_write(call, cmd, first, count, only);
	if (only != UINT64_MAX && sim_rng_chance(rng_of(u), 1, 2))
		sim_nbd_vanish(call->nbd);
	else if (only != UINT64_MAX)
		sim_nbd_close(call->nbd);
}
