/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_unit.h - an I_T nexus as SCSI sees it: its logical units, their unit
 * attentions and task sets (one per nexus: TST 001b, SPC-4 7.5.8).
 *
 *   transport's session ──▶ scsi_nexus ──▶ scsi_unit (LUN) ──▶ gw_itl ──▶ volume
 *                               │              └─ unit attentions, tasks, D_SENSE
 *                               └─ scsi_port: what INQUIRY tells of the target
 */
#ifndef TRANSLATORS_SCSI_SCSI_UNIT_H
#define TRANSLATORS_SCSI_SCSI_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/api/access.h"
#include "gateway/api/nexus.h"
#include "translators/scsi/scsi_task.h"

#define SCSI_UNITS_MAX 256u /* logical units of one nexus */
#define SCSI_LUN_NUMBER_MAX 16383u /* flat space addressing has 14 bits */

/* The target port, for VPD 83 and TransportIDs; owned by the transport, outlives
 * its nexuses. */
struct scsi_port {
	enum scsi_protocol protocol;
	const char *device_name; /* iSCSI: the target's name (RFC 7143 4.2.7) */
	const char *port_name; /* iSCSI: "IQN,t,0x0001" */
	uint16_t relative_id; /* relative target port identifier, from 1 */
	uint16_t group; /* target port group */
};

struct scsi_nexus;

struct scsi_nexus_ops {
	/* Every unit that was added has joined (or not: then it reports NOT READY);
	 * commands may be started.  Never from inside scsi_nexus_open(); never at all
	 * where there is no unit, since nothing joins then. */
	void (*ready)(struct scsi_nexus *nexus, void *owner);
	/* A logical unit was reset by another nexus, and its tasks are aborted: the
	 * transport ends what it still keeps of earlier ones (answers that wait for
	 * data), without an answer of its own.  May be null. */
	void (*reset)(struct scsi_nexus *nexus, void *owner, struct scsi_unit *unit);
	/* A task waits for nothing but for scsi_nexus_unsettled() to come to 0: where that
	 * does not happen by itself, the transport sees to it.  May come more than once,
	 * and from inside any call; may be null. */
	void (*settle)(struct scsi_nexus *nexus, void *owner);
};

/* ---- home loop ---------------------------------------------------------- */

/* The I_T nexus (gateway/api/nexus.h) stays the caller's and must outlive this.
 * grants: one per logical unit; their lun field is the number that the initiator
 * sees (SCSI_LUN_NUMBER_MAX at most; what is more, or beyond SCSI_UNITS_MAX, it
 * does not see).  Each unit begins with POWER ON, RESET, OR BUS DEVICE RESET.
 * Null: no memory. */
struct scsi_nexus *scsi_nexus_open(struct gw_nexus *nexus, const struct scsi_port *port,
				   const struct gw_grant *grants, unsigned n,
				   const struct scsi_nexus_ops *ops, void *owner);
/* scsi_task_leave() for every task at once: none starts because another left. */
void scsi_nexus_leave(struct scsi_nexus *nexus);
/* Every task must have ended or been left; never from inside an op of a task.
 * Clears the pointer. */
void scsi_nexus_close(struct scsi_nexus **nexus);
/* Of data-in that was lent (scsi_task.h) the transport has so many pieces more, or less,
 * that the initiator may still get as they are then: an ORDERED task waits for these, for
 * it may change their bytes.  Less: never from inside an op of a task. */
void scsi_nexus_unsettled(struct scsi_nexus *nexus, int more);
/* A unit attention on every unit: e.g. I_T NEXUS LOSS OCCURRED (29h/07h) when a
 * session is reinstated. condition: enum scsi_condition, scsi_sense.tbl. */
void scsi_nexus_attention(struct scsi_nexus *nexus, int condition);
/* Null: no unit has that number (or the form of the LUN is unknown). */
struct scsi_unit *scsi_nexus_unit(struct scsi_nexus *nexus, const uint8_t lun[8]);
/* In order of LUN; i from 0. Null: no more. */
struct scsi_unit *scsi_nexus_nth(struct scsi_nexus *nexus, unsigned i);
/* Null: the export of this unit has ended. */
struct gw_itl *scsi_unit_itl(const struct scsi_unit *unit);
uint16_t scsi_unit_number(const struct scsi_unit *unit);
/* Tasks of this nexus at the unit, for task management and lists. */
unsigned scsi_unit_tasks(const struct scsi_unit *unit);

#endif
