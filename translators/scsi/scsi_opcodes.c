/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_opcodes.c - REPORT SUPPORTED OPERATION CODES (SPC-4 6.35) and TASK
 * MANAGEMENT FUNCTIONS (6.36): the command table, told to the initiator.
 *
 * Above: the dispatcher.  Below: scsi_cmds.c.
 */
#include "config.h"

#include "gateway/base/bytes.h"
#include "translators/scsi/scsi_cmds.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_handlers.h"
#include "translators/scsi/scsi_reply.h"

#define TIMEOUTS_BYTES 12u

enum { RCTD = 0x80 }; /* byte 2 */
enum reporting { ALL, ONE_OPCODE, ONE_ACTION, ONE_EITHER };

static bool is_supported(const struct scsi_unit *unit, const struct scsi_row *row)
{
	if (!row || !row->run)
		return false;
	return !(row->flags & SCSI_ROW_UNMAP) || scsi_unit_facts(unit)->caps & GW_CAP_UNMAP;
}

/* SPC-4 6.35.4: no time is told; the patience of initiators decides. */
static void put_timeouts(struct scsi_data *out)
{
	scsi_data_put_u16(out, TIMEOUTS_BYTES - 2);
	scsi_data_put_zero(out, TIMEOUTS_BYTES - 2);
}

/* SPC-4 6.35.2 */
static void build_all(struct scsi_task *task, struct scsi_data *out)
{
	enum { CTDP = 0x02, SERVACTV = 0x01 };
	bool timeouts = task->cdb[2] & RCTD;
	const struct scsi_row *row;

	scsi_data_put_u32(out, 0);
	for (unsigned i = 0; (row = scsi_cmds_nth(i)); i++) {
		bool action = row->action != SCSI_NO_ACTION;

		if (!is_supported(task->unit, row))
			continue;
		scsi_data_put_u8(out, row->opcode);
		scsi_data_put_u8(out, 0);
		scsi_data_put_u16(out, action ? row->action : 0);
		scsi_data_put_u8(out, 0);
		scsi_data_put_u8(out, (uint8_t)((timeouts ? CTDP : 0) | (action ? SERVACTV : 0)));
		scsi_data_put_u16(out, row->cdb_bytes);
		if (timeouts)
			put_timeouts(out);
	}
	scsi_data_fix_u32(out, 0, out->bytes - 4);
}

static const struct scsi_row *asked_for(const struct scsi_task *task)
{
	return scsi_cmds_find(task->cdb[3], be16_get(task->cdb + 4));
}

/* SPC-4 6.35.3 */
static void build_one(struct scsi_task *task, struct scsi_data *out)
{
	enum { CTDP = 0x80, NOT_SUPPORTED = 1, AS_THE_STANDARD_SAYS = 3 };
	const struct scsi_row *row = asked_for(task);
	bool timeouts = task->cdb[2] & RCTD;

	scsi_data_put_u8(out, 0);
	if (!is_supported(task->unit, row)) {
		scsi_data_put_u8(out, NOT_SUPPORTED);
		scsi_data_put_u16(out, 0);
		return;
	}
	scsi_data_put_u8(out, (uint8_t)((timeouts ? CTDP : 0) | AS_THE_STANDARD_SAYS));
	scsi_data_put_u16(out, row->cdb_bytes);
	scsi_data_put(out, row->usage, row->cdb_bytes);
	if (timeouts)
		put_timeouts(out);
}

/* Asked without a service action for a command that has them, or the other way
 * round: an error (001b, 010b), or not supported (011b, SPC-5). */
static bool is_consistent(const struct scsi_task *task, enum reporting reporting)
{
	const struct scsi_row *row = asked_for(task);
	bool actions = scsi_cmds_has_actions(task->cdb[3]);

	if (reporting == ONE_OPCODE)
		return !actions;
	if (reporting == ONE_ACTION)
		return actions || !is_supported(task->unit, row);
	return true;
}

void scsi_do_opcodes(struct scsi_task *task)
{
	enum reporting reporting = task->cdb[2] & 7;
	uint32_t allocation = be32_get(task->cdb + 6);

	if (reporting > ONE_EITHER)
		scsi_end_cdb(task, 2, 2);
	else if (!is_consistent(task, reporting))
		scsi_end_cdb(task, 4, SCSI_NO_BIT);
	else
		scsi_reply(task, allocation, reporting == ALL ? build_all : build_one);
}

/* SPC-4 6.36.2: what scsi_tmf.c does; WAKEUP and TARGET RESET are not. */
static void build_tmfs(struct scsi_task *task, struct scsi_data *out)
{
	enum { ATS = 0x80, ATSS = 0x40, CACAS = 0x20, CTSS = 0x10, LURS = 0x08, QTS = 0x04 };
	enum { REPD = 0x80, QAES = 0x04, QTSS = 0x02, ITNRS = 0x01, EXTENDED_BYTES = 12 };
	bool extended = task->cdb[2] & REPD;

	scsi_data_put_u8(out, ATS | ATSS | CACAS | CTSS | LURS | QTS);
	scsi_data_put_u8(out, QAES | QTSS | ITNRS);
	scsi_data_put_u8(out, 0);
	scsi_data_put_u8(out, extended ? EXTENDED_BYTES : 0);
	if (extended)
		scsi_data_put_zero(out, EXTENDED_BYTES); /* TMFTMOV 0: no time is told */
}

void scsi_do_tmfs(struct scsi_task *task)
{
	scsi_reply(task, be32_get(task->cdb + 6), build_tmfs);
}
