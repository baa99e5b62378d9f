/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_ripen_test.c - a function on many tasks waits for data that was asked for and
 * for commands before it (RFC 7143 4.2.3.3), not for ever, and holds what comes after.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_ripen.h"

#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/ini.h"

enum { ABORT_TASK = 1, ABORT_TASK_SET = 2, LUN_RESET = 5, WARM_RESET = 6 };

#define BLOCKS 8u
#define WRITES 3u

static uint8_t data[BLOCKS * INI_BLOCK];

static void complete(struct ini *i, uint32_t itt)
{
	ini_take(i, INI_TMF_RESPONSE, itt);
	assert_int_equal(i->pdu.bhs[2], 0);
}

/* Writes that were asked for their data; tasks 2, 3, 4. */
static void asked(struct ini *i, uint32_t ttt[WRITES])
{
	ini_begin(i, "");
	for (unsigned k = 0; k < WRITES; k++) {
		ini_write(i, 2 + k, INI_FINAL, k * BLOCKS, BLOCKS, NULL, 0);
		ttt[k] = ini_take(i, INI_R2T, 2 + k)->ttt;
	}
}

static void bring(struct ini *i, unsigned k, const uint32_t ttt[WRITES])
{
	ini_data_out(i, 2 + k, ttt[k], 0, 0, data, sizeof(data), true);
}

static void waits_for_data(void **state)
{
	static const uint8_t functions[] = { ABORT_TASK_SET, LUN_RESET, WARM_RESET };

	for (unsigned f = 0; f < 3; f++) {
		struct ini i;
		uint32_t ttt[WRITES];

		asked(&i, ttt);
		ini_manage(&i, functions[f], 50, INI_NO_TAG, 0);
		for (unsigned k = 0; k < WRITES; k++) {
			ini_silence(&i, 300 * SIM_MS);
			bring(&i, k, ttt);
		}
		complete(&i, 50); /* and no answer of theirs before or after */
		ini_silence(&i, SIM_S);
		ini_end(&i);
	}
}

static uint64_t turns_of(const struct ini *i)
{
	uint64_t turns, slow;

	loop_counts(loop_set_get(gw_loops(i->stack->daemon.gw), 0), &turns, &slow);
	return turns;
}

/* Nor does it ask again and again whether it may go on. */
static void waits_at_rest(void **state)
{
	struct ini i;
	uint32_t ttt[WRITES];
	uint64_t turns;

	asked(&i, ttt);
	ini_manage(&i, LUN_RESET, 50, INI_NO_TAG, 0);
	bring(&i, 0, ttt);
	fuzz_stack_run(i.stack, 100 * SIM_MS);
	turns = turns_of(&i);
	fuzz_stack_run(i.stack, SIM_S);
	assert_true(turns_of(&i) - turns < 20);
	complete(&i, 50);
	ini_end(&i);
}

/* Who answers no R2T any more does not wait for ever. */
static void goes_on_in_the_end(void **state)
{
	struct ini i;
	uint32_t ttt[WRITES];

	asked(&i, ttt);
	bring(&i, 1, ttt);
	ini_take(&i, INI_RESPONSE, 3);
	ini_manage(&i, LUN_RESET, 50, INI_NO_TAG, 0);
	ini_silence(&i, ISCSI_RIPEN_S * SIM_S - 100 * SIM_MS);
	complete(&i, 50);
	bring(&i, 0, ttt);
	bring(&i, 2, ttt);
	ini_silence(&i, SIM_S);
	ini_end(&i);
}

/* It is about what comes before it by CmdSN, also where that is late. */
static void waits_for_commands(void **state)
{
	struct ini i;
	uint32_t lost, next;

	ini_begin(&i, "");
	lost = i.cmdsn++;
	ini_read(&i, 3, 0, 1);
	ini_manage(&i, ABORT_TASK_SET, 50, INI_NO_TAG, 0);
	ini_silence(&i, SIM_S);
	next = i.cmdsn;
	i.cmdsn = lost;
	ini_read(&i, 2, 0, 1);
	i.cmdsn = next;
	while (ini_any(&i) && i.pdu.opcode != INI_TMF_RESPONSE)
		assert_int_equal(i.pdu.opcode, INI_DATA_IN); /* one that was faster */
	assert_int_equal(i.pdu.bhs[2], 0);
	ini_silence(&i, SIM_S);
	ini_end(&i);
}

/* What does not come counts as come, and is not done when it comes after all. */
static void does_not_wait_for_lost_ones(void **state)
{
	static const uint8_t functions[] = { ABORT_TASK_SET, WARM_RESET };

	for (unsigned f = 0; f < 2; f++) {
		struct ini i;
		uint32_t lost, next;

		ini_begin(&i, "");
		lost = i.cmdsn++;
		ini_read(&i, 3, 0, 1);
		ini_manage(&i, functions[f], 50, INI_NO_TAG, 0);
		if (functions[f] == ABORT_TASK_SET)
			ini_silence(&i, ISCSI_RIPEN_S * SIM_S - 100 * SIM_MS);
		complete(&i, 50);
		next = i.cmdsn;
		i.cmdsn = lost;
		ini_read(&i, 2, 0, 1);
		i.cmdsn = next;
		ini_silence(&i, SIM_S);
		ini_read(&i, 4, 0, 1);
		ini_any(&i); /* with the attention of the reset, or data */
		assert_int_equal(i.pdu.itt, 4);
		ini_end(&i);
	}
}

/* Commands after it are not its business: they begin when it is over, in their order. */
static void holds_what_comes_after(void **state)
{
	struct ini i;
	uint32_t ttt[WRITES];
	unsigned came = 0;

	asked(&i, ttt);
	ini_manage(&i, ABORT_TASK_SET, 50, INI_NO_TAG, 0);
	for (unsigned k = 0; k < 4; k++)
		ini_read(&i, 10 + k, 0, 1);
	ini_nop(&i, 20, NULL, 0); /* no task of the set */
	ini_take(&i, INI_NOP_IN, 20);
	ini_manage(&i, ABORT_TASK, 51, 11, 0);
	complete(&i, 51);
	ini_silence(&i, 300 * SIM_MS);
	for (unsigned k = 0; k < WRITES; k++)
		bring(&i, k, ttt);
	complete(&i, 50);
	for (unsigned k = 0; k < 3; k++) { /* they end as the store likes */
		assert_true(ini_any(&i));
		assert_int_equal(i.pdu.opcode, INI_DATA_IN);
		assert_true(i.pdu.itt >= 10 && i.pdu.itt < 14);
		assert_int_equal(came & 1u << i.pdu.itt, 0);
		came |= 1u << i.pdu.itt;
	}
	assert_int_equal(came, 1u << 10 | 1u << 12 | 1u << 13);
	ini_silence(&i, SIM_S);
	ini_end(&i);
}

/* Two of them, with commands before, between and behind. */
static void two_at_once(void **state)
{
	struct ini i;
	uint32_t ttt[WRITES];

	asked(&i, ttt);
	ini_manage(&i, ABORT_TASK_SET, 50, INI_NO_TAG, 0);
	ini_read(&i, 10, 0, 1);
	ini_manage(&i, LUN_RESET, 51, INI_NO_TAG, 0);
	ini_read(&i, 11, 0, 1);
	ini_silence(&i, 300 * SIM_MS);
	for (unsigned k = 0; k < WRITES; k++)
		bring(&i, k, ttt);
	complete(&i, 50);
	for (bool reset = false, behind = false; !reset || !behind;) {
		assert_true(ini_any(&i));
		reset |= i.pdu.opcode == INI_TMF_RESPONSE && i.pdu.itt == 51;
		if (i.pdu.itt != 11)
			continue;
		assert_int_equal(i.pdu.status, 2); /* the attention of the reset */
		behind = true;
	}
	ini_silence(&i, SIM_S);
	ini_end(&i);
}

/* The session goes while one waits. */
static void gone_meanwhile(void **state)
{
	struct ini i;
	uint32_t ttt[WRITES];

	asked(&i, ttt);
	ini_manage(&i, LUN_RESET, 50, INI_NO_TAG, 0);
	ini_read(&i, 10, 0, 1);
	fuzz_stack_run(i.stack, 100 * SIM_MS);
	ini_hang_up(&i);
	fuzz_stack_run(i.stack, 10 * SIM_S);
	ini_end(&i);
}

HARNESS_MAIN(cmocka_unit_test(waits_for_data), cmocka_unit_test(waits_at_rest),
	     cmocka_unit_test(goes_on_in_the_end), cmocka_unit_test(waits_for_commands),
	     cmocka_unit_test(does_not_wait_for_lost_ones),
	     cmocka_unit_test(holds_what_comes_after), cmocka_unit_test(two_at_once),
	     cmocka_unit_test(gone_meanwhile))
