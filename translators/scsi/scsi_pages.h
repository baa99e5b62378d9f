/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_pages.h - the mode pages of a logical unit as this nexus sees them
 * (scsi_pages.tbl); MODE SENSE and SELECT are in scsi_mode.c.
 */
#ifndef TRANSLATORS_SCSI_SCSI_PAGES_H
#define TRANSLATORS_SCSI_SCSI_PAGES_H

#include "translators/scsi/scsi_lu.h"

#define SCSI_PAGE_MAX_BYTES 20u

enum scsi_page_control { SCSI_PC_CURRENT, SCSI_PC_CHANGEABLE, SCSI_PC_DEFAULT, SCSI_PC_SAVED };
/* SPC-4 7.8.10, table 497 */
enum scsi_page_policy { SCSI_POLICY_SHARED = 0, SCSI_POLICY_PER_NEXUS = 3 };

unsigned scsi_pages_count(void);
uint8_t scsi_pages_code(unsigned i);
enum scsi_page_policy scsi_pages_policy(unsigned i);
/* -1: no such page; none has subpages. */
int scsi_pages_find(uint8_t code);
/* Puts the page into out[SCSI_PAGE_MAX_BYTES]; its length, with its head. */
unsigned scsi_pages_put(const struct scsi_unit *unit, unsigned i, enum scsi_page_control control,
			uint8_t *out);
/* The first byte of a new page that changes what cannot be changed, or -1; *bit:
 * its leftmost. */
int scsi_pages_refuses(const struct scsi_unit *unit, unsigned i, const uint8_t *page, int *bit);
/* Takes over the bits that may change. */
void scsi_pages_set(struct scsi_unit *unit, unsigned i, const uint8_t *page);

#endif
