/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When a large folio is split: only where small writes are dear, each place
 * once, within a bound; and that the kernel then has pages, with the bytes
 * unchanged.
 */
#include "config.h"

#include "tests/unit/gateway/loop/rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/loop/drv_folio.h"

const struct drv_ops *rig_driver = &drv_aio;

#define PAGE 4096U
#define MIB (1U << 20)
#define SECOND ((int64_t)1000000000)
#define DEAR 20000
#define CHEAP 2000

static struct drv_folio folio; /* zeroes, as a new file has it */

static int fresh(void **state)
{
	(void)state;
	memset(&folio, 0, sizeof(folio));
	return 0;
}

static void judge(int times, int64_t took_ns)
{
	while (times-- > 0)
		drv_folio_judge(&folio, PAGE, took_ns);
}

static bool is_due(uint64_t place, int64_t now_ns)
{
	return drv_folio_is_due(&folio, place * DRV_FOLIO_PLACE_BYTES, PAGE, now_ns);
}

static void only_where_writes_are_dear(void **state)
{
	(void)state;
	assert_false(is_due(0, SECOND));
	judge(1000, CHEAP);
	assert_false(is_due(0, SECOND));
	for (int i = 0; i < 1000; i++) { /* lost its processor now and then */
		judge(9, CHEAP);
		judge(1, DEAR);
		assert_false(is_due(0, SECOND));
	}
	judge(6, DEAR);
	assert_true(is_due(0, SECOND));
	assert_false(drv_folio_is_due(&folio, 0, 5 * PAGE, SECOND)); /* not small */
}

static void large_writes_are_not_judged(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		drv_folio_judge(&folio, 64 * PAGE, 1000 * DEAR);
	assert_false(is_due(0, SECOND));
}

static void each_place_once(void **state)
{
	(void)state;
	judge(10, DEAR);
	assert_true(is_due(0, SECOND));
	assert_false(is_due(0, SECOND));
	assert_true(is_due(1, SECOND));
	assert_false(is_due(DRV_FOLIO_PLACES + 1, SECOND)); /* shares its mark */
	/* dear still: it did not help, or not all; another try later */
	assert_false(is_due(0, 2 * SECOND - 1));
	assert_true(is_due(0, 2 * SECOND));
	/* cheap now: what was not tried yet may be, for a while; nothing twice */
	judge(100, CHEAP);
	assert_false(is_due(0, 4 * SECOND));
	assert_true(is_due(2, 4 * SECOND));
	assert_false(is_due(3, 13 * SECOND));
}

static void tries_are_paid_for(void **state)
{
	int64_t tries = 0;

	(void)state;
	judge(10, DEAR);
	for (uint64_t i = 0; i < DRV_FOLIO_PLACES; i++)
		tries += is_due(i, SECOND);
	assert_in_range(tries, 1000, 10000);
	judge(1000, DEAR);
	for (uint64_t i = 0; i < DRV_FOLIO_PLACES; i++)
		tries -= is_due(i, SECOND) ? 1 : 0;
	assert_in_range(tries + 100, 1000, 10000); /* no more than one for ten */
}

/* ---- the kernel ----------------------------------------------------------- */

/* 1: a part of something larger, 0: a page of its own, -1: it is not told. */
static int is_compound(int fd, off_t offset)
{
	volatile char *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, offset);
	int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int flags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0, bits = 0;
	bool told;

	assert_ptr_not_equal(page, MAP_FAILED);
	(void)page[0];
	told = pread(map, &entry, 8, (off_t)((uintptr_t)page / PAGE * 8)) == 8;
	entry &= ((uint64_t)1 << 55) - 1;
	told = told && entry && pread(flags, &bits, 8, (off_t)(entry * 8)) == 8;
	close(map);
	close(flags);
	munmap((void *)page, PAGE);
	return told ? !!(bits & (3 << 15)) : -1;
}

static void the_kernel_splits(void **state)
{
	char *folder = rig_folder("/var/tmp"), path[300];
	char *bytes = malloc(2 * MIB), *seen = malloc(2 * MIB);
	int fd, before, after;

	(void)state;
	assert_non_null(folder);
	snprintf(path, sizeof(path), "%s/image", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	rig_fill(bytes, 2 * MIB, 7);
	assert_int_equal(pwrite(fd, bytes, 2 * MIB, 0), 2 * MIB);
	assert_int_equal(fsync(fd), 0);
	before = is_compound(fd, 5 * PAGE);
	drv_folio_split(fd, 5 * PAGE);
	after = is_compound(fd, 5 * PAGE);
	assert_int_equal(pread(fd, seen, 2 * MIB, 0), 2 * MIB);
	assert_memory_equal(bytes, seen, 2 * MIB);
	/* nothing there, or not a file at all: nothing happens */
	drv_folio_split(fd, 3 * MIB);
	drv_folio_split(-1, 0);
	close(fd);
	rig_folder_remove(folder);
	free(bytes);
	free(seen);
	if (before != 1) /* no root, or a kernel without large folios here */
		skip();
	assert_int_equal(after, 0);
}

HARNESS_MAIN(cmocka_unit_test_setup(only_where_writes_are_dear, fresh),
	     cmocka_unit_test_setup(large_writes_are_not_judged, fresh),
	     cmocka_unit_test_setup(each_place_once, fresh),
	     cmocka_unit_test_setup(tries_are_paid_for, fresh), cmocka_unit_test(the_kernel_splits))
