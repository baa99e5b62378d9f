/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_loan.h - data of reads that stands in the store's own memory (gw_buf, lender),
 * until nothing can change any more what the initiator gets of it.
 *
 *   queued ─▶ being sent ─┬─ copied by the kernel ──────────────▶ settled ─▶ the nexus
 *                         └─ by reference ─▶ open ─▶ acknowledged ──┘        is told
 *
 * Small pieces are copied while they are sent.  Large ones go by reference: the
 * initiator gets what stands there when it takes them, so they are open until its
 * ExpStatSN has passed them (RFC 7143 4.2.2.2).  An ORDERED task waits for that
 * (scsi_order.h); where nothing else is waited for, a NOP-In asks (11.19).
 *
 * Above: iscsi_out.c, iscsi_datain.c, iscsi_ffp.c, iscsi_conn.c.  Home loop.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_LOAN_H
#define PROTOCOLS_ISCSI_ISCSI_LOAN_H

#include "protocols/iscsi/iscsi_state.h"

#define ISCSI_LOAN_ANSWER_S 60 /* until that NOP-In must be answered (11.19: it must) */

/* statsn: of the first response. */
void iscsi_loan_begin(struct iscsi_loan *loan, uint32_t statsn);
/* Data of this task's read stands in out now, before it is queued. */
void iscsi_loan_take(struct iscsi_task *task, struct iscsi_out *out);
/* It was given its numbers, and will be sent next. */
void iscsi_loan_sending(struct iscsi_conn *conn, const struct iscsi_out *out);
/* It has been sent, or never will be. */
void iscsi_loan_sent(struct iscsi_conn *conn, const struct iscsi_out *out);

/* A PDU of the initiator told this ExpStatSN. */
void iscsi_loan_acknowledged(struct iscsi_conn *conn, uint32_t exp_statsn);
/* A NOP-Out answers the NOP-In that had this target transfer tag. */
void iscsi_loan_answered(struct iscsi_conn *conn, uint32_t ttt);

/* It has asked for the end of the session, which terminates its commands (11.14.1): what
 * they get does not matter, and it will not say what it took. */
void iscsi_loan_moot(struct iscsi_conn *conn);

/* Somebody waits for what is open (scsi_nexus_ops, settle). */
void iscsi_loan_want(struct iscsi_conn *conn);
/* In a turn: shall a NOP-In ask now?  Not before all that is queued has been sent. */
bool iscsi_loan_asks(struct iscsi_conn *conn);
/* It is queued, with this target transfer tag. */
void iscsi_loan_asked(struct iscsi_conn *conn, uint32_t ttt);
/* The answer may be there, but we do not read now: it has as long again. */
void iscsi_loan_excuse(struct iscsi_conn *conn, struct instant now);
/* It was asked too long ago. */
bool iscsi_loan_overdue(const struct iscsi_conn *conn, struct instant now);

/* Tells the nexus what has settled, and lets those run that waited for it: not from
 * inside anything. */
void iscsi_loan_settle(struct iscsi_conn *conn);
/* The connection has ended: nothing is open any more. */
void iscsi_loan_end(struct iscsi_conn *conn);

#endif
