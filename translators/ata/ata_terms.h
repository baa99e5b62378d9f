/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_terms.h - what a volume is, as ATA tells it; made anew from the facts for
 * each command, or kept as long as the facts stand.
 */
#ifndef TRANSLATORS_ATA_ATA_TERMS_H
#define TRANSLATORS_ATA_ATA_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/api/volume.h"

/* The strings are somebody else's: the identity's (the volume's) or constants; the
 * owner of the terms may put others.  What is too long for its field is cut. */
struct ata_terms {
	uint64_t sectors; /* the capacity, ATA_LBA48_SECTORS at most */
	uint32_t block_bytes; /* the volume's logical block: a physical sector of the disk */
	bool read_only;
	bool write_cache; /* what was written may be lost with the power before a flush */
	bool write_through; /* every write is durable before it is answered */
	bool trim; /* may be asked to deallocate, and reads zero afterwards */
	bool rotational;
	bool failing; /* acknowledged bytes were lost: SMART says so.  gw_facts do not
		       * tell it; false until the owner of the terms sets it */
	uint64_t naa; /* the name that ACS wants, NAA 5; 0: the volume has none */
	const char *serial; /* 20 bytes are told */
	const char *firmware; /* 8 */
	const char *model; /* 40 */
};

/* write_through: the usual thing for AoE, whose initiators never flush.  What is
 * left of a block at the end, smaller than a sector, nobody sees. */
struct ata_terms ata_terms_of(const struct gw_facts *facts, const struct gw_identity *identity,
			      bool read_only, bool write_through);

#endif
