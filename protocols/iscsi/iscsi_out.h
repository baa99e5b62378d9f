/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_out.h - the send side of a connection: what is queued in a turn leaves in
 * one gathered send.
 *
 * StatSN is given out in the order of the queue, when a PDU is gathered (RFC 7143
 * 4.2.2.2), ExpCmdSN and MaxCmdSN are those of that moment, digests come last.
 * Below: iscsi_pdu.h, loop_stream.h.  Home loop.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_OUT_H
#define PROTOCOLS_ISCSI_ISCSI_OUT_H

#include "protocols/iscsi/iscsi_state.h"

/* A PDU for this connection; null: no memory, and the connection is doomed. */
struct iscsi_out *iscsi_out_take(struct iscsi_conn *conn);
/* Its data is a copy of these few bytes (ISCSI_SMALL_BYTES at most). */
void iscsi_out_small(struct iscsi_out *out, const void *from, uint32_t bytes);
/* Queues it; the head is put, but for numbers and digests. */
void iscsi_out_queue(struct iscsi_conn *conn, struct iscsi_out *out);
/* Reject (11.17) of the PDU whose header this is. */
void iscsi_out_reject(struct iscsi_conn *conn, enum iscsi_reject reason,
		      const uint8_t bhs[ISCSI_BHS_BYTES]);

/* Sends what is queued, unless a send is under way. */
void iscsi_out_flush(struct iscsi_conn *conn);
/* The send has ended.  True: what was sent ends the connection. */
bool iscsi_out_sent(struct iscsi_conn *conn);
/* What is queued is dropped; what is being sent goes with iscsi_out_sent(). */
void iscsi_out_drop(struct iscsi_conn *conn);

#endif
