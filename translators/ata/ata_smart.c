/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_smart.c - SMART, as far as it can be true of a volume: one bit of health, no
 * attributes, no logs, no tests.  It is always on; smartctl shows the health and
 * an empty table.
 */
#include "config.h"

#include "gateway/base/bytes.h"
#include "translators/ata/ata_handlers.h"
#include "translators/ata/ata_words.h"

/* LBA 23:8 of every SMART command, and of the answer about health (ACS-3 SMART RETURN
 * STATUS). */
enum ata_smart_key { SMART_KEY = 0xc24f, SMART_EXCEEDED = 0x2cf4 };

/* Attributes (ACS-3 SMART READ DATA) and thresholds (gone since ATA/ATAPI-4, smartctl
 * asks) begin alike, with the revision that all drives give.  The rest says: no
 * off-line collection, no self-test, no error log, no attribute and no threshold. */
void ata_smart_put(const struct ata_terms *terms, uint32_t room_bytes, uint8_t *out)
{
	enum { REVISION = 0x0010 };

	(void)terms;
	(void)room_bytes;
	le16_put(out, REVISION);
	ata_words_sum(out);
}

static void put_health(const struct ata_terms *terms, struct ata_regs *regs)
{
	regs->lba &= ~(uint64_t)0xffff00;
	regs->lba |= (uint64_t)(terms->failing ? SMART_EXCEEDED : SMART_KEY) << 8;
}

enum gw_status ata_do_smart(const struct ata_ask *ask, struct ata_plan *plan)
{
	if ((ask->cmd->lba >> 8 & 0xffff) != SMART_KEY)
		return GW_UNSUPPORTED;
	switch (ask->cmd->feature) {
	case ATA_SMART_READ_DATA:
		return ata_words_plan(ask, ATA_PAGE_SMART_DATA, plan);
	case ATA_SMART_READ_THRESHOLDS:
		return ata_words_plan(ask, ATA_PAGE_SMART_THRESHOLDS, plan);
	case ATA_SMART_RETURN_STATUS:
		put_health(ask->terms, &plan->regs);
		return GW_OK;
	case ATA_SMART_ENABLE:
		return GW_OK;
	default: /* DISABLE OPERATIONS among them: it cannot be turned off */
		return GW_UNSUPPORTED;
	}
}
