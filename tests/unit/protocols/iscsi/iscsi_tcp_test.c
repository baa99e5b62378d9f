/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_tcp_test.c - when memory is short: who waits, who must not, and that reading
 * goes on where what is read would give memory back.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_tcp.h"

#include <string.h>

#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/ini.h"

#define MIB (1u << 20)

static uint8_t data[1 << 20];

/* Serves R2Ts and counts answers until all of these writes have ended. */
static void serve(struct ini *i, unsigned n)
{
	while (n) {
		if (!ini_any(i))
			fail_msg("%u writes are never answered", n);
		if (i->pdu.opcode == INI_R2T) {
			ini_bring(i, data);
			continue;
		}
		assert_int_equal(i->pdu.opcode, INI_RESPONSE);
		assert_int_equal(i->pdu.status, 0);
		n--;
	}
}

/* All commands are sent before any data: those that were asked for theirs hold all
 * the memory that such data may have, and the immediate data of the others comes
 * before it. */
static void commands_in_front_of_the_data(void **state)
{
	struct ini i;

	ini_begin(&i, "InitialR2T=No|MaxBurstLength=1048576|");
	for (unsigned k = 0; k < 60; k++)
		ini_write(&i, 10 + k, INI_FINAL, 0, MIB / INI_BLOCK, data, k < 40 ? 0 : 4096);
	serve(&i, 60);
	ini_end(&i);
}

static struct gw_pool *pool_of(struct ini *i)
{
	return gw_pool_of(i->stack->daemon.gw, loop_set_get(i->stack->host->loops, 0));
}

/* Another session holds all the memory that is not promised (most is, to nobody); who
 * waits for some is not read, so its silence is no offence. */
static void waiting_is_not_silence(void **state)
{
	static uint8_t ping[200000];
	const uint64_t nobodys_bytes = 4ull * GW_POOL_MIN_BYTES - 30 * MIB;
	struct gw_credit nobodys;
	struct ini i, other;

	ini_begin(&other, "InitialR2T=Yes|ImmediateData=No|MaxBurstLength=1048576|");
	ini_join(&i, &other, 2, "");
	assert_true(gw_credit_open(pool_of(&i), nobodys_bytes, nobodys_bytes, &nobodys));
	for (unsigned k = 0; k < 40; k++)
		ini_write(&other, 10 + k, INI_FINAL, 0, MIB / INI_BLOCK, NULL, 0);
	fuzz_stack_run(i.stack, SIM_S);
	ini_nop(&i, 2, ping, sizeof(ping));
	for (unsigned s = 0; s < 60; s += 5) {
		fuzz_stack_run(i.stack, 5 * SIM_S);
		ini_nop(&other, 100, NULL, 0);
	}
	assert_false(i.client.closed);
	for (unsigned left = 40; left;) {
		assert_true(ini_any(&other));
		if (other.pdu.opcode == INI_R2T)
			ini_bring(&other, data);
		left -= other.pdu.opcode == INI_RESPONSE;
	}
	do
		assert_true(ini_any(&i));
	while (i.pdu.itt != 2);
	assert_int_equal(i.pdu.opcode, INI_NOP_IN);
	ini_hang_up(&other);
	gw_credit_close(&nobodys);
	ini_end(&i);
}

HARNESS_MAIN(cmocka_unit_test(commands_in_front_of_the_data),
	     cmocka_unit_test(waiting_is_not_silence))
