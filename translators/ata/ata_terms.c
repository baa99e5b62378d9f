/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_terms.c - from the facts of a volume to those of a disk.
 */
#include "config.h"

#include "translators/ata/ata_terms.h"

#include "gateway/base/num.h"
#include "translators/ata/ata.h"

struct ata_terms ata_terms_of(const struct gw_facts *facts, const struct gw_identity *identity,
			      bool read_only, bool write_through)
{
	bool protected = read_only || facts->read_only;

	return (struct ata_terms){
		.sectors = num_min(facts->size_bytes / ATA_SECTOR_BYTES, ATA_LBA48_SECTORS),
		.block_bytes = facts->block_bytes,
		.read_only = protected,
		.write_cache = facts->write_cache && !write_through,
		.write_through = write_through,
		.trim = (facts->caps & GW_CAP_UNMAP) && !protected,
		.rotational = facts->caps & GW_CAP_ROTATIONAL,
		.naa = identity->naa >> 60 == 5 ? identity->naa : 0,
		.serial = identity->serial,
		.firmware = PACKAGE_VERSION,
		.model = "SLUICE VOLUME",
	};
}
