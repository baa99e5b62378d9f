/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sums over loops, and the buckets of the histogram drawn in counter.h.
 * Reading while the writer writes gives each number whole, but not all of
 * one instant: good enough for people.
 */
#include "config.h"

#include "gateway/base/counter.h"

#include "gateway/base/check.h"

void counter_sum(uint64_t *sums, const struct counter *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sums[i] += counter_read(&from[i]);
}

static unsigned bucket_of(uint64_t value)
{
	unsigned top;

	if (value < 4)
		return (unsigned)value;
	top = 63 - (unsigned)__builtin_clzll(value);
	return (top - 1) * 4 + (unsigned)(value >> (top - 2) & 3);
}

/* The largest value that falls into bucket I. */
static uint64_t bucket_top(unsigned i)
{
	unsigned shift;

	if (i < 4)
		return i;
	shift = i / 4 - 1;
	return (((uint64_t)(i % 4) + 4) << shift) + ((1ULL << shift) - 1);
}

void counter_hist_add(struct counter_hist *h, uint64_t value)
{
	counter_add(&h->bucket[bucket_of(value)], 1);
	counter_add(&h->sum, value);
	if (value > counter_read(&h->max))
		counter_set(&h->max, value);
}

void counter_hist_merge(struct counter_hist *into, const struct counter_hist *from)
{
	uint64_t max = counter_read(&from->max);

	for (unsigned i = 0; i < COUNTER_BUCKETS; i++)
		counter_add(&into->bucket[i], counter_read(&from->bucket[i]));
	counter_add(&into->sum, counter_read(&from->sum));
	if (max > counter_read(&into->max))
		counter_set(&into->max, max);
}

uint64_t counter_hist_count(const struct counter_hist *h)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < COUNTER_BUCKETS; i++)
		n += counter_read(&h->bucket[i]);
	return n;
}

/* How many of N values make PER_MILLE of them, rounded up, at least one. */
static uint64_t share(uint64_t n, unsigned per_mille)
{
	uint64_t part = n / 1000 * per_mille + (n % 1000 * per_mille + 999) / 1000;

	return part ? part : 1;
}

uint64_t counter_hist_at(const struct counter_hist *h, unsigned per_mille)
{
	uint64_t n = counter_hist_count(h);
	uint64_t max = counter_read(&h->max);
	uint64_t seen = 0;

	GW_CHECK(per_mille <= 1000);
	if (!n)
		return 0;
	for (unsigned i = 0; i < COUNTER_BUCKETS; i++) {
		seen += counter_read(&h->bucket[i]);
		if (seen >= share(n, per_mille))
			return bucket_top(i) < max ? bucket_top(i) : max;
	}
	return max; /* the writer moved on while we read */
}

uint64_t counter_hist_mean(const struct counter_hist *h)
{
	uint64_t n = counter_hist_count(h);

	return n ? counter_read(&h->sum) / n : 0;
}
