/* SPDX-License-Identifier: BSD-3-Clause
 *
 * req_test.c - the life of a request: every way in, every way out, once.  Admission,
 * abort, orphans and deadlines in each state, the pool of requests and who waits for
 * it, and overlapping writes in order of arrival.
 */
#include "config.h"

#include <string.h>

#include "tests/unit/gateway/core/core_rig.h"

#define SIZE 65536u
#define ON_LOOPS 2

static struct rig rig;
static struct fake_store *fake;

static int begin(void **state)
{
	(void)state;
	fake_store_forget_all();
	rig_begin(&rig, ON_LOOPS, 1, NULL);
	fake = fake_store_new("v", SIZE);
	fake->info.align_bytes = 512;
	rig_up(&rig, "v", 512);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_unhold(&rig, fake);
	fake->when = FAKE_INSIDE;
	rig_assert_idle(&rig);
	rig_down(&rig, "v");
	assert_string_equal(fake_store_breach(fake), "");
	fake_store_free(&fake);
	rig_end(&rig);
	return 0;
}

static enum gw_status submit(struct call *call)
{
	rig_submit(call);
	assert_int_equal(call->ended, 0); /* never from inside */
	return rig_result(&rig, call);
}

/* ---- admission ---------------------------------------------------------- */

static enum gw_status plain(enum gw_op op, uint64_t offset, uint64_t length, uint32_t memory)
{
	struct call call = { 0 };
	struct gw_req *req = rig_take(&rig, 0, &call, op, offset, length);
	uint64_t before = fake->submitted;
	enum gw_status status;

	if (memory)
		assert_int_equal(gw_mem_take(rig_credit(&rig, 0), memory, 0, &req->data), memory);
	status = submit(&call);
	if (status != GW_OK)
		assert_int_equal(fake->submitted, before); /* the store never saw it */
	return status;
}

static void refused(void **state)
{
	(void)state;
	assert_int_equal(plain(GW_WRITE, SIZE, 512, 512), GW_OUT_OF_RANGE);
	assert_int_equal(plain(GW_READ, SIZE - 512, 1024, 1024), GW_OUT_OF_RANGE);
	assert_int_equal(plain(GW_ZERO, 512, UINT64_MAX - 511, 0), GW_OUT_OF_RANGE);
	assert_int_equal(plain(GW_UNMAP, UINT64_MAX - 511, 512, 0), GW_OUT_OF_RANGE);
	assert_int_equal(plain(GW_READ, 0, 1024, 512), GW_INVALID);
	assert_int_equal(plain(GW_WRITE, 0, 512, 0), GW_INVALID);
	assert_int_equal(plain(GW_COMPARE, 0, 512, 1024), GW_INVALID);
	assert_int_equal(plain(GW_MODIFY, 0, 512, 0), GW_INVALID);
	assert_int_equal(plain(GW_OP_COUNT, 0, 512, 0), GW_INVALID);
	assert_int_equal(plain((enum gw_op)77, 0, 512, 0), GW_INVALID);
	assert_int_equal(plain(GW_RAW_CDB, 0, 0, 0), GW_UNSUPPORTED);
	assert_int_equal(plain(GW_FLUSH, 0, 0, 0), GW_OK);
	assert_int_equal(plain(GW_READ, SIZE, 0, 0), GW_OK);
	assert_int_equal(plain(GW_WRITE, SIZE - 512, 512, 512), GW_OK);
	assert_int_equal(rig.volume->lane[0].counts.errors, 11);
	assert_int_equal(rig.volume->lane[0].counts.writes, 1);
	assert_int_equal(rig.volume->lane[0].counts.written_bytes, 512);
}

static enum gw_status no_change(struct gw_req *req, struct gw_mem *old, uint64_t *info)
{
	(void)req;
	(void)old;
	(void)info;
	return GW_OK;
}

static void too_long_a_modify(void **state)
{
	struct fake_store *big;
	struct call call = { 0 };
	struct gw_req *req;

	(void)state;
	rig_down(&rig, "v");
	big = fake_store_new("big", 4u << 20);
	rig_up(&rig, "big", 512);
	req = rig_take(&rig, 0, &call, GW_MODIFY, 0, (1u << 20) + 512);
	req->modify = no_change;
	assert_int_equal(submit(&call), GW_INVALID);
	req = rig_take(&rig, 0, &call, GW_MODIFY, 0, 1u << 20);
	req->modify = no_change;
	assert_int_equal(submit(&call), GW_OK);
	rig_down(&rig, "big");
	fake_store_free(&big);
	rig_up(&rig, "v", 512);
}

static void write_protected(void **state)
{
	struct call call = { 0 };

	(void)state;
	rig_down(&rig, "v");
	assert_int_equal(rig_add(&rig, "v", 512, false, true, NULL), 0);
	rig_join(&rig, "v");
	assert_true(gw_itl_facts(rig.itl[1])->read_only);
	rig_write(&rig, 1, &call, 0, 512, 1);
	assert_int_equal(rig_result(&rig, &call), GW_READ_ONLY);
	assert_int_equal(plain(GW_ZERO, 0, 512, 0), GW_READ_ONLY);
	assert_int_equal(plain(GW_COPY, 0, 512, 0), GW_READ_ONLY);
	assert_int_equal(plain(GW_READ, 0, 512, 512), GW_OK);
	assert_int_equal(fake->count[GW_WRITE], 0);
}

/* A nexus of its own that may only read. */
static void may_only_read(void **state)
{
	struct gw_itl_ops mine = *rig.itl[0]->ops;
	struct gw_itl *usual = rig.itl[0];
	struct call call = { 0 };

	(void)state;
	rig.itl[0] = gw_itl_open(rig.nexus[0], rig.volume, true, &mine, &rig);
	rig_settle(&rig);
	rig_write(&rig, 0, &call, 0, 512, 1);
	assert_int_equal(rig_result(&rig, &call), GW_READ_ONLY);
	assert_int_equal(plain(GW_READ, 0, 512, 512), GW_OK);
	gw_itl_close(&rig.itl[0]);
	rig.itl[0] = usual;
	rig_write(&rig, 0, &call, 0, 512, 1);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
}

/* MODIFY of nothing needs no fence, least of all one on everything. */
static void nothing_to_modify(void **state)
{
	struct call held = { 0 }, call = { 0 };

	(void)state;
	fake->when = FAKE_HELD;
	rig_write(&rig, 1, &held, 4096, 512, 1);
	rig_settle(&rig);
	rig_take(&rig, 0, &call, GW_MODIFY, 0, 0)->modify = no_change;
	assert_int_equal(submit(&call), GW_OK);
	assert_int_equal(rig.volume->lane[0].counts.fences, 0);
	rig_unhold(&rig, fake);
	assert_int_equal(held.status, GW_OK);
}

static void comes_again(struct call *call)
{
	unsigned *left = call->arg;

	if (!*left || !--*left)
		return;
	gw_req_put(&call->req);
	rig_take(&rig, 0, call, GW_WRITE, SIZE, 512);
	rig_submit(call);
}

/* A client that asks again from inside done() does not keep the loop. */
static void asks_again_at_once(void **state)
{
	unsigned left = 1000;
	struct call call = { .keep = true, .then = comes_again, .arg = &left };

	(void)state;
	rig_take(&rig, 0, &call, GW_WRITE, SIZE, 512);
	rig_submit(&call);
	drv_hand_at(0);
	loop_turn(rig_loop(&rig, 0), (struct instant){ 0 });
	assert_true(left > 900);
	rig_settle(&rig);
	assert_int_equal(left, 0);
	rig_put(&call);
}

/* ---- one in each state -------------------------------------------------- */

enum where { TAKEN, HELD_BY_GUARD, WANTS_FENCE, AT_STORE, WANTS_MEMORY, ENDING, PLACES };

static struct call blocker;
static struct gw_mem hog[8];
static unsigned hogs;

/* No bounce memory is left on loop 0. */
static void take_all_bounce(void)
{
	struct gw_credit *bounce = &rig.gw->per[0]->bounce;

	for (hogs = 0; hogs < 8; hogs++) {
		memset(&hog[hogs], 0, sizeof(hog[hogs]));
		if (!gw_mem_take(bounce, 4u << 20, 4096, &hog[hogs]))
			break;
	}
}

static void give_all_bounce(void)
{
	drv_hand_at(0);
	while (hogs)
		gw_mem_put(&hog[--hogs]);
}

/* Brings a request of 512 bytes at 4096 on loop 0 to that place. */
static void bring(struct call *call, enum where where)
{
	struct gw_req *req;

	fake->when = FAKE_HELD;
	if (where == HELD_BY_GUARD || where == WANTS_FENCE) {
		/* an old write of the other loop, shadowed */
		rig_write(&rig, 1, &blocker, 4096, 512, 9);
		if (where == HELD_BY_GUARD)
			rig_pass(&rig, 2100);
		else
			rig_settle(&rig);
	}
	if (where == WANTS_FENCE || where == WANTS_MEMORY) {
		if (where == WANTS_MEMORY)
			take_all_bounce();
		req = rig_take(&rig, 0, call, GW_MODIFY, 4096, 512);
		req->modify = no_change;
		rig_submit(call);
	} else if (where == TAKEN) {
		rig_take(&rig, 0, call, GW_WRITE, 4096, 512);
	} else if (where == ENDING) {
		rig_take(&rig, 0, call, GW_WRITE, SIZE, 512);
		rig_submit(call);
	} else {
		rig_write(&rig, 0, call, 4096, 512, 5);
	}
	if (where != ENDING)
		rig_settle(&rig);
	assert_int_equal(call->ended, 0);
}

static void let_go(void)
{
	give_all_bounce();
	rig_unhold(&rig, fake);
	rig_settle(&rig);
	rig_assert_idle(&rig);
	fake->when = FAKE_INSIDE;
	assert_int_equal(plain(GW_READ, 0, SIZE, SIZE), GW_OK); /* all goes on */
}

static bool waits(enum where where)
{
	return where == HELD_BY_GUARD || where == WANTS_FENCE;
}

/* An abort of one that waits is answered with the turn, whatever holds it; of one
 * at its store when that has ended. */
static void aborted(void **state)
{
	(void)state;
	for (enum where where = HELD_BY_GUARD; where < PLACES; where++) {
		struct call call = { 0 };

		blocker = (struct call){ 0 };
		bring(&call, where);
		rig_abort(&call);
		assert_int_equal(call.ended, 0); /* never from inside */
		if (call.req)
			rig_abort(&call); /* twice: no matter */
		rig_settle(&rig);
		assert_int_equal(call.ended, waits(where) || where == ENDING);
		let_go();
		assert_int_equal(call.ended, 1);
		assert_int_equal(call.status, where == ENDING ? GW_OUT_OF_RANGE : GW_ABORTED);
	}
}

static void aborted_after_an_error(void **state)
{
	struct call call = { 0 };

	(void)state;
	bring(&call, AT_STORE);
	rig_abort(&call);
	rig_unhold_one(&rig, fake, TAILQ_FIRST(&fake->held), GW_MEDIUM_ERROR);
	assert_int_equal(rig_result(&rig, &call), GW_MEDIUM_ERROR);
}

static void orphaned(void **state)
{
	(void)state;
	for (enum where where = TAKEN; where < PLACES; where++) {
		struct call call = { 0 };

		blocker = (struct call){ 0 };
		bring(&call, where);
		rig_orphan(&call);
		assert_null(call.req);
		rig_settle(&rig);
		if (where != AT_STORE && where != WANTS_MEMORY && where != WANTS_FENCE)
			assert_int_equal(rig.gw->per[0]->in_use, 0);
		let_go();
		assert_int_equal(call.ended, 0); /* delivers nothing */
	}
}

/* The owner's connection goes with everything that it asked for. */
static void nexus_leaves(void **state)
{
	(void)state;
	for (enum where where = HELD_BY_GUARD; where < PLACES; where++) {
		const struct gw_itl_ops *ops = rig.itl[0]->ops;
		struct call call = { 0 };

		blocker = (struct call){ 0 };
		bring(&call, where);
		drv_hand_at(0);
		gw_itl_close(&rig.itl[0]);
		assert_null(rig.itl[0]);
		rig_settle(&rig);
		rig.itl[0] = gw_itl_open(rig.nexus[0], rig.volume, false, ops, &rig);
		rig_settle(&rig);
		let_go();
		assert_int_equal(call.ended, 0);
	}
}

static void past_its_deadline(void **state)
{
	(void)state;
	for (enum where where = HELD_BY_GUARD; where < ENDING; where++) {
		for (unsigned keep = 0; keep < 2; keep++) {
			struct call call = { .keep = keep };

			blocker = (struct call){ 0 };
			bring(&call, where);
			call.req->deadline = (struct instant){ drv_hand_now() + 500000000 };
			rig_pass(&rig, 400);
			assert_int_equal(call.ended, 0);
			rig_pass(&rig, 1800);
			assert_int_equal(call.ended, 1);
			assert_int_equal(call.status, GW_TIMEOUT);
			if (keep)
				rig_put(&call);
			let_go();
			assert_int_equal(call.ended, 1);
		}
	}
}

/* Told of its end and kept by its owner until the store has ended, too. */
static void put_after_the_store_ended(void **state)
{
	struct call call = { .keep = true };

	(void)state;
	bring(&call, AT_STORE);
	call.req->deadline = (struct instant){ drv_hand_now() + 1 };
	rig_pass(&rig, 1100);
	assert_int_equal(call.status, GW_TIMEOUT);
	rig_unhold(&rig, fake);
	rig_settle(&rig);
	assert_int_equal(rig.gw->per[0]->in_use, 1);
	rig_put(&call);
	let_go();
	assert_int_equal(call.ended, 1);
}

/* After its deadline the range stays closed to newer writes until it ended. */
static void too_late_and_still_fenced(void **state)
{
	struct call call = { 0 }, newer = { 0 };

	(void)state;
	bring(&call, AT_STORE);
	call.req->deadline = (struct instant){ drv_hand_now() + 1 };
	rig_pass(&rig, 1100);
	assert_int_equal(call.ended, 1);
	rig_write(&rig, 1, &newer, 4096, 512, 6);
	rig_settle(&rig);
	assert_int_equal(fake->n_held, 1);
	rig_unhold(&rig, fake);
	assert_int_equal(newer.status, GW_OK);
	assert_int_equal(fake->bytes[4096], 6);
}

/* ---- the pool of requests ----------------------------------------------- */

struct want {
	struct gw_req_waiter waiter;
	unsigned woken, order;
};

static unsigned wakes;

static void woken(struct gw_req_waiter *waiter)
{
	struct want *want = (struct want *)waiter;

	assert_false(waiter->waiting);
	want->woken++;
	want->order = ++wakes;
}

static void pool_of_requests(void **state)
{
	struct gw_limits limits = { .requests = 5 }; /* one is for other volumes */
	struct rig small;
	struct call call[4] = { { 0 } };
	struct want want[3] = { { .waiter.wake = woken },
				{ .waiter.wake = woken },
				{ .waiter.wake = woken } };

	(void)state;
	wakes = 0;
	rig_down(&rig, "v");
	rig_end(&rig);
	rig_begin(&small, 1, 1, &limits);
	rig_up(&small, "v", 512);
	for (unsigned i = 0; i < 4; i++)
		rig_take(&small, 0, &call[i], GW_FLUSH, 0, 0);
	drv_hand_at(0);
	assert_null(gw_req_take(small.itl[0]));
	for (unsigned i = 0; i < 3; i++)
		gw_req_wait(small.itl[0], &want[i].waiter);
	gw_req_unwait(small.itl[0], &want[0].waiter);
	gw_req_unwait(small.itl[0], &want[0].waiter);
	rig_put(&call[0]);
	assert_true(want[0].woken == 0 && want[1].woken == 1 && want[2].woken == 1);
	assert_true(want[1].order < want[2].order);
	for (unsigned i = 1; i < 4; i++)
		rig_submit(&call[i]);
	rig_settle(&small);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(call[i].ended, 1);
	rig_assert_idle(&small);
	rig_down(&small, "v");
	rig_end(&small);
	drv_hand_at(0);
	rig_begin(&rig, ON_LOOPS, 1, NULL);
	rig_up(&rig, "v", 512);
}

/* ---- in order of arrival ------------------------------------------------ */

static void submit_in_order(struct call *call, uint64_t offset, uint64_t length, uint8_t fill)
{
	struct gw_req *req = rig_take(&rig, 0, call, GW_WRITE, offset, length);

	rig_memory(&rig, req);
	memset(req->data.iov[0].iov_base, fill, length);
	req->flags = GW_IN_ORDER;
	rig_submit(call);
}

static void overlapping_writes(void **state)
{
	struct call a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };

	(void)state;
	fake->when = FAKE_HELD;
	submit_in_order(&a, 0, 4096, 1);
	submit_in_order(&b, 512, 512, 2);
	submit_in_order(&c, 4096, 512, 3); /* touches nobody: runs */
	submit_in_order(&d, 512, 4096, 4);
	rig_settle(&rig);
	assert_int_equal(fake->n_held, 2);
	rig_unhold_one(&rig, fake, fake_store_find(fake, GW_WRITE, 4096, 1), GW_OK);
	rig_settle(&rig);
	assert_int_equal(fake->n_held, 1);
	rig_unhold_one(&rig, fake, TAILQ_FIRST(&fake->held), GW_OK);
	rig_settle(&rig);
	assert_int_equal(fake->n_held, 1); /* b; d waits for it */
	assert_int_equal(TAILQ_FIRST(&fake->held)->io->length, 512);
	rig_unhold(&rig, fake);
	assert_true(a.when < b.when && b.when < d.when && d.ended == 1);
	assert_int_equal(fake->bytes[512], 4);
}

/* Who waits only for one that is aborted goes on at once. */
static void behind_an_aborted_one(void **state)
{
	struct call held = { 0 }, a = { 0 }, b = { 0 };

	(void)state;
	blocker = (struct call){ 0 };
	bring(&held, HELD_BY_GUARD); /* 4096 .. 4608 */
	submit_in_order(&a, 4096, 8192, 1);
	submit_in_order(&b, 8192, 512, 2); /* overlaps a alone */
	rig_settle(&rig);
	assert_null(fake_store_find(fake, GW_WRITE, 8192, 512));
	rig_abort(&a);
	rig_settle(&rig);
	assert_non_null(fake_store_find(fake, GW_WRITE, 8192, 512));
	rig_unhold(&rig, fake);
	assert_true(held.ended == 1 && a.status == GW_ABORTED && b.status == GW_OK);
}

HARNESS_MAIN(cmocka_unit_test_setup_teardown(refused, begin, end),
	     cmocka_unit_test_setup_teardown(too_long_a_modify, begin, end),
	     cmocka_unit_test_setup_teardown(write_protected, begin, end),
	     cmocka_unit_test_setup_teardown(may_only_read, begin, end),
	     cmocka_unit_test_setup_teardown(nothing_to_modify, begin, end),
	     cmocka_unit_test_setup_teardown(asks_again_at_once, begin, end),
	     cmocka_unit_test_setup_teardown(aborted, begin, end),
	     cmocka_unit_test_setup_teardown(aborted_after_an_error, begin, end),
	     cmocka_unit_test_setup_teardown(orphaned, begin, end),
	     cmocka_unit_test_setup_teardown(nexus_leaves, begin, end),
	     cmocka_unit_test_setup_teardown(past_its_deadline, begin, end),
	     cmocka_unit_test_setup_teardown(put_after_the_store_ended, begin, end),
	     cmocka_unit_test_setup_teardown(too_late_and_still_fenced, begin, end),
	     cmocka_unit_test_setup_teardown(pool_of_requests, begin, end),
	     cmocka_unit_test_setup_teardown(overlapping_writes, begin, end),
	     cmocka_unit_test_setup_teardown(behind_an_aborted_one, begin, end))
