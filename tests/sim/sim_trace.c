/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_trace.c - the trace of a run and the names of its coverage counters.
 */
#include "config.h"

#include "tests/sim/sim_trace.h"

#include <stdio.h>

#include "tests/sim/sim_rng.h"

static const char *const trace_words[SIM_TR_COUNT] = {
#define ROW(name, words) words,
#include "tests/sim/sim_trace.tbl"
#undef ROW
};

static const struct {
	const char *words;
	unsigned needed;
} cover_rows[SIM_COVER_COUNT] = {
#define ROW(name, words, needed) { words, needed },
#include "tests/sim/sim_cover.tbl"
#undef ROW
};

static void print_line(uint64_t now_ns, enum sim_tr kind, uint64_t a, uint64_t b, uint64_t c)
{
	printf("# %14.6f ", (double)now_ns / 1e6);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	printf(trace_words[kind], (unsigned long long)a, (unsigned long long)b,
	       (unsigned long long)c);
#pragma GCC diagnostic pop
	putchar('\n');
}

void sim_trace_add(struct sim_trace *trace, uint64_t now_ns, enum sim_tr kind, uint64_t a,
		   uint64_t b, uint64_t c)
{
	uint64_t h = trace->hash;

	h = (h ^ now_ns) * 0xff51afd7ed558ccdu;
	h = (h ^ (h >> 29) ^ ((uint64_t)kind << 56) ^ a) * 0xc4ceb9fe1a85ec53u;
	h = (h ^ (h >> 31) ^ b) * 0x9fb21c651e98df25u;
	h = (h ^ (h >> 30) ^ c) * 0xff51afd7ed558ccdu;
	trace->hash = h ^ (h >> 32);
	trace->lines++;
	if (trace->print)
		print_line(now_ns, kind, a, b, c);
}

const char *sim_cover_words(enum sim_cover kind)
{
	return cover_rows[kind].words;
}

unsigned sim_cover_needed(enum sim_cover kind)
{
	return cover_rows[kind].needed;
}
