/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_order.h - which task of a task set may run (SAM-5 8.6, 8.8): the usual
 * SIMPLE one at once, by two counters and no list.
 *
 *   SIMPLE         waits for every head of queue and every older ORDERED
 *   ORDERED        waits for every older task and every head of queue, and until the
 *                  data-in of these that was lent can no longer change
 *   HEAD OF QUEUE  runs at once
 */
#ifndef TRANSLATORS_SCSI_SCSI_ORDER_H
#define TRANSLATORS_SCSI_SCSI_ORDER_H

#include "translators/scsi/scsi_lu.h"

enum scsi_turn { SCSI_TURN_FREE, SCSI_TURN_SIMPLE, SCSI_TURN_ORDERED, SCSI_TURN_HEAD };

/* Which of them this attribute is; -1: an attribute that is not supported. */
int scsi_order_turn(uint8_t attr);
/* task->order is set.  False: it waits, and nexus->run() is called in its turn. */
bool scsi_order_enter(struct scsi_task *task);
/* It ends or is left.  scsi_order_release() then lets others run. */
void scsi_order_leave(struct scsi_task *task);
void scsi_order_release(struct scsi_unit *unit);

#endif
