/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A histogram of latencies: 128 steps per power of two, so any answer is
 * within 0.8 % of the truth, and adding costs a shift and an increment.
 * Values are nanoseconds.  The owner zeroes it; nothing is allocated.
 */
#ifndef TESTS_BENCH_LOAD_HIST_H
#define TESTS_BENCH_LOAD_HIST_H

#include <stdint.h>

enum { LOAD_HIST_BITS = 7, LOAD_HIST_SIZE = (64 - 7 + 1) << 7 };

struct load_hist {
	uint64_t count;
	uint32_t steps[LOAD_HIST_SIZE];
};

static inline uint32_t load_hist_index(uint64_t ns)
{
	uint32_t shift;

	if (ns < (1u << LOAD_HIST_BITS))
		return (uint32_t)ns;
	shift = 63u - (uint32_t)__builtin_clzll(ns) - LOAD_HIST_BITS;
	return ((shift + 1) << LOAD_HIST_BITS) +
	       (uint32_t)((ns >> shift) & ((1u << LOAD_HIST_BITS) - 1));
}

static inline void load_hist_add(struct load_hist *h, uint64_t ns)
{
	h->count++;
	h->steps[load_hist_index(ns)]++;
}

/* The value below or at which this part (0..1) of all values lies. */
double load_hist_quantile_us(const struct load_hist *h, double part);

#endif
