/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_dataout.h - data of a write: immediate, unsolicited, and asked for by R2T
 * (RFC 7143 11.7, 11.8), gathered to pieces and handed to the command in order.
 *
 *   transfer:  | given to the command | piece: in hand, being filled | not yet |
 *   a piece's bytes come by bursts; each burst is in order (DataPDUInOrder is
 *   always Yes, for that is what we want), several bursts may be under way.
 *
 * An R2T goes out only with the memory for what it asks in hand.  The first piece,
 * whose data may come unasked, is paid for by the window's guarantee (iscsi_state.h).
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_DATAOUT_H
#define PROTOCOLS_ISCSI_ISCSI_DATAOUT_H

#include "protocols/iscsi/iscsi_state.h"

enum iscsi_place {
	ISCSI_PLACE_OK, /* the data goes to task->piece from *at on */
	ISCSI_PLACE_WAIT, /* no memory now */
	ISCSI_PLACE_DROP, /* nobody wants it: skip it */
	ISCSI_PLACE_BAD_FIELD, /* Reject: no such burst, or not in it */
	ISCSI_PLACE_OUT_OF_ORDER, /* its DataSN or offset is not the next one */
	ISCSI_PLACE_TOO_MUCH, /* beyond FirstBurstLength or what was asked for */
	ISCSI_PLACE_TOO_LITTLE /* the sequence ends before all that was asked for */
};

/* A SCSI Command that writes has come: where its immediate data goes.  Where all
 * of the transfer is in it and stands whole at `in` (inside buffer rx), the piece
 * refers to it; else memory is taken.  OK and WAIT only. */
enum iscsi_place iscsi_dataout_begin(struct iscsi_task *task, struct gw_buf *rx, uint8_t *in,
				     uint32_t *at);
/* A Data-Out of this task. */
enum iscsi_place iscsi_dataout_place(struct iscsi_task *task, const struct iscsi_pdu *pdu,
				     uint32_t *at);
/* The data of a PDU that was placed is there. */
void iscsi_dataout_came(struct iscsi_task *task, const struct iscsi_pdu *pdu);
/* What was dropped counts, too: the initiator has sent it. */
void iscsi_dataout_dropped(struct iscsi_task *task, const struct iscsi_pdu *pdu);

/* The command wants so many bytes (scsi_port_ops.receive); go_on follows. */
void iscsi_dataout_want(struct iscsi_task *task, uint64_t bytes);
/* Hands over what is complete, asks for more; where memory is missing the task is
 * hungry.  The command may end from inside: the caller holds the task. */
void iscsi_dataout_go_on(struct iscsi_task *task);
/* Is data under way that the initiator will send whatever we do?  The answer waits
 * for it (11.4.2). */
bool iscsi_dataout_under_way(const struct iscsi_task *task);

#endif
