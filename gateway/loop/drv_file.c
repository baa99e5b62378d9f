/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a file's bytes move (drv_file.h).  Measured on ext4: a cached 4 KiB read
 * costs the same inline and by ring; a buffered write 2.1 us inline and 5.7 us
 * by ring, which always wakes a worker (into a large folio both cost far more:
 * drv_folio.h); on tmpfs a read takes 1.2 us inline and 3 us by ring.  So:
 * inline unless it could wait, and a call that did wait sends its file to the
 * queue for a while.
 */
#include "config.h"

#include "gateway/loop/drv_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "gateway/base/check.h"
#include "gateway/base/num.h"
#include "gateway/base/str.h"
#include "gateway/base/table.h"
#include "gateway/loop/drv_dev.h"

#define TAG GW_TAG('f', 'i', 'l', 'e')
#define PAGE_BYTES 4096
/* An inline call is slow above this, and so is each further piece of it. */
#define SLOW_NS 1000000
#define SLOW_PIECE_BYTES (256 << 10)
#define SLOW_FOR_NS 100000000
#define SUSPECT_FOR_NS 1000000000
/* Where the kernel does not say what it lets be dirty: a share of the memory. */
#define BUDGET_MEMORY_SHARE 20
#define BUDGET_LEAST (64ULL << 20)
#define VMSTAT_LINE_MOST 100
/* O_DIRECT: less than this cannot be asked for again; it was the end. */
#define SECTOR_BYTES 512

static int64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* ---- life --------------------------------------------------------------- */

/* A device's node is on a file system in memory; its bytes are not. */
static bool is_in_memory(int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || fstatfs(fd, &fs))
		return false;
	return fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC;
}

/* A buffered write waits for nobody but the page cache on these; on a file system
 * that asks a server, or a process of this machine, it could wait for ever. */
static bool is_local(int fd)
{
	static const long local[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
				      F2FS_SUPER_MAGIC, TMPFS_MAGIC,	 RAMFS_MAGIC };
	struct statfs fs;
	struct stat st;

	if (!fstat(fd, &st) && S_ISBLK(st.st_mode))
		return true;
	if (fstatfs(fd, &fs))
		return false;
	for (size_t i = 0; i < TABLE_LEN(local); i++)
		if (fs.f_type == local[i])
			return true;
	return false;
}

static bool knows_nowait(int fd)
{
	char byte;
	struct iovec iov = { &byte, 1 };

	return preadv2(fd, &iov, 1, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN;
}

/* Bytes that may be dirty before the kernel itself begins to write them back; it
 * makes writers wait at about one and a half times as many.  0: not told. */
static uint64_t kernel_budget(void)
{
	static const char name[] = "nr_dirty_background_threshold ";
	char line[VMSTAT_LINE_MOST];
	uint64_t pages = 0;
	FILE *stat = fopen("/proc/vmstat", "re");

	if (!stat)
		return 0;
	while (!pages && fgets(line, sizeof(line), stat)) {
		line[strcspn(line, "\n")] = 0;
		if (str_starts(line, name))
			str_parse_u64(line + sizeof(name) - 1, &pages);
	}
	fclose(stat);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* To push earlier than the kernel would only writes twice what is written twice. */
static uint64_t choose_budget(void)
{
	uint64_t budget = kernel_budget();

	if (!budget)
		budget = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) /
			 BUDGET_MEMORY_SHARE;
	return num_max(budget, BUDGET_LEAST);
}

static int open_again(int fd)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

struct drv_file *drv_file_create(int fd, const char *path)
{
	struct drv_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->path = strdup(path);
	if (!file->path) {
		free(file);
		return NULL;
	}
	file->fd = fd;
	file->push_fd = open_again(fd);
	file->budget = choose_budget();
	file->in_memory = is_in_memory(fd);
	file->local = is_local(fd);
	atomic_init(&file->nowait, knows_nowait(fd));
	atomic_init(&file->refs, 1);
	gw_tag_set(file, TAG);
	return file;
}

/* O_DIRECT goes round the cache; a page fault where others are asked could take for ever. */
void drv_file_map(struct drv_file *file)
{
	if (!file->direct && (file->local || file->in_memory) && !file->lend.base &&
	    !drv_dev_is_remote(file->fd))
		drv_lend_open(&file->lend, file->fd);
}

void drv_file_doubt(struct drv_file *file, uint64_t offset, uint64_t length)
{
	drv_lend_doubt(&file->lend, clock_ns(), offset, length);
}

static void drop(struct drv_file *file)
{
	if (atomic_fetch_sub(&file->refs, 1) != 1)
		return;
	drv_lend_close(&file->lend);
	close(file->fd);
	if (file->push_fd >= 0)
		close(file->push_fd);
	gw_tag_wipe(file);
	free(file->path);
	free(file);
}

void drv_file_close(struct drv_file **address)
{
	struct drv_file *file = *address;

	if (!file)
		return;
	gw_tag_check(file, TAG);
	*address = NULL;
	drop(file); /* a push in flight closes it a moment later */
}

/* ---- what is written, pushed, synced ------------------------------------ */

/* Counters only rise; who comes late with a lower value changes nothing. */
static void raise_to(atomic_uint_fast64_t *counter, uint64_t value)
{
	uint_fast64_t old = atomic_load_explicit(counter, memory_order_relaxed);

	while (old < value &&
	       !atomic_compare_exchange_weak_explicit(counter, &old, value, memory_order_relaxed,
						      memory_order_relaxed))
		;
}

void drv_file_wrote(struct drv_file *file, uint64_t bytes, uint64_t end)
{
	atomic_fetch_add_explicit(&file->written, bytes, memory_order_relaxed);
	raise_to(&file->size, end);
}

uint64_t drv_file_mark(struct drv_file *file)
{
	return atomic_load_explicit(&file->written, memory_order_relaxed);
}

void drv_file_synced(struct drv_file *file, uint64_t mark)
{
	raise_to(&file->pushed, mark);
	raise_to(&file->synced, mark);
}

uint64_t drv_file_dirty(struct drv_file *file)
{
	uint64_t synced = atomic_load_explicit(&file->synced, memory_order_relaxed);
	uint64_t size = atomic_load_explicit(&file->size, memory_order_relaxed);

	return num_min(drv_file_mark(file) - synced, size);
}

static uint64_t window(struct drv_file *file)
{
	uint64_t pushed = atomic_load_explicit(&file->pushed, memory_order_relaxed);
	uint64_t size = atomic_load_explicit(&file->size, memory_order_relaxed);

	/* A page written twice is dirty once: no more than the file has. */
	return num_min(drv_file_mark(file) - pushed, size);
}

static void push(struct loop_mail *mail)
{
	struct drv_file *file = (struct drv_file *)((char *)mail - offsetof(struct drv_file, push));
	uint64_t mark = drv_file_mark(file);

	/* Waiting for the previous round keeps both below the disk's pace.  A page that
	 * could not be written is told once to each open file; this one has a file of
	 * its own, so the next sync still hears of it. */
	sync_file_range(file->push_fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE);
	raise_to(&file->pushed, mark);
	atomic_store(&file->pushing, false);
	drop(file);
}

static void push_if_much(struct drv_file *file, struct loop_pool *pool)
{
	if (window(file) < file->budget / 2 || !pool || file->push_fd < 0 ||
	    atomic_load(&file->pushing))
		return;
	if (atomic_exchange(&file->pushing, true))
		return;
	atomic_fetch_add(&file->refs, 1);
	file->push.run = push;
	loop_pool_add(pool, &file->push);
}

/* ---- inline ------------------------------------------------------------- */

/* How often this thread gave up its processor to wait. */
long drv_file_switches(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? -1 : usage.ru_nvcsw;
}

bool drv_file_begin(struct drv_file *file, struct drv_file_watch *watch)
{
	watch->began_ns = clock_ns();
	watch->switches = -1;
	if (watch->began_ns < atomic_load_explicit(&file->slow_until_ns, memory_order_relaxed))
		return false;
	if (watch->began_ns < atomic_load_explicit(&file->suspect_until_ns, memory_order_relaxed))
		watch->switches = drv_file_switches();
	return true;
}

/* A call that took long either waited or lost its processor to somebody else,
 * for which the file cannot be blamed.  Counting the waits costs a system call,
 * so it is done only once there is a suspicion. */
int64_t drv_file_end(struct drv_file *file, const struct drv_file_watch *watch, uint64_t bytes)
{
	int64_t now_ns = clock_ns();
	int64_t took_ns = now_ns - watch->began_ns;
	int64_t fair_ns = SLOW_NS * (int64_t)(1 + bytes / SLOW_PIECE_BYTES);

	if (took_ns <= fair_ns)
		return took_ns;
	atomic_store_explicit(&file->suspect_until_ns, now_ns + SUSPECT_FOR_NS,
			      memory_order_relaxed);
	if (watch->switches >= 0 && drv_file_switches() > watch->switches)
		atomic_store_explicit(&file->slow_until_ns, now_ns + SLOW_FOR_NS,
				      memory_order_relaxed);
	return took_ns;
}

static ssize_t one_call(struct drv_op *op, int flags)
{
	struct iovec *iov = drv_op_iov(op);
	int n = (int)drv_op_niov(op);
	off_t at = (off_t)(op->offset + drv_op_finished(op));
	ssize_t got;

	do
		if (op->kind == DRV_READ)
			got = preadv2(op->file->fd, iov, n, at, flags);
		else
			got = pwritev2(op->file->fd, iov, n, at, flags);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

/* Only what is in the page cache; the queue fetches the rest. */
static bool try_cached_read(struct drv_op *op, int64_t *res)
{
	ssize_t n = one_call(op, RWF_NOWAIT);

	if (n == -EOPNOTSUPP)
		atomic_store_explicit(&op->file->nowait, false, memory_order_relaxed);
	if (n < 0) /* a real error comes again, where it is waited for */
		return false;
	/* Short is either the end or a page that is not there: the queue knows.
	 * Nothing at all is the end. */
	return drv_file_step(op, n, res);
}

static bool may_write_inline(struct drv_op *op)
{
	struct drv_file *file = op->file;

	if (file->in_memory)
		return true;
	if (!file->local || op->flags & DRV_DURABLE)
		return false;
	/* Part of a page may have to be read first. */
	if ((op->offset | drv_op_left(op)) % PAGE_BYTES)
		return false;
	return window(file) + drv_op_left(op) <= file->budget;
}

/* Large folios make small writes dear (drv_folio.h). */
static void split_if_due(struct drv_op *op, struct drv_file_watch *watch)
{
	struct drv_file *file = op->file;

	if (file->in_memory || op->kind != DRV_WRITE ||
	    !drv_folio_is_due(&file->folio, op->offset, drv_op_left(op), watch->began_ns))
		return;
	drv_folio_split(file->push_fd, op->offset);
	watch->began_ns = clock_ns();
}

static bool try_timed(struct drv_op *op, int64_t *res)
{
	struct drv_file *file = op->file;
	uint64_t bytes = drv_op_left(op);
	struct drv_file_watch watch;
	int64_t took_ns;
	bool ended;

	if (!drv_file_begin(file, &watch))
		return false;
	split_if_due(op, &watch);
	do
		ended = drv_file_step(op, one_call(op, 0), res);
	while (!ended);
	took_ns = drv_file_end(file, &watch, bytes);
	if (op->kind == DRV_WRITE)
		drv_folio_judge(&file->folio, bytes, took_ns);
	return true;
}

bool drv_file_try(struct drv_op *op, struct loop_pool *pool, int64_t *res)
{
	struct drv_file *file = op->file;

	gw_tag_check(file, TAG);
	if (op->kind == DRV_SYNC) {
		op->priv[DRV_OP_MARK] = drv_file_mark(file);
		return file->in_memory && drv_file_step(op, 0, res);
	}
	if (file->direct && !file->in_memory)
		return false;
	if (op->kind == DRV_WRITE) {
		push_if_much(file, pool);
		return may_write_inline(op) && try_timed(op, res);
	}
	if (file->in_memory)
		return try_timed(op, res);
	return atomic_load_explicit(&file->nowait, memory_order_relaxed) &&
	       try_cached_read(op, res);
}

/* ---- steps and helpers -------------------------------------------------- */

static bool finish(struct drv_op *op, int64_t *res)
{
	uint64_t bytes = drv_op_finished(op);

	if (op->kind == DRV_WRITE && !(op->flags & DRV_DURABLE))
		drv_file_wrote(op->file, bytes, op->offset + bytes);
	*res = (int64_t)bytes;
	return true;
}

bool drv_file_step(struct drv_op *op, int64_t n, int64_t *res)
{
	if (n == -EINTR)
		return false;
	if (n < 0) {
		*res = n;
		return true;
	}
	if (op->kind == DRV_SYNC) {
		drv_file_synced(op->file, op->priv[DRV_OP_MARK]);
		*res = 0;
		return true;
	}
	drv_op_advance(op, (uint64_t)n);
	if (!drv_op_left(op))
		return finish(op, res);
	if (op->kind == DRV_READ && (!n || (op->file->direct && n % SECTOR_BYTES)))
		return finish(op, res); /* the end of the file */
	if (!n) {
		*res = -EIO; /* a write that does not move */
		return true;
	}
	return false;
}

static int64_t sync_now(struct drv_file *file)
{
	uint64_t mark = drv_file_mark(file);

	while (fdatasync(file->fd))
		if (errno != EINTR)
			return -errno;
	drv_file_synced(file, mark);
	return 0;
}

int64_t drv_file_work(struct drv_op *op)
{
	int flags = op->kind == DRV_WRITE && (op->flags & DRV_DURABLE) ? RWF_DSYNC : 0;
	uint64_t done = drv_op_finished(op);
	int64_t res;

	if (op->kind == DRV_SYNC)
		return sync_now(op->file);
	/* The closure lay over the cursor; what is done has been emptied. */
	drv_op_rewind(op);
	if (op->kind == DRV_WRITE)
		drv_file_wrote(op->file, done, op->offset + done);
	op->offset += done;
	while (!drv_file_step(op, one_call(op, flags), &res))
		;
	op->offset -= done;
	return res < 0 ? res : res + (int64_t)done;
}
