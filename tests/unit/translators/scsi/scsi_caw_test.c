/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_caw_test.c - COMPARE AND WRITE: what it finds, what it writes, where the
 * first difference lies, and that nothing comes between.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/unit/translators/scsi/scsi_rig.h"

static uint8_t both[1 << 17];

static void caw_cdb(uint8_t *cdb, uint64_t lba, uint8_t blocks, uint8_t flags)
{
	memset(cdb, 0, 16);
	cdb[0] = 0x89;
	cdb[1] = flags;
	be64_put(cdb + 2, lba);
	cdb[13] = blocks;
}

static void fill(struct scsi_rig *rig, uint32_t bytes)
{
	for (uint32_t i = 0; i < sizeof(both); i++)
		both[i] = (uint8_t)(i * 7 + i / 512);
	memcpy(rig->fake->bytes + 3 * rig->block, both, bytes);
	memset(rig->fake->bytes + 3 * rig->block + bytes, 0xee, 512);
}

static void compares_and_writes(void **state)
{
	static const uint32_t blocks[] = { 512, 4096, 65536 };
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	for (unsigned b = 0; b < 3; b++) {
		uint32_t max = 65536 / blocks[b] > 255 ? 255 : 65536 / blocks[b];

		scsi_rig_up(&rig, blocks[b]);
		for (uint32_t n = 1; n <= max; n = n * 2 < max ? n * 2 : n == max ? n + 1 : max) {
			uint32_t bytes = n * blocks[b];

			fill(&rig, bytes);
			memset(both + bytes, 0x77, bytes);
			caw_cdb(cdb, 3, (uint8_t)n, 0);
			assert_int_equal(cmd_out(&cmd, &rig, cdb, 16, both, 2 * bytes), SCSI_GOOD);
			assert_memory_equal(rig.fake->bytes + 3 * blocks[b], both + bytes, bytes);
			assert_int_equal(rig.fake->bytes[3 * blocks[b] + bytes], 0xee);
			/* again: it is not there any more, and the first byte says so */
			cmd_out(&cmd, &rig, cdb, 16, both, 2 * bytes);
			assert_condition(&cmd, SCSI_IS_MISCOMPARE);
			assert_int_equal(cmd_information(&cmd), both[0] == 0x77);
		}
		caw_cdb(cdb, 3, (uint8_t)(max + 1), 0);
		if (max < 255) {
			cmd_out(&cmd, &rig, cdb, 16, both, sizeof(both));
			assert_cdb_field(&cmd, 13, -1);
		}
		scsi_rig_down(&rig);
	}
}

static void tells_where(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	caw_cdb(cdb, 3, 4, 0);
	for (uint32_t at = 0; at < 2048; at += at < 2013 ? 61 : 34) { /* the last byte, too */
		fill(&rig, 2048);
		memset(both + 2048, 0, 2048);
		rig.fake->bytes[3 * 512 + at] ^= 0x80;
		cmd_out(&cmd, &rig, cdb, 16, both, 4096);
		assert_condition(&cmd, SCSI_IS_MISCOMPARE);
		assert_int_equal(cmd_information(&cmd), at);
		assert_int_equal(rig.fake->bytes[3 * 512 + 2047],
				 at == 2047 ? both[2047] ^ 0x80 : both[2047]);
	}
	scsi_rig_down(&rig);
}

static void lengths(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	fill(&rig, 1024);
	caw_cdb(cdb, 3, 0, 0);
	assert_int_equal(cmd_none(&cmd, &rig, cdb, 16), SCSI_GOOD); /* nothing, no error */
	cmd_out(&cmd, &rig, cdb, 16, both, 1024); /* 256 blocks: the byte has wrapped */
	assert_cdb_field(&cmd, 13, -1);
	caw_cdb(cdb, 3, 1, 0);
	for (uint32_t bytes = 0; bytes <= 2048; bytes += 256) {
		if (bytes == 1024)
			continue;
		cmd_out(&cmd, &rig, cdb, 16, both, bytes);
		assert_condition(&cmd, SCSI_IS_BAD_INFORMATION_UNIT);
		assert_int_equal(cmd.task.out_bytes, 1024);
	}
	assert_int_equal(rig.fake->count[GW_WRITE], 0);
	scsi_rig_down(&rig);
}

/* Two at once for the same block: one of them must lose. */
static void one_wins(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd[2];
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	rig.fake->when = FAKE_LATER;
	for (unsigned i = 0; i < 50; i++) {
		fill(&rig, 512);
		memset(both + 512, 0x11, 512);
		caw_cdb(cdb, 3, 1, i % 2 ? 0x08 : 0);
		for (unsigned j = 0; j < 2; j++) {
			cmd_init(&cmd[j], &rig, cdb, 16, 0, both, 1024);
			cmd_start(&cmd[j]);
		}
		cmd_settle(&cmd[0]);
		cmd_settle(&cmd[1]);
		assert_int_equal(
			(cmd[0].task.status == SCSI_GOOD) + (cmd[1].task.status == SCSI_GOOD), 1);
	}
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(compares_and_writes), cmocka_unit_test(tells_where),
	     cmocka_unit_test(lengths), cmocka_unit_test(one_wins))
