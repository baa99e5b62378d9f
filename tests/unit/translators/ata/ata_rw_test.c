/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_rw_test.c - frames as initiators send them, one by one; the sweep over all
 * of them is ata_dispatch_test.c.
 */
#include "config.h"

#include "tests/unit/translators/ata/ata_rig.h"

static struct ata_plan planned(const struct ata_terms *terms, const struct ata_cmd *cmd,
			       enum ata_act want)
{
	struct ata_plan plan;

	assert_int_equal(ata_dispatch(terms, cmd, &plan), want);
	return plan;
}

/* Linux: two sectors in a frame of 1500 bytes; drivers/block/aoe, ata_rw_frameinit() */
static void linux_read(void **state)
{
	struct ata_cmd c = {
		.command = 0x24, .sectors = 2, .extended = true, .lba = 0x123456, .room_bytes = 1024
	};
	struct ata_plan plan = planned(&rig_disk, &c, ATA_REQUEST);

	assert_int_equal(plan.op, GW_READ);
	assert_int_equal(plan.flags, 0);
	assert_int_equal(plan.offset, 0x123456ull * 512);
	assert_int_equal(plan.length, 1024);
	assert_int_equal(plan.reply_bytes, 1024);
	assert_int_equal(plan.regs.status, RIG_GOOD);
}

/* The same without LBA48: lba3 has 0xe0, "LBA bit and obsolete 0xa0". */
static void linux_write_28(void **state)
{
	struct ata_cmd c = { .command = 0x30,
			     .sectors = 2,
			     .write = true,
			     .lba = 0xe0123456,
			     .payload_bytes = 1024,
			     .room_bytes = 1024 };
	struct ata_plan plan = planned(&rig_disk, &c, ATA_REQUEST);

	assert_int_equal(plan.op, GW_WRITE);
	assert_int_equal(plan.flags, GW_FUA); /* AoE never flushes */
	assert_int_equal(plan.offset, 0x123456ull * 512);
	assert_int_equal(plan.length, 1024);
	assert_int_equal(plan.reply_bytes, 0);
}

/* Where the administrator lets writes stay in a cache, FUA is what says FUA. */
static void fua(void **state)
{
	struct ata_terms t = rig_disk;
	struct ata_cmd c = {
		.command = 0x35, .sectors = 1, .write = true, .extended = true, .payload_bytes = 512
	};

	t.write_through = false;
	t.write_cache = true;
	assert_int_equal(planned(&t, &c, ATA_REQUEST).flags, 0);
	c.command = 0x3d;
	assert_int_equal(planned(&t, &c, ATA_REQUEST).flags, GW_FUA);
	c.command = 0xce;
	assert_int_equal(planned(&t, &c, ATA_REQUEST).flags, GW_FUA);
}

/* A frame of 60 bytes has padding behind a short payload; one that is cut is refused. */
static void payload_and_padding(void **state)
{
	struct ata_cmd c = {
		.command = 0x34, .sectors = 1, .write = true, .extended = true, .payload_bytes = 600
	};

	assert_int_equal(planned(&rig_disk, &c, ATA_REQUEST).length, 512);
	c.payload_bytes = 511;
	planned(&rig_disk, &c, ATA_ARGUMENT);
	c.sectors = 0; /* 65536 sectors */
	planned(&rig_disk, &c, ATA_ARGUMENT);
}

/* A command and its frame must agree on who sends the data. */
static void direction(void **state)
{
	struct ata_cmd c = { .command = 0x34,
			     .sectors = 1,
			     .extended = true,
			     .payload_bytes = 512,
			     .room_bytes = 512 };

	planned(&rig_disk, &c, ATA_ARGUMENT);
	c.write = true;
	planned(&rig_disk, &c, ATA_REQUEST);
	c.command = 0x24;
	planned(&rig_disk, &c, ATA_ARGUMENT);
	c.command = 0xe7;
	planned(&rig_disk, &c, ATA_ARGUMENT);
}

/* Where 28 bits end: one sector before what they could say. */
static void end_of_28_bits(void **state)
{
	struct ata_terms t = rig_disk;
	struct ata_cmd c = { .command = 0x20, .sectors = 1, .lba = 0xeffffffe, .room_bytes = 512 };
	struct ata_plan plan;

	t.sectors = 1ull << 28;
	assert_int_equal(planned(&t, &c, ATA_REQUEST).offset, 0x0ffffffeull * 512);
	c.lba++;
	plan = planned(&t, &c, ATA_ANSWER);
	assert_int_equal(plan.regs.error, RIG_IDNF);
	assert_int_equal(plan.regs.lba, 0xefffffff);
	c.command = 0x24;
	c.extended = true;
	c.lba = 0x0fffffff;
	assert_int_equal(planned(&t, &c, ATA_REQUEST).offset, 0x0fffffffull * 512);
	c.lba++;
	assert_int_equal(planned(&t, &c, ATA_ANSWER).regs.lba, 1ull << 28);
}

/* The last byte of the largest disk does not overflow. */
static void end_of_48_bits(void **state)
{
	struct ata_terms t = rig_disk;
	struct ata_cmd c = { .command = 0x24,
			     .sectors = 2,
			     .extended = true,
			     .lba = ATA_LBA48_SECTORS - 2,
			     .room_bytes = 1024 };

	t.sectors = ATA_LBA48_SECTORS;
	assert_int_equal(planned(&t, &c, ATA_REQUEST).offset, (ATA_LBA48_SECTORS - 2) * 512);
	c.lba++;
	assert_int_equal(planned(&t, &c, ATA_ANSWER).regs.lba, ATA_LBA48_SECTORS);
}

/* More address than the command has bits must not reach another sector. */
static void lost_address_bits(void **state)
{
	struct ata_cmd c = { .command = 0x30,
			     .sectors = 1,
			     .write = true,
			     .extended = true,
			     .lba = 1 << 28,
			     .payload_bytes = 512 };

	assert_int_equal(planned(&rig_disk, &c, ATA_ANSWER).regs.error, RIG_IDNF);
	c.extended = false;
	assert_int_equal(planned(&rig_disk, &c, ATA_REQUEST).offset, 0);
	c.lba = 1ull << 32;
	assert_int_equal(planned(&rig_disk, &c, ATA_ANSWER).regs.error, RIG_IDNF);
}

/* READ VERIFY moves no data, so that 0 can mean all it stands for. */
static void verify(void **state)
{
	struct ata_cmd c = { .command = 0x42, .extended = true };
	struct ata_plan plan = planned(&rig_disk, &c, ATA_REQUEST);

	assert_int_equal(plan.op, GW_READ);
	assert_int_equal(plan.length, 65536 * 512);
	assert_int_equal(plan.reply_bytes, 0);
	c.command = 0x40;
	assert_int_equal(planned(&rig_disk, &c, ATA_REQUEST).length, 256 * 512);
}

static void empty_disk(void **state)
{
	struct ata_terms t = rig_disk;
	struct ata_cmd c = { .command = 0x24, .sectors = 1, .extended = true, .room_bytes = 512 };
	struct ata_plan plan;

	t.sectors = 0;
	plan = planned(&t, &c, ATA_ANSWER);
	assert_int_equal(plan.regs.status, RIG_BAD);
	assert_int_equal(plan.regs.error, RIG_IDNF);
	assert_int_equal(plan.regs.lba, 0);
}

static void flush(void **state)
{
	struct ata_terms t = rig_disk;
	struct ata_cmd c = { .command = 0xe7 };

	t.read_only = true;
	assert_int_equal(planned(&t, &c, ATA_REQUEST).op, GW_FLUSH);
	assert_int_equal(planned(&t, &c, ATA_REQUEST).length, 0);
}

HARNESS_MAIN(cmocka_unit_test(linux_read), cmocka_unit_test(linux_write_28), cmocka_unit_test(fua),
	     cmocka_unit_test(payload_and_padding), cmocka_unit_test(direction),
	     cmocka_unit_test(end_of_28_bits), cmocka_unit_test(end_of_48_bits),
	     cmocka_unit_test(lost_address_bits), cmocka_unit_test(verify),
	     cmocka_unit_test(empty_disk), cmocka_unit_test(flush))
