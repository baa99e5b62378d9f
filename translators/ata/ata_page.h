/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_page.h - the one way to data that we make ourselves: a page of 512 bytes.
 * Who answers an ATA_PAGE brings the memory and calls this; what stands in a page
 * is its own file's (ata_identify.c, ata_smart.c).
 */
#ifndef TRANSLATORS_ATA_ATA_PAGE_H
#define TRANSLATORS_ATA_ATA_PAGE_H

#include "translators/ata/ata.h"
#include "translators/ata/ata_terms.h"

/* Fills all of out.  room_bytes: as in the command; how many blocks of ranges a
 * frame carries is read from it.  A page that is not there is zero. */
void ata_page_build(enum ata_page page, const struct ata_terms *terms, uint32_t room_bytes,
		    uint8_t out[ATA_PAGE_BYTES]);

#endif
