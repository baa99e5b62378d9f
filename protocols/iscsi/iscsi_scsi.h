/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_scsi.h - SCSI Commands of a session: what the command set asks of its
 * transport (translators/scsi/scsi_task.h), and the SCSI Response (RFC 7143 11.4).
 *
 * Above: iscsi_ffp.c.  Below: iscsi_datain.h, iscsi_dataout.h.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_SCSI_H
#define PROTOCOLS_ISCSI_ISCSI_SCSI_H

#include "protocols/iscsi/iscsi_dataout.h"
#include "protocols/iscsi/iscsi_state.h"

/* Fills the command of a task; cdb and more stand in what was received. */
void iscsi_scsi_fill(struct iscsi_task *task, const uint8_t *cdb, const struct iscsi_ahs *ahs);
/* It is in turn. */
void iscsi_scsi_start(struct iscsi_task *task);
/* Data of this PDU came and was placed, or dropped, or was damaged. */
void iscsi_scsi_data(struct iscsi_task *task, const struct iscsi_pdu *pdu, enum iscsi_place place,
		     bool good);
/* The initiator broke the rules of its data: the command fails with this condition
 * (enum scsi_condition). */
void iscsi_scsi_fail(struct iscsi_task *task, int condition);
/* The end of the session or of its connection: nothing is answered.  True: it is gone;
 * false: it ends when its store has ended. */
bool iscsi_scsi_abandon(struct iscsi_task *task, bool wait);
/* The session's feed task, hunger timer and credit waiters. */
void iscsi_scsi_feed_init(struct iscsi_sess *sess);
void iscsi_scsi_feed_end(struct iscsi_sess *sess);

#endif
