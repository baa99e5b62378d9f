/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_control_test.c - settings, power, diagnostics.
 */
#include "config.h"

#include "tests/unit/translators/ata/ata_rig.h"

/* The cache is as it is: saying so is accepted, changing it refused. */
static void write_cache(void **state)
{
	struct ata_terms t = rig_disk;
	struct ata_cmd on = { .command = 0xef, .feature = 0x02 };
	struct ata_cmd off = { .command = 0xef, .feature = 0x82 };

	rig_aborted(&t, &on);
	rig_good(&t, &off);
	t.write_cache = true;
	rig_good(&t, &on);
	rig_aborted(&t, &off);
}

static void other_features(void **state)
{
	for (unsigned feature = 0; feature < 256; feature++) {
		struct ata_cmd c = { .command = 0xef, .feature = (uint8_t)feature };

		if (feature != 0x02 && feature != 0x82)
			rig_aborted(&rig_disk, &c);
	}
}

static void multiple(void **state)
{
	for (unsigned n = 0; n < 256; n++) {
		struct ata_cmd c = { .command = 0xc6, .sectors = (uint8_t)n };

		if (n == 16)
			rig_good(&rig_disk, &c);
		else
			rig_aborted(&rig_disk, &c);
	}
}

static void power(void **state)
{
	static const uint8_t idle[] = { 0xe1, 0xe3, 0x95, 0x97 };
	static const uint8_t down[] = { 0xe0, 0xe2, 0xe6, 0x94, 0x96, 0x99 };
	struct ata_cmd c = { .command = 0xe5 };
	struct ata_plan plan;

	assert_int_equal(rig_answer(&rig_disk, &c).sectors, 0xff);
	c.command = 0x98;
	assert_int_equal(rig_answer(&rig_disk, &c).sectors, 0xff);
	for (unsigned i = 0; i < sizeof(idle); i++) {
		c.command = idle[i];
		rig_good(&rig_disk, &c);
	}
	for (unsigned i = 0; i < sizeof(down); i++) {
		c.command = down[i];
		assert_int_equal(ata_dispatch(&rig_disk, &c, &plan), ATA_REQUEST);
		assert_int_equal(plan.op, GW_FLUSH);
	}
}

static void diagnostic(void **state)
{
	struct ata_cmd c = { .command = 0x90, .lba = 0xabcdef };
	struct ata_regs regs = rig_answer(&rig_disk, &c);

	assert_int_equal(regs.status, RIG_GOOD);
	assert_int_equal(regs.error, 1);
	assert_int_equal(regs.sectors, 1);
	assert_int_equal(regs.lba, 1);
}

static void native_max(void **state)
{
	struct ata_terms t = rig_disk;
	struct ata_cmd c28 = { .command = 0xf8, .lba = 0xe0000000 };
	struct ata_cmd c48 = { .command = 0x27, .extended = true };

	assert_int_equal(rig_answer(&t, &c28).lba, 0xe0000000 + RIG_SECTORS - 1);
	assert_int_equal(rig_answer(&t, &c48).lba, RIG_SECTORS - 1);
	t.sectors = 1ull << 40;
	assert_int_equal(rig_answer(&t, &c28).lba, 0xeffffffe);
	assert_int_equal(rig_answer(&t, &c48).lba, (1ull << 40) - 1);
	t.sectors = 0;
	rig_aborted(&t, &c28);
	rig_aborted(&t, &c48);
}

/* Refused with a reason, each (ata_cmds.tbl). */
static void refused(void **state)
{
	static const uint8_t opcodes[] = { 0x00, 0x08, 0x10, 0x91, 0x2f, 0xa1, 0xf9, 0xff };

	for (unsigned i = 0; i < sizeof(opcodes); i++)
		for (unsigned write = 0; write < 2; write++) {
			struct ata_cmd c = { .command = opcodes[i], .write = write };

			rig_aborted(&rig_disk, &c);
		}
}

HARNESS_MAIN(cmocka_unit_test(write_cache), cmocka_unit_test(other_features),
	     cmocka_unit_test(multiple), cmocka_unit_test(power), cmocka_unit_test(diagnostic),
	     cmocka_unit_test(native_max), cmocka_unit_test(refused))
