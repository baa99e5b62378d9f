/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_cap_test.c - READ CAPACITY and the commands that are one request or none.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/unit/translators/scsi/scsi_rig.h"

static void no_unmap(struct gw_store_info *info)
{
	info->can &= ~GW_STORE_CAN(GW_UNMAP);
}

static void capacity_of(uint32_t block, bool unmap)
{
	uint8_t ten[10] = { 0x25 }, sixteen[16] = { 0x9e, 0x10 };
	uint8_t exponent = block == 512 ? 3 : block == 1024 ? 2 : 0;
	uint8_t want[32] = { 0 };
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up_with(&rig, block, false, unmap ? NULL : no_unmap, false, NULL);
	assert_int_equal(cmd_in(&cmd, &rig, ten, 10, 8), SCSI_GOOD);
	assert_int_equal(cmd.in_bytes, 8);
	assert_int_equal(be32_get(cmd.in), DISK_BYTES / block - 1);
	assert_int_equal(be32_get(cmd.in + 4), block);
	cmd_free(&cmd);
	be64_put(want, DISK_BYTES / block - 1);
	be32_put(want + 8, block);
	want[13] = exponent;
	want[14] = unmap ? 0xc0 : 0;
	for (uint32_t room = 0; room < 40; room++) {
		be32_put(sixteen + 10, room);
		assert_int_equal(cmd_in(&cmd, &rig, sixteen, 16, 40), SCSI_GOOD);
		assert_int_equal(cmd.in_bytes, room < 32 ? room : 32);
		if (room)
			assert_memory_equal(cmd.in, want, cmd.in_bytes);
		cmd_free(&cmd);
	}
	scsi_rig_down(&rig);
}

static void capacities(void **state)
{
	capacity_of(512, true);
	capacity_of(512, false);
	capacity_of(1024, true);
	capacity_of(4096, true);
	capacity_of(65536, true);
}

static void cached(struct gw_store_info *info)
{
	info->volatile_cache = true;
}

/* Bytes 1 and 4 of the CDB: what each combination does. */
static void flushes(void **state)
{
	static const struct {
		uint8_t opcode, bytes, first, fourth;
		bool flush;
	} cases[] = {
		{ 0x35, 10, 0, 0, true }, { 0x35, 10, 2, 0, true }, { 0x91, 16, 0, 0, true },
		{ 0x91, 16, 2, 0, true }, { 0x1b, 6, 0, 0, true },  { 0x1b, 6, 1, 0, true },
		{ 0x1b, 6, 0, 1, false }, { 0x1b, 6, 0, 4, false }, { 0x1b, 6, 0, 3, false },
		{ 0x00, 6, 0, 0, false },
	};
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up_with(&rig, 512, false, cached, false, NULL);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t cdb[16] = { cases[i].opcode, cases[i].first, 0, 0, cases[i].fourth };
		uint64_t before = rig.fake->count[GW_FLUSH];

		assert_int_equal(cmd_none(&cmd, &rig, cdb, cases[i].bytes), SCSI_GOOD);
		assert_int_equal(rig.fake->count[GW_FLUSH] - before, cases[i].flush);
	}
	rig.fake->fail_at = rig.fake->submitted + 1;
	rig.fake->fail_with = GW_STORE_ERROR;
	{
		uint8_t cdb[10] = { 0x35 };

		cmd_none(&cmd, &rig, cdb, 10);
		assert_int_equal(cmd.task.status, SCSI_CHECK_CONDITION);
	}
	scsi_nexus_leave(rig.nexus);
	rig.fake->when = FAKE_INSIDE;
	scsi_nexus_close(&rig.nexus);
	rig_settle(&rig.core);
	rig_remove(&rig.core, "disk", 60000, NULL); /* tells of the flush that failed */
	rig_end(&rig.core);
	fake_store_free(&rig.fake);
}

static void prefetches(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	for (unsigned imm = 0; imm < 3; imm += 2)
		for (uint8_t blocks = 0; blocks < 3; blocks++) {
			uint8_t ten[10] = { 0x34, (uint8_t)imm, 0, 0, 0, 9, 0, 0, blocks, 0 };
			uint8_t sixteen[16] = { 0x90, (uint8_t)imm, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0,
						0,    blocks };
			uint64_t before = rig.fake->count[GW_PREFETCH];

			assert_int_equal(cmd_none(&cmd, &rig, ten, 10), SCSI_GOOD);
			assert_int_equal(cmd_none(&cmd, &rig, sixteen, 16), SCSI_GOOD);
			assert_int_equal(rig.fake->count[GW_PREFETCH] - before, 2);
		}
	rig.fake->native_says = GW_UNSUPPORTED;
	{
		uint8_t ten[10] = { 0x34 };

		assert_int_equal(cmd_none(&cmd, &rig, ten, 10), SCSI_GOOD);
	}
	rig.fake->native_says = GW_OK;
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(capacities), cmocka_unit_test(flushes), cmocka_unit_test(prefetches))
