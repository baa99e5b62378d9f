/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_run_test.c - commands when the world is against them: disks that fail and
 * stall, memory that others hold, clients that vanish, drain, and a volume that
 * grows or goes away.
 */
#include "config.h"

#include "protocols/nbd/nbds_run.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/harness/harness.h"
#include "tests/sim/sim_disk.h"
#include "tests/unit/protocols/nbd/peer.h"

static const struct fuzz_stack_cfg scarce = { .loops = 2,
					      .pool_bytes = GW_POOL_MIN_BYTES,
					      .requests = 24,
					      .block_bytes = 4096,
					      .image_bytes = PEER_IMAGE };
static const struct fuzz_stack_cfg alone = {
	.loops = 1, .pool_bytes = GW_POOL_MIN_BYTES, .block_bytes = 65536, .image_bytes = PEER_IMAGE
};

static struct sim_disk_faults *faults(struct peer *r)
{
	return &r->stack->host->disk->faults;
}

/* ---- disks --------------------------------------------------------------- */

/* One operation in seven fails: each command is answered, once, well formed. */
static void disk_errors(void **state)
{
	for (unsigned kind = 0; kind < 3; kind++) {
		struct peer r;

		peer_begin(&r, 31 + kind, (enum peer_kind)kind, &scarce);
		r.blind = true;
		r.longest = 5 << 20;
		r.stack->host->disk->lend_odds = 0; /* it must tell, not end */
		*faults(&r) = (struct sim_disk_faults){ .read_error = 1500, .write_error = 1500 };
		peer_mix(&r, 150);
		assert_true(r.errors > 20);
		*faults(&r) = (struct sim_disk_faults){ .read_error = 0 };
		peer_mix(&r, 20);
		sim_net_close(r.client.conn);
		r.client.closed = true;
		fuzz_client_close(&r.client, false);
		fuzz_stack_down(r.stack); /* the last flush may tell of lost writes */
		free(r.model);
	}
}

/* A long write whose first part fails: the rest of the payload is consumed, and
 * the stream goes on behind it. */
static void failed_write_is_drained(void **state)
{
	struct peer_cmd c = { .busy = true, .type = PEER_WRITE, .length = 8 << 20 };
	struct peer r;

	peer_begin(&r, 7, PEER_CHUNKS, &alone);
	r.blind = true;
	*faults(&r) = (struct sim_disk_faults){ .write_error = 10000 };
	peer_start_this(&r, 0, &c);
	fuzz_stack_run(r.stack, 10 * SIM_S);
	peer_take_reply(&r);
	assert_int_equal(r.errors, 1);
	*faults(&r) = (struct sim_disk_faults){ .write_error = 0 };
	peer_mix(&r, 20);
	fuzz_client_close(&r.client, true);
	fuzz_stack_down(r.stack);
	free(r.model);
}

/* Gone while the disk stalls, with large commands half at the store: orphans. */
static void vanishing_from_a_stall(void **state)
{
	struct peer r;

	peer_begin(&r, 17, PEER_CHUNKS, &scarce);
	r.longest = 4 << 20;
	for (unsigned i = 0; i < 60; i++) {
		*faults(&r) = (struct sim_disk_faults){ .stall = 3000,
							.stall_min_ns = SIM_MS,
							.stall_max_ns = 3 * SIM_S };
		for (unsigned slot = 0; slot < 8; slot++)
			if (!r.cmd[slot].busy)
				peer_start(&r, slot);
		fuzz_stack_run(r.stack, sim_rng_below(&r.rng, 40 * SIM_MS));
		fuzz_client_close(&r.client, i & 1);
		memset(r.cmd, 0, sizeof(r.cmd));
		r.n_busy = 0;
		r.client.stack = r.stack;
		*faults(&r) = (struct sim_disk_faults){ .stall = 0 };
		if (i % 8 == 7)
			fuzz_stack_run(r.stack, 20 * SIM_S);
		peer_shake_hands(&r);
	}
	peer_end(&r);
}

/* ---- memory -------------------------------------------------------------- */

/* Bytes that are not zero everywhere: they cannot come back as holes. */
static void fill(struct peer *r)
{
	struct peer_cmd c = { .busy = true,
			      .type = PEER_WRITE,
			      .length = 4 << 20,
			      .flags = r->kind == PEER_EXTENDED ? PEER_PAYLOAD : 0 };

	for (c.offset = 0; c.offset < PEER_IMAGE; c.offset += c.length) {
		peer_start_this(r, 0, &c);
		while (r->n_busy)
			peer_take_reply(r);
	}
}

static void begin_hog(struct peer *hog, struct peer *r, uint64_t seed)
{
	*hog = (struct peer){ .stack = r->stack,
			      .kind = PEER_CHUNKS,
			      .depth = 32,
			      .model = r->model,
			      .block = 4096 };
	sim_rng_seed(&hog->rng, seed);
	peer_shake_hands(hog);
}

/* Asks for 64 MiB and reads nothing. */
static void ask_for_much(struct peer *hog)
{
	struct peer_cmd c = { .busy = true, .type = PEER_READ, .length = 4 << 20 };

	sim_net_pause(hog->client.conn, true);
	for (unsigned slot = 0; slot < 16; slot++) {
		c.offset = slot * (2 << 20);
		peer_start_this(hog, slot, &c);
	}
}

/* Clients of the same loop that ask for much and read nothing hold all that is
 * shared; one more lives on what it was promised, on a disk that stalls. */
static void starved(void **state)
{
	for (unsigned i = 0; i < 6; i++) {
		struct peer hogs[3], r;

		peer_begin(&r, 41 + i, (enum peer_kind)(i % 3), &alone);
		r.no_room = true;
		fill(&r);
		for (unsigned h = 0; h < 3; h++)
			begin_hog(&hogs[h], &r, h + 1);
		for (unsigned h = 0; h < 3; h++)
			ask_for_much(&hogs[h]);
		fuzz_stack_run(r.stack, SIM_S);
		*faults(&r) = (struct sim_disk_faults){ .stall = i < 3 ? 0 : 1000,
							.stall_min_ns = SIM_MS,
							.stall_max_ns = 200 * SIM_MS };
		r.longest = 1 << 20;
		peer_mix(&r, 80);
		for (unsigned h = 0; h < 3; h++)
			fuzz_client_close(&hogs[h].client, false);
		fuzz_stack_run(r.stack, 10 * SIM_S);
		r.no_room = false;
		peer_mix(&r, 60);
		peer_end(&r);
	}
}

/* ---- drain, events ------------------------------------------------------- */

static void admin_done(struct gw_admin_op *op)
{
	*(bool *)op->owner = true;
}

static bool is_set(void *arg)
{
	return *(bool *)arg;
}

static struct instant in(const struct peer *r, uint64_t ns)
{
	return (struct instant){ (int64_t)(r->stack->host->world->now_ns + ns) };
}

/* The daemon ends while commands are in flight: each that was begun is answered,
 * or is not begun (ESHUTDOWN); then the connection is closed, orderly. */
static void drained_in_flight(void **state)
{
	for (unsigned i = 0; i < 36; i++) {
		bool done = false;
		struct gw_admin_op op = { .done = admin_done, .owner = &done };
		struct peer r;

		peer_begin(&r, i, (enum peer_kind)(i % 3), &scarce);
		r.blind = true;
		peer_mix(&r, 5);
		for (unsigned slot = 0; slot < r.depth; slot++)
			peer_start(&r, slot);
		fuzz_stack_run(r.stack, sim_rng_below(&r.rng, 4 * SIM_MS));
		gw_front_remove(r.stack->daemon.gw, "nbd", in(&r, 5 * SIM_S), &op);
		assert_true(sim_host_run_until(r.stack->host, 10 * SIM_S, is_set, &done));
		assert_true(fuzz_client_wait_closed(&r.client));
		while (r.client.len && !r.client.errnum)
			peer_take_reply(&r);
		fuzz_client_close(&r.client, true);
		assert_true(fuzz_stack_down(r.stack));
		free(r.model);
	}
}

/* It grows under a client: what was beyond the end becomes readable. */
static void grown(void **state)
{
	struct peer_cmd c = { .busy = true,
			      .type = PEER_READ,
			      .length = 65536,
			      .offset = PEER_IMAGE,
			      .expect_error = 22 };
	bool done = false;
	struct gw_admin_op op = { .done = admin_done, .owner = &done };
	struct peer r;

	peer_begin(&r, 3, PEER_CHUNKS, &alone);
	r.model = realloc(r.model, PEER_IMAGE + 65536);
	memset(r.model + PEER_IMAGE, 0, 65536);
	peer_start_this(&r, 0, &c);
	peer_take_reply(&r);
	sim_inode_resize(sim_disk_find(r.stack->host->disk, SIM_IMAGE), PEER_IMAGE + 65536);
	gw_volume_refresh(r.stack->daemon.gw, "disk", &op);
	assert_true(sim_host_run_until(r.stack->host, 10 * SIM_S, is_set, &done));
	fuzz_stack_run(r.stack, SIM_S);
	c.expect_error = 0;
	peer_start_this(&r, 0, &c);
	while (r.n_busy)
		peer_take_reply(&r);
	assert_int_equal(r.errors, 1);
	peer_end(&r);
}

/* The volume goes away: its clients are let go, the others stay. */
static void going_away(void **state)
{
	bool done = false;
	struct gw_admin_op op = { .done = admin_done, .owner = &done };
	struct peer r;

	peer_begin(&r, 3, PEER_CHUNKS, &alone);
	peer_mix(&r, 10);
	gw_volume_remove(r.stack->daemon.gw, "disk", in(&r, 5 * SIM_S), &op);
	assert_true(fuzz_client_wait_closed(&r.client));
	assert_true(sim_host_run_until(r.stack->host, 10 * SIM_S, is_set, &done));
	fuzz_client_close(&r.client, true);
	assert_true(fuzz_stack_down(r.stack));
	free(r.model);
}

/* ---- odd requests -------------------------------------------------------- */

/* Of length 0: done without a request where that means anything. */
static void nothing_asked(void **state)
{
	for (unsigned kind = 0; kind < 3; kind++) {
		struct peer r;

		peer_begin(&r, 5, (enum peer_kind)kind, &alone);
		for (uint16_t type = 0; type < PEER_KINDS; type++) {
			struct peer_cmd c = { .busy = true, .type = type };

			if (type == PEER_DISC)
				continue;
			if (type == PEER_STATUS)
				c.expect_error = 22;
			if (type == PEER_WRITE && kind == PEER_EXTENDED)
				c.flags = PEER_PAYLOAD;
			peer_start_this(&r, 0, &c);
			peer_take_reply(&r);
		}
		peer_end(&r);
	}
}

/* Payloads that a command does not know, ids that nobody gave: consumed, refused,
 * and the stream goes on. */
static void odd_payloads(void **state)
{
	static const uint32_t lengths[] = { 1, 8, 11, 12, 13, 16, 20, 4096, 100000 };
	uint8_t head[44], junk[100000] = { 0 };
	struct peer r;

	peer_begin(&r, 5, PEER_EXTENDED, &alone);
	for (uint16_t type = 0; type < 20; type++)
		for (unsigned i = 0; i < 9; i++) {
			struct peer_cmd c = { .busy = true,
					      .type = type,
					      .flags = PEER_PAYLOAD,
					      .length = lengths[i],
					      .expect_error = 22 };

			if (type == PEER_DISC)
				continue;
			peer_put_request(&r, head, 0, &c);
			be64_put(head + 24, c.length);
			r.cmd[0] = c;
			r.n_busy++;
			fuzz_client_send(&r.client, head, 32);
			fuzz_client_send(&r.client, junk, c.length);
			peer_take_reply(&r);
		}
	peer_mix(&r, 20);
	peer_end(&r);
}

HARNESS_MAIN(cmocka_unit_test(disk_errors), cmocka_unit_test(failed_write_is_drained),
	     cmocka_unit_test(vanishing_from_a_stall), cmocka_unit_test(starved),
	     cmocka_unit_test(drained_in_flight), cmocka_unit_test(grown),
	     cmocka_unit_test(going_away), cmocka_unit_test(nothing_asked),
	     cmocka_unit_test(odd_payloads))
