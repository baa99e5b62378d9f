/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_inquiry.c - INQUIRY (SPC-4 6.6): the standard data; the vital product data
 * pages are in scsi_vpd.c.
 *
 * It answers where there is no logical unit, too: peripheral qualifier 011b.
 */
#include "config.h"

#include "gateway/base/bytes.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_handlers.h"
#include "translators/scsi/scsi_reply.h"
#include "translators/scsi/scsi_vpd.h"

#define STANDARD_BYTES 96u

/* SPC-4 6.6.2 */
static void build(struct scsi_task *task, struct scsi_data *out)
{
	static const uint16_t versions[] = {
		/* SPC-4 6.6.2, table 144 */
		0x00a0, /* SAM-5 */
		0x0460, /* SPC-4 */
		0x04c0, /* SBC-3 */
	};
	enum { SPC4 = 0x06, HISUP_FORMAT_2 = 0x12, CMDQUE = 0x02, ISCSI_VERSION = 0x0960 };

	scsi_data_put_u8(out, scsi_vpd_peripheral(task->unit));
	scsi_data_put_u8(out, 0);
	scsi_data_put_u8(out, SPC4);
	scsi_data_put_u8(out, HISUP_FORMAT_2);
	scsi_data_put_u8(out, STANDARD_BYTES - 5);
	scsi_data_put_u8(out, 0); /* no SCC, no ALUA, no third-party copy, no protection */
	scsi_data_put_u8(out, 0);
	scsi_data_put_u8(out, CMDQUE);
	scsi_data_put_text(out, SCSI_VPD_VENDOR, 8);
	scsi_data_put_text(out, SCSI_VPD_PRODUCT, 16);
	scsi_data_put_text(out, PACKAGE_VERSION, 4);
	scsi_data_put_zero(out, 58 - out->bytes);
	for (unsigned i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		scsi_data_put_u16(out, versions[i]);
	if (task->unit->nexus->port->protocol == SCSI_PROTO_ISCSI)
		scsi_data_put_u16(out, ISCSI_VERSION);
	scsi_data_put_zero(out, STANDARD_BYTES - out->bytes);
}

void scsi_do_inquiry(struct scsi_task *task)
{
	enum { EVPD = 0x01 };
	uint16_t allocation = be16_get(task->cdb + 3);

	if (task->cdb[1] & EVPD)
		scsi_vpd(task, task->cdb[2], allocation);
	else if (task->cdb[2])
		scsi_end_cdb(task, 2, 7);
	else
		scsi_reply(task, allocation, build);
}
