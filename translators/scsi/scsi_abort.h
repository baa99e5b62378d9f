/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_abort.h - all tasks of a task set are to end.  Above: task management, and
 * resets that come from elsewhere.
 */
#ifndef TRANSLATORS_SCSI_SCSI_ABORT_H
#define TRANSLATORS_SCSI_SCSI_ABORT_H

#include "translators/scsi/scsi_lu.h"

/* scsi_task_abort() for each that is not younger than `until`; none that waits
 * gets its turn by the end of another one. */
void scsi_abort_all(struct scsi_unit *unit, uint64_t until);
/* How many there are, those included that end already. */
unsigned scsi_abort_count(const struct scsi_unit *unit, uint64_t until);

#endif
