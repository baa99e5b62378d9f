/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_rw.c - the READ, READ VERIFY and WRITE families, and FLUSH CACHE.
 * From sectors to bytes, with the end of the disk in between; who reads and writes
 * is the caller of ata_dispatch().
 */
#include "config.h"

#include "gateway/base/num.h"
#include "translators/ata/ata_handlers.h"

/* AoEr11 3.1.  The command says how many bits the address has; E only says what the
 * high half of lba3 is: device bits without it, address with it.  A 28 bit command
 * with more address than it can have would reach another sector than was meant. */
static bool first_sector(const struct ata_ask *ask, uint64_t *first)
{
	uint64_t lba = ask->cmd->lba;

	if (ask->row->lba == ATA_LBA_28) {
		if (!ask->cmd->extended)
			lba &= ~(uint64_t)0xf0000000;
		if (lba > ATA_LBA28_SECTORS)
			return false;
	}
	*first = lba;
	return true;
}

enum gw_status ata_do_medium(const struct ata_ask *ask, struct ata_plan *plan)
{
	uint64_t limit = ata_row_limit(ask->row, ask->terms);
	uint64_t n = ata_row_sectors(ask->row, ask->cmd), first;

	if (!first_sector(ask, &first))
		return GW_OUT_OF_RANGE;
	if (!num_inside(first, n, limit)) {
		plan->regs.lba = num_max(first, limit);
		return GW_OUT_OF_RANGE;
	}
	plan->act = ATA_REQUEST;
	plan->op = ask->row->op;
	plan->flags = ask->row->flags;
	if (plan->op == GW_WRITE && ask->terms->write_through)
		plan->flags |= GW_FUA;
	plan->offset = first * ATA_SECTOR_BYTES;
	plan->length = n * ATA_SECTOR_BYTES;
	plan->reply_bytes = ask->row->data == ATA_DATA_IN ? (uint32_t)plan->length : 0;
	return GW_OK;
}

/* Also where every write is durable: it covers those of other protocols, too. */
enum gw_status ata_do_flush(const struct ata_ask *ask, struct ata_plan *plan)
{
	plan->act = ATA_REQUEST;
	plan->op = ask->row->op;
	return GW_OK;
}
