/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_opcodes_test.c - REPORT SUPPORTED OPERATION CODES holds what it says: each
 * command of the list runs, each usage is the dispatcher's, each option answers.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/unit/translators/scsi/scsi_rig.h"
#include "translators/scsi/scsi_cmds.h"

static uint8_t report(struct cmd *cmd, struct scsi_rig *rig, uint8_t options, uint8_t opcode,
		      uint16_t action)
{
	uint8_t cdb[12] = { 0xa3, 0x0c, options, opcode };

	be16_put(cdb + 4, action);
	be32_put(cdb + 6, 65536);
	return cmd_in(cmd, rig, cdb, 12, 65536);
}

static void no_unmap(struct gw_store_info *info)
{
	info->can &= ~GW_STORE_CAN(GW_UNMAP);
}

static void lists_all(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;

	for (unsigned unmap = 0; unmap < 2; unmap++)
		for (unsigned rctd = 0; rctd < 2; rctd++) {
			unsigned size = rctd ? 20 : 8, n = 0;
			const struct scsi_row *row;

			scsi_rig_up_with(&rig, 512, false, unmap ? NULL : no_unmap, false, NULL);
			assert_int_equal(report(&cmd, &rig, rctd ? 0x80 : 0, 0, 0), SCSI_GOOD);
			assert_int_equal(be32_get(cmd.in), cmd.in_bytes - 4);
			for (unsigned i = 0; (row = scsi_cmds_nth(i)); i++) {
				const uint8_t *d = cmd.in + 4 + size * n;
				bool action = row->action != SCSI_NO_ACTION;

				if (!row->run || (row->opcode == 0x42 && !unmap))
					continue;
				n++;
				assert_int_equal(d[0], row->opcode);
				assert_int_equal(be16_get(d + 2), action ? row->action : 0);
				assert_int_equal(d[5], (rctd ? 2 : 0) | action);
				assert_int_equal(be16_get(d + 6), row->cdb_bytes);
				if (rctd)
					assert_memory_equal(d + 8, "\0\x0a\0\0\0\0\0\0\0\0\0\0",
							    12);
			}
			assert_int_equal(cmd.in_bytes, 4 + size * n);
			cmd_free(&cmd);
			scsi_rig_down(&rig);
		}
}

static void tells_of_one(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	for (unsigned opcode = 0; opcode < 256; opcode++)
		for (unsigned action = 0; action < 32; action++)
			for (unsigned option = 1; option < 8; option++) {
				const struct scsi_row *row =
					scsi_cmds_find((uint8_t)opcode, (uint16_t)action);
				bool actions = scsi_cmds_has_actions((uint8_t)opcode);
				bool there = row && row->run;

				report(&cmd, &rig, (uint8_t)option, (uint8_t)opcode,
				       (uint16_t)action);
				if (option > 3) {
					assert_cdb_field(&cmd, 2, 2);
				} else if ((option == 1 && actions) ||
					   (option == 2 && !actions && there)) {
					assert_cdb_field(&cmd, 4, -1);
				} else if (!there) {
					assert_int_equal(cmd.in_bytes, 4);
					assert_memory_equal(cmd.in, "\0\1\0\0", 4);
				} else {
					assert_int_equal(cmd.in_bytes, 4 + row->cdb_bytes);
					assert_int_equal(cmd.in[1], 3);
					assert_int_equal(be16_get(cmd.in + 2), row->cdb_bytes);
					assert_memory_equal(cmd.in + 4, row->usage, row->cdb_bytes);
				}
				cmd_free(&cmd);
			}
	report(&cmd, &rig, 0x81, 0x28, 0); /* RCTD */
	assert_int_equal(cmd.in_bytes, 4 + 10 + 12);
	assert_int_equal(cmd.in[1], 0x83);
	assert_memory_equal(cmd.in + 14, "\0\x0a\0\0\0\0\0\0\0\0\0\0", 12);
	cmd_free(&cmd);
	scsi_rig_down(&rig);
}

static void task_management(void **state)
{
	uint8_t cdb[12] = { 0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 255 };
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	assert_int_equal(cmd_in(&cmd, &rig, cdb, 12, 255), SCSI_GOOD);
	assert_int_equal(cmd.in_bytes, 4);
	assert_memory_equal(cmd.in, "\xfc\x07\0\0", 4);
	cmd_free(&cmd);
	cdb[2] = 0x80; /* REPD */
	assert_int_equal(cmd_in(&cmd, &rig, cdb, 12, 255), SCSI_GOOD);
	assert_int_equal(cmd.in_bytes, 16);
	assert_memory_equal(cmd.in, "\xfc\x07\0\x0c\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	cmd_free(&cmd);
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(lists_all), cmocka_unit_test(tells_of_one),
	     cmocka_unit_test(task_management))
