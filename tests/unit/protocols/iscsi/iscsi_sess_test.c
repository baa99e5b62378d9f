/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_sess_test.c - how sessions end: with commands at their store, in the middle of
 * data, by another login that takes their place, by drain; and what is left of them.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_sess.h"

#include <string.h>

#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/ini.h"

static const struct sim_disk_faults stalls = { 0, 0, 0, 10000, 500 * SIM_MS, SIM_S };

static uint8_t data[1 << 16];

/* Commands at a store outlive their connection; they must not look back at it. */
static void gone_with_commands_at_the_store(void **state)
{
	for (unsigned loops = 1; loops <= 2; loops++) {
		struct fuzz_stack_cfg cfg = { .loops = loops, .pool_bytes = GW_POOL_MIN_BYTES };
		struct ini i;

		ini_up(&i, loops, &cfg);
		for (unsigned round = 0; round < 4; round++) {
			assert_int_equal(ini_login(&i, "InitialR2T=No|"), 0);
			i.stack->host->disk->faults = stalls;
			ini_read(&i, 2, 0, 64);
			ini_write(&i, 3, INI_FINAL, 0, 8, data, 4096);
			ini_write(&i, 4, INI_FINAL, 64, 64, NULL, 0);
			fuzz_stack_run(i.stack, 20 * SIM_MS);
			ini_hang_up(&i);
			fuzz_stack_run(i.stack, round * 400 * SIM_MS);
		}
		i.stack->host->disk->faults = (struct sim_disk_faults){ 0 };
		ini_end(&i);
	}
}

/* The same initiator port again: the old session ends first, and the letters of both
 * ends may cross where it ends by itself at that moment. */
static void reinstated(void **state)
{
	struct fuzz_stack_cfg cfg = { .loops = 2, .pool_bytes = GW_POOL_MIN_BYTES };

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct ini a, b = { .isid = 1 };

		ini_up(&a, seed, &cfg);
		assert_int_equal(ini_login(&a, ""), 0);
		ini_read(&a, 2, 0, 64);
		if (seed & 1)
			ini_hang_up(&a);
		fuzz_stack_run(a.stack, seed * 10 * SIM_US);
		b.stack = a.stack;
		assert_int_equal(ini_login(&b, ""), 0);
		assert_true(seed & 1 || fuzz_client_wait_closed(&a.client));
		ini_read(&b, 2, 0, 1);
		ini_ends(&b, 2, 2, 0x2900);
		ini_hang_up(&a);
		ini_hang_up(&b);
		assert_true(fuzz_stack_down(a.stack));
	}
}

/* Nothing comes behind a Logout Response, though a command ends before it is sent. */
static void logout_is_the_last_word(void **state)
{
	struct ini i;

	ini_begin(&i, "");
	sim_net_pause(i.client.conn, true);
	for (unsigned k = 0; k < 4; k++)
		ini_read(&i, 10 + k, 0, 2048);
	fuzz_stack_run(i.stack, SIM_S);
	i.stack->host->disk->faults = stalls;
	ini_read(&i, 20, 4096, 8);
	fuzz_stack_run(i.stack, 10 * SIM_MS);
	ini_logout(&i, 21);
	fuzz_stack_run(i.stack, 3 * SIM_S);
	sim_net_pause(i.client.conn, false);
	do
		assert_true(ini_any(&i));
	while (i.pdu.opcode != INI_LOGOUT_RESPONSE);
	assert_int_equal(i.pdu.bhs[2], 0);
	assert_true(fuzz_client_wait_closed(&i.client));
	assert_int_equal(i.client.len, 0);
	i.stack->host->disk->faults = (struct sim_disk_faults){ 0 };
	ini_end(&i);
}

/* Several logins of one initiator port at once, while the old session's commands stall:
 * the last one stays, the others are told or cut, and nobody waits for ever. */
static void heirs(void **state)
{
	struct fuzz_stack_cfg cfg = { .loops = 2, .pool_bytes = GW_POOL_MIN_BYTES };

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct ini a, last = { .isid = 1 };
		struct fuzz_client others[5];

		ini_up(&a, seed, &cfg);
		assert_int_equal(ini_login(&a, ""), 0);
		a.stack->host->disk->faults = stalls;
		ini_read(&a, 2, 0, 64);
		for (unsigned k = 0; k < 5; k++) {
			fuzz_client_open(&others[k], a.stack);
			ini_send_login(&others[k], 1, "");
			fuzz_stack_run(a.stack, seed * SIM_MS * k);
		}
		if (seed & 1)
			fuzz_client_close(&others[2], false);
		fuzz_stack_run(a.stack, (seed % 4) * 600 * SIM_MS);
		a.stack->host->disk->faults = (struct sim_disk_faults){ 0 };
		last.stack = a.stack;
		assert_int_equal(ini_login(&last, ""), 0);
		ini_read(&last, 2, 0, 1);
		ini_ends(&last, 2, 2, 0x2900);
		for (unsigned k = 0; k < 5; k++) {
			if (k != 2 || !(seed & 1))
				assert_true(fuzz_client_wait_closed(&others[k]));
			fuzz_client_close(&others[k], true);
		}
		ini_hang_up(&last);
		ini_end(&a);
	}
}

/* As many as there is memory for, the later ones with smaller windows; then no more,
 * until somebody leaves. */
static void until_the_pool_is_promised(void **state)
{
	static struct ini i[200];
	unsigned n = 0, window = 128, smaller = 0;

	ini_begin(&i[0], "");
	for (n = 1; n < 200; n++) {
		unsigned status;

		i[n].stack = i[0].stack;
		i[n].isid = (uint8_t)(n + 1);
		status = ini_login(&i[n], "");
		if (status)
			assert_int_equal(status, 0x302);
		if (status)
			break;
		smaller += i[n].max_cmdsn - i[n].cmdsn + 1 < window;
		window = i[n].max_cmdsn - i[n].cmdsn + 1;
	}
	assert_true(n >= 5 && n < 200);
	assert_true(smaller);
	fuzz_client_close(&i[n].client, true);
	ini_hang_up(&i[1]);
	fuzz_stack_run(i[0].stack, SIM_S);
	assert_int_equal(ini_login(&i[n], ""), 0);
	for (unsigned k = 2; k <= n; k++)
		ini_hang_up(&i[k]);
	ini_end(&i[0]);
}

static void ended_op(struct gw_admin_op *op)
{
	*(bool *)op->owner = true;
}

/* A drain asks to log out (11.9.1: event 1), and cuts who does not. */
static void drain(void **state)
{
	struct ini i, other;
	bool done = false;
	struct gw_admin_op op = { .done = ended_op, .owner = &done };

	ini_begin(&i, "");
	ini_join(&other, &i, 2, "");
	gw_front_remove(i.stack->daemon.gw, "iscsi",
			(struct instant){ (int64_t)(i.stack->host->world->now_ns + 5 * SIM_S) },
			&op);
	ini_take(&i, INI_ASYNC, INI_NO_TAG);
	assert_int_equal(i.pdu.bhs[36], 1);
	ini_read(&i, 2, 0, 1); /* still served */
	ini_take(&i, INI_DATA_IN, 2);
	ini_logout(&i, 3);
	ini_take(&i, INI_LOGOUT_RESPONSE, 3);
	assert_true(fuzz_client_wait_closed(&i.client));
	assert_false(done);
	ini_take(&other, INI_ASYNC, INI_NO_TAG);
	assert_true(fuzz_client_wait_closed(&other.client));
	fuzz_stack_run(i.stack, SIM_S);
	assert_true(done);
	ini_hang_up(&other);
	ini_end(&i);
}

static const struct fuzz_stack_cfg two_loops = { .loops = 2, .pool_bytes = GW_POOL_MIN_BYTES };

/* A session with a write at a store that stalls; what else it sent waits for data. */
static void stuck(struct ini *a, uint64_t seed)
{
	ini_up(a, seed, &two_loops);
	assert_int_equal(ini_login(a, "InitialR2T=No|"), 0);
	ini_read(a, 1, 0, 1);
	ini_ends(a, 1, 2, 0x2900);
	a->stack->host->disk->faults = stalls;
	ini_write(a, 2, INI_FINAL, 0, 8, data, 4096);
	ini_write(a, 3, INI_FINAL, 64, 64, NULL, 0);
	fuzz_stack_run(a->stack, 20 * SIM_MS);
	a->stack->host->disk->faults = (struct sim_disk_faults){ 0 };
}

/* Another connection of the same CID (6.3.4): the old one ends at once, the login is
 * answered when the store has ended, no answer of old commands comes, CmdSN goes on. */
static void replaced(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct ini a, b;

		stuck(&a, seed);
		ini_send_rejoin(&b, &a);
		assert_true(fuzz_client_wait_closed(&a.client));
		ini_silence(&b, 400 * SIM_MS);
		assert_int_equal(ini_rejoined(&b), 0);
		assert_int_equal(b.tsih, a.tsih);
		assert_int_equal(b.cmdsn, a.cmdsn);
		ini_read(&b, 9, 0, 1);
		ini_take(&b, INI_DATA_IN, 9);
		ini_hang_up(&a);
		ini_hang_up(&b);
		assert_true(fuzz_stack_down(a.stack));
	}
}

/* Several at once, one of which hangs up: one has the session in the end. */
static void rivals(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct ini a, b[4], last;

		stuck(&a, seed);
		for (unsigned k = 0; k < 4; k++) {
			ini_send_rejoin(&b[k], &a);
			fuzz_stack_run(a.stack, seed * SIM_MS * k);
		}
		if (seed & 1)
			fuzz_client_close(&b[2].client, false);
		fuzz_stack_run(a.stack, (seed % 4) * 600 * SIM_MS);
		ini_send_rejoin(&last, &a);
		assert_int_equal(ini_rejoined(&last), 0);
		ini_read(&last, 9, 0, 1);
		ini_take(&last, INI_DATA_IN, 9);
		for (unsigned k = 0; k < 4; k++) {
			if (k != 2 || !(seed & 1))
				assert_true(fuzz_client_wait_closed(&b[k].client));
			ini_hang_up(&b[k]);
		}
		ini_hang_up(&last);
		ini_end(&a);
	}
}

/* The session itself is taken over while one waits to come into it. */
static void replaced_and_reinstated(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct ini a, b, c = { .isid = 1 };

		stuck(&a, seed);
		c.stack = a.stack;
		ini_send_rejoin(&b, &a);
		fuzz_stack_run(a.stack, (seed % 5) * 5 * SIM_MS);
		assert_int_equal(ini_login(&c, ""), 0);
		assert_int_equal(ini_rejoined(&b), 0x20a);
		assert_true(fuzz_client_wait_closed(&b.client));
		ini_read(&c, 2, 0, 1);
		ini_ends(&c, 2, 2, 0x2900);
		ini_hang_up(&b);
		ini_hang_up(&c);
		ini_end(&a);
	}
}

/* It leaves before it is let in: the session has no connection, and ends. */
static void replaced_by_nobody(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct ini a, b, c;

		stuck(&a, seed);
		ini_send_rejoin(&b, &a);
		assert_true(fuzz_client_wait_closed(&a.client));
		ini_hang_up(&b);
		fuzz_stack_run(a.stack, 10 * SIM_S);
		ini_send_rejoin(&c, &a);
		assert_int_equal(ini_rejoined(&c), 0x20a);
		ini_hang_up(&c);
		ini_end(&a);
	}
}

/* Who has asked and says no more is not kept for ever, and not pinged (4.3). */
static void discovery_ends_by_silence(void **state)
{
	static const char all[] = "SendTargets=All";
	struct ini i;

	ini_begin(&i, "SessionType=Discovery|");
	fuzz_stack_run(i.stack, 50 * SIM_S);
	ini_text(&i, 2, INI_NO_TAG, INI_FINAL, all, sizeof(all));
	ini_take(&i, INI_TEXT_RESPONSE, 2);
	ini_silence(&i, 50 * SIM_S);
	fuzz_stack_run(i.stack, 15 * SIM_S);
	assert_true(fuzz_client_wait_closed(&i.client));
	ini_end(&i);
}

/* It leaves while the connection whose place it takes has not ended yet. */
static void replaced_for_a_moment(void **state)
{
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct ini a, b, c;

		ini_up(&a, seed, &two_loops);
		assert_int_equal(ini_login(&a, ""), 0);
		ini_read(&a, 1, 0, 1);
		ini_ends(&a, 1, 2, 0x2900);
		ini_send_rejoin(&b, &a);
		fuzz_stack_run(a.stack, seed % 20 * 20 * SIM_US);
		fuzz_client_close(&b.client, false);
		fuzz_stack_run(a.stack, 10 * SIM_S);
		if (!a.client.closed) { /* it has not come so far */
			ini_read(&a, 2, 0, 1);
			ini_take(&a, INI_DATA_IN, 2);
		} else {
			ini_send_rejoin(&c, &a);
			assert_int_equal(ini_rejoined(&c), 0x20a);
			ini_hang_up(&c);
		}
		ini_hang_up(&a);
		assert_true(fuzz_stack_down(a.stack));
	}
}

HARNESS_MAIN(cmocka_unit_test(gone_with_commands_at_the_store), cmocka_unit_test(reinstated),
	     cmocka_unit_test(logout_is_the_last_word), cmocka_unit_test(heirs),
	     cmocka_unit_test(until_the_pool_is_promised), cmocka_unit_test(drain),
	     cmocka_unit_test(replaced), cmocka_unit_test(rivals),
	     cmocka_unit_test(replaced_and_reinstated), cmocka_unit_test(replaced_by_nobody),
	     cmocka_unit_test(discovery_ends_by_silence), cmocka_unit_test(replaced_for_a_moment))
