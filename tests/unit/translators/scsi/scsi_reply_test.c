/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_reply_test.c - every command that answers with parameter data, cut at every
 * allocation length and every expected length, with memory refused; aborted and
 * left while it waits for memory.
 */
#include "config.h"

#include "translators/scsi/scsi_reply.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/table.h"
#include "tests/unit/translators/scsi/scsi_rig.h"

/* Where the allocation length stands, and how many bytes it has. */
static const struct question {
	uint8_t cdb[16];
	uint8_t bytes, at, size;
} questions[] = {
	{ { 0x03 }, 6, 4, 1 },
	{ { 0x03, 1 }, 6, 4, 1 },
	{ { 0x12 }, 6, 3, 2 },
	{ { 0x12, 1, 0x00 }, 6, 3, 2 },
	{ { 0x12, 1, 0x80 }, 6, 3, 2 },
	{ { 0x12, 1, 0x83 }, 6, 3, 2 },
	{ { 0x12, 1, 0x86 }, 6, 3, 2 },
	{ { 0x12, 1, 0x87 }, 6, 3, 2 },
	{ { 0x12, 1, 0xb0 }, 6, 3, 2 },
	{ { 0x12, 1, 0xb1 }, 6, 3, 2 },
	{ { 0x12, 1, 0xb2 }, 6, 3, 2 },
	{ { 0x1a, 0, 0x3f }, 6, 4, 1 },
	{ { 0x5a, 0, 0x3f }, 10, 7, 2 },
	{ { 0x5a, 0x10, 0x3f }, 10, 7, 2 },
	{ { 0x9e, 0x10 }, 16, 10, 4 },
	{ { 0x9e, 0x12 }, 16, 10, 4 },
	{ { 0xa0 }, 12, 6, 4 },
	{ { 0xa3, 0x0c }, 12, 6, 4 },
	{ { 0xa3, 0x0c, 0x80 }, 12, 6, 4 },
	{ { 0xa3, 0x0c, 1, 0x28 }, 12, 6, 4 },
	{ { 0xa3, 0x0d }, 12, 6, 4 },
	{ { 0xa3, 0x0d, 0x80 }, 12, 6, 4 },
};

static void with_room(const struct question *q, uint8_t *cdb, uint32_t room)
{
	memcpy(cdb, q->cdb, 16);
	if (q->size == 1)
		cdb[q->at] = (uint8_t)room;
	else if (q->size == 2)
		be16_put(cdb + q->at, (uint16_t)room);
	else
		be32_put(cdb + q->at, room);
}

static void cut_at_every_length(void **state)
{
	struct scsi_rig rig;
	struct cmd whole, cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	memset(rig.fake->hole, 0, DISK_BYTES / FAKE_UNIT);
	for (unsigned i = 0; i < TABLE_LEN(questions); i++) {
		const struct question *q = &questions[i];
		uint32_t all = q->size == 1 ? 255 : 4000;

		with_room(q, cdb, all);
		assert_int_equal(cmd_in(&whole, &rig, cdb, q->bytes, all), SCSI_GOOD);
		assert_true(whole.in_bytes >= 4 && whole.in_bytes < all);
		for (uint32_t room = 0; room <= whole.in_bytes; room++) {
			rig.refuse = room % 3;
			with_room(q, cdb, room);
			assert_int_equal(cmd_in(&cmd, &rig, cdb, q->bytes, 5000), SCSI_GOOD);
			assert_int_equal(cmd.in_bytes, room);
			assert_int_equal(cmd.task.in_bytes, room);
			if (room)
				assert_memory_equal(cmd.in, whole.in, room);
			cmd_free(&cmd);
			/* the initiator has less room than it says in the CDB */
			with_room(q, cdb, all);
			assert_int_equal(cmd_in(&cmd, &rig, cdb, q->bytes, room), SCSI_GOOD);
			assert_int_equal(cmd.in_bytes, room);
			assert_int_equal(cmd.task.in_bytes, whole.in_bytes);
			if (room)
				assert_memory_equal(cmd.in, whole.in, room);
			cmd_free(&cmd);
		}
		cmd_free(&whole);
	}
	scsi_rig_down(&rig);
}

static void ends_while_it_waits(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	for (unsigned i = 0; i < TABLE_LEN(questions); i++)
		for (unsigned leave = 0; leave < 2; leave++) {
			rig.refuse = 1;
			with_room(&questions[i], cdb, 255);
			cmd_init(&cmd, &rig, cdb, questions[i].bytes, 255, NULL, 0);
			cmd_start(&cmd);
			assert_int_equal(cmd.ended, 0);
			if (leave)
				scsi_task_leave(&cmd.task);
			else
				scsi_task_abort(&cmd.task);
			assert_int_equal(cmd.ended, !leave);
			assert_int_equal(cmd.task.aborted, !leave);
			assert_int_equal(cmd.in_bytes, 0);
		}
	/* resume() to a task that does not wait is nothing */
	with_room(&questions[0], cdb, 255);
	cmd_init(&cmd, &rig, cdb, 16, 255, NULL, 0);
	scsi_task_resume(&cmd.task);
	assert_int_equal(cmd.ended, 0);
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(cut_at_every_length), cmocka_unit_test(ends_while_it_waits))
