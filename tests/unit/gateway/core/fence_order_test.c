/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fence_order_test.c - the one barrier between loops, with 1, 2 and 4 of them: who
 * changes bytes has his range alone, contenders follow each other and let plain
 * writers have their turn, no old write lands after a newer one, and a fence that
 * is not held in time takes the volume offline.
 */
#include "config.h"

#include <string.h>

#include "tests/unit/gateway/core/core_rig.h"

#define SIZE 65536u
#define CONTENDERS 32

static struct rig rig;
static struct fake_store *fake;

static void begin_n(unsigned n, uint64_t seed, uint32_t align)
{
	fake_store_forget_all();
	rig_begin(&rig, n, seed, NULL);
	fake = fake_store_new("v", SIZE);
	fake->info.align_bytes = align;
	rig_up(&rig, "v", 512);
	drv_hand_delay(1000000);
}

static void end_n(void)
{
	rig_unhold(&rig, fake);
	fake->when = FAKE_INSIDE;
	fake->decide = NULL;
	rig_assert_idle(&rig);
	rig_down(&rig, "v");
	assert_string_equal(fake_store_breach(fake), "");
	fake_store_free(&fake);
	rig_end(&rig);
}

#define FOR_LOOPS(n) for (unsigned n = 1; n <= 4; n *= 2)

/* ---- contenders --------------------------------------------------------- */

struct contender {
	struct call call;
	uint64_t expect, want;
	unsigned left; /* how often it comes again */
	unsigned loop;
};

static struct contender contender[CONTENDERS];
static uint64_t generation;
static unsigned swaps;

static enum gw_status swap(struct gw_req *req, struct gw_mem *old, uint64_t *info)
{
	struct contender *c = req->owner;
	uint64_t is;

	gw_mem_copy_out(old, 0, &is, 8);
	if (is != c->expect) {
		*info = 0;
		return GW_MISCOMPARE;
	}
	swaps++;
	gw_mem_copy_in(old, 0, &c->want, 8);
	return GW_OK;
}

static void contend(struct contender *c, uint64_t offset, gw_modify_fn *modify)
{
	struct gw_req *req = rig_take(&rig, c->loop, &c->call, GW_MODIFY, offset, 512);

	req->modify = modify;
	rig_submit(&c->call);
}

static void exactly_one_wins(void **state)
{
	(void)state;
	FOR_LOOPS(n)
	{
		begin_n(n, n, 4096);
		fake->when = FAKE_LATER;
		generation = swaps = 0;
		for (unsigned round = 0; round < 50; round++) {
			unsigned won = 0;

			for (unsigned i = 0; i < CONTENDERS; i++) {
				contender[i] = (struct contender){
					.loop = i % n,
					.expect = generation,
					.want = ((uint64_t)round + 1) << 32 | i,
				};
				contend(&contender[i], 1024, swap);
			}
			rig_settle(&rig);
			for (unsigned i = 0; i < CONTENDERS; i++) {
				assert_int_equal(contender[i].call.ended, 1);
				if (contender[i].call.status == GW_OK) {
					won++;
					generation = contender[i].want;
				} else {
					assert_int_equal(contender[i].call.status, GW_MISCOMPARE);
				}
			}
			assert_int_equal(won, 1);
			assert_memory_equal(fake->bytes + 1024, &generation, 8);
		}
		assert_int_equal(swaps, 50);
		end_n();
	}
}

/* Until the last has had its turn the barrier stands, on every loop. */
static void handed_on_without_lifting(void **state)
{
	(void)state;
	FOR_LOOPS(n)
	{
		bool begun = false;
		unsigned left = CONTENDERS;

		begin_n(n, n, 4096);
		fake->when = FAKE_LATER;
		for (unsigned i = 0; i < CONTENDERS; i++) {
			contender[i] = (struct contender){ .loop = i % n };
			contend(&contender[i], 0, swap);
		}
		while (left) {
			left = 0;
			for (unsigned i = 0; i < CONTENDERS; i++)
				left += !contender[i].call.ended;
			begun |= left < CONTENDERS;
			for (unsigned l = 0; l < n && begun && left; l++)
				assert_true(rig.volume->lane[l].n_guards > 0);
			if (!rig_step(&rig))
				rig_pass(&rig, 1);
		}
		end_n();
	}
}

static enum gw_status add_one(struct gw_req *req, struct gw_mem *old, uint64_t *info)
{
	uint64_t is;

	(void)req;
	(void)info;
	gw_mem_copy_out(old, 0, &is, 8);
	is++;
	gw_mem_copy_in(old, 0, &is, 8);
	swaps++;
	return GW_OK;
}

static void again(struct call *call)
{
	struct contender *c = (struct contender *)call;

	assert_int_equal(call->status, GW_OK);
	gw_req_put(&call->req);
	if (c->left--)
		contend(c, 0, add_one);
}

/* All come again and again, and still a plain write beside them gets through. */
static void plain_writers_get_their_turn(void **state)
{
	(void)state;
	FOR_LOOPS(n)
	{
		struct call plain[4] = { { 0 } };
		uint64_t count;

		begin_n(n, n, 1);
		fake->when = FAKE_LATER;
		swaps = 0;
		for (unsigned i = 0; i < CONTENDERS; i++) {
			contender[i] = (struct contender){ .loop = i % n, .left = 20 };
			contender[i].call.then = again;
			contender[i].call.keep = true;
			contend(&contender[i], 0, add_one);
		}
		for (unsigned i = 0; i < 100; i++)
			rig_step(&rig);
		for (unsigned l = 0; l < n; l++)
			rig_write(&rig, l, &plain[l], 256, 256, 7);
		for (unsigned before = swaps; swaps < before + 3 * CONTENDERS;)
			if (!rig_step(&rig))
				rig_pass(&rig, 1);
		for (unsigned l = 0; l < n; l++)
			assert_int_equal(plain[l].ended, 1);
		rig_settle(&rig);
		memcpy(&count, fake->bytes, 8);
		assert_int_equal(count, swaps);
		assert_int_equal(swaps, 21 * CONTENDERS);
		end_n();
	}
}

/* Two clients write beside each other into one block of the store. */
static void neighbours_in_one_block(void **state)
{
	(void)state;
	FOR_LOOPS(n)
	{
		begin_n(n, n, 4096);
		fake->when = FAKE_MIXED;
		for (unsigned round = 1; round <= 50; round++) {
			struct call call[8] = { { 0 } };

			for (unsigned i = 0; i < 8; i++)
				rig_write(&rig, i % n, &call[i], 512 * i, 512,
					  (uint8_t)(round + i));
			rig_settle(&rig);
			for (unsigned i = 0; i < 8; i++) {
				assert_int_equal(call[i].status, GW_OK);
				assert_int_equal(fake->bytes[512 * i], (uint8_t)(round + i));
				assert_int_equal(fake->bytes[512 * i + 511], (uint8_t)(round + i));
			}
		}
		end_n();
	}
}

/* A client's plain write waits for a fence; the client's next one, which needs a
 * fence of its own, must not be handed the barrier before it. */
static void in_order_across_a_hand_on(void **state)
{
	struct call a = { 0 }, b = { 0 }, c = { 0 };
	struct call *all[] = { &a, &b, &c };

	(void)state;
	FOR_LOOPS(n)
	{
		begin_n(n, n, 4096);
		fake->when = FAKE_HELD;
		a = b = c = (struct call){ 0 };
		for (unsigned i = 0; i < 3; i++) {
			struct gw_req *req =
				rig_take(&rig, 0, all[i], GW_WRITE, 0, i == 1 ? 4096 : 512);

			rig_memory(&rig, req);
			memset(req->data.iov[0].iov_base, (int)i + 1, req->length);
			req->flags = GW_IN_ORDER;
			rig_submit(all[i]);
			rig_settle(&rig);
		}
		rig_unhold(&rig, fake);
		assert_true(a.ended == 1 && b.ended == 1 && c.ended == 1);
		assert_true(a.when < b.when && b.when < c.when);
		assert_int_equal(fake->bytes[0], 3);
		assert_int_equal(fake->bytes[512], 2);
		end_n();
	}
}

/* ---- old writes --------------------------------------------------------- */

static void read_passes(unsigned loop)
{
	struct call call = { 0 };
	struct gw_req *req = rig_take(&rig, loop, &call, GW_READ, 0, 8192);
	unsigned held = fake->n_held;

	rig_memory(&rig, req);
	rig_submit(&call);
	rig_settle(&rig);
	assert_int_equal(fake->n_held, held + 1);
	rig_unhold_one(&rig, fake, fake_store_find(fake, GW_READ, 0, 8192), GW_OK);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
}

/* The old write of loop a is at the store: nothing of loop b overtakes it. */
static void nothing_overtakes(unsigned b)
{
	struct call newer = { 0 }, beside = { 0 }, zero = { 0 };
	unsigned held = fake->n_held;

	rig_write(&rig, b, &newer, 4608, 1024, 2);
	rig_take(&rig, b, &zero, GW_ZERO, 8192, 512);
	rig_submit(&zero);
	rig_settle(&rig);
	assert_int_equal(fake->n_held, held + (zero.req != NULL));
	read_passes(b);
	rig_write(&rig, b, &beside, 16384, 512, 3);
	rig_settle(&rig);
	rig_unhold_one(&rig, fake, fake_store_find(fake, GW_WRITE, 16384, 512), GW_OK);
	assert_int_equal(rig_result(&rig, &beside), GW_OK);
	assert_int_equal(newer.ended, 0);
	rig_unhold_one(&rig, fake, fake_store_find(fake, GW_WRITE, 4096, 1024), GW_OK);
	rig_settle(&rig);
	assert_non_null(fake_store_find(fake, GW_WRITE, 4608, 1024));
	rig_unhold(&rig, fake);
	assert_int_equal(newer.status, GW_OK);
	assert_int_equal(zero.status, GW_OK);
	assert_int_equal(fake->bytes[4608], 2);
	assert_int_equal(fake->bytes[4096], 1);
}

static void each_pair(void (*make_old)(unsigned a, struct call *old))
{
	FOR_LOOPS(n)
	for (unsigned a = 0; a < n; a++)
		for (unsigned b = 0; b < n; b++) {
			struct call old = { 0 };

			begin_n(n, a * 4 + b + 1, 512);
			fake->when = FAKE_HELD;
			rig_write(&rig, a, &old, 4096, 1024, 1);
			rig_settle(&rig);
			assert_int_equal(fake->n_held, 1);
			make_old(a, &old);
			nothing_overtakes(b);
			end_n();
		}
}

static void orphan_it(unsigned a, struct call *old)
{
	(void)a;
	rig_orphan(old);
	rig_settle(&rig);
}

static void behind_an_orphan(void **state)
{
	(void)state;
	each_pair(orphan_it);
}

static void let_it_get_old(unsigned a, struct call *old)
{
	(void)a;
	(void)old;
	rig_pass(&rig, 2100);
}

static void behind_an_old_one(void **state)
{
	(void)state;
	each_pair(let_it_get_old);
}

static void client_vanishes(unsigned a, struct call *old)
{
	const struct gw_itl_ops *ops = rig.itl[a]->ops;

	(void)old;
	drv_hand_at(a);
	gw_itl_close(&rig.itl[a]);
	rig.itl[a] = gw_itl_open(rig.nexus[a], rig.volume, false, ops, &rig);
	drv_hand_at(0);
	rig_settle(&rig);
}

static void behind_a_lost_connection(void **state)
{
	(void)state;
	each_pair(client_vanishes);
}

/* ---- who joins ---------------------------------------------------------- */

/* A new nexus on loop b; before it may submit, what others have at the store is
 * fenced, and for it alone would not be: it is young. */
static void join_is_a_barrier(void **state)
{
	(void)state;
	FOR_LOOPS(n)
	for (unsigned a = 0; a < n; a++)
		for (unsigned b = 0; b < n; b++) {
			struct call old = { 0 };
			struct gw_itl *usual;

			begin_n(n, a * 4 + b + 1, 512);
			fake->when = FAKE_HELD;
			rig_write(&rig, a, &old, 4096, 1024, 1);
			usual = rig.itl[b];
			drv_hand_at(b);
			rig.itl[b] = gw_itl_open(rig.nexus[b], rig.volume, false, usual->ops, &rig);
			drv_hand_at(0);
			rig.readied = 0;
			while (!rig.readied)
				if (!rig_step(&rig))
					drv_hand_set_now(drv_hand_now() + 1000);
			nothing_overtakes(b);
			drv_hand_at(b);
			gw_itl_close(&rig.itl[b]);
			drv_hand_at(0);
			rig.itl[b] = usual;
			end_n();
		}
}

/* An old nexus's client has come back by another on loop b.  What the old one has
 * asked for and what still waits, behind the stalled write, is old too. */
static void begin_waiting(unsigned a, struct call waits[2], uint64_t offset, uint64_t length,
			  uint32_t flags)
{
	for (unsigned i = 0; i < 2; i++) {
		struct gw_req *req = rig_take(&rig, a, &waits[i], GW_WRITE, offset, length);

		rig_memory(&rig, req);
		memset(req->data.iov[0].iov_base, 2 + (int)i, length);
		req->flags = flags;
		rig_submit(&waits[i]);
		rig_settle(&rig);
	}
}

static struct gw_itl *join_beside(unsigned b)
{
	struct gw_itl *usual = rig.itl[b];

	drv_hand_at(b);
	rig.itl[b] = gw_itl_open(rig.nexus[b], rig.volume, false, usual->ops, &rig);
	drv_hand_at(0);
	rig.readied = 0;
	while (!rig.readied)
		if (!rig_step(&rig))
			drv_hand_set_now(drv_hand_now() + 1000);
	return usual;
}

static void leave_beside(unsigned b, struct gw_itl *usual)
{
	drv_hand_at(b);
	gw_itl_close(&rig.itl[b]);
	drv_hand_at(0);
	rig.itl[b] = usual;
}

/* one request at the store after the other, the newer nexus's the last */
static void old_ones_first(unsigned b, struct call waits[2])
{
	struct call newer = { 0 };
	struct gw_itl *usual = join_beside(b);

	rig_write(&rig, b, &newer, 4096, 512, 9);
	rig_settle(&rig);
	assert_int_equal(newer.ended, 0);
	while (!waits[0].ended || !waits[1].ended) {
		assert_true(fake->n_held > 0);
		assert_int_equal(newer.ended, 0);
		rig_unhold_one(&rig, fake, TAILQ_FIRST(&fake->held), GW_OK);
		rig_settle(&rig);
	}
	rig_unhold(&rig, fake);
	assert_true(newer.ended == 1 && newer.status == GW_OK);
	assert_true(newer.when > waits[0].when && newer.when > waits[1].when);
	assert_int_equal(fake->bytes[4096], 9);
	leave_beside(b, usual);
}

static void the_waiting_are_old_too(uint64_t offset, uint64_t length, uint32_t flags)
{
	FOR_LOOPS(n)
	for (unsigned a = 0; a < n; a++)
		for (unsigned b = 0; b < n; b++) {
			struct call stalled = { 0 }, waits[2] = { { 0 } };

			begin_n(n, a * 4 + b + 1, 4096);
			fake->when = FAKE_HELD;
			rig_write(&rig, a, &stalled, 4096, 4096, 1);
			rig_pass(&rig, 2100);
			begin_waiting(a, waits, offset, length, flags);
			assert_int_equal(fake->n_held, 1);
			old_ones_first(b, waits);
			assert_int_equal(stalled.status, GW_OK);
			end_n();
		}
}

static void whole_ones_that_wait(void **state)
{
	(void)state;
	the_waiting_are_old_too(4096, 4096, 0);
}

static void those_in_order_that_wait(void **state)
{
	(void)state;
	the_waiting_are_old_too(4096, 4096, GW_IN_ORDER);
}

static void parts_that_wait(void **state)
{
	(void)state;
	the_waiting_are_old_too(4096, 512, 0);
}

static void parts_in_order_that_wait(void **state)
{
	(void)state;
	the_waiting_are_old_too(4096, 512, GW_IN_ORDER);
}

/* ---- fences by hand ----------------------------------------------------- */

struct fence {
	struct gw_fence_req req;
	unsigned told;
	enum gw_status status;
	unsigned loop;
};

static void held(struct gw_fence_req *req, enum gw_status status)
{
	struct fence *f = (struct fence *)req;

	f->told++;
	f->status = status;
}

static void take(struct fence *f, unsigned loop, uint64_t offset, uint64_t length, unsigned flags)
{
	*f = (struct fence){ .loop = loop,
			     .req = { .held = held,
				      .offset = offset,
				      .length = length,
				      .flags = flags,
				      .deadline = f->req.deadline } };
	drv_hand_at(loop);
	gw_fence_take(rig.volume, rig_loop(&rig, loop), &f->req);
	drv_hand_at(0);
	assert_int_equal(f->told, 0); /* never from inside */
}

static void release(struct fence *f)
{
	drv_hand_at(f->loop);
	gw_fence_release(&f->req);
	drv_hand_at(0);
}

static void drains_and_holds(void **state)
{
	(void)state;
	FOR_LOOPS(n)
	{
		struct call w[4] = { { 0 } }, r[4] = { { 0 } }, after[4] = { { 0 } };
		struct fence f = { 0 }, g = { 0 }, apart = { 0 };

		begin_n(n, n, 1);
		fake->when = FAKE_HELD;
		for (unsigned i = 0; i < n; i++)
			rig_write(&rig, i, &w[i], 512 * i, 512, 1);
		rig_settle(&rig);
		take(&f, n - 1, 0, 512 * n, GW_FENCE_READS);
		rig_settle(&rig);
		take(&g, 0, 0, GW_FENCE_ALL, GW_FENCE_WRITES);
		take(&apart, n / 2, 32768, 512, GW_FENCE_WRITES);
		rig_settle(&rig);
		assert_int_equal(f.told + g.told + apart.told, 0);
		for (unsigned i = 0; i < n; i++) {
			rig_memory(&rig, rig_take(&rig, i, &r[i], GW_READ, 0, 512));
			rig_submit(&r[i]);
			rig_write(&rig, i, &after[i], 512 * i, 512, 2);
		}
		rig_settle(&rig);
		assert_int_equal(fake->n_held, n);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(f.told, 0);
			rig_unhold_one(&rig, fake, fake_store_find(fake, GW_WRITE, 512 * i, 1),
				       GW_OK);
			rig_settle(&rig);
		}
		assert_true(f.told == 1 && f.status == GW_OK);
		assert_int_equal(g.told, 0);
		assert_int_equal(fake->n_held, 0); /* who came after waits */
		release(&f);
		rig_settle(&rig);
		assert_int_equal(fake->n_held, n); /* the reads; writes wait for the next fence */
		assert_int_equal(g.told, 1);
		rig_unhold(&rig, fake);
		/* it came later than the one on everything, so it waits for it */
		assert_int_equal(apart.told, 0);
		release(&g);
		rig_settle(&rig);
		assert_int_equal(apart.told, 1);
		release(&apart);
		end_n();
	}
}

static void late_fence_takes_the_volume_offline(void **state)
{
	(void)state;
	FOR_LOOPS(n)
	for (unsigned asker = 0; asker < n; asker++) {
		struct fence f = { 0 }, behind = { 0 };
		struct call w = { 0 }, refused = { 0 }, waits = { 0 };

		begin_n(n, n, 1);
		fake->when = FAKE_HELD;
		rig_write(&rig, n - 1, &w, 0, 512, 1);
		rig_settle(&rig);
		f.req.deadline = (struct instant){ drv_hand_now() + 5000000000 };
		take(&f, asker, 0, 512, GW_FENCE_WRITES);
		take(&behind, 0, 0, 512, GW_FENCE_WRITES);
		rig_write(&rig, 0, &waits, 0, 512, 3);
		rig_pass(&rig, 4900);
		assert_int_equal(f.told, 0);
		rig_pass(&rig, 200);
		assert_true(f.told == 1 && f.status == GW_TIMEOUT);
		assert_int_equal(rig.events[GW_EVENT_OFFLINE], n);
		rig_write(&rig, 0, &refused, 8192, 512, 1);
		assert_int_equal(rig_result(&rig, &refused), GW_NOT_READY);
		rig_unhold(&rig, fake); /* too late, but nothing breaks */
		rig_pass(&rig, 1000);
		assert_int_equal(w.status, GW_OK);
		assert_int_equal(waits.ended, 0);
		assert_true(behind.told == 1 && behind.status == GW_OK);
		release(&behind);
		rig_pass(&rig, 1000);
		assert_int_equal(waits.status, GW_NOT_READY);
		assert_int_equal(f.told, 1);
		assert_int_equal(rig_refresh(&rig, "v"), 0);
		assert_int_equal(rig.events[GW_EVENT_ONLINE], n);
		end_n();
	}
}

/* A deadline that passes while the fence is held means nothing any more. */
static void held_in_time(void **state)
{
	(void)state;
	FOR_LOOPS(n)
	{
		struct fence f = { 0 };

		begin_n(n, n, 1);
		f.req.deadline = (struct instant){ drv_hand_now() + 1000000000 };
		take(&f, n - 1, 0, GW_FENCE_ALL, GW_FENCE_READS);
		rig_settle(&rig);
		assert_int_equal(f.told, 1);
		rig_pass(&rig, 3000);
		assert_int_equal(f.told, 1);
		assert_int_equal(rig.events[GW_EVENT_OFFLINE], 0);
		release(&f);
		end_n();
	}
}

HARNESS_MAIN(cmocka_unit_test(exactly_one_wins), cmocka_unit_test(handed_on_without_lifting),
	     cmocka_unit_test(plain_writers_get_their_turn),
	     cmocka_unit_test(neighbours_in_one_block), cmocka_unit_test(in_order_across_a_hand_on),
	     cmocka_unit_test(behind_an_orphan), cmocka_unit_test(behind_an_old_one),
	     cmocka_unit_test(behind_a_lost_connection), cmocka_unit_test(join_is_a_barrier),
	     cmocka_unit_test(whole_ones_that_wait), cmocka_unit_test(those_in_order_that_wait),
	     cmocka_unit_test(parts_that_wait), cmocka_unit_test(parts_in_order_that_wait),
	     cmocka_unit_test(drains_and_holds),
	     cmocka_unit_test(late_fence_takes_the_volume_offline), cmocka_unit_test(held_in_time))
