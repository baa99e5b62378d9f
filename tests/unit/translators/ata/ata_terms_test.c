/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_terms_test.c - every fact of a volume as a disk has it.
 */
#include "config.h"

#include "translators/ata/ata_terms.h"

#include "tests/harness/harness.h"
#include "translators/ata/ata.h"

static const struct gw_identity identity = { .naa = 0x3000000000000001ull, .serial = "feed" };

static struct ata_terms of_size(uint64_t size_bytes)
{
	struct gw_facts facts = { .size_bytes = size_bytes, .block_bytes = 512 };

	return ata_terms_of(&facts, &identity, false, true);
}

static void capacity(void **state)
{
	assert_int_equal(of_size(0).sectors, 0);
	assert_int_equal(of_size(511).sectors, 0);
	assert_int_equal(of_size(512).sectors, 1);
	assert_int_equal(of_size(1023).sectors, 1);
	assert_int_equal(of_size(512ull << 28).sectors, 1 << 28);
	assert_int_equal(of_size((512ull << 48) - 512).sectors, ATA_LBA48_SECTORS);
	assert_int_equal(of_size(512ull << 48).sectors, ATA_LBA48_SECTORS);
	assert_int_equal(of_size(UINT64_MAX).sectors, ATA_LBA48_SECTORS);
}

static void every_fact(void **state)
{
	for (unsigned i = 0; i < 64; i++) {
		struct gw_facts facts = { .block_bytes = 4096,
					  .read_only = i & 1,
					  .write_cache = i & 2,
					  .caps = (i & 4 ? GW_CAP_UNMAP : 0) |
						  (i & 8 ? GW_CAP_ROTATIONAL : 0) | GW_CAP_MULTI };
		bool protect = i & 16, through = i & 32, protected = protect || facts.read_only;
		struct ata_terms t = ata_terms_of(&facts, &identity, protect, through);

		assert_int_equal(t.block_bytes, 4096);
		assert_int_equal(t.read_only, protected);
		assert_int_equal(t.write_through, through);
		assert_int_equal(t.write_cache, (i & 2) && !through);
		assert_int_equal(t.trim, (i & 4) && !protected);
		assert_int_equal(t.rotational, !!(i & 8));
		assert_false(t.failing);
	}
}

static void names(void **state)
{
	struct ata_terms t = of_size(512);

	assert_int_equal(t.naa, 0); /* ACS wants NAA 5, and ours is of another kind */
	assert_string_equal(t.serial, "feed");
	assert_string_equal(t.firmware, PACKAGE_VERSION);
	assert_true(t.model[0]);
}

HARNESS_MAIN(cmocka_unit_test(capacity), cmocka_unit_test(every_fact), cmocka_unit_test(names))
