/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_nexus_test.c - a nexus hears of its volumes: resized, away, reset, gone;
 * unit attentions in their order; REQUEST SENSE; leave with tasks everywhere.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/unit/translators/scsi/scsi_rig.h"
#include "translators/scsi/scsi_ua.h"

static const uint8_t tur[6];
static uint8_t block[512];

static void attentions_in_order(void **state)
{
	struct scsi_rig rig;
	struct scsi_unit *unit;
	struct cmd cmd;

	scsi_rig_up_with(&rig, 512, false, NULL, true, NULL);
	unit = scsi_rig_unit(&rig);
	scsi_ua_raise(unit, SCSI_UA_MODE_CHANGED);
	scsi_ua_raise(unit, SCSI_UA_CAPACITY_CHANGED);
	scsi_ua_raise(unit, SCSI_UA_MODE_CHANGED);
	cmd_none(&cmd, &rig, tur, 6);
	assert_condition(&cmd, SCSI_UA_RESET); /* power on, from the beginning */
	cmd_none(&cmd, &rig, tur, 6);
	assert_condition(&cmd, SCSI_UA_CAPACITY_CHANGED);
	cmd_none(&cmd, &rig, tur, 6);
	assert_condition(&cmd, SCSI_UA_MODE_CHANGED);
	assert_int_equal(cmd_none(&cmd, &rig, tur, 6), SCSI_GOOD);
	/* a reset says all that was before, but for what it does not know */
	scsi_ua_raise(unit, SCSI_UA_MODE_CHANGED);
	scsi_ua_raise(unit, SCSI_UA_LUNS_CHANGED);
	scsi_ua_raise(unit, SCSI_UA_DEVICE_RESET);
	cmd_none(&cmd, &rig, tur, 6);
	assert_condition(&cmd, SCSI_UA_DEVICE_RESET);
	cmd_none(&cmd, &rig, tur, 6);
	assert_condition(&cmd, SCSI_UA_LUNS_CHANGED);
	assert_int_equal(cmd_none(&cmd, &rig, tur, 6), SCSI_GOOD);
	assert_int_equal(scsi_ua_of_event(GW_EVENT_COUNT), -1);
	scsi_rig_down(&rig);
}

static void request_sense(void **state)
{
	uint8_t cdb[6] = { 0x03, 0, 0, 0, 252, 0 };
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up_with(&rig, 512, false, NULL, true, NULL);
	/* it tells of the attention and takes it away */
	assert_int_equal(cmd_in(&cmd, &rig, cdb, 6, 252), SCSI_GOOD);
	assert_int_equal(cmd.in_bytes, 18);
	assert_int_equal(cmd.in[2], 6);
	assert_int_equal(be16_get(cmd.in + 12), 0x2900);
	cmd_free(&cmd);
	assert_int_equal(cmd_in(&cmd, &rig, cdb, 6, 252), SCSI_GOOD);
	assert_int_equal(cmd.in[0], 0x70);
	assert_int_equal(cmd.in[2], 0);
	cmd_free(&cmd);
	cdb[1] = 1; /* DESC */
	assert_int_equal(cmd_in(&cmd, &rig, cdb, 6, 252), SCSI_GOOD);
	assert_int_equal(cmd.in_bytes, 8);
	assert_memory_equal(cmd.in, "\x72\0\0\0\0\0\0\0", 8);
	cmd_free(&cmd);
	/* no logical unit: that is the sense, and the status is GOOD */
	cdb[1] = 0;
	cmd_init(&cmd, &rig, cdb, 6, 252, NULL, 0);
	cmd.task.lun[1] = 5;
	assert_int_equal(cmd_run(&cmd), SCSI_GOOD);
	assert_int_equal(cmd.in[2], 5);
	assert_int_equal(be16_get(cmd.in + 12), 0x2500);
	cmd_free(&cmd);
	/* the volume is away */
	rig.fake->refresh_rc = -ENODEV;
	rig_refresh(&rig.core, "disk");
	assert_int_equal(cmd_in(&cmd, &rig, cdb, 6, 252), SCSI_GOOD);
	assert_int_equal(cmd.in[2], 2);
	cmd_free(&cmd);
	scsi_rig_down(&rig);
}

static void resized(void **state)
{
	uint8_t cdb[10] = { 0x25 };
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	rig.fake->info.size_bytes = DISK_BYTES / 2;
	assert_int_equal(rig_refresh(&rig.core, "disk"), 0);
	cmd_none(&cmd, &rig, tur, 6);
	assert_condition(&cmd, SCSI_UA_CAPACITY_CHANGED);
	assert_int_equal(cmd_in(&cmd, &rig, cdb, 10, 8), SCSI_GOOD);
	assert_int_equal(be32_get(cmd.in), DISK_BYTES / 1024 - 1);
	cmd_free(&cmd);
	scsi_rig_down(&rig);
}

static void mode_changed(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	rig.fake->info.read_only = true;
	assert_int_equal(rig_refresh(&rig.core, "disk"), 0);
	cmd_none(&cmd, &rig, tur, 6);
	assert_condition(&cmd, SCSI_UA_MODE_CHANGED);
	scsi_rig_down(&rig);
}

static void start_write(struct cmd *cmd, struct scsi_rig *rig, uint8_t lba)
{
	uint8_t cdb[10] = { 0x2a, 0, 0, 0, 0, lba, 0, 0, 1 };

	cmd_init(cmd, rig, cdb, 10, 0, block, 512);
	cmd_start(cmd);
}

static struct gw_event event_of(enum gw_event_kind kind)
{
	return (struct gw_event){ .kind = kind };
}

/* As when another nexus asked for LOGICAL UNIT RESET. */
static void reset_by_others(void **state)
{
	struct gw_event event = event_of(GW_EVENT_RESET);
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	rig.fake->when = FAKE_HELD;
	scsi_rig_unit(&rig)->d_sense = true;
	start_write(&cmd, &rig, 0);
	rig_settle(&rig.core);
	gw_event_tell(&rig.core.volume->lane[0], &event);
	rig_unhold(&rig.core, rig.fake);
	assert_int_equal(cmd.ended, 1);
	assert_true(cmd.task.aborted);
	assert_false(scsi_rig_unit(&rig)->d_sense);
	cmd_none(&cmd, &rig, tur, 6);
	assert_condition(&cmd, SCSI_UA_DEVICE_RESET);
	scsi_rig_down(&rig);
}

/* One of two exports ends: its unit is no more when its last task has ended. */
static void one_goes(void **state)
{
	static const uint8_t luns[12] = { 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 255 };
	struct gw_event event = event_of(GW_EVENT_GOING_AWAY);
	struct gw_grant grants[2];
	struct gw_err err = { 0 };
	struct fake_store *other;
	struct scsi_rig rig;
	struct cmd cmd, gone;

	scsi_rig_up(&rig, 512);
	scsi_nexus_close(&rig.nexus);
	other = fake_store_new("other", DISK_BYTES);
	assert_int_equal(rig_add(&rig.core, "other", 512, false, false, &err), 0);
	grants[0] = (struct gw_grant){ rig.core.volume, false, 0 };
	grants[1] = (struct gw_grant){ gw_volume_find(rig.core.gw, "other"), false, 1 };
	rig.nexus = scsi_nexus_open(rig.core.nexus[0], &rig.port, grants, 2,
				    &(struct scsi_nexus_ops){ NULL }, &rig);
	rig_settle(&rig.core);
	for (unsigned i = 0; i < 2; i++)
		scsi_nexus_nth(rig.nexus, i)->attentions = 0;
	rig.fake->when = FAKE_HELD;
	start_write(&cmd, &rig, 0);
	rig_settle(&rig.core);
	gw_event_tell(&rig.core.volume->lane[0], &event);
	assert_non_null(scsi_unit_itl(scsi_rig_unit(&rig)));
	cmd_none(&gone, &rig, tur, 6);
	assert_condition(&gone, SCSI_IS_BAD_LUN);
	rig_unhold(&rig.core, rig.fake);
	assert_int_equal(cmd.ended, 1);
	assert_null(scsi_unit_itl(scsi_rig_unit(&rig)));
	cmd_init(&gone, &rig, tur, 6, 0, NULL, 0);
	gone.task.lun[1] = 1;
	cmd_run(&gone);
	assert_condition(&gone, SCSI_UA_LUNS_CHANGED);
	assert_int_equal(cmd_in(&gone, &rig, luns, 12, 255), SCSI_GOOD);
	assert_int_equal(gone.in_bytes, 16);
	assert_memory_equal(gone.in, "\0\0\0\x08\0\0\0\0\0\1\0\0\0\0\0\0", 16);
	cmd_free(&gone);
	scsi_nexus_close(&rig.nexus);
	rig_settle(&rig.core);
	assert_int_equal(rig_remove(&rig.core, "other", 60000, &err), 0);
	fake_store_free(&other);
	scsi_rig_down(&rig);
}

/* Commands before the units have joined. */
static void not_joined(void **state)
{
	struct gw_grant grant = { .lun = 0 };
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	scsi_nexus_close(&rig.nexus);
	grant.volume = rig.core.volume;
	rig.nexus = scsi_nexus_open(rig.core.nexus[0], &rig.port, &grant, 1,
				    &(struct scsi_nexus_ops){ NULL }, &rig);
	scsi_rig_unit(&rig)->attentions = 0;
	cmd_init(&cmd, &rig, tur, 6, 0, NULL, 0);
	cmd_start(&cmd);
	assert_condition(&cmd, SCSI_IS_BECOMING_READY);
	rig_settle(&rig.core);
	assert_int_equal(cmd_none(&cmd, &rig, tur, 6), SCSI_GOOD);
	scsi_rig_down(&rig);
}

/* Tasks that run, wait for their turn, for memory, and have no unit. */
static void leaves_all(void **state)
{
	static const uint8_t inquiry[6] = { 0x12, 0, 0, 0, 96 };
	struct scsi_rig rig;
	struct cmd run, wait, nowhere;

	scsi_rig_up(&rig, 512);
	rig.fake->when = FAKE_HELD;
	start_write(&run, &rig, 0);
	rig.refuse = 1;
	cmd_init(&nowhere, &rig, inquiry, 6, 96, NULL, 0);
	nowhere.task.lun[1] = 9;
	cmd_start(&nowhere);
	{
		uint8_t cdb[10] = { 0x2a, 0, 0, 0, 0, 7, 0, 0, 1 };

		cmd_init(&wait, &rig, cdb, 10, 0, block, 512);
		wait.task.attr = SCSI_ORDERED;
		cmd_start(&wait);
	}
	rig_settle(&rig.core);
	assert_int_equal(rig.fake->n_held, 1);
	scsi_nexus_leave(rig.nexus);
	scsi_nexus_close(&rig.nexus);
	rig_unhold(&rig.core, rig.fake);
	assert_int_equal(run.ended + wait.ended + nowhere.ended, 0);
	assert_int_equal(rig.fake->count[GW_WRITE], 1); /* the ordered one never ran */
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(attentions_in_order), cmocka_unit_test(request_sense),
	     cmocka_unit_test(resized), cmocka_unit_test(mode_changed),
	     cmocka_unit_test(reset_by_others), cmocka_unit_test(one_goes),
	     cmocka_unit_test(not_joined), cmocka_unit_test(leaves_all))
