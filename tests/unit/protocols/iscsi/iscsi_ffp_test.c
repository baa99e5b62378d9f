/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_ffp_test.c - requests in full feature phase: the order of CmdSN, the window that
 * closes and opens, tags, pings, digests, and what is refused.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_ffp.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/ini.h"

static uint8_t data[65536];

static void rejected(struct ini *i, uint8_t reason, uint8_t opcode)
{
	ini_take(i, INI_REJECT, INI_NO_TAG);
	assert_int_equal(i->pdu.bhs[2], reason);
	assert_int_equal(i->pdu.n, 48);
	assert_int_equal(i->pdu.data[0], opcode);
}

static void works(struct ini *i)
{
	ini_nop(i, 900, "ping", 4);
	ini_take(i, INI_NOP_IN, 900);
	assert_int_equal(i->pdu.n, 4);
	assert_memory_equal(i->pdu.data, "ping", 4);
	assert_int_equal(i->pdu.ttt, INI_NO_TAG);
}

/* Any order, one after the other; each is begun when those before it are there. */
static void in_the_order_of_cmdsn(void **state)
{
	static const uint32_t order[] = { 3, 1, 0, 2, 7, 6, 5, 4 };
	struct ini i;
	uint32_t first;

	ini_begin(&i, "");
	first = i.cmdsn;
	for (unsigned k = 0; k < 8; k++) {
		i.cmdsn = first + order[k];
		ini_nop(&i, 10 + order[k], NULL, 0);
	}
	i.cmdsn = first + 8;
	for (uint32_t k = 0; k < 8; k++)
		ini_take(&i, INI_NOP_IN, 10 + k);
	works(&i);
	ini_end(&i);
}

static void twice_and_outside(void **state)
{
	struct ini i;

	ini_begin(&i, "");
	i.cmdsn--;
	ini_nop(&i, 10, NULL, 0); /* it was there */
	i.cmdsn += 500;
	ini_nop(&i, 11, data, 1000); /* it may not come yet */
	i.cmdsn -= 501;
	ini_silence(&i, SIM_S);
	works(&i);
	ini_end(&i);
}

/* All of the window is at a store that stalls: it is closed, and opens with the ends. */
static void window_closes_and_opens(void **state)
{
	struct ini i;
	unsigned n = 0;

	ini_begin(&i, "");
	i.stack->host->disk->faults =
		(struct sim_disk_faults){ 0, 0, 0, 10000, 500 * SIM_MS, SIM_S };
	while ((int32_t)(i.max_cmdsn - i.cmdsn) >= 0)
		ini_read(&i, 10 + n++, 0, 1);
	assert_int_equal(n, 128);
	ini_nop(&i, 500, NULL, 0); /* outside: not heard */
	i.cmdsn--;
	for (unsigned k = 0; k < n; k++) {
		assert_true(ini_any(&i));
		assert_int_equal(i.pdu.opcode, INI_DATA_IN);
	}
	assert_int_equal(i.max_cmdsn - be32_get(i.pdu.bhs + 28) + 1, 128);
	works(&i);
	ini_end(&i);
}

static void same_tag(void **state)
{
	struct ini i;

	ini_begin(&i, "");
	ini_write(&i, 2, INI_FINAL, 0, 8, NULL, 0);
	ini_take(&i, INI_R2T, 2);
	ini_write(&i, 2, INI_FINAL, 0, 8, NULL, 0);
	rejected(&i, 7, 0x01);
	i.cmdsn--; /* it has not come (RFC 7143 7.3) */
	ini_nop(&i, 2, "ping", 4);
	rejected(&i, 7, 0x00);
	i.cmdsn--;
	ini_data_out(&i, 2, 1, 0, 0, data, 4096, true);
	ini_ends(&i, 2, 0, 0);
	works(&i);
	ini_end(&i);
}

static void unknown_opcodes(void **state)
{
	struct ini i;

	ini_begin(&i, "");
	for (uint8_t op = 0x07; op <= 0x1f; op++) {
		uint8_t bhs[48] = { op, 0x80 };

		ini_send(&i, bhs, "data", 4);
		if (op == 0x10)
			break;
		rejected(&i, 5, op);
	}
	assert_true(fuzz_client_wait_closed(&i.client)); /* a SNACK with data */
	ini_end(&i);
}

static void snack_and_login(void **state)
{
	uint8_t snack[48] = { 0x10, 0x80 }, login[48] = { 0x43, 0x87 };
	struct ini i;

	ini_begin(&i, "");
	ini_send(&i, snack, NULL, 0);
	rejected(&i, 4, 0x10);
	ini_send(&i, login, "A=b", 4);
	rejected(&i, 4, 0x43);
	works(&i);
	ini_end(&i);
}

/* Pings of all sizes that may come; what the initiator does not take is cut. */
static void pings(void **state)
{
	static uint8_t ping[262144];
	struct ini i;

	for (uint32_t at = 0; at < sizeof(ping); at++)
		ping[at] = (uint8_t)(at * 11);
	ini_begin(&i, "MaxRecvDataSegmentLength=65536|HeaderDigest=CRC32C|DataDigest=CRC32C|");
	for (uint32_t n = 0; n <= sizeof(ping); n = n * 4 + 1) {
		ini_nop(&i, 2, ping, n);
		ini_take(&i, INI_NOP_IN, 2);
		assert_int_equal(i.pdu.n, n < 65536 ? n : 65536);
		assert_memory_equal(i.pdu.data, ping, i.pdu.n);
	}
	ini_nop(&i, 2, ping, sizeof(ping));
	ini_take(&i, INI_NOP_IN, 2);
	ini_end(&i);
}

/* Our own ping wants an answer (11.19); none, and the connection is over. */
static void silence_is_asked_after(void **state)
{
	uint8_t pong[48] = { 0x40, 0x80 };
	struct ini i;

	ini_begin(&i, "");
	for (unsigned k = 0; k < 3; k++) {
		ini_take(&i, INI_NOP_IN, INI_NO_TAG);
		assert_int_not_equal(i.pdu.ttt, INI_NO_TAG);
		memcpy(pong + 8, i.pdu.bhs + 8, 8);
		be32_put(pong + 16, INI_NO_TAG);
		be32_put(pong + 20, i.pdu.ttt);
		be32_put(pong + 24, i.cmdsn);
		ini_send(&i, pong, NULL, 0);
	}
	works(&i);
	ini_take(&i, INI_NOP_IN, INI_NO_TAG);
	assert_true(fuzz_client_wait_closed(&i.client));
	ini_end(&i);
}

/* A data digest that is wrong (7.8): Reject, and what becomes of the request. */
static void wrong_digest(void **state)
{
	struct ini i;

	ini_begin(&i, "DataDigest=CRC32C|InitialR2T=No|");
	i.data_digest = false; /* "data" is sent, and the digest of something else */
	ini_write(&i, 2, INI_FINAL, 0, 1, data, 512);
	fuzz_client_send(&i.client, "none", 4);
	i.data_digest = true;
	rejected(&i, 2, 0x01);
	i.cmdsn--; /* it has not come (RFC 7143 7.3, 7.8) */
	ini_write(&i, 3, INI_FINAL, 0, 8, NULL, 0);
	ini_take(&i, INI_R2T, 3);
	i.data_digest = false;
	ini_data_out(&i, 3, i.pdu.ttt, 0, 0, data, 4096, true);
	fuzz_client_send(&i.client, "none", 4);
	i.data_digest = true;
	rejected(&i, 2, 0x05);
	ini_ends(&i, 3, 2, 0x4705);
	works(&i);
	ini_end(&i);
}

static void wrong_header_digest(void **state)
{
	struct ini i;

	ini_begin(&i, "HeaderDigest=CRC32C|");
	i.head_digest = false;
	ini_nop(&i, 2, NULL, 0);
	fuzz_client_send(&i.client, "none", 4);
	assert_true(fuzz_client_wait_closed(&i.client));
	ini_end(&i);
}

static void logouts(void **state)
{
	static const struct {
		uint8_t reason, answer;
		uint16_t cid;
	} rows[] = { { 1, 1, 77 }, { 2, 2, 0 }, { 1, 0, 0 } };
	struct ini i;

	ini_begin(&i, "");
	for (unsigned k = 0; k < 3; k++) {
		uint8_t bhs[48] = { 0x46, (uint8_t)(0x80 | rows[k].reason) };

		be32_put(bhs + 16, 60);
		be16_put(bhs + 20, rows[k].cid);
		be32_put(bhs + 24, i.cmdsn);
		ini_send(&i, bhs, NULL, 0);
		ini_take(&i, INI_LOGOUT_RESPONSE, 60);
		assert_int_equal(i.pdu.bhs[2], rows[k].answer);
	}
	assert_true(fuzz_client_wait_closed(&i.client));
	ini_end(&i);
}

HARNESS_MAIN(cmocka_unit_test(in_the_order_of_cmdsn), cmocka_unit_test(twice_and_outside),
	     cmocka_unit_test(window_closes_and_opens), cmocka_unit_test(same_tag),
	     cmocka_unit_test(unknown_opcodes), cmocka_unit_test(snack_and_login),
	     cmocka_unit_test(pings), cmocka_unit_test(silence_is_asked_after),
	     cmocka_unit_test(wrong_digest), cmocka_unit_test(wrong_header_digest),
	     cmocka_unit_test(logouts))
