/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_port_test.c - an AoE interface at its bounds: more frames than slots, more
 * clients than places, fewer requests than frames, another MTU, more words to say than
 * notes; and its end, in order and by force.
 */
#include "config.h"

#include "protocols/aoe/aoe_port.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/core/core.h"
#include "tests/harness/harness.h"
#include "tests/unit/protocols/aoe/sta.h"

static const struct fuzz_stack_cfg usual = { .loops = 1 };
static const struct sim_disk_faults stalls = { 0, 0, 0, 10000, 200 * SIM_MS, 400 * SIM_MS };
static const struct sim_disk_faults together = { 0, 0, 0, 10000, 200 * SIM_MS, 200 * SIM_MS };

static uint16_t slots_of(struct sta *s)
{
	sta_string(s, 0, 1, 0, "");
	return be16_get(sta_take(s, 1)->at + 24);
}

/* ---- slots ----------------------------------------------------------------- */

/* What has no slot waits in the kernel, and is answered when one is free. */
static void more_frames_than_slots(void **state)
{
	struct sta s;
	unsigned n;

	sta_up(&s, 1, &usual);
	n = slots_of(&s) + 40u;
	assert_int_equal(n, 64 + 40);
	s.stack.host->disk->faults = stalls;
	for (unsigned i = 0; i < n; i++)
		sta_ata(&s, i % 3, 0, 100 + i, STA_READ, 8 * i, 1, 0);
	sta_run(&s, 100 * SIM_MS);
	assert_int_equal(sta_counter(&s, "aoe_commands"), 64);
	sta_run(&s, 60 * SIM_S);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(sta_count(&s, 100 + i), 1);
	assert_int_equal(sta_counter(&s, "aoe_commands"), n);
	sta_down(&s);
}

/* An answer goes from where the store has the bytes, and the slot is as before; a READ
 * VERIFY, which sends nothing, is read, in as many parts as it has slots' lengths. */
static void lent_slots(void **state)
{
	enum { VERIFY = 0x42 };
	const uint64_t *lent;
	struct sta s;

	sta_up(&s, 14, &usual);
	lent = &s.stack.host->world->cover[SIM_COVER_LENT];
	s.stack.host->disk->lend_odds = SIM_LEND_ALWAYS;
	for (unsigned i = 0; i < 200; i++) { /* more than there are slots */
		sta_ata(&s, 0, 0, 1000 + 4 * i, STA_WRITE, 9, 1, (uint8_t)i);
		assert_int_equal(sta_take(&s, 1000 + 4 * i)->at[27], 0x40);
		sta_expect(&s, 0, 1001 + 4 * i, 9, (uint8_t)i);
		assert_int_equal(*lent, i + 1);
		sta_ata(&s, 0, 0, 1002 + 4 * i, VERIFY, 0, 200, 0);
		assert_int_equal(sta_take(&s, 1002 + 4 * i)->at[27], 0x40);
		assert_int_equal(*lent, i + 1);
	}
	assert_int_equal(gw_volume_find(s.stack.daemon.gw, "disk")->lane[0].n_lent, 0);
	/* it is not there any more: no answer, and the next time it is read */
	assert_non_null(sim_disk_find(s.stack.host->disk, SIM_IMAGE));
	s.stack.host->disk->faults.read_error = 9999;
	sta_ata(&s, 0, 0, 10, STA_READ, 9, 1, 0);
	sta_run(&s, SIM_S);
	assert_int_equal(sta_count(&s, 10), 0);
	s.stack.host->disk->faults.read_error = 0;
	sta_expect(&s, 0, 11, 9, 199);
	assert_int_equal(*lent, 201);
	sta_run(&s, 5 * SIM_S);
	sta_expect(&s, 0, 12, 9, 199);
	assert_int_equal(*lent, 202);
	sta_down(&s);
}

/* ---- clients --------------------------------------------------------------- */

static void the_silent_one_makes_room(void **state)
{
	const struct fuzz_stack_cfg cfg = { .loops = 2 };
	struct sta s;

	sta_up(&s, 2, &cfg);
	for (unsigned i = 0; i < AOE_CLIENTS_MAX; i++)
		sta_expect(&s, i, 100 + i, 0, 0);
	assert_int_equal(sta_counter(&s, "aoe_clients_forgotten"), 0);
	sta_expect(&s, 0, 1, 0, 0); /* now 1 is the one that was silent longest */
	sta_expect(&s, AOE_CLIENTS_MAX, 2, 0, 0);
	assert_int_equal(sta_counter(&s, "aoe_clients_forgotten"), 1);
	sta_expect(&s, 0, 3, 0, 0);
	assert_int_equal(sta_counter(&s, "aoe_clients"), AOE_CLIENTS_MAX + 1);
	sta_expect(&s, 1, 4, 0, 0);
	assert_int_equal(sta_counter(&s, "aoe_clients"), AOE_CLIENTS_MAX + 2);
	sta_down(&s);
}

/* Many come at once, while places of others are still being taken at the volume. */
static void a_crowd(void **state)
{
	for (unsigned loops = 1; loops <= 4; loops *= 2) {
		const struct fuzz_stack_cfg cfg = { .loops = loops };
		struct sta s;

		sta_up(&s, loops, &cfg);
		for (unsigned i = 0; i < STA_MAX; i++) {
			sta_ata(&s, i, 0, 100 + i, i % 2 ? STA_READ : STA_WRITE, i % 5, 1, 1);
			sta_run(&s, i % 7 ? 0 : 2 * SIM_MS);
		}
		sta_run(&s, 10 * SIM_S);
		for (unsigned i = 1; i < STA_MAX; i += 2)
			assert_int_equal(sta_count(&s, 100 + i), 1);
		assert_int_equal(sta_counter(&s, "aoe_clients_forgotten"),
				 STA_MAX - AOE_CLIENTS_MAX);
		sta_down(&s);
	}
}

/* ---- order ----------------------------------------------------------------- */

/* Writes that wait for requests of the pool, by two interfaces: the last one wins. */
static void few_requests(void **state)
{
	const struct fuzz_stack_cfg cfg = { .loops = 1, .aoe = 2, .requests = 8 };

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sta s;

		sta_up(&s, seed, &cfg);
		sta_expect(&s, 0, 1, 0, 0);
		sta_expect(&s, 1, 2, 0, 0);
		s.stack.host->disk->faults = together;
		for (unsigned i = 0; i < 8; i++)
			sta_ata(&s, 0, 0, 100 + i, STA_READ, 100 + 8 * i, 1, 0);
		sta_run(&s, 5 * SIM_MS);
		s.stack.host->disk->faults = (struct sim_disk_faults){ 0 };
		for (unsigned i = 0; i < 12; i++) {
			sta_ata(&s, i % 2, (i + seed) % 2, 200 + i, STA_WRITE, 0, 2,
				(uint8_t)(1 + i));
			sta_run(&s, 5 * SIM_MS);
		}
		sta_take(&s, 200 + 11); /* of the others some were overtaken */
		sta_run(&s, SIM_S);
		assert_true(sta_counter(&s, "aoe_waits") > 0);
		sta_expect(&s, 0, 3, 0, 12);
		sta_down(&s);
	}
}

/* The first write of a client waits for its place at the volume; one that came later,
 * of a client that has one, is not undone by it. */
static void a_place_is_taken(void **state)
{
	const struct fuzz_stack_cfg cfg = { .loops = 4 };

	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct sta s;

		sta_up(&s, seed, &cfg);
		sta_expect(&s, 1, 1, 0, 0);
		sta_ata(&s, 0, 0, 2, STA_WRITE, 0, 1, 0xaa);
		sta_run(&s, s.stack.host->ether->latency_ns / 4);
		sta_ata(&s, 1, 0, 3, STA_WRITE, 0, 1, 0xbb);
		sta_take(&s, 3);
		sta_run(&s, SIM_S);
		sta_expect(&s, 1, 4, 0, 0xbb);
		sta_down(&s);
	}
}

/* The first range waits for a write that stalls, and the second one is written to
 * meanwhile. */
static void half_a_trim(void **state)
{
	uint8_t arg[12 + 512] = { 0x41, 1, 1, STA_TRIM };
	struct sta s;

	arg[12] = 0;
	arg[12 + 6] = 1;
	arg[20] = 9;
	arg[20 + 6] = 1;
	sta_up(&s, 5, &usual);
	sta_expect(&s, 0, 1, 0, 0);
	s.stack.host->disk->stall_next_ns[DRV_WRITE] = SIM_S;
	sta_ata(&s, 0, 0, 2, STA_WRITE, 0, 1, 0xaa);
	sta_run(&s, 10 * SIM_MS);
	sta_send(&s, 0, 0, 0, 3, arg, sizeof(arg));
	sta_run(&s, 10 * SIM_MS);
	sta_ata(&s, 0, 0, 4, STA_WRITE, 9, 1, 0xbb);
	sta_take(&s, 4);
	assert_int_equal(sta_count(&s, 2), 0);
	sta_run(&s, 5 * SIM_S);
	sta_expect(&s, 0, 5, 0, 0);
	sta_expect(&s, 0, 6, 9, 0xbb);
	assert_int_equal(sta_count(&s, 3), 0);
	sta_send(&s, 0, 0, 0, 3, arg, sizeof(arg)); /* it comes again, and is done */
	sta_take(&s, 3);
	sta_expect(&s, 0, 7, 9, 0);
	sta_down(&s);
}

/* ---- lists ----------------------------------------------------------------- */

/* Whoever is shut out is not heard any more, though he asked while that was written. */
static void shut_out_while_it_waits(void **state)
{
	const struct sta_frame *f;
	struct sta s;

	sta_up(&s, 6, &usual);
	sta_expect(&s, 0, 1, 0, 0);
	sta_expect(&s, 1, 2, 0, 0);
	sta_mask(&s, 0, 3, 1, 0, 1);
	sta_string(&s, 1, 4, 4, "mine");
	f = sta_take(&s, 3);
	assert_int_equal(f->at[14], 0x18);
	sta_run(&s, SIM_S);
	assert_int_equal(sta_count(&s, 4), 0);
	sta_string(&s, 0, 5, 0, "");
	assert_int_equal(be16_get(sta_take(&s, 5)->at + 30), 0);
	sta_down(&s);
}

/* "Reserved" is said when no older write of others can land. */
static void reserved_after_older_writes(void **state)
{
	struct sta s;

	sta_up(&s, 7, &usual);
	sta_expect(&s, 0, 1, 0, 0);
	s.stack.host->disk->stall_next_ns[DRV_WRITE] = SIM_S;
	sta_ata(&s, 0, 0, 2, STA_WRITE, 0, 1, 0xaa);
	sta_run(&s, 10 * SIM_MS);
	sta_reserve(&s, 1, 3, 1, 1);
	sta_run(&s, 500 * SIM_MS);
	assert_int_equal(sta_count(&s, 2) + sta_count(&s, 3), 0);
	sta_take(&s, 3);
	sta_expect(&s, 1, 4, 0, 0xaa);
	sta_ata(&s, 0, 0, 5, STA_WRITE, 0, 1, 0xbb);
	assert_int_equal(sta_take(&s, 5)->at[15], 6);
	sta_down(&s);
}

/* More who hear of a disk than there are notes: each hears once. */
static void many_hearers(void **state)
{
	enum { HEARERS = 150 };
	struct sta s;

	sta_up(&s, 8, &usual);
	sta_run(&s, SIM_MS);
	for (unsigned i = 0; i < HEARERS; i++)
		sta_expect(&s, i, 100 + i, 0, 0);
	sta_mask(&s, 0, 1, 1, 0, HEARERS);
	sta_take(&s, 1);
	sta_forget(&s);
	s.iface[0]->tx_room = 1000;
	sim_ether_set_up(s.iface[0], false);
	sta_run(&s, 100 * SIM_MS);
	sim_ether_set_up(s.iface[0], true);
	sta_run(&s, SIM_S);
	assert_int_equal(sta_count(&s, 0), HEARERS);
	for (const struct sta_frame *f = s.first; f; f = f->next) {
		uint8_t mac[6];

		sta_mac(f->station, mac);
		assert_memory_equal(f->at, mac, 6);
		assert_true(!f->next || f->station < f->next->station);
	}
	sta_down(&s);
}

/* ---- the interface --------------------------------------------------------- */

static void another_mtu(void **state)
{
	const struct fuzz_stack_cfg cfg = { .loops = 2, .mtu_bytes = 9000 };
	struct sta s;

	sta_up(&s, 9, &cfg);
	sta_ata(&s, 0, 0, 1, STA_READ, 0, 17, 0);
	assert_int_equal(sta_take(&s, 1)->len, 36 + 17 * 512);
	sta_forget(&s);
	sim_ether_set_mtu(s.iface[0], 1500);
	assert_int_equal(sta_take(&s, 0)->at[28], 2); /* the disk says so */
	sta_ata(&s, 0, 0, 2, STA_READ, 0, 3, 0);
	assert_int_equal(sta_take(&s, 2)->at[15], 2);
	sta_ata(&s, 0, 0, 3, STA_READ, 0, 2, 0);
	assert_int_equal(sta_take(&s, 3)->len, 36 + 2 * 512);
	sim_ether_set_mtu(s.iface[0], 17000);
	assert_int_equal(sta_take(&s, 0)->at[28], 32); /* what a slot has room for */
	sta_ata(&s, 0, 0, 4, STA_WRITE, 0, 32, 7);
	assert_int_equal(sta_take(&s, 4)->at[27], 0x40);
	sta_ata(&s, 0, 0, 5, STA_READ, 0, 32, 0);
	assert_int_equal(sta_take(&s, 5)->len, 36 + 32 * 512);
	sta_down(&s);
}

/* ---- the end --------------------------------------------------------------- */

/* At each instant of a port's beginning. */
static void stopped_at_once(void **state)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		const struct fuzz_stack_cfg cfg = { .loops = 1u << seed % 3, .aoe = 2 };
		struct sta s;

		sta_up(&s, seed, &cfg);
		sta_run(&s, seed / 3 * 50 * SIM_US);
		sta_down(&s);
	}
}

/* Commands at a store that stalls for longer than the drain has, one that waits for its
 * turn, one in the kernel's queue, and a reservation that waits for them all. */
static void by_force(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		const struct fuzz_stack_cfg cfg = { .loops = 1u << seed % 3,
						    .aoe = 2,
						    .requests = seed & 1 ? 8 : 0 };
		struct sta s;

		sta_up(&s, seed, &cfg);
		sta_expect(&s, 0, 1, 0, 0);
		s.stack.host->disk->stall_next_ns[DRV_WRITE] = 20 * SIM_S;
		s.stack.host->disk->stall_next_ns[DRV_READ] = 10 * SIM_S;
		for (unsigned i = 0; i < 100; i++)
			sta_ata(&s, i % 3, i % 2, 100 + i, i % 5 ? STA_WRITE : STA_READ, i % 2, 1,
				(uint8_t)i);
		sta_run(&s, seed * SIM_MS);
		sta_reserve(&s, 3, 2, 3, 1);
		sta_string(&s, 3, 3, 4, "name");
		sta_run(&s, seed / 4 * 10 * SIM_MS);
		sta_down(&s);
	}
}

static void done(struct gw_admin_op *op)
{
	*(bool *)op->owner = true;
}

static struct instant in_five_seconds(const struct sta *s)
{
	return (struct instant){ (int64_t)(s->stack.host->world->now_ns + 5 * SIM_S) };
}

/* A client that comes while the volume goes away hears nothing, and holds nothing up. */
static void the_volume_goes(void **state)
{
	bool volume = false, front = false;
	struct gw_admin_op op = { .done = done, .owner = &volume };
	struct gw_admin_op other = { .done = done, .owner = &front };
	struct sta s;

	sta_up(&s, 10, &usual);
	sta_expect(&s, 0, 1, 0, 0);
	gw_volume_remove(s.stack.daemon.gw, "disk", in_five_seconds(&s), &op);
	sta_run(&s, 100 * SIM_MS);
	for (unsigned i = 0; i < 200; i++) {
		sta_ata(&s, 1, 0, 100 + i, STA_READ, 0, 1, 0);
		sta_run(&s, SIM_MS);
	}
	assert_int_equal(sta_counter(&s, "aoe_dropped"), 200);
	gw_front_remove(s.stack.daemon.gw, "aoe", in_five_seconds(&s), &other);
	sta_run(&s, SIM_S);
	assert_true(front && volume);
	sta_down(&s);
}

HARNESS_MAIN(cmocka_unit_test(more_frames_than_slots), cmocka_unit_test(the_silent_one_makes_room),
	     cmocka_unit_test(lent_slots), cmocka_unit_test(a_crowd),
	     cmocka_unit_test(few_requests), cmocka_unit_test(a_place_is_taken),
	     cmocka_unit_test(half_a_trim), cmocka_unit_test(shut_out_while_it_waits),
	     cmocka_unit_test(reserved_after_older_writes), cmocka_unit_test(many_hearers),
	     cmocka_unit_test(another_mtu), cmocka_unit_test(stopped_at_once),
	     cmocka_unit_test(by_force), cmocka_unit_test(the_volume_goes))
