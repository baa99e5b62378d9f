/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_ffp.h - full feature phase: what each PDU of an initiator means.
 *
 * A table row per opcode (RFC 7143 11.2.1.2): begin() when its header is there says
 * where its data goes, end() when it is whole; requests wait for their turn in
 * the order of CmdSN (4.2.2.1) and are then started.  Above: iscsi_tcp.c, which
 * knows bytes.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_FFP_H
#define PROTOCOLS_ISCSI_ISCSI_FFP_H

#include "protocols/iscsi/iscsi_state.h"

/* The header is in conn->pdu and conn->bhs; more: the additional headers; data: its
 * data segment where all of it is there already, in the inbox, or null.  Sets
 * into, sink and where in it, or leaves sink null: the data is skipped.  False: no
 * memory now; nothing happened. */
bool iscsi_ffp_begin(struct iscsi_conn *conn, const uint8_t *more, uint8_t *data);
/* It is whole; good: its data digest was right. */
void iscsi_ffp_end(struct iscsi_conn *conn, bool good);
/* Each turn: a logout that waited may be answered now. */
void iscsi_ffp_look(struct iscsi_conn *conn);
/* The header was refused by iscsi_pdu_get(): the PDU is rejected when it is over, or
 * the connection is doomed. */
void iscsi_ffp_refuse(struct iscsi_conn *conn, enum iscsi_fault fault);

/* Commands that waited behind a function on many tasks may go on (iscsi_ripen.h). */
void iscsi_ffp_unblocked(struct iscsi_sess *sess);

#endif
