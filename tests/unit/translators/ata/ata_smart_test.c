/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_smart_test.c - SMART as aoeping and smartctl ask for it.
 */
#include "config.h"

#include "gateway/base/bytes.h"
#include "tests/unit/translators/ata/ata_rig.h"
#include "translators/ata/ata_page.h"

static struct ata_cmd smart(uint8_t feature)
{
	return (struct ata_cmd){
		.command = 0xb0, .feature = feature, .lba = 0xc24f00, .room_bytes = 1024
	};
}

static void health(void **state)
{
	struct ata_terms t = rig_disk;
	struct ata_cmd c = smart(0xda);

	c.lba |= 0xa0000011; /* what else stands there stays */
	assert_int_equal(rig_answer(&t, &c).lba, 0xa0c24f11);
	t.failing = true;
	assert_int_equal(rig_answer(&t, &c).lba, 0xa02cf411);
	assert_int_equal(rig_answer(&t, &c).status, RIG_GOOD);
}

static void key_is_asked_for(void **state)
{
	static const uint64_t wrong[] = { 0, 0x4f00, 0xc20000, 0xc24e00, 0xc34f00, 0x4fc200 };

	for (unsigned i = 0; i < 6; i++)
		for (unsigned feature = 0; feature < 256; feature++) {
			struct ata_cmd c = smart((uint8_t)feature);

			c.lba = wrong[i];
			rig_aborted(&rig_disk, &c);
		}
}

static void always_on(void **state)
{
	struct ata_cmd on = smart(0xd8), off = smart(0xd9);

	rig_good(&rig_disk, &on);
	rig_aborted(&rig_disk, &off);
}

static void check_page(uint8_t feature, enum ata_page page)
{
	struct ata_cmd c = smart(feature);
	uint8_t out[ATA_PAGE_BYTES], sum = 0;
	struct ata_plan plan;

	c.sectors = 1;
	assert_int_equal(ata_dispatch(&rig_disk, &c, &plan), ATA_PAGE);
	assert_int_equal(plan.page, page);
	assert_int_equal(plan.reply_bytes, 512);
	ata_page_build(plan.page, &rig_disk, c.room_bytes, out);
	assert_int_equal(le16_get(out), 0x10);
	for (unsigned i = 0; i < sizeof(out); i++) {
		sum = (uint8_t)(sum + out[i]);
		if (i > 1 && i < 511)
			assert_int_equal(out[i], 0); /* no attribute, no test, no log */
	}
	assert_int_equal(sum, 0);
	c.room_bytes = 511;
	assert_int_equal(ata_dispatch(&rig_disk, &c, &plan), ATA_ARGUMENT);
}

static void pages(void **state)
{
	check_page(0xd0, ATA_PAGE_SMART_DATA);
	check_page(0xd1, ATA_PAGE_SMART_THRESHOLDS);
}

/* The row after the last. */
static void no_such_page(void **state)
{
	uint8_t out[ATA_PAGE_BYTES] = { 1 }, zero[ATA_PAGE_BYTES] = { 0 };

	ata_page_build(ATA_PAGE_COUNT, &rig_disk, 512, out);
	assert_memory_equal(out, zero, sizeof(out));
}

static void nothing_else(void **state)
{
	for (unsigned feature = 0; feature < 256; feature++) {
		struct ata_cmd c = smart((uint8_t)feature);

		if (feature != 0xd0 && feature != 0xd1 && feature != 0xd8 && feature != 0xda)
			rig_aborted(&rig_disk, &c);
	}
}

HARNESS_MAIN(cmocka_unit_test(health), cmocka_unit_test(key_is_asked_for),
	     cmocka_unit_test(always_on), cmocka_unit_test(pages), cmocka_unit_test(no_such_page),
	     cmocka_unit_test(nothing_else))
