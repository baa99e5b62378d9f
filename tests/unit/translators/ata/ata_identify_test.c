/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_identify_test.c - IDENTIFY DEVICE word by word, and as its readers take it
 * apart: Linux's aoe driver, hdparm, smartctl.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/table.h"
#include "tests/unit/translators/ata/ata_rig.h"
#include "translators/ata/ata_page.h"

static uint8_t out[ATA_PAGE_BYTES];

static void identify(const struct ata_terms *terms, uint32_t room_bytes)
{
	struct ata_cmd c = {
		.command = 0xec, .sectors = 1, .lba = 0xa0000000, .room_bytes = room_bytes
	};
	struct ata_plan plan;

	assert_int_equal(ata_dispatch(terms, &c, &plan), ATA_PAGE);
	assert_int_equal(plan.page, ATA_PAGE_IDENTIFY);
	assert_int_equal(plan.reply_bytes, 512);
	assert_int_equal(plan.regs.status, RIG_GOOD);
	memset(out, 0xff, sizeof(out));
	ata_page_build(plan.page, terms, room_bytes, out);
}

static uint16_t word(unsigned n)
{
	return le16_get(out + 2 * n);
}

static void text_is(unsigned first, unsigned words, const char *want)
{
	char got[41] = "";

	for (unsigned i = 0; i < words; i++) {
		got[2 * i] = (char)(word(first + i) >> 8);
		got[2 * i + 1] = (char)word(first + i);
	}
	assert_string_equal(got, want);
}

static void checksum(void)
{
	uint8_t sum = 0;

	for (unsigned i = 0; i < sizeof(out); i++)
		sum = (uint8_t)(sum + out[i]);
	assert_int_equal(sum, 0);
	assert_int_equal(out[510], 0xa5);
}

/* Every word of the usual disk; those that are not named are zero. */
static void every_word(void **state)
{
	static const uint16_t want[][2] = {
		{ 0, 0x0040 },	 { 2, 0xc837 },	  { 47, 0x8010 },  { 48, 0x4000 },  { 49, 0x0b00 },
		{ 50, 0x4000 },	 { 53, 0x0002 },  { 59, 0x0110 },  { 60, 0x0000 },  { 61, 0x0020 },
		{ 63, 0x0007 },	 { 64, 0x0003 },  { 65, 120 },	   { 66, 120 },	    { 67, 120 },
		{ 68, 120 },	 { 69, 0x4020 },  { 80, 0x03f0 },  { 81, 0x0110 },  { 82, 0x0009 },
		{ 83, 0x7400 },	 { 84, 0x4140 },  { 85, 0x0009 },  { 86, 0x3400 },  { 87, 0x4140 },
		{ 101, 0x0020 }, { 105, 2 },	  { 106, 0x4000 }, { 108, 0x3123 }, { 109, 0x4567 },
		{ 110, 0x89ab }, { 111, 0xcdef }, { 169, 0x0001 }, { 209, 0x4000 }, { 217, 0x0001 },
	};

	identify(&rig_disk, 1024);
	for (unsigned n = 0; n < 255; n++) {
		uint16_t expect = 0;

		if ((n >= 10 && n < 20) || (n >= 23 && n < 47))
			continue; /* texts */
		for (unsigned i = 0; i < TABLE_LEN(want); i++)
			if (want[i][0] == n)
				expect = want[i][1];
		if (word(n) != expect)
			fail_msg("word %u is %04x, not %04x", n, word(n), expect);
	}
	checksum();
}

static void texts(void **state)
{
	struct ata_terms t = rig_disk;

	identify(&t, 512);
	text_is(10, 10, "0123456789abcdef0123");
	text_is(23, 4, "1.2.3   ");
	text_is(27, 20, "SLUICE VOLUME                           ");
	t.serial = "";
	t.firmware = "123456789";
	t.model = "\x7f tab\t \xc3\xa9 forty bytes are told, and none of this";
	identify(&t, 512);
	text_is(10, 10, "                    ");
	text_is(23, 4, "12345678");
	text_is(27, 20, "? tab? ?? forty bytes are told, and none");
	checksum();
}

static uint64_t capacity_28(void)
{
	return le32_get(out + 120);
}

/* As ataid_complete() of drivers/block/aoe/aoecmd.c reads it. */
static void capacity_for_linux(void **state)
{
	static const uint64_t sizes[][2] = {
		{ 0, 0 },
		{ 1, 1 },
		{ 0x0ffffffe, 0x0ffffffe },
		{ 0x0fffffff, 0x0fffffff },
		{ 0x10000000, 0x0fffffff },
		{ 1ull << 40, 0x0fffffff },
		{ ATA_LBA48_SECTORS, 0x0fffffff },
	};
	struct ata_terms t = rig_disk;

	for (unsigned i = 0; i < TABLE_LEN(sizes); i++) {
		t.sectors = sizes[i][0];
		identify(&t, 512);
		assert_true((word(83) | word(86)) & 1 << 10);
		assert_int_equal(le64_get(out + 200), sizes[i][0]);
		assert_int_equal(capacity_28(), sizes[i][1]);
		checksum();
	}
}

/* hdparm and smartctl: bit 14 set and 15 clear make words 83, 84, 87, 106, 209 valid. */
static void validity_bits(void **state)
{
	static const uint8_t words[] = { 48, 50, 83, 84, 87, 106, 209 };

	identify(&rig_disk, 512);
	for (unsigned i = 0; i < sizeof(words); i++)
		assert_int_equal(word(words[i]) >> 14, 1);
}

static void physical_sectors(void **state)
{
	struct ata_terms t = rig_disk;

	for (unsigned log2 = 0; log2 <= 7; log2++) {
		t.block_bytes = 512u << log2;
		identify(&t, 512);
		assert_int_equal(word(106), log2 ? 0x6000 | log2 : 0x4000);
		assert_int_equal(word(209), 0x4000);
		checksum();
	}
}

/* What can be asked for is what is told, both ways. */
static void trim_is_told(void **state)
{
	struct ata_terms t = rig_disk;

	identify(&t, 17 * 512 + 100);
	assert_int_equal(word(105), 17);
	assert_int_equal(word(169) & 1, 1);
	identify(&t, UINT32_MAX);
	assert_int_equal(word(105), 0xffff);
	t.trim = false;
	identify(&t, 1024);
	assert_int_equal(word(105) | word(169) | word(69), 0);
}

static void cache_is_told(void **state)
{
	struct ata_terms t = rig_disk;

	identify(&t, 512);
	assert_int_equal((word(82) | word(85)) & 0x20, 0);
	t.write_cache = true;
	identify(&t, 512);
	assert_int_equal(word(82) & word(85) & 0x20, 0x20);
}

static void no_name_and_turning(void **state)
{
	struct ata_terms t = rig_disk;

	t.naa = 0;
	t.rotational = true;
	identify(&t, 512);
	assert_int_equal((word(84) | word(87)) & 0x100, 0);
	assert_int_equal(word(108) | word(109) | word(110) | word(111), 0);
	assert_int_equal(word(217), 0);
}

/* Each feature that is told has its commands, and they are not aborted. */
static void told_is_done(void **state)
{
	static const struct {
		uint8_t word, bit, command;
	} told[] = { { 83, 10, 0x24 }, { 83, 10, 0x42 }, { 83, 12, 0xe7 }, { 83, 13, 0xea },
		     { 84, 6, 0x3d },  { 84, 6, 0xce },	 { 82, 3, 0xe5 },  { 82, 3, 0xe6 },
		     { 49, 8, 0xc8 },  { 49, 8, 0xca },	 { 82, 0, 0xb0 } };

	identify(&rig_disk, 512);
	for (unsigned i = 0; i < TABLE_LEN(told); i++) {
		struct ata_cmd c = { .command = told[i].command,
				     .sectors = 1,
				     .room_bytes = 512,
				     .payload_bytes = 512 };
		struct ata_plan plan;

		c.write = ata_dispatch_class(c.command) == GW_RSV_WRITE &&
			  strstr(ata_dispatch_name(c.command), "WRITE");
		c.feature = 0xda;
		c.lba = c.command == 0xb0 ? 0xc24f00 : 0;
		assert_true(word(told[i].word) >> told[i].bit & 1);
		assert_int_not_equal(ata_dispatch(&rig_disk, &c, &plan), ATA_ARGUMENT);
		assert_int_equal(plan.regs.status, RIG_GOOD);
	}
}

static void no_room(void **state)
{
	struct ata_cmd c = { .command = 0xec, .sectors = 1, .room_bytes = 511 };
	struct ata_plan plan;

	assert_int_equal(ata_dispatch(&rig_disk, &c, &plan), ATA_ARGUMENT);
	c.room_bytes = 512;
	c.sectors = 0; /* not a count here */
	assert_int_equal(ata_dispatch(&rig_disk, &c, &plan), ATA_PAGE);
}

HARNESS_MAIN(cmocka_unit_test(every_word), cmocka_unit_test(texts),
	     cmocka_unit_test(capacity_for_linux), cmocka_unit_test(validity_bits),
	     cmocka_unit_test(physical_sectors), cmocka_unit_test(trim_is_told),
	     cmocka_unit_test(cache_is_told), cmocka_unit_test(no_name_and_turning),
	     cmocka_unit_test(told_is_done), cmocka_unit_test(no_room))
