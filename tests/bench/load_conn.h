/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the load client's loop and its protocols promise each other: a
 * connection with a fixed number of slots (one per request in flight), the ops
 * of a protocol, and what is counted.  No protocol knows another, and none
 * knows the loop (load_run.c).  One thread owns everything here.
 */
#ifndef TESTS_BENCH_LOAD_CONN_H
#define TESTS_BENCH_LOAD_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/load_hist.h"

enum { LOAD_SKIP_MAX = 4 << 20 }; /* no request is larger than this */

/* What to do to whom; filled once by load.c, read by everybody. */
struct load_plan {
	const char *target; /* HOST:PORT, unix:PATH or an interface */
	const char *export_name; /* NBD export, iSCSI name/LUN, AoE shelf.slot */
	uint64_t region_bytes; /* 0: the size the server tells */
	uint32_t block_bytes;
	uint32_t depth; /* requests in flight per connection */
	uint32_t conns;
	uint32_t write_percent; /* 0 reads only, 100 writes only */
	bool sequential;
	bool structured; /* NBD: ask for structured replies */
	bool digests; /* iSCSI: CRC32C on headers and data */
	uint64_t ios_limit; /* per connection; then it is over */
	double seconds;
	double warmup_seconds;
	double hold_seconds; /* stay connected after the run, and idle */
	int server_pid; /* 0: server CPU is not measured */
};

struct load_tally {
	uint64_t ios;
	uint64_t bytes;
	uint64_t errors;
	uint64_t resent; /* requests for which no answer came in time */
	struct load_hist hist;
};

struct load_slot {
	uint64_t born_ns;
	uint64_t offset_bytes;
	bool write;
	bool failed; /* an error chunk came, the end did not */
};

struct load_conn {
	const struct load_plan *plan;
	struct load_tally *tally; /* shared by all connections */
	int fd; /* for poll; set by connect */
	uint64_t now_ns; /* stamped by receive, once per batch */
	uint64_t size_bytes; /* of the volume; set by connect */
	uint64_t rng, next_block; /* where the next request goes */
	uint64_t ios_left; /* of plan->ios_limit */
	uint64_t ios; /* good ones, of the window */
	uint32_t depth; /* connect may lower it, not raise it */
	uint32_t free_count;
	uint32_t *free_slots; /* stack of slot numbers */
	struct load_slot *slots;
	const uint8_t *payload; /* block_bytes that every write sends */
	void *priv; /* the protocol's own */
};

/*
 * A protocol.  All are called on the one thread; all are needed.
 * Those that return int give -1 after having told stderr why.
 */
struct load_proto {
	const char *name;
	/* Connect, log in, leave fd and size_bytes set.  May block. */
	int (*connect)(struct load_conn *c);
	/* Queue the request of slots[slot]; the reply must lead to slot. */
	void (*build)(struct load_conn *c, uint32_t slot);
	/* Send what is queued, in one call if it goes; never blocks.
	 * 1: some is left, poll for POLLOUT; 0: all is sent. */
	int (*flush)(struct load_conn *c);
	/* Take one batch, stamp now_ns, call load_conn_done for each reply
	 * that is complete.  If wait, block (to a second) for the first. */
	int (*receive)(struct load_conn *c, bool wait);
	/* Say good-bye if the protocol has a word for it; free priv. */
	void (*close)(struct load_conn *c);
};

extern const struct load_proto load_nbd_proto, load_iscsi_proto, load_aoe_proto;

int load_conn_init(struct load_conn *c, const struct load_plan *plan, struct load_tally *tally,
		   uint64_t seed);
void load_conn_free(struct load_conn *c);
uint64_t load_conn_clock_ns(void);

/* The reply of a slot is complete: count it, free the slot. */
void load_conn_done(struct load_conn *c, uint32_t slot, bool failed);

/* Give every free slot a new request, built by p. */
void load_conn_fill(struct load_conn *c, const struct load_proto *p);

#endif
