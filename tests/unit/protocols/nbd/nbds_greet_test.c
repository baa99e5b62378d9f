/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_greet_test.c - floods, silence and hang-ups before transmission: a bound on
 * half-open handshakes, the oldest goes first, the deadline, and honest clients
 * beside them (field-notes 7.1: CVE-2024-7409, CVE-2017-9524).  The door alone:
 * tests/unit/gateway/loop/loop_door_test.c.
 */
#include "config.h"

#include "protocols/nbd/nbds_greet.h"

#include <string.h>

#include "protocols/nbd/nbds_front.h"
#include "tests/harness/harness.h"
#include "tests/unit/protocols/nbd/peer.h"

static const struct fuzz_stack_cfg cfg = { .loops = 2,
					   .block_bytes = 512,
					   .image_bytes = PEER_IMAGE };

static unsigned open_ones(const struct fuzz_client *clients, unsigned n)
{
	unsigned open = 0;

	for (unsigned i = 0; i < n; i++)
		open += !clients[i].closed;
	return open;
}

static void silence_is_displaced(void **state)
{
	enum { N = 700 };
	static struct fuzz_client clients[N];
	struct peer r;

	peer_begin(&r, 1, PEER_CHUNKS, &cfg);
	for (unsigned i = 0; i < N; i++)
		fuzz_client_open(&clients[i], r.stack);
	fuzz_stack_run(r.stack, SIM_S);
	assert_true(open_ones(clients, N) <= NBDS_FRONT_HALF_OPEN_MAX);
	assert_true(open_ones(clients, N / 2) == 0); /* the oldest went first */
	assert_false(clients[N - 1].closed);
	peer_mix(&r, 50); /* who was inside is not disturbed */
	fuzz_stack_run(r.stack, (NBDS_GREET_DEADLINE_S + 2) * SIM_S);
	assert_int_equal(open_ones(clients, N), 0);
	for (unsigned i = 0; i < N; i++)
		fuzz_client_close(&clients[i], false);
	peer_end(&r);
}

/* A handshake that stops anywhere ends at its deadline, and not before. */
static void deadline_everywhere(void **state)
{
	static const uint8_t bytes[] = { 0, 0, 0, 3, 'I', 'H', 'A', 'V', 'E', 'O', 'P', 'T', 0,
					 0, 0, 7, 0, 0,	  0,   6,   0,	 0,   0,   0,	0,   0 };
	static struct fuzz_client clients[sizeof(bytes)];
	struct peer r;

	peer_begin(&r, 2, PEER_SIMPLE, &cfg);
	for (size_t n = 0; n < sizeof(bytes); n++) {
		fuzz_client_open(&clients[n], r.stack);
		fuzz_client_send(&clients[n], bytes, n);
	}
	fuzz_stack_run(r.stack, (NBDS_GREET_DEADLINE_S - 2) * SIM_S);
	assert_int_equal(open_ones(clients, sizeof(bytes)), sizeof(bytes));
	fuzz_stack_run(r.stack, 4 * SIM_S);
	assert_int_equal(open_ones(clients, sizeof(bytes)), 0);
	for (size_t n = 0; n < sizeof(bytes); n++)
		fuzz_client_close(&clients[n], false);
	peer_mix(&r, 10);
	peer_end(&r);
}

/* Gone at every byte of a handshake, orderly and not, at every moment. */
static void hang_up_everywhere(void **state)
{
	static const uint8_t bytes[] = { 0, 0, 0, 3, 'I', 'H', 'A', 'V', 'E', 'O', 'P', 'T', 0,
					 0, 0, 7, 0, 0,	  0,   6,   0,	 0,   0,   0,	0,   0 };
	struct peer r;

	peer_begin(&r, 3, PEER_SIMPLE, &cfg);
	for (unsigned i = 0; i < 20 * sizeof(bytes); i++) {
		struct fuzz_client c;

		fuzz_client_open(&c, r.stack);
		fuzz_client_send(&c, bytes, i % (sizeof(bytes) + 1));
		fuzz_stack_run(r.stack, sim_rng_below(&r.rng, SIM_MS));
		fuzz_client_close(&c, i & 1);
	}
	peer_mix(&r, 10);
	peer_end(&r);
}

/* CVE-2024-7409: the server stops while half-open clients stand there. */
static void stop_with_half_open(void **state)
{
	struct fuzz_client clients[40];
	struct fuzz_stack stack;

	fuzz_stack_up(&stack, 4, &cfg);
	for (unsigned i = 0; i < 40; i++) {
		fuzz_client_open(&clients[i], &stack);
		fuzz_client_send(&clients[i], "\0\0\0\3IHAVEOPT\0\0\0\7\0\0\0\6\0\0\0\0\0\0",
				 i % 27);
	}
	assert_true(fuzz_stack_down(&stack));
	for (unsigned i = 0; i < 40; i++) {
		clients[i].closed = true;
		fuzz_client_close(&clients[i], false);
	}
}

HARNESS_MAIN(cmocka_unit_test(silence_is_displaced), cmocka_unit_test(deadline_everywhere),
	     cmocka_unit_test(hang_up_everywhere), cmocka_unit_test(stop_with_half_open))
