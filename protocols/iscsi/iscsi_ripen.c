/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_ripen.c - functions that wait.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_ripen.h"

#include "protocols/iscsi/iscsi_sn.h"

static bool is_about(const struct iscsi_task *tmf, const struct iscsi_task *task)
{
	return task->is_scsi && task->state == ISCSI_TASK_BEGUN &&
	       (tmf->all_units || task->pdu.lun == tmf->pdu.lun);
}

/* In the order of CmdSN it is there already, or nothing is waited for. */
static bool lacks_commands(const struct iscsi_task *tmf)
{
	return tmf->pdu.immediate && !tmf->all_units &&
	       iscsi_sn_lt(tmf->sess->window.exp_cmdsn, tmf->pdu.cmdsn);
}

static bool lacks_data(const struct iscsi_task *tmf)
{
	const struct iscsi_task *task;

	LIST_FOREACH (task, &tmf->sess->tasks, link)
		if (is_about(tmf, task) && task->n_r2t)
			return true;
	return false;
}

static void condemn(struct iscsi_task *tmf)
{
	struct iscsi_task *task;

	LIST_FOREACH (task, &tmf->sess->tasks, link)
		if (is_about(tmf, task))
			task->condemned = true;
}

static bool is_ripe(const struct iscsi_task *tmf, struct instant now)
{
	return !instant_before(now, tmf->ripe_by) || (!lacks_commands(tmf) && !lacks_data(tmf));
}

static struct iscsi_task *find_ripe(const struct iscsi_sess *sess, struct instant now)
{
	struct iscsi_task *tmf;

	TAILQ_FOREACH (tmf, &sess->ripening, ripening)
		if (is_ripe(tmf, now))
			return tmf;
	return NULL;
}

static void look(struct loop_task *task)
{
	struct iscsi_sess *sess =
		(struct iscsi_sess *)((char *)task - offsetof(struct iscsi_sess, ripen));
	struct instant now = loop_now(sess->home->loop);
	struct iscsi_task *tmf;

	while (!sess->closing && (tmf = find_ripe(sess, now))) {
		TAILQ_REMOVE(&sess->ripening, tmf, ripening);
		tmf->ripens = false;
		tmf->ripe(tmf);
	}
	sess->unblocked(sess);
}

static void out_of_patience(struct loop_timer *timer)
{
	struct iscsi_sess *sess =
		(struct iscsi_sess *)((char *)timer - offsetof(struct iscsi_sess, ripe_timer));
	struct iscsi_task *tmf;
	struct instant next = INSTANT_NEVER;

	loop_defer(sess->home->loop, &sess->ripen);
	TAILQ_FOREACH (tmf, &sess->ripening, ripening)
		if (instant_before(loop_now(sess->home->loop), tmf->ripe_by) &&
		    instant_before(tmf->ripe_by, next))
			next = tmf->ripe_by;
	if (instant_before(next, INSTANT_NEVER))
		loop_timer_arm(sess->home->loop, timer, next);
}

void iscsi_ripen_init(struct iscsi_sess *sess, void (*unblocked)(struct iscsi_sess *sess))
{
	TAILQ_INIT(&sess->ripening);
	STAILQ_INIT(&sess->behind);
	sess->unblocked = unblocked;
	sess->ripen.run = look;
	loop_timer_init(&sess->ripe_timer, out_of_patience);
}

void iscsi_ripen_end(struct iscsi_sess *sess)
{
	loop_timer_disarm(sess->home->loop, &sess->ripe_timer);
	loop_defer_cancel(sess->home->loop, &sess->ripen);
}

bool iscsi_ripen_wait(struct iscsi_task *tmf, bool all, void (*ripe)(struct iscsi_task *tmf))
{
	struct iscsi_sess *sess = tmf->sess;
	struct loop *loop = sess->home->loop;

	tmf->all_units = all;
	if (all)
		iscsi_ripen_plug(tmf);
	if (!lacks_commands(tmf) && !lacks_data(tmf))
		return false;
	condemn(tmf);
	tmf->ripe = ripe;
	tmf->ripens = true;
	tmf->ripe_by = instant_add(loop_now(loop), span_s(ISCSI_RIPEN_S));
	TAILQ_INSERT_TAIL(&sess->ripening, tmf, ripening);
	if (!loop_timer_armed(&sess->ripe_timer))
		loop_timer_arm(loop, &sess->ripe_timer, tmf->ripe_by);
	return true;
}

bool iscsi_ripen_holds(const struct iscsi_task *task)
{
	const struct iscsi_task *tmf;

	if (task->pdu.immediate || (!task->is_scsi && task->pdu.opcode != ISCSI_OP_TMF))
		return false;
	TAILQ_FOREACH (tmf, &task->sess->ripening, ripening)
		if (!iscsi_sn_lt(task->pdu.cmdsn, tmf->pdu.cmdsn))
			return true;
	return false;
}

void iscsi_ripen_plug(struct iscsi_task *tmf)
{
	struct iscsi_window *window = &tmf->sess->window;

	if (!tmf->pdu.immediate)
		return;
	for (uint32_t sn = window->exp_cmdsn; iscsi_sn_lt(sn, tmf->pdu.cmdsn); sn++)
		if (iscsi_window_plug(window, sn) == ISCSI_WINDOW_OUTSIDE)
			return;
}
