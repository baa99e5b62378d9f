/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_tmf.h - task management (RFC 7143 4.2.3, 11.5, 11.6): the tasks of this
 * session by translators/scsi/scsi_tmf.h, those of others by an event of the volume.
 *
 * The answer goes out when what was aborted has ended at its store.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_TMF_H
#define PROTOCOLS_ISCSI_ISCSI_TMF_H

#include "protocols/iscsi/iscsi_state.h"

/* It is in turn, or immediate. */
void iscsi_tmf_start(struct iscsi_task *task);
/* The session leaves: nothing is answered any more. */
void iscsi_tmf_leave(struct iscsi_task *task);

#endif
