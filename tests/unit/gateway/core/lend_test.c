/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lend_test.c - reads that are answered from where the store has the bytes: who asks,
 * and what can hold them; that all of it comes back, once, whatever became of the
 * request; and that the volume waits for it.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "gateway/core/registry.h"
#include "tests/unit/gateway/core/core_rig.h"

#define SIZE (4u << 20)
#define PART (GW_BUF_MAX_BYTES) /* the most that one slice has */
#define LOOPS 2

static struct rig rig;
static struct fake_store *fake;

static int begin(void **state)
{
	(void)state;
	fake_store_forget_all();
	rig_begin(&rig, LOOPS, 1, NULL);
	fake = fake_store_new("v", SIZE);
	for (unsigned i = 0; i < SIZE; i++)
		fake->bytes[i] = (uint8_t)(i * 7 ^ i >> 11);
	fake->lends = true;
	rig_up(&rig, "v", 512);
	return 0;
}

static int end(void **state)
{
	(void)state;
	if (rig.volume) {
		rig_unhold(&rig, fake);
		rig_assert_idle(&rig);
		rig_down(&rig, "v");
	}
	assert_int_equal(fake->lent, fake->backs);
	assert_string_equal(fake_store_breach(fake), "");
	assert_int_equal(fake->opens, fake->closes);
	fake_store_free(&fake);
	rig_end(&rig);
	return 0;
}

/* ---- requests ------------------------------------------------------------ */

static struct gw_req *take(struct call *call, unsigned loop, uint64_t offset, uint64_t length)
{
	struct gw_req *req;

	*call = (struct call){ .keep = true };
	req = rig_take(&rig, loop, call, GW_READ, offset, length);
	rig_memory(&rig, req);
	req->flags = GW_LEND;
	return req;
}

/* Done, and not put; its memory is in the request. */
static struct gw_req *read_from(struct call *call, unsigned loop, uint64_t offset, uint64_t length)
{
	struct gw_req *req = take(call, loop, offset, length);

	rig_submit(call);
	assert_int_equal(call->ended, 0);
	assert_int_equal(rig_result(&rig, call), GW_OK);
	assert_int_equal(call->bytes_done, length);
	return req;
}

static bool is_lent(const struct gw_req *req, unsigned slice, uint64_t offset)
{
	return req->data.iov[slice].iov_base == fake->bytes + offset;
}

/* It was read into memory of its own. */
static void assert_read(const struct gw_req *req)
{
	uint64_t at = req->offset;

	for (unsigned i = 0; i < req->data.n; i++) {
		const struct iovec *slice = &req->data.iov[i];

		assert_false(is_lent(req, i, at));
		assert_null(req->data.buf[i] ? req->data.buf[i]->lender : NULL);
		assert_memory_equal(slice->iov_base, fake->bytes + at, slice->iov_len);
		at += slice->iov_len;
	}
	assert_int_equal(at, req->offset + req->length);
	assert_int_equal(fake->lent, fake->backs);
	assert_int_equal(req->lane->n_lent, 0);
}

static uint64_t used(unsigned loop)
{
	return rig_credit(&rig, loop)->used_bytes;
}

/* ---- who asks, and what can hold it -------------------------------------- */

static void lent_to_who_asks(void **state)
{
	struct call call;

	(void)state;
	for (unsigned loop = 0; loop < LOOPS; loop++) {
		struct gw_req *req = read_from(&call, loop, 8192, 4096);

		assert_true(is_lent(req, 0, 8192));
		assert_int_equal(req->data.bytes, 4096);
		assert_int_equal(req->lane->counts.lent, 1);
		assert_int_equal(req->lane->counts.reads, 1);
		assert_int_equal(req->lane->counts.read_bytes, 4096);
		assert_int_equal(req->lane->n_lent, 1);
		assert_int_equal(fake->backs, loop);
		rig_put(&call);
		assert_int_equal(fake->backs, loop + 1);
	}
	assert_int_equal(fake->submitted, 0);
}

static void several_slices(void **state)
{
	struct call call;
	struct gw_req *req = read_from(&call, 0, 512, 3 * PART - 512);

	(void)state;
	assert_int_equal(req->data.n, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(is_lent(req, i, 512 + i * (uint64_t)PART));
	assert_int_equal(req->data.iov[2].iov_len, PART - 512);
	assert_int_equal(req->lane->counts.lent, 1);
	assert_int_equal(fake->lent, 3);
	rig_put(&call);
	assert_int_equal(fake->backs, 3);
}

static void not_asked(void **state)
{
	struct call call;
	struct gw_req *req = take(&call, 0, 0, 8192);

	(void)state;
	req->flags = 0;
	rig_submit(&call);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	assert_read(req);
	rig_put(&call);
	fake->lends = false;
	req = read_from(&call, 0, 0, 8192);
	assert_read(req);
	assert_int_equal(req->lane->counts.lent, 0);
	rig_put(&call);
	assert_int_equal(fake->lent, 0);
	assert_int_equal(fake->count[GW_READ], 2);
}

/* Who tells zeroes from data gets neither zeroes nor what begins with them. */
static void only_what_looks_like_data(void **state)
{
	static const struct {
		uint32_t at, bytes; /* what is zero */
		bool lent;
	} rows[] = { { 0, 0, true },	     { 0, 200000, false },   { 0, 64, false },
		     { 1, 199999, false },   { 1, 63, true },	     { 65536, 64, false },
		     { 65600, 65472, true }, { 196608, 3392, false } };
	struct call call;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gw_req *req = take(&call, 0, 1 << 20, 200000 / 512 * 512);
		uint8_t *at = fake->bytes + (1 << 20);

		memset(at, 0xdd, 200000);
		memset(at + rows[i].at, 0, rows[i].bytes);
		req->flags = GW_LEND | GW_LEND_DATA;
		rig_submit(&call);
		assert_int_equal(rig_result(&rig, &call), GW_OK);
		if (rows[i].lent)
			assert_true(is_lent(req, 0, 1 << 20));
		else
			assert_read(req);
		rig_put(&call);
		assert_int_equal(fake->lent, fake->backs);
	}
}

/* The flag means nothing with what is no READ, or has no bytes, or lies outside. */
static void nothing_to_lend(void **state)
{
	static const enum gw_op ops[] = { GW_WRITE, GW_COMPARE, GW_UNMAP, GW_FLUSH };
	struct call call;
	struct gw_req *req;

	(void)state;
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		req = take(&call, 0, 4096, 4096);
		req->op = ops[i];
		memcpy(req->data.iov[0].iov_base, fake->bytes + 4096, 4096);
		rig_submit(&call);
		assert_int_equal(rig_result(&rig, &call), GW_OK);
		rig_put(&call);
	}
	req = take(&call, 0, 4096, 0);
	rig_submit(&call);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	rig_put(&call);
	req = take(&call, 0, SIZE - 512, 1024);
	rig_submit(&call);
	assert_int_equal(rig_result(&rig, &call), GW_OUT_OF_RANGE);
	rig_put(&call);
	assert_int_equal(fake->lends_asked, 0);
}

/* What is not a whole buffer, or not ours alone, is read into. */
static void other_memory(void **state)
{
	static uint8_t foreign[4096];
	struct gw_mem shared = { .n = 0 };
	struct call call;
	struct gw_req *req;

	(void)state;
	req = rig_take(&rig, 0, &call, GW_READ, 4096, 4096);
	call.keep = true;
	req->flags = GW_LEND;
	gw_mem_add(&req->data, NULL, foreign, 4096);
	rig_submit(&call);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	assert_read(req);
	rig_put(&call);

	req = take(&call, 0, 4096, 4096);
	gw_mem_add(&shared, req->data.buf[0], req->data.buf[0]->mem, 4096);
	rig_submit(&call);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	assert_read(req);
	assert_memory_equal(shared.iov[0].iov_base, fake->bytes + 4096, 4096);
	rig_put(&call);
	drv_hand_at(0);
	gw_mem_put(&shared);

	req = take(&call, 0, 4096, 4096);
	req->data.iov[0].iov_base = req->data.buf[0]->mem + 512;
	req->data.iov[0].iov_len = req->data.bytes = 3584;
	req->length = 3584;
	rig_submit(&call);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	assert_read(req);
	rig_put(&call);
	assert_int_equal(fake->lends_asked, 0);
}

static void ended_by_the_owner(void **state)
{
	struct call call;
	struct gw_req *req = read_from(&call, 0, 0, 2 * PART);
	struct gw_mem mem = { .n = 0 };

	(void)state;
	gw_mem_move(&mem, &req->data);
	rig_put(&call);
	drv_hand_at(0);
	gw_mem_own(&mem);
	assert_int_equal(fake->backs, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_ptr_equal(mem.iov[i].iov_base, mem.buf[i]->mem);
	gw_mem_own(&mem); /* nothing is lent any more */
	assert_int_equal(used(0), 2 * PART);
	gw_mem_put(&mem);
	assert_int_equal(fake->backs, 2);
}

/* Memory with which one request ended is another's: what stands there is the store's,
 * and must not be read into. */
static void memory_that_is_lent_already(void **state)
{
	struct gw_mem mem = { .n = 0 };
	struct call call;
	struct gw_req *req;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		fake->lends = i < 2;
		req = i ? rig_take(&rig, 0, &call, GW_READ, i * 4096, 4096)
			: take(&call, 0, 0, 4096);
		call.keep = true;
		req->flags = GW_LEND;
		if (i)
			gw_mem_move(&req->data, &mem);
		rig_submit(&call);
		assert_int_equal(rig_result(&rig, &call), GW_OK);
		if (i < 2)
			assert_true(is_lent(req, 0, i * 4096));
		else
			assert_read(req);
		gw_mem_move(&mem, &req->data);
		rig_put(&call);
	}
	drv_hand_at(0);
	gw_mem_put(&mem);
	assert_int_equal(fake->lent, 2);
	assert_int_equal(fake->backs, 2);
}

/* ---- the way back -------------------------------------------------------- */

/* The last who refers to it gives it back, not the request. */
static void back_with_the_last_reference(void **state)
{
	struct call call;
	struct gw_req *req = read_from(&call, 1, 4096, PART + 8192);
	struct gw_mem whole = { .n = 0 }, part = { .n = 0 };

	(void)state;
	assert_int_equal(req->data.n, 2);
	gw_mem_move(&whole, &req->data);
	rig_put(&call);
	assert_int_equal(fake->backs, 0);
	drv_hand_at(1);
	gw_mem_add(&part, whole.buf[0], (uint8_t *)whole.iov[0].iov_base + 512, 100);
	gw_mem_cut(&whole, 5000); /* the second slice goes */
	assert_int_equal(fake->backs, 1);
	assert_int_equal(used(1), PART);
	gw_mem_put(&whole);
	assert_int_equal(fake->backs, 1);
	assert_memory_equal(part.iov[0].iov_base, fake->bytes + 4096 + 512, 100);
	gw_mem_put(&part);
	assert_int_equal(fake->backs, 2);
	assert_int_equal(used(1), 0);
	drv_hand_at(0);
}

/* Of a handle that was lent over before nothing is left. */
static void memory_is_as_new(void **state)
{
	struct call call;
	struct gw_req *req;

	(void)state;
	for (int i = 0; i < 200; i++) {
		read_from(&call, 0, 4096, 4096);
		rig_put(&call);
	}
	assert_int_equal(fake->backs, 200);
	fake->lends = false;
	req = read_from(&call, 0, 4096, 4096);
	assert_read(req);
	rig_put(&call);
	assert_int_equal(fake->backs, 200);
}

/* All or nothing: what was lent goes back, and the whole is read. */
static void undone(void **state)
{
	struct call call;
	struct gw_req *req;

	(void)state;
	for (unsigned at = 1; at <= 3; at++) {
		unsigned before = fake->backs;

		fake->lends_asked = 0;
		fake->lend_fails_at = at;
		req = read_from(&call, 0, 0, 3 * PART);
		assert_int_equal(fake->lends_asked, 3);
		assert_int_equal(fake->backs, before + 2);
		assert_read(req);
		assert_int_equal(req->lane->counts.lent, 0);
		rig_put(&call);
		assert_int_equal(fake->backs, before + 2);
	}
}

/* What a turn brings is asked for together, and each has its own answer. */
static void together(void **state)
{
	enum { N = 70, MOST = 64 /* places a call asks for */ };
	static struct call calls[N];
	struct gw_req *reqs[N];

	(void)state;
	fake->lend_fails_at = 3;
	for (unsigned i = 0; i < N; i++) {
		reqs[i] = take(&calls[i], 1, i * 4096, 4096);
		rig_submit(&calls[i]);
	}
	assert_int_equal(fake->lend_calls, 0);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(rig_result(&rig, &calls[i]), GW_OK);
		if (i == 2)
			assert_memory_equal(reqs[i]->data.iov[0].iov_base, fake->bytes + i * 4096,
					    4096);
		assert_int_equal(is_lent(reqs[i], 0, i * 4096), i != 2);
	}
	assert_int_equal(fake->lend_calls, (N + MOST - 1) / MOST);
	assert_int_equal(fake->lends_asked, N);
	assert_int_equal(fake->count[GW_READ], 1);
	assert_int_equal(reqs[0]->lane->n_lent, N - 1);
	for (unsigned i = 0; i < N; i++)
		rig_put(&calls[i]);
	assert_int_equal(fake->backs, N - 1);
}

/* One in several slices is asked for whole, or by the next call. */
static void together_in_slices(void **state)
{
	static struct call calls[30];
	struct gw_req *req = NULL;

	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		req = take(&calls[i], 0, i * 512, PART + 8192 + (i % 2) * PART);
		assert_int_equal(req->data.n, 2 + i % 2);
		rig_submit(&calls[i]);
	}
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(rig_result(&rig, &calls[i]), GW_OK);
	assert_int_equal(fake->lend_calls, 2); /* 62 places of 25, and 13 */
	assert_int_equal(fake->lent, 75);
	assert_true(is_lent(req, 2, 29 * 512 + 2 * PART));
	for (unsigned i = 0; i < 30; i++)
		rig_put(&calls[i]);
	assert_int_equal(fake->backs, 75);
}

/* What the store refuses anyhow is read at once. */
static void in_one_unit(void **state)
{
	static const struct {
		uint64_t offset, length;
		bool lent;
	} rows[] = { { 0, 4096, true },	       { 512, 3584, true }, { 512, 4096, false },
		     { 8192, 8192, false },    { 4096, 512, true }, { 4095 * 512, 512, true },
		     { 0, PART + 4096, false } };
	struct call call;

	(void)state;
	rig_down(&rig, "v");
	fake->info.lend_unit_bytes = 4096;
	rig_up(&rig, "v", 512);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gw_req *req = read_from(&call, 0, rows[i].offset, rows[i].length);

		if (rows[i].lent)
			assert_true(is_lent(req, 0, rows[i].offset));
		else
			assert_read(req);
		rig_put(&call);
	}
	assert_int_equal(fake->lends_asked, 4);
	rig_down(&rig, "v");
	fake->info.lends = false;
	rig_up(&rig, "v", 512);
	read_from(&call, 0, 0, 4096);
	rig_put(&call);
	assert_int_equal(fake->lends_asked, 4);
}

/* Who waited for memory because nothing was lent takes it when it is there. */
static void asked_once(void **state)
{
	struct gw_credit *bounce = &rig.gw->per[0]->bounce;
	struct gw_mem hog[8] = { { .n = 0 } };
	unsigned hogs = 0;
	struct call call;

	(void)state;
	rig_down(&rig, "v");
	fake->info.align_bytes = 4096;
	fake->lends = false;
	rig_up(&rig, "v", 512);
	drv_hand_at(0);
	while (hogs < 8 && gw_mem_take(bounce, 4u << 20, 4096, &hog[hogs]))
		hogs++;
	take(&call, 0, 512, 512);
	rig_submit(&call);
	rig_settle(&rig);
	assert_int_equal(call.ended, 0);
	assert_int_equal(fake->lend_calls, 1);
	drv_hand_at(0);
	while (hogs)
		gw_mem_put(&hog[--hogs]);
	assert_true(bounce->used_bytes > 0); /* it has some already */
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	assert_read(call.req);
	rig_put(&call);
	assert_int_equal(fake->lend_calls, 1);
}

/* ---- the owner leaves ---------------------------------------------------- */

static void aborted(void **state)
{
	struct call call;

	(void)state;
	take(&call, 0, 0, 8192);
	rig_submit(&call);
	rig_abort(&call);
	assert_int_equal(rig_result(&rig, &call), GW_ABORTED); /* the store had it */
	assert_int_equal(fake->backs, 0);
	rig_put(&call);
	assert_int_equal(fake->backs, 1);
}

static void too_late(void **state)
{
	struct call call;
	struct gw_req *req = take(&call, 0, 0, 8192);

	(void)state;
	req->deadline = (struct instant){ 1 };
	rig_submit(&call);
	rig_pass(&rig, 5000);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	rig_put(&call);
	assert_int_equal(fake->backs, 1);
}

/* Before the turn ends; after it was done. */
static void orphans(void **state)
{
	struct call call;

	(void)state;
	take(&call, 0, 0, 2 * PART);
	rig_submit(&call);
	rig_orphan(&call);
	assert_int_equal(used(0), 0); /* somebody else's by now */
	rig_settle(&rig);
	assert_int_equal(call.ended, 0);
	assert_int_equal(fake->lent, 0); /* nobody is there to send it to */
	read_from(&call, 0, 0, 8192);
	rig_orphan(&call);
	rig_settle(&rig);
	assert_int_equal(fake->backs, 1);
}

static void orphan_next(struct call *call)
{
	rig_orphan(call->arg);
}

/* By the answer of another that was asked for beside it. */
static void orphaned_by_a_neighbour(void **state)
{
	struct call calls[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		take(&calls[i], 0, i * 4096, (i + 1) * 512);
		rig_submit(&calls[i]);
	}
	calls[0].then = orphan_next;
	calls[0].arg = &calls[1];
	rig_settle(&rig);
	assert_int_equal(calls[1].ended, 0);
	assert_int_equal(fake->lent, 4);
	assert_int_equal(fake->backs, 1);
	for (unsigned i = 0; i < 4; i++)
		if (i != 1) {
			assert_int_equal(rig_result(&rig, &calls[i]), GW_OK);
			assert_true(is_lent(calls[i].req, 0, i * 4096));
			assert_int_equal(calls[i].req->data.iov[0].iov_len, (i + 1) * 512);
			rig_put(&calls[i]);
		}
	assert_int_equal(fake->backs, 4);
}

static void take_memory_away(struct call *call)
{
	gw_mem_move(call->arg, &call->req->data);
}

/* Its deadline passed while it stood there, and its owner went with the memory. */
static void told_before_it_was_asked_for(void **state)
{
	struct gw_mem mem = { .n = 0 };
	struct call call;
	struct gw_req *req = take(&call, 0, 0, 4096);

	(void)state;
	call.keep = false;
	call.then = take_memory_away;
	call.arg = &mem;
	req->deadline = (struct instant){ 1 };
	rig_submit(&call);
	drv_hand_at(0);
	gw_req_elders(&req->lane->elders);
	assert_int_equal(call.ended, 1);
	assert_int_equal(call.status, GW_TIMEOUT);
	rig_settle(&rig);
	assert_int_equal(call.ended, 1);
	assert_int_equal(fake->lend_calls, 0);
	drv_hand_at(0);
	gw_mem_put(&mem);
}

static void the_nexus_leaves(void **state)
{
	struct call calls[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		take(&calls[i], i % LOOPS, i * 4096, 4096);
		rig_submit(&calls[i]);
	}
	rig_leave(&rig);
	rig_settle(&rig);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(calls[i].ended, 0);
	assert_int_equal(fake->lent, 0);
	rig_assert_idle(&rig);
	rig_join(&rig, "v");
}

/* ---- what it costs ------------------------------------------------------- */

/* An answer that is not taken counts, wherever its bytes stand. */
static void the_credit_stays_charged(void **state)
{
	struct call call;
	struct gw_req *req = read_from(&call, 0, 0, PART);
	struct gw_mem mem = { .n = 0 };

	(void)state;
	assert_int_equal(used(0), PART);
	gw_mem_move(&mem, &req->data);
	rig_put(&call);
	rig_pass(&rig, 1000);
	assert_int_equal(used(0), PART);
	drv_hand_at(0);
	gw_mem_adopt(gw_pool_of(rig.gw, rig_loop(&rig, 0)), &mem);
	assert_int_equal(used(0), 0);
	assert_int_equal(gw_pool_of(rig.gw, rig_loop(&rig, 0))->used_bytes, PART);
	assert_int_equal(fake->backs, 0);
	gw_mem_put(&mem);
	assert_int_equal(gw_pool_of(rig.gw, rig_loop(&rig, 0))->used_bytes, 0);
	assert_int_equal(fake->backs, 1);
}

/* ---- the volume ---------------------------------------------------------- */

static void remove_waits(void **state)
{
	struct admin admin;
	struct call call;
	struct gw_mem mem = { .n = 0 };

	(void)state;
	gw_mem_move(&mem, &read_from(&call, 1, 0, 4096)->data);
	rig_put(&call);
	rig_leave(&rig);
	rig_settle(&rig);
	assert_int_equal(rig_remove(&rig, "v", 200, NULL), -ETIMEDOUT);
	assert_true(fake->is_open);
	rig_admin_init(&admin);
	drv_hand_at(0);
	gw_volume_remove(rig.gw, "v", (struct instant){ drv_hand_now() + 60000000000 }, &admin.op);
	rig_pass(&rig, 1000);
	assert_int_equal(admin.ended, 0);
	assert_true(fake->is_open && fake->lane_open[1]);
	assert_memory_equal(mem.iov[0].iov_base, fake->bytes, 4096);
	drv_hand_at(1);
	gw_mem_put(&mem);
	assert_int_equal(fake->backs, 1);
	assert_int_equal(rig_wait(&rig, &admin), 0);
	assert_false(fake->is_open);
	rig.volume = NULL;
}

/* A store that was built when there was no lend: it ends before it. */
static void an_old_store(void **state)
{
	static struct gw_store_ops old;
	struct gw_volume_want want = { .name = "o", .store = "old", .args.target = "o" };
	struct gw_err err = GW_ERR_NONE;
	struct fake_store *first = fake;
	struct admin admin;
	struct call call;

	(void)state;
	rig_down(&rig, "v");
	old = fake_store_ops;
	old.name = "old";
	old.struct_size = offsetof(struct gw_store_ops, lend);
	if (gw_registry_add_store(&old, &err))
		fail_msg("%s", err.text);
	fake = fake_store_new("o", SIZE);
	fake->lends = true;
	rig_admin_init(&admin);
	gw_volume_add(rig.gw, &want, &admin.op);
	assert_int_equal(rig_wait(&rig, &admin), 0);
	rig_join(&rig, "o");
	assert_read(read_from(&call, 0, 4096, 8192));
	rig_put(&call);
	assert_int_equal(fake->lends_asked, 0);
	rig_assert_idle(&rig);
	rig_down(&rig, "o");
	assert_string_equal(fake_store_breach(fake), "");
	fake_store_free(&fake);
	fake = first;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

HARNESS_MAIN(CASE(lent_to_who_asks), CASE(several_slices), CASE(not_asked),
	     CASE(only_what_looks_like_data), CASE(nothing_to_lend), CASE(other_memory),
	     CASE(ended_by_the_owner), CASE(memory_that_is_lent_already),
	     CASE(back_with_the_last_reference), CASE(memory_is_as_new), CASE(undone),
	     CASE(together), CASE(together_in_slices), CASE(in_one_unit), CASE(asked_once),
	     CASE(aborted), CASE(too_late), CASE(orphans), CASE(orphaned_by_a_neighbour),
	     CASE(told_before_it_was_asked_for), CASE(the_nexus_leaves),
	     CASE(the_credit_stays_charged), CASE(remove_waits), CASE(an_old_store))
