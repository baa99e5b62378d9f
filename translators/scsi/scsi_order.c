/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_order.c - see scsi_order.h.
 */
#include "config.h"

#include "translators/scsi/scsi_order.h"

int scsi_order_turn(uint8_t attr)
{
	static const int8_t turns[] = {
		[SCSI_UNTAGGED] = SCSI_TURN_SIMPLE,
		[SCSI_SIMPLE] = SCSI_TURN_SIMPLE,
		[SCSI_ORDERED] = SCSI_TURN_ORDERED,
		[SCSI_HEAD_OF_QUEUE] = SCSI_TURN_HEAD,
		[SCSI_ACA] = -1, /* NORMACA 0: there is no ACA (SAM-5 8.9.5) */
	};

	return attr < sizeof(turns) ? turns[attr] : -1;
}

/* Data-in that was lent may still change, and this unit has something to change. */
static bool is_unsettled(const struct scsi_unit *unit)
{
	return unit->itl && unit->nexus->n_unsettled;
}

static bool may_run(const struct scsi_unit *unit, const struct scsi_task *task)
{
	if (task->order == SCSI_TURN_ORDERED)
		return !unit->n_active && !is_unsettled(unit);
	return !unit->n_head && !unit->n_ordered_active;
}

/* Does only what may still change hold up the first one? */
static void look_at_first(const struct scsi_unit *unit)
{
	const struct scsi_task *task = TAILQ_FIRST(&unit->waiting);
	struct scsi_nexus *nexus = unit->nexus;

	if (!task || task->order != SCSI_TURN_ORDERED || unit->n_active || !is_unsettled(unit))
		return;
	nexus->wants_settled = true;
	if (nexus->ops->settle)
		nexus->ops->settle(nexus, nexus->owner);
}

static void activate(struct scsi_unit *unit, const struct scsi_task *task)
{
	unit->n_active++;
	unit->n_head += task->order == SCSI_TURN_HEAD;
	unit->n_ordered_active += task->order == SCSI_TURN_ORDERED;
}

bool scsi_order_enter(struct scsi_task *task)
{
	struct scsi_unit *unit = task->unit;

	if (task->order == SCSI_TURN_FREE)
		return true;
	if (task->order == SCSI_TURN_HEAD || (TAILQ_EMPTY(&unit->waiting) && may_run(unit, task))) {
		activate(unit, task);
		return true;
	}
	task->waits_turn = true;
	TAILQ_INSERT_TAIL(&unit->waiting, task, wait_link);
	look_at_first(unit);
	return false;
}

void scsi_order_leave(struct scsi_task *task)
{
	struct scsi_unit *unit = task->unit;

	if (task->order == SCSI_TURN_FREE)
		return;
	if (task->waits_turn) {
		task->waits_turn = false;
		TAILQ_REMOVE(&unit->waiting, task, wait_link);
		return;
	}
	unit->n_active--;
	unit->n_head -= task->order == SCSI_TURN_HEAD;
	unit->n_ordered_active -= task->order == SCSI_TURN_ORDERED;
}

/* One that runs may end inside, and come back here: the outer loop goes on then,
 * so that a long queue is no deep stack. */
void scsi_order_release(struct scsi_unit *unit)
{
	struct scsi_task *task;

	if (unit->releasing)
		return;
	unit->releasing = true;
	while ((task = TAILQ_FIRST(&unit->waiting)) && may_run(unit, task)) {
		TAILQ_REMOVE(&unit->waiting, task, wait_link);
		task->waits_turn = false;
		activate(unit, task);
		unit->nexus->run(task);
	}
	unit->releasing = false;
	look_at_first(unit);
}
