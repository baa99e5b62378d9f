/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_end.h - the end of a task: status and sense, then out of its task set,
 * then done(), then those who waited for it.
 *
 * After any scsi_end_...() the task is the transport's: the caller returns and
 * does not look at it again.
 */
#ifndef TRANSLATORS_SCSI_SCSI_END_H
#define TRANSLATORS_SCSI_SCSI_END_H

#include "translators/scsi/scsi_lu.h"

#define SCSI_NO_BIT (-1)

/* GOOD, or another status without sense. */
void scsi_end(struct scsi_task *task, enum scsi_status status);
/* CHECK CONDITION. */
void scsi_end_condition(struct scsi_task *task, int condition);
void scsi_end_sense(struct scsi_task *task, const struct scsi_sense *sense);
/* INVALID FIELD IN CDB: that byte, and the leftmost bit of the field in it. */
void scsi_end_cdb(struct scsi_task *task, unsigned byte, int bit);
/* INVALID FIELD IN PARAMETER LIST, likewise. */
void scsi_end_list(struct scsi_task *task, unsigned byte, int bit);

/* Something went wrong with the bytes from `at` of the transfer: what is nearest
 * to the beginning is told, when all has come back (scsi_end_failed). */
void scsi_end_note(struct scsi_task *task, struct scsi_outcome outcome,
		   const struct scsi_sense *sense, uint64_t at);
/* It failed or was aborted, and nothing is at the core any more. */
void scsi_end_failed(struct scsi_task *task);
/* Out of its task set, all memory given back; nobody is told. */
void scsi_end_quietly(struct scsi_task *task);
/* The unit of an export that went away closes with its last task. */
void scsi_end_close(struct scsi_unit *unit);

#endif
