/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_cmds.h - the command table (scsi_cmds.tbl) and its only look-ups, which
 * alone know where it ends.
 */
#ifndef TRANSLATORS_SCSI_SCSI_CMDS_H
#define TRANSLATORS_SCSI_SCSI_CMDS_H

#include <stdbool.h>

#include "translators/scsi/scsi_row.h"

/* The row of this operation code and, where the operation code has them, this
 * service action.  Null: none. */
const struct scsi_row *scsi_cmds_find(uint8_t opcode, uint16_t action);
/* The row of a CDB of that many bytes, or null. */
const struct scsi_row *scsi_cmds_of(const uint8_t *cdb, unsigned bytes);
/* Is there a command of this operation code that we can do, with some action? */
bool scsi_cmds_has_actions(uint8_t opcode);
/* i from 0, in the order of the table; null: no more. */
const struct scsi_row *scsi_cmds_nth(unsigned i);

#endif
