/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_ffp.c - PDUs in full feature phase.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_ffp.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/num.h"
#include "protocols/iscsi/iscsi_doom.h"
#include "protocols/iscsi/iscsi_loan.h"
#include "protocols/iscsi/iscsi_out.h"
#include "protocols/iscsi/iscsi_ripen.h"
#include "protocols/iscsi/iscsi_scsi.h"
#include "protocols/iscsi/iscsi_talk.h"
#include "protocols/iscsi/iscsi_task.h"
#include "protocols/iscsi/iscsi_tmf.h"

struct row {
	bool known;
	bool discovery; /* allowed in a discovery session (4.3) */
	/* Says where the data goes; false: wait.  task: of a request. */
	bool (*begin)(struct iscsi_conn *conn, struct iscsi_task *task, const uint8_t *more,
		      uint8_t *data);
	/* A request that is in turn; the task is its own from here. */
	void (*start)(struct iscsi_task *task);
};

static void reject_at_end(struct iscsi_conn *conn, enum iscsi_reject reason)
{
	if (!conn->reject)
		conn->reject = (uint16_t)(1 + reason);
}

/* ---- data of requests that are no SCSI commands ---------------------------- */

/* It may go out again (NOP-In), so that is who pays: never a receive buffer. */
static bool begin_plain(struct iscsi_conn *conn, struct iscsi_task *task, const uint8_t *more,
			uint8_t *data)
{
	uint32_t bytes = conn->pdu.data_bytes;

	(void)more;
	(void)data;
	if (!bytes)
		return true;
	if (!gw_mem_take(&conn->sess->out, bytes, 0, &task->data))
		return false;
	conn->sink = &task->data;
	return true;
}

/* ---- SCSI Command ---------------------------------------------------------- */

/* What is wrong with the unsolicited data that this command announces (13.10, 13.11,
 * 13.14): 1 + a condition, or 0. */
static uint16_t check_unsolicited(const struct iscsi_conn *conn)
{
	const struct iscsi_params *params = &conn->sess->params;
	const struct iscsi_pdu *pdu = &conn->pdu;
	uint32_t most = (uint32_t)num_min(params->first_burst, pdu->scsi.expected_bytes);

	if (pdu->data_bytes && (!pdu->scsi.write || !params->immediate_data))
		return 1 + SCSI_IS_UNEXPECTED_DATA;
	if (!pdu->final && params->initial_r2t)
		return 1 + SCSI_IS_UNEXPECTED_DATA;
	if (pdu->data_bytes > most)
		return 1 + SCSI_IS_NOT_ENOUGH_DATA;
	return 0;
}

static bool begin_scsi(struct iscsi_conn *conn, struct iscsi_task *task, const uint8_t *more,
		       uint8_t *data)
{
	struct iscsi_ahs ahs;
	enum iscsi_fault fault = iscsi_pdu_ahs_get(more, conn->pdu.ahs_bytes, &ahs);

	if (fault) {
		iscsi_ffp_refuse(conn, fault);
		return true;
	}
	iscsi_scsi_fill(task, conn->pdu.scsi.cdb, &ahs);
	task->broken = check_unsolicited(conn);
	if (!conn->pdu.scsi.write || task->broken)
		return true;
	if (iscsi_dataout_begin(task, conn->inbox.buf, data, &conn->sink_from) ==
	    ISCSI_PLACE_WAIT) {
		if (conn->pdu.immediate)
			reject_at_end(conn, ISCSI_REJECT_TOO_MANY_IMMEDIATE);
		return conn->pdu.immediate;
	}
	if (conn->pdu.data_bytes)
		conn->sink = &task->piece;
	return true;
}

static void start_scsi(struct iscsi_task *task)
{
	iscsi_scsi_start(task);
}

/* ---- Data-Out -------------------------------------------------------------- */

static bool begin_data_out(struct iscsi_conn *conn)
{
	struct iscsi_task *task = iscsi_task_find(conn->sess, conn->pdu.itt);

	conn->into = NULL;
	conn->place = ISCSI_PLACE_DROP;
	if (!task || !task->is_scsi || !task->pdu.scsi.write)
		return true; /* of a task that has ended: skip it (4.2.3.3) */
	conn->into = task;
	conn->place = (uint8_t)iscsi_dataout_place(task, &conn->pdu, &conn->sink_from);
	if (conn->place == ISCSI_PLACE_OK && conn->pdu.data_bytes)
		conn->sink = &task->piece;
	return true;
}

/* 7.8, 7.9, 11.4.7.2: what the initiator gets for data that breaks the rules. */
static void data_out_broken(struct iscsi_conn *conn, struct iscsi_task *task)
{
	switch ((enum iscsi_place)conn->place) {
	case ISCSI_PLACE_BAD_FIELD:
		iscsi_out_reject(conn, ISCSI_REJECT_BAD_FIELD, conn->bhs);
		return;
	case ISCSI_PLACE_OUT_OF_ORDER:
		iscsi_out_reject(conn, ISCSI_REJECT_PROTOCOL, conn->bhs);
		iscsi_scsi_fail(task, SCSI_IS_CRC_ERROR);
		return;
	case ISCSI_PLACE_TOO_MUCH:
	case ISCSI_PLACE_TOO_LITTLE:
		iscsi_out_reject(conn, ISCSI_REJECT_PROTOCOL, conn->bhs);
		iscsi_scsi_fail(task, conn->pdu.dout.ttt == ISCSI_NO_TAG ? SCSI_IS_UNEXPECTED_DATA
									 : SCSI_IS_NOT_ENOUGH_DATA);
		return;
	case ISCSI_PLACE_OK:
	case ISCSI_PLACE_WAIT:
	case ISCSI_PLACE_DROP:
		return;
	}
}

static void end_data_out(struct iscsi_conn *conn, bool good)
{
	struct iscsi_task *task = conn->into;

	if (!good) {
		iscsi_count(conn->home, ISCSI_COUNT_digest_errors, 1);
		iscsi_out_reject(conn, ISCSI_REJECT_DATA_DIGEST, conn->bhs);
	}
	if (!task) {
		iscsi_count(conn->home, ISCSI_COUNT_dropped, 1);
		return;
	}
	data_out_broken(conn, task);
	/* the first of the two may have ended the task */
	task = iscsi_task_find(conn->sess, conn->pdu.itt);
	if (task && conn->place != ISCSI_PLACE_BAD_FIELD)
		iscsi_scsi_data(task, &conn->pdu, (enum iscsi_place)conn->place, good);
}

/* ---- NOP-Out, Logout, task management, text -------------------------------- */

/* 11.18: an answer to our ping has no task tag and wants no answer. */
static void start_nop(struct iscsi_task *task)
{
	struct iscsi_conn *conn = task->conn;
	struct iscsi_out *out;
	struct iscsi_nop_in nop = { .lun = task->pdu.lun,
				    .itt = task->pdu.itt,
				    .ttt = ISCSI_NO_TAG };

	if (task->pdu.itt == ISCSI_NO_TAG) {
		if (task->pdu.nop.ttt == conn->ping_ttt)
			conn->ping_ttt = ISCSI_NO_TAG;
		iscsi_loan_answered(conn, task->pdu.nop.ttt);
		iscsi_task_end(&task);
		return;
	}
	out = iscsi_out_take(conn);
	if (out) {
		nop.data_bytes = (uint32_t)num_min(task->pdu.data_bytes, conn->params.send_max);
		out->data_bytes = nop.data_bytes;
		gw_mem_move(&out->data, &task->data);
		iscsi_pdu_nop_in_put(out->head, &nop);
		iscsi_out_queue(conn, out);
	}
	iscsi_task_end(&task);
}

/* 11.15: with one connection per session its end is the session's. */
static enum iscsi_logout_answer logout_answer(const struct iscsi_task *task)
{
	const struct iscsi_conn *conn = task->conn;

	switch (task->pdu.logout.reason) {
	case ISCSI_LOGOUT_SESSION:
		return ISCSI_LOGOUT_CLOSED;
	case ISCSI_LOGOUT_CONNECTION:
		return task->pdu.logout.cid == conn->cid ? ISCSI_LOGOUT_CLOSED
							 : ISCSI_LOGOUT_NO_CID;
	default:
		return ISCSI_LOGOUT_NO_RECOVERY;
	}
}

static void answer_logout(struct iscsi_task *task)
{
	struct iscsi_conn *conn = task->conn;
	struct iscsi_out *out = iscsi_out_take(conn);
	struct iscsi_logout_response response = { .answer = (uint8_t)logout_answer(task),
						  .itt = task->pdu.itt };

	if (out) {
		iscsi_pdu_logout_response_put(out->head, &response);
		out->closes = response.answer == ISCSI_LOGOUT_CLOSED;
		if (out->closes)
			conn->expect = ISCSI_EXPECT_NOTHING;
		conn->logged_out |= out->closes;
		iscsi_out_queue(conn, out);
	}
	iscsi_task_end(&task);
}

static void wait_to_log_out(struct iscsi_task *task)
{
	task->sess->logout = task;
	iscsi_loan_moot(task->conn);
}

/* In order it is the last: those before it are answered first. */
static void start_logout(struct iscsi_task *task)
{
	loop_defer(task->conn->home->loop, &task->conn->task);
	if (!task->pdu.immediate && logout_answer(task) == ISCSI_LOGOUT_CLOSED)
		wait_to_log_out(task);
	else
		answer_logout(task);
}

void iscsi_ffp_look(struct iscsi_conn *conn)
{
	struct iscsi_sess *sess = conn->sess;

	if (sess->logout && sess->n_tasks == 1 && !conn->dead)
		answer_logout(sess->logout);
}

/* ---- the table ------------------------------------------------------------- */

static const struct row rows[ISCSI_OP_NUMBERS] = {
	[ISCSI_OP_NOP_OUT] = { true, false, begin_plain, start_nop },
	[ISCSI_OP_SCSI_COMMAND] = { true, false, begin_scsi, start_scsi },
	[ISCSI_OP_TMF] = { true, false, begin_plain, iscsi_tmf_start },
	[ISCSI_OP_TEXT] = { true, true, begin_plain, iscsi_talk_start },
	[ISCSI_OP_LOGOUT] = { true, true, begin_plain, start_logout },
};

/* ---- the order of CmdSN ---------------------------------------------------- */

static void start(struct iscsi_task *task)
{
	if (task->sess->closing || task->sess->logout || task->conn->dead ||
	    task->conn->logged_out) {
		iscsi_task_end(&task);
		return;
	}
	if (iscsi_ripen_holds(task)) {
		task->state = ISCSI_TASK_BEHIND;
		STAILQ_INSERT_TAIL(&task->sess->behind, task, behind);
		return;
	}
	task->state = ISCSI_TASK_BEGUN;
	rows[task->pdu.opcode].start(task);
}

/* Answers how many. */
static unsigned start_kept(struct iscsi_sess *sess)
{
	struct iscsi_task *task;
	unsigned n = 0;

	for (; (task = iscsi_window_next(&sess->window)); n++) {
		task->counted = true;
		start(task);
	}
	return n;
}

static unsigned start_behind(struct iscsi_sess *sess)
{
	struct iscsi_task *task;
	unsigned n = 0;

	for (; (task = STAILQ_FIRST(&sess->behind)) && !iscsi_ripen_holds(task); n++) {
		STAILQ_REMOVE_HEAD(&sess->behind, behind);
		task->state = ISCSI_TASK_COMING;
		start(task);
	}
	return n;
}

/* Who waits looks again only if something has moved: he is told of it by this very
 * call. */
void iscsi_ffp_unblocked(struct iscsi_sess *sess)
{
	unsigned n = start_behind(sess);

	if (n + start_kept(sess))
		iscsi_ripen_look(sess);
}

/* Another one is there, or a hole was filled: ABORT TASK of what is lost. */
static void go_on(struct iscsi_sess *sess)
{
	start_kept(sess);
	iscsi_ripen_look(sess);
}

static void in_turn(struct iscsi_task *task)
{
	struct iscsi_sess *sess = task->sess;

	if (task->pdu.immediate) {
		start(task);
		go_on(sess);
		return;
	}
	switch (iscsi_window_take(&sess->window, task->pdu.cmdsn, task)) {
	case ISCSI_WINDOW_NOW:
		task->counted = true;
		start(task);
		go_on(sess);
		return;
	case ISCSI_WINDOW_KEPT:
		task->state = ISCSI_TASK_KEPT;
		return;
	case ISCSI_WINDOW_TWICE:
	case ISCSI_WINDOW_OUTSIDE:
		iscsi_count(sess->home, ISCSI_COUNT_dropped, 1);
		iscsi_task_end(&task);
		return;
	}
}

/* ---- a request ------------------------------------------------------------- */

/* Why this request cannot even wait for its turn; 0: it can. */
static uint16_t check_request(const struct iscsi_conn *conn, const struct row *row)
{
	const struct iscsi_sess *sess = conn->sess;

	if (sess->discovery && !row->discovery)
		return 1 + ISCSI_REJECT_PROTOCOL;
	if (conn->pdu.immediate && sess->immediate >= ISCSI_IMMEDIATE_MAX)
		return 1 + ISCSI_REJECT_TOO_MANY_IMMEDIATE;
	if (conn->pdu.itt != ISCSI_NO_TAG && iscsi_task_find(sess, conn->pdu.itt))
		return 1 + ISCSI_REJECT_IN_PROGRESS;
	return 0;
}

static bool begin_request(struct iscsi_conn *conn, const struct row *row, const uint8_t *more,
			  uint8_t *data)
{
	struct iscsi_task *task;

	conn->reject = check_request(conn, row);
	if (conn->reject)
		return true;
	task = iscsi_task_begin(conn, &conn->pdu);
	if (!task) {
		iscsi_doom(conn, "no memory for a request");
		return true;
	}
	memcpy(task->bhs, conn->bhs, sizeof(task->bhs));
	if (!row->begin(conn, task, more, data)) {
		iscsi_task_end(&task);
		return false;
	}
	if (conn->pdu.itt != ISCSI_NO_TAG)
		iscsi_task_name(task);
	conn->into = task;
	return true;
}

/* Within the window, or it would not be looked at: its data is skipped. */
static bool is_welcome(const struct iscsi_conn *conn)
{
	return conn->pdu.immediate || iscsi_window_open_for(&conn->sess->window, conn->pdu.cmdsn);
}

bool iscsi_ffp_begin(struct iscsi_conn *conn, const uint8_t *more, uint8_t *data)
{
	const struct row *row = &rows[conn->pdu.opcode];

	conn->into = NULL;
	conn->sink = NULL;
	conn->sink_from = 0;
	conn->reject = 0;
	conn->place = ISCSI_PLACE_OK;
	iscsi_loan_acknowledged(conn, conn->pdu.exp_statsn);
	if (conn->pdu.opcode == ISCSI_OP_DATA_OUT)
		return begin_data_out(conn);
	if (!row->known) {
		reject_at_end(conn, ISCSI_REJECT_PROTOCOL);
		return true;
	}
	if (!is_welcome(conn))
		return true;
	return begin_request(conn, row, more, data);
}

void iscsi_ffp_refuse(struct iscsi_conn *conn, enum iscsi_fault fault)
{
	const struct iscsi_fault_row *row = iscsi_pdu_fault(fault);

	if (row->way == ISCSI_FAULT_WAY_REJECT)
		reject_at_end(conn, row->reason);
	else
		iscsi_offend(conn, row->words);
}

static void end_request(struct iscsi_conn *conn, struct iscsi_task *task, bool good)
{
	/* 7.8: as if it had never come; its CmdSN is still to come (7.3) */
	if (!good) {
		iscsi_count(conn->home, ISCSI_COUNT_digest_errors, 1);
		iscsi_out_reject(conn, ISCSI_REJECT_DATA_DIGEST, conn->bhs);
		iscsi_task_end(&task);
		return;
	}
	if (task->is_scsi && task->pdu.scsi.write && !task->broken)
		iscsi_scsi_data(task, &conn->pdu, ISCSI_PLACE_OK, true);
	in_turn(task);
}

void iscsi_ffp_end(struct iscsi_conn *conn, bool good)
{
	struct iscsi_task *task = conn->into;

	iscsi_count(conn->home, ISCSI_COUNT_requests, 1);
	conn->sess->requests++;
	conn->sink = NULL;
	if (conn->reject) {
		if (task)
			iscsi_task_end(&task);
		conn->into = NULL;
		iscsi_out_reject(conn, (enum iscsi_reject)(conn->reject - 1), conn->bhs);
		return;
	}
	if (conn->pdu.opcode == ISCSI_OP_DATA_OUT)
		end_data_out(conn, good);
	else if (task)
		end_request(conn, task, good);
	else
		iscsi_count(conn->home, ISCSI_COUNT_dropped, 1);
	conn->into = NULL;
}
