/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_tmf_test.c - every task management function, with tasks that wait, run, end
 * at once and end late; the caller is told when the last of them has ended.
 */
#include "config.h"

#include "translators/scsi/scsi_tmf.h"

#include <string.h>

#include "tests/unit/translators/scsi/scsi_rig.h"

static uint8_t block[512];

struct ask {
	struct scsi_tmf tmf;
	unsigned ended;
};

static void asked(struct scsi_tmf *tmf)
{
	((struct ask *)tmf)->ended++;
}

static void ask(struct ask *ask, struct scsi_rig *rig, enum scsi_tmf_kind kind, uint64_t tag)
{
	*ask = (struct ask){ .tmf = { .kind = kind, .tag = tag, .done = asked } };
	scsi_tmf_start(rig->nexus, &ask->tmf);
}

static void start(struct cmd *cmd, struct scsi_rig *rig, uint8_t lba, uint8_t attr)
{
	uint8_t cdb[10] = { 0x2a, 0, 0, 0, 0, lba, 0, 0, 1 };

	cmd_init(cmd, rig, cdb, 10, 0, block, 512);
	cmd->task.attr = attr;
	cmd->task.tag = 100u + lba;
	cmd_start(cmd);
}

static void abort_one(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd[3];
	struct ask a;

	scsi_rig_up(&rig, 512);
	rig.fake->when = FAKE_HELD;
	for (uint8_t i = 0; i < 3; i++)
		start(&cmd[i], &rig, i, SCSI_SIMPLE);
	rig_settle(&rig.core);
	ask(&a, &rig, SCSI_TMF_ABORT_TASK, 99);
	assert_int_equal(a.ended, 1);
	assert_int_equal(a.tmf.answer, SCSI_TMF_NO_TASK);
	ask(&a, &rig, SCSI_TMF_ABORT_TASK, 101);
	rig_settle(&rig.core);
	assert_int_equal(a.ended, 0); /* it is at its store */
	assert_int_equal(cmd[1].ended, 0);
	rig_unhold_one(&rig.core, rig.fake, fake_store_find(rig.fake, GW_WRITE, 0, 512), GW_OK);
	rig_settle(&rig.core);
	assert_int_equal(cmd[0].ended, 1);
	assert_int_equal(cmd[0].task.aborted, 0);
	assert_int_equal(a.ended, 0); /* another one's end is not its end */
	rig_unhold_one(&rig.core, rig.fake, fake_store_find(rig.fake, GW_WRITE, 512, 512), GW_OK);
	rig_settle(&rig.core);
	assert_int_equal(cmd[1].ended, 1);
	assert_int_equal(cmd[1].task.aborted, 1);
	assert_int_equal(a.ended, 1);
	assert_int_equal(a.tmf.answer, SCSI_TMF_COMPLETE);
	rig_unhold(&rig.core, rig.fake);
	scsi_rig_down(&rig);
}

/* ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET, I_T NEXUS RESET. */
static void abort_many(void **state)
{
	static const enum scsi_tmf_kind kinds[] = { SCSI_TMF_ABORT_TASK_SET,
						    SCSI_TMF_CLEAR_TASK_SET,
						    SCSI_TMF_LOGICAL_UNIT_RESET,
						    SCSI_TMF_I_T_NEXUS_RESET };

	for (unsigned k = 0; k < 4; k++) {
		struct scsi_rig rig;
		struct cmd cmd[6], late;
		struct ask a;

		scsi_rig_up(&rig, 512);
		rig.fake->when = FAKE_HELD;
		scsi_rig_unit(&rig)->d_sense = kinds[k] == SCSI_TMF_LOGICAL_UNIT_RESET;
		for (uint8_t i = 0; i < 6; i++)
			start(&cmd[i], &rig, i, i % 3 == 2 ? SCSI_ORDERED : SCSI_SIMPLE);
		rig_settle(&rig.core);
		assert_int_equal(rig.fake->n_held, 2);
		ask(&a, &rig, kinds[k], 0);
		/* those that waited are gone, and none of them has run */
		for (unsigned i = 2; i < 6; i++) {
			assert_int_equal(cmd[i].ended, 1);
			assert_int_equal(cmd[i].task.aborted, 1);
		}
		rig_settle(&rig.core);
		assert_int_equal(rig.fake->n_held, 2);
		assert_int_equal(a.ended, 0);
		scsi_rig_unit(&rig)->attentions &= ~(1u << SCSI_UA_CAPACITY_CHANGED);
		if (k < 2)
			start(&late, &rig, 9, SCSI_SIMPLE); /* not of those */
		rig_unhold_one(&rig.core, rig.fake, TAILQ_FIRST(&rig.fake->held), GW_OK);
		rig_settle(&rig.core);
		assert_int_equal(a.ended, 0);
		rig_unhold_one(&rig.core, rig.fake, TAILQ_FIRST(&rig.fake->held), GW_OK);
		rig_settle(&rig.core);
		assert_int_equal(a.ended, 1);
		assert_int_equal(a.tmf.answer, SCSI_TMF_COMPLETE);
		assert_int_equal(scsi_rig_unit(&rig)->attentions,
				 k < 2	  ? 0
				 : k == 2 ? 1u << SCSI_UA_DEVICE_RESET
					  : 1u << SCSI_UA_NEXUS_LOSS);
		assert_false(scsi_rig_unit(&rig)->d_sense);
		rig_unhold(&rig.core, rig.fake);
		if (k < 2) {
			assert_int_equal(late.ended, 1);
			assert_int_equal(late.task.aborted, 0);
		}
		/* with nothing to abort it is done at once */
		ask(&a, &rig, kinds[k], 0);
		assert_int_equal(a.ended, 1);
		assert_int_equal(a.tmf.answer, SCSI_TMF_COMPLETE);
		scsi_rig_down(&rig);
	}
}

/* Two that wait for the same task; one that is left. */
static void two_wait(void **state)
{
	struct scsi_rig rig;
	struct ask a, b, c;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	rig.fake->when = FAKE_HELD;
	start(&cmd, &rig, 0, SCSI_SIMPLE);
	ask(&a, &rig, SCSI_TMF_ABORT_TASK, 100);
	ask(&b, &rig, SCSI_TMF_ABORT_TASK_SET, 0);
	ask(&c, &rig, SCSI_TMF_LOGICAL_UNIT_RESET, 0);
	scsi_tmf_leave(&b.tmf);
	scsi_tmf_leave(&b.tmf); /* twice is nothing */
	rig_unhold(&rig.core, rig.fake);
	assert_int_equal(cmd.ended, 1);
	assert_int_equal(a.ended, 1);
	assert_int_equal(b.ended, 0);
	assert_int_equal(c.ended, 1);
	scsi_rig_unit(&rig)->attentions = 0;
	/* the transport leaves the task: the function is complete by that */
	start(&cmd, &rig, 0, SCSI_SIMPLE);
	ask(&a, &rig, SCSI_TMF_ABORT_TASK, 100);
	assert_int_equal(a.ended, 0);
	scsi_task_leave(&cmd.task);
	assert_int_equal(a.ended, 1);
	rig_unhold(&rig.core, rig.fake);
	assert_int_equal(cmd.ended, 0);
	scsi_rig_down(&rig);
}

/* The other nexus of the same volume: its task is aborted, and it is told why. */
static void reset_reaches_others(void **state)
{
	struct gw_nexus_names names = { "test", "another", "target" };
	struct gw_grant grant = { .lun = 4 };
	struct scsi_nexus *mine;
	struct gw_nexus *other;
	struct scsi_rig rig;
	struct cmd cmd;
	struct ask a;

	scsi_rig_up(&rig, 512);
	grant.volume = rig.core.volume;
	other = gw_nexus_open(rig.core.gw, rig_loop(&rig.core, 0), &names);
	mine = rig.nexus;
	rig.nexus = scsi_nexus_open(other, &rig.port, &grant, 1, &(struct scsi_nexus_ops){ NULL },
				    &rig);
	rig_settle(&rig.core);
	scsi_rig_unit(&rig)->attentions = 0;
	rig.fake->when = FAKE_HELD;
	{
		uint8_t cdb[10] = { 0x2a, 0, 0, 0, 0, 1, 0, 0, 1 };

		cmd_init(&cmd, &rig, cdb, 10, 0, block, 512);
		cmd.task.lun[1] = 4;
		cmd_start(&cmd);
	}
	rig_settle(&rig.core);
	a = (struct ask){ .tmf = { .kind = SCSI_TMF_LOGICAL_UNIT_RESET, .done = asked } };
	scsi_tmf_start(mine, &a.tmf);
	rig_unhold(&rig.core, rig.fake);
	assert_int_equal(a.ended, 1);
	assert_int_equal(cmd.ended, 1);
	assert_true(cmd.task.aborted);
	assert_int_equal(scsi_rig_unit(&rig)->attentions, 1u << SCSI_UA_DEVICE_RESET);
	scsi_nexus_close(&rig.nexus);
	gw_nexus_close(&other);
	rig.nexus = mine;
	scsi_rig_down(&rig);
}

static void queries(void **state)
{
	static const uint8_t event[2][3] = { { 0x16, 0x2a, 0x01 }, { 0x26, 0x29, 0x03 } };
	struct scsi_rig rig;
	struct cmd cmd;
	struct ask a;

	scsi_rig_up(&rig, 512);
	rig.fake->when = FAKE_HELD;
	for (unsigned there = 0; there < 2; there++) {
		if (there)
			start(&cmd, &rig, 0, SCSI_SIMPLE);
		ask(&a, &rig, SCSI_TMF_QUERY_TASK, 100);
		assert_int_equal(a.tmf.answer, there ? SCSI_TMF_SUCCEEDED : SCSI_TMF_COMPLETE);
		ask(&a, &rig, SCSI_TMF_QUERY_TASK_SET, 0);
		assert_int_equal(a.tmf.answer, there ? SCSI_TMF_SUCCEEDED : SCSI_TMF_COMPLETE);
		assert_int_equal(a.ended, 1);
	}
	ask(&a, &rig, SCSI_TMF_QUERY_ASYNC_EVENT, 0);
	assert_int_equal(a.tmf.answer, SCSI_TMF_COMPLETE);
	scsi_nexus_attention(rig.nexus, SCSI_UA_MODE_CHANGED);
	ask(&a, &rig, SCSI_TMF_QUERY_ASYNC_EVENT, 0);
	assert_int_equal(a.tmf.answer, SCSI_TMF_SUCCEEDED);
	assert_memory_equal(a.tmf.information, event[0], 3);
	scsi_rig_unit(&rig)->attentions |= 1u << SCSI_UA_DEVICE_RESET;
	ask(&a, &rig, SCSI_TMF_QUERY_ASYNC_EVENT, 0);
	assert_memory_equal(a.tmf.information, event[1], 3);
	ask(&a, &rig, SCSI_TMF_CLEAR_ACA, 0);
	assert_int_equal(a.tmf.answer, SCSI_TMF_COMPLETE);
	rig_unhold(&rig.core, rig.fake);
	scsi_rig_down(&rig);
}

static void refusals(void **state)
{
	struct scsi_rig rig;
	struct ask a;

	scsi_rig_up(&rig, 512);
	ask(&a, &rig, SCSI_TMF_COUNT, 0);
	assert_int_equal(a.tmf.answer, SCSI_TMF_REJECTED);
	for (unsigned kind = 0; kind < SCSI_TMF_COUNT; kind++) {
		a = (struct ask){ .tmf = { .kind = kind, .lun = { 0, 3 }, .done = asked } };
		scsi_tmf_start(rig.nexus, &a.tmf);
		assert_int_equal(a.ended, 1);
		assert_int_equal(a.tmf.answer, kind == SCSI_TMF_I_T_NEXUS_RESET ? SCSI_TMF_COMPLETE
										: SCSI_TMF_NO_LUN);
	}
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(abort_one), cmocka_unit_test(abort_many), cmocka_unit_test(two_wait),
	     cmocka_unit_test(reset_reaches_others), cmocka_unit_test(queries),
	     cmocka_unit_test(refusals))
