/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_gather.h - commands that must see all their data-out before they act:
 * parameter lists, and the few blocks of COMPARE AND WRITE and WRITE SAME.
 */
#ifndef TRANSLATORS_SCSI_SCSI_GATHER_H
#define TRANSLATORS_SCSI_SCSI_GATHER_H

#include "translators/scsi/scsi_lu.h"

/* whole() runs when `bytes` of data-out lie in task->gather; at once for 0.  An
 * initiator that brings less is refused (INVALID FIELD IN COMMAND INFORMATION
 * UNIT); exact: one that brings more, too, since then its idea of the block
 * length or of the number of blocks is not ours. */
void scsi_gather(struct scsi_task *task, uint32_t bytes, bool exact,
		 void (*whole)(struct scsi_task *task));

#endif
