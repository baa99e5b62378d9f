/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_limits.c - see scsi_limits.h.
 */
#include "config.h"

#include "translators/scsi/scsi_limits.h"

#include "gateway/base/num.h"
#include "translators/scsi/scsi_task.h"

/* A command ends within the patience of its initiator, also where the store must
 * write what it cannot do natively. */
#define SAME_MAX_BYTES (1ull << 30)
#define UNMAP_MAX_BYTES (1ull << 32)
#define UNMAP_MAX_BLOCKS (1u << 20)

struct scsi_limits scsi_limits_of(const struct gw_facts *facts)
{
	uint32_t block = facts->block_bytes;
	uint64_t unit = num_max(num_min(facts->optimal_bytes, SCSI_PHYSICAL_MAX_BYTES), block);

	return (struct scsi_limits){
		.caw_blocks = (uint32_t)num_min(SCSI_WHOLE_MAX_BYTES / 2 / block, UINT8_MAX),
		.same_blocks = (uint32_t)(SAME_MAX_BYTES / block),
		.unmap_blocks = (uint32_t)num_min(UNMAP_MAX_BYTES / block, UNMAP_MAX_BLOCKS),
		.unit_blocks = (uint16_t)(unit / block),
		.optimal_blocks = facts->optimal_bytes > unit ? facts->optimal_bytes / block : 0,
		.granularity_blocks = facts->unmap_granularity_bytes / block,
	};
}
