/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_same_test.c - WRITE SAME: zero and other patterns, UNMAP, NDOB, lengths that
 * are refused, memory refused.
 */
#include "config.h"

#include "translators/scsi/scsi_same.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/unit/translators/scsi/scsi_rig.h"

static uint8_t block[65536 * 2];

static unsigned same_cdb(uint8_t *cdb, bool is_16, uint8_t flags, uint32_t lba, uint32_t blocks)
{
	memset(cdb, 0, 16);
	cdb[0] = is_16 ? 0x93 : 0x41;
	cdb[1] = flags;
	if (is_16) {
		be64_put(cdb + 2, lba);
		be32_put(cdb + 10, blocks);
		return 16;
	}
	be32_put(cdb + 2, lba);
	be16_put(cdb + 7, (uint16_t)blocks);
	return 10;
}

static void check_same(struct scsi_rig *rig, uint32_t lba, uint32_t blocks)
{
	for (uint32_t i = 0; i < blocks; i++)
		assert_memory_equal(rig->fake->bytes + (lba + i) * rig->block, block, rig->block);
	assert_int_equal(rig->fake->bytes[lba * rig->block - 1], 0xee);
	assert_int_equal(rig->fake->bytes[(lba + blocks) * rig->block], 0xee);
}

static void writes_the_same(void **state)
{
	static const uint32_t sizes[] = { 512, 4096, 65536 };
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	for (unsigned b = 0; b < 3; b++) {
		uint32_t all = DISK_BYTES / sizes[b];

		scsi_rig_up(&rig, sizes[b]);
		for (uint32_t i = 0; i < sizes[b]; i++)
			block[i] = (uint8_t)(i * 13 + 1);
		for (unsigned is_16 = 0; is_16 < 2; is_16++)
			for (uint32_t n = 1; n <= all - 2; n = n * 3 < all - 2 ? n * 3
							       : n == all - 2  ? n + 1
									       : all - 2) {
				memset(rig.fake->bytes, 0xee, DISK_BYTES);
				rig.refuse = n % 3;
				rig.piece_bytes = n % 2 ? 0 : 512;
				assert_int_equal(cmd_out(&cmd, &rig, cdb,
							 same_cdb(cdb, is_16, 0, 1, n), block,
							 sizes[b]),
						 SCSI_GOOD);
				check_same(&rig, 1, n);
			}
		scsi_rig_down(&rig);
	}
}

static void zero_and_unmap(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	memset(block, 0, sizeof(block));
	for (unsigned is_16 = 0; is_16 < 2; is_16++)
		for (unsigned flags = 0; flags < 16; flags++) {
			bool unmap = flags & 8, ndob = flags & 1;

			if ((flags & 6) || (ndob && !is_16))
				continue;
			memset(rig.fake->bytes, 0xee, DISK_BYTES);
			memset(rig.fake->hole, 0, DISK_BYTES / FAKE_UNIT);
			assert_int_equal(cmd_out(&cmd, &rig, cdb,
						 same_cdb(cdb, is_16, (uint8_t)flags, 8, 100),
						 block, ndob ? 0 : 512),
					 SCSI_GOOD);
			assert_int_equal(cmd.task.out_bytes, ndob ? 0 : 512);
			check_same(&rig, 8, 100);
			assert_int_equal(rig.fake->hole[8], unmap);
		}
	/* UNMAP with a pattern that does not read zero: it is written */
	memset(block, 0x44, 512);
	assert_int_equal(cmd_out(&cmd, &rig, cdb, same_cdb(cdb, true, 8, 8, 100), block, 512),
			 SCSI_GOOD);
	check_same(&rig, 8, 100);
	assert_int_equal(rig.fake->hole[8], 0);
	scsi_rig_down(&rig);
}

static void no_unmap(struct gw_store_info *info)
{
	info->can &= ~GW_STORE_CAN(GW_UNMAP);
}

static void refusals(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up_with(&rig, 512, false, no_unmap, false, NULL);
	for (unsigned is_16 = 0; is_16 < 2; is_16++) {
		cmd_out(&cmd, &rig, cdb, same_cdb(cdb, is_16, 0, 8, 0), block, 512);
		assert_cdb_field(&cmd, is_16 ? 10 : 7, -1); /* WSNZ */
		cmd_out(&cmd, &rig, cdb, same_cdb(cdb, is_16, 8, 8, 1), block, 512);
		assert_cdb_field(&cmd, 1, 3); /* UNMAP where nothing can be */
		cmd_out(&cmd, &rig, cdb, same_cdb(cdb, is_16, 0x10, 8, 1), block, 512);
		assert_cdb_field(&cmd, 1, 4); /* ANCHOR */
		cmd_out(&cmd, &rig, cdb, same_cdb(cdb, is_16, 0, 8, 1), block, 256);
		assert_condition(&cmd, SCSI_IS_BAD_INFORMATION_UNIT);
		cmd_out(&cmd, &rig, cdb, same_cdb(cdb, is_16, 0, 8, 1), block, 1024);
		assert_condition(&cmd, SCSI_IS_BAD_INFORMATION_UNIT);
	}
	assert_int_equal(rig.fake->count[GW_WRITE] + rig.fake->count[GW_ZERO], 0);
	scsi_rig_down(&rig);
}

/* The limit that VPD B0h tells, on a disk that would be long enough. */
static void too_long(void **state)
{
	uint32_t max = (1u << 30) / 512;
	struct gw_facts *facts;
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	facts = &scsi_rig_unit(&rig)->itl->facts;
	facts->size_bytes = 1ull << 40;
	cmd_out(&cmd, &rig, cdb, same_cdb(cdb, true, 0, 0, max + 1), block, 512);
	assert_cdb_field(&cmd, 10, -1);
	cmd_init(&cmd, &rig, cdb, 0, 0, block, 512);
	same_cdb(cmd.task.cdb, true, 0, 0, max);
	rig.by_hand = true;
	cmd_start(&cmd);
	assert_int_equal(cmd.wanted, 512);
	scsi_task_leave(&cmd.task);
	facts->size_bytes = DISK_BYTES;
	scsi_rig_down(&rig);
}

static void medium_error(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	memset(block, 0x44, 512);
	rig.fake->fail_at = rig.fake->submitted + 2;
	rig.fake->fail_with = GW_MEDIUM_ERROR;
	cmd_out(&cmd, &rig, cdb, same_cdb(cdb, true, 0, 8, 8000), block, 512);
	assert_condition(&cmd, SCSI_IS_WRITE_ERROR);
	assert_int_equal(cmd_information(&cmd), 8 + 1024); /* behind eight tiles of 64 KiB */
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(writes_the_same), cmocka_unit_test(zero_and_unmap),
	     cmocka_unit_test(refusals), cmocka_unit_test(too_long), cmocka_unit_test(medium_error))
