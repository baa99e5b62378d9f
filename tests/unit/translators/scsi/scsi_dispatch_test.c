/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_dispatch_test.c - the checks by row and their order: every reserved bit of
 * every command, short CDBs, unknown LUNs, attentions, volumes that are away or
 * write protected, and every edge of the disk.
 */
#include "config.h"

#include "translators/scsi/scsi_dispatch.h"

#include <errno.h>
#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/table.h"
#include "tests/unit/translators/scsi/scsi_rig.h"
#include "translators/scsi/scsi_cmds.h"
#include "translators/scsi/scsi_row.h"

static const uint8_t zeroes[4096];

static void bare_cdb(const struct scsi_row *row, uint8_t *cdb)
{
	memset(cdb, 0, 32);
	cdb[0] = row->opcode;
	if (row->action != SCSI_NO_ACTION && row->opcode == 0x7f)
		be16_put(cdb + 8, row->action);
	else if (row->action != SCSI_NO_ACTION)
		cdb[1] = (uint8_t)row->action;
	if (row->opcode == 0x1a || row->opcode == 0x5a)
		cdb[2] = 0x3f; /* MODE SENSE: all pages */
}

static bool is_action_bit(const struct scsi_row *row, unsigned byte, unsigned bit)
{
	return row->action != SCSI_NO_ACTION && byte == 1 && bit < 5;
}

/* Each bit that has no meaning, alone: INVALID FIELD IN CDB, byte and bit told. */
static void every_reserved_bit(void **state)
{
	const struct scsi_row *row;
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[32];
	unsigned tried = 0;

	scsi_rig_up(&rig, 512);
	for (unsigned i = 0; (row = scsi_cmds_nth(i)); i++)
		for (unsigned byte = 1; row->run && byte < row->cdb_bytes; byte++)
			for (unsigned bit = 0; bit < 8; bit++) {
				if (row->usage[byte] >> bit & 1 || is_action_bit(row, byte, bit))
					continue;
				bare_cdb(row, cdb);
				cdb[byte] |= (uint8_t)(1 << bit);
				cmd_out(&cmd, &rig, cdb, 32, zeroes, sizeof(zeroes));
				assert_cdb_field(&cmd, byte, (int)bit);
				tried++;
			}
	assert_true(tried > 900);
	/* of several the first byte, and in it the leftmost bit */
	bare_cdb(scsi_cmds_find(0x00, 0), cdb);
	cdb[2] = 0x30;
	cdb[5] = 0x80;
	cmd_none(&cmd, &rig, cdb, 16);
	assert_cdb_field(&cmd, 2, 5);
	scsi_rig_down(&rig);
}

static void short_cdbs(void **state)
{
	const struct scsi_row *row;
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[32];

	scsi_rig_up(&rig, 512);
	for (unsigned i = 0; (row = scsi_cmds_nth(i)); i++)
		for (unsigned n = 0; row->run && n < row->cdb_bytes; n++) {
			bare_cdb(row, cdb);
			cmd_init(&cmd, &rig, cdb, 16, 0, NULL, 0);
			cmd.task.cdb_bytes = (uint16_t)n;
			assert_int_equal(cmd_run(&cmd), SCSI_CHECK_CONDITION);
			assert_int_equal(cmd_key(&cmd), 5);
		}
	scsi_rig_down(&rig);
}

/* Planned, and not there yet: like an operation code that nobody knows. */
static void what_is_not_there(void **state)
{
	const struct scsi_row *row;
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[32];

	scsi_rig_up(&rig, 512);
	for (unsigned i = 0; (row = scsi_cmds_nth(i)); i++) {
		if (row->run)
			continue;
		bare_cdb(row, cdb);
		cmd_none(&cmd, &rig, cdb, 32);
		assert_condition(&cmd, SCSI_IS_BAD_OPCODE);
	}
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		memset(cdb, 0, sizeof(cdb));
		cdb[0] = (uint8_t)opcode;
		if (scsi_cmds_of(cdb, 16))
			continue;
		cmd_none(&cmd, &rig, cdb, 16);
		if (scsi_cmds_has_actions(cdb[0])) /* a service action that nobody knows */
			assert_cdb_field(&cmd, 1, 4);
		else
			assert_condition(&cmd, SCSI_IS_BAD_OPCODE);
	}
	scsi_rig_down(&rig);
}

/* SAM-5 5.11 */
static void no_such_unit(void **state)
{
	static const uint8_t luns[][8] = {
		{ 0, 1 },
		{ 0x40, 0x01 },
		{ 0x7f, 0xff },
		{ 0x80, 0 },
		{ 0xc1, 0x01 },
		{ 0, 0, 1 },
		{ 0, 0, 0, 0, 0, 0, 0, 1 },
	};
	const struct scsi_row *row;
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[32];

	scsi_rig_up_with(&rig, 512, false, NULL, true, NULL);
	for (unsigned l = 0; l < TABLE_LEN(luns); l++)
		for (unsigned i = 0; (row = scsi_cmds_nth(i)); i++) {
			bare_cdb(row, cdb);
			cmd_init(&cmd, &rig, cdb, 32, 4096, zeroes, 512);
			memcpy(cmd.task.lun, luns[l], 8);
			cmd_run(&cmd);
			if (row->flags & SCSI_ROW_ANY_LUN)
				assert_int_equal(cmd.task.status, SCSI_GOOD);
			else
				assert_condition(&cmd, SCSI_IS_BAD_LUN);
			cmd_free(&cmd);
		}
	/* LUN 0 has still its attention to tell */
	bare_cdb(scsi_cmds_find(0x00, 0), cdb);
	cmd_none(&cmd, &rig, cdb, 6);
	assert_condition(&cmd, SCSI_UA_RESET);
	scsi_rig_down(&rig);
}

/* SAM-5 5.14.1: before anything else of the command is looked at. */
static void attention_first(void **state)
{
	const struct scsi_row *row;
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[32];

	scsi_rig_up(&rig, 512);
	for (unsigned i = 0; (row = scsi_cmds_nth(i)); i++) {
		bare_cdb(row, cdb);
		if (!(row->flags & SCSI_ROW_NO_UA))
			cdb[row->cdb_bytes - 1] = 0xff; /* would be refused */
		scsi_rig_unit(&rig)->attentions = 1u << SCSI_UA_MODE_CHANGED;
		cmd_init(&cmd, &rig, cdb, 32, 4096, NULL, 0);
		cmd_run(&cmd);
		if (row->flags & SCSI_ROW_NO_UA) {
			assert_int_equal(cmd.task.status, SCSI_GOOD);
		} else {
			assert_condition(&cmd, SCSI_UA_MODE_CHANGED);
			assert_int_equal(scsi_rig_unit(&rig)->attentions, 0);
		}
		cmd_free(&cmd);
	}
	/* an operation code that nobody knows, too */
	scsi_rig_unit(&rig)->attentions = 1u << SCSI_UA_MODE_CHANGED;
	memset(cdb, 0xff, sizeof(cdb));
	cmd_none(&cmd, &rig, cdb, 16);
	assert_condition(&cmd, SCSI_UA_MODE_CHANGED);
	cmd_none(&cmd, &rig, cdb, 16);
	assert_condition(&cmd, SCSI_IS_BAD_OPCODE);
	scsi_rig_down(&rig);
}

static void volume_is_away(void **state)
{
	const struct scsi_row *row;
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[32];

	scsi_rig_up(&rig, 512);
	rig.fake->refresh_rc = -ENODEV;
	rig_refresh(&rig.core, "disk");
	assert_int_equal(scsi_unit_facts(scsi_rig_unit(&rig))->state, GW_VOLUME_OFFLINE);
	for (unsigned i = 0; (row = scsi_cmds_nth(i)); i++) {
		if (!row->run)
			continue;
		bare_cdb(row, cdb);
		cmd_init(&cmd, &rig, cdb, 32, 4096, NULL, 0);
		cmd_run(&cmd);
		if (row->flags & SCSI_ROW_OFFLINE)
			assert_int_equal(cmd.task.status, SCSI_GOOD);
		else
			assert_condition(&cmd, SCSI_IS_BECOMING_READY);
		cmd_free(&cmd);
	}
	rig.fake->refresh_rc = 0;
	assert_int_equal(rig_refresh(&rig.core, "disk"), 0);
	bare_cdb(scsi_cmds_find(0x00, 0), cdb);
	cmd_none(&cmd, &rig, cdb, 6);
	assert_condition(&cmd, SCSI_UA_BECAME_READY);
	assert_int_equal(cmd_none(&cmd, &rig, cdb, 6), SCSI_GOOD);
	scsi_rig_down(&rig);
}

static void write_protected(void **state)
{
	const struct scsi_row *row;
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[32];

	scsi_rig_up_with(&rig, 512, true, NULL, false, NULL);
	for (unsigned i = 0; (row = scsi_cmds_nth(i)); i++) {
		if (!row->run)
			continue;
		bare_cdb(row, cdb);
		if (row->opcode == 0x15 || row->opcode == 0x55)
			continue; /* MODE SELECT does not write the medium */
		cmd_init(&cmd, &rig, cdb, 32, 4096, NULL, 0);
		cmd_run(&cmd);
		if (row->flags & SCSI_ROW_CHANGES)
			assert_condition(&cmd, SCSI_IS_WRITE_PROTECTED);
		else
			assert_int_equal(cmd.task.status, SCSI_GOOD);
		cmd_free(&cmd);
	}
	assert_int_equal(rig.fake->count[GW_WRITE] + rig.fake->count[GW_ZERO], 0);
	scsi_rig_down(&rig);
}

/* ---- the edges of the disk ------------------------------------------------ */

static void put_range(const struct scsi_row *row, uint8_t *cdb, uint64_t lba, uint32_t blocks)
{
	switch ((enum scsi_span)row->span) {
	case SCSI_SPAN_6:
		cdb[1] = (uint8_t)(lba >> 16 & 0x1f);
		be16_put(cdb + 2, (uint16_t)lba);
		cdb[4] = (uint8_t)blocks;
		break;
	case SCSI_SPAN_10:
		be32_put(cdb + 2, (uint32_t)lba);
		be16_put(cdb + 7, (uint16_t)blocks);
		break;
	case SCSI_SPAN_12:
		be32_put(cdb + 2, (uint32_t)lba);
		be32_put(cdb + 6, blocks);
		break;
	case SCSI_SPAN_16:
		be64_put(cdb + 2, lba);
		be32_put(cdb + 10, blocks);
		break;
	case SCSI_SPAN_CAW:
		be64_put(cdb + 2, lba);
		cdb[13] = (uint8_t)blocks;
		break;
	default:
		be64_put(cdb + 2, lba);
	}
}

static uint64_t largest_lba(const struct scsi_row *row)
{
	switch ((enum scsi_span)row->span) {
	case SCSI_SPAN_6:
		return 0x1fffff;
	case SCSI_SPAN_10:
	case SCSI_SPAN_12:
		return UINT32_MAX;
	default:
		return UINT64_MAX;
	}
}

static void beyond_the_end(void **state)
{
	const uint64_t end = DISK_BYTES / 512;
	const struct {
		uint64_t lba;
		uint32_t blocks;
	} bad[] = {
		{ end, 1 },	     { end - 1, 2 },	 { end + 1, 0 },
		{ end + 1, 1 },	     { end - 254, 255 }, { UINT64_MAX, 1 },
		{ UINT64_MAX, 255 }, { 1ull << 63, 1 },	 { UINT64_MAX - 254, 255 },
	};
	const struct scsi_row *row;
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[32];
	unsigned tried = 0;

	scsi_rig_up(&rig, 512);
	for (unsigned i = 0; (row = scsi_cmds_nth(i)); i++)
		for (unsigned j = 0; row->run && row->span && j < TABLE_LEN(bad); j++) {
			uint64_t lba = bad[j].lba;

			if (lba > largest_lba(row))
				lba = largest_lba(row);
			if (row->span == SCSI_SPAN_LBA && lba < end)
				continue;
			bare_cdb(row, cdb);
			put_range(row, cdb, lba, bad[j].blocks);
			cmd_init(&cmd, &rig, cdb, 32, 4096, zeroes, 4096);
			cmd_run(&cmd);
			assert_condition(&cmd, SCSI_IS_BAD_LBA);
			assert_int_equal(cmd_field(&cmd, true, -1),
					 row->span == SCSI_SPAN_6 ? 1 : 2);
			assert_int_equal(cmd.in_bytes, 0);
			tried++;
		}
	assert_true(tried > 150);
	/* at the very end, and nothing: no error */
	memset(cdb, 0, sizeof(cdb));
	cdb[0] = 0x88;
	be64_put(cdb + 2, end);
	assert_int_equal(cmd_in(&cmd, &rig, cdb, 16, 4096), SCSI_GOOD);
	scsi_rig_down(&rig);
}

static void attributes(void **state)
{
	static const uint8_t tur[6];
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	for (unsigned attr = 0; attr < 256; attr++) {
		cmd_init(&cmd, &rig, tur, 6, 0, NULL, 0);
		cmd.task.attr = (uint8_t)attr;
		cmd_run(&cmd);
		if (attr <= SCSI_HEAD_OF_QUEUE)
			assert_int_equal(cmd.task.status, SCSI_GOOD);
		else
			assert_condition(&cmd, SCSI_IS_BAD_MESSAGE);
	}
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(every_reserved_bit), cmocka_unit_test(short_cdbs),
	     cmocka_unit_test(what_is_not_there), cmocka_unit_test(no_such_unit),
	     cmocka_unit_test(attention_first), cmocka_unit_test(volume_is_away),
	     cmocka_unit_test(write_protected), cmocka_unit_test(beyond_the_end),
	     cmocka_unit_test(attributes))
