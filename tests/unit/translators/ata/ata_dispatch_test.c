/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_dispatch_test.c - every opcode x flags x Sector Count x address x payload x
 * room x disk, held against the standard as read a second time, without a table;
 * every outcome as registers.
 */
#include "config.h"

#include "translators/ata/ata_dispatch.h"

#include <string.h>

#include "gateway/base/table.h"
#include "tests/unit/translators/ata/ata_rig.h"

#define FRAME_BYTES (256u * 512)

static uint8_t frame[FRAME_BYTES]; /* as DATA SET MANAGEMENT reads it: nothing to trim */

static bool is_one_of(uint8_t opcode, const char *list, size_t n)
{
	return memchr(list, opcode, n);
}

#define IS(opcode, list) is_one_of((opcode), (list), sizeof(list) - 1)

static bool reads(uint8_t opcode)
{
	return IS(opcode, "\x20\x24\xc4\x29\xc8\x25");
}

static bool verifies(uint8_t opcode)
{
	return IS(opcode, "\x40\x42");
}

static bool writes(uint8_t opcode)
{
	return IS(opcode, "\x30\x34\xc5\x39\xca\x35\x3d\xce");
}

static bool flushes(uint8_t opcode)
{
	return IS(opcode, "\xe7\xea\xe0\xe2\xe6\x94\x96\x99");
}

/* Others that do something; what is in none of the lists is aborted. */
static bool is_other(uint8_t opcode)
{
	return IS(opcode, "\x06\xec\xb0\xef\xc6\x90\xf8\x27\xe5\xe1\xe3\x98\x95\x97");
}

static bool is_48(uint8_t opcode)
{
	return IS(opcode, "\x24\x29\x25\x42\x34\x39\x35\x3d\xce\x06");
}

static void expect_bad(struct ata_plan *want, uint8_t error)
{
	want->act = ATA_ANSWER;
	want->regs.status = RIG_BAD;
	want->regs.error = error;
}

static void expect_medium(const struct ata_terms *t, const struct ata_cmd *c, uint64_t n,
			  struct ata_plan *want)
{
	bool ext = is_48(c->command);
	uint64_t lba = c->lba, cap = t->sectors, bad;
	bool sane = true;

	if (!ext) {
		sane = c->extended ? lba < 1ull << 28 : lba < 1ull << 32;
		lba &= (1u << 28) - 1;
		cap = cap > 0x0fffffff ? 0x0fffffff : cap;
	}
	if (!sane || lba >= cap || n > cap - lba) {
		bad = !sane || lba >= cap ? lba : cap;
		expect_bad(want, RIG_IDNF);
		want->regs.lba = ext ? bad : (c->lba & 0xf0000000) + bad;
		return;
	}
	want->act = ATA_REQUEST;
	want->op = writes(c->command) ? GW_WRITE : GW_READ;
	if (writes(c->command) && (t->write_through || c->command == 0x3d || c->command == 0xce))
		want->flags = GW_FUA;
	want->offset = lba * 512;
	want->length = n * 512;
	want->reply_bytes = reads(c->command) ? (uint32_t)n * 512 : 0;
}

static void expect_page(const struct ata_cmd *c, enum ata_page page, struct ata_plan *want)
{
	want->act = c->room_bytes < 512 ? ATA_ARGUMENT : ATA_PAGE;
	if (want->act == ATA_PAGE) {
		want->page = page;
		want->reply_bytes = 512;
	} else {
		expect_bad(want, RIG_ABRT);
		want->act = ATA_ARGUMENT;
	}
}

static void expect_smart(const struct ata_cmd *c, struct ata_plan *want)
{
	if ((c->lba >> 8 & 0xff) != 0x4f || (c->lba >> 16 & 0xff) != 0xc2)
		expect_bad(want, RIG_ABRT);
	else if (c->feature == 0xd0)
		expect_page(c, ATA_PAGE_SMART_DATA, want);
	else if (c->feature == 0xd1)
		expect_page(c, ATA_PAGE_SMART_THRESHOLDS, want);
	else if (c->feature != 0xd8 && c->feature != 0xda)
		expect_bad(want, RIG_ABRT);
}

static void expect_native_max(const struct ata_terms *t, const struct ata_cmd *c,
			      struct ata_plan *want)
{
	uint64_t last = t->sectors - 1;

	if (!t->sectors) {
		expect_bad(want, RIG_ABRT);
		return;
	}
	if (c->command == 0xf8)
		last = (last > 0x0ffffffe ? 0x0ffffffe : last) + (c->lba & 0xf0000000);
	want->regs.lba = last;
}

static void expect_other(const struct ata_terms *t, const struct ata_cmd *c, struct ata_plan *want)
{
	switch (c->command) {
	case 0x06: /* the frame is zero: no range in it */
		if (!t->trim || c->feature != 1)
			expect_bad(want, RIG_ABRT);
		break;
	case 0xec:
		expect_page(c, ATA_PAGE_IDENTIFY, want);
		break;
	case 0xb0:
		expect_smart(c, want);
		break;
	case 0xef:
		if (c->feature != (t->write_cache ? 0x02 : 0x82))
			expect_bad(want, RIG_ABRT);
		break;
	case 0xc6:
		if (c->sectors != 16)
			expect_bad(want, RIG_ABRT);
		break;
	case 0x90:
		want->regs = (struct ata_regs){ RIG_GOOD, 1, 1, 1 };
		break;
	case 0xf8:
	case 0x27:
		expect_native_max(t, c, want);
		break;
	case 0xe5:
	case 0x98:
		want->regs.sectors = 0xff;
		break;
	}
}

static struct ata_plan expect(const struct ata_terms *t, const struct ata_cmd *c)
{
	struct ata_plan want = { .act = ATA_ANSWER,
				 .regs = { RIG_GOOD, 0, 0, c->lba },
				 .op = GW_OP_COUNT };
	uint8_t op = c->command;
	bool medium = reads(op) || verifies(op) || writes(op), out = writes(op) || op == 0x06;
	uint64_t n = c->sectors ? c->sectors : is_48(op) ? 65536 : 256;

	if (!medium && !flushes(op) && !is_other(op)) {
		expect_bad(&want, RIG_ABRT);
	} else if (c->write != out || (out && n * 512 > c->payload_bytes) ||
		   (reads(op) && n * 512 > c->room_bytes)) {
		expect_bad(&want, RIG_ABRT);
		want.act = ATA_ARGUMENT;
	} else if (out && t->read_only) {
		expect_bad(&want, RIG_ABRT);
	} else if (medium) {
		expect_medium(t, c, n, &want);
	} else if (flushes(op)) {
		want.act = ATA_REQUEST;
		want.op = GW_FLUSH;
	} else {
		expect_other(t, c, &want);
	}
	return want;
}

static bool same(const struct ata_plan *a, const struct ata_plan *b)
{
	return a->act == b->act && a->regs.status == b->regs.status &&
	       a->regs.error == b->regs.error && a->regs.sectors == b->regs.sectors &&
	       a->regs.lba == b->regs.lba && a->reply_bytes == b->reply_bytes &&
	       a->page == b->page && a->op == b->op && a->flags == b->flags &&
	       a->offset == b->offset && a->length == b->length;
}

static void check_one(const struct ata_terms *t, const struct ata_cmd *c)
{
	struct ata_plan want = expect(t, c), plan;

	memset(&plan, 0x5a, sizeof(plan));
	if (ata_dispatch(t, c, &plan) == plan.act && same(&plan, &want))
		return;
	fail_msg("command %02x feature %02x sectors %u lba %llx flags %d%d payload %u room %u of "
		 "%llx: act %d status %02x error %02x lba %llx, not %d %02x %02x %llx",
		 c->command, c->feature, c->sectors, (unsigned long long)c->lba, c->extended,
		 c->write, c->payload_bytes, c->room_bytes, (unsigned long long)t->sectors,
		 plan.act, plan.regs.status, plan.regs.error, (unsigned long long)plan.regs.lba,
		 want.act, want.regs.status, want.regs.error, (unsigned long long)want.regs.lba);
}

/* ---- all of it ----------------------------------------------------------- */

static const uint8_t counts[] = { 0, 1, 2, 16, 17, 255 };
static const uint32_t payloads[] = { 0, 511, 512, 1024, 8703, 8704, FRAME_BYTES };
static const uint32_t rooms[] = { 0, 511, 512, 8704, FRAME_BYTES, 65536 * 512 };
static const uint8_t features[] = { 0, 1, 2, 0x82, 0xd0, 0xd1, 0xd8, 0xd9, 0xda, 0xff };
static const uint64_t lbas[] = {
	0,
	1,
	RIG_SECTORS - 17,
	RIG_SECTORS - 1,
	RIG_SECTORS,
	0xe0000000 + RIG_SECTORS - 2, /* the device register of a real initiator */
	0xc24f00,
	0x0ffffffd,
	0x0ffffffe,
	0x0fffffff,
	0x10000000,
	0xffffffff,
	0x100000000,
	0xfffffffffffe,
	0xffffffffffff,
};
static const uint64_t capacities[] = { 0,
				       1,
				       2,
				       RIG_SECTORS,
				       0x0ffffffe,
				       0x0fffffff,
				       0x10000000,
				       0x10000001,
				       0xfffffffffffe,
				       1ull << 40,
				       0xffffffffffffull };

static void each_length(const struct ata_terms *t, struct ata_cmd *c)
{
	for (unsigned i = 0; i < TABLE_LEN(payloads); i++)
		for (unsigned j = 0; j < TABLE_LEN(rooms); j++) {
			c->payload_bytes = payloads[i];
			c->room_bytes = rooms[j];
			check_one(t, c);
		}
}

static void each_address(const struct ata_terms *t, struct ata_cmd *c)
{
	for (unsigned i = 0; i < TABLE_LEN(counts); i++)
		for (unsigned j = 0; j < TABLE_LEN(lbas); j++)
			for (unsigned flags = 0; flags < 4; flags++) {
				c->sectors = counts[i];
				c->lba = lbas[j];
				c->extended = flags & 1;
				c->write = flags & 2;
				each_length(t, c);
			}
}

static void every_command(void **state)
{
	struct ata_terms t = rig_disk;

	for (unsigned how = 0; how < 4; how++) {
		t.read_only = how == 1;
		t.write_through = how != 2;
		t.write_cache = how == 2;
		t.trim = how != 3;
		for (unsigned opcode = 0; opcode < 256; opcode++) {
			struct ata_cmd c = { .command = (uint8_t)opcode, .payload = frame };

			each_address(&t, &c);
		}
	}
}

static void every_feature(void **state)
{
	struct ata_terms t = rig_disk;

	for (unsigned how = 0; how < 4; how++) {
		t.write_cache = how & 1;
		t.trim = how & 2;
		for (unsigned opcode = 0; opcode < 256; opcode++)
			for (unsigned feature = 0; feature < 256; feature++) {
				struct ata_cmd c = { .command = (uint8_t)opcode,
						     .feature = (uint8_t)feature,
						     .payload = frame,
						     .sectors = 1,
						     .lba = 0xc24f00,
						     .write = opcode == 0x06 };

				each_length(&t, &c);
			}
	}
}

static void every_capacity(void **state)
{
	struct ata_terms t = rig_disk;

	for (unsigned i = 0; i < TABLE_LEN(capacities); i++) {
		t.sectors = capacities[i];
		for (unsigned opcode = 0; opcode < 256; opcode++)
			for (unsigned f = 0; f < TABLE_LEN(features); f++) {
				struct ata_cmd c = { .command = (uint8_t)opcode,
						     .feature = features[f],
						     .payload = frame };

				if (f && !IS(opcode, "\x06\xb0\xef"))
					continue;
				each_address(&t, &c);
			}
	}
}

/* ---- outcomes ------------------------------------------------------------ */

enum { A_READ = 0x25, A_WRITE = 0x35, A_FLUSH = 0xea, A_TRIM = 0x06, A_VERIFY = 0x42 };

static struct ata_regs expect_end(unsigned s, uint8_t opcode)
{
	bool reading = opcode == A_READ || opcode == A_VERIFY;

	switch (s) {
	case GW_OK:
		return (struct ata_regs){ RIG_GOOD, 0, 0, 0 };
	case GW_OUT_OF_RANGE:
		return (struct ata_regs){ RIG_BAD, RIG_IDNF, 0, 0 };
	case GW_MEDIUM_ERROR:
		return reading ? (struct ata_regs){ RIG_BAD, RIG_UNC, 0, 0 }
			       : (struct ata_regs){ RIG_FAULT, RIG_ABRT, 0, 0 };
	case GW_NO_SPACE:
	case GW_STORE_ERROR:
	case GW_NOT_READY:
	case GW_SENSE:
		return (struct ata_regs){ RIG_FAULT, RIG_ABRT, 0, 0 };
	default: /* the row after the last: a failure of ours */
		return s >= GW_STATUS_COUNT ? (struct ata_regs){ RIG_FAULT, RIG_ABRT, 0, 0 }
					    : (struct ata_regs){ RIG_BAD, RIG_ABRT, 0, 0 };
	}
}

static void every_outcome(void **state)
{
	static const uint8_t opcodes[] = { A_READ, A_WRITE, A_FLUSH, A_TRIM, A_VERIFY };

	frame[0] = 5; /* trims 1 sector from 5 */
	frame[6] = 1;
	for (unsigned i = 0; i < TABLE_LEN(opcodes); i++)
		for (unsigned s = 0; s <= GW_STATUS_COUNT + 1; s++) {
			struct ata_cmd c = { .command = opcodes[i],
					     .feature = 1,
					     .sectors = 8,
					     .extended = true,
					     .lba = 1000,
					     .payload = frame,
					     .payload_bytes = 4096,
					     .room_bytes = 4096 };
			struct ata_regs want = expect_end(s, opcodes[i]), got;
			struct ata_plan plan;

			c.write = opcodes[i] == A_WRITE || opcodes[i] == A_TRIM;
			assert_true(ata_dispatch(&rig_disk, &c, &plan) >= ATA_REQUEST);
			got = ata_end(&c, &plan, (enum gw_status)s, 1024);
			assert_int_equal(got.status, want.status);
			assert_int_equal(got.error, want.error);
			assert_int_equal(got.sectors, 0);
			assert_int_equal(got.lba, s && plan.length ? 1002 : 1000);
			/* what Linux looks for: BSY, DF, DRQ, ERR (aoecmd.c) */
			assert_int_equal(!(got.status & 0xa9), s == GW_OK);
		}
	memset(frame, 0, sizeof(frame));
}

/* Of a 28 bit command the device register goes back with the sector. */
static void failing_sector_of_28_bits(void **state)
{
	struct ata_cmd c = { .command = 0x20, .sectors = 4, .lba = 0xe0000010, .room_bytes = 2048 };
	struct ata_plan plan;

	assert_int_equal(ata_dispatch(&rig_disk, &c, &plan), ATA_REQUEST);
	assert_int_equal(ata_end(&c, &plan, GW_MEDIUM_ERROR, 512 + 100).lba, 0xe0000011);
	assert_int_equal(ata_end(&c, &plan, GW_OK, 2048).lba, 0xe0000010);
}

/* ---- what is told of a command ------------------------------------------- */

static void classes_and_names(void **state)
{
	unsigned named = 0;

	for (unsigned i = 0; i < 256; i++) {
		uint8_t op = (uint8_t)i;
		enum gw_rsv_class want = reads(op) || verifies(op) ? GW_RSV_READ : GW_RSV_FREE;

		if (writes(op) || flushes(op) || op == 0x06)
			want = GW_RSV_WRITE;
		assert_int_equal(ata_dispatch_class(op), want);
		named += strcmp(ata_dispatch_name(op), "?") != 0;
	}
	/* 6 + 2 + 8 + 8 + 14 above, and 5 that are refused by name */
	assert_int_equal(named, 43);
	assert_string_equal(ata_dispatch_name(0xec), "IDENTIFY DEVICE");
	assert_string_equal(ata_dispatch_name(0xf9), "?"); /* the row after the last */
	assert_string_equal(ata_dispatch_name(0xff), "?");
}

HARNESS_MAIN(cmocka_unit_test(every_command), cmocka_unit_test(every_feature),
	     cmocka_unit_test(every_capacity), cmocka_unit_test(every_outcome),
	     cmocka_unit_test(failing_sector_of_28_bits), cmocka_unit_test(classes_and_names))
