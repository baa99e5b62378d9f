/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_state.h - a connection in transmission and its commands, as the files of
 * this folder share them; no functions.
 *
 *   nbds_home (one per loop) ──▶ nbds_conn ──▶ nbds_op ──▶ gw_req (at the core)
 *        │ slab of ops              │  inbox      │ whole ◀── parts
 *        └ counters                 └ send queue ─┘ data (what goes out)
 *
 * Who changes what: nbds_cmd.c the receive side, nbds_run.c and nbds_done.c the ops in flight,
 * nbds_reply.c the send side, nbds_conn.c birth and death.  All on the home loop.
 */
#ifndef PROTOCOLS_NBD_NBDS_STATE_H
#define PROTOCOLS_NBD_NBDS_STATE_H

#include <sys/queue.h>

#include "gateway/api/inbox.h"
#include "gateway/api/nexus.h"
#include "gateway/api/req.h"
#include "gateway/api/share.h"
#include "gateway/api/volume.h"
#include "gateway/base/counter.h"
#include "gateway/loop/loop_stream.h"
#include "protocols/nbd/nbds_pdu.h"
#include "translators/nbd/nbdx.h"

#define NBDS_RX_BYTES 65536u /* a receive buffer */
#define NBDS_MOVED_MIN_BYTES 32768u /* for less a buffer of its own does not pay */
#define NBDS_IN_FLIGHT_MAX 128u /* commands of one connection */
#define NBDS_PARTS_MAX 64u /* parts of large commands, likewise */
#define NBDS_PART_MIN_BYTES 65536u /* where memory is short; at least one logical block */
#define NBDS_LEND_MIN_BYTES 32768u /* of a chunk: less is copied as fast */
#define NBDS_GRANULE_BYTES GW_LEND_GRANULE_BYTES /* zeroes of that size become a hole */
#define NBDS_STATUS_BYTES 16384u /* memory for the descriptors of one block status */
#define NBDS_TX_IOV 256u
#define NBDS_TX_HEAD_BYTES 8192u

/* Of the pool, per connection: what comes in is freed by stores alone, what goes
 * out by the client's reading.  Apart, so that a client that does not read can
 * never stop its own writes from ending. */
#define NBDS_IN_GUARANTEED_BYTES (2 * NBDS_RX_BYTES)
#define NBDS_IN_LIMIT_BYTES (8u << 20)
#define NBDS_OUT_GUARANTEED_BYTES NBDS_PART_MIN_BYTES
#define NBDS_OUT_LIMIT_BYTES (48u << 20) /* one simple read of 32 MiB, and others */

struct nbds_conn;
struct gw_front;

/* What is to be sent for an op (nbds_reply.c). */
enum nbds_say {
	NBDS_SAY_DONE, /* success without data */
	NBDS_SAY_ERROR, /* error and words; error_at: where, or NBDS_NOWHERE */
	NBDS_SAY_READ, /* chunks of this part; `last` ends the reply */
	NBDS_SAY_WHOLE, /* one header for all of length, own data; raw ops follow */
	NBDS_SAY_RAW, /* data alone */
	NBDS_SAY_STATUS /* a block status chunk */
};
#define NBDS_NOWHERE UINT64_MAX

STAILQ_HEAD(nbds_ops, nbds_op);

/* A command, or a part of a command over GW_BUF_MAX_BYTES. */
struct nbds_op {
	STAILQ_ENTRY(nbds_op) next; /* send queue, chain of parts, free list */
	LIST_ENTRY(nbds_op) link; /* of the connection's, while it has a request */
	struct nbds_conn *conn;
	struct nbds_op *whole; /* of which this is a part; null: it is a command */
	struct gw_req *req; /* at the core */
	uint64_t cookie, offset, length;
	uint64_t start; /* offset of the command, for extended replies */
	uint16_t type, flags;
	uint8_t say; /* enum nbds_say */
	bool last;
	bool collects; /* the reply waits until every part is there */
	/* of a command in parts */
	bool failed;
	uint32_t parts; /* at the core */
	uint64_t left; /* bytes without a part yet */
	struct nbds_ops chain;
	/* the outcome */
	struct nbdx_error error;
	uint64_t error_at;
	struct nbdx_plan plan;
	struct gw_mem data;
};

enum nbds_counter {
#define COUNTER(name, help) NBDS_COUNT_##name,
#include "protocols/nbd/nbds_counters.tbl"
#undef COUNTER
	NBDS_COUNTERS
};

/* Everything of this front end on one loop. */
struct nbds_home {
	struct gw_front *front;
	struct gw *gw;
	struct loop *loop;
	struct gw_pool *pool;
	LIST_HEAD(, nbds_conn) conns;
	unsigned n_conns;
	bool draining;
	struct counter counters[NBDS_COUNTERS];
	struct nbds_ops free_ops;
	struct nbds_slab *slabs;
};

static inline void nbds_count(struct nbds_home *home, enum nbds_counter which, uint64_t n)
{
	counter_add(&home->counters[which], n);
}

/* What the stream brings next. */
enum nbds_expect {
	NBDS_EXPECT_REQUEST,
	NBDS_EXPECT_DATA, /* of conn->writing */
	NBDS_EXPECT_IDS, /* the payload of conn->asked */
	NBDS_EXPECT_JUNK, /* conn->junk bytes */
	NBDS_EXPECT_NOTHING /* after DISC */
};

struct nbds_conn {
	/* ---- each turn ---- */
	struct nbds_home *home;
	struct gw_itl *itl;
	struct nbdx_terms terms;
	bool extended, chunked; /* chunked: structured or extended */
	bool aligned; /* the store wants write data in memory that a head puts out of step */
	bool leaving; /* ends when all that is in flight is answered */
	bool dead; /* ends when nothing is armed */
	bool finished; /* ended; late callbacks find nothing to do */
	bool waiting; /* for memory or a request; woken by a waiter */
	bool starved; /* it has waited long: is its client still there? */
	uint8_t expect; /* enum nbds_expect */
	struct loop_task task;
	struct loop_stream wire;

	/* ---- receive (nbds_cmd.c) ---- */
	struct gw_inbox inbox;
	struct gw_share share;
	uint32_t fill_got; /* of fill.bytes */
	uint64_t junk;
	struct nbds_op *writing; /* its payload comes */
	struct nbds_op *pump; /* a read that has still parts to issue */
	struct nbds_request asked;
	struct gw_mem fill; /* memory of the part whose payload comes */

	/* ---- in flight (nbds_run.c) ---- */
	unsigned n_ops, n_parts;
	LIST_HEAD(, nbds_op) running;
	struct gw_credit in, out;
	struct gw_mem_waiter mem_waiter;
	struct gw_req_waiter req_waiter;
	struct loop_timer patience; /* for the memory of one long read */

	/* ---- send (nbds_reply.c) ---- */
	struct nbds_ops queue, sending;
	unsigned tx_n;
	uint32_t tx_used;
	struct iovec tx_iov[NBDS_TX_IOV];
	uint8_t tx_heads[NBDS_TX_HEAD_BYTES];

	/* ---- seldom (nbds_conn.c) ---- */
	LIST_ENTRY(nbds_conn) link;
	struct gw_nexus *nexus;
	void (*joined)(struct nbds_conn *conn, enum gw_status status); /* home loop */
	struct loop_peer peer;
	struct instant since;
	uint64_t requests, read_bytes, written_bytes, errors;
	struct loop_mail mail;
	void (*ended)(struct nbds_conn *conn); /* on loop 0 */
	void *owner;
};

#endif
