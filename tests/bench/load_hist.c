/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading quantiles out of the latency histogram.  The hot half, adding a
 * value, stands in the header.
 */
#include "config.h"

#include "tests/bench/load_hist.h"

/* The middle of the values that fall into one step. */
static double step_middle_ns(uint32_t index)
{
	uint32_t shift, low;

	if (index < (1u << LOAD_HIST_BITS))
		return index;
	shift = (index >> LOAD_HIST_BITS) - 1;
	low = (index & ((1u << LOAD_HIST_BITS) - 1)) | (1u << LOAD_HIST_BITS);
	return ((double)low + 0.5) * (double)(1ull << shift);
}

double load_hist_quantile_us(const struct load_hist *h, double part)
{
	double want = part * (double)h->count;
	uint64_t seen = 0;
	uint32_t i;

	for (i = 0; i < LOAD_HIST_SIZE; i++) {
		seen += h->steps[i];
		if (seen > 0 && (double)seen >= want)
			return step_middle_ns(i) / 1000.0;
	}
	return 0;
}
