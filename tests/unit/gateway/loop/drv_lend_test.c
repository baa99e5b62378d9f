/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is lent of a file: its own bytes and never others, only what is in the page
 * cache, and nothing for a while after that was wrong.  Time is a number here.
 */
#include "config.h"

#include "tests/unit/gateway/loop/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/loop/drv_lend.h"

const struct drv_ops *rig_driver = &drv_aio;

#define PAGE 4096U
#define REGION DRV_LEND_REGION
#define SIZE (2 * (size_t)REGION + 300000) /* three regions, the last page in part */
#define MS ((int64_t)1000000)
#define SECOND (1000 * MS)
#define NOBODY 65534

static char *folder, path[300];
static uint8_t *bytes;
static int fd;
static struct drv_lend_map map;
static struct drv_lend_eye eye;
static int64_t now;

/* ---- the file ------------------------------------------------------------ */

static int begin(void **state)
{
	(void)state;
	folder = rig_folder("/var/tmp");
	assert_non_null(folder);
	snprintf(path, sizeof(path), "%s/image", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	bytes = malloc(SIZE);
	rig_fill(bytes, SIZE, 11);
	assert_int_equal(pwrite(fd, bytes, SIZE, 0), SIZE);
	assert_int_equal(fsync(fd), 0);
	eye = (struct drv_lend_eye){ 0 };
	now = 100 * SECOND;
	return 0;
}

static int end(void **state)
{
	(void)state;
	drv_lend_close(&map);
	assert_null(map.base);
	close(fd);
	free(bytes);
	rig_folder_remove(folder);
	return 0;
}

/* Is a page of it in the page cache?  By a mapping that nothing is fetched through. */
static bool any_there(size_t offset, size_t length)
{
	unsigned char there[SIZE / PAGE + 1];
	void *at = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)offset);
	bool any = false;

	assert_ptr_not_equal(at, MAP_FAILED);
	assert_int_equal(mincore(at, length, there), 0);
	for (size_t i = 0; i < (length + PAGE - 1) / PAGE; i++)
		any |= there[i] & 1;
	munmap(at, length);
	return any;
}

/* False, with a reason: these pages cannot be thrown out here. */
static bool forget(size_t offset, size_t length)
{
	posix_fadvise(fd, (off_t)offset, (off_t)length, POSIX_FADV_DONTNEED);
	if (!any_there(offset, length))
		return true;
	print_message("# not tried: %s keeps its pages\n", path);
	return false;
}

/* These pages and none behind them. */
static void fetch(size_t offset, size_t length)
{
	int reader = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *to = malloc(length);

	assert_int_equal(posix_fadvise(reader, 0, 0, POSIX_FADV_RANDOM), 0);
	assert_int_equal(pread(reader, to, length, (off_t)offset), length);
	close(reader);
	free(to);
}

/* ---- asking -------------------------------------------------------------- */

static const uint8_t *find(uint64_t offset, uint32_t length)
{
	return drv_lend_find(&map, &eye, now, offset, length);
}

/* As often as there are regions to look at. */
static const uint8_t *find_soon(uint64_t offset, uint32_t length)
{
	const uint8_t *at = NULL;

	for (int i = 0; !at && i < 4; i++) {
		now += 6 * MS;
		at = find(offset, length);
	}
	return at;
}

static void assert_lent(uint64_t offset, uint32_t length)
{
	const uint8_t *at = find_soon(offset, length);

	assert_non_null(at);
	assert_memory_equal(at, bytes + offset, length);
}

/* Bytes of the map that are in our page tables. */
static size_t mapped(void)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	uintptr_t from, to;
	size_t kib = SIZE_MAX / 1024;
	char line[500];
	bool here = false;

	assert_non_null(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
			here = from == (uintptr_t)map.base;
		if (here && sscanf(line, "Rss: %zu kB", &kib) == 1)
			break;
	}
	fclose(smaps);
	return kib * 1024;
}

/* The way a SEND goes: the kernel copies from there. */
static int64_t send_from(const uint8_t *at, size_t length)
{
	int pipes[2];
	ssize_t n;

	assert_int_equal(pipe(pipes), 0);
	n = write(pipes[1], at, length);
	n = n < 0 ? -errno : n;
	close(pipes[0]);
	close(pipes[1]);
	return n;
}

/* ---- cases --------------------------------------------------------------- */

static void the_bytes_of_the_file(void **state)
{
	(void)state;
	drv_lend_open(&map, fd);
	assert_lent(0, PAGE);
	assert_lent(5 * PAGE, 64 * PAGE);
	assert_lent(REGION - 1, 1);
	assert_lent(3, 1000);
	assert_lent(2 * (uint64_t)REGION, 300000);
	assert_lent(SIZE - 512, 512);
	assert_ptr_equal(find(7 * PAGE, 1), map.base + 7 * PAGE);
}

static void across_regions(void **state)
{
	(void)state;
	drv_lend_open(&map, fd);
	/* one look at a time: the second region is not known yet */
	assert_null(find(REGION - 1000, 2000));
	assert_lent(REGION - 1000, 2000);
	assert_lent(REGION - PAGE, REGION + 2 * PAGE);
}

static void nothing_beyond(void **state)
{
	uint64_t whole = (SIZE + PAGE - 1) / PAGE * PAGE;

	(void)state;
	drv_lend_open(&map, fd);
	assert_lent(0, PAGE);
	assert_non_null(find_soon(whole - PAGE, PAGE)); /* the last page is whole in memory */
	assert_null(find_soon(whole - PAGE, PAGE + 1));
	assert_null(find_soon(whole, 1));
	assert_null(find_soon(UINT64_MAX - PAGE, PAGE));
	assert_null(find_soon(UINT64_MAX - 10, PAGE)); /* the sum is a small number */
	assert_null(find_soon(0, 0));
	/* what was appended since is not in the map */
	assert_int_equal(ftruncate(fd, 2 * SIZE), 0);
	assert_null(find_soon(whole, PAGE));
}

static void only_what_is_cached(void **state)
{
	(void)state;
	drv_lend_open(&map, fd);
	if (!forget(0, SIZE))
		return;
	assert_null(find_soon(0, PAGE));
	fetch(0, REGION - PAGE); /* all but one page */
	now += 2 * SECOND;
	assert_null(find(0, PAGE));
	fetch(0, REGION);
	now += 900 * MS;
	assert_null(find(0, PAGE)); /* looked at a moment ago */
	now += 200 * MS;
	assert_non_null(find(0, PAGE));
	assert_null(find_soon(REGION - PAGE, 2 * PAGE));
	assert_null(find_soon(REGION, PAGE));
	assert_false(any_there(REGION, SIZE - REGION)); /* and looking fetched nothing */
	assert_lent(0, REGION);
}

/* A file larger than the memory costs a look now and then, not one a request. */
static void looks_are_rationed(void **state)
{
	int looked = 0;

	(void)state;
	drv_lend_open(&map, fd);
	if (!forget(0, SIZE))
		return;
	for (unsigned i = 0; i < 3; i++)
		assert_null(find(i * (uint64_t)REGION, PAGE));
	for (unsigned i = 0; i < 3; i++)
		looked += atomic_load(&map.known[i]) != 0;
	assert_int_equal(looked, 1);
	now += 5 * MS;
	assert_null(find(REGION, PAGE));
	assert_int_not_equal(atomic_load(&map.known[1]), 0);
}

/* Who takes pages out of the cache says so: all regions that it touches, and no others. */
static void doubt(void **state)
{
	int64_t then;

	(void)state;
	drv_lend_open(&map, fd);
	drv_lend_doubt(&map, now, 0, SIZE); /* not looked at yet, too */
	assert_null(find(0, PAGE));
	now += SECOND;
	assert_lent(0, SIZE);
	then = now;
	drv_lend_doubt(&map, now, REGION - 1, 2);
	assert_null(find(0, PAGE));
	assert_null(find(REGION, PAGE));
	assert_lent(2 * (size_t)REGION, PAGE);
	now = then + SECOND - 2; /* the lowest bit is not the time's */
	assert_null(find(0, PAGE));
	now = then + SECOND;
	assert_lent(0, SIZE);
	drv_lend_doubt(&map, now, 3 * (uint64_t)REGION, UINT64_MAX / 2); /* behind the end */
	assert_lent(0, SIZE);
	drv_lend_close(&map);
	drv_lend_doubt(&map, now, 0, SIZE); /* nothing is mapped */
}

static void torn(void **state)
{
	const uint8_t *at;

	(void)state;
	drv_lend_open(&map, fd);
	assert_lent(0, SIZE);
	at = find(2 * (uint64_t)REGION, PAGE);
	assert_non_null(at);
	assert_int_equal(send_from(at, PAGE), PAGE);
	assert_int_equal(ftruncate(fd, REGION), 0);
	assert_int_equal(send_from(at, PAGE), -EFAULT);
	drv_lend_torn(&eye, now);
	assert_null(find(0, PAGE));
	now += 5 * SECOND - 1;
	assert_null(find(0, PAGE));
	now++;
	assert_non_null(find(0, PAGE)); /* looked at ... */
	assert_null(find(REGION / 2, REGION)); /* ... which is all for the moment */
	assert_null(find_soon(2 * (uint64_t)REGION, PAGE)); /* and there is nothing */
	/* it has its size again: holes, until somebody reads them */
	assert_int_equal(ftruncate(fd, SIZE), 0);
	memset(bytes + REGION, 0, SIZE - REGION);
	now += 2 * SECOND;
	assert_null(find_soon(REGION, PAGE));
	fetch(REGION, SIZE - REGION);
	now += 2 * SECOND;
	assert_lent(REGION, SIZE - REGION);
	assert_lent(0, PAGE);
}

/* The kernel threw out what was trusted, and had to fetch it. */
static void a_fault_ends_trust(void **state)
{
	const uint8_t *at;

	(void)state;
	drv_lend_open(&map, fd);
	assert_lent(0, PAGE);
	assert_lent(REGION, PAGE);
	at = find(0, PAGE);
	assert_non_null(at);
#ifdef MADV_PAGEOUT
	madvise(map.base, REGION, MADV_PAGEOUT);
#endif
	if (any_there(0, PAGE)) {
		print_message("# not tried: the kernel does not give a mapped page away\n");
		return;
	}
	assert_int_equal(send_from(at, PAGE), PAGE);
	now += 10 * MS;
	assert_null(find(REGION, PAGE)); /* of no region, of no file */
	now += 5 * SECOND - 1;
	assert_null(find(REGION, PAGE));
	now++;
	assert_non_null(find(REGION, PAGE));
}

static void trust_gets_old(void **state)
{
	(void)state;
	drv_lend_open(&map, fd);
	assert_lent(0, PAGE);
	assert_lent(REGION, PAGE);
	now += 59 * SECOND;
	assert_non_null(find(0, PAGE));
	assert_non_null(find(REGION, PAGE));
	now += 2 * SECOND;
	assert_non_null(find(0, PAGE)); /* looked at again ... */
	assert_null(find(REGION, PAGE)); /* ... as this one must be */
	assert_lent(REGION, PAGE);
}

static void rest(void **state)
{
	(void)state;
	drv_lend_open(&map, fd);
	assert_int_equal(mapped(), 0);
	assert_lent(0, PAGE);
	assert_in_range(mapped(), REGION, SIZE + PAGE);
	for (int i = 0; i < 3; i++) { /* in use each time */
		assert_non_null(find(0, PAGE));
		drv_lend_rest(&map);
		assert_in_range(mapped(), REGION, SIZE + PAGE);
	}
	drv_lend_rest(&map);
	assert_int_equal(mapped(), 0);
	drv_lend_rest(&map);
	assert_lent(0, PAGE);
	assert_in_range(mapped(), REGION, SIZE + PAGE);
	if (!forget(REGION, SIZE - REGION))
		return;
	/* it trusts nothing from before its rest */
	drv_lend_rest(&map);
	drv_lend_rest(&map);
	assert_int_equal(mapped(), 0);
	if (forget(0, SIZE))
		assert_null(find_soon(0, PAGE));
}

/* Looked at, and then not lent: that is mapped as well. */
static void rest_of_what_was_not_lent(void **state)
{
	(void)state;
	drv_lend_open(&map, fd);
	if (!forget(REGION, SIZE - REGION))
		return;
	assert_null(find_soon(REGION - PAGE, 2 * PAGE));
	assert_in_range(mapped(), REGION, SIZE + PAGE);
	drv_lend_rest(&map);
	drv_lend_rest(&map);
	assert_int_equal(mapped(), 0);
}

static void nothing_to_lend(void **state)
{
	int blind;

	(void)state;
	assert_int_equal(ftruncate(fd, 0), 0);
	drv_lend_open(&map, fd);
	assert_null(map.base);
	assert_null(find_soon(0, 1));
	assert_null(find_soon(0, 0));
	drv_lend_rest(&map);
	drv_lend_rest(&map);
	drv_lend_close(&map);
	drv_lend_close(&map);
	/* what may not be read may not be mapped */
	assert_int_equal(pwrite(fd, bytes, SIZE, 0), SIZE);
	blind = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(blind >= 0);
	drv_lend_open(&map, blind);
	assert_null(find_soon(0, 1));
	close(blind);
}

/* Who may not write somebody else's file is told that all of it is cached; that he was
 * given a descriptor to write it does not matter. */
static void somebody_elses(void **state)
{
	bool root = geteuid() == 0;
	int other = root ? dup(fd) : open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(other >= 0);
	if (root) {
		drv_lend_open(&map, other); /* root is told */
		assert_lent(0, PAGE);
		drv_lend_close(&map);
		assert_int_equal(seteuid(NOBODY), 0);
	}
	drv_lend_open(&map, other);
	assert_null(map.base);
	assert_null(find_soon(0, 100));
	if (root)
		assert_int_equal(seteuid(0), 0);
	close(other);
}

static void writes_are_seen(void **state)
{
	const uint8_t *at;

	(void)state;
	drv_lend_open(&map, fd);
	at = find_soon(REGION, PAGE);
	assert_non_null(at);
	rig_fill(bytes + REGION, PAGE, 12);
	assert_memory_not_equal(at, bytes + REGION, PAGE);
	assert_int_equal(pwrite(fd, bytes + REGION + 100, 2000, REGION + 100), 2000);
	assert_memory_equal(at + 100, bytes + REGION + 100, 2000);
	assert_int_equal(pwrite(fd, bytes + REGION, PAGE, REGION), PAGE);
	assert_memory_equal(at, bytes + REGION, PAGE);
	assert_int_equal(fsync(fd), 0);
	assert_lent(REGION, PAGE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

HARNESS_MAIN(CASE(the_bytes_of_the_file), CASE(across_regions), CASE(nothing_beyond),
	     CASE(only_what_is_cached), CASE(looks_are_rationed), CASE(doubt), CASE(torn),
	     CASE(a_fault_ends_trust), CASE(trust_gets_old), CASE(rest),
	     CASE(rest_of_what_was_not_lent), CASE(nothing_to_lend), CASE(somebody_elses),
	     CASE(writes_are_seen))
