/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters and histograms.  One loop writes, anybody reads, nobody locks: a
 * counter is a number that its one writer stores whole, and whoever wants the
 * total adds up those of all loops when he reads.  There is no register of
 * counters: owners keep arrays of them beside a table of rows (name, unit,
 * help) made from their own .tbl file.
 */
#ifndef GATEWAY_BASE_COUNTER_H
#define GATEWAY_BASE_COUNTER_H

#include <stddef.h>
#include <stdint.h>

struct counter {
	uint64_t n;
};

/* What people are told of a counter; the same for all loops. */
struct counter_row {
	const char *name; /* as in lists and metrics: words_with_underscores */
	const char *unit; /* "", "bytes", "seconds" */
	const char *help;
};

/* The writer's loop only. */
static inline void counter_add(struct counter *c, uint64_t n)
{
	__atomic_store_n(&c->n, c->n + n, __ATOMIC_RELAXED);
}

static inline void counter_set(struct counter *c, uint64_t n)
{
	__atomic_store_n(&c->n, n, __ATOMIC_RELAXED);
}

/* Any thread. */
static inline uint64_t counter_read(const struct counter *c)
{
	return __atomic_load_n(&c->n, __ATOMIC_RELAXED);
}

/* sums[i] += from[i]: once for each loop. */
void counter_sum(uint64_t *sums, const struct counter *from, size_t n);

/*
 * A histogram of times (or sizes): four steps to each doubling, so a value
 * read out is at most a fifth above the one put in.
 *
 *	value    0 1 2 3 | 4 5 6 7 | 8 10 12 14 | 16 20 24 28 | ...
 *	bucket   0 1 2 3 | 4 5 6 7 | 8  9 10 11 | 12 13 14 15 | ... 251
 */
#define COUNTER_BUCKETS 252

struct counter_hist {
	struct counter bucket[COUNTER_BUCKETS];
	struct counter sum;
	struct counter max;
};

/* The writer's loop only. */
void counter_hist_add(struct counter_hist *h, uint64_t value);
/* Into a histogram that the caller alone uses. */
void counter_hist_merge(struct counter_hist *into, const struct counter_hist *from);
uint64_t counter_hist_count(const struct counter_hist *h);
/* The value that PER_MILLE of 1000 did not exceed: 500 is the median, 990 the
 * ninety-ninth percentile.  0 where nothing was put in.
 */
uint64_t counter_hist_at(const struct counter_hist *h, unsigned per_mille);
uint64_t counter_hist_mean(const struct counter_hist *h);

#endif
