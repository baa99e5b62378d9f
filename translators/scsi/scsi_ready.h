/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_ready.h - whether a logical unit can do anything now: asked before a
 * command runs, and told by REQUEST SENSE.
 */
#ifndef TRANSLATORS_SCSI_SCSI_READY_H
#define TRANSLATORS_SCSI_SCSI_READY_H

#include "translators/scsi/scsi_lu.h"

/* GW_OK, or what keeps it from the medium.  Of a unit that exists. */
static inline enum gw_status scsi_ready(const struct scsi_unit *unit)
{
	const struct gw_facts *facts = scsi_unit_facts(unit);

	if (unit->state != SCSI_UNIT_JOINED)
		return GW_NOT_READY;
	if (facts->state == GW_VOLUME_DRAINING)
		return GW_SHUTDOWN;
	if (facts->state == GW_VOLUME_OFFLINE || facts->size_bytes < facts->block_bytes)
		return GW_NOT_READY;
	return GW_OK;
}

#endif
