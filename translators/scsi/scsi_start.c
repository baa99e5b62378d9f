/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_start.c - the transport's side of a task (scsi_task.h): in, on, and out.
 *
 * Above: the transports.  Below: scsi_order.c decides when it runs, then
 * scsi_dispatch.c what it is.
 */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "gateway/base/check.h"
#include "translators/scsi/scsi_cmds.h"
#include "translators/scsi/scsi_dispatch.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_io.h"
#include "translators/scsi/scsi_order.h"
#include "translators/scsi/scsi_row.h"

void scsi_task_init(struct scsi_task *task)
{
	const size_t from = offsetof(struct scsi_task, nexus);

	memset((uint8_t *)task + from, 0, offsetof(struct scsi_task, gather.iov) - from);
}

static void enter(struct scsi_task *task)
{
	struct scsi_unit *unit = scsi_nexus_unit(task->nexus, task->lun);

	task->unit = unit ? unit : &task->nexus->nowhere;
	task->number = ++task->nexus->last_number;
	TAILQ_INSERT_TAIL(&task->unit->tasks, task, link);
	task->unit->n_tasks++;
}

void scsi_task_start(struct scsi_task *task)
{
	int turn = scsi_order_turn(task->attr);

	enter(task);
	task->row = scsi_cmds_of(task->cdb, task->cdb_bytes);
	if (turn < 0) { /* SAM-5 8.9.5 */
		scsi_end_condition(task, SCSI_IS_BAD_MESSAGE);
		return;
	}
	task->order = (uint8_t)turn;
	if (task->row && task->row->order == SCSI_ORDER_FREE)
		task->order = SCSI_TURN_FREE;
	if (scsi_order_enter(task))
		scsi_dispatch(task);
}

void scsi_task_data(struct scsi_task *task, struct gw_mem *mem)
{
	GW_CHECK(task->unit && mem->bytes);
	task->out_taken += mem->bytes;
	if (task->failed || task->aborted) {
		gw_mem_put(mem);
		return;
	}
	GW_CHECK(task->data && task->out_taken <= task->out_bytes);
	task->data(task, mem);
}

struct drv_file *scsi_task_lent_file(const struct scsi_task *task)
{
	return gw_itl_lent_file(task->unit->itl);
}

unsigned scsi_task_room(const struct scsi_task *task)
{
	return SCSI_PIECES_MAX - task->n_pieces;
}

void scsi_task_resume(struct scsi_task *task)
{
	if (!task->wants_memory)
		return;
	task->wants_memory = false;
	scsi_io_settle(task);
}

void scsi_task_fail(struct scsi_task *task, int condition)
{
	struct scsi_sense sense = { 0 };

	scsi_end_note(task, (struct scsi_outcome){ SCSI_CHECK_CONDITION, (uint8_t)condition },
		      &sense, task->out_taken);
	scsi_io_settle(task);
}

void scsi_task_abort(struct scsi_task *task)
{
	if (task->aborted)
		return;
	task->aborted = true;
	scsi_io_abort(task);
	scsi_io_settle(task);
}

void scsi_task_leave(struct scsi_task *task)
{
	struct scsi_unit *unit = task->unit;
	uint64_t number = task->number;

	scsi_io_orphan(task);
	scsi_end_quietly(task);
	if (unit->nexus->ended)
		unit->nexus->ended(unit, number);
	scsi_order_release(unit);
	scsi_end_close(unit);
}
