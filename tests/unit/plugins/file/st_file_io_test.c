/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_file_io_test.c - what becomes of each answer of the driver.  The loop, the
 * file calls and gw_io_done() are the test's own: an operation that is submitted
 * waits here until the case says how it ends.
 */
#include "config.h"

#include "plugins/file/st_file_io.h"

#include <errno.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/loop/loop.h"
#include "tests/harness/harness.h"

static struct drv_op *submitted;
static enum gw_status ended_with;
static unsigned ended;
static char logged[512];

/* ---- stand-ins ---------------------------------------------------------- */

void loop_submit(struct loop *loop, struct drv_op *op)
{
	(void)loop;
	assert_null(submitted);
	submitted = op;
}

static struct {
	struct drv_file *file;
	uint64_t offset;
	uint32_t length;
} lent;

const void *loop_lend(struct loop *loop, struct drv_file *file, uint64_t offset, uint32_t length)
{
	(void)loop;
	lent.file = file;
	lent.offset = offset;
	lent.length = length;
	return &lent;
}

void gw_io_done(struct gw_io *io, enum gw_status status)
{
	(void)io;
	ended++;
	ended_with = status;
}

static void answer(int64_t res)
{
	struct drv_op *op = submitted;

	assert_non_null(op);
	submitted = NULL;
	op->done(op, res);
}

static void answer_job(void)
{
	assert_non_null(submitted);
	assert_int_equal(submitted->kind, DRV_JOB);
	answer(submitted->job(submitted));
}

static struct fake {
	struct drv_fs fs;
	int rc; /* of allocate */
	enum drv_alloc how; /* last */
	uint64_t offset, length; /* last, allocate */
	uint64_t written[4]; /* from, length of each write */
	unsigned writes, seeks, allocates;
	uint64_t stripe; /* seek: data and holes take turns */
	uint64_t size;
} fake;

static int fake_allocate(struct drv_fs *fs, struct drv_file *file, enum drv_alloc how,
			 uint64_t offset, uint64_t length)
{
	(void)fs;
	(void)file;
	fake.allocates++;
	fake.how = how;
	fake.offset = offset;
	fake.length = length;
	return fake.rc;
}

static int fake_write(struct drv_fs *fs, struct drv_file *file, const void *buf, size_t len,
		      uint64_t offset)
{
	(void)fs;
	(void)file;
	assert_int_equal(*(const char *)buf, 0);
	fake.written[fake.writes * 2] = offset;
	fake.written[fake.writes++ * 2 + 1] = len;
	return 0;
}

/* Holes at even stripes, data at odd ones. */
static int fake_seek(struct drv_fs *fs, struct drv_file *file, enum drv_seek what, uint64_t at,
		     uint64_t *out)
{
	uint64_t stripe = at / fake.stripe;

	(void)fs;
	(void)file;
	fake.seeks++;
	if (at >= fake.size)
		return -ENXIO;
	if (stripe % 2 != (what == DRV_SEEK_DATA))
		at = (stripe + 1) * fake.stripe;
	if (at >= fake.size && what == DRV_SEEK_DATA)
		return -ENXIO;
	*out = at < fake.size ? at : fake.size;
	return 0;
}

static int fake_prefetch(struct drv_fs *fs, struct drv_file *file, uint64_t offset, uint64_t length)
{
	(void)fs;
	(void)file;
	(void)offset;
	(void)length;
	return -EIO;
}

static const struct drv_fs_ops fake_ops = {
	.allocate = fake_allocate, .write = fake_write, .seek = fake_seek, .prefetch = fake_prefetch
};

static struct gw_store *store;
static struct gw_io io;
static struct iovec iov = { logged, 4096 };

static void log_sink(void *arg, enum log_level level, enum log_area area, const char *text)
{
	(void)arg;
	(void)level;
	(void)area;
	snprintf(logged, sizeof(logged), "%s", text);
}

static int begin(void **state)
{
	struct gw_store_args args = { .target = "image", .fs = &fake.fs };

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.fs.ops = &fake_ops;
	ended = 0;
	submitted = NULL;
	logged[0] = '\0';
	log_set_sink(log_sink, NULL);
	assert_int_equal(st_file_io_new(&args, &store, NULL), 0);
	store->range_align_bytes = 1;
	return 0;
}

static int end(void **state)
{
	(void)state;
	st_file_io_close(&store);
	assert_null(store);
	return 0;
}

static void submit(enum gw_op op, uint64_t offset, uint64_t length, uint32_t flags)
{
	io = (struct gw_io){ .op = op, .offset = offset, .length = length, .flags = flags };
	io.iov = &iov;
	io.niov = 1;
	ended = 0;
	memset(io.slot.bytes, 0xdb, sizeof(io.slot.bytes));
	st_file_io_submit(store, NULL, &io);
}

static void expect(enum gw_status status)
{
	assert_int_equal(ended, 1);
	assert_int_equal(ended_with, status);
	assert_null(submitted);
}

/* ---- READ, WRITE, FLUSH ------------------------------------------------- */

static void reads(void **state)
{
	(void)state;
	submit(GW_READ, 8192, 4096, 0);
	assert_int_equal(submitted->kind, DRV_READ);
	assert_int_equal(submitted->offset, 8192);
	assert_ptr_equal(submitted->iov, &iov);
	assert_int_equal(ended, 0);
	answer(4096);
	expect(GW_OK);
	submit(GW_READ, 0, 4096, 0);
	answer(-EIO);
	expect(GW_MEDIUM_ERROR);
	submit(GW_READ, 0, 4096, 0);
	answer(-ENODEV);
	expect(GW_NOT_READY);
}

static void a_short_read_is_damage(void **state)
{
	(void)state;
	submit(GW_READ, 4096, 4096, 0);
	answer(512);
	expect(GW_MEDIUM_ERROR);
	assert_non_null(strstr(logged, "image: ends before byte 8192"));
	submit(GW_READ, 4096, 4096, 0);
	answer(0);
	expect(GW_MEDIUM_ERROR);
}

static void writes(void **state)
{
	(void)state;
	submit(GW_WRITE, 4096, 4096, 0);
	assert_int_equal(submitted->kind, DRV_WRITE);
	assert_int_equal(submitted->flags, 0);
	answer(4096);
	expect(GW_OK);
	submit(GW_WRITE, 4096, 4096, 0);
	answer(-ENOSPC);
	expect(GW_NO_SPACE);
	submit(GW_WRITE, 4096, 4096, 0);
	answer(-EROFS);
	expect(GW_READ_ONLY);
	submit(GW_WRITE, 4096, 4096, 0);
	answer(-EFBIG);
	expect(GW_NO_SPACE);
}

static void flushes(void **state)
{
	(void)state;
	submit(GW_FLUSH, 0, 0, 0);
	assert_int_equal(submitted->kind, DRV_SYNC);
	answer(0);
	expect(GW_OK);
	submit(GW_FLUSH, 0, 0, 0);
	answer(-EIO);
	expect(GW_MEDIUM_ERROR);
	store->read_only = true;
	submit(GW_FLUSH, 0, 0, 0);
	expect(GW_OK);
}

/* ---- UNMAP, ZERO -------------------------------------------------------- */

static void how(enum gw_op op, uint32_t flags, enum drv_alloc wanted)
{
	submit(op, 1000, 5000, flags);
	answer_job();
	expect(GW_OK);
	assert_int_equal(fake.how, wanted);
	assert_int_equal(fake.offset, 1000);
	assert_int_equal(fake.length, 5000);
}

static void ways_to_zero(void **state)
{
	(void)state;
	how(GW_UNMAP, 0, DRV_ALLOC_FAST_ZERO);
	store->punch = store->fast_keep = true;
	how(GW_UNMAP, 0, DRV_ALLOC_PUNCH);
	how(GW_ZERO, 0, DRV_ALLOC_ZERO);
	how(GW_ZERO, GW_NO_HOLE, DRV_ALLOC_ZERO_KEEP);
	how(GW_ZERO, GW_FAST_ONLY, DRV_ALLOC_FAST_ZERO);
	how(GW_ZERO, GW_FAST_ONLY | GW_NO_HOLE, DRV_ALLOC_ZERO_KEEP);
	assert_int_equal(fake.writes, 0);
}

static void what_cannot_be_zeroed(void **state)
{
	(void)state;
	fake.rc = -EOPNOTSUPP;
	submit(GW_ZERO, 0, 4096, GW_FAST_ONLY);
	answer_job();
	expect(GW_NOT_FAST);
	submit(GW_ZERO, 0, 4096, 0);
	answer_job();
	expect(GW_UNSUPPORTED); /* the core writes */
	submit(GW_UNMAP, 0, 4096, 0);
	answer_job();
	expect(GW_UNSUPPORTED);
	fake.rc = -ENOSPC;
	submit(GW_ZERO, 0, 4096, 0);
	answer_job();
	expect(GW_NO_SPACE);
	fake.rc = 0;
	fake.allocates = 0;
	store->fast_keep = false;
	submit(GW_ZERO, 0, 4096, GW_FAST_ONLY | GW_NO_HOLE);
	answer_job();
	expect(GW_NOT_FAST);
	assert_int_equal(fake.allocates, 0);
}

/* On a device only whole blocks; the rest is written. */
static void edges(void **state)
{
	(void)state;
	store->range_align_bytes = 4096;
	submit(GW_ZERO, 4000, 9000, 0);
	answer_job();
	expect(GW_OK);
	assert_int_equal(fake.offset, 4096);
	assert_int_equal(fake.length, 8192);
	assert_int_equal(fake.writes, 2);
	assert_int_equal(fake.written[0], 4000);
	assert_int_equal(fake.written[1], 96);
	assert_int_equal(fake.written[2], 12288);
	assert_int_equal(fake.written[3], 712);
	fake.allocates = fake.writes = 0;
	submit(GW_UNMAP, 4097, 50, 0);
	answer_job();
	expect(GW_OK);
	assert_int_equal(fake.allocates, 0);
	assert_int_equal(fake.writes, 1);
	assert_int_equal(fake.written[0], 4097);
	assert_int_equal(fake.written[1], 50);
}

/* ---- EXTENTS, PREFETCH -------------------------------------------------- */

static struct {
	struct gw_extents sink;
	uint64_t total;
	unsigned n, most;
	uint32_t first;
} sink;

static bool add(struct gw_extents *s, uint64_t length, uint32_t flags)
{
	(void)s;
	if (!sink.n)
		sink.first = flags;
	else
		assert_int_equal(flags == sink.first, sink.n % 2 == 0);
	sink.total += length;
	return ++sink.n < sink.most;
}

static unsigned ask(uint64_t offset, uint64_t length, uint32_t flags, unsigned most)
{
	unsigned jobs = 0;

	memset(&sink, 0, sizeof(sink));
	sink.sink.add = add;
	sink.most = most;
	submit(GW_EXTENTS, offset, length, flags);
	io.extents = &sink.sink;
	for (; submitted; jobs++)
		answer_job();
	expect(GW_OK);
	return jobs;
}

static void extents(void **state)
{
	(void)state;
	fake.stripe = 4096;
	fake.size = 2000 * 4096;
	assert_int_equal(ask(0, 3 * 4096, 0, 99), 1);
	assert_int_equal(sink.n, 3);
	assert_int_equal(sink.total, 3 * 4096);
	assert_int_equal(sink.first, GW_EXTENT_HOLE | GW_EXTENT_ZERO);
	assert_int_equal(ask(5000, 1000, 0, 99), 1);
	assert_int_equal(sink.n, 1);
	assert_int_equal(sink.first, GW_EXTENT_DATA);
	assert_int_equal(sink.total, 1000);
	/* More than one batch, and behind the end there is a hole. */
	assert_true(ask(0, 2010 * 4096, 0, 9999) > 3);
	assert_int_equal(sink.n, 2001);
	assert_int_equal(sink.total, 2010 * 4096);
}

static void extents_that_end_early(void **state)
{
	(void)state;
	fake.stripe = 4096;
	fake.size = 2000 * 4096;
	assert_int_equal(ask(100, 1 << 20, GW_EXTENT_ONE, 99), 1);
	assert_int_equal(sink.n, 1);
	assert_int_equal(sink.total, 3996);
	assert_true(fake.seeks <= 2);
	assert_int_equal(ask(0, 2000 * 4096, 0, 300), 2);
	assert_int_equal(sink.n, 300);
}

static void hints_do_not_fail(void **state)
{
	(void)state;
	submit(GW_PREFETCH, 0, 4096, 0);
	answer_job();
	expect(GW_OK);
	submit(GW_COPY, 0, 4096, 0);
	expect(GW_UNSUPPORTED);
}

/* The driver knows where its pages are; a driver that has nothing to rest is not asked. */
static void lends(void **state)
{
	struct gw_loan loans[] = { { .offset = 4096, .length = 512 },
				   { .offset = 1ull << 40, .length = 4096 } };

	(void)state;
	store->file = (struct drv_file *)&fake;
	st_file_io_lend(store, NULL, NULL, loans, 2);
	assert_ptr_equal(lent.file, store->file);
	assert_int_equal(lent.offset, 1ull << 40);
	assert_int_equal(lent.length, 4096);
	for (unsigned i = 0; i < 2; i++) {
		assert_ptr_equal(loans[i].at, &lent);
		assert_null(loans[i].token);
	}
	st_file_io_rest(store);
	store->file = NULL;
}

/* ---- facts -------------------------------------------------------------- */

static void facts(void **state)
{
	struct drv_stat st = { .size_bytes = 10000, .is_regular = true, .io_min_bytes = 4096 };
	struct gw_store_info info;

	(void)state;
	st_file_io_facts(store, &st, &info);
	assert_int_equal(info.size_bytes, 9728);
	assert_int_equal(info.align_bytes, 1);
	assert_true(info.volatile_cache);
	assert_non_null(strstr(logged, "the last 272 are not served"));
	logged[0] = '\0';
	st_file_io_facts(store, &st, &info); /* said once */
	assert_string_equal(logged, "");
	store->direct = true;
	st_file_io_facts(store, &st, &info);
	assert_int_equal(info.size_bytes, 8192);
	assert_int_equal(info.align_bytes, 4096);
	assert_false(info.can & GW_STORE_CAN(GW_PREFETCH));
	st.direct_align_bytes = 512;
	st.size_bytes = 512 * 21;
	st_file_io_facts(store, &st, &info);
	assert_int_equal(info.size_bytes, 512 * 21);
	assert_int_equal(info.memory_align_bytes, 512);
	assert_string_equal(logged, "");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

HARNESS_MAIN(CASE(reads), CASE(a_short_read_is_damage), CASE(writes), CASE(flushes),
	     CASE(ways_to_zero), CASE(what_cannot_be_zeroed), CASE(edges), CASE(extents),
	     CASE(extents_that_end_early), CASE(hints_do_not_fail), CASE(lends), CASE(facts))
