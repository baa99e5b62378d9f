/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Maps, regions and trust (drv_lend.h).
 */
#include "config.h"

#include "gateway/loop/drv_lend.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/base/num.h"

#define PAGE_BYTES 4096u
#define REGION_PAGES (DRV_LEND_REGION / PAGE_BYTES)
/* The kernel throws out what is not used; what we lend is. */
#define TRUST_NS 60000000000
#define DOUBT_NS 1000000000 /* a region that was not all there is not looked at before */
#define OFF_NS 5000000000
#define FAULTS_EVERY_NS 10000000
/* A look takes 1 to 25 us: at most a third of the time while it is worth it, and next
 * to nothing where it is not. */
#define LOOK_AFTER_GOOD_NS 50000
#define LOOK_AFTER_BAD_NS 5000000

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

/* ---- the map ------------------------------------------------------------- */

/* mincore() says that all is there to whom it will not tell: even what cannot be,
 * behind the end. */
static bool is_told(int fd, uint64_t behind)
{
	void *at = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, fd, (off_t)behind);
	unsigned char there = 1;

	if (at == MAP_FAILED)
		return false;
	if (mincore(at, PAGE_BYTES, &there))
		there = 1;
	munmap(at, PAGE_BYTES);
	return !(there & 1);
}

static uint64_t size_of(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END); /* of devices, too */
	uint64_t bytes;

	if (end <= 0 || sizeof(void *) < 8 || sysconf(_SC_PAGESIZE) != PAGE_BYTES)
		return 0;
	bytes = num_up((uint64_t)end, PAGE_BYTES);
	return is_told(fd, bytes) ? num_min(bytes, DRV_LEND_MOST) : 0;
}

void drv_lend_open(struct drv_lend_map *map, int fd)
{
	uint64_t bytes = size_of(fd);
	uint64_t regions = num_up(bytes, DRV_LEND_REGION) / DRV_LEND_REGION;
	void *base = MAP_FAILED;

	*map = (struct drv_lend_map){ .rested = true };
	if (!bytes)
		return;
	map->known = calloc(regions, sizeof(*map->known));
	if (map->known)
		base = mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (base == MAP_FAILED) {
		free(map->known);
		map->known = NULL;
		return;
	}
	/* No MADV_RANDOM: the kernel would think that nobody uses what we lend. */
	madvise(base, bytes, MADV_DONTDUMP);
	map->base = base;
	map->bytes = bytes;
}

void drv_lend_close(struct drv_lend_map *map)
{
	if (map->base)
		munmap(map->base, map->bytes);
	free(map->known);
	*map = (struct drv_lend_map){ .base = NULL };
}

/* Whoever is sending from a page meanwhile has it mapped again. */
void drv_lend_rest(struct drv_lend_map *map)
{
	uint64_t regions = num_up(map->bytes, DRV_LEND_REGION) / DRV_LEND_REGION;
	bool used;

	if (!map->base)
		return;
	used = atomic_exchange_explicit(&map->used, false, memory_order_relaxed);
	if (!used && !map->rested) {
		for (uint64_t i = 0; i < regions; i++)
			atomic_store_explicit(&map->known[i], 0, memory_order_relaxed);
		madvise(map->base, map->bytes, MADV_DONTNEED);
	}
	map->rested = !used;
}

/* ---- trust --------------------------------------------------------------- */

static void distrust(struct drv_lend_eye *eye, int64_t now_ns)
{
	eye->off_until_ns = now_ns + OFF_NS;
	eye->trust_from_ns = eye->off_until_ns;
}

void drv_lend_torn(struct drv_lend_eye *eye, int64_t now_ns)
{
	distrust(eye, now_ns);
}

static long faults(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? 0 : usage.ru_majflt;
}

static void count_faults(struct drv_lend_eye *eye, int64_t now_ns)
{
	long now = faults();

	if (eye->faults_due_ns && now > eye->faults)
		distrust(eye, now_ns);
	eye->faults = now;
	eye->faults_due_ns = now_ns + FAULTS_EVERY_NS;
}

/* ---- regions ------------------------------------------------------------- */

static bool is_whole(const struct drv_lend_map *map, uint64_t region)
{
	uint8_t *at = map->base + region * DRV_LEND_REGION;
	size_t bytes = num_min(map->bytes - region * DRV_LEND_REGION, DRV_LEND_REGION);
	unsigned char there[REGION_PAGES];

	if (mincore(at, bytes, there))
		return false;
	for (size_t i = 0; i < bytes / PAGE_BYTES; i++)
		if (!(there[i] & 1))
			return false;
	/* All at once, rather than a fault for every sixteen pages. */
	madvise(at, bytes, MADV_POPULATE_READ);
	return true;
}

static void touch(struct drv_lend_map *map)
{
	if (!atomic_load_explicit(&map->used, memory_order_relaxed))
		atomic_store_explicit(&map->used, true, memory_order_relaxed);
}

static bool look(struct drv_lend_map *map, struct drv_lend_eye *eye, int64_t now_ns,
		 uint64_t region)
{
	long before;
	bool whole;

	if (now_ns < eye->look_due_ns)
		return false;
	before = faults();
	whole = is_whole(map, region);
	/* The kernel calls it major, too, when it only looked whether to read ahead. */
	eye->faults += faults() - before;
	if (whole)
		touch(map); /* it is mapped, lent or not */
	atomic_store_explicit(&map->known[region], (now_ns & ~1LL) | whole, memory_order_relaxed);
	eye->look_due_ns = now_ns + (whole ? LOOK_AFTER_GOOD_NS : LOOK_AFTER_BAD_NS);
	return whole;
}

static bool is_there(struct drv_lend_map *map, struct drv_lend_eye *eye, int64_t now_ns,
		     uint64_t region)
{
	int64_t known = atomic_load_explicit(&map->known[region], memory_order_relaxed);
	int64_t age_ns = now_ns - known;

	if ((known & 1) && age_ns < TRUST_NS && known >= eye->trust_from_ns)
		return true;
	if (known && !(known & 1) && age_ns < DOUBT_NS)
		return false;
	return look(map, eye, now_ns, region);
}

void drv_lend_doubt(struct drv_lend_map *map, int64_t now_ns, uint64_t offset, uint64_t length)
{
	uint64_t end = num_min(offset + length, map->bytes);

	for (uint64_t r = offset / DRV_LEND_REGION; map->base && r * DRV_LEND_REGION < end; r++)
		atomic_store_explicit(&map->known[r], now_ns & ~1LL, memory_order_relaxed);
}

const void *drv_lend_find(struct drv_lend_map *map, struct drv_lend_eye *eye, int64_t now_ns,
			  uint64_t offset, uint32_t length)
{
	uint64_t end = offset + length;

	if (!map->base || !length || end < offset || end > map->bytes)
		return NULL;
	if (now_ns >= eye->faults_due_ns)
		count_faults(eye, now_ns);
	if (now_ns < eye->off_until_ns)
		return NULL;
	for (uint64_t r = offset / DRV_LEND_REGION; r * DRV_LEND_REGION < end; r++)
		if (!is_there(map, eye, now_ns, r))
			return NULL;
	touch(map);
	return map->base + offset;
}
