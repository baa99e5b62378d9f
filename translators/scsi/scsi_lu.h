/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_lu.h - what the files of the command set share: an I_T nexus and its
 * logical units.  Transports see scsi_unit.h only.
 *
 *   scsi_nexus ──▶ unit[0..n)  in order of LUN, each with its task set
 *        └───────▶ nowhere     where commands to other LUNs stand; it has no itl
 */
#ifndef TRANSLATORS_SCSI_SCSI_LU_H
#define TRANSLATORS_SCSI_SCSI_LU_H

#include "gateway/api/volume.h"
#include "translators/scsi/scsi_unit.h"

TAILQ_HEAD(scsi_task_list, scsi_task);
TAILQ_HEAD(scsi_tmf_list, scsi_tmf);

enum scsi_unit_state { SCSI_UNIT_JOINING, SCSI_UNIT_JOINED, SCSI_UNIT_REFUSED };

struct scsi_unit {
	struct scsi_nexus *nexus;
	struct gw_itl *itl; /* null: there is no such logical unit */
	uint16_t number;
	enum scsi_unit_state state;
	bool going; /* its export ends: it is closed with its last task */
	bool d_sense; /* SPC-4 7.5.8, per I_T nexus (VPD page 87h says so) */
	uint32_t attentions; /* bits 1 << enum scsi_condition; scsi_ua.c */

	/* the task set; scsi_order.c */
	struct scsi_task_list tasks; /* all, in order of arrival */
	struct scsi_task_list waiting; /* those whose turn has not come */
	unsigned n_tasks;
	unsigned n_active; /* simple, ordered and head of queue that run */
	unsigned n_ordered_active, n_head;
	bool releasing;
};

struct scsi_nexus {
	struct gw_nexus *nexus;
	const struct scsi_port *port;
	const struct scsi_nexus_ops *ops;
	void *owner;
	unsigned n_joining;
	uint64_t last_number; /* of a task */
	unsigned n_unsettled; /* pieces of data-in that were lent and may still change */
	bool wants_settled; /* some task waits for these, and for nothing else */
	struct scsi_tmf_list tmfs; /* those that wait for tasks to end */
	/* A task has ended that some of tmfs may wait for; null: none waits. */
	void (*ended)(struct scsi_unit *unit, uint64_t number);
	void (*run)(struct scsi_task *task); /* its turn has come */
	struct scsi_unit nowhere;
	unsigned n_units;
	struct scsi_unit unit[];
};

static inline bool scsi_unit_exists(const struct scsi_unit *unit)
{
	return unit->itl && !unit->going;
}

static inline const struct gw_facts *scsi_unit_facts(const struct scsi_unit *unit)
{
	return gw_itl_facts(unit->itl);
}

#endif
