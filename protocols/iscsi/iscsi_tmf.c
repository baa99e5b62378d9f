/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_tmf.c - task management requests.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_tmf.h"

#include "gateway/api/reset.h"
#include "gateway/base/bytes.h"
#include "gateway/base/table.h"
#include "protocols/iscsi/iscsi_out.h"
#include "protocols/iscsi/iscsi_ripen.h"
#include "protocols/iscsi/iscsi_sn.h"
#include "protocols/iscsi/iscsi_task.h"

/* How far a function reaches beyond the tasks that SCSI knows of. */
enum reach { ONE_TASK, ONE_UNIT, ALL_UNITS };

struct function {
	bool known;
	uint8_t level; /* iSCSIProtocolLevel from which on it exists */
	enum scsi_tmf_kind kind;
	enum reach reach;
	bool resets; /* the whole target */
	bool drops; /* the connection ends with the answer */
};

/* 11.5.1; RFC 7144 6.1 */
static const struct function functions[] = {
	[ISCSI_TMF_ABORT_TASK] = { true, 0, SCSI_TMF_ABORT_TASK, ONE_TASK, false, false },
	[ISCSI_TMF_ABORT_TASK_SET] = { true, 0, SCSI_TMF_ABORT_TASK_SET, ONE_UNIT, false, false },
	[ISCSI_TMF_CLEAR_ACA] = { true, 0, SCSI_TMF_CLEAR_ACA, ONE_UNIT, false, false },
	[ISCSI_TMF_CLEAR_TASK_SET] = { true, 0, SCSI_TMF_CLEAR_TASK_SET, ONE_UNIT, false, false },
	[ISCSI_TMF_LUN_RESET] = { true, 0, SCSI_TMF_LOGICAL_UNIT_RESET, ONE_UNIT, false, false },
	[ISCSI_TMF_TARGET_WARM_RESET] = { true, 0, SCSI_TMF_I_T_NEXUS_RESET, ALL_UNITS, true,
					  false },
	[ISCSI_TMF_TARGET_COLD_RESET] = { true, 0, SCSI_TMF_I_T_NEXUS_RESET, ALL_UNITS, true,
					  true },
	[ISCSI_TMF_QUERY_TASK] = { true, 2, SCSI_TMF_QUERY_TASK, ONE_TASK, false, false },
	[ISCSI_TMF_QUERY_TASK_SET] = { true, 2, SCSI_TMF_QUERY_TASK_SET, ONE_UNIT, false, false },
	[ISCSI_TMF_I_T_NEXUS_RESET] = { true, 2, SCSI_TMF_I_T_NEXUS_RESET, ALL_UNITS, false,
					false },
	[ISCSI_TMF_QUERY_ASYNC_EVENT] = { true, 2, SCSI_TMF_QUERY_ASYNC_EVENT, ONE_UNIT, false,
					  false },
};

static const struct function *function_of(const struct iscsi_task *task)
{
	unsigned number = task->pdu.tmf.function;

	if (number >= TABLE_LEN(functions) || !functions[number].known ||
	    functions[number].level > task->sess->params.protocol_level)
		return NULL;
	return &functions[number];
}

/* ---- the answer ------------------------------------------------------------ */

static void answer(struct iscsi_task *task, enum iscsi_tmf_answer verdict)
{
	const struct function *function = function_of(task);
	struct iscsi_out *out = iscsi_out_take(task->conn);
	struct iscsi_tmf_response response = {
		.answer = (uint8_t)verdict,
		.itt = task->pdu.itt,
		.additional = task->managing ? be24_get(task->tmf.information) : 0,
	};

	if (out) {
		iscsi_pdu_tmf_response_put(out->head, &response);
		out->closes = function && function->drops && verdict == ISCSI_TMF_COMPLETE;
		task->sess->cold |= out->closes;
		iscsi_out_queue(task->conn, out);
	}
	iscsi_task_end(&task);
}

static enum iscsi_tmf_answer verdict_of(enum scsi_tmf_answer answered)
{
	static const uint8_t verdicts[] = {
		[SCSI_TMF_COMPLETE] = ISCSI_TMF_COMPLETE,
		[SCSI_TMF_SUCCEEDED] = ISCSI_TMF_SUCCEEDED,
		[SCSI_TMF_NO_LUN] = ISCSI_TMF_NO_LUN,
		[SCSI_TMF_NO_TASK] = ISCSI_TMF_NO_TASK,
		[SCSI_TMF_REJECTED] = ISCSI_TMF_NOT_SUPPORTED,
	};

	return (enum iscsi_tmf_answer)verdicts[answered];
}

/* Nobody hears that a reset is done before all others have heard of it. */
static void answer_when_told(struct iscsi_task *task)
{
	struct scsi_nexus *nexus = task->sess->scsi;
	struct scsi_unit *unit;

	while ((unit = scsi_nexus_nth(nexus, task->told_units++))) {
		struct gw_itl *itl = scsi_unit_itl(unit);

		if (itl && gw_itl_reset_wait(itl, &task->told))
			return;
	}
	answer(task, verdict_of(task->tmf.answer));
}

static void told(struct gw_reset_waiter *waiter)
{
	answer_when_told((struct iscsi_task *)((char *)waiter - offsetof(struct iscsi_task, told)));
}

static void ended(struct scsi_tmf *tmf)
{
	struct iscsi_task *task = tmf->owner;

	task->told.told = told;
	answer_when_told(task);
}

/* ---- tasks that the command set has not seen yet, or does not know any more -- */

/* Whether this kept command came before the request, in the order of CmdSN. */
static bool is_kept_before(const struct iscsi_task *kept, const struct iscsi_task *task)
{
	return kept->is_scsi && kept->state == ISCSI_TASK_KEPT &&
	       iscsi_sn_lt(kept->pdu.cmdsn, task->pdu.cmdsn);
}

static void drop_kept(struct iscsi_task *kept)
{
	struct iscsi_window *window = &kept->sess->window;

	iscsi_window_forget(window, kept->pdu.cmdsn);
	iscsi_window_plug(window, kept->pdu.cmdsn);
	iscsi_count(kept->sess->home, ISCSI_COUNT_aborted, 1);
	iscsi_task_end(&kept);
}

/* Its answer waited for data, or it for another function: not any more. */
static void drop_ended(struct iscsi_task *ended)
{
	iscsi_count(ended->sess->home, ISCSI_COUNT_aborted, 1);
	iscsi_task_end(&ended);
}

static bool is_behind_before(const struct iscsi_task *behind, const struct iscsi_task *task)
{
	return behind->is_scsi && behind->state == ISCSI_TASK_BEHIND &&
	       iscsi_sn_lt(behind->pdu.cmdsn, task->pdu.cmdsn);
}

static void drop_all(struct iscsi_task *task, enum reach reach)
{
	struct iscsi_task *other, *next;

	for (other = LIST_FIRST(&task->sess->tasks); other; other = next) {
		next = LIST_NEXT(other, link);
		if (reach != ALL_UNITS && other->pdu.lun != task->pdu.lun)
			continue;
		if (is_kept_before(other, task))
			drop_kept(other);
		else if ((other->is_scsi && other->state == ISCSI_TASK_ENDED) ||
			 is_behind_before(other, task))
			drop_ended(other);
	}
}

/* 11.6.1: no task has this tag; the command may be lost on its way. */
static enum iscsi_tmf_answer abort_unknown(struct iscsi_task *task)
{
	struct iscsi_window *window = &task->sess->window;
	uint32_t cmdsn = task->pdu.tmf.ref_cmdsn;

	if (!iscsi_window_open_for(window, cmdsn) || !iscsi_sn_lt(cmdsn, task->pdu.cmdsn))
		return ISCSI_TMF_NO_TASK;
	iscsi_window_plug(window, cmdsn);
	return ISCSI_TMF_COMPLETE;
}

/* True: it is done; *verdict says how. */
static bool abort_here(struct iscsi_task *task, enum iscsi_tmf_answer *verdict)
{
	struct iscsi_task *other = iscsi_task_find(task->sess, task->pdu.tmf.ref_itt);

	*verdict = ISCSI_TMF_COMPLETE;
	if (!other) {
		*verdict = abort_unknown(task);
		return true;
	}
	if (!other->is_scsi || other->pdu.lun != task->pdu.lun) {
		*verdict = ISCSI_TMF_NO_TASK;
		return true;
	}
	if (other->state == ISCSI_TASK_KEPT) {
		drop_kept(other);
		return true;
	}
	if (other->state == ISCSI_TASK_ENDED || other->state == ISCSI_TASK_BEHIND) {
		drop_ended(other);
		return true;
	}
	return false;
}

/* ---- the request ----------------------------------------------------------- */

/* A reset of the target is one of each unit for the others (SAM-5 6.3.2); that of a
 * unit the command set tells by itself. */
static void reset_others(struct iscsi_task *task)
{
	struct scsi_unit *unit;

	for (unsigned i = 0; (unit = scsi_nexus_nth(task->sess->scsi, i)); i++)
		if (scsi_unit_itl(unit))
			gw_itl_reset(scsi_unit_itl(unit));
}

static bool ends_many(const struct function *function)
{
	return function->reach != ONE_TASK && function->kind < SCSI_TMF_QUERY_TASK &&
	       function->kind != SCSI_TMF_CLEAR_ACA;
}

/* 4.2.3.3 c: what had to come has come, or will not come any more. */
static void act(struct iscsi_task *task)
{
	const struct function *function = function_of(task);

	task->tmf = (struct scsi_tmf){
		.kind = function->kind,
		.tag = task->pdu.tmf.ref_itt,
		.done = ended,
		.owner = task,
	};
	be64_put(task->tmf.lun, task->pdu.lun);
	task->managing = true;
	if (ends_many(function)) {
		iscsi_ripen_plug(task);
		drop_all(task, function->reach);
	}
	if (function->resets)
		reset_others(task);
	scsi_tmf_start(task->sess->scsi, &task->tmf);
}

void iscsi_tmf_start(struct iscsi_task *task)
{
	const struct function *function = function_of(task);
	enum iscsi_tmf_answer verdict;

	iscsi_count(task->sess->home, ISCSI_COUNT_managed, 1);
	if (!function) {
		answer(task, task->pdu.tmf.function == ISCSI_TMF_TASK_REASSIGN
				     ? ISCSI_TMF_NO_REASSIGN
				     : ISCSI_TMF_NOT_SUPPORTED);
		return;
	}
	if (function->kind == SCSI_TMF_ABORT_TASK && abort_here(task, &verdict)) {
		answer(task, verdict);
		return;
	}
	task->state = ISCSI_TASK_BEGUN;
	if (!ends_many(function) || !iscsi_ripen_wait(task, function->reach == ALL_UNITS, act))
		act(task);
}

void iscsi_tmf_leave(struct iscsi_task *task)
{
	if (!task->managing)
		return;
	gw_itl_reset_unwait(&task->told);
	scsi_tmf_leave(&task->tmf);
}
