/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_memory_test.c - the face of the RAM disk: sizes, facts, extents, and that a
 * long range does not keep the loop.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/harness.h"
#include "tests/unit/plugins/store_rig.h"

#define PAGE 4096u

extern const struct gw_store_ops st_memory_ops;

static struct rig rig;
static struct rig_extents found;

static void begin(const char *size)
{
	assert_true(rig_loops(&rig, 2, NULL));
	if (rig_open(&rig, &st_memory_ops, (struct gw_store_args){ .target = size }))
		fail_msg("%s", rig.err.text);
	found.most = 0;
}

static void end(void)
{
	rig_close(&rig);
	rig_loops_end(&rig);
}

static void expect_run(unsigned i, uint64_t length, uint32_t flags)
{
	assert_true(i < found.n);
	assert_int_equal(found.run[i].length, length);
	assert_int_equal(found.run[i].flags, flags);
}

static void refuse(const char *size, const char *words)
{
	assert_int_equal(rig_open(&rig, &st_memory_ops, (struct gw_store_args){ .target = size }),
			 -EINVAL);
	assert_non_null(strstr(rig.err.text, words));
	assert_non_null(strstr(rig.err.text, size));
}

static void sizes(void **state)
{
	(void)state;
	assert_true(rig_loops(&rig, 1, NULL));
	refuse("many", "not a size");
	refuse("500", "not a size");
	refuse("2P", "too large");
	rig_loops_end(&rig);
	begin("1P");
	assert_int_equal(rig.info.size_bytes, 1ull << 50);
	end();
	begin("1025");
	assert_int_equal(rig.info.size_bytes, 1024);
	assert_false(rig.info.volatile_cache);
	assert_true(rig.info.fua);
	assert_int_equal(rig.ops->dirty_bytes(rig.store), 0);
	end();
}

static void the_ends_of_a_huge_one(void **state)
{
	uint64_t last = (1ull << 50) - 5;
	char got[5];

	(void)state;
	begin("1P");
	assert_int_equal(rig_write(&rig, last, "hello", 5, 0), GW_OK);
	assert_int_equal(rig_read(&rig, last, got, 5), GW_OK);
	assert_memory_equal(got, "hello", 5);
	assert_int_equal(rig_extents(&rig, 0, 1ull << 50, 0, &found), GW_OK);
	assert_int_equal(found.n, 2);
	expect_run(0, (1ull << 50) - PAGE, GW_EXTENT_HOLE | GW_EXTENT_ZERO);
	expect_run(1, PAGE, GW_EXTENT_DATA);
	assert_int_equal(rig_range(&rig, GW_UNMAP, 0, 1ull << 50, 0), GW_OK);
	assert_int_equal(rig_extents(&rig, 0, 1ull << 50, 0, &found), GW_OK);
	assert_int_equal(found.n, 1);
	end();
}

static void extents_of_three_kinds(void **state)
{
	(void)state;
	begin("1M");
	assert_int_equal(rig_write(&rig, PAGE - 1, "ab", 2, 0), GW_OK);
	assert_int_equal(rig_range(&rig, GW_ZERO, 4 * PAGE, 2 * PAGE, GW_NO_HOLE), GW_OK);
	assert_int_equal(rig_extents(&rig, 100, 10 * PAGE, 0, &found), GW_OK);
	assert_int_equal(found.n, 4);
	expect_run(0, 2 * PAGE - 100, GW_EXTENT_DATA);
	expect_run(1, 2 * PAGE, GW_EXTENT_HOLE | GW_EXTENT_ZERO);
	expect_run(2, 2 * PAGE, GW_EXTENT_ZERO);
	expect_run(3, 4 * PAGE + 100, GW_EXTENT_HOLE | GW_EXTENT_ZERO);
	assert_int_equal(found.calls, 4);
	assert_int_equal(rig_extents(&rig, 100, 10 * PAGE, GW_EXTENT_ONE, &found), GW_OK);
	assert_int_equal(found.calls, 1);
	expect_run(0, 2 * PAGE - 100, GW_EXTENT_DATA);
	/* UNMAP of the page that counts as allocated makes it a hole. */
	assert_int_equal(rig_range(&rig, GW_UNMAP, 0, 1 << 20, 0), GW_OK);
	assert_int_equal(rig_extents(&rig, 0, 1 << 20, 0, &found), GW_OK);
	assert_int_equal(found.n, 1);
	end();
}

/* The first byte, as a lane finds it. */
static uint8_t first_byte(unsigned lane)
{
	struct loop *loop = loop_set_get(rig.set, lane);
	struct gw_loan loan = { .length = 512 };
	uint8_t byte;

	rig.ops->lend(rig.store, rig.lane[lane], loop, &loan, 1);
	assert_non_null(loan.at);
	byte = *(const uint8_t *)loan.at;
	rig.ops->back(rig.store, rig.lane[lane], loan.token);
	return byte;
}

static uint8_t bytes_of_many[8 * PAGE];

static void submit_write(struct rig_io *rio, struct iovec *iov, uint8_t byte, uint64_t length)
{
	static size_t used;

	used = used + length > sizeof(bytes_of_many) ? 0 : used;
	*iov = (struct iovec){ bytes_of_many + used, length };
	used += length;
	memset(iov->iov_base, byte, length);
	*rio = (struct rig_io){ .io = { .op = GW_WRITE, .length = length, .iov = iov, .niov = 1 } };
	rig_submit(&rig, 0, rio);
}

/* Whole pages are hidden from others until the turn ends, and not from what comes behind
 * them on their lane. */
static void found_at_the_end_of_the_turn(void **state)
{
	struct rig_io rio[2];
	struct iovec iov[2];

	(void)state;
	begin("1M");
	assert_int_equal(rig_write(&rig, 0, "x", 1, 0), GW_OK);
	submit_write(&rio[0], &iov[0], 7, 2 * PAGE);
	assert_int_equal(first_byte(1), 'x');
	assert_int_equal(first_byte(0), 7);
	assert_int_equal(first_byte(1), 7);
	assert_false(rio[0].ended);
	submit_write(&rio[1], &iov[1], 8, PAGE);
	assert_int_equal(first_byte(1), 7);
	rig_turn_until(&rig, &rio[1].ended);
	assert_true(rio[0].ended);
	assert_int_equal(rio[0].status, GW_OK);
	assert_int_equal(first_byte(1), 8);
	end();
}

/* Of writes in one turn the last one counts, whole or in part. */
static void the_last_one_counts(void **state)
{
	struct rig_io rio[4];
	struct iovec iov[4];
	uint8_t got[513];

	(void)state;
	begin("1M");
	assert_int_equal(rig_write(&rig, 0, "x", 1, 0), GW_OK);
	submit_write(&rio[0], &iov[0], 1, PAGE);
	submit_write(&rio[1], &iov[1], 2, PAGE);
	submit_write(&rio[2], &iov[2], 3, 512);
	rig_turn_until(&rig, &rio[2].ended);
	assert_true(rio[0].ended && rio[1].ended);
	assert_int_equal(rig_read(&rig, 0, got, sizeof(got)), GW_OK);
	assert_int_equal(got[511], 3);
	assert_int_equal(got[512], 2);
	submit_write(&rio[0], &iov[0], 4, 512);
	submit_write(&rio[1], &iov[1], 5, 2 * PAGE);
	rig_turn_until(&rig, &rio[1].ended);
	assert_int_equal(first_byte(1), 5);
	submit_write(&rio[0], &iov[0], 6, PAGE);
	assert_int_equal(rig_range(&rig, GW_UNMAP, 0, PAGE, 0), GW_OK);
	assert_int_equal(first_byte(1), 0);
	assert_true(rio[0].ended);
	end();
}

/* Each turn of the loop ends though the range is long. */
static void a_long_range_takes_turns(void **state)
{
	struct rig_io rio = { .io = { .op = GW_ZERO, .length = 1ull << 30 } };
	struct loop *loop;
	uint64_t before, after, slow;

	(void)state;
	begin("1G");
	loop = loop_set_get(rig.set, 0);
	loop_counts(loop, &before, &slow);
	rio.io.flags = GW_NO_HOLE;
	assert_int_equal(rig_run(&rig, &rio), GW_OK);
	loop_counts(loop, &after, &slow);
	assert_true(after - before >= 10);
	end();
}

/* Of 64 MiB that were unmapped, what may be left: descriptions, pages at hand; and the
 * address sanitizer's eighth, which it keeps. */
#ifdef __SANITIZE_ADDRESS__
#define LEFT (16u << 20)
#else
#define LEFT (8u << 20)
#endif

static uint64_t resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long all = 0, resident = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &all, &resident), 2);
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void unmap_gives_memory_back(void **state)
{
	uint8_t *bytes = malloc(1 << 20);
	uint64_t before, full, after;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 7, 1 << 20);
	begin("1G");
	before = resident_bytes();
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(rig_write(&rig, (uint64_t)i << 20, bytes, 1 << 20, 0), GW_OK);
	full = resident_bytes();
	assert_int_equal(rig_range(&rig, GW_UNMAP, 0, 64 << 20, 0), GW_OK);
	after = resident_bytes();
	end();
	free(bytes);
	if (full - before < 60u << 20 || after > before + LEFT)
		fail_msg("resident KiB: %lu, full %lu, unmapped %lu", before >> 10, full >> 10,
			 after >> 10);
}

static void unknown_operations(void **state)
{
	(void)state;
	begin("1M");
	assert_int_equal(rig_range(&rig, GW_FLUSH, 0, 0, 0), GW_OK);
	assert_int_equal(rig_range(&rig, GW_PREFETCH, 0, 512, 0), GW_UNSUPPORTED);
	assert_int_equal(rig_range(&rig, GW_RAW_CDB, 0, 0, 0), GW_UNSUPPORTED);
	end();
}

HARNESS_MAIN(cmocka_unit_test(sizes), cmocka_unit_test(the_ends_of_a_huge_one),
	     cmocka_unit_test(extents_of_three_kinds), cmocka_unit_test(a_long_range_takes_turns),
	     cmocka_unit_test(unmap_gives_memory_back),
	     cmocka_unit_test(found_at_the_end_of_the_turn), cmocka_unit_test(the_last_one_counts),
	     cmocka_unit_test(unknown_operations))
