/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_mode_test.c - MODE SENSE and MODE SELECT, 6 and 10: every page, page
 * control, subpage, block descriptor; every wrong list, and none half obeyed.
 */
#include "config.h"

#include "translators/scsi/scsi_pages.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/unit/translators/scsi/scsi_rig.h"

static const uint8_t caching[20] = { 0x08, 0x12 };
static const uint8_t control[12] = { 0x0a, 0x0a, 0x22, 0x10, 0, 0, 0, 0, 0xff, 0xff, 0, 0 };
static const uint8_t exceptions[12] = { 0x1c, 0x0a, 0x08 };

static uint8_t sense_6(struct cmd *cmd, struct scsi_rig *rig, uint8_t dbd, uint8_t page,
		       uint8_t subpage)
{
	uint8_t cdb[6] = { 0x1a, dbd, page, subpage, 255, 0 };

	return cmd_in(cmd, rig, cdb, 6, 255);
}

static uint8_t sense_10(struct cmd *cmd, struct scsi_rig *rig, uint8_t flags, uint8_t page)
{
	uint8_t cdb[10] = { 0x5a, flags, page, 0, 0, 0, 0, 2, 0, 0 };

	return cmd_in(cmd, rig, cdb, 10, 512);
}

static void senses_all(void **state)
{
	static const uint8_t head[12] = { 55, 0, 0x10, 8, 0, 0, 0x20, 0, 0, 0, 0x02, 0 };
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	for (unsigned sub = 0; sub < 256; sub += 255) {
		assert_int_equal(sense_6(&cmd, &rig, 0, 0x3f, (uint8_t)sub), SCSI_GOOD);
		assert_int_equal(cmd.in_bytes, 56);
		assert_memory_equal(cmd.in, head, 12);
		assert_memory_equal(cmd.in + 12, caching, 20);
		assert_memory_equal(cmd.in + 32, control, 12);
		assert_memory_equal(cmd.in + 44, exceptions, 12);
		cmd_free(&cmd);
	}
	assert_int_equal(sense_6(&cmd, &rig, 0x08, 0x0a, 0xff), SCSI_GOOD); /* DBD */
	assert_int_equal(cmd.in_bytes, 16);
	assert_memory_equal(cmd.in, "\x0f\0\x10\0", 4);
	assert_memory_equal(cmd.in + 4, control, 12);
	cmd_free(&cmd);
	assert_int_equal(sense_10(&cmd, &rig, 0, 0x0a), SCSI_GOOD);
	assert_memory_equal(cmd.in, "\0\x1a\0\x10\0\0\0\x08\0\0\x20\0\0\0\2\0", 16);
	assert_int_equal(cmd.in_bytes, 28);
	cmd_free(&cmd);
	assert_int_equal(sense_10(&cmd, &rig, 0x10, 0x0a), SCSI_GOOD); /* LLBAA */
	assert_memory_equal(cmd.in, "\0\x22\0\x10\1\0\0\x10\0\0\0\0\0\0\x20\0\0\0\0\0\0\0\2\0", 24);
	cmd_free(&cmd);
	assert_int_equal(sense_10(&cmd, &rig, 0x18, 0x0a), SCSI_GOOD); /* LLBAA and DBD */
	assert_memory_equal(cmd.in, "\0\x12\0\x10\0\0\0\0", 8);
	cmd_free(&cmd);
	scsi_rig_down(&rig);
}

static void page_controls(void **state)
{
	static const uint8_t changeable[12] = { 0x0a, 0x0a, 0x04 };
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	scsi_rig_unit(&rig)->d_sense = true;
	assert_int_equal(sense_6(&cmd, &rig, 8, 0x0a, 0), SCSI_GOOD);
	assert_int_equal(cmd.in[6], 0x26);
	cmd_free(&cmd);
	assert_int_equal(sense_6(&cmd, &rig, 8, 0x4a, 0), SCSI_GOOD);
	assert_memory_equal(cmd.in + 4, changeable, 12);
	cmd_free(&cmd);
	assert_int_equal(sense_6(&cmd, &rig, 8, 0x8a, 0), SCSI_GOOD);
	assert_memory_equal(cmd.in + 4, control, 12);
	cmd_free(&cmd);
	scsi_rig_unit(&rig)->d_sense = false;
	sense_6(&cmd, &rig, 8, 0xca, 0);
	assert_condition(&cmd, SCSI_IS_NO_SAVING);
	for (unsigned page = 0; page < 0x3f; page++)
		for (unsigned sub = 0; sub < 256; sub++) {
			bool known = page == 0x08 || page == 0x0a || page == 0x1c;

			sense_6(&cmd, &rig, 8, (uint8_t)page, (uint8_t)sub);
			if (!known)
				assert_cdb_field(&cmd, 2, 5);
			else if (sub && sub != 0xff)
				assert_cdb_field(&cmd, 3, 7);
			else
				assert_int_equal(cmd.task.status, SCSI_GOOD);
			cmd_free(&cmd);
		}
	scsi_rig_down(&rig);
}

static void cached(struct gw_store_info *info)
{
	info->volatile_cache = true;
}

static void tells_the_truth(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up_with(&rig, 512, true, cached, false, NULL);
	sense_6(&cmd, &rig, 8, 0x08, 0);
	assert_int_equal(cmd.in[2], 0x90); /* WP, DPOFUA */
	assert_int_equal(cmd.in[6], 0x04); /* WCE */
	cmd_free(&cmd);
	scsi_rig_down(&rig);
}

/* ---- MODE SELECT ---------------------------------------------------------- */

static uint8_t select_6(struct cmd *cmd, struct scsi_rig *rig, const uint8_t *list, unsigned n)
{
	uint8_t cdb[6] = { 0x15, 0x10, 0, 0, (uint8_t)n, 0 };

	return cmd_out(cmd, rig, cdb, 6, list, n);
}

static uint8_t select_10(struct cmd *cmd, struct scsi_rig *rig, const uint8_t *list, unsigned n)
{
	uint8_t cdb[10] = { 0x55, 0x10 };

	be16_put(cdb + 7, (uint16_t)n);
	return cmd_out(cmd, rig, cdb, 10, list, n);
}

static void selects_d_sense(void **state)
{
	static const uint8_t bad_tur[6] = { 0, 1 };
	struct scsi_rig rig;
	uint8_t list[64] = { 0 };
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	memcpy(list + 4, control, 12);
	list[6] |= 0x04;
	assert_int_equal(select_6(&cmd, &rig, list, 16), SCSI_GOOD);
	cmd_none(&cmd, &rig, bad_tur, 6);
	assert_int_equal(cmd.task.sense[0], 0x72);
	/* who changed it himself needs no attention */
	assert_int_equal(scsi_rig_unit(&rig)->attentions, 0);
	memset(list, 0, sizeof(list));
	list[7] = 8;
	be32_put(list + 8, DISK_BYTES / 512);
	list[14] = 2;
	memcpy(list + 16, caching, 20);
	memcpy(list + 36, control, 12);
	assert_int_equal(select_10(&cmd, &rig, list, 48), SCSI_GOOD);
	cmd_none(&cmd, &rig, bad_tur, 6);
	assert_int_equal(cmd.task.sense[0], 0x70);
	/* the long block descriptor */
	memset(list, 0, sizeof(list));
	list[4] = 1;
	list[7] = 16;
	be64_put(list + 8, UINT64_MAX);
	be32_put(list + 20, 512);
	assert_int_equal(select_10(&cmd, &rig, list, 24), SCSI_GOOD);
	scsi_rig_down(&rig);
}

static void wrong_lists(void **state)
{
	struct scsi_rig rig;
	uint8_t list[64] = { 0 };
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	/* the first page would change D_SENSE, the second is wrong: nothing is done */
	memcpy(list + 4, control, 12);
	list[6] |= 0x04;
	memcpy(list + 16, caching, 20);
	list[18] = 0x04; /* WCE is the volume's */
	select_6(&cmd, &rig, list, 36);
	assert_list_field(&cmd, 18, 2);
	assert_false(scsi_rig_unit(&rig)->d_sense);
	for (unsigned n = 1; n < 36; n++) { /* cut short at every byte */
		list[18] = 0;
		select_6(&cmd, &rig, list, n);
		if (n == 4 || n == 16) {
			assert_int_equal(cmd.task.status, SCSI_GOOD);
			scsi_rig_unit(&rig)->d_sense = false;
		} else {
			assert_condition(&cmd, SCSI_IS_BAD_LIST_LENGTH);
			assert_false(scsi_rig_unit(&rig)->d_sense);
		}
	}
	for (unsigned byte = 0; byte < 12; byte++) /* each bit of the page */
		for (unsigned bit = 0; bit < 8; bit++) {
			if ((byte == 2 && bit == 2) || (byte == 0 && bit == 7))
				continue; /* D_SENSE; PS is reserved here and not looked at */
			memcpy(list + 4, control, 12);
			list[4 + byte] ^= (uint8_t)(1 << bit);
			select_6(&cmd, &rig, list, 16);
			if (byte < 2)
				assert_int_equal(cmd_key(&cmd), 5);
			else
				assert_list_field(&cmd, 4 + byte, (int)bit);
		}
	scsi_rig_down(&rig);
}

static void wrong_heads(void **state)
{
	struct scsi_rig rig;
	uint8_t list[64] = { 0 };
	uint8_t cdb[6] = { 0x15, 0x10, 0, 0, 4, 0 };
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	for (unsigned n = 1; n < 256; n++) {
		list[3] = (uint8_t)n;
		select_6(&cmd, &rig, list, 12);
		if (n != 8)
			assert_list_field(&cmd, 3, -1);
	}
	list[3] = 8;
	list[10] = 2;
	assert_int_equal(select_6(&cmd, &rig, list, 12), SCSI_GOOD);
	list[7] = 1; /* one block */
	select_6(&cmd, &rig, list, 12);
	assert_list_field(&cmd, 4, -1);
	list[7] = 0;
	list[10] = 4; /* blocks of 1024 bytes */
	select_6(&cmd, &rig, list, 12);
	assert_list_field(&cmd, 9, -1);
	list[3] = 16; /* long ones are for MODE SELECT(10) */
	select_6(&cmd, &rig, list, 20);
	assert_list_field(&cmd, 3, -1);
	/* SP, PF, no list, too little data, too long a list */
	cdb[1] = 0x11;
	cmd_out(&cmd, &rig, cdb, 6, list, 4);
	assert_cdb_field(&cmd, 1, 0);
	cdb[1] = 0;
	cmd_out(&cmd, &rig, cdb, 6, list, 4);
	assert_cdb_field(&cmd, 1, 4);
	cdb[4] = 0;
	assert_int_equal(cmd_none(&cmd, &rig, cdb, 6), SCSI_GOOD);
	cdb[1] = 0x10;
	cdb[4] = 4;
	cmd_out(&cmd, &rig, cdb, 6, list, 3);
	assert_condition(&cmd, SCSI_IS_BAD_INFORMATION_UNIT);
	select_10(&cmd, &rig, list, 513);
	assert_cdb_field(&cmd, 7, -1);
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(senses_all), cmocka_unit_test(page_controls),
	     cmocka_unit_test(tells_the_truth), cmocka_unit_test(selects_d_sense),
	     cmocka_unit_test(wrong_lists), cmocka_unit_test(wrong_heads))
