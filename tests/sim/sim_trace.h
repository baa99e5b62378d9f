/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_trace.h - what happened: a hash of it always, the words on request.
 *
 * Two runs of one seed must have the same hash.  What goes in are numbers that
 * the world gave out itself, never an address.  The coverage counters stand
 * here too: what a run has been through.
 */
#ifndef TESTS_SIM_SIM_TRACE_H
#define TESTS_SIM_SIM_TRACE_H

#include <stdbool.h>
#include <stdint.h>

enum sim_tr {
#define ROW(name, words) SIM_TR_##name,
#include "tests/sim/sim_trace.tbl"
#undef ROW
	SIM_TR_COUNT
};

enum sim_cover {
#define ROW(name, words, needed) SIM_COVER_##name,
#include "tests/sim/sim_cover.tbl"
#undef ROW
	SIM_COVER_COUNT
};

struct sim_trace {
	uint64_t hash;
	uint64_t lines;
	bool print;
};

void sim_trace_add(struct sim_trace *trace, uint64_t now_ns, enum sim_tr kind, uint64_t a,
		   uint64_t b, uint64_t c);

const char *sim_cover_words(enum sim_cover kind);
unsigned sim_cover_needed(enum sim_cover kind); /* in 1,000 seeds */

#endif
