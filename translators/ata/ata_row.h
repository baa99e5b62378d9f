/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_row.h - the columns of ata_cmds.tbl, and what a handler is: the inside of this folder.
 * ata_dispatch.c checks by the row and calls the handler; nobody above sees either.
 */
#ifndef TRANSLATORS_ATA_ATA_ROW_H
#define TRANSLATORS_ATA_ATA_ROW_H

#include "gateway/api/rsv.h"
#include "gateway/api/status.h"
#include "translators/ata/ata.h"
#include "translators/ata/ata_terms.h"

enum ata_lba { ATA_LBA_NONE, ATA_LBA_28, ATA_LBA_48 };
enum ata_data { ATA_DATA_NONE, ATA_DATA_IN, ATA_DATA_OUT };

struct ata_ask;

/* The dispatcher has checked direction, length and write protection, and filled the
 * plan with an ANSWER that says "done".  A handler checks what a row cannot say and
 * makes of it what is to be done.  Not GW_OK: the command ends with that;
 * GW_OUT_OF_RANGE with the first sector that is not there in plan->regs.lba;
 * GW_INVALID: the frame is no ATA command. */
typedef enum gw_status ata_handler(const struct ata_ask *ask, struct ata_plan *plan);

struct ata_row {
	const char *words; /* null: there is no such row */
	ata_handler *run; /* null: aborted */
	uint8_t lba, data, rsv; /* the enums above; enum gw_rsv_class */
	enum gw_op op;
	uint32_t flags; /* enum gw_io_flag */
};

struct ata_ask {
	const struct ata_terms *terms;
	const struct ata_cmd *cmd;
	const struct ata_row *row;
};

/* Sector Count: 0 stands for all that it can count, 256 or 65536 (ACS-3 READ DMA, READ
 * DMA EXT; AoE carries the low eight bits of the sixteen). */
static inline uint32_t ata_row_sectors(const struct ata_row *row, const struct ata_cmd *cmd)
{
	if (cmd->sectors)
		return cmd->sectors;
	return row->lba == ATA_LBA_28 ? 256 : 65536;
}

/* Where the disk ends for this command. */
static inline uint64_t ata_row_limit(const struct ata_row *row, const struct ata_terms *terms)
{
	if (row->lba == ATA_LBA_28 && terms->sectors > ATA_LBA28_SECTORS)
		return ATA_LBA28_SECTORS;
	return terms->sectors;
}

#endif
