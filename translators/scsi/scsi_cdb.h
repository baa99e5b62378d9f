/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_cdb.h - fields of a CDB, for every length class.  Pure: bytes in, numbers
 * out; what they must be for a command stands in its row.
 */
#ifndef TRANSLATORS_SCSI_SCSI_CDB_H
#define TRANSLATORS_SCSI_SCSI_CDB_H

#include <stdbool.h>
#include <stdint.h>

#include "translators/scsi/scsi_row.h"

struct scsi_blocks {
	uint64_t lba, blocks;
};

/* The logical blocks that the CDB names; nothing for SCSI_SPAN_NONE. */
struct scsi_blocks scsi_cdb_blocks(const uint8_t *cdb, enum scsi_span span);

/* The first bit that is set and has no meaning for this row.  True: there is
 * one; the leftmost of the first such byte.  bytes: what came of the CDB; those
 * that did not come are taken as zero. */
bool scsi_cdb_stray_bit(const uint8_t *cdb, unsigned bytes, const struct scsi_row *row,
			uint16_t *byte, uint8_t *bit);

/* SPC-4 4.3.3: where the service action stands; SCSI_NO_ACTION: too short. */
uint16_t scsi_cdb_action(const uint8_t *cdb, unsigned bytes);

#endif
