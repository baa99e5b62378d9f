/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fallback_error_test.c - a store that errs: at each step of each operation the
 * right status climbs, nothing outside the request's own range has changed, and
 * all goes on; but what was not made durable is never said to be.
 */
#include "config.h"

#include <string.h>

#include "tests/unit/gateway/core/core_rig.h"

#define SIZE (256u << 10)

static struct rig rig;
static struct fake_store *fake;
static uint8_t before[SIZE], shown[SIZE];

static int begin(void **state)
{
	(void)state;
	fake_store_forget_all();
	rig_begin(&rig, 2, 1, NULL);
	fake = fake_store_new("v", SIZE);
	fake->info.align_bytes = 4096;
	fake->info.transfer_max_bytes = 8192;
	fake->info.range_max_bytes = 8192;
	fake->info.volatile_cache = true;
	fake->when = FAKE_MIXED;
	rig_up(&rig, "v", 512);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake->fail_at = 0;
	fake->when = FAKE_INSIDE;
	fake->native_says = GW_OK;
	rig_unhold(&rig, fake);
	rig_assert_idle(&rig);
	atomic_store(&rig.volume->lost, false); /* only so that the removal succeeds */
	rig_down(&rig, "v");
	assert_string_equal(fake_store_breach(fake), "");
	fake_store_free(&fake);
	rig_end(&rig);
	return 0;
}

/* ---- each step ---------------------------------------------------------- */

static bool sink_add(struct gw_extents *sink, uint64_t length, uint32_t flags)
{
	(void)sink;
	(void)length;
	(void)flags;
	return true;
}

static enum gw_status flip(struct gw_req *req, struct gw_mem *old, uint64_t *info)
{
	uint8_t byte;

	(void)info;
	for (uint32_t i = 0; i < req->length; i++) {
		gw_mem_copy_out(old, i, &byte, 1);
		byte ^= 0x55;
		gw_mem_copy_in(old, i, &byte, 1);
	}
	return GW_OK;
}

static struct gw_extents sink = { .add = sink_add };

struct kind {
	enum gw_op op;
	uint32_t flags;
	uint64_t offset, length;
};

static const struct kind kinds[] = {
	{ GW_READ, 0, 512, 30000 / 512 * 512 }, { GW_READ, 0, 4096, 65536 },
	{ GW_WRITE, 0, 4096, 65536 },		{ GW_WRITE, 0, 1024, 40960 },
	{ GW_WRITE, GW_IN_ORDER, 512, 512 },	{ GW_ZERO, 0, 512, 20480 },
	{ GW_ZERO, GW_NO_HOLE, 8192, 20480 },	{ GW_UNMAP, 0, 512, 20480 },
	{ GW_COMPARE, 0, 1536, 100864 },	{ GW_MODIFY, 0, 1536, 100864 },
	{ GW_MODIFY, 0, 4096, 4096 },		{ GW_COPY, 0, 8192, 131072 - 8192 },
	{ GW_EXTENTS, 0, 512, 65536 },		{ GW_PREFETCH, 0, 4096, 65536 },
};

static enum gw_status run(const struct kind *kind, struct call *call)
{
	struct gw_req *req = rig_take(&rig, 0, call, kind->op, kind->offset, kind->length);

	if (kind->op == GW_READ || kind->op == GW_WRITE || kind->op == GW_COMPARE)
		rig_memory(&rig, req);
	if (kind->op == GW_COMPARE)
		gw_mem_copy_in(&req->data, 0, fake->bytes + kind->offset, (uint32_t)kind->length);
	if (kind->op == GW_WRITE)
		for (unsigned i = 0; i < req->data.n; i++)
			memset(req->data.iov[i].iov_base, 0x99, req->data.iov[i].iov_len);
	req->flags = kind->flags;
	req->modify = flip;
	req->extents = &sink;
	req->source_offset = 131072;
	rig_submit(call);
	return rig_result(&rig, call);
}

static void check_the_rest(const struct kind *kind)
{
	assert_memory_equal(before, fake->bytes, kind->offset);
	assert_memory_equal(before + kind->offset + kind->length,
			    fake->bytes + kind->offset + kind->length,
			    SIZE - kind->offset - kind->length);
	if (!gw_op_changes(kind->op))
		assert_memory_equal(before, fake->bytes, SIZE);
}

static void all_can_be_read(void)
{
	struct call call = { .keep = true };
	struct gw_req *req = rig_take(&rig, 1, &call, GW_READ, 0, SIZE);

	fake->fail_at = 0;
	rig_memory(&rig, req);
	rig_submit(&call);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	gw_mem_copy_out(&req->data, 0, shown, SIZE);
	assert_memory_equal(shown, fake->bytes, SIZE);
	rig_put(&call);
	rig_assert_idle(&rig);
}

static void each_step_fails(const struct kind *kind)
{
	static const enum gw_status statuses[] = { GW_MEDIUM_ERROR, GW_NO_SPACE, GW_STORE_ERROR,
						   GW_BUSY };
	struct call call = { 0 };
	uint64_t steps = fake->submitted;

	assert_int_equal(run(kind, &call), GW_OK);
	steps = fake->submitted - steps;
	assert_true(steps > 0);
	for (uint64_t i = 1; i <= steps; i++) {
		for (uint64_t at = 0; at < SIZE; at++)
			fake->bytes[at] = (uint8_t)(at * 11 + at / 512 + i);
		memset(fake->hole, 0, SIZE / FAKE_UNIT);
		memcpy(before, fake->bytes, SIZE);
		fake->fail_at = fake->submitted + i;
		fake->fail_with = statuses[i % 4];
		assert_int_equal(run(kind, &call), fake->fail_with);
		assert_true(call.bytes_done < kind->length);
		check_the_rest(kind);
		all_can_be_read();
	}
	assert_false(atomic_load(&rig.volume->lost)); /* nothing of this was a promise */
}

static void at_each_step(void **state)
{
	static const uint32_t can[] = { 0, GW_STORE_CAN(GW_UNMAP) | GW_STORE_CAN(GW_ZERO) };
	uint32_t all = fake->info.can;

	(void)state;
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (unsigned c = 0; c < 2; c++) {
			if (c && kinds[k].op != GW_ZERO)
				continue;
			fake->info.can = all & ~can[c];
			rig_down(&rig, "v");
			rig_up(&rig, "v", 512);
			each_step_fails(&kinds[k]);
		}
	fake->info.can = all;
}

/* What was done before the error is told. */
static void bytes_done(void **state)
{
	struct kind kind = { GW_WRITE, 0, 4096, 65536 };
	struct call call = { 0 };

	(void)state;
	fake->fail_at = fake->submitted + 4;
	fake->fail_with = GW_NO_SPACE;
	assert_int_equal(run(&kind, &call), GW_NO_SPACE);
	assert_int_equal(call.bytes_done, 3 * 8192);
}

/* ---- durability --------------------------------------------------------- */

static enum gw_status plain(enum gw_op op, uint32_t flags, unsigned loop)
{
	struct call call = { 0 };
	struct gw_req *req = rig_take(&rig, loop, &call, op, 0, op == GW_FLUSH ? 0 : 4096);

	if (op == GW_WRITE)
		rig_memory(&rig, req);
	req->flags = flags;
	rig_submit(&call);
	return rig_result(&rig, &call);
}

static void after_a_lost_write(void)
{
	uint64_t at_store = fake->submitted;

	fake->fail_at = 0;
	assert_true(atomic_load(&rig.volume->lost));
	for (unsigned loop = 0; loop < 2; loop++) {
		assert_int_equal(plain(GW_FLUSH, 0, loop), GW_MEDIUM_ERROR);
		assert_int_equal(plain(GW_WRITE, GW_FUA, loop), GW_MEDIUM_ERROR);
		assert_int_equal(plain(GW_ZERO, GW_FUA, loop), GW_MEDIUM_ERROR);
	}
	assert_int_equal(fake->submitted, at_store);
	assert_int_equal(plain(GW_WRITE, 0, 1), GW_OK); /* promises nothing */
	all_can_be_read();
}

static void failed_flush(void **state)
{
	(void)state;
	fake->fail_at = fake->submitted + 1;
	fake->fail_with = GW_MEDIUM_ERROR;
	assert_int_equal(plain(GW_FLUSH, 0, 0), GW_MEDIUM_ERROR);
	after_a_lost_write();
}

static void failed_sync_of_a_durable_write(void **state)
{
	(void)state;
	fake->fail_at = fake->submitted + 2; /* the write, then its flush */
	fake->fail_with = GW_STORE_ERROR;
	assert_int_equal(plain(GW_WRITE, GW_FUA, 1), GW_STORE_ERROR);
	after_a_lost_write();
}

static void failed_write_with_fua(void **state)
{
	(void)state;
	fake->info.fua = true;
	rig_down(&rig, "v");
	rig_up(&rig, "v", 512);
	fake->fail_at = fake->submitted + 1;
	fake->fail_with = GW_MEDIUM_ERROR;
	assert_int_equal(plain(GW_WRITE, GW_FUA, 1), GW_MEDIUM_ERROR);
	after_a_lost_write();
}

/* The kernel tells only one of two flushes what it has dropped: so the second waits
 * for the first, and is not even asked for when that has failed. */
static void flushes_beside_a_failed_one(void **state)
{
	struct call first = { 0 }, second = { 0 };

	(void)state;
	fake->when = FAKE_HELD;
	rig_take(&rig, 0, &first, GW_FLUSH, 0, 0);
	rig_submit(&first);
	rig_take(&rig, 1, &second, GW_FLUSH, 0, 0);
	rig_submit(&second);
	rig_settle(&rig);
	assert_null(TAILQ_NEXT(TAILQ_FIRST(&fake->held), link));
	rig_unhold_one(&rig, fake, TAILQ_FIRST(&fake->held), GW_MEDIUM_ERROR);
	rig_settle(&rig);
	assert_true(TAILQ_EMPTY(&fake->held));
	assert_int_equal(first.status, GW_MEDIUM_ERROR);
	assert_int_equal(second.status, GW_MEDIUM_ERROR);
	fake->when = FAKE_INSIDE;
	after_a_lost_write();
}

static void flush_begin(unsigned loop, struct call *call)
{
	rig_take(&rig, loop, call, GW_FLUSH, 0, 0);
	rig_submit(call);
	rig_settle(&rig);
}

/* Who comes while one flush is at the store shares the next, and is not content
 * with the one that began before his write was done. */
static void flushes_share(void **state)
{
	struct call first = { 0 }, write = { 0 }, more[10] = { { 0 } };

	(void)state;
	fake->when = FAKE_HELD;
	flush_begin(1, &first);
	rig_write(&rig, 0, &write, 4096, 4096, 7);
	rig_settle(&rig);
	rig_unhold_one(&rig, fake, fake_store_find(fake, GW_WRITE, 4096, 1), GW_OK);
	assert_int_equal(rig_result(&rig, &write), GW_OK);
	for (unsigned i = 0; i < 10; i++)
		flush_begin(i % 2, &more[i]);
	assert_int_equal(fake->count[GW_FLUSH], 1);
	rig_unhold_one(&rig, fake, TAILQ_FIRST(&fake->held), GW_OK);
	rig_settle(&rig);
	assert_int_equal(first.ended, 1);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(more[i].ended, 0);
	assert_int_equal(fake->count[GW_FLUSH], 2);
	rig_abort(&more[3]);
	rig_orphan(&more[4]);
	rig_unhold(&rig, fake);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(more[i].ended, i != 4);
		assert_int_equal(more[i].status, i == 3 ? GW_ABORTED : GW_OK);
	}
	assert_int_equal(fake->count[GW_FLUSH], 2);
	assert_int_equal(fake->durable[4096], 7);
}

/* A store that caches, has no FUA and cannot flush: it is not asked to. */
static void nothing_makes_it_durable(void **state)
{
	uint32_t all = fake->info.can;

	(void)state;
	rig_down(&rig, "v");
	fake->info.can &= ~GW_STORE_CAN(GW_FLUSH);
	rig_up(&rig, "v", 512);
	assert_int_equal(plain(GW_WRITE, GW_FUA, 0), GW_UNSUPPORTED);
	assert_int_equal(plain(GW_FLUSH, 0, 0), GW_UNSUPPORTED);
	assert_int_equal(plain(GW_WRITE, 0, 0), GW_OK);
	assert_false(atomic_load(&rig.volume->lost));
	rig_down(&rig, "v");
	fake->info.volatile_cache = false;
	rig_up(&rig, "v", 512);
	assert_int_equal(plain(GW_WRITE, GW_FUA, 0), GW_OK);
	assert_int_equal(plain(GW_FLUSH, 0, 0), GW_OK);
	fake->info.can = all;
}

/* ---- bounce memory ------------------------------------------------------ */

/* None is left: who needs it waits, who does not goes on; then all go on. */
static void without_bounce_memory(void **state)
{
	struct gw_credit *bounce = &rig.gw->per[0]->bounce;
	struct kind aligned = { GW_WRITE, 0, 0, 4096 };
	struct call call[20] = { { 0 } }, other = { 0 };
	struct gw_mem hog[8] = { { 0 } };
	unsigned hogs = 0;

	(void)state;
	fake->when = FAKE_INSIDE;
	while (hogs < 8 && gw_mem_take(bounce, 4u << 20, 4096, &hog[hogs]))
		hogs++;
	for (unsigned i = 0; i < 20; i++)
		rig_write(&rig, 0, &call[i], 8192 + 4096 * i + 512, 512, (uint8_t)i);
	rig_settle(&rig);
	assert_int_equal(run(&aligned, &other), GW_OK);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(call[i].ended, 0);
	for (unsigned i = 0; i < hogs; i++) {
		gw_mem_put(&hog[i]);
		rig_settle(&rig);
	}
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(call[i].status, GW_OK);
		assert_int_equal(call[i].ended, 1);
		assert_true(i == 0 || call[i - 1].when < call[i].when);
		assert_int_equal(fake->bytes[8192 + 4096 * i + 512], i);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
HARNESS_MAIN(CASE(at_each_step), CASE(bytes_done), CASE(failed_flush),
	     CASE(failed_sync_of_a_durable_write), CASE(failed_write_with_fua),
	     CASE(flushes_beside_a_failed_one), CASE(flushes_share), CASE(nothing_makes_it_durable),
	     CASE(without_bounce_memory))
