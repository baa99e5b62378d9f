/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_trim.c - DATA SET MANAGEMENT.  An entry has 8 bytes, little endian: 48 bits
 * of LBA, 16 of length in sectors (ACS-3, LBA range entries).
 */
#include "config.h"

#include "translators/ata/ata_trim.h"

#include "gateway/base/bytes.h"
#include "gateway/base/num.h"
#include "translators/ata/ata_handlers.h"

#define ENTRY_BYTES 8u

struct range {
	uint64_t first, sectors;
};

/* Takes one entry; false: there is none left.  Empty ones are passed over. */
static bool take(struct ata_trim *trim, struct range *range)
{
	while (trim->entries) {
		uint64_t entry = le64_get(trim->at);

		trim->at += ENTRY_BYTES;
		trim->entries--;
		range->first = entry & ATA_LBA48_SECTORS;
		range->sectors = entry >> 48;
		if (range->sectors)
			return true;
	}
	return false;
}

/* Sector Count of the row's kind; the dispatcher has seen that the frame has as much. */
struct ata_trim ata_trim_begin(const struct ata_cmd *cmd)
{
	uint32_t blocks = cmd->sectors ? cmd->sectors : 65536;

	return (struct ata_trim){ cmd->payload, blocks * (ATA_SECTOR_BYTES / ENTRY_BYTES) };
}

bool ata_trim_next(struct ata_trim *trim, uint64_t *offset, uint64_t *length)
{
	struct range range, next;
	struct ata_trim ahead;

	if (!take(trim, &range))
		return false;
	for (ahead = *trim; take(&ahead, &next) && next.first == range.first + range.sectors;
	     *trim = ahead)
		range.sectors += next.sectors;
	*offset = range.first * ATA_SECTOR_BYTES;
	*length = range.sectors * ATA_SECTOR_BYTES;
	return true;
}

/* All or nothing: a range that is not on the disk refuses the command before any
 * other is touched.  Durable where writes are, since the disk says that a trimmed
 * sector reads zero (IDENTIFY DEVICE word 69). */
enum gw_status ata_do_trim(const struct ata_ask *ask, struct ata_plan *plan)
{
	struct ata_trim trim = ata_trim_begin(ask->cmd);
	struct range range;

	if (!ask->terms->trim || ask->cmd->feature != ATA_DSM_TRIM)
		return GW_UNSUPPORTED;
	while (take(&trim, &range)) {
		if (!num_inside(range.first, range.sectors, ask->terms->sectors)) {
			plan->regs.lba = num_max(range.first, ask->terms->sectors);
			return GW_OUT_OF_RANGE;
		}
		plan->act = ATA_TRIM;
	}
	plan->op = plan->act == ATA_TRIM ? ask->row->op : GW_OP_COUNT;
	plan->flags = plan->act == ATA_TRIM && ask->terms->write_through ? GW_FUA : 0;
	return GW_OK;
}
