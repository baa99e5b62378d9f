/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_depth_test.c - who came early has no deeper a window than who came late, once
 * commands have come; and what is promised can always be had.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_depth.h"

#include <string.h>

#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/ini.h"

#define SESSIONS 12u

static struct ini i[SESSIONS + 1];
static uint8_t data[8192];

static void as_many_as_are_paid_for(void **state)
{
	assert_int_equal(iscsi_depth_of(0), ISCSI_DEPTH_MIN);
	assert_int_equal(iscsi_depth_of(UINT64_MAX), ISCSI_SLOTS);
	for (uint32_t depth = ISCSI_DEPTH_MIN; depth <= ISCSI_SLOTS; depth++) {
		uint64_t bytes = iscsi_depth_bytes(depth);

		assert_int_equal(iscsi_depth_of(bytes), depth);
		if (depth > ISCSI_DEPTH_MIN)
			assert_int_equal(iscsi_depth_of(bytes - 1), depth - 1);
	}
}

/* How many commands may be under way, as it was told; nothing is under way. */
static uint32_t depth_of(const struct ini *s)
{
	return s->max_cmdsn - s->cmdsn + 1;
}

/* One command after another, so many. */
static void busy(struct ini *s, unsigned n)
{
	for (; n; n--) {
		ini_write(s, 7, INI_FINAL, 8 * (uint32_t)(s - i), 16, data, sizeof(data));
		ini_ends(s, 7, 0, 0);
	}
}

/* Each in turn sends more than the deepest window takes. */
static void all_busy(unsigned rounds)
{
	for (; rounds; rounds--)
		for (unsigned k = 0; k < SESSIONS; k++)
			busy(&i[k], ISCSI_SLOTS + 2);
}

static void begin(unsigned n)
{
	static const struct fuzz_stack_cfg cfg = { .loops = 1, .pool_bytes = 96u << 20 };

	ini_up(&i[0], 1, &cfg);
	assert_int_equal(ini_login(&i[0], "InitialR2T=No|"), 0);
	ini_read(&i[0], 7, 0, 1);
	ini_ends(&i[0], 7, 2, 0x2900);
	for (unsigned k = 1; k < n; k++)
		ini_join(&i[k], &i[0], (uint8_t)(k + 1), "InitialR2T=No|");
}

static void end(unsigned n)
{
	for (unsigned k = 1; k < n; k++)
		ini_hang_up(&i[k]);
	ini_end(&i[0]);
}

static void expect_even(unsigned n)
{
	uint32_t least = depth_of(&i[0]), most = least;

	for (unsigned k = 1; k < n; k++) {
		uint32_t depth = depth_of(&i[k]);

		least = depth < least ? depth : least;
		most = depth > most ? depth : most;
	}
	if (most > least + 1)
		fail_msg("of %u sessions one has %u places, another %u", n, least, most);
	assert_true(least > ISCSI_DEPTH_MIN);
}

static void even(void **state)
{
	uint32_t first;

	begin(1);
	first = depth_of(&i[0]);
	assert_true(first > ISCSI_SLOTS / 2);
	end(1);

	begin(SESSIONS);
	assert_true(depth_of(&i[0]) > depth_of(&i[SESSIONS - 1]));
	all_busy(3);
	expect_even(SESSIONS);
	end(SESSIONS);
}

/* Who is idle keeps what he was told that he may send; and it can be had. */
static void idle(void **state)
{
	uint32_t n;

	begin(SESSIONS);
	n = depth_of(&i[0]);
	for (unsigned k = 1; k < SESSIONS; k++)
		busy(&i[k], 260);
	assert_int_equal(depth_of(&i[0]), n);
	for (uint32_t k = 0; k < n; k++) /* all of it, and no data follows yet */
		ini_write(&i[0], 100 + k, 0, 0, 128, NULL, 0);
	for (uint32_t k = 0; k < n; k++)
		for (unsigned at = 0; at < 65536; at += sizeof(data))
			ini_data_out(&i[0], 100 + k, INI_NO_TAG, at / sizeof(data), at, data,
				     sizeof(data), at + sizeof(data) == 65536);
	for (uint32_t k = 0; k < n; k++) {
		assert_true(ini_any(&i[0]));
		assert_int_equal(i[0].pdu.opcode, INI_RESPONSE);
		assert_int_equal(i[0].pdu.status, 0);
	}
	all_busy(2);
	expect_even(SESSIONS);
	end(SESSIONS);
}

/* What those who leave had goes to those who stay. */
static void grows(void **state)
{
	uint32_t before;

	begin(SESSIONS);
	all_busy(3);
	before = depth_of(&i[0]);
	for (unsigned k = 3; k < SESSIONS; k++)
		ini_hang_up(&i[k]);
	fuzz_stack_run(i[0].stack, SIM_S);
	for (unsigned k = 0; k < 3; k++)
		busy(&i[k], 2);
	expect_even(3);
	assert_true(depth_of(&i[0]) > before + 8);
	end(3);
}

HARNESS_MAIN(cmocka_unit_test(as_many_as_are_paid_for), cmocka_unit_test(even),
	     cmocka_unit_test(idle), cmocka_unit_test(grows))
