/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_loan_test.c - reads that are sent by reference, and ORDERED writes behind them:
 * the simulated network hands over what stands in the file when the initiator looks.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_loan.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/ini.h"

enum { ORDERED = 2, READ_TAG = 10, WRITE_TAG = 11, STATUS = 1 };

#define LARGE (262144u / INI_BLOCK) /* by reference */
#define SMALL (8192u / INI_BLOCK) /* copied */
#define MANY (1048576u / INI_BLOCK) /* in several pieces */
#define FIRST_S 60u

static struct ini i;
static uint8_t was[MANY * INI_BLOCK], is[INI_BLOCK];

/* The image's first blocks are known, its reads are lent, and a whole answer is sent at
 * once, whether or not somebody takes it. */
static void up(const char *keys)
{
	ini_begin(&i, keys);
	i.stack->host->disk->lend_odds = SIM_LEND_ALWAYS;
	i.client.conn->send_room = 4u << 20;
	for (uint32_t at = 0; at < sizeof(was); at++)
		was[at] = (uint8_t)(1 + at / INI_BLOCK * 7 + at);
	memset(is, 0, sizeof(is));
	ini_write(&i, 2, INI_FINAL, 0, MANY, NULL, 0);
	ini_feed(&i, 2, was);
}

static void write_ordered(uint32_t lba)
{
	uint8_t bhs[48] = { 0x01, INI_FINAL | INI_WRITE | ORDERED };

	be32_put(bhs + 16, WRITE_TAG);
	be32_put(bhs + 20, INI_BLOCK);
	be32_put(bhs + 24, i.cmdsn++);
	bhs[32] = 0x2a;
	be32_put(bhs + 34, lba);
	be16_put(bhs + 39, 1);
	ini_send(&i, bhs, is, sizeof(is));
}

static void answer_ping(void)
{
	uint8_t bhs[48] = { 0x40, INI_FINAL };

	be32_put(bhs + 16, INI_NO_TAG);
	memcpy(bhs + 20, i.pdu.bhs + 20, 4);
	be32_put(bhs + 24, i.cmdsn);
	ini_send(&i, bhs, NULL, 0);
}

static void read_comes(uint32_t blocks)
{
	uint32_t at = 0;

	for (; at < blocks * INI_BLOCK; at += i.pdu.n) {
		ini_take(&i, INI_DATA_IN, READ_TAG);
		assert_int_equal(i.pdu.w40, at);
		assert_memory_equal(i.pdu.data, was + at, i.pdu.n);
	}
	if (!(i.pdu.flags & STATUS))
		ini_ends(&i, READ_TAG, 0, 0);
}

/* Both are sent before anything is taken. */
static void read_then_write(uint32_t blocks)
{
	sim_net_pause(i.client.conn, true);
	ini_read(&i, READ_TAG, 0, blocks);
	write_ordered(blocks - 1);
	fuzz_stack_run(i.stack, 2 * SIM_S);
	sim_net_pause(i.client.conn, false);
}

static void held_until_taken(void **state)
{
	static const uint32_t blocks[] = { LARGE, MANY };
	static const char *const keys[] = {
		"MaxRecvDataSegmentLength=262144|",
		"MaxRecvDataSegmentLength=262144|HeaderDigest=CRC32C|",
		"MaxRecvDataSegmentLength=65536|MaxBurstLength=131072|",
	};

	for (unsigned k = 0; k < 6; k++) {
		up(keys[k % 3]);
		read_then_write(blocks[k / 3]);
		read_comes(blocks[k / 3]);
		ini_take(&i, INI_NOP_IN, INI_NO_TAG);
		ini_silence(&i, 3 * SIM_S);
		answer_ping();
		ini_ends(&i, WRITE_TAG, 0, 0);
		ini_silence(&i, SIM_S); /* it is asked once */
		ini_end(&i);
	}
}

/* The initiator's next request says as much as the answer. */
static void any_request_tells(void **state)
{
	up("MaxRecvDataSegmentLength=262144|");
	read_then_write(LARGE);
	read_comes(LARGE);
	ini_take(&i, INI_NOP_IN, INI_NO_TAG);
	ini_nop(&i, 12, NULL, 0);
	while (ini_any(&i) && i.pdu.opcode != INI_RESPONSE)
		assert_int_equal(i.pdu.itt, 12);
	assert_int_equal(i.pdu.itt, WRITE_TAG);
	ini_end(&i);
}

static void nobody_asks(void **state)
{
	up("MaxRecvDataSegmentLength=262144|");
	for (unsigned n = 0; n < 3; n++) { /* taken before the write comes */
		ini_read(&i, READ_TAG, 0, LARGE);
		read_comes(LARGE);
		write_ordered(LARGE - 1);
		ini_ends(&i, WRITE_TAG, 0, 0);
		memcpy(was + (LARGE - 1) * INI_BLOCK, is, INI_BLOCK);
		is[0]++;
	}
	read_then_write(SMALL); /* copied */
	read_comes(SMALL);
	ini_ends(&i, WRITE_TAG, 0, 0);
	ini_end(&i);
}

/* Not answered, but told: then it is asked for again, next time. */
static void again_and_again(void **state)
{
	up("MaxRecvDataSegmentLength=262144|");
	for (unsigned n = 0; n < 5; n++) {
		read_then_write(LARGE);
		read_comes(LARGE);
		ini_take(&i, INI_NOP_IN, INI_NO_TAG);
		if (n % 2)
			answer_ping();
		else
			ini_nop(&i, 12, NULL, 0);
		for (unsigned answers = n % 2 ? 1 : 2; answers; answers--)
			assert_true(ini_any(&i) && (i.pdu.itt == WRITE_TAG || i.pdu.itt == 12));
		memcpy(was + (LARGE - 1) * INI_BLOCK, is, INI_BLOCK);
		is[0]++;
	}
	ini_end(&i);
}

/* Alive, but it never says what it took: it waits for itself alone, and not for ever. */
static void who_never_tells(void **state)
{
	static struct ini other;
	uint32_t frozen;
	unsigned s = 0;

	up("MaxRecvDataSegmentLength=262144|");
	frozen = i.statsn;
	read_then_write(LARGE);
	read_comes(LARGE);
	ini_take(&i, INI_NOP_IN, INI_NO_TAG);
	for (; s < 200 && !i.client.closed; s += 5) {
		uint8_t bhs[48] = { 0x40, INI_FINAL };
		uint32_t mine = i.statsn;

		be32_put(bhs + 16, 20);
		be32_put(bhs + 20, INI_NO_TAG);
		be32_put(bhs + 24, i.cmdsn);
		i.statsn = frozen;
		ini_send(&i, bhs, NULL, 0);
		i.statsn = mine;
		fuzz_stack_run(i.stack, 5 * SIM_S);
		while (!i.client.closed && i.client.len >= 48)
			assert_true(ini_any(&i) && i.pdu.opcode == INI_NOP_IN);
	}
	assert_true(s >= FIRST_S && s <= FIRST_S + 30);
	ini_join(&other, &i, 2, "MaxRecvDataSegmentLength=262144|");
	ini_read(&other, READ_TAG, 0, 1);
	ini_take(&other, INI_DATA_IN, READ_TAG);
	ini_hang_up(&other);
	ini_end(&i);
}

/* Behind a logout nobody has to tell: all is answered, and that comes last (11.14). */
static void logging_out(void **state)
{
	up("MaxRecvDataSegmentLength=262144|");
	sim_net_pause(i.client.conn, true);
	ini_read(&i, READ_TAG, 0, LARGE);
	fuzz_stack_run(i.stack, 2 * SIM_S);
	write_ordered(LARGE - 1);
	fuzz_stack_run(i.stack, 2 * SIM_S);
	ini_logout(&i, 13);
	fuzz_stack_run(i.stack, 2 * SIM_S);
	sim_net_pause(i.client.conn, false);
	while (ini_any(&i) && i.pdu.opcode != INI_RESPONSE)
		assert_true(i.pdu.opcode == INI_DATA_IN || i.pdu.opcode == INI_NOP_IN);
	assert_int_equal(i.pdu.itt, WRITE_TAG);
	ini_take(&i, INI_LOGOUT_RESPONSE, 13);
	assert_true(fuzz_client_wait_closed(&i.client));
	ini_end(&i);
}

/* It goes with all that is open, with or without somebody who waits for that. */
static void gone_before(void **state)
{
	for (unsigned n = 0; n < 4; n++) {
		up("MaxRecvDataSegmentLength=262144|");
		sim_net_pause(i.client.conn, true);
		ini_read(&i, READ_TAG, 0, LARGE);
		if (n & 1)
			write_ordered(0);
		fuzz_stack_run(i.stack, 2 * SIM_S);
		if (n & 2)
			fuzz_client_close(&i.client, false);
		ini_end(&i);
	}
}

HARNESS_MAIN(cmocka_unit_test(held_until_taken), cmocka_unit_test(any_request_tells),
	     cmocka_unit_test(nobody_asks), cmocka_unit_test(again_and_again),
	     cmocka_unit_test(who_never_tells), cmocka_unit_test(logging_out),
	     cmocka_unit_test(gone_before))
