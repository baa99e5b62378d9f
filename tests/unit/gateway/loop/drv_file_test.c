/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the driver decides: what ends inline and what does not, the budget and
 * the push, the slow file, the counters.
 */
#include "config.h"

#include "tests/unit/gateway/loop/rig.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gateway/loop/drv_file.h"

#define PAGE 4096
#define PAGES 64

const struct drv_ops *rig_driver = &drv_aio;

static char *folder;
static char buf[PAGES * PAGE];

static struct drv_file *make(const char *place)
{
	char path[300];
	struct drv_file *file;
	int fd;

	folder = rig_folder(place);
	assert_non_null(folder);
	snprintf(path, sizeof(path), "%s/image", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	file = drv_file_create(fd, path);
	assert_non_null(file);
	return file;
}

static void done(struct drv_file *file)
{
	drv_file_close(&file);
	assert_null(file);
	rig_folder_remove(folder);
}

/* Did it end inline? */
static bool inlined(struct drv_file *file, enum drv_kind kind, size_t len, uint64_t offset,
		    unsigned flags, struct loop_pool *pool)
{
	struct iovec iov = { buf, len };
	struct drv_op op = { .kind = (uint8_t)kind, .flags = (uint8_t)flags, .file = file };
	int64_t res = -1;
	bool ended;

	op.iov = &iov;
	op.niov = 1;
	op.offset = offset;
	drv_op_rewind(&op);
	ended = drv_file_try(&op, pool, &res);
	if (!ended)
		assert_int_equal(drv_file_work(&op), kind == DRV_SYNC ? 0 : (int64_t)len);
	else
		assert_int_equal(res, kind == DRV_SYNC ? 0 : (int64_t)len);
	return ended;
}

/* The kernel may keep a page that somebody is just looking at: then once more. */
static bool is_fetched_once_it_was_dropped(struct drv_file *file)
{
	for (int i = 0; i < 200; i++) {
		posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
		if (!inlined(file, DRV_READ, PAGE, 0, 0, NULL))
			return true;
		usleep(1000);
	}
	return false;
}

static void on_a_disk(void **state)
{
	struct drv_file *file = make("/var/tmp");

	(void)state;
	assert_false(file->in_memory);
	assert_true(inlined(file, DRV_WRITE, 2 * PAGE, 0, 0, NULL));
	assert_false(inlined(file, DRV_WRITE, 100, 0, 0, NULL)); /* part of a page */
	assert_false(inlined(file, DRV_WRITE, PAGE, 100, 0, NULL));
	assert_false(inlined(file, DRV_WRITE, PAGE, 0, DRV_DURABLE, NULL));
	assert_true(inlined(file, DRV_READ, 2 * PAGE, 0, 0, NULL)); /* in the cache */
	assert_true(inlined(file, DRV_READ, 17, 3, 0, NULL));
	assert_false(inlined(file, DRV_SYNC, 0, 0, 0, NULL));
	fdatasync(file->fd);
	assert_true(is_fetched_once_it_was_dropped(file));
	file->direct = true;
	assert_false(inlined(file, DRV_READ, PAGE, 0, 0, NULL));
	file->direct = false;
	done(file);
}

static void in_memory(void **state)
{
	struct drv_file *file = make("/dev/shm");

	(void)state;
	assert_true(file->in_memory);
	assert_true(inlined(file, DRV_WRITE, 5000, 7, 0, NULL));
	assert_true(inlined(file, DRV_WRITE, 100, 0, DRV_DURABLE, NULL));
	assert_true(inlined(file, DRV_READ, 5000, 7, 0, NULL));
	assert_true(inlined(file, DRV_SYNC, 0, 0, 0, NULL));
	assert_int_equal(drv_file_dirty(file), 0);
	done(file);
}

/* A call that waited; one that only took long. */
static void pretend(struct drv_file *file, int wait_us, int busy_us)
{
	struct drv_file_watch watch;
	struct timespec from, now;

	assert_true(drv_file_begin(file, &watch));
	if (wait_us)
		usleep((unsigned)wait_us);
	clock_gettime(CLOCK_MONOTONIC, &from);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - from.tv_sec) * 1000000 + (now.tv_nsec - from.tv_nsec) / 1000 <
	       busy_us);
	drv_file_end(file, &watch, PAGE);
}

static bool is_slow(struct drv_file *file)
{
	struct drv_file_watch watch;

	return !drv_file_begin(file, &watch);
}

static void slow_for_a_while(void **state)
{
	struct drv_file *file = make("/var/tmp");

	(void)state;
	pretend(file, 0, 1500);
	pretend(file, 0, 1500);
	assert_false(is_slow(file)); /* busy is not blocked */
	pretend(file, 2000, 0);
	assert_true(is_slow(file));
	assert_false(inlined(file, DRV_WRITE, PAGE, 0, 0, NULL));
	assert_true(inlined(file, DRV_READ, PAGE, 0, 0, NULL)); /* cannot wait */
	usleep(110000);
	assert_true(inlined(file, DRV_WRITE, PAGE, 0, 0, NULL));
	done(file);
}

/* Where small writes are dear, the folio is split before the write, on a disk. */
static void dear_writes_split(void **state)
{
	static const char *const places[] = { "/var/tmp", "/dev/shm" };

	(void)state;
	for (int memory = 0; memory < 2; memory++) {
		struct drv_file *file = make(places[memory]);

		assert_true(inlined(file, DRV_WRITE, PAGE, 0, 0, NULL));
		assert_int_equal(atomic_load(&file->folio.debt), 0);
		for (int i = 0; i < 10; i++)
			drv_folio_judge(&file->folio, PAGE, 1000000);
		assert_true(inlined(file, DRV_READ, PAGE, 0, 0, NULL));
		assert_int_equal(atomic_load(&file->folio.debt), 0);
		assert_true(inlined(file, DRV_WRITE, PAGE, 0, 0, NULL));
		assert_int_equal(atomic_load(&file->folio.debt) > 0, !memory);
		done(file);
	}
}

/* It goes by what the kernel lets be dirty, which moves a little. */
static void budget_of_this_system(void **state)
{
	struct drv_file *file = make("/var/tmp");
	FILE *stat = fopen("/proc/vmstat", "re");
	unsigned long long pages = 0;
	char line[100];
	double want;

	(void)state;
	assert_non_null(stat);
	while (fgets(line, sizeof(line), stat))
		if (sscanf(line, "nr_dirty_background_threshold %llu", &pages) == 1)
			break;
	fclose(stat);
	want = (double)pages * (double)sysconf(_SC_PAGESIZE);
	if (want > 64 << 20)
		assert_true((double)file->budget > 0.5 * want && (double)file->budget < 2 * want);
	else
		assert_in_range(file->budget, 64 << 20, UINT64_MAX);
	done(file);
}

static void budget_and_push(void **state)
{
	struct drv_file *file = make("/var/tmp");
	struct loop_pool *pool = NULL;
	int i;

	(void)state;
	assert_int_equal(loop_pool_create(2, &pool, NULL), 0);
	file->budget = 16 * PAGE;
	for (i = 0; i < 16; i++)
		assert_true(inlined(file, DRV_WRITE, PAGE, (uint64_t)i * PAGE, 0, NULL));
	assert_false(inlined(file, DRV_WRITE, PAGE, (uint64_t)i * PAGE, 0, NULL)); /* full */
	/* with helpers, the bytes are pushed out and it goes on */
	inlined(file, DRV_WRITE, PAGE, 0, 0, pool);
	for (i = 0; i < 1000 && !inlined(file, DRV_WRITE, PAGE, 0, 0, pool); i++)
		usleep(10000);
	assert_in_range(i, 0, 999);
	assert_int_not_equal(drv_file_dirty(file), 0); /* pushed is not synced */
	/* a sync makes room as well */
	assert_false(inlined(file, DRV_SYNC, 0, 0, 0, pool));
	assert_int_equal(drv_file_dirty(file), 0);
	/* closing does not wait for a push: it goes with the last of both */
	for (i = 0; i < 12; i++)
		inlined(file, DRV_WRITE, PAGE, (uint64_t)i * PAGE, 0, pool);
	drv_file_close(&file);
	loop_pool_destroy(&pool);
	rig_folder_remove(folder);
}

static void marks(void **state)
{
	struct drv_file *file = make("/var/tmp");
	uint64_t a, b;

	(void)state;
	drv_file_wrote(file, 1000, 1000);
	a = drv_file_mark(file);
	drv_file_wrote(file, 500, 1500);
	b = drv_file_mark(file);
	drv_file_synced(file, b);
	assert_int_equal(drv_file_dirty(file), 0);
	drv_file_synced(file, a); /* late, and overtaken */
	assert_int_equal(drv_file_dirty(file), 0);
	drv_file_wrote(file, 300, 300);
	drv_file_synced(file, a);
	assert_int_equal(drv_file_dirty(file), 300);
	drv_file_wrote(file, 1 << 20, 300);
	assert_int_equal(drv_file_dirty(file), 1500); /* no more than the file has */
	done(file);
}

HARNESS_MAIN(cmocka_unit_test(on_a_disk), cmocka_unit_test(in_memory),
	     cmocka_unit_test(slow_for_a_while), cmocka_unit_test(dear_writes_split),
	     cmocka_unit_test(budget_of_this_system), cmocka_unit_test(budget_and_push),
	     cmocka_unit_test(marks))
