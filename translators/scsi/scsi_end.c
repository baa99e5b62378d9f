/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_end.c - see scsi_end.h.
 */
#include "config.h"

#include "translators/scsi/scsi_end.h"

#include "gateway/base/check.h"
#include "translators/scsi/scsi_order.h"
#include "translators/scsi/scsi_ua.h"

/* What a task held: given back when the task is not looked at any more, since
 * that may let others go on (scsi_io.c). */
struct held {
	struct gw_mem mem[1 + SCSI_PIECES_MAX];
	unsigned n;
};

static void hold(struct held *held, struct gw_mem *mem)
{
	if (!mem->n)
		return;
	held->mem[held->n].n = held->mem[held->n].bytes = 0;
	gw_mem_move(&held->mem[held->n++], mem);
}

static void give_back(struct held *held)
{
	while (held->n)
		gw_mem_put(&held->mem[--held->n]);
}

/* Out of its task set. */
static void detach(struct scsi_task *task, struct held *held)
{
	struct scsi_unit *unit = task->unit;

	GW_CHECK(!task->n_busy && !task->again);
	if (task->req_waiter.waiting)
		gw_req_unwait(unit->itl, &task->req_waiter);
	held->n = 0;
	hold(held, &task->gather);
	for (unsigned i = 0; i < task->known_pieces; i++)
		hold(held, &task->piece[i].mem);
	task->n_pieces = 0;
	task->wants_memory = false;
	scsi_order_leave(task);
	TAILQ_REMOVE(&unit->tasks, task, link);
	unit->n_tasks--;
	task->unit = NULL;
}

void scsi_end_quietly(struct scsi_task *task)
{
	struct held held;

	detach(task, &held);
	give_back(&held);
}

void scsi_end_close(struct scsi_unit *unit)
{
	if (__builtin_expect(unit->going, 0) && !unit->n_tasks && unit->itl)
		gw_itl_close(&unit->itl);
}

static void finish(struct scsi_task *task)
{
	struct scsi_unit *unit = task->unit;
	struct scsi_nexus *nexus = unit->nexus;
	uint64_t number = task->number;
	struct held held;

	detach(task, &held);
	task->ops->done(task);
	if (__builtin_expect(nexus->ended != NULL, 0))
		nexus->ended(unit, number);
	if (!TAILQ_EMPTY(&unit->waiting))
		scsi_order_release(unit);
	scsi_end_close(unit);
	give_back(&held);
}

void scsi_end(struct scsi_task *task, enum scsi_status status)
{
	task->status = status;
	finish(task);
}

void scsi_end_sense(struct scsi_task *task, const struct scsi_sense *sense)
{
	task->sense_bytes = scsi_sense_put(sense, task->unit->d_sense, task->sense);
	scsi_end(task, SCSI_CHECK_CONDITION);
}

void scsi_end_condition(struct scsi_task *task, int condition)
{
	struct scsi_sense sense = { .condition = condition };

	scsi_end_sense(task, &sense);
}

static void end_field(struct scsi_task *task, int condition, bool in_cdb, unsigned byte, int bit)
{
	struct scsi_sense sense = {
		.condition = condition,
		.has_field = true,
		.in_cdb = in_cdb,
		.field = (uint16_t)byte,
		.has_bit = bit != SCSI_NO_BIT,
		.bit = (uint8_t)(bit & 7),
	};

	scsi_end_sense(task, &sense);
}

void scsi_end_cdb(struct scsi_task *task, unsigned byte, int bit)
{
	end_field(task, SCSI_IS_BAD_CDB, true, byte, bit);
}

void scsi_end_list(struct scsi_task *task, unsigned byte, int bit)
{
	end_field(task, SCSI_IS_BAD_LIST, false, byte, bit);
}

void scsi_end_note(struct scsi_task *task, struct scsi_outcome outcome,
		   const struct scsi_sense *sense, uint64_t at)
{
	if (task->failed && task->why_at <= at)
		return;
	task->failed = true;
	task->why_status = outcome.status;
	task->why = *sense;
	task->why.condition = outcome.condition;
	task->why_at = at;
}

void scsi_end_failed(struct scsi_task *task)
{
	if (task->aborted || task->why_status != SCSI_CHECK_CONDITION)
		scsi_end(task, task->aborted ? SCSI_GOOD : task->why_status);
	else
		scsi_end_sense(task, &task->why);
}
