/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_vpd.h - vital product data: what a logical unit is, for ever and by name.
 * Above: scsi_inquiry.c; the pages are rows of scsi_vpd.tbl.
 */
#ifndef TRANSLATORS_SCSI_SCSI_VPD_H
#define TRANSLATORS_SCSI_SCSI_VPD_H

#include "translators/scsi/scsi_lu.h"

#define SCSI_VPD_VENDOR "SLUICE"
#define SCSI_VPD_PRODUCT "VOLUME"

/* Byte 0 of all INQUIRY data: a disk, or no logical unit (SPC-4 6.6.2). */
uint8_t scsi_vpd_peripheral(const struct scsi_unit *unit);
/* Answers with the page, or INVALID FIELD IN CDB; ends the task. */
void scsi_vpd(struct scsi_task *task, uint8_t page, uint16_t allocation_bytes);

#endif
