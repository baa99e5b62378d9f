/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_identify.c - IDENTIFY DEVICE: 256 words, little endian; the numbers stand in
 * ata_identify.tbl.
 *
 * Who reads it: Linux's aoe driver words 83 and 86 (48 bits), 100-103 and texts;
 * aoeping, hdparm and smartctl all of it.
 */
#include "config.h"

#include "gateway/base/bytes.h"
#include "gateway/base/num.h"
#include "translators/ata/ata_handlers.h"
#include "translators/ata/ata_words.h"

/* ACS-3 "ATA string convention": two characters to a word, the first in its high half; padded
 * with spaces. */
static void put_text(uint8_t *out, unsigned word, unsigned words, const char *text)
{
	for (unsigned i = 0; i < 2 * words; i++) {
		uint8_t c = *text ? (uint8_t)*text++ : ' ';

		out[2 * word + (i ^ 1)] = c >= ' ' && c <= '~' ? c : '?';
	}
}

/* Word 106, bits 13 and 3:0 */
static uint32_t physical(uint32_t block_bytes)
{
	uint32_t log2 = 0;

	while (log2 < 15 && ATA_SECTOR_BYTES << log2 < block_bytes)
		log2++;
	return log2 ? 0x2000 | log2 : 0;
}

void ata_identify_put(const struct ata_terms *terms, uint32_t room_bytes, uint8_t *out)
{
	enum { INTEGRITY = 255, SIGNATURE = 0xa5 };
	uint64_t sectors = terms->sectors;

#define WORD(number, value) le16_put(out + 2 * (number), (uint16_t)(value));
#include "translators/ata/ata_identify.tbl"
#undef WORD
	put_text(out, 10, 10, terms->serial);
	put_text(out, 23, 4, terms->firmware);
	put_text(out, 27, 20, terms->model);
	out[2 * INTEGRITY] = SIGNATURE;
	ata_words_sum(out);
}

enum gw_status ata_do_identify(const struct ata_ask *ask, struct ata_plan *plan)
{
	return ata_words_plan(ask, ATA_PAGE_IDENTIFY, plan);
}
