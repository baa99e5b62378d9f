/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One run of the load client: connect, warm up, measure, let what is in flight
 * end, close.  load.c is above, the protocols are below.
 */
#ifndef TESTS_BENCH_LOAD_RUN_H
#define TESTS_BENCH_LOAD_RUN_H

#include "tests/bench/load_conn.h"

struct load_result {
	struct load_tally tally; /* of the measured window only */
	uint32_t depth; /* as granted */
	double seconds; /* how long that was */
	double server_cpu_seconds; /* negative: not measured */
	double client_cpu_seconds;
};

/* 0, or -1 when the run cannot be counted (said on stderr).
 * Sets plan->region_bytes from the server's size where it is 0. */
int load_run(struct load_plan *plan, const struct load_proto *p, struct load_result *out);

#endif
