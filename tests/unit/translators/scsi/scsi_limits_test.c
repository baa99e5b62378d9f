/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_limits_test.c - what one command may ask for, by every block length.
 */
#include "config.h"

#include "translators/scsi/scsi_limits.h"

#include "tests/harness/harness.h"
#include "translators/scsi/scsi_task.h"

static void every_block_length(void **state)
{
	for (uint32_t block = 512; block <= 65536; block *= 2)
		for (uint32_t optimal = block; optimal <= 1u << 20; optimal *= 2) {
			struct gw_facts facts = { .block_bytes = block,
						  .optimal_bytes = optimal,
						  .unmap_granularity_bytes = 4096 };
			struct scsi_limits l = scsi_limits_of(&facts);
			uint32_t unit = optimal < 4096 ? optimal : block > 4096 ? block : 4096;

			assert_true(l.caw_blocks >= 1 && l.caw_blocks <= 255);
			assert_true(2 * l.caw_blocks * block <= SCSI_WHOLE_MAX_BYTES);
			assert_true((uint64_t)l.same_blocks * block == 1ull << 30);
			assert_int_equal(l.unmap_blocks,
					 block < 4096 ? 1u << 20 : (1ull << 32) / block);
			assert_int_equal(l.unit_blocks * block, unit);
			assert_int_equal(l.optimal_blocks * block, optimal > unit ? optimal : 0);
			assert_int_equal(l.granularity_blocks, block > 4096 ? 0 : 4096 / block);
		}
}

HARNESS_MAIN(cmocka_unit_test(every_block_length))
