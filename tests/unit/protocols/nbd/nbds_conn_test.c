/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_conn_test.c - whole connections against a plain model: every command and
 * flag at random, replies of all three kinds, small and large, with much memory
 * and with the least; and the ways in which a connection ends.
 */
#include "config.h"

#include "protocols/nbd/nbds_conn.h"

#include <string.h>

#include "tests/harness/harness.h"
#include "tests/unit/protocols/nbd/peer.h"

static void seeds(enum peer_kind kind, const struct fuzz_stack_cfg *cfg, uint32_t longest,
		  unsigned commands)
{
	unsigned counts[PEER_KINDS] = { 0 }, errors = 0;

	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct peer r;

		peer_begin(&r, seed * 7 + kind, kind, cfg);
		r.longest = longest;
		peer_mix(&r, commands);
		for (unsigned i = 0; i < PEER_KINDS; i++)
			counts[i] += r.counts[i];
		errors += r.errors;
		peer_end(&r);
	}
	for (unsigned i = 0; i < PEER_KINDS; i++)
		if (i != PEER_DISC && (i != PEER_STATUS || kind != PEER_SIMPLE))
			assert_true(counts[i] > 0);
	assert_true(errors > 0);
}

static const struct fuzz_stack_cfg plenty = { .loops = 1,
					      .block_bytes = 512,
					      .image_bytes = PEER_IMAGE };
static const struct fuzz_stack_cfg scarce = { .loops = 2,
					      .pool_bytes = GW_POOL_MIN_BYTES,
					      .requests = 6,
					      .block_bytes = 4096,
					      .image_bytes = PEER_IMAGE };

/* The store wants memory in step; a head of 28 bytes puts data out of it. */
static const struct fuzz_stack_cfg direct = {
	.loops = 1, .block_bytes = 4096, .image_bytes = PEER_IMAGE, .direct = true
};
static const struct fuzz_stack_cfg direct_scarce = { .loops = 2,
						     .pool_bytes = GW_POOL_MIN_BYTES,
						     .requests = 6,
						     .block_bytes = 512,
						     .image_bytes = PEER_IMAGE,
						     .direct = true };

static void simple_mix(void **state)
{
	seeds(PEER_SIMPLE, &plenty, 256 << 10, 300);
}

static void chunks_mix(void **state)
{
	seeds(PEER_CHUNKS, &plenty, 256 << 10, 300);
}

static void extended_mix(void **state)
{
	seeds(PEER_EXTENDED, &plenty, 256 << 10, 300);
}

static void scarce_mix(void **state)
{
	seeds(PEER_SIMPLE, &scarce, 256 << 10, 200);
	seeds(PEER_CHUNKS, &scarce, 256 << 10, 200);
	seeds(PEER_EXTENDED, &scarce, 256 << 10, 200);
}

static void large_mix(void **state)
{
	seeds(PEER_SIMPLE, &scarce, 6 << 20, 60);
	seeds(PEER_CHUNKS, &scarce, 6 << 20, 60);
	seeds(PEER_EXTENDED, &plenty, 6 << 20, 60);
}

static void direct_mix(void **state)
{
	seeds(PEER_SIMPLE, &direct, 256 << 10, 200);
	seeds(PEER_EXTENDED, &direct_scarce, 256 << 10, 200);
	seeds(PEER_CHUNKS, &direct_scarce, 6 << 20, 60);
}

/* Large data goes to the disk as it came, not through small windows of the core's. */
static void direct_in_one(void **state)
{
	static const uint32_t sizes[] = { 32 << 10, 64 << 10, 256 << 10, 1 << 20 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct peer_cmd c = { .busy = true, .type = PEER_WRITE, .length = sizes[i] };
		struct peer r;

		peer_begin(&r, 7 + i, PEER_SIMPLE, &direct);
		for (unsigned slot = 0; slot < 8; slot++, c.offset += c.length)
			peer_start_this(&r, slot, &c);
		while (r.n_busy)
			peer_take_reply(&r);
		assert_int_equal(r.stack->host->disk->largest_write, sizes[i]);
		peer_end(&r);
	}
}

/* The largest that is allowed, one after the other, with the smallest pool. */
static void largest(void **state)
{
	for (unsigned kind = 0; kind < 3; kind++) {
		struct peer r;

		peer_begin(&r, 99, (enum peer_kind)kind, &scarce);
		r.depth = 1;
		r.longest = 32 << 20;
		for (unsigned i = 0; i < 12; i++) {
			peer_start(&r, 0);
			while (r.n_busy)
				peer_take_reply(&r);
		}
		peer_end(&r);
	}
}

/* A client that sends and sends and reads nothing, then reads all: nothing is
 * lost, and what it may hold is bounded. */
static void slow_reader(void **state)
{
	struct peer r;

	peer_begin(&r, 5, PEER_CHUNKS, &scarce);
	r.depth = PEER_DEPTH_MAX;
	sim_net_pause(r.client.conn, true);
	for (unsigned i = 0; i < PEER_DEPTH_MAX; i++)
		peer_start(&r, i);
	fuzz_stack_run(r.stack, 20 * SIM_S);
	sim_net_pause(r.client.conn, false);
	while (r.n_busy)
		peer_take_reply(&r);
	peer_end(&r);
}

/* CVE list 7.1, "early hang-up": gone with all in flight, at any moment; the next
 * client finds everything as it was. */
static void vanishing(void **state)
{
	struct peer r;

	peer_begin(&r, 11, PEER_CHUNKS, &scarce);
	for (unsigned i = 0; i < 200; i++) {
		r.depth = 16;
		for (unsigned slot = 0; slot < r.depth; slot++)
			if (!r.cmd[slot].busy)
				peer_start(&r, slot);
		fuzz_stack_run(r.stack, sim_rng_below(&r.rng, 3 * SIM_MS));
		fuzz_client_close(&r.client, i & 1);
		memset(r.cmd, 0, sizeof(r.cmd));
		r.n_busy = 0;
		if (i % 20 == 19)
			fuzz_stack_run(r.stack, 10 * SIM_S);
		peer_shake_hands(&r);
	}
	peer_end(&r);
}

/* ---- ends ---------------------------------------------------------------- */

static void bad_magic_ends_it(void **state)
{
	struct peer r;

	peer_begin(&r, 3, PEER_CHUNKS, &plenty);
	fuzz_client_send(&r.client, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 32);
	assert_true(fuzz_client_wait_closed(&r.client));
	fuzz_client_close(&r.client, false);
	assert_true(fuzz_stack_down(r.stack));
	free(r.model);
}

static void flood_ends_it(void **state)
{
	for (unsigned kind = 0; kind < 3; kind++) {
		struct peer_cmd c = { .type = PEER_WRITE,
				      .flags = kind == PEER_EXTENDED ? PEER_PAYLOAD : 0 };
		uint8_t bytes[44];
		struct peer r;

		peer_begin(&r, 4, (enum peer_kind)kind, &plenty);
		c.length = kind == PEER_EXTENDED ? (32u << 20) + 1 : (64u << 20) + 1;
		fuzz_client_send(&r.client, bytes, peer_put_request(&r, bytes, 0, &c));
		assert_true(fuzz_client_wait_closed(&r.client));
		fuzz_client_close(&r.client, false);
		assert_true(fuzz_stack_down(r.stack));
		free(r.model);
	}
}

/* One that is only somewhat too long is consumed and answered. */
static void too_long_is_answered(void **state)
{
	static uint8_t junk[1 << 20];
	struct peer_cmd c = {
		.busy = true, .type = PEER_WRITE, .length = (33u << 20), .expect_error = 22
	};
	uint8_t bytes[44];
	struct peer r;

	peer_begin(&r, 4, PEER_SIMPLE, &plenty);
	r.cmd[0] = c;
	r.n_busy = 1;
	fuzz_client_send(&r.client, bytes, peer_put_request(&r, bytes, 0, &c));
	for (unsigned i = 0; i < 33; i++) {
		fuzz_client_send(&r.client, junk, sizeof(junk));
		fuzz_stack_run(r.stack, SIM_MS);
	}
	peer_take_reply(&r);
	peer_mix(&r, 20);
	peer_end(&r);
}

HARNESS_MAIN(cmocka_unit_test(simple_mix), cmocka_unit_test(chunks_mix),
	     cmocka_unit_test(extended_mix), cmocka_unit_test(scarce_mix),
	     cmocka_unit_test(large_mix), cmocka_unit_test(direct_mix),
	     cmocka_unit_test(direct_in_one), cmocka_unit_test(largest),
	     cmocka_unit_test(slow_reader), cmocka_unit_test(vanishing),
	     cmocka_unit_test(bad_magic_ends_it), cmocka_unit_test(flood_ends_it),
	     cmocka_unit_test(too_long_is_answered))
