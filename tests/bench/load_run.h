/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One run of the load client: connect, warm up, measure, let what is in flight
 * end; perhaps stay connected; close.  load.c is above, the protocols are below.
 */
#ifndef TESTS_BENCH_LOAD_RUN_H
#define TESTS_BENCH_LOAD_RUN_H

#include "tests/bench/load_conn.h"

struct load_result {
	struct load_tally tally; /* of the measured window only */
	uint64_t least_ios, most_ios; /* of the connection with fewest, with most */
	uint32_t depth; /* as granted */
	double seconds; /* how long that was */
	double server_cpu_seconds; /* negative: not measured */
	double client_cpu_seconds;
};

struct load_run;

/* A run that was measured and is still connected, for load_run_end; NULL when it
 * cannot be counted (said on stderr).  The plan must live until then; its
 * region_bytes are set from the server's size where they are 0. */
struct load_run *load_run(struct load_plan *plan, const struct load_proto *p,
			  struct load_result *out);
/* Stay connected for plan->hold_seconds without asking for anything; -1 when a
 * connection was lost meanwhile. */
int load_run_hold(struct load_run *r);
void load_run_end(struct load_run *r);

#endif
