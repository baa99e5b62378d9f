/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_dataout_test.c - data of writes, in all ways that it can come, and each way
 * in which an initiator can break the rules.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_dataout.h"

#include <string.h>

#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/ini.h"

#define KIB 1024u

static uint8_t data[8 << 20];

static void make_data(unsigned seed)
{
	for (uint32_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 512 + seed);
}

/* What stands on the disk there is the begin of data. */
static void holds(struct ini *i, uint32_t lba, uint32_t bytes)
{
	uint32_t at = 0;

	ini_read(i, 900, lba, bytes / INI_BLOCK);
	while (at < bytes) {
		ini_take(i, INI_DATA_IN, 900);
		assert_int_equal(i->pdu.w40, at);
		assert_memory_equal(i->pdu.data, data + at, i->pdu.n);
		at += i->pdu.n;
	}
	if (!(i->pdu.flags & 1))
		ini_ends(i, 900, 0, 0);
}

/* ---- all ways ------------------------------------------------------------- */

static void immediate(void **state)
{
	struct ini i;

	make_data(1);
	ini_begin(&i, "InitialR2T=No|");
	ini_write(&i, 2, INI_FINAL, 8, 8, data, 4 * KIB);
	ini_ends(&i, 2, 0, 0);
	holds(&i, 8, 4 * KIB);
	ini_end(&i);
}

static void unsolicited(void **state)
{
	struct ini i;

	make_data(2);
	ini_begin(&i, "InitialR2T=No|ImmediateData=No|");
	ini_write(&i, 2, 0, 0, 16, NULL, 0);
	ini_data_out(&i, 2, INI_NO_TAG, 0, 0, data, 3 * KIB, false);
	ini_data_out(&i, 2, INI_NO_TAG, 1, 3 * KIB, data + 3 * KIB, 5 * KIB, true);
	ini_ends(&i, 2, 0, 0);
	holds(&i, 0, 8 * KIB);
	ini_end(&i);
}

static void immediate_then_unsolicited_then_asked(void **state)
{
	static const char *const keys[] = {
		"InitialR2T=No|", "InitialR2T=No|HeaderDigest=CRC32C|",
		"InitialR2T=No|DataDigest=CRC32C|",
		"InitialR2T=No|HeaderDigest=CRC32C|DataDigest=CRC32C|"
	};

	for (unsigned k = 0; k < 4; k++) {
		struct ini i;

		make_data(3 + k);
		ini_begin(&i, keys[k]);
		ini_write(&i, 2, 0, 0, 600, data, 1 * KIB);
		ini_data_out(&i, 2, INI_NO_TAG, 0, 1 * KIB, data + KIB, 7 * KIB, true);
		ini_feed(&i, 2, data);
		holds(&i, 0, 300 * KIB);
		ini_end(&i);
	}
}

/* Bursts of MaxBurstLength, at most MaxOutstandingR2T of them, each in pieces. */
static void asked_in_bursts(void **state)
{
	struct ini i;
	uint32_t ttt[4], offset[4];

	make_data(9);
	ini_begin(&i, "InitialR2T=Yes|ImmediateData=No|MaxBurstLength=4096|MaxOutstandingR2T=2|");
	ini_write(&i, 2, INI_FINAL, 0, 32, NULL, 0);
	for (unsigned k = 0; k < 2; k++) {
		ini_take(&i, INI_R2T, 2);
		assert_int_equal(i.pdu.w36, k);
		assert_int_equal(i.pdu.w40, k * 4 * KIB);
		assert_int_equal(i.pdu.w44, 4 * KIB);
		ttt[k] = i.pdu.ttt;
		offset[k] = i.pdu.w40;
	}
	ini_silence(&i, SIM_S);
	/* the second first */
	for (unsigned k = 2; k-- > 0;)
		for (unsigned part = 0; part < 4; part++)
			ini_data_out(&i, 2, ttt[k], part, offset[k] + part * KIB,
				     data + offset[k] + part * KIB, KIB, part == 3);
	ini_feed(&i, 2, data);
	assert_int_equal(i.pdu.w36, 0);
	holds(&i, 0, 16 * KIB);
	ini_end(&i);
}

static void more_brought_than_wanted(void **state)
{
	struct ini i;

	make_data(10);
	ini_begin(&i, "InitialR2T=No|");
	{
		uint8_t cdb[16] = { 0x2a };

		cdb[8] = 2;
		ini_command(&i, 0x01, 2, INI_WRITE, 16 * KIB, cdb, data, KIB);
	}
	ini_data_out(&i, 2, INI_NO_TAG, 0, KIB, data + KIB, 15 * KIB, true);
	ini_take(&i, INI_RESPONSE, 2);
	assert_int_equal(i.pdu.status, 0);
	assert_int_equal(i.pdu.flags, 0x82); /* underflow */
	assert_int_equal(i.pdu.w44, 15 * KIB);
	holds(&i, 0, KIB);
	ini_end(&i);
}

/* The most that can be expected; the command wants one block. */
static void expects_4_gib(void **state)
{
	uint8_t cdb[16] = { 0x2a, 0, 0, 0, 0, 0, 0, 0, 1 };
	struct ini i;

	make_data(11);
	ini_begin(&i, "InitialR2T=No|");
	ini_command(&i, 0x01, 2, INI_FINAL | INI_WRITE, 0xffffffff, cdb, data, 512);
	ini_take(&i, INI_RESPONSE, 2);
	assert_int_equal(i.pdu.status, 0);
	assert_int_equal(i.pdu.w44, 0xffffffff - 512);
	ini_end(&i);
}

/* ---- the rules ------------------------------------------------------------- */

static void rejects(struct ini *i, uint8_t reason)
{
	ini_take(i, INI_REJECT, INI_NO_TAG);
	assert_int_equal(i->pdu.bhs[2], reason);
	assert_int_equal(i->pdu.n, 48);
}

static void still_works(struct ini *i)
{
	ini_write(i, 800, INI_FINAL, 64, 8, data, 4 * KIB);
	ini_ends(i, 800, 0, 0);
	holds(i, 64, 4 * KIB);
}

/* More than FirstBurstLength, of a command that waits for an earlier one: it is
 * refused, and what follows is no way into the memory behind. */
static void unasked_too_much(void **state)
{
	struct ini i;

	make_data(12);
	ini_begin(&i, "InitialR2T=No|");
	i.cmdsn++; /* a hole */
	ini_write(&i, 2, 0, 0, 512, NULL, 0);
	ini_data_out(&i, 2, INI_NO_TAG, 0, 0, data, 64 * KIB + 4, false);
	rejects(&i, 4);
	ini_data_out(&i, 2, INI_NO_TAG, 1, 64 * KIB + 4, data, 64 * KIB, false);
	ini_data_out(&i, 2, INI_NO_TAG, 1, 0, data, 512, false);
	fuzz_stack_run(i.stack, SIM_S);
	i.cmdsn -= 2;
	ini_nop(&i, 3, NULL, 0);
	i.cmdsn++;
	do
		assert_true(ini_any(&i));
	while (i.pdu.opcode != INI_RESPONSE);
	assert_int_equal(i.pdu.status, 2);
	still_works(&i);
	ini_end(&i);
}

/* Each way to break the rules: what the Reject says and how the command ends; after
 * the answer no more data of it is asked for. */
static void rules(void **state)
{
	static const struct {
		uint32_t ttt, sn, offset, n; /* ttt: 0 stands for that of the R2T */
		bool final;
		uint8_t reason;
		unsigned condition; /* 0: the command goes on */
	} rows[] = {
		{ 0, 1, 0, 512, false, 4, 0x4705 }, /* DataSN */
		{ 0, 0, 512, 512, false, 4, 0x4705 }, /* offset */
		{ 0, 0, 0, 4100, false, 4, 0x0c0d }, /* too much */
		{ 0, 0, 0, 512, true, 4, 0x0c0d }, /* too little */
		{ 77, 0, 0, 512, true, 9, 0 }, /* no such R2T */
		{ INI_NO_TAG, 0, 0, 512, true, 9, 0 }, /* nothing comes unasked */
	};

	for (unsigned k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct ini i;
		uint32_t ttt;

		make_data(k);
		ini_begin(&i, "FirstBurstLength=4096|MaxBurstLength=4096|");
		ini_write(&i, 2, INI_FINAL, 0, 16, NULL, 0);
		ttt = ini_take(&i, INI_R2T, 2)->ttt;
		ini_data_out(&i, 2, rows[k].ttt ? rows[k].ttt : ttt, rows[k].sn, rows[k].offset,
			     data, rows[k].n, rows[k].final);
		rejects(&i, rows[k].reason);
		if (!rows[k].condition) {
			ini_data_out(&i, 2, ttt, 0, 0, data, 4096, true);
			ini_feed(&i, 2, data);
		} else {
			/* the answer waits for the rest of what was asked for */
			ini_data_out(&i, 2, ttt, 1, 0, data, 4096, true);
			ini_ends(&i, 2, 2, rows[k].condition);
		}
		still_works(&i);
		ini_end(&i);
	}
}

/* Unsolicited data where none may be. */
static void not_allowed(void **state)
{
	static const char *const keys[] = { "ImmediateData=No|", "ImmediateData=Yes|" };

	for (unsigned k = 0; k < 2; k++) {
		struct ini i;

		make_data(k);
		ini_begin(&i, keys[k]);
		ini_write(&i, 2, k ? 0 : INI_FINAL, 0, 8, k ? NULL : data, k ? 0 : 512);
		ini_ends(&i, 2, 2, 0x0c0c);
		ini_write(&i, 3, INI_FINAL, 0, 8, NULL, 0);
		ini_feed(&i, 3, data);
		ini_end(&i);
	}
}

/* A command that writes nothing and says that more comes: it takes no memory, and
 * keeps nobody waiting. */
static void nothing_is_brought(void **state)
{
	static const uint8_t cdb[16] = { 0x2a };
	struct ini i;

	ini_begin(&i, "InitialR2T=No|");
	ini_command(&i, 0x01, 2, INI_WRITE, 0, cdb, NULL, 0);
	ini_ends(&i, 2, 0, 0);
	ini_command(&i, 0x41, 2, INI_WRITE, 0, cdb, NULL, 0);
	ini_ends(&i, 2, 0, 0);
	ini_nop(&i, 3, "ping", 4);
	ini_take(&i, INI_NOP_IN, 3);
	ini_end(&i);
}

/* Immediate commands are bounded by number, and by memory that nobody else needs. */
static void immediate_commands(void **state)
{
	uint8_t cdb[16] = { 0x2a, 0, 0, 0, 0, 0, 0, 0, 16 };
	struct ini i;
	unsigned refused = 0, n = 40;

	make_data(20);
	ini_begin(&i, "InitialR2T=No|");
	for (unsigned k = 0; k < n; k++)
		ini_command(&i, 0x41, 10 + k, INI_WRITE, 8 * KIB, cdb, data, KIB);
	fuzz_stack_run(i.stack, SIM_S);
	for (unsigned k = 0; k < n; k++)
		ini_data_out(&i, 10 + k, INI_NO_TAG, 0, KIB, data + KIB, 7 * KIB, true);
	for (unsigned k = 0; k < n; k++) {
		assert_true(ini_any(&i));
		refused += i.pdu.opcode == INI_REJECT;
		if (i.pdu.opcode == INI_REJECT)
			assert_int_equal(i.pdu.bhs[2], 6);
		else
			assert_int_equal(i.pdu.opcode, INI_RESPONSE);
	}
	assert_int_equal(refused, n - 32);
	still_works(&i);
	ini_end(&i);
}

HARNESS_MAIN(cmocka_unit_test(immediate), cmocka_unit_test(unsolicited),
	     cmocka_unit_test(immediate_then_unsolicited_then_asked),
	     cmocka_unit_test(asked_in_bursts), cmocka_unit_test(more_brought_than_wanted),
	     cmocka_unit_test(expects_4_gib), cmocka_unit_test(unasked_too_much),
	     cmocka_unit_test(rules), cmocka_unit_test(not_allowed),
	     cmocka_unit_test(nothing_is_brought), cmocka_unit_test(immediate_commands))
