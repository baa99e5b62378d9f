/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_tmf_test.c - task management: what each function answers, and that nothing is
 * heard of an aborted command afterwards.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_tmf.h"

#include <string.h>

#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/ini.h"

enum {
	ABORT_TASK = 1,
	ABORT_TASK_SET,
	CLEAR_ACA,
	CLEAR_TASK_SET,
	LUN_RESET,
	WARM_RESET,
	COLD_RESET,
	REASSIGN,
	QUERY_TASK,
	QUERY_TASK_SET,
	I_T_NEXUS_RESET,
	QUERY_ASYNC_EVENT
};
enum { COMPLETE, NO_TASK, NO_LUN, STILL_ALLEGIANT, NO_REASSIGN, NOT_SUPPORTED, SUCCEEDED = 7 };

static const struct sim_disk_faults stalls = { 0, 0, 0, 10000, 500 * SIM_MS, SIM_S };
static const struct sim_disk_faults calm = { 0 };

static uint8_t data[4096];

static void answers(struct ini *i, uint32_t itt, uint8_t verdict)
{
	ini_take(i, INI_TMF_RESPONSE, itt);
	assert_int_equal(i->pdu.bhs[2], verdict);
}

static void works(struct ini *i)
{
	ini_read(i, 900, 0, 1);
	ini_take(i, INI_DATA_IN, 900);
	assert_int_equal(i->pdu.flags, 0x81);
}

static void verdicts(void **state)
{
	static const struct {
		uint8_t function, verdict;
	} rows[] = {
		{ ABORT_TASK, NO_TASK },
		{ ABORT_TASK_SET, COMPLETE },
		{ CLEAR_ACA, COMPLETE },
		{ CLEAR_TASK_SET, COMPLETE },
		{ REASSIGN, NO_REASSIGN },
		{ QUERY_TASK, NOT_SUPPORTED },
		{ QUERY_TASK_SET, NOT_SUPPORTED },
		{ I_T_NEXUS_RESET, NOT_SUPPORTED },
		{ QUERY_ASYNC_EVENT, NOT_SUPPORTED },
		{ 0, NOT_SUPPORTED },
		{ 127, NOT_SUPPORTED },
	};
	struct ini i;

	ini_begin(&i, "");
	for (unsigned k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		ini_manage(&i, rows[k].function, 50, 77, i.cmdsn - 1);
		answers(&i, 50, rows[k].verdict);
	}
	works(&i);
	ini_end(&i);
}

static void resets_leave_an_attention(void **state)
{
	static const uint8_t functions[] = { LUN_RESET, WARM_RESET };

	for (unsigned k = 0; k < 2; k++) {
		struct ini i;

		ini_begin(&i, "");
		ini_manage(&i, functions[k], 50, INI_NO_TAG, 0);
		answers(&i, 50, COMPLETE);
		ini_read(&i, 2, 0, 1);
		assert_true(ini_any(&i));
		assert_int_equal(i.pdu.opcode, INI_RESPONSE);
		assert_int_equal(i.pdu.status, 2);
		works(&i);
		ini_end(&i);
	}
}

static void cold_reset_ends_the_connection(void **state)
{
	struct ini i;

	ini_begin(&i, "");
	ini_manage(&i, COLD_RESET, 50, INI_NO_TAG, 0);
	answers(&i, 50, COMPLETE);
	assert_true(fuzz_client_wait_closed(&i.client));
	ini_end(&i);
}

/* At its store: the verdict comes when the store has ended, and no answer of the task. */
static void aborts_what_is_at_the_store(void **state)
{
	static const uint8_t functions[] = { ABORT_TASK, ABORT_TASK_SET, CLEAR_TASK_SET };

	for (unsigned k = 0; k < 3; k++) {
		struct ini i;

		ini_begin(&i, "");
		i.stack->host->disk->faults = stalls;
		ini_read(&i, 2, 0, 8);
		ini_manage(&i, functions[k], 50, 2, i.cmdsn - 1);
		i.stack->host->disk->faults = calm;
		answers(&i, 50, COMPLETE);
		ini_silence(&i, 2 * SIM_S);
		works(&i);
		ini_end(&i);
	}
}

/* It waits for its data: what comes of that afterwards is skipped. */
static void aborts_what_waits_for_data(void **state)
{
	static const uint8_t functions[] = { ABORT_TASK, ABORT_TASK_SET, LUN_RESET };

	for (unsigned k = 0; k < 3; k++) {
		struct ini i;
		uint32_t ttt;

		ini_begin(&i, "");
		ini_write(&i, 2, INI_FINAL, 0, 8, NULL, 0);
		ttt = ini_take(&i, INI_R2T, 2)->ttt;
		ini_data_out(&i, 2, ttt, 0, 0, data, 2048, false);
		ini_manage(&i, functions[k], 50, 2, i.cmdsn - 1);
		answers(&i, 50, COMPLETE);
		ini_data_out(&i, 2, ttt, 1, 2048, data, 2048, true);
		ini_silence(&i, SIM_S);
		ini_end(&i);
	}
}

/* A command that has failed and whose answer waits until its data is through. */
static void aborts_answers_that_wait(void **state)
{
	static const uint8_t functions[] = { ABORT_TASK, ABORT_TASK_SET, CLEAR_TASK_SET };

	for (unsigned k = 0; k < 3; k++) {
		struct ini i;

		ini_begin(&i, "InitialR2T=No|");
		ini_write(&i, 2, 0, 0x7fffffff, 8, NULL, 0);
		ini_data_out(&i, 2, INI_NO_TAG, 0, 0, data, 2048, false);
		ini_manage(&i, functions[k], 50, 2, i.cmdsn - 1);
		answers(&i, 50, COMPLETE);
		ini_data_out(&i, 2, INI_NO_TAG, 1, 2048, data, 2048, true);
		ini_silence(&i, SIM_S);
		works(&i);
		ini_end(&i);
	}
}

/* 11.6.1: a command that was lost on its way counts as come; one that waits for it
 * then begins. */
static void aborts_what_never_came(void **state)
{
	struct ini i;
	uint32_t lost;

	ini_begin(&i, "");
	lost = i.cmdsn++;
	ini_read(&i, 3, 0, 1);
	ini_silence(&i, SIM_S);
	ini_manage(&i, ABORT_TASK, 50, 2, lost);
	answers(&i, 50, COMPLETE);
	ini_take(&i, INI_DATA_IN, 3);
	works(&i);
	ini_end(&i);
}

static void aborts_what_waits_for_its_turn(void **state)
{
	struct ini i;
	uint32_t lost;

	ini_begin(&i, "");
	lost = i.cmdsn++;
	ini_read(&i, 3, 0, 1);
	ini_manage(&i, ABORT_TASK, 50, 3, i.cmdsn - 1);
	answers(&i, 50, COMPLETE);
	ini_manage(&i, ABORT_TASK, 51, 2, lost);
	answers(&i, 51, COMPLETE);
	ini_silence(&i, SIM_S);
	works(&i);
	ini_end(&i);
}

/* LOGICAL UNIT RESET reaches the commands of others, which end without an answer. */
static void reset_by_another(void **state)
{
	struct ini i, other;

	ini_begin(&i, "InitialR2T=No|");
	ini_join(&other, &i, 2, "");
	ini_write(&i, 2, INI_FINAL, 0, 8, NULL, 0);
	ini_take(&i, INI_R2T, 2);
	ini_write(&i, 3, 0, 0x7fffffff, 8, NULL, 0);
	fuzz_stack_run(i.stack, SIM_S);
	ini_manage(&other, LUN_RESET, 50, INI_NO_TAG, 0);
	answers(&other, 50, COMPLETE);
	fuzz_stack_run(i.stack, SIM_S);
	ini_data_out(&i, 2, i.pdu.ttt, 0, 0, data, 4096, true);
	ini_data_out(&i, 3, INI_NO_TAG, 0, 0, data, 4096, true);
	ini_silence(&i, SIM_S);
	ini_read(&i, 4, 0, 1);
	ini_ends(&i, 4, 2, 0x2903);
	works(&i);
	ini_hang_up(&other);
	ini_end(&i);
}

static void ended_op(struct gw_admin_op *op)
{
	*(bool *)op->owner = true;
}

/* The unit of the session is no more. */
static void reset_of_nothing(void **state)
{
	struct ini i;
	bool done = false;
	struct gw_admin_op op = { .done = ended_op, .owner = &done };

	ini_begin(&i, "");
	gw_volume_remove(i.stack->daemon.gw, "disk",
			 (struct instant){ (int64_t)(i.stack->host->world->now_ns + 5 * SIM_S) },
			 &op);
	fuzz_stack_run(i.stack, 10 * SIM_S);
	assert_true(done);
	ini_manage(&i, LUN_RESET, 50, INI_NO_TAG, 0);
	answers(&i, 50, NO_LUN);
	ini_manage(&i, WARM_RESET, 51, INI_NO_TAG, 0);
	answers(&i, 51, COMPLETE);
	ini_end(&i);
}

HARNESS_MAIN(cmocka_unit_test(verdicts), cmocka_unit_test(resets_leave_an_attention),
	     cmocka_unit_test(cold_reset_ends_the_connection),
	     cmocka_unit_test(aborts_what_is_at_the_store),
	     cmocka_unit_test(aborts_what_waits_for_data),
	     cmocka_unit_test(aborts_answers_that_wait), cmocka_unit_test(aborts_what_never_came),
	     cmocka_unit_test(aborts_what_waits_for_its_turn), cmocka_unit_test(reset_by_another),
	     cmocka_unit_test(reset_of_nothing))
