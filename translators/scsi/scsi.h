/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi.h - numbers of the standards (SAM-5, SPC-4, SBC-3) that more than one file
 * of the command set speaks of.  Operation codes stand in scsi_cmds.tbl, sense in
 * scsi_sense.tbl, pages in scsi_pages.tbl and scsi_vpd.tbl.
 */
#ifndef TRANSLATORS_SCSI_SCSI_H
#define TRANSLATORS_SCSI_SCSI_H

/* SAM-5 5.3.1 */
enum scsi_status {
	SCSI_GOOD = 0x00,
	SCSI_CHECK_CONDITION = 0x02,
	SCSI_CONDITION_MET = 0x04,
	SCSI_BUSY = 0x08,
	SCSI_RESERVATION_CONFLICT = 0x18,
	SCSI_TASK_SET_FULL = 0x28,
	SCSI_ACA_ACTIVE = 0x30,
	SCSI_TASK_ABORTED = 0x40
};

/* SPC-4 4.5.6 */
enum scsi_key {
	SCSI_KEY_NO_SENSE = 0x0,
	SCSI_KEY_NOT_READY = 0x2,
	SCSI_KEY_MEDIUM_ERROR = 0x3,
	SCSI_KEY_HARDWARE_ERROR = 0x4,
	SCSI_KEY_ILLEGAL_REQUEST = 0x5,
	SCSI_KEY_UNIT_ATTENTION = 0x6,
	SCSI_KEY_DATA_PROTECT = 0x7,
	SCSI_KEY_ABORTED_COMMAND = 0xb,
	SCSI_KEY_MISCOMPARE = 0xe
};

/* RFC 7143 11.3.1 has these numbers on the wire; SAM-5 8.9. */
enum scsi_attr {
	SCSI_UNTAGGED = 0,
	SCSI_SIMPLE = 1,
	SCSI_ORDERED = 2,
	SCSI_HEAD_OF_QUEUE = 3,
	SCSI_ACA = 4
};

/* SPC-4 7.6.1 */
enum scsi_protocol {
	SCSI_PROTO_FCP = 0,
	SCSI_PROTO_SRP = 4,
	SCSI_PROTO_ISCSI = 5,
	SCSI_PROTO_SAS = 6
};

#endif
