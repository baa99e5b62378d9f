/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_same.h - one block, many times: WRITE SAME, and VERIFY with BYTCHK 11b.
 *
 * The block lies in task->gather.  A tile is filled with copies of it once; every
 * request holds references to the tile.  Where there is no memory for a tile the
 * block itself is one: who holds memory does not wait for more.
 */
#ifndef TRANSLATORS_SCSI_SCSI_SAME_H
#define TRANSLATORS_SCSI_SCSI_SAME_H

struct scsi_task;

/* The block against each block of the command; ends the task. */
void scsi_same_compare(struct scsi_task *task);

#endif
