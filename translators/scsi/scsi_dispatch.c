/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_dispatch.c - see scsi_dispatch.h.
 *
 * A check answers true when it has let the command pass; false when it has ended
 * the task.
 */
#include "config.h"

#include "translators/scsi/scsi_dispatch.h"

#include "gateway/api/rsv.h"
#include "gateway/base/num.h"
#include "translators/scsi/scsi_cdb.h"
#include "translators/scsi/scsi_cmds.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_ready.h"
#include "translators/scsi/scsi_ua.h"

static bool refuse(struct scsi_task *task, int condition)
{
	scsi_end_condition(task, condition);
	return false;
}

static bool refuse_status(struct scsi_task *task, enum gw_status status)
{
	struct scsi_outcome outcome = scsi_sense_outcome(status, false);

	if (outcome.status == SCSI_CHECK_CONDITION)
		return refuse(task, outcome.condition);
	scsi_end(task, outcome.status);
	return false;
}

/* SAM-5 5.11: INQUIRY, REPORT LUNS and REQUEST SENSE answer everywhere. */
static bool unit_is_there(struct scsi_task *task)
{
	if (scsi_unit_exists(task->unit) || (task->row && task->row->flags & SCSI_ROW_ANY_LUN))
		return true;
	return refuse(task, SCSI_IS_BAD_LUN);
}

/* SAM-5 5.14.1 */
static bool nothing_to_tell(struct scsi_task *task)
{
	int attention = scsi_ua_first(task->unit);

	if (attention < 0 || (task->row && task->row->flags & SCSI_ROW_NO_UA))
		return true;
	scsi_ua_clear(task->unit, attention);
	return refuse(task, attention);
}

/* An operation code that we know with a service action that nobody knows is a
 * wrong field; all else is a command that we do not have. */
static bool command_is_known(struct scsi_task *task)
{
	const struct scsi_row *row = task->row;

	if (row && row->run &&
	    (!(row->flags & SCSI_ROW_UNMAP) || scsi_unit_facts(task->unit)->caps & GW_CAP_UNMAP))
		return true;
	if (row || !task->cdb_bytes || !scsi_cmds_has_actions(task->cdb[0]))
		return refuse(task, SCSI_IS_BAD_OPCODE);
	scsi_end_cdb(task, 1, 4);
	return false;
}

static bool cdb_is_clean(struct scsi_task *task)
{
	uint16_t byte;
	uint8_t bit;

	if (task->cdb_bytes < task->row->cdb_bytes)
		return refuse(task, SCSI_IS_BAD_CDB);
	if (!scsi_cdb_stray_bit(task->cdb, task->cdb_bytes, task->row, &byte, &bit))
		return true;
	scsi_end_cdb(task, byte, bit);
	return false;
}

static bool unit_is_ready(struct scsi_task *task)
{
	enum gw_status status;

	if (task->row->flags & SCSI_ROW_OFFLINE)
		return true;
	status = scsi_ready(task->unit);
	return status == GW_OK || refuse_status(task, status);
}

/* LBA and length inside the disk: beyond is the LBA's fault, whatever the length
 * (SBC-3 4.18.1).  A length of zero is no error; at the very end neither. */
static bool blocks_are_there(struct scsi_task *task)
{
	const struct gw_facts *facts;
	struct scsi_blocks range;

	if (task->row->span == SCSI_SPAN_NONE)
		return true;
	facts = scsi_unit_facts(task->unit);
	range = scsi_cdb_blocks(task->cdb, task->row->span);
	if (!num_inside(range.lba, range.blocks, facts->size_bytes / facts->block_bytes)) {
		struct scsi_sense sense = { .condition = SCSI_IS_BAD_LBA,
					    .has_field = true,
					    .in_cdb = true,
					    .field = task->row->span == SCSI_SPAN_6 ? 1 : 2 };

		scsi_end_sense(task, &sense);
		return false;
	}
	task->lba = range.lba;
	task->blocks = range.blocks;
	task->offset = range.lba * facts->block_bytes;
	return true;
}

/* The core asks again for each request, by the snapshot of its loop; no command
 * can reserve yet, so that there is none to ask here. */
static bool is_not_reserved(struct scsi_task *task)
{
	enum gw_status status;

	if (!task->unit->itl)
		return true;
	status = gw_rsv_verdict(NULL, task->unit->itl, task->row->rsv);
	return status == GW_OK || refuse_status(task, status);
}

static bool may_be_written(struct scsi_task *task)
{
	return !(task->row->flags & SCSI_ROW_CHANGES) || !scsi_unit_facts(task->unit)->read_only ||
	       refuse(task, SCSI_IS_WRITE_PROTECTED);
}

void scsi_dispatch(struct scsi_task *task)
{
	if (unit_is_there(task) && nothing_to_tell(task) && command_is_known(task) &&
	    cdb_is_clean(task) && unit_is_ready(task) && blocks_are_there(task) &&
	    is_not_reserved(task) && may_be_written(task))
		task->row->run(task);
}
