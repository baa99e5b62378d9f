/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_dispatch.h - the fixed order of checks before a handler runs, all by the
 * row of the command.
 */
#ifndef TRANSLATORS_SCSI_SCSI_DISPATCH_H
#define TRANSLATORS_SCSI_SCSI_DISPATCH_H

struct scsi_task;

/* task->row is what scsi_cmds_of() found.  The task may be ended after this. */
void scsi_dispatch(struct scsi_task *task);

#endif
