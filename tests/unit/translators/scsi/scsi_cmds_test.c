/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_cmds_test.c - the command table keeps its own rules, and its look-ups find
 * every row and nothing else; fields of CDBs.
 */
#include "config.h"

#include "translators/scsi/scsi_cmds.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/harness/harness.h"
#include "translators/scsi/scsi_cdb.h"

/* SPC-4 4.3.2: the length by the group of the operation code. */
static unsigned length_of(uint8_t opcode)
{
	static const unsigned lengths[8] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	return opcode == 0x7f ? 32 : lengths[opcode >> 5];
}

static void rows_are_sound(void **state)
{
	const struct scsi_row *row, *before = NULL;
	unsigned n = 0, done = 0;

	for (; (row = scsi_cmds_nth(n)); n++, before = row) {
		uint16_t key = row->action == SCSI_NO_ACTION ? 0 : row->action;

		assert_int_equal(row->cdb_bytes, length_of(row->opcode));
		assert_int_equal(row->usage[0], row->opcode);
		assert_true(row->span < SCSI_SPAN_COUNT && row->rsv < GW_RSV_CLASS_COUNT);
		assert_non_null(row->name);
		assert_true(!strncmp(row->clause, "SPC-", 4) || !strncmp(row->clause, "SBC-", 4));
		if (before)
			assert_true(before->opcode < row->opcode ||
				    (before->opcode == row->opcode && before->action < key));
		assert_ptr_equal(scsi_cmds_find(row->opcode, row->action), row);
		if (!row->run)
			continue;
		done++;
		/* the control byte: NACA and all else refused */
		assert_int_equal(row->usage[row->cdb_bytes - 1], 0);
		if (row->action != SCSI_NO_ACTION)
			assert_int_equal(row->usage[1] & 0x1f, row->action);
		if (row->flags & SCSI_ROW_CHANGES)
			assert_int_equal(row->rsv, GW_RSV_WRITE);
	}
	assert_null(scsi_cmds_nth(n + 1));
	assert_true(n > 80 && done > 35);
}

static void finds_nothing_else(void **state)
{
	for (unsigned opcode = 0; opcode < 256; opcode++)
		for (unsigned action = 0; action < 64; action++) {
			const struct scsi_row *row =
				scsi_cmds_find((uint8_t)opcode, (uint16_t)action);

			if (row)
				assert_true(
					row->opcode == opcode &&
					(row->action == action || row->action == SCSI_NO_ACTION));
		}
	assert_null(scsi_cmds_find(0xff, 0));
	assert_null(scsi_cmds_find(0x9e, 0x11));
	assert_null(scsi_cmds_find(0x9e, SCSI_NO_ACTION));
	assert_true(scsi_cmds_has_actions(0x9e));
	assert_true(scsi_cmds_has_actions(0xa3));
	assert_false(scsi_cmds_has_actions(0x5e)); /* none that we can do */
	assert_false(scsi_cmds_has_actions(0x28));
	assert_false(scsi_cmds_has_actions(0xff));
}

static void short_cdbs(void **state)
{
	uint8_t cdb[32] = { 0x7f };

	be16_put(cdb + 8, 0x0009);
	assert_null(scsi_cmds_of(cdb, 0));
	assert_null(scsi_cmds_of(cdb, 9));
	assert_non_null(scsi_cmds_of(cdb, 10));
	cdb[0] = 0x9e;
	cdb[1] = 0x10;
	assert_null(scsi_cmds_of(cdb, 1));
	assert_non_null(scsi_cmds_of(cdb, 2));
}

static void spans(void **state)
{
	uint8_t cdb[16];
	struct scsi_blocks b;

	for (unsigned i = 0; i < 16; i++)
		cdb[i] = (uint8_t)(0xf0 + i);
	b = scsi_cdb_blocks(cdb, SCSI_SPAN_6);
	assert_int_equal(b.lba, 0x11f2f3);
	assert_int_equal(b.blocks, 0xf4);
	b = scsi_cdb_blocks(cdb, SCSI_SPAN_10);
	assert_int_equal(b.lba, 0xf2f3f4f5);
	assert_int_equal(b.blocks, 0xf7f8);
	b = scsi_cdb_blocks(cdb, SCSI_SPAN_12);
	assert_int_equal(b.lba, 0xf2f3f4f5);
	assert_int_equal(b.blocks, 0xf6f7f8f9);
	b = scsi_cdb_blocks(cdb, SCSI_SPAN_16);
	assert_int_equal(b.lba, 0xf2f3f4f5f6f7f8f9ull);
	assert_int_equal(b.blocks, 0xfafbfcfd);
	b = scsi_cdb_blocks(cdb, SCSI_SPAN_CAW);
	assert_int_equal(b.lba, 0xf2f3f4f5f6f7f8f9ull);
	assert_int_equal(b.blocks, 0xfd);
	b = scsi_cdb_blocks(cdb, SCSI_SPAN_LBA);
	assert_int_equal(b.blocks, 1);
	b = scsi_cdb_blocks(cdb, SCSI_SPAN_NONE);
	assert_int_equal(b.lba | b.blocks, 0);
	b = scsi_cdb_blocks(cdb, SCSI_SPAN_COUNT);
	assert_int_equal(b.lba | b.blocks, 0);
	cdb[4] = 0;
	assert_int_equal(scsi_cdb_blocks(cdb, SCSI_SPAN_6).blocks, 256);
}

HARNESS_MAIN(cmocka_unit_test(rows_are_sound), cmocka_unit_test(finds_nothing_else),
	     cmocka_unit_test(short_cdbs), cmocka_unit_test(spans))
