/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_request_sense.c - REQUEST SENSE (SPC-4 6.39): sense as data.
 *
 * Sense goes with its command here, so what is left to tell is a unit attention,
 * that there is no logical unit, or that it is not ready.
 */
#include "config.h"

#include "translators/scsi/scsi_handlers.h"
#include "translators/scsi/scsi_ready.h"
#include "translators/scsi/scsi_reply.h"
#include "translators/scsi/scsi_ua.h"

static int condition_of(struct scsi_unit *unit)
{
	int attention = scsi_ua_first(unit);
	struct scsi_outcome outcome;

	if (!scsi_unit_exists(unit))
		return SCSI_IS_BAD_LUN;
	if (attention >= 0) {
		scsi_ua_clear(unit, attention); /* told here, it is told */
		return attention;
	}
	outcome = scsi_sense_outcome(scsi_ready(unit), false);
	return outcome.status == SCSI_CHECK_CONDITION ? outcome.condition : SCSI_IS_NOTHING;
}

static void build(struct scsi_task *task, struct scsi_data *out)
{
	struct scsi_sense sense = { .condition = condition_of(task->unit) };
	uint8_t wire[SCSI_SENSE_PUT_MAX];

	scsi_data_put(out, wire, scsi_sense_put(&sense, task->cdb[1] & 1, wire));
}

void scsi_do_request_sense(struct scsi_task *task)
{
	scsi_reply(task, task->cdb[4], build);
}
