/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_loan.c - see iscsi_loan.h.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_loan.h"

#include "protocols/iscsi/iscsi_sn.h"

void iscsi_loan_begin(struct iscsi_loan *loan, uint32_t statsn)
{
	*loan = (struct iscsi_loan){ .ttt = ISCSI_NO_TAG, .told = statsn };
}

/* ---- what is sent ---------------------------------------------------------- */

void iscsi_loan_take(struct iscsi_task *task, struct iscsi_out *out)
{
	out->lent = gw_mem_is_lent(&out->data);
	if (!out->lent)
		return;
	if (out->data.bytes >= DRV_REFER_BYTES)
		out->file = scsi_task_lent_file(&task->scsi);
	scsi_nexus_unsettled(task->sess->scsi, 1);
}

/* Its own status acknowledges it; where it has none, the next one does. */
void iscsi_loan_sending(struct iscsi_conn *conn, const struct iscsi_out *out)
{
	if (out->file)
		conn->loan.until = conn->statsn + (out->statsn == ISCSI_STATSN_NONE);
}

/* The initiator may have taken it before we hear that it was sent. */
void iscsi_loan_sent(struct iscsi_conn *conn, const struct iscsi_out *out)
{
	struct iscsi_loan *loan = &conn->loan;

	if (out->file && !loan->moot && iscsi_sn_lt(loan->told, loan->until))
		loan->open++;
	else
		loan->settled += out->lent;
}

/* ---- what the initiator says ----------------------------------------------- */

/* The eldest of what is open.  Where nothing of what was asked for is left, the answer
 * does not matter any more. */
static void close_some(struct iscsi_conn *conn, unsigned n)
{
	struct iscsi_loan *loan = &conn->loan;

	loan->open -= n;
	loan->settled += n;
	loan->asked -= n < loan->asked ? n : loan->asked;
	if (!loan->asked)
		loan->ttt = ISCSI_NO_TAG;
}

void iscsi_loan_acknowledged(struct iscsi_conn *conn, uint32_t exp_statsn)
{
	conn->loan.told = exp_statsn;
	if (conn->loan.open && iscsi_sn_ge(exp_statsn, conn->loan.until))
		close_some(conn, conn->loan.open);
}

void iscsi_loan_answered(struct iscsi_conn *conn, uint32_t ttt)
{
	if (ttt != conn->loan.ttt)
		return;
	close_some(conn, conn->loan.asked);
	loop_defer(conn->home->loop, &conn->task);
}

void iscsi_loan_moot(struct iscsi_conn *conn)
{
	conn->loan.moot = true;
	close_some(conn, conn->loan.open);
	loop_defer(conn->home->loop, &conn->task);
}

/* ---- asking ---------------------------------------------------------------- */

void iscsi_loan_want(struct iscsi_conn *conn)
{
	conn->loan.wanted = true;
	loop_defer(conn->home->loop, &conn->task);
}

bool iscsi_loan_asks(struct iscsi_conn *conn)
{
	struct iscsi_loan *loan = &conn->loan;

	if (!loan->wanted || loan->ttt != ISCSI_NO_TAG || conn->stream.sending || conn->n_queued)
		return false;
	loan->wanted = false;
	return loan->open;
}

void iscsi_loan_asked(struct iscsi_conn *conn, uint32_t ttt)
{
	conn->loan.ttt = ttt;
	conn->loan.asked = conn->loan.open;
	conn->loan.since = loop_now(conn->home->loop);
}

void iscsi_loan_excuse(struct iscsi_conn *conn, struct instant now)
{
	conn->loan.since = now;
}

bool iscsi_loan_overdue(const struct iscsi_conn *conn, struct instant now)
{
	const struct iscsi_loan *loan = &conn->loan;

	return loan->ttt != ISCSI_NO_TAG &&
	       !instant_before(now, instant_add(loan->since, span_s(ISCSI_LOAN_ANSWER_S)));
}

/* ---- the nexus ------------------------------------------------------------- */

void iscsi_loan_settle(struct iscsi_conn *conn)
{
	int n = (int)conn->loan.settled;

	if (!n)
		return;
	conn->loan.settled = 0;
	conn->loan.wanted = false; /* who waits on says so again */
	if (conn->sess->scsi)
		scsi_nexus_unsettled(conn->sess->scsi, -n);
}

void iscsi_loan_end(struct iscsi_conn *conn)
{
	close_some(conn, conn->loan.open);
	iscsi_loan_settle(conn);
}
