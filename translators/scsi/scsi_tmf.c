/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_tmf.c - see scsi_tmf.h.
 */
#include "config.h"

#include "translators/scsi/scsi_tmf.h"

#include <string.h>

#include "gateway/api/reset.h"
#include "gateway/base/bytes.h"
#include "gateway/base/table.h"
#include "translators/scsi/scsi_abort.h"
#include "translators/scsi/scsi_ua.h"

static void unlink_tmf(struct scsi_tmf *tmf)
{
	struct scsi_nexus *nexus = tmf->nexus;

	if (!tmf->linked)
		return;
	tmf->linked = false;
	TAILQ_REMOVE(&nexus->tmfs, tmf, link);
	if (TAILQ_EMPTY(&nexus->tmfs))
		nexus->ended = NULL;
}

static void finish(struct scsi_tmf *tmf, enum scsi_tmf_answer answer)
{
	unlink_tmf(tmf);
	tmf->answer = answer;
	tmf->done(tmf);
}

/* Looked for anew each time: done() may start or leave others. */
static struct scsi_tmf *first_complete(const struct scsi_nexus *nexus)
{
	struct scsi_tmf *tmf;

	TAILQ_FOREACH (tmf, &nexus->tmfs, link)
		if (!tmf->pending)
			return tmf;
	return NULL;
}

static void task_ended(struct scsi_unit *unit, uint64_t number)
{
	struct scsi_nexus *nexus = unit->nexus;
	struct scsi_tmf *tmf;

	TAILQ_FOREACH (tmf, &nexus->tmfs, link)
		if ((!tmf->unit || tmf->unit == unit) && number <= tmf->until &&
		    (!tmf->only || tmf->only == number))
			tmf->pending--;
	while ((tmf = first_complete(nexus)))
		finish(tmf, SCSI_TMF_COMPLETE);
}

/* Waits for so many ends; one more is its own, given back by settle(): aborted
 * tasks may end at once. */
static void wait_for(struct scsi_tmf *tmf, struct scsi_unit *unit, uint64_t only, unsigned n)
{
	struct scsi_nexus *nexus = tmf->nexus;

	tmf->unit = unit;
	tmf->only = only;
	tmf->until = nexus->last_number;
	tmf->pending = n + 1;
	tmf->linked = true;
	TAILQ_INSERT_TAIL(&nexus->tmfs, tmf, link);
	nexus->ended = task_ended;
}

static void settle(struct scsi_tmf *tmf)
{
	if (!--tmf->pending)
		finish(tmf, SCSI_TMF_COMPLETE);
}

static struct scsi_task *find(const struct scsi_tmf *tmf, const struct scsi_unit *unit)
{
	struct scsi_task *task;

	TAILQ_FOREACH (task, &unit->tasks, link)
		if (task->tag == tmf->tag)
			return task;
	return NULL;
}

/* ---- one function for each kind ------------------------------------------ */

static void abort_task(struct scsi_tmf *tmf, struct scsi_unit *unit)
{
	struct scsi_task *task = find(tmf, unit);

	if (!task) {
		finish(tmf, SCSI_TMF_NO_TASK);
		return;
	}
	wait_for(tmf, unit, task->number, 1);
	scsi_task_abort(task);
	settle(tmf);
}

/* Task sets are one per nexus, so that ABORT and CLEAR TASK SET are the same. */
static void abort_set(struct scsi_tmf *tmf, struct scsi_unit *unit)
{
	wait_for(tmf, unit, 0, scsi_abort_count(unit, UINT64_MAX));
	scsi_abort_all(unit, tmf->until);
	settle(tmf);
}

static void complete(struct scsi_tmf *tmf, struct scsi_unit *unit)
{
	(void)unit;
	finish(tmf, SCSI_TMF_COMPLETE);
}

/* SAM-5 6.3.3.  The mode pages are the default ones again; the other nexuses are
 * told by the core (GW_EVENT_RESET), each on its own loop. */
static void reset_unit(struct scsi_tmf *tmf, struct scsi_unit *unit)
{
	gw_itl_reset(unit->itl);
	unit->d_sense = false;
	scsi_ua_raise(unit, SCSI_UA_DEVICE_RESET);
	abort_set(tmf, unit);
}

/* SAM-5 7.6, 6.3.4 */
static void reset_nexus(struct scsi_tmf *tmf, struct scsi_unit *unused)
{
	struct scsi_nexus *nexus = tmf->nexus;
	unsigned n = scsi_abort_count(&nexus->nowhere, UINT64_MAX);

	(void)unused;
	for (unsigned i = 0; i < nexus->n_units; i++)
		n += scsi_abort_count(&nexus->unit[i], UINT64_MAX);
	wait_for(tmf, NULL, 0, n);
	scsi_nexus_attention(nexus, SCSI_UA_NEXUS_LOSS);
	scsi_abort_all(&nexus->nowhere, tmf->until);
	for (unsigned i = 0; i < nexus->n_units; i++)
		scsi_abort_all(&nexus->unit[i], tmf->until);
	settle(tmf);
}

static void query_task(struct scsi_tmf *tmf, struct scsi_unit *unit)
{
	finish(tmf, find(tmf, unit) ? SCSI_TMF_SUCCEEDED : SCSI_TMF_COMPLETE);
}

static void query_set(struct scsi_tmf *tmf, struct scsi_unit *unit)
{
	finish(tmf, unit->n_tasks ? SCSI_TMF_SUCCEEDED : SCSI_TMF_COMPLETE);
}

/* SAM-5 7.9: how many wait (one, or more), and what the first of them is. */
static void query_event(struct scsi_tmf *tmf, struct scsi_unit *unit)
{
	enum { ONE = 0x10, MORE = 0x20 };
	int attention = scsi_ua_first(unit);

	if (attention < 0) {
		finish(tmf, SCSI_TMF_COMPLETE);
		return;
	}
	tmf->information[0] = (uint8_t)((unit->attentions & (unit->attentions - 1) ? MORE : ONE) |
					scsi_sense_key(attention));
	be16_put(tmf->information + 1, scsi_sense_code(attention));
	finish(tmf, SCSI_TMF_SUCCEEDED);
}

static void (*const functions[SCSI_TMF_COUNT])(struct scsi_tmf *tmf, struct scsi_unit *unit) = {
	[SCSI_TMF_ABORT_TASK] = abort_task,	  [SCSI_TMF_ABORT_TASK_SET] = abort_set,
	[SCSI_TMF_CLEAR_ACA] = complete,	  [SCSI_TMF_CLEAR_TASK_SET] = abort_set,
	[SCSI_TMF_I_T_NEXUS_RESET] = reset_nexus, [SCSI_TMF_LOGICAL_UNIT_RESET] = reset_unit,
	[SCSI_TMF_QUERY_TASK] = query_task,	  [SCSI_TMF_QUERY_ASYNC_EVENT] = query_event,
	[SCSI_TMF_QUERY_TASK_SET] = query_set,
};

void scsi_tmf_start(struct scsi_nexus *nexus, struct scsi_tmf *tmf)
{
	struct scsi_unit *unit = NULL;

	tmf->nexus = nexus;
	tmf->linked = false;
	memset(tmf->information, 0, sizeof(tmf->information));
	if ((unsigned)tmf->kind >= TABLE_LEN(functions)) {
		finish(tmf, SCSI_TMF_REJECTED);
		return;
	}
	if (tmf->kind != SCSI_TMF_I_T_NEXUS_RESET) {
		unit = scsi_nexus_unit(nexus, tmf->lun);
		if (!unit || !scsi_unit_exists(unit)) {
			finish(tmf, SCSI_TMF_NO_LUN);
			return;
		}
	}
	functions[tmf->kind](tmf, unit);
}

void scsi_tmf_leave(struct scsi_tmf *tmf)
{
	unlink_tmf(tmf);
}
