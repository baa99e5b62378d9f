/* SPDX-License-Identifier: BSD-3-Clause
 *
 * req.h - struct gw_req: THE unified request.
 *
 * Below the translators everything is bytes; logical blocks do not exist.  A
 * request is taken from its loop's pool, lives and dies on that loop, and is
 * completed there exactly once, never from inside gw_req_submit().
 *
 *   take ─▶ TAKEN ─submit─▶ WAITING (hold, fence, range) ─▶ RUNNING (at its store)
 *             ▲                 │ abort: done(ABORTED)          │      │ owner leaves
 *             │                 ▼                               ▼      ▼
 *            put ◀────────── DONE ◀──────────────────────── done()   ORPHAN ─▶ freed
 *                                                                    by the core
 */
#ifndef GATEWAY_API_REQ_H
#define GATEWAY_API_REQ_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "gateway/api/buf.h"
#include "gateway/api/fence.h"
#include "gateway/api/nexus.h"
#include "gateway/api/status.h"
#include "gateway/api/store.h"
#include "gateway/base/clock.h"

struct gw_req;
struct gw_lane;

/* The operations are the store's (enum gw_op, store.h). */

enum gw_req_state { GW_REQ_FREE, GW_REQ_TAKEN, GW_REQ_WAITING, GW_REQ_RUNNING, GW_REQ_DONE };

#define GW_LEND_GRANULE_BYTES 65536u /* GW_LEND_DATA: one look at each tells for all of it */

/* Flags of a request (those below 1 << 16 are handed on to the store). */
enum gw_req_flag {
	/* GW_FUA, GW_NO_HOLE, GW_FAST_ONLY, GW_REQ_ONE: see enum gw_io_flag */
	GW_IN_ORDER = 1 << 16, /* overlapping writes with this flag run in order of arrival */
	/* READ: the answer may stand in the store's own memory (gw_buf, lender): for who
	 * only sends it, and can do without it if it vanishes (store.h, lend) */
	GW_LEND = 1 << 17,
	/* beside it: but what looks like zeroes is read, for who tells zeroes from data */
	GW_LEND_DATA = 1 << 18
};

/* MODIFY: turns the old bytes into the new ones, in place; pure.  old has
 * req->length bytes.  GW_OK: write them back; GW_MISCOMPARE: set *info, nothing
 * is written. */
typedef enum gw_status gw_modify_fn(struct gw_req *req, struct gw_mem *old, uint64_t *info);
typedef void gw_req_done_fn(struct gw_req *req);

/* A run of bytes of one kind, for EXTENTS. */
struct gw_extent {
	uint64_t length;
	uint32_t flags; /* enum gw_extent_flag */
};

/* Where a request of several steps stands (core/fallback.c). */
struct gw_plan {
	uint8_t step;
	bool no_native; /* the store refused the native way: write instead */
	bool unlent; /* the store was asked to lend it: read it */
	uint32_t part; /* bytes of the request that the running step covers */
	uint64_t at; /* bytes of the request that are done */
	uint64_t window; /* where the aligned window in bounce begins */
	uint32_t window_bytes; /* and its length */
	uint32_t moved; /* bytes of it that are read or written */
	uint64_t run_length; /* EXTENTS: the run being joined */
	uint32_t run_flags;
};

struct gw_req {
	uint32_t tag;

	/* ---- filled by the owner between take and submit ---- */
	enum gw_op op;
	struct gw_itl *itl; /* who asks, which volume */
	uint32_t flags;
	uint8_t priority; /* 0 normal; higher first */
	uint64_t offset, length; /* bytes, whole logical blocks */
	gw_req_done_fn *done;
	void *owner; /* the owner's; the core never looks */
	union {
		uint64_t u64[4];
		void *ptr[4];
	} slot; /* the owner's, too */

	/* ---- the result, valid in done() ---- */
	enum gw_status status;
	uint64_t bytes_done;
	uint64_t info; /* COMPARE, MODIFY: offset of the first byte that differs */

	/* ---- the core's own ---- */
	enum gw_req_state state;
	bool orphan;
	bool aborted;
	bool ending; /* in the list of those that end with this turn */
	struct gw_lane *lane;
	TAILQ_ENTRY(gw_req) link;
	TAILQ_ENTRY(gw_req) done_link;
	TAILQ_ENTRY(gw_req) itl_link;
	struct instant submitted;
	uint64_t place; /* among the requests and guards of its lane */
	bool at_store; /* its plan runs: memory and io are the store's */
	bool fenced; /* fence is in use */
	struct gw_plan plan;

	/* ---- filled by the owner as well, where the operation wants it ---- */
	struct gw_mem *expect; /* COMPARE and MODIFY of compare-and-write: may be null */
	gw_modify_fn *modify; /* MODIFY */
	struct gw_volume *source; /* COPY: the same store or null for the same volume */
	uint64_t source_offset;
	struct gw_mem *protection; /* T10 protection information; may be null */
	uint8_t *sense; /* RAW_CDB: where sense data goes */
	const uint8_t *cdb; /* RAW_CDB */
	uint16_t sense_bytes;
	uint8_t cdb_bytes;
	struct instant deadline; /* ns 0: none */
	/* EXTENTS: the sink (store.h); it lies in data, so that an orphan keeps it */
	struct gw_extents *extents;
	struct gw_mem data; /* READ, WRITE, COMPARE: what goes in or out; the request owns it */

	/* ---- the core's own for some: set up when it is used ---- */
	TAILQ_ENTRY(gw_req) flush_link;
	struct loop_mail flush_mail;
	enum gw_status flush_status;
	struct gw_fence_req fence; /* MODIFY and unaligned writes: mine; orphans: my shadow */
	struct gw_mem bounce;
	struct gw_mem_waiter memory; /* waits for bounce */
	struct gw_extents clip; /* between the store and the owner's sink */
	struct iovec iov[GW_MEM_SLICES]; /* of io; the driver may change them */
	struct gw_io io; /* what is at the store */
};

/* ---- home loop of the I_T_L nexus --------------------------------------- */

/* Null: the pool of requests is empty, or this volume has its share of it at work
 * already; wait with gw_req_wait().  Zeroed, and data is empty. */
struct gw_req *gw_req_take(struct gw_itl *itl);
struct gw_req_waiter {
	void (*wake)(struct gw_req_waiter *waiter);
	bool waiting;
	struct gw_lane *lane;
	TAILQ_ENTRY(gw_req_waiter) link;
};
void gw_req_wait(struct gw_itl *itl, struct gw_req_waiter *waiter);
void gw_req_unwait(struct gw_itl *itl, struct gw_req_waiter *waiter);

/* Every request that was submitted is done() once, unless it is orphaned.  All
 * errors come through status; done() is never called from inside. */
void gw_req_submit(struct gw_req *req);
/* A request in state TAKEN or DONE goes back, with its memory.  Clears it. */
void gw_req_put(struct gw_req **req);

/* Asks for an end: one that waits is done(GW_ABORTED) at the end of the turn;
 * one at its store runs on and is done(GW_ABORTED) when it ends. */
void gw_req_abort(struct gw_req *req);
/* The owner leaves: done() is never called; the core frees request and memory
 * when the store has ended with it.  Any state.  Clears the pointer. */
void gw_req_orphan(struct gw_req **req);

#endif
