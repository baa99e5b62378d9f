/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_tmf.h - task management functions on the tasks of one I_T nexus (SAM-5 7).
 *
 *   transport ── scsi_tmf_start() ──▶ tasks found are aborted ── their done() ──▶
 *            ◀── scsi_tmf_ops.done() ── all of them have ended
 *
 * Task sets are one per nexus (TST 001b): nothing here touches the tasks of
 * others.  A LOGICAL UNIT RESET reaches them as an event of the volume, through
 * scsi_nexus_ops.reset, soon; done() does not wait for them: who answers waits by
 * gateway/api/reset.h.  Everything on the home loop of the nexus.
 */
#ifndef TRANSLATORS_SCSI_SCSI_TMF_H
#define TRANSLATORS_SCSI_SCSI_TMF_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "translators/scsi/scsi_unit.h"

enum scsi_tmf_kind {
	SCSI_TMF_ABORT_TASK, /* 7.2 */
	SCSI_TMF_ABORT_TASK_SET, /* 7.3 */
	SCSI_TMF_CLEAR_ACA, /* 7.4: no ACA here, so always complete */
	SCSI_TMF_CLEAR_TASK_SET, /* 7.5 */
	SCSI_TMF_I_T_NEXUS_RESET, /* 7.6: every unit of the nexus */
	SCSI_TMF_LOGICAL_UNIT_RESET, /* 7.7 */
	SCSI_TMF_QUERY_TASK, /* 7.8 */
	SCSI_TMF_QUERY_ASYNC_EVENT, /* 7.9 */
	SCSI_TMF_QUERY_TASK_SET, /* 7.10 */
	SCSI_TMF_COUNT
};

enum scsi_tmf_answer {
	SCSI_TMF_COMPLETE, /* FUNCTION COMPLETE */
	SCSI_TMF_SUCCEEDED, /* FUNCTION SUCCEEDED: QUERY found something */
	SCSI_TMF_NO_LUN, /* INCORRECT LOGICAL UNIT NUMBER */
	SCSI_TMF_NO_TASK, /* no such task: what that means the transport knows */
	SCSI_TMF_REJECTED /* not supported */
};

/* Owned by the transport until done(). */
struct scsi_tmf {
	/* ---- filled by the transport ---- */
	enum scsi_tmf_kind kind;
	uint8_t lun[8]; /* all but I_T_NEXUS_RESET */
	uint64_t tag; /* ABORT_TASK, QUERY_TASK */
	/* Once; may come from inside scsi_tmf_start(). */
	void (*done)(struct scsi_tmf *tmf);
	void *owner;

	/* ---- the result, valid in done() ---- */
	enum scsi_tmf_answer answer;
	/* QUERY_ASYNC_EVENT: 3 bytes of additional response information (7.9) */
	uint8_t information[3];

	/* ---- the translator's own ---- */
	struct scsi_nexus *nexus;
	struct scsi_unit *unit; /* null: all units */
	uint64_t only; /* number of the task it waits for; 0: all of unit */
	uint64_t until; /* number of the youngest of them */
	unsigned pending; /* tasks that have not ended */
	bool linked;
	TAILQ_ENTRY(scsi_tmf) link;
};

/* Tasks that it aborts are done() with aborted set, some from inside. */
void scsi_tmf_start(struct scsi_nexus *nexus, struct scsi_tmf *tmf);
/* The transport leaves: done() is not called any more. */
void scsi_tmf_leave(struct scsi_tmf *tmf);

#endif
