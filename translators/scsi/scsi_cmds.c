/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_cmds.c - see scsi_cmds.h.
 */
#include "config.h"

#include "translators/scsi/scsi_cmds.h"

#include <stddef.h>

#include "gateway/base/table.h"
#include "translators/scsi/scsi_cdb.h"
#include "translators/scsi/scsi_handlers.h"

static const struct scsi_row rows[] = {
#define ROW(name_, opcode_, action_, bytes, dir_, span_, rsv_, order_, flags_, run_, clause_, ...) \
	{ .name = name_,                                                                           \
	  .clause = clause_,                                                                       \
	  .opcode = opcode_,                                                                       \
	  .action = action_,                                                                       \
	  .cdb_bytes = bytes,                                                                      \
	  .dir = SCSI_DIR_##dir_,                                                                  \
	  .span = SCSI_SPAN_##span_,                                                               \
	  .rsv = GW_RSV_##rsv_,                                                                    \
	  .order = SCSI_ORDER_##order_,                                                            \
	  .flags = flags_,                                                                         \
	  .run = run_,                                                                             \
	  .usage = { __VA_ARGS__ } },
#include "translators/scsi/scsi_cmds.tbl"
#undef ROW
};

/* Where the rows of an operation code begin: the table is in their order. */
static const struct scsi_row *first_of(uint8_t opcode)
{
	size_t low = 0, high = TABLE_LEN(rows);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (rows[middle].opcode < opcode)
			low = middle + 1;
		else
			high = middle;
	}
	return low < TABLE_LEN(rows) && rows[low].opcode == opcode ? &rows[low] : NULL;
}

const struct scsi_row *scsi_cmds_find(uint8_t opcode, uint16_t action)
{
	const struct scsi_row *row = first_of(opcode);

	for (; row && row < rows + TABLE_LEN(rows) && row->opcode == opcode; row++)
		if (row->action == SCSI_NO_ACTION || row->action == action)
			return row;
	return NULL;
}

const struct scsi_row *scsi_cmds_of(const uint8_t *cdb, unsigned bytes)
{
	return bytes ? scsi_cmds_find(cdb[0], scsi_cdb_action(cdb, bytes)) : NULL;
}

bool scsi_cmds_has_actions(uint8_t opcode)
{
	const struct scsi_row *row = first_of(opcode);

	for (; row && row < rows + TABLE_LEN(rows) && row->opcode == opcode; row++)
		if (row->action != SCSI_NO_ACTION && row->run)
			return true;
	return false;
}

const struct scsi_row *scsi_cmds_nth(unsigned i)
{
	return i < TABLE_LEN(rows) ? &rows[i] : NULL;
}
