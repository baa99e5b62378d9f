/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_order_test.c - task attributes against a model of SAM-5 8.6: who may run
 * beside whom, by chance, with ends, aborts and leaves in any order.
 */
#include "config.h"

#include "translators/scsi/scsi_order.h"

#include <string.h>

#include "tests/unit/translators/scsi/scsi_rig.h"

#define TASKS 24

static uint8_t block[512];

static void start(struct cmd *cmd, struct scsi_rig *rig, unsigned i, uint8_t attr)
{
	uint8_t cdb[10] = { 0x2a, 0, 0, 0, 0, (uint8_t)i, 0, 0, 1 };

	cmd_init(cmd, rig, cdb, 10, 0, block, 512);
	cmd->task.attr = attr;
	cmd_start(cmd);
}

static bool runs(struct scsi_rig *rig, unsigned i)
{
	return fake_store_find(rig->fake, GW_WRITE, i * 512, 512) != NULL;
}

static void end(struct scsi_rig *rig, unsigned i)
{
	rig_unhold_one(&rig->core, rig->fake, fake_store_find(rig->fake, GW_WRITE, i * 512, 512),
		       GW_OK);
	rig_settle(&rig->core);
}

static void the_three_kinds(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd[6];

	scsi_rig_up(&rig, 512);
	rig.fake->when = FAKE_HELD;
	start(&cmd[0], &rig, 0, SCSI_SIMPLE);
	start(&cmd[1], &rig, 1, SCSI_UNTAGGED);
	start(&cmd[2], &rig, 2, SCSI_ORDERED);
	start(&cmd[3], &rig, 3, SCSI_SIMPLE);
	start(&cmd[4], &rig, 4, SCSI_HEAD_OF_QUEUE);
	start(&cmd[5], &rig, 5, SCSI_ORDERED);
	rig_settle(&rig.core);
	assert_true(runs(&rig, 0) && runs(&rig, 1) && runs(&rig, 4));
	assert_false(runs(&rig, 2) || runs(&rig, 3) || runs(&rig, 5));
	end(&rig, 0);
	end(&rig, 1);
	assert_false(runs(&rig, 2)); /* the head of queue goes first */
	end(&rig, 4);
	assert_true(runs(&rig, 2));
	assert_false(runs(&rig, 3));
	end(&rig, 2);
	assert_true(runs(&rig, 3));
	assert_false(runs(&rig, 5));
	end(&rig, 3);
	assert_true(runs(&rig, 5));
	end(&rig, 5);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(cmd[i].ended, 1);
	scsi_rig_down(&rig);
}

/* What was lent to an older task and is not sent could still be changed by this one. */
static void what_is_not_sent(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd[4];

	scsi_rig_up(&rig, 512);
	rig.fake->when = FAKE_HELD;
	scsi_nexus_unsettled(rig.nexus, 1);
	scsi_nexus_unsettled(rig.nexus, 2);
	start(&cmd[0], &rig, 0, SCSI_SIMPLE);
	start(&cmd[1], &rig, 1, SCSI_ORDERED);
	start(&cmd[2], &rig, 2, SCSI_SIMPLE);
	start(&cmd[3], &rig, 3, SCSI_HEAD_OF_QUEUE);
	rig_settle(&rig.core);
	assert_true(runs(&rig, 0) && runs(&rig, 3));
	assert_false(runs(&rig, 1) || runs(&rig, 2));
	end(&rig, 0);
	end(&rig, 3);
	assert_false(runs(&rig, 1));
	scsi_nexus_unsettled(rig.nexus, -2);
	assert_false(runs(&rig, 1));
	scsi_nexus_unsettled(rig.nexus, -1);
	rig_settle(&rig.core);
	assert_true(runs(&rig, 1));
	assert_false(runs(&rig, 2));
	scsi_nexus_unsettled(rig.nexus, 1); /* one that runs goes on */
	end(&rig, 1);
	assert_true(runs(&rig, 2));
	end(&rig, 2);
	start(&cmd[0], &rig, 0, SCSI_ORDERED);
	scsi_task_abort(&cmd[0].task);
	rig_settle(&rig.core);
	scsi_nexus_unsettled(rig.nexus, -1);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(cmd[i].ended, 1);
	scsi_rig_down(&rig);
}

/* A unit that is not there has no bytes to change: it answers at once. */
static void what_is_not_there(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[10] = { 0x2a, 0, 0, 0, 0, 0, 0, 0, 1 };

	scsi_rig_up(&rig, 512);
	scsi_nexus_unsettled(rig.nexus, 1);
	for (unsigned i = 0; i < 2; i++) {
		cmd_init(&cmd, &rig, cdb, 10, 0, block, 512);
		cmd.task.attr = i ? SCSI_SIMPLE : SCSI_ORDERED;
		cmd.task.lun[1] = 9;
		cmd_start(&cmd);
		rig_settle(&rig.core);
		assert_int_equal(cmd.ended, 1);
		cmd_free(&cmd);
	}
	scsi_nexus_unsettled(rig.nexus, -1);
	scsi_rig_down(&rig);
}

/* INQUIRY, REPORT LUNS, REQUEST SENSE, TEST UNIT READY wait for nobody. */
static void implicit_head(void **state)
{
	static const uint8_t cdbs[][6] = { { 0x00 }, { 0x03, 0, 0, 0, 9 }, { 0x12, 0, 0, 0, 9 } };
	struct scsi_rig rig;
	struct cmd ordered, cmd;

	scsi_rig_up(&rig, 512);
	rig.fake->when = FAKE_HELD;
	start(&ordered, &rig, 0, SCSI_ORDERED);
	for (unsigned i = 0; i < 3; i++) {
		cmd_init(&cmd, &rig, cdbs[i], 6, 100, NULL, 0);
		cmd.task.attr = SCSI_ORDERED;
		cmd_start(&cmd);
		assert_int_equal(cmd.ended, 1);
		cmd_free(&cmd);
	}
	rig_unhold(&rig.core, rig.fake);
	assert_int_equal(ordered.ended, 1);
	scsi_rig_down(&rig);
}

/* A queue of commands that end at once is no deep stack, and nothing is lost. */
static void long_queue(void **state)
{
	static struct cmd cmd[3000];
	static const uint8_t no_op[10] = { 0x2a }; /* writes nothing */
	struct scsi_rig rig;
	struct cmd first;

	scsi_rig_up(&rig, 512);
	rig.fake->when = FAKE_HELD;
	start(&first, &rig, 0, SCSI_SIMPLE);
	for (unsigned i = 0; i < 3000; i++) {
		cmd_init(&cmd[i], &rig, no_op, 10, 0, NULL, 0);
		cmd[i].task.attr = SCSI_ORDERED;
		cmd_start(&cmd[i]);
		assert_int_equal(cmd[i].ended, 0);
	}
	rig_unhold(&rig.core, rig.fake);
	for (unsigned i = 0; i < 3000; i++) {
		assert_int_equal(cmd[i].ended, 1);
		assert_true(cmd[i].when > (i ? cmd[i - 1].when : first.when));
	}
	scsi_rig_down(&rig);
}

/* ---- by chance, against a model ------------------------------------------- */

/* May task i run, by the words of SAM-5 8.6, given who is still there? */
static bool may_run(const struct cmd *cmd, const bool *there, const bool *running, unsigned i)
{
	uint8_t attr = cmd[i].task.attr;

	if (running[i] || attr == SCSI_HEAD_OF_QUEUE)
		return true;
	for (unsigned j = 0; j < TASKS; j++) {
		if (!there[j] || j == i)
			continue;
		if (cmd[j].task.attr == SCSI_HEAD_OF_QUEUE)
			return false;
		if (j < i && (attr == SCSI_ORDERED || cmd[j].task.attr == SCSI_ORDERED))
			return false;
	}
	return true;
}

static void one_run(uint64_t seed)
{
	bool there[TASKS] = { false }, running[TASKS] = { false };
	struct cmd cmd[TASKS];
	struct scsi_rig rig;
	unsigned started = 0;

	scsi_rig_up(&rig, 512);
	rig.fake->when = FAKE_HELD;
	for (unsigned step = 0; step < 200; step++) {
		unsigned dice = (unsigned)((seed = seed * 6364136223846793005ull +
						   1442695040888963407ull) >>
					   33);
		unsigned i = dice / 8 % TASKS;

		if (dice % 8 < 4 && started < TASKS) {
			there[started] = true;
			start(&cmd[started], &rig, started, (uint8_t)(dice / 8 % 4));
			started++;
		} else if (there[i] && dice % 8 < 6 && runs(&rig, i)) {
			end(&rig, i);
			assert_int_equal(cmd[i].ended, 1);
			there[i] = false;
		} else if (there[i] && dice % 8 == 6) {
			bool at_store = runs(&rig, i);

			scsi_task_abort(&cmd[i].task);
			if (at_store)
				end(&rig, i);
			rig_settle(&rig.core);
			assert_int_equal(cmd[i].ended, 1);
			there[i] = false;
		} else if (there[i] && dice % 8 == 7 && !runs(&rig, i)) {
			scsi_task_leave(&cmd[i].task);
			there[i] = false;
		}
		rig_settle(&rig.core);
		for (unsigned j = 0; j < started; j++) {
			if (!there[j])
				continue;
			running[j] = may_run(cmd, there, running, j);
			assert_int_equal(runs(&rig, j), running[j]);
		}
	}
	rig_unhold(&rig.core, rig.fake);
	for (unsigned j = 0; j < started; j++)
		if (there[j])
			assert_int_equal(cmd[j].ended, 1);
	scsi_rig_down(&rig);
}

static void by_chance(void **state)
{
	for (uint64_t seed = 1; seed < 60; seed++)
		one_run(seed);
}

HARNESS_MAIN(cmocka_unit_test(the_three_kinds), cmocka_unit_test(what_is_not_sent),
	     cmocka_unit_test(what_is_not_there), cmocka_unit_test(implicit_head),
	     cmocka_unit_test(long_queue), cmocka_unit_test(by_chance))
