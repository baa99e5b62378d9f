/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_datain_test.c - data of reads: how it is cut to PDUs and sequences, where the
 * status stands, and residuals.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_datain.h"

#include <stdio.h>
#include <string.h>

#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/ini.h"

enum { STATUS = 0x01, UNDERFLOW_BIT = 0x02, OVERFLOW_BIT = 0x04 };

static uint8_t data[1 << 20];

static void fill(struct ini *i)
{
	for (uint32_t at = 0; at < sizeof(data); at++)
		data[at] = (uint8_t)(at / 512 + at * 3);
	ini_write(i, 2, INI_FINAL, 0, sizeof(data) / INI_BLOCK, NULL, 0);
	ini_feed(i, 2, data);
}

/* Takes the data of a read that ends with GOOD, and its status. */
static void comes(struct ini *i, uint32_t itt, uint32_t bytes, uint32_t segment, uint32_t burst)
{
	uint32_t at = 0, in_burst = 0, sn = 0;

	while (at < bytes) {
		uint32_t left = bytes - at, most = burst - in_burst;

		ini_take(i, INI_DATA_IN, itt);
		assert_int_equal(i->pdu.w36, sn++);
		assert_int_equal(i->pdu.w40, at);
		assert_true(i->pdu.n && i->pdu.n <= segment && i->pdu.n <= most &&
			    i->pdu.n <= left);
		assert_memory_equal(i->pdu.data, data + at, i->pdu.n);
		at += i->pdu.n;
		in_burst += i->pdu.n;
		/* F ends a sequence, and nothing else does */
		assert_int_equal(!!(i->pdu.flags & INI_FINAL), in_burst == burst || at == bytes);
		if (i->pdu.flags & INI_FINAL)
			in_burst = 0;
		assert_true(at == bytes || !(i->pdu.flags & STATUS));
	}
	if (!(i->pdu.flags & STATUS)) {
		ini_ends(i, itt, 0, 0);
		assert_int_equal(i->pdu.w36, sn); /* ExpDataSN */
	}
	assert_int_equal(i->pdu.status, 0);
	assert_int_equal(i->pdu.w44, 0);
}

static void all_sizes(void **state)
{
	static const struct {
		uint32_t segment, burst;
	} rows[] = { { 512, 512 },    { 512, 1024 },	 { 513, 4096 },	     { 4096, 65536 },
		     { 8192, 10000 }, { 65536, 262144 }, { 262144, 1048576 } };

	for (unsigned k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		char keys[200];
		struct ini i;

		snprintf(keys, sizeof(keys),
			 "FirstBurstLength=512|MaxBurstLength=%u|MaxRecvDataSegmentLength=%u|%s",
			 rows[k].burst, rows[k].segment,
			 k & 1 ? "HeaderDigest=CRC32C|DataDigest=CRC32C|" : "");
		ini_begin(&i, keys);
		fill(&i);
		for (unsigned blocks = 1; blocks <= 2048; blocks = blocks * 2 + (blocks & 1)) {
			uint32_t bytes = blocks * INI_BLOCK;

			if (bytes > sizeof(data))
				break;
			ini_read(&i, 3, 0, blocks);
			comes(&i, 3, bytes, rows[k].segment, rows[k].burst);
		}
		ini_end(&i);
	}
}

static void read_cdb(struct ini *i, uint32_t itt, uint32_t expected, uint8_t blocks, bool far)
{
	uint8_t cdb[16] = { 0x28, 0, far ? 0x7f : 0, 0, 0, 0, 0, 0, blocks };

	ini_command(i, 0x01, itt, INI_FINAL | INI_READ, expected, cdb, NULL, 0);
}

static void residuals(void **state)
{
	struct ini i;

	ini_begin(&i, "");
	fill(&i);
	/* less than was expected */
	read_cdb(&i, 3, 4096, 1, false);
	ini_take(&i, INI_DATA_IN, 3);
	assert_int_equal(i.pdu.n, 512);
	assert_int_equal(i.pdu.flags, INI_FINAL | STATUS | UNDERFLOW_BIT);
	assert_int_equal(i.pdu.w44, 4096 - 512);
	/* the most that can be expected */
	read_cdb(&i, 3, 0xffffffff, 1, false);
	ini_take(&i, INI_DATA_IN, 3);
	assert_int_equal(i.pdu.w44, 0xffffffff - 512);
	/* more than there is room for */
	read_cdb(&i, 4, 512, 8, false);
	ini_take(&i, INI_DATA_IN, 4);
	assert_int_equal(i.pdu.n, 512);
	assert_int_equal(i.pdu.flags, INI_FINAL | STATUS | OVERFLOW_BIT);
	assert_int_equal(i.pdu.w44, 4096 - 512);
	/* a failure brings no data */
	read_cdb(&i, 5, 512, 1, true);
	ini_ends(&i, 5, 2, 0x2100);
	assert_int_equal(i.pdu.flags, INI_FINAL | UNDERFLOW_BIT);
	assert_int_equal(i.pdu.w44, 512);
	/* nothing asked for, nothing comes */
	read_cdb(&i, 6, 0, 0, false);
	ini_ends(&i, 6, 0, 0);
	ini_end(&i);
}

/* A failure after some data went out: the status is a PDU of its own. */
static void fails_half_way(void **state)
{
	struct ini i;
	unsigned failed = 0;

	ini_begin(&i, "");
	fill(&i);
	for (unsigned k = 0; k < 20; k++) {
		i.stack->host->disk->lend_odds = 0; /* it must tell, not end */
		i.stack->host->disk->faults = (struct sim_disk_faults){ .read_error = 3000 };
		ini_read(&i, 3, 0, 2048);
		do
			assert_true(ini_any(&i));
		while (i.pdu.opcode == INI_DATA_IN && !(i.pdu.flags & STATUS));
		failed += i.pdu.status == 2;
		if (i.pdu.status == 2)
			assert_int_equal(i.pdu.opcode, INI_RESPONSE);
	}
	assert_true(failed > 2);
	i.stack->host->disk->faults = (struct sim_disk_faults){ 0 };
	ini_end(&i);
}

HARNESS_MAIN(cmocka_unit_test(all_sizes), cmocka_unit_test(residuals),
	     cmocka_unit_test(fails_half_way))
