/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_trim.h - the ranges of a DATA SET MANAGEMENT with TRIM, as bytes: an iterator for
 * whoever carries out a plan that is ATA_TRIM.
 */
#ifndef TRANSLATORS_ATA_ATA_TRIM_H
#define TRANSLATORS_ATA_ATA_TRIM_H

#include "translators/ata/ata.h"

/* Reads the payload of the command as it goes: that must stay until the last range
 * was taken, and be the one that ata_dispatch() has seen. */
struct ata_trim {
	const uint8_t *at;
	uint32_t entries;
};

/* For a command whose plan is ATA_TRIM: all its ranges lie on the disk. */
struct ata_trim ata_trim_begin(const struct ata_cmd *cmd);
/* Never an empty range; what continues the one before is joined with it, since
 * initiators cut long ranges at 65535 sectors.  False: no more. */
bool ata_trim_next(struct ata_trim *trim, uint64_t *offset, uint64_t *length);

#endif
