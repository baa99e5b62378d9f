/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_luns.c - see scsi_luns.h.
 */
#include "config.h"

#include "translators/scsi/scsi_luns.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_handlers.h"
#include "translators/scsi/scsi_reply.h"
#include "translators/scsi/scsi_ua.h"

bool scsi_luns_parse(const uint8_t lun[8], uint16_t *number)
{
	static const uint8_t zero[6];

	if (memcmp(lun + 2, zero, sizeof(zero)))
		return false;
	if (lun[0] == 0)
		*number = lun[1];
	else if (lun[0] >> 6 == 1)
		*number = be16_get(lun) & 0x3fff;
	else
		return false;
	return true;
}

void scsi_luns_put(uint16_t number, uint8_t lun[8])
{
	memset(lun, 0, 8);
	be16_put(lun, number < 256 ? number : 0x4000 | number);
}

/* ---- REPORT LUNS (SPC-4 6.33, SPC-5) ------------------------------------- */

/* Well known and administrative logical units are there none. */
static bool select_all(uint8_t report)
{
	enum { USUAL = 0x00, ALL = 0x02, NOT_SUBSIDIARY = 0x11 };

	return report == USUAL || report == ALL || report == NOT_SUBSIDIARY;
}

static void build(struct scsi_task *task, struct scsi_data *out)
{
	struct scsi_nexus *nexus = task->unit->nexus;
	uint8_t lun[8];

	scsi_data_put_zero(out, 8);
	for (unsigned i = 0; select_all(task->cdb[2]) && i < nexus->n_units; i++) {
		struct scsi_unit *unit = &nexus->unit[i];

		scsi_ua_clear(unit, SCSI_UA_LUNS_CHANGED); /* SPC-4 6.33: told by this */
		if (!scsi_unit_exists(unit))
			continue;
		scsi_luns_put(unit->number, lun);
		scsi_data_put(out, lun, sizeof(lun));
	}
	scsi_data_fix_u32(out, 0, out->bytes - 8);
}

void scsi_do_luns(struct scsi_task *task)
{
	enum { WELL_KNOWN = 0x01, ADMINISTRATIVE = 0x10, SUBSIDIARY = 0x12 };
	uint8_t report = task->cdb[2];

	if (select_all(report) || report == WELL_KNOWN || report == ADMINISTRATIVE ||
	    report == SUBSIDIARY)
		scsi_reply(task, be32_get(task->cdb + 6), build);
	else
		scsi_end_cdb(task, 2, 7);
}
