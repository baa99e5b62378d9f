/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_words.h - those who write pages (ata_page.c calls them), and what they end
 * with.  out: ATA_PAGE_BYTES, zeroed.
 */
#ifndef TRANSLATORS_ATA_ATA_WORDS_H
#define TRANSLATORS_ATA_ATA_WORDS_H

#include "translators/ata/ata_row.h"

typedef void ata_words(const struct ata_terms *terms, uint32_t room_bytes, uint8_t *out);

/* ata_identify.c, ata_smart.c */
ata_words ata_identify_put, ata_smart_put;

/* The byte that lets all 512 add up to zero (ACS-3: IDENTIFY DEVICE word 255, SMART
 * READ DATA byte 511). */
static inline void ata_words_sum(uint8_t *out)
{
	uint8_t sum = 0;

	for (unsigned i = 0; i + 1 < ATA_PAGE_BYTES; i++)
		sum = (uint8_t)(sum + out[i]);
	out[ATA_PAGE_BYTES - 1] = (uint8_t)-sum;
}

/* For a handler: answer with that page.  Sector Count means nothing here. */
static inline enum gw_status ata_words_plan(const struct ata_ask *ask, enum ata_page page,
					    struct ata_plan *plan)
{
	if (ask->cmd->room_bytes < ATA_PAGE_BYTES)
		return GW_INVALID;
	plan->act = ATA_PAGE;
	plan->page = page;
	plan->reply_bytes = ATA_PAGE_BYTES;
	return GW_OK;
}

#endif
