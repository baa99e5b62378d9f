/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_trim_test.c - ranges in, byte ranges out: against a plain list.
 */
#include "config.h"

#include "translators/ata/ata_trim.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/unit/translators/ata/ata_rig.h"

#define BLOCKS 3u
#define ENTRIES (BLOCKS * 64)

static uint8_t payload[BLOCKS * 512];

static void put(unsigned i, uint64_t lba, uint64_t sectors)
{
	le64_put(payload + 8 * i, lba | sectors << 48);
}

static struct ata_cmd trim_cmd(uint8_t blocks)
{
	return (struct ata_cmd){ .command = 0x06,
				 .feature = 1,
				 .sectors = blocks,
				 .write = true,
				 .extended = true,
				 .payload = payload,
				 .payload_bytes = blocks * 512u };
}

static void wiped(void)
{
	memset(payload, 0, sizeof(payload));
}

static void expect_range(struct ata_trim *trim, uint64_t lba, uint64_t sectors)
{
	uint64_t offset = 1, length = 1;

	assert_true(ata_trim_next(trim, &offset, &length));
	assert_int_equal(offset, lba * 512);
	assert_int_equal(length, sectors * 512);
}

static void expect_end(struct ata_trim *trim)
{
	uint64_t offset = 1, length = 1;

	for (unsigned i = 0; i < 3; i++)
		assert_false(ata_trim_next(trim, &offset, &length));
	assert_int_equal(offset + length, 2); /* untouched */
}

static void plan_is_durable(void **state)
{
	struct ata_terms t = rig_disk;
	struct ata_cmd c = trim_cmd(1);
	struct ata_plan plan;

	wiped();
	put(0, 8, 8);
	assert_int_equal(ata_dispatch(&t, &c, &plan), ATA_TRIM);
	assert_int_equal(plan.op, GW_UNMAP);
	assert_int_equal(plan.flags, GW_FUA);
	assert_int_equal(plan.reply_bytes + plan.length, 0);
	t.write_through = false;
	assert_int_equal(ata_dispatch(&t, &c, &plan), ATA_TRIM);
	assert_int_equal(plan.flags, 0);
}

/* Empty entries anywhere, whatever their address; joined across them. */
static void ranges(void **state)
{
	struct ata_cmd c = trim_cmd(2);
	struct ata_trim trim;

	wiped();
	put(0, 1ull << 47, 0);
	put(1, 100, 1);
	put(5, 101, 65535);
	put(6, 101 + 65535, 3);
	put(63, 50, 2);
	put(64, 52, 2); /* in the second block */
	put(65, 53, 1); /* overlaps: a range of its own */
	put(127, RIG_SECTORS - 1, 1);
	trim = ata_trim_begin(&c);
	expect_range(&trim, 100, 65539);
	expect_range(&trim, 50, 4);
	expect_range(&trim, 53, 1);
	expect_range(&trim, RIG_SECTORS - 1, 1);
	expect_end(&trim);
}

/* No more is read than Sector Count says. */
static void count_bounds_it(void **state)
{
	struct ata_cmd c = trim_cmd(1);
	struct ata_plan plan;
	struct ata_trim trim;

	wiped();
	put(63, 7, 1);
	put(64, 1ull << 40, 1);
	c.payload_bytes = sizeof(payload);
	assert_int_equal(ata_dispatch(&rig_disk, &c, &plan), ATA_TRIM);
	trim = ata_trim_begin(&c);
	expect_range(&trim, 7, 1);
	expect_end(&trim);
}

static void nothing_to_do(void **state)
{
	struct ata_cmd c = trim_cmd(3);
	struct ata_trim trim = ata_trim_begin(&c);

	wiped();
	rig_good(&rig_disk, &c);
	expect_end(&trim);
}

/* One bad range, at any place, refuses all; the first sector that is not there is told. */
static void beyond_the_end(void **state)
{
	struct ata_cmd c = trim_cmd(BLOCKS);

	for (unsigned i = 0; i < ENTRIES; i++) {
		static const struct {
			uint64_t lba, sectors, bad;
		} cases[] = { { RIG_SECTORS, 1, RIG_SECTORS },
			      { RIG_SECTORS - 1, 2, RIG_SECTORS },
			      { 0xffffffffffff, 0xffff, 0xffffffffffff },
			      { RIG_SECTORS + 5, 1, RIG_SECTORS + 5 } };

		for (unsigned j = 0; j < 4; j++) {
			struct ata_regs regs;

			wiped();
			put(i, cases[j].lba, cases[j].sectors);
			put((i + 1) % ENTRIES, 0, 1);
			regs = rig_answer(&rig_disk, &c);
			assert_int_equal(regs.status, RIG_BAD);
			assert_int_equal(regs.error, RIG_IDNF);
			assert_int_equal(regs.lba, cases[j].bad);
		}
	}
}

static void not_here(void **state)
{
	struct ata_terms t = rig_disk;
	struct ata_cmd c = trim_cmd(1);

	wiped();
	put(0, 8, 8);
	t.trim = false;
	rig_aborted(&t, &c);
	c.feature = 0; /* of DATA SET MANAGEMENT there is only TRIM */
	rig_aborted(&rig_disk, &c);
	c.feature = 3;
	rig_aborted(&rig_disk, &c);
	t = rig_disk;
	t.read_only = true;
	c.feature = 1;
	rig_aborted(&t, &c);
}

/* Random lists against a map of sectors: what is trimmed is what was asked for, each once
 * for each entry that names it, and neighbours never come apart. */
static void against_a_map(void **state)
{
	static uint8_t want[4096], got[4096];
	struct ata_cmd c = trim_cmd(BLOCKS);
	uint64_t seed = 4711;

	for (unsigned round = 0; round < 500; round++) {
		struct ata_trim trim = ata_trim_begin(&c);
		uint64_t offset, length, end = UINT64_MAX, lba = 0;

		memset(want, 0, sizeof(want));
		memset(got, 0, sizeof(got));
		for (unsigned i = 0; i < ENTRIES; i++) {
			unsigned n;

			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			n = seed >> 60;
			if (seed >> 40 & 1)
				lba = (seed >> 33) % 4000;
			lba %= 4000;
			put(i, lba, n);
			for (unsigned k = 0; k < n; k++)
				want[lba + k]++;
			lba += n;
		}
		while (ata_trim_next(&trim, &offset, &length)) {
			assert_true(length > 0 && offset != end);
			end = offset + length;
			for (uint64_t at = offset / 512; at < end / 512; at++)
				got[at]++;
		}
		assert_memory_equal(want, got, sizeof(want));
	}
}

/* Sector Count 0: the 65536 blocks that it stands for, if ever a frame carried them. */
static void all_of_65536_blocks(void **state)
{
	const uint32_t bytes = 65536u * 512;
	struct ata_cmd c = trim_cmd(0);
	struct ata_plan plan;
	struct ata_trim trim;
	uint8_t *big = calloc(1, bytes);

	assert_non_null(big);
	le64_put(big + bytes - 8, 9 | 1ull << 48);
	c.payload = big;
	c.payload_bytes = bytes - 1;
	assert_int_equal(ata_dispatch(&rig_disk, &c, &plan), ATA_ARGUMENT);
	c.payload_bytes = bytes;
	assert_int_equal(ata_dispatch(&rig_disk, &c, &plan), ATA_TRIM);
	trim = ata_trim_begin(&c);
	expect_range(&trim, 9, 1);
	expect_end(&trim);
	free(big);
}

HARNESS_MAIN(cmocka_unit_test(plan_is_durable), cmocka_unit_test(ranges),
	     cmocka_unit_test(count_bounds_it), cmocka_unit_test(nothing_to_do),
	     cmocka_unit_test(beyond_the_end), cmocka_unit_test(not_here),
	     cmocka_unit_test(against_a_map), cmocka_unit_test(all_of_65536_blocks))
