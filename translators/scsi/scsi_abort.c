/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_abort.c - see scsi_abort.h.
 */
#include "config.h"

#include "translators/scsi/scsi_abort.h"

#include "translators/scsi/scsi_order.h"

/* Looked for anew each time: done() of one may take others out of the list. */
static struct scsi_task *next(const struct scsi_unit *unit, uint64_t until)
{
	struct scsi_task *task;

	TAILQ_FOREACH (task, &unit->tasks, link)
		if (!task->aborted && task->number <= until)
			return task;
	return NULL;
}

void scsi_abort_all(struct scsi_unit *unit, uint64_t until)
{
	bool before = unit->releasing;
	struct scsi_task *task;

	unit->releasing = true;
	while ((task = next(unit, until)))
		scsi_task_abort(task);
	unit->releasing = before;
	scsi_order_release(unit); /* the younger ones */
}

unsigned scsi_abort_count(const struct scsi_unit *unit, uint64_t until)
{
	const struct scsi_task *task;
	unsigned n = 0;

	TAILQ_FOREACH (task, &unit->tasks, link)
		n += task->number <= until;
	return n;
}
