/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_start_test.c - every command that uses the core or takes data: aborted, left
 * and failed at every step; and with the pool of requests empty.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/table.h"
#include "tests/unit/translators/scsi/scsi_rig.h"

static uint8_t bytes[DISK_BYTES];

/* Long ones first; the data fits each of them. */
static const struct kind {
	uint8_t cdb[16];
	uint32_t in, out;
	uint8_t steps; /* it takes at least so many */
} kinds[] = {
	{ { 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 8, 0 }, 1 << 20, 0, 10 },
	{ { 0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 8, 0 }, 0, 1 << 20, 10 },
	{ { 0x8e, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 8, 0 }, 0, 1 << 20, 10 },
	{ { 0x8f, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 8, 0 }, 0, 1 << 20, 10 },
	{ { 0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 8, 0 }, 1 << 20, 0, 10 },
	{ { 0x8f, 6, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 8, 0 }, 0, 512, 3 }, /* BYTCHK 11b */
	{ { 0x93, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 8, 0 }, 0, 512, 3 },
	{ { 0x93, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 8, 0 }, 0, 0, 1 }, /* NDOB */
	{ { 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 8 }, 0, 8192, 3 },
	{ { 0x42, 0, 0, 0, 0, 0, 0, 0, 40 }, 0, 40, 3 },
	{ { 0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0 }, 2048, 0, 1 },
	{ { 0x35 }, 0, 0, 1 },
	{ { 0x91 }, 0, 0, 1 },
	{ { 0x1b }, 0, 0, 1 },
	{ { 0x34 }, 0, 0, 1 },
	{ { 0x55, 0x10, 0, 0, 0, 0, 0, 0, 8 }, 0, 8, 1 },
	{ { 0x15, 0x10, 0, 0, 4 }, 0, 4, 1 },
};

static const uint8_t unmap_list[40] = { 0, 38, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0,
					0, 8,  0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 8 };

static const void *data_of(const struct kind *kind)
{
	static const uint8_t zeroes[64];

	if (kind->cdb[0] == 0x42)
		return unmap_list;
	return kind->cdb[0] == 0x55 || kind->cdb[0] == 0x15 ? zeroes : bytes;
}

static void with_cache(struct gw_store_info *info)
{
	info->volatile_cache = true;
}

static void up(struct scsi_rig *rig)
{
	scsi_rig_up_with(rig, 512, false, with_cache, false, NULL);
	memset(bytes, 0x3c, sizeof(bytes));
	memset(rig->fake->bytes, 0x3c, DISK_BYTES);
	rig->fake->when = FAKE_HELD;
	rig->memory_max = 65536;
	rig->by_hand = true;
}

static void ends_at_every_step(void **state)
{
	for (unsigned k = 0; k < TABLE_LEN(kinds); k++)
		for (unsigned way = 0; way < CMD_WAYS; way++) {
			const struct kind *kind = &kinds[k];
			struct scsi_rig rig;
			unsigned step = 0;

			up(&rig);
			while (cmd_ends_at(&rig, kind->cdb, kind->in, data_of(kind), kind->out,
					   step, way))
				step++;
			if (step < kind->steps)
				fail_msg("%02x ended after %u steps", kind->cdb[0], step);
			scsi_rig_down(&rig);
		}
}

/* The pool is empty: each waits, without an error, and goes on by itself; or ends
 * while it waits. */
static void no_requests(void **state)
{
	struct gw_limits limits = { .requests = 8 };

	for (unsigned k = 0; k < TABLE_LEN(kinds); k++)
		for (unsigned way = 0; way <= CMD_WAYS; way++) {
			const struct kind *kind = &kinds[k];
			struct gw_req *hog[64];
			struct scsi_rig rig;
			struct cmd cmd;
			unsigned n = 0;

			scsi_rig_up_with(&rig, 512, false, with_cache, false, &limits);
			memset(bytes, 0x3c, sizeof(bytes));
			memset(rig.fake->bytes, 0x3c, DISK_BYTES);
			rig_join(&rig.core, "disk");
			while (n < 64 && (hog[n] = gw_req_take(rig.core.itl[0])))
				n++;
			rig.piece_bytes = 1 << 18;
			cmd_init(&cmd, &rig, kind->cdb, 16, kind->in, data_of(kind), kind->out);
			cmd_start(&cmd);
			rig_settle(&rig.core);
			if (!cmd.ended && way == CMD_ABORT)
				scsi_task_abort(&cmd.task);
			else if (!cmd.ended && way == CMD_LEAVE)
				scsi_task_leave(&cmd.task);
			else if (!cmd.ended && way == CMD_FAIL)
				scsi_task_fail(&cmd.task, SCSI_IS_CRC_ERROR);
			while (n)
				gw_req_put(&hog[--n]);
			rig_settle(&rig.core);
			if (way == CMD_WAYS) {
				cmd_settle(&cmd);
				if (cmd.task.status != SCSI_GOOD)
					fail_msg("%02x: %04x", kind->cdb[0], cmd_code(&cmd));
			}
			assert_int_equal(scsi_unit_tasks(scsi_rig_unit(&rig)), 0);
			cmd_free(&cmd);
			rig_leave(&rig.core);
			scsi_rig_down(&rig);
		}
}

HARNESS_MAIN(cmocka_unit_test(ends_at_every_step), cmocka_unit_test(no_requests))
