/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cases for every real driver: files on a disk's file system and on tmpfs,
 * buffered and direct, and jobs.
 */
#include "config.h"

#include "tests/unit/gateway/loop/drv_cases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "gateway/loop/drv_copy.h"
#include "gateway/loop/drv_file.h"

#define SIZE (1 << 20)
#define PAGE 4096

static struct rig rig;
static char path[300];
static char *folder;
static struct drv_file *file;

/* Where files live: a real disk, and memory. */
static const char *const places[] = { "/var/tmp", "/dev/shm" };

static void open_file(unsigned flags)
{
	struct gw_err err = GW_ERR_NONE;

	if (rig.fs->ops->open(rig.fs, path, flags, &file, &err))
		fail_msg("%s", err.text);
}

static void up(const char *place, unsigned flags)
{
	rig_up(&rig);
	folder = rig_folder(place);
	assert_non_null(folder);
	snprintf(path, sizeof(path), "%s/image", folder);
	open_file(flags | DRV_OPEN_WRITE | DRV_OPEN_CREATE);
}

static void down(void)
{
	rig.fs->ops->close(rig.fs, &file);
	rig_folder_remove(folder);
	rig_down(&rig);
}

static int64_t run(enum drv_kind kind, void *buf, size_t len, uint64_t offset, unsigned flags)
{
	struct rig_op op;

	rig_file_op(&op, kind, file, buf, len, offset);
	op.op.flags = (uint8_t)flags;
	return rig_run(&rig, &op);
}

/* Every combination of page-aligned or not, in one piece. */
void reads_what_it_wrote(void **state)
{
	static const struct {
		uint64_t offset;
		size_t len;
	} rows[] = { { 0, PAGE }, { 0, SIZE },	 { PAGE, 3 * PAGE },  { 1, 1 },
		     { 5000, 7 }, { 511, PAGE }, { SIZE - 100, 100 }, { PAGE - 1, 2 } };
	char *out = malloc(SIZE), *in = malloc(SIZE);

	(void)state;
	for (int p = 0; p < 2; p++) {
		up(places[p], 0);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			rig_fill(out, rows[i].len, i);
			assert_int_equal(run(DRV_WRITE, out, rows[i].len, rows[i].offset, 0),
					 rows[i].len);
			memset(in, 0, rows[i].len);
			assert_int_equal(run(DRV_READ, in, rows[i].len, rows[i].offset, 0),
					 rows[i].len);
			assert_true(rig_same(in, rows[i].len, i));
		}
		down();
	}
	free(out);
	free(in);
}

void end_of_file(void **state)
{
	char buf[3 * PAGE];

	(void)state;
	for (int p = 0; p < 2; p++) {
		up(places[p], 0);
		assert_int_equal(run(DRV_READ, buf, 10, 0, 0), 0);
		rig_fill(buf, PAGE + 100, 1);
		assert_int_equal(run(DRV_WRITE, buf, PAGE + 100, 0, 0), PAGE + 100);
		assert_int_equal(run(DRV_READ, buf, sizeof(buf), 0, 0), PAGE + 100);
		assert_true(rig_same(buf, PAGE + 100, 1));
		assert_int_equal(run(DRV_READ, buf, sizeof(buf), PAGE + 99, 0), 1);
		assert_int_equal(run(DRV_READ, buf, sizeof(buf), PAGE + 100, 0), 0);
		assert_int_equal(run(DRV_READ, buf, sizeof(buf), 1 << 30, 0), 0);
		down();
	}
}

void holes(void **state)
{
	char buf[2 * PAGE];

	(void)state;
	for (int p = 0; p < 2; p++) {
		up(places[p], 0);
		assert_int_equal(rig.fs->ops->truncate(rig.fs, file, SIZE), 0);
		memset(buf, 1, sizeof(buf));
		assert_int_equal(run(DRV_READ, buf, sizeof(buf), 8 * PAGE, 0), sizeof(buf));
		for (size_t i = 0; i < sizeof(buf); i++)
			assert_int_equal(buf[i], 0);
		down();
	}
}

/* What is not in the cache has to come from the disk. */
void uncached(void **state)
{
	char *buf = malloc(SIZE);
	struct rig_op ops[16];
	int fd;

	(void)state;
	up(places[0], 0);
	rig_fill(buf, SIZE, 8);
	assert_int_equal(run(DRV_WRITE, buf, SIZE, 0, 0), SIZE);
	assert_int_equal(run(DRV_SYNC, NULL, 0, 0, 0), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	close(fd);
	memset(buf, 0, SIZE);
	for (size_t i = 0; i < 16; i++) {
		rig_file_op(&ops[i], DRV_READ, file, buf + i * (SIZE / 16), SIZE / 16,
			    i * (SIZE / 16));
		rig_submit(&rig, &ops[i]);
	}
	for (int i = 0; i < 16; i++) {
		rig_until(&rig, &ops[i].ends, 1);
		assert_int_equal(ops[i].res, SIZE / 16);
	}
	assert_true(rig_same(buf, SIZE, 8));
	down();
	free(buf);
}

/* A file that was made a moment ago, too. */
void lends(void **state)
{
	char *buf = malloc(SIZE);
	const uint8_t *at;

	(void)state;
	for (int p = 0; p < 2; p++) {
		up(places[p], 0);
		assert_null(loop_lend(rig.loop, file, 0, PAGE));
		assert_int_equal(rig.fs->ops->truncate(rig.fs, file, SIZE), 0);
		rig_fill(buf, SIZE, 9);
		assert_int_equal(run(DRV_WRITE, buf, SIZE, 0, 0), SIZE);
		at = loop_lend(rig.loop, file, 3, SIZE - 3);
		assert_non_null(at);
		assert_memory_equal(at, buf + 3, SIZE - 3);
		assert_ptr_equal(loop_lend(rig.loop, file, 3, 10), at);
		assert_null(loop_lend(rig.loop, file, SIZE, 1));
		rig.fs->ops->rest(rig.fs, file);
		rig.fs->ops->rest(rig.fs, file);
		rig_fill(buf, 10, 10);
		assert_int_equal(run(DRV_WRITE, buf, 10, 3, 0), 10);
		assert_memory_equal(at, buf, 10);
		loop_torn(rig.loop);
		assert_null(loop_lend(rig.loop, file, 3, 10));
		down();
	}
	free(buf);
}

/* What is mapped is copied from there; what is cut is told by the kernel. */
void copies(void **state)
{
	char *buf = malloc(SIZE), *got = calloc(1, SIZE);

	(void)state;
	rig_fill(buf, SIZE, 12);
	for (int p = 0; p < 2; p++) {
		up(places[p], 0);
		assert_int_equal(rig.fs->ops->truncate(rig.fs, file, SIZE), 0);
		assert_int_equal(run(DRV_WRITE, buf, SIZE, 0, 0), SIZE);
		assert_non_null(loop_lend(rig.loop, file, 0, PAGE)); /* mapped only now */
		atomic_store(&file->lend.used, false);
		assert_int_equal(run(DRV_READ, got, SIZE - 5, 3, 0), SIZE - 5);
		assert_memory_equal(got, buf + 3, SIZE - 5);
		assert_int_equal(atomic_load(&file->lend.used), drv_copy_ready());
		assert_int_equal(rig.fs->ops->truncate(rig.fs, file, PAGE), 0);
		assert_int_equal(run(DRV_READ, got, SIZE - 5, 3, 0), PAGE - 3);
		assert_memory_equal(got, buf + 3, PAGE - 3);
		assert_int_equal(run(DRV_READ, got, PAGE, 2 * PAGE, 0), 0);
		assert_null(loop_lend(rig.loop, file, 0, PAGE)); /* not trusted for a while */
		down();
	}
	free(buf);
	free(got);
}

/* What was punched or zeroed is not in the page cache any more. */
void lends_no_hole(void **state)
{
	char *buf = malloc(SIZE);

	(void)state;
	rig_fill(buf, SIZE, 13);
	for (int p = 0; p < 2; p++) {
		up(places[p], 0);
		assert_int_equal(rig.fs->ops->truncate(rig.fs, file, SIZE), 0);
		assert_int_equal(run(DRV_WRITE, buf, SIZE, 0, 0), SIZE);
		assert_non_null(loop_lend(rig.loop, file, 0, SIZE));
		assert_int_equal(rig.fs->ops->allocate(rig.fs, file, DRV_ALLOC_PUNCH, PAGE, PAGE),
				 0);
		assert_null(loop_lend(rig.loop, file, 0, PAGE));
		assert_int_equal(run(DRV_READ, buf, 3 * PAGE, 0, 0), 3 * PAGE);
		assert_int_equal(buf[PAGE] | buf[2 * PAGE - 1], 0);
		down();
	}
	free(buf);
}

void lends_nothing(void **state)
{
	char *buf = aligned_alloc(PAGE, SIZE);

	(void)state;
	up(places[0], DRV_OPEN_DIRECT);
	rig_fill(buf, SIZE, 9);
	assert_int_equal(rig.fs->ops->truncate(rig.fs, file, SIZE), 0);
	assert_int_equal(run(DRV_WRITE, buf, SIZE, 0, 0), SIZE);
	assert_int_equal(run(DRV_READ, buf, SIZE, 0, 0), SIZE);
	assert_null(loop_lend(rig.loop, file, 0, PAGE));
	rig.fs->ops->rest(rig.fs, file);
	down();
	free(buf);
}

void direct(void **state)
{
	char *buf = aligned_alloc(PAGE, SIZE);

	(void)state;
	up(places[0], DRV_OPEN_DIRECT);
	rig_fill(buf, SIZE, 4);
	assert_int_equal(run(DRV_WRITE, buf, SIZE, 0, 0), SIZE);
	assert_int_equal(run(DRV_WRITE, buf, SIZE, SIZE, DRV_DURABLE), SIZE);
	memset(buf, 0, SIZE);
	assert_int_equal(run(DRV_READ, buf, SIZE, SIZE, 0), SIZE);
	assert_true(rig_same(buf, SIZE, 4));
	assert_int_equal(run(DRV_SYNC, NULL, 0, 0, 0), 0);
	assert_int_equal(run(DRV_READ, buf, 100, 0, 0), -EINVAL); /* no sector */
	down();
	free(buf);
}

/* A direct read across an end that is not on a sector. */
void direct_end(void **state)
{
	char *buf = aligned_alloc(PAGE, 4 * PAGE);

	(void)state;
	up(places[0], 0);
	rig_fill(buf, PAGE + 700, 6);
	assert_int_equal(run(DRV_WRITE, buf, PAGE + 700, 0, DRV_DURABLE), PAGE + 700);
	rig.fs->ops->close(rig.fs, &file);
	open_file(DRV_OPEN_DIRECT);
	memset(buf, 0, 4 * PAGE);
	assert_int_equal(run(DRV_READ, buf, 4 * PAGE, 0, 0), PAGE + 700);
	assert_true(rig_same(buf, PAGE + 700, 6));
	assert_int_equal(run(DRV_READ, buf, PAGE, 2 * PAGE, 0), 0);
	down();
	free(buf);
}

void durable(void **state)
{
	char buf[PAGE];

	(void)state;
	for (int p = 0; p < 2; p++) {
		up(places[p], 0);
		rig_fill(buf, PAGE, 1);
		assert_int_equal(run(DRV_WRITE, buf, PAGE, 0, DRV_DURABLE), PAGE);
		if (p == 0)
			assert_int_equal(rig.fs->ops->dirty_bytes(rig.fs, file), 0);
		assert_int_equal(run(DRV_READ, buf, PAGE, 0, 0), PAGE);
		assert_true(rig_same(buf, PAGE, 1));
		down();
	}
}

void sync_clears_dirty(void **state)
{
	char *buf = calloc(1, SIZE);

	(void)state;
	for (int p = 0; p < 2; p++) {
		up(places[p], 0);
		assert_int_equal(run(DRV_WRITE, buf, SIZE, 0, 0), SIZE);
		assert_int_equal(rig.fs->ops->dirty_bytes(rig.fs, file), SIZE);
		/* a page written twice is one dirty page */
		assert_int_equal(run(DRV_WRITE, buf, SIZE, 0, 0), SIZE);
		assert_int_equal(rig.fs->ops->dirty_bytes(rig.fs, file), SIZE);
		assert_int_equal(run(DRV_SYNC, NULL, 0, 0, 0), 0);
		assert_int_equal(rig.fs->ops->dirty_bytes(rig.fs, file), 0);
		assert_int_equal(run(DRV_WRITE, buf, 100, 1, 0), 100);
		assert_int_equal(rig.fs->ops->dirty_bytes(rig.fs, file), 100);
		assert_int_equal(rig.fs->ops->sync(rig.fs, file), 0);
		assert_int_equal(rig.fs->ops->dirty_bytes(rig.fs, file), 0);
		down();
	}
	free(buf);
}

#define PIECES 3000 /* more than one system call takes */
#define PIECE 333

void scattered(void **state)
{
	static struct iovec iov[PIECES];
	static char out[PIECES * PIECE], in[PIECES * PIECE];
	struct rig_op op;

	(void)state;
	rig_fill(out, sizeof(out), 3);
	for (int p = 0; p < 2; p++) {
		up(places[p], 0);
		for (int kind = DRV_WRITE; kind >= DRV_READ; kind--) {
			char *buf = kind == DRV_WRITE ? out : in;

			memset(in, 0, sizeof(in));
			for (int i = 0; i < PIECES; i++)
				iov[i] = (struct iovec){ buf + i * PIECE, PIECE };
			rig_file_op(&op, DRV_SYNC, file, NULL, 0, 0);
			rig_run(&rig, &op);
			op.op.kind = (uint8_t)kind;
			op.op.iov = iov;
			op.op.niov = PIECES;
			op.op.offset = 17;
			loop_submit(rig.loop, &op.op);
			rig_until(&rig, &op.ends, 2);
			assert_int_equal(op.res, sizeof(out));
		}
		assert_true(rig_same(in, sizeof(in), 3));
		down();
	}
}

#define MANY 1500

/* More than any queue has room for: reads and writes, direct and buffered. */
void many_at_once(void **state)
{
	struct rig_op *ops = calloc(MANY, sizeof(*ops));
	char *buf = aligned_alloc(PAGE, MANY * PAGE);

	(void)state;
	for (int way = 0; way < 3; way++) {
		up(places[way == 2], way == 1 ? DRV_OPEN_DIRECT : 0);
		rig_fill(buf, MANY * PAGE, 11);
		for (int kind = DRV_WRITE; kind >= DRV_READ; kind--) {
			for (size_t i = 0; i < MANY; i++) {
				rig_file_op(&ops[i], (enum drv_kind)kind, file, buf + i * PAGE,
					    PAGE, i * PAGE);
				rig_submit(&rig, &ops[i]);
			}
			for (int i = 0; i < MANY; i++) {
				rig_until(&rig, &ops[i].ends, 1);
				assert_int_equal(ops[i].res, PAGE);
				assert_int_equal(ops[i].ends, 1);
			}
			if (kind == DRV_WRITE)
				memset(buf, 0, MANY * PAGE);
		}
		assert_true(rig_same(buf, MANY * PAGE, 11));
		down();
	}
	free(ops);
	free(buf);
}

/* A full file system: the write ends with its errno. */
void bad_file(void **state)
{
	char buf[PAGE] = "";

	(void)state;
	up(places[0], 0);
	assert_int_equal(run(DRV_WRITE, buf, PAGE, INT64_MAX - PAGE, 0), -EFBIG);
	assert_int_equal(run(DRV_WRITE, buf, 10, INT64_MAX - PAGE, 0), -EFBIG);
	down();
}

void read_only_file(void **state)
{
	char buf[PAGE] = "";

	(void)state;
	for (int p = 0; p < 2; p++) {
		up(places[p], 0);
		rig.fs->ops->close(rig.fs, &file);
		open_file(DRV_OPEN_READ);
		assert_int_equal(run(DRV_WRITE, buf, PAGE, 0, 0), -EBADF);
		assert_int_equal(run(DRV_WRITE, buf, 10, 0, 0), -EBADF);
		assert_int_equal(run(DRV_READ, buf, 10, 0, 0), 0);
		down();
	}
}

/* ---- jobs --------------------------------------------------------------- */

static int64_t job(struct drv_op *op)
{
	usleep(1000);
	return (int64_t)op->offset + 1;
}

void runs_jobs(void **state)
{
	struct rig_op op = { .op = { .kind = DRV_JOB, .job = job } };

	(void)state;
	rig_up(&rig);
	for (uint64_t i = 0; i < 50; i++) {
		op.op.offset = i;
		assert_int_equal(rig_run(&rig, &op), i + 1);
	}
	loop_cancel(rig.loop, &op.op); /* no effect */
	rig_down(&rig);
}

void many_jobs(void **state)
{
	struct rig_op *ops = calloc(MANY, sizeof(*ops));

	(void)state;
	rig_up(&rig);
	for (uint64_t i = 0; i < MANY; i++) {
		ops[i].op = (struct drv_op){ .kind = DRV_JOB, .job = job, .offset = i };
		rig_submit(&rig, &ops[i]);
		loop_cancel(rig.loop, &ops[i].op);
	}
	for (int i = 0; i < MANY; i++) {
		rig_until(&rig, &ops[i].ends, 1);
		assert_int_equal(ops[i].res, i + 1);
	}
	rig_down(&rig);
	free(ops);
}
