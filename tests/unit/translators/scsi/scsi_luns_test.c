/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_luns_test.c - logical unit numbers as bytes, and REPORT LUNS over a nexus
 * with gaps between its numbers.
 */
#include "config.h"

#include "translators/scsi/scsi_luns.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/unit/translators/scsi/scsi_rig.h"
#include "translators/scsi/scsi_ua.h"

static void every_number(void **state)
{
	for (unsigned n = 0; n <= SCSI_LUN_NUMBER_MAX; n++) {
		uint8_t lun[8];
		uint16_t back;

		scsi_luns_put((uint16_t)n, lun);
		assert_int_equal(be16_get(lun), n < 256 ? n : 0x4000 | n);
		assert_true(scsi_luns_parse(lun, &back));
		assert_int_equal(back, n);
		be16_put(lun, (uint16_t)(0x4000 | n)); /* small ones may come flat, too */
		assert_true(scsi_luns_parse(lun, &back));
		assert_int_equal(back, n);
		for (unsigned i = 2; i < 8; i++) {
			lun[i] = 1;
			assert_false(scsi_luns_parse(lun, &back));
			lun[i] = 0;
		}
	}
}

static void other_forms(void **state)
{
	uint16_t number;

	for (unsigned first = 0; first < 256; first++) {
		uint8_t lun[8] = { (uint8_t)first, 5 };
		bool good = first == 0 || first >> 6 == 1;

		assert_int_equal(scsi_luns_parse(lun, &number), good);
	}
}

static void reports(void **state)
{
	static const uint32_t numbers[] = { 700, 0, 5, 255, 256, 16384, 1 << 20 };
	static const uint8_t want[] = { 0,    0, 0, 40, 0, 0, 0, 0, 0,	  0,	0, 0, 0, 0, 0, 0,
					0,    5, 0, 0,	0, 0, 0, 0, 0,	  255,	0, 0, 0, 0, 0, 0,
					0x41, 0, 0, 0,	0, 0, 0, 0, 0x42, 0xbc, 0, 0, 0, 0, 0, 0 };
	struct gw_grant grants[7];
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[12] = { 0xa0 };

	scsi_rig_up(&rig, 512);
	scsi_nexus_close(&rig.nexus);
	for (unsigned i = 0; i < 7; i++)
		grants[i] = (struct gw_grant){ rig.core.volume, false, numbers[i] };
	rig.nexus = scsi_nexus_open(rig.core.nexus[0], &rig.port, grants, 7,
				    &(struct scsi_nexus_ops){ NULL }, &rig);
	rig_settle(&rig.core);
	for (unsigned report = 0; report < 256; report++) {
		bool all = report == 0 || report == 2 || report == 0x11;
		bool none = report == 1 || report == 0x10 || report == 0x12;

		for (unsigned i = 0; scsi_nexus_nth(rig.nexus, i); i++)
			scsi_ua_raise(scsi_nexus_nth(rig.nexus, i), SCSI_UA_LUNS_CHANGED);
		cdb[2] = (uint8_t)report;
		be32_put(cdb + 6, UINT32_MAX);
		cmd_in(&cmd, &rig, cdb, 12, 5000);
		if (all) {
			assert_int_equal(cmd.in_bytes, sizeof(want));
			assert_memory_equal(cmd.in, want, sizeof(want));
			assert_int_equal(scsi_nexus_nth(rig.nexus, 2)->attentions,
					 1u << SCSI_UA_RESET);
		} else if (none) {
			assert_int_equal(cmd.in_bytes, 8);
			assert_int_equal(be32_get(cmd.in), 0);
		} else {
			assert_cdb_field(&cmd, 2, 7);
		}
		cmd_free(&cmd);
	}
	/* each unit is found by each form of its number, and no other */
	for (unsigned n = 0; n <= SCSI_LUN_NUMBER_MAX; n++) {
		uint8_t lun[8];
		struct scsi_unit *unit;

		scsi_luns_put((uint16_t)n, lun);
		unit = scsi_nexus_unit(rig.nexus, lun);
		assert_int_equal(unit != NULL,
				 n == 0 || n == 5 || n == 255 || n == 256 || n == 700);
		if (unit)
			assert_int_equal(scsi_unit_number(unit), n);
	}
	assert_null(scsi_nexus_nth(rig.nexus, 5));
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(every_number), cmocka_unit_test(other_forms),
	     cmocka_unit_test(reports))
