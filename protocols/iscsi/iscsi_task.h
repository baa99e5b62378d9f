/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_task.h - a request of an initiator from its header to its answer: birth,
 * the way to find it by tag, its end.
 *
 * Tasks belong to the session.  Above: everything that handles requests.  Home
 * loop.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_TASK_H
#define PROTOCOLS_ISCSI_ISCSI_TASK_H

#include "protocols/iscsi/iscsi_state.h"

/* Null: no memory.  pdu: the request; it is copied. */
struct iscsi_task *iscsi_task_begin(struct iscsi_conn *conn, const struct iscsi_pdu *pdu);
/* Found by its tag from now on; false: another one has this tag. */
bool iscsi_task_name(struct iscsi_task *task);
/* Null: none, or one that is no SCSI command. */
struct iscsi_task *iscsi_task_find(const struct iscsi_sess *sess, uint32_t itt);
/* Gives back its place in the window, its memory and itself. Clears the pointer. */
void iscsi_task_end(struct iscsi_task **task);

static inline struct iscsi_task *iscsi_task_of(struct scsi_task *scsi)
{
	return (struct iscsi_task *)scsi; /* the first member */
}

/* It waits for memory, or to be looked at again: in order of arrival, by the
 * session's feed task (iscsi_scsi.c), soon. */
void iscsi_task_hunger(struct iscsi_task *task);

#endif
