/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When to split a large folio, and how (drv_folio.h).  The kernel splits one
 * when only a part of it is told to be cold (MADV_COLD): the rest may be hot,
 * so it cannot be moved as a whole any more.
 */
#include "config.h"

#include "gateway/loop/drv_folio.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/uio.h>

#define PAGE_BYTES 4096U
#define SMALL_BYTES (4 * PAGE_BYTES)
/* What a small write may take, without and with each of its pages. */
#define FAIR_NS 4000
#define FAIR_PAGE_NS 2000
/* One dear write weighs as much as three cheap ones: where a quarter are dear
 * it pays; a processor lost now and then is not mistaken for it. */
#define SCORE_DEAR 3
#define SCORE_DUE 18
#define SCORE_MOST 64
/* Splitting goes on for that long after writes were dear last.  To stop with
 * the first cheap ones would let the rest become dirty, hence unsplittable. */
#define ON_FOR_NS ((int64_t)10000000000)
#define FORGET_AFTER_NS 1000000000
/* Each try is paid for by so many small writes; that much may be owed, which
 * is 1 GiB of places. */
#define TRY_COSTS 16
#define DEBT_MOST (4096 * TRY_COSTS)

static bool mark(struct drv_folio *folio, uint64_t offset)
{
	uint64_t place = offset / DRV_FOLIO_PLACE_BYTES % DRV_FOLIO_PLACES;
	atomic_uint_fast64_t *word = &folio->tried[place / 64];
	uint64_t bit = (uint64_t)1 << place % 64;

	if (atomic_load_explicit(word, memory_order_relaxed) & bit)
		return false;
	return !(atomic_fetch_or_explicit(word, bit, memory_order_relaxed) & bit);
}

static bool is_dear(struct drv_folio *folio)
{
	return atomic_load_explicit(&folio->score, memory_order_relaxed) >= SCORE_DUE;
}

/* While writes stay dear, what could not be split is tried again. */
static void forget_in_time(struct drv_folio *folio, int64_t now_ns)
{
	if (now_ns < atomic_load_explicit(&folio->forget_ns, memory_order_relaxed))
		return;
	atomic_store_explicit(&folio->forget_ns, now_ns + FORGET_AFTER_NS, memory_order_relaxed);
	for (size_t i = 0; i < DRV_FOLIO_PLACES / 64; i++)
		atomic_store_explicit(&folio->tried[i], 0, memory_order_relaxed);
}

static bool is_on(struct drv_folio *folio, int64_t now_ns)
{
	if (is_dear(folio)) {
		atomic_store_explicit(&folio->on_until_ns, now_ns + ON_FOR_NS,
				      memory_order_relaxed);
		forget_in_time(folio, now_ns);
		return true;
	}
	return now_ns < atomic_load_explicit(&folio->on_until_ns, memory_order_relaxed);
}

/* The counters are estimates: of two loops at once one may count for both. */
bool drv_folio_is_due(struct drv_folio *folio, uint64_t offset, uint64_t bytes, int64_t now_ns)
{
	int debt;

	if (bytes > SMALL_BYTES || !is_on(folio, now_ns))
		return false;
	debt = atomic_load_explicit(&folio->debt, memory_order_relaxed);
	if (debt > DEBT_MOST - TRY_COSTS || !mark(folio, offset))
		return false;
	atomic_store_explicit(&folio->debt, debt + TRY_COSTS, memory_order_relaxed);
	return true;
}

void drv_folio_judge(struct drv_folio *folio, uint64_t bytes, int64_t took_ns)
{
	int64_t fair_ns = FAIR_NS + FAIR_PAGE_NS * (int64_t)(bytes / PAGE_BYTES);
	int score, debt;

	if (bytes > SMALL_BYTES)
		return;
	score = atomic_load_explicit(&folio->score, memory_order_relaxed);
	if (took_ns > fair_ns && score <= SCORE_MOST - SCORE_DEAR)
		atomic_store_explicit(&folio->score, score + SCORE_DEAR, memory_order_relaxed);
	else if (took_ns <= fair_ns && score > 0)
		atomic_store_explicit(&folio->score, score - 1, memory_order_relaxed);
	debt = atomic_load_explicit(&folio->debt, memory_order_relaxed);
	if (debt > 0)
		atomic_store_explicit(&folio->debt, debt - 1, memory_order_relaxed);
}

/* A page that is not there would be fetched from the disk. */
static bool is_cached(int fd, uint64_t offset)
{
	char byte;
	struct iovec iov = { &byte, 1 };

	return preadv2(fd, &iov, 1, (off_t)offset, RWF_NOWAIT) == 1;
}

void drv_folio_split(int fd, uint64_t offset)
{
	off_t at = (off_t)(offset - offset % PAGE_BYTES);
	void *page;

	if (!is_cached(fd, offset))
		return;
	/* Only what is mapped can be cold.  Nothing of ours ever touches the
	 * mapping, so a file that shrinks meanwhile does no harm. */
	page = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, at);
	if (page == MAP_FAILED)
		return;
	madvise(page, PAGE_BYTES, MADV_COLD);
	munmap(page, PAGE_BYTES);
}
