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

HARNESS_MAIN(cmocka_unit_test(commands_in_front_of_the_data))
