/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_cdb.c - see scsi_cdb.h.
 */
#include "config.h"

#include "translators/scsi/scsi_cdb.h"

#include <string.h>

#include "gateway/base/bytes.h"

#define VARIABLE_LENGTH 0x7f /* operation code of CDBs with a length of their own */

struct scsi_blocks scsi_cdb_blocks(const uint8_t *cdb, enum scsi_span span)
{
	switch (span) {
	case SCSI_SPAN_6: /* a length of zero: 256 blocks (SBC-2 5.5) */
		return (struct scsi_blocks){ be24_get(cdb + 1) & 0x1fffff, cdb[4] ? cdb[4] : 256 };
	case SCSI_SPAN_10:
		return (struct scsi_blocks){ be32_get(cdb + 2), be16_get(cdb + 7) };
	case SCSI_SPAN_12:
		return (struct scsi_blocks){ be32_get(cdb + 2), be32_get(cdb + 6) };
	case SCSI_SPAN_16:
		return (struct scsi_blocks){ be64_get(cdb + 2), be32_get(cdb + 10) };
	case SCSI_SPAN_CAW:
		return (struct scsi_blocks){ be64_get(cdb + 2), cdb[13] };
	case SCSI_SPAN_LBA:
		return (struct scsi_blocks){ be64_get(cdb + 2), 1 };
	case SCSI_SPAN_NONE:
	case SCSI_SPAN_COUNT:
		break;
	}
	return (struct scsi_blocks){ 0, 0 };
}

uint16_t scsi_cdb_action(const uint8_t *cdb, unsigned bytes)
{
	if (cdb[0] == VARIABLE_LENGTH)
		return bytes < 10 ? SCSI_NO_ACTION : be16_get(cdb + 8);
	return bytes < 2 ? SCSI_NO_ACTION : cdb[1] & 0x1f;
}

static uint8_t meant(const struct scsi_row *row, unsigned byte)
{
	uint8_t bits = row->usage[byte];

	/* The service action stands in the usage as its value (SPC-4 6.35.3); it has
	 * been looked at when the row was found. */
	if (row->action != SCSI_NO_ACTION && row->opcode == VARIABLE_LENGTH)
		return byte == 8 || byte == 9 ? 0xff : bits;
	return row->action != SCSI_NO_ACTION && byte == 1 ? bits | 0x1f : bits;
}

/* Eight bytes at a time: nearly always there is none. */
static bool may_be_stray(const uint8_t *cdb, const uint8_t *usage, unsigned n)
{
	uint64_t have, used, stray = 0;
	unsigned i;

	for (i = 0; i + sizeof(have) <= n; i += sizeof(have)) {
		memcpy(&have, cdb + i, sizeof(have));
		memcpy(&used, usage + i, sizeof(used));
		stray |= have & ~used;
	}
	for (; i < n; i++)
		stray |= cdb[i] & (uint8_t)~usage[i];
	return stray;
}

bool scsi_cdb_stray_bit(const uint8_t *cdb, unsigned bytes, const struct scsi_row *row,
			uint16_t *byte, uint8_t *bit)
{
	unsigned n = bytes < row->cdb_bytes ? bytes : row->cdb_bytes;

	if (__builtin_expect(!may_be_stray(cdb, row->usage, n), 1))
		return false;
	for (unsigned i = 1; i < n; i++) {
		unsigned stray = cdb[i] & ~meant(row, i);

		if (__builtin_expect(stray, 0)) {
			*byte = (uint16_t)i;
			*bit = (uint8_t)(31 - __builtin_clz(stray));
			return true;
		}
	}
	return false;
}
