/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_page.c - from the name of a page to who writes it.
 */
#include "config.h"

#include "translators/ata/ata_page.h"

#include <string.h>

#include "gateway/base/table.h"
#include "translators/ata/ata_words.h"

static ata_words *const pages[ATA_PAGE_COUNT] = {
	[ATA_PAGE_IDENTIFY] = ata_identify_put,
	[ATA_PAGE_SMART_DATA] = ata_smart_put,
	[ATA_PAGE_SMART_THRESHOLDS] = ata_smart_put,
};

void ata_page_build(enum ata_page page, const struct ata_terms *terms, uint32_t room_bytes,
		    uint8_t out[ATA_PAGE_BYTES])
{
	memset(out, 0, ATA_PAGE_BYTES);
	if ((unsigned)page < TABLE_LEN(pages))
		pages[page](terms, room_bytes, out);
}
