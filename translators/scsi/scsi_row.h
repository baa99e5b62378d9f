/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_row.h - the columns of scsi_cmds.tbl: all that the dispatcher must know of
 * a command before its handler runs, and what REPORT SUPPORTED OPERATION CODES
 * tells of it.
 */
#ifndef TRANSLATORS_SCSI_SCSI_ROW_H
#define TRANSLATORS_SCSI_SCSI_ROW_H

#include <stdint.h>

#include "gateway/api/rsv.h"

struct scsi_task;

#define SCSI_NO_ACTION 0xffffu
#define SCSI_USAGE_MAX 32u /* bytes of the longest CDB in the table */

enum scsi_dir { SCSI_DIR_NONE, SCSI_DIR_IN, SCSI_DIR_OUT };

/* Where the CDB says which logical blocks (scsi_cdb.c). */
enum scsi_span {
	SCSI_SPAN_NONE,
	SCSI_SPAN_6, /* LBA of 21 bits, length at 4; 0 stands for 256 */
	SCSI_SPAN_10, /* LBA at 2 (4 bytes), length at 7 (2) */
	SCSI_SPAN_12, /* LBA at 2 (4 bytes), length at 6 (4) */
	SCSI_SPAN_16, /* LBA at 2 (8 bytes), length at 10 (4) */
	SCSI_SPAN_CAW, /* LBA at 2 (8 bytes), length at 13 (1) */
	SCSI_SPAN_LBA, /* LBA at 2 (8 bytes), which must exist; no length */
	SCSI_SPAN_COUNT
};

/* How the command stands to the others of its task set (SAM-5 8). */
enum scsi_order {
	SCSI_ORDER_ATTR, /* by its task attribute */
	SCSI_ORDER_FREE /* implicit head of queue that nobody waits for (SAM-5 8.9) */
};

enum scsi_row_flag {
	SCSI_ROW_CHANGES = 1, /* changes the medium: not where it is write protected */
	SCSI_ROW_ANY_LUN = 2, /* answers where there is no logical unit */
	SCSI_ROW_NO_UA = 4, /* goes past a unit attention (SAM-5 5.14.1) */
	SCSI_ROW_OFFLINE = 8, /* allowed while the volume is offline */
	SCSI_ROW_UNMAP = 16 /* there only where the volume can deallocate */
};

struct scsi_row {
	const char *name, *clause;
	uint8_t opcode;
	uint16_t action; /* or SCSI_NO_ACTION */
	uint8_t cdb_bytes;
	uint8_t dir, span, rsv, order; /* the enums above; enum gw_rsv_class */
	uint8_t flags; /* enum scsi_row_flag */
	void (*run)(struct scsi_task *task); /* null: planned, refused until then */
	uint8_t usage[SCSI_USAGE_MAX]; /* SPC-4 6.35.3: which bits are evaluated */
};

#endif
