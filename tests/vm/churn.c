/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * churn: random operations on one file, each checked against a copy in memory:
 *
 *	churn FILE SEED COUNT		does them, and leaves the file
 *	churn -c FILE SEED COUNT	compares a file with what they would leave
 *
 * Writes and reads, buffered, direct and mapped, truncation, holes, zeroed
 * ranges, fsync, and pages thrown out of the cache, so that the device is read
 * again.  The same seed is the same story, here and after a remount.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	FILE_MAX = 1 << 20,
	RANGE_MAX = 96 << 10,
	DIRECT = 4096, /* alignment that suits every block size of the tests */
};

struct range {
	uint32_t at, length;
};

static const char *path;
static int fd = -1, direct = -1; /* both -1: only the copy is worked on */
static uint64_t state; /* of the random numbers */
static unsigned step;
static uint32_t size; /* of the file, and of the copy's valid part */
static uint8_t copy[FILE_MAX]; /* zeroes behind size */
static uint8_t *buffer; /* FILE_MAX bytes, aligned */

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "churn: %s: step %u: ", path, step);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static uint32_t chance(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 20) % below);
}

/* A range below `limit`; perhaps empty if limit is zero. */
static struct range range_below(uint32_t limit)
{
	struct range r = { 0, 0 };

	if (!limit)
		return r;
	r.at = chance(limit);
	r.length = 1 + chance(RANGE_MAX);
	if (r.length > limit - r.at)
		r.length = limit - r.at;
	return r;
}

static struct range aligned(struct range r)
{
	r.at -= r.at % DIRECT;
	r.length = (r.length + DIRECT - 1) / DIRECT * DIRECT;
	if (r.length > FILE_MAX - r.at)
		r.length = FILE_MAX - r.at;
	return r;
}

static void invent(struct range r)
{
	uint64_t x = state * 0x9e3779b97f4a7c15u + step;

	for (uint32_t i = 0; i < r.length; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		copy[r.at + i] = (uint8_t)(x >> 56);
	}
}

static void grow(struct range r)
{
	if (r.at + r.length > size)
		size = r.at + r.length;
}

static void compare(const char *how, const uint8_t *got, struct range r)
{
	for (uint32_t i = 0; i < r.length; i++)
		if (got[i] != copy[r.at + i])
			fail("%s of %u bytes at %u: byte %u is %02x, not %02x", how, r.length, r.at,
			     r.at + i, got[i], copy[r.at + i]);
}

/* ---- the operations ----------------------------------------------------- */

static void write_by(int file, struct range r)
{
	invent(r);
	grow(r);
	if (file < 0)
		return;
	memcpy(buffer, copy + r.at, r.length);
	if (pwrite(file, buffer, r.length, r.at) != (ssize_t)r.length)
		fail("write of %u bytes at %u: %s", r.length, r.at, strerror(errno));
}

static void read_by(int file, const char *how, struct range r)
{
	ssize_t n;

	if (file < 0)
		return;
	n = pread(file, buffer, r.length, r.at);
	if (n < 0)
		fail("%s of %u bytes at %u: %s", how, r.length, r.at, strerror(errno));
	if (r.length > size - r.at)
		r.length = size - r.at; /* an aligned range may pass the end */
	if (n != (ssize_t)r.length)
		fail("%s of %u bytes at %u: only %zd", how, r.length, r.at, n);
	compare(how, buffer, r);
}

static void mapped(bool writing, struct range r)
{
	uint32_t skip = r.at % DIRECT;
	uint8_t *map;

	if (writing)
		invent(r);
	if (fd < 0 || !r.length)
		return;
	map = mmap(NULL, skip + r.length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, r.at - skip);
	if (map == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	if (writing)
		memcpy(map + skip, copy + r.at, r.length);
	else
		compare("mapped read", map + skip, r);
	if (munmap(map, skip + r.length))
		fail("munmap: %s", strerror(errno));
}

static void truncate_to(uint32_t to)
{
	if (to < size)
		memset(copy + to, 0, size - to);
	size = to;
	if (fd >= 0 && ftruncate(fd, to))
		fail("ftruncate to %u: %s", to, strerror(errno));
}

static void blank(int mode, struct range r)
{
	memset(copy + r.at, 0, r.length);
	if (fd >= 0 && r.length && fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, r.at, r.length))
		fail("fallocate %d of %u bytes at %u: %s", mode, r.length, r.at, strerror(errno));
}

static void settle(bool forget)
{
	if (fd < 0)
		return;
	if (fsync(fd))
		fail("fsync: %s", strerror(errno));
	if (forget)
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void one_step(void)
{
	switch (chance(16)) {
	case 0 ... 3:
		write_by(fd, range_below(FILE_MAX));
		break;
	case 4 ... 5:
		write_by(direct, aligned(range_below(FILE_MAX)));
		break;
	case 6 ... 7:
		read_by(fd, "read", range_below(size));
		break;
	case 8:
		read_by(direct, "direct read", aligned(range_below(size)));
		break;
	case 9:
		mapped(true, range_below(size));
		break;
	case 10:
		mapped(false, range_below(size));
		break;
	case 11:
		truncate_to(chance(FILE_MAX));
		break;
	case 12:
		blank(FALLOC_FL_PUNCH_HOLE, range_below(size));
		break;
	case 13:
		blank(FALLOC_FL_ZERO_RANGE, range_below(size));
		break;
	case 14:
		settle(false);
		break;
	case 15:
		settle(true);
		break;
	}
}

static void check_whole(const char *how)
{
	off_t end = lseek(fd, 0, SEEK_END);

	if (end != (off_t)size)
		fail("%s: the file has %lld bytes, not %u", how, (long long)end, size);
	read_by(fd, how, (struct range){ 0, size });
}

int main(int argc, char **argv)
{
	bool only_check = argc > 1 && !strcmp(argv[1], "-c");
	unsigned count;

	if (argc - only_check != 4) {
		fprintf(stderr, "usage: churn [-c] FILE SEED COUNT\n");
		return 2;
	}
	argv += only_check;
	path = argv[1];
	state = strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15u + 1;
	count = (unsigned)strtoul(argv[3], NULL, 0);
	buffer = mmap(NULL, FILE_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer == MAP_FAILED)
		fail("no memory");
	if (!only_check) {
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
		direct = open(path, O_RDWR | O_DIRECT);
		if (fd < 0 || direct < 0)
			fail("open: %s", strerror(errno));
	}
	for (step = 1; step <= count; step++)
		one_step();
	if (only_check)
		fd = open(path, O_RDONLY);
	if (fd < 0)
		fail("open: %s", strerror(errno));
	check_whole("the whole file");
	if (!only_check)
		settle(true);
	check_whole("the whole file, read again");
	return 0;
}
