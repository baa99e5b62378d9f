/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_thin_test.c - UNMAP with every malformed list, and GET LBA STATUS.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/unit/translators/scsi/scsi_rig.h"

static uint8_t list[8 + 16 * 300];

static void describe(unsigned i, uint64_t lba, uint32_t blocks)
{
	be64_put(list + 8 + 16 * i, lba);
	be32_put(list + 16 + 16 * i, blocks);
}

static void heads(unsigned n)
{
	be16_put(list, (uint16_t)(6 + 16 * n));
	be16_put(list + 2, (uint16_t)(16 * n));
}

static uint8_t unmap(struct cmd *cmd, struct scsi_rig *rig, unsigned bytes)
{
	uint8_t cdb[10] = { 0x42 };

	be16_put(cdb + 7, (uint16_t)bytes);
	return cmd_out(cmd, rig, cdb, 10, list, bytes);
}

static void unmaps(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	for (unsigned n = 0; n <= 256; n += n < 4 ? 1 : 63) {
		memset(list, 0, sizeof(list));
		memset(rig.fake->bytes, 0xee, DISK_BYTES);
		memset(rig.fake->hole, 0, DISK_BYTES / FAKE_UNIT);
		heads(n);
		for (unsigned i = 0; i < n; i++)
			describe(i, i * 16 + 3, i % 8);
		rig.fake->when = n % 2 ? FAKE_LATER : FAKE_INSIDE;
		assert_int_equal(unmap(&cmd, &rig, 8 + 16 * n), SCSI_GOOD);
		for (unsigned i = 0; i < n; i++)
			for (unsigned b = 0; b < 16; b++)
				assert_int_equal(rig.fake->hole[i * 16 + b],
						 b >= 3 && b < 3 + i % 8);
	}
	assert_int_equal(unmap(&cmd, &rig, 0), SCSI_GOOD);
	scsi_rig_down(&rig);
}

static void malformed(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	memset(list, 0, sizeof(list));
	heads(2);
	describe(0, 0, 8);
	describe(1, 8, 8);
	for (unsigned n = 1; n < 40; n++) {
		unmap(&cmd, &rig, n);
		assert_condition(&cmd, SCSI_IS_BAD_LIST_LENGTH);
	}
	/* a length in the list that cuts a descriptor: it is ignored */
	be16_put(list + 2, 31);
	memset(rig.fake->hole, 0, DISK_BYTES / FAKE_UNIT);
	assert_int_equal(unmap(&cmd, &rig, 40), SCSI_GOOD);
	assert_int_equal(rig.fake->hole[0], 1);
	assert_int_equal(rig.fake->hole[8], 0);
	/* more than there may be */
	assert_int_equal(unmap(&cmd, &rig, 8 + 16 * 256 + 1), SCSI_CHECK_CONDITION);
	assert_cdb_field(&cmd, 7, -1);
	/* beyond the end, in the last: none is obeyed */
	memset(rig.fake->hole, 0, DISK_BYTES / FAKE_UNIT);
	heads(2);
	describe(1, DISK_BYTES / 512 - 1, 2);
	unmap(&cmd, &rig, 40);
	assert_condition(&cmd, SCSI_IS_BAD_LBA);
	describe(1, UINT64_MAX, UINT32_MAX);
	unmap(&cmd, &rig, 40);
	assert_condition(&cmd, SCSI_IS_BAD_LBA);
	assert_int_equal(rig.fake->hole[0], 0);
	/* nothing, at the very end and behind it */
	describe(1, DISK_BYTES / 512, 0);
	assert_int_equal(unmap(&cmd, &rig, 40), SCSI_GOOD);
	describe(1, DISK_BYTES / 512 + 1, 0);
	unmap(&cmd, &rig, 40);
	assert_condition(&cmd, SCSI_IS_BAD_LBA);
	scsi_rig_down(&rig);
}

static void no_unmap(struct gw_store_info *info)
{
	info->can &= ~GW_STORE_CAN(GW_UNMAP);
}

static void where_it_cannot_be(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up_with(&rig, 512, false, no_unmap, false, NULL);
	unmap(&cmd, &rig, 24);
	assert_condition(&cmd, SCSI_IS_BAD_OPCODE);
	scsi_rig_down(&rig);
	/* a store that changes its mind: it stays mapped, no error */
	scsi_rig_up(&rig, 512);
	rig.fake->native_says = GW_UNSUPPORTED;
	memset(list, 0, sizeof(list));
	heads(1);
	describe(0, 0, 8);
	assert_int_equal(unmap(&cmd, &rig, 24), SCSI_GOOD);
	rig.fake->native_says = GW_STORE_ERROR;
	unmap(&cmd, &rig, 24);
	assert_condition(&cmd, SCSI_IS_TARGET_FAILURE);
	rig.fake->native_says = GW_OK;
	scsi_rig_down(&rig);
}

/* ---- GET LBA STATUS ------------------------------------------------------- */

static uint8_t lba_status(struct cmd *cmd, struct scsi_rig *rig, uint64_t lba, uint32_t room)
{
	uint8_t cdb[16] = { 0x9e, 0x12 };

	be64_put(cdb + 2, lba);
	be32_put(cdb + 10, room);
	return cmd_in(cmd, rig, cdb, 16, room);
}

static void holes(void **state)
{
	static const uint32_t sizes[] = { 512, 4096 };
	struct scsi_rig rig;
	struct cmd cmd;

	for (unsigned s = 0; s < 2; s++) {
		uint32_t block = sizes[s], per = block / FAKE_UNIT, all = DISK_BYTES / block;

		scsi_rig_up(&rig, block);
		memset(rig.fake->hole, 0, DISK_BYTES / FAKE_UNIT);
		/* holes from 1.5 to 4.5 blocks where blocks are long: 2 and 3 count */
		memset(rig.fake->hole + 2 * per - per / 2, 1, 2 * per + per / 2 * 2);
		for (uint64_t lba = 0; lba < 6; lba++) {
			rig.refuse = lba % 2;
			assert_int_equal(lba_status(&cmd, &rig, lba, 4096), SCSI_GOOD);
			for (uint64_t at = 8, next = lba; at < cmd.in_bytes; at += 16) {
				uint32_t n = be32_get(cmd.in + at + 8);

				assert_int_equal(be64_get(cmd.in + at), next);
				assert_true(n > 0);
				assert_int_equal(cmd.in[at + 12], next >= 2 && next < 4);
				next += n;
				if (at + 16 == cmd.in_bytes)
					assert_int_equal(next, all);
			}
			assert_int_equal(be32_get(cmd.in), cmd.in_bytes - 4);
			cmd_free(&cmd);
		}
		scsi_rig_down(&rig);
	}
}

static void little_room(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	for (unsigned i = 0; i < DISK_BYTES / FAKE_UNIT; i++)
		rig.fake->hole[i] = i % 2;
	for (uint32_t room = 0; room < 100; room++) {
		uint32_t n = room < 24 ? 1 : (room - 8) / 16;

		assert_int_equal(lba_status(&cmd, &rig, 10, room), SCSI_GOOD);
		assert_int_equal(cmd.in_bytes, room < 8 + 16 * n ? room : 8 + 16 * n);
		if (room >= 4)
			assert_int_equal(be32_get(cmd.in), 4 + 16 * n);
		if (room >= 24)
			assert_int_equal(be32_get(cmd.in + 16), 1);
		cmd_free(&cmd);
	}
	/* as many as fit a page */
	assert_int_equal(lba_status(&cmd, &rig, 0, 1 << 20), SCSI_GOOD);
	assert_true(cmd.in_bytes > 3000 && cmd.in_bytes <= 4096);
	cmd_free(&cmd);
	lba_status(&cmd, &rig, DISK_BYTES / 512, 100);
	assert_condition(&cmd, SCSI_IS_BAD_LBA);
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(unmaps), cmocka_unit_test(malformed),
	     cmocka_unit_test(where_it_cannot_be), cmocka_unit_test(holes),
	     cmocka_unit_test(little_room))
