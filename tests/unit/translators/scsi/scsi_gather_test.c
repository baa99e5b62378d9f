/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_gather_test.c - parameter lists that come in one piece, in many, in too
 * many, not at all; ended at every step.
 */
#include "config.h"

#include "translators/scsi/scsi_gather.h"

#include <string.h>

#include "tests/unit/translators/scsi/scsi_rig.h"

/* MODE SELECT(10): head, control page, caching page */
static const uint8_t list[40] = { 0,	0, 0, 0, 0, 0,	  0,	0, 0x0a, 0x0a, 0x22,
				  0x10, 0, 0, 0, 0, 0xff, 0xff, 0, 0,	 0x08, 0x12 };
static const uint8_t cdb[10] = { 0x55, 0x10, 0, 0, 0, 0, 0, 0, 40, 0 };

static void in_pieces(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	rig.by_hand = true;
	for (uint32_t piece = 1; piece <= 40; piece++) {
		cmd_init(&cmd, &rig, cdb, 10, 0, list, 100);
		cmd_start(&cmd);
		assert_int_equal(cmd.wanted, 40); /* not all that the initiator has */
		assert_int_equal(cmd.task.granule_bytes, 40);
		while (!cmd.ended && cmd.brought < cmd.wanted)
			cmd_bring(&cmd, piece);
		assert_int_equal(cmd.ended, 1);
		/* a transport that cuts what it was told not to cut: refused, no crash */
		if ((40 + piece - 1) / piece > GW_MEM_SLICES)
			assert_condition(&cmd, SCSI_IS_NO_RESOURCES);
		else
			assert_int_equal(cmd.task.status, SCSI_GOOD);
	}
	scsi_rig_down(&rig);
}

static void ends_before_it_is_there(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	rig.by_hand = true;
	for (unsigned brought = 0; brought < 40; brought += 13)
		for (unsigned way = 0; way < 3; way++) {
			cmd_init(&cmd, &rig, cdb, 10, 0, list, 40);
			cmd_start(&cmd);
			cmd_bring(&cmd, brought);
			assert_int_equal(cmd.ended, 0);
			scsi_task_resume(&cmd.task); /* it does not wait for memory */
			assert_int_equal(cmd.ended, 0);
			if (way == 0)
				scsi_task_abort(&cmd.task);
			else if (way == 1)
				scsi_task_leave(&cmd.task);
			else
				scsi_task_fail(&cmd.task, SCSI_IS_CRC_ERROR);
			assert_int_equal(cmd.ended, way != 1);
			if (way == 2)
				assert_condition(&cmd, SCSI_IS_CRC_ERROR);
		}
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(in_pieces), cmocka_unit_test(ends_before_it_is_there))
