/* SPDX-License-Identifier: BSD-3-Clause
 *
 * core.h - structures that the files of the core share; opened by nobody else.
 *
 *   gw ──▶ gw_loop[n]  (pool, requests, completions)     one per loop
 *    └──▶ gw_volume ──▶ gw_lane[n] ──▶ running, waiting, guards, I_T_L nexuses
 *              └─ home loop: fences in order
 *
 * A lane is a volume on one loop, and touched on that loop only.
 */
#ifndef GATEWAY_CORE_CORE_H
#define GATEWAY_CORE_CORE_H

#include <stdatomic.h>

#include "gateway/api/access.h"
#include "gateway/api/kept.h"
#include "gateway/api/req.h"
#include "gateway/api/reset.h"
#include "gateway/api/rsv.h"
#include "gateway/api/visit.h"
#include "gateway/api/volume.h"
#include "gateway/base/check.h"
#include "gateway/base/err.h"
#include "gateway/core/admin.h"
#include "gateway/core/pool.h"

#define GW_REQ_TAG GW_TAG('r', 'e', 'q', ' ')
#define GW_ITL_TAG GW_TAG('i', 't', 'l', ' ')
#define GW_VOLUME_TAG GW_TAG('v', 'o', 'l', ' ')

TAILQ_HEAD(gw_req_list, gw_req);
TAILQ_HEAD(gw_guard_list, gw_guard);
TAILQ_HEAD(gw_fence_list, gw_fence);
TAILQ_HEAD(gw_itl_list, gw_itl);

/* What a loop owns for all volumes. */
struct gw_loop {
	struct gw *gw;
	struct loop *loop;
	struct gw_pool pool;
	struct gw_credit bounce; /* for the core's own sub-requests */
	struct gw_req_list free; /* requests */
	uint32_t made, in_use, limit;
	TAILQ_HEAD(, gw_req_waiter) waiters;
	unsigned n_waiters;
	bool waking;
	struct gw_req_list done; /* to be completed at the end of this turn */
	struct loop_task done_task;
	struct gw_req_list lending; /* to be lent at the end of this turn, if they can (lend.c) */
	struct loop_task lend_task;
	uint64_t nexus_count;
};

/* Counted per lane, summed on read: COUNT(member, words). */
#define GW_LANE_COUNTS(COUNT)                                                    \
	COUNT(reads, "READ requests")                                            \
	COUNT(read_bytes, "bytes read")                                          \
	COUNT(writes, "WRITE requests")                                          \
	COUNT(written_bytes, "bytes written")                                    \
	COUNT(flushes, "FLUSH requests")                                         \
	COUNT(others, "other requests")                                          \
	COUNT(errors, "requests that failed")                                    \
	COUNT(held, "requests that waited for a fence")                          \
	COUNT(fences, "fences taken")                                            \
	COUNT(lent, "READ requests answered from where the store has the bytes") \
	COUNT(orphans, "requests that outlived their owner")

struct gw_lane_counts {
#define COUNT(member, words) uint64_t member;
	GW_LANE_COUNTS(COUNT)
#undef COUNT
};

struct gw_lane {
	struct gw_volume *volume;
	struct gw_loop *gwl;
	struct gw_store_lane *store_lane;
	const struct gw_store_ops *ops;
	struct gw_store *store;
	struct gw_facts facts;
	struct gw_store_info info; /* limits of the store, as adopted */
	bool durable_always; /* write-through */
	bool open;
	unsigned n_guards, n_waiting, n_running;
	uint64_t places; /* given out to requests and guards, in order of arrival */
	unsigned n_taken; /* requests, orphans among them */
	struct gw_guard_list guards;
	struct gw_req_list running, waiting;
	struct gw_itl_list itls;
	struct gw_rsv_snapshot *rsv;
	struct loop_timer elders; /* looks for old writes and deadlines */
	struct gw_lane_counts counts;
	struct gw_lender lender; /* lend.c */
	unsigned n_lent; /* buffers whose slices point into the store's memory */
} __attribute__((aligned(64)));

/* Those who want durability, on the home loop (flush.c). */
struct gw_flush {
	struct gw_req_list next, now; /* now: the store flushes for these */
	struct gw_io io;
};

struct gw_volume {
	uint32_t tag;
	struct gw *gw;
	char name[GW_NAME_MAX];
	char description[GW_NAME_MAX + 64];
	char target[512];
	struct gw_identity identity;
	uint32_t lun;
	atomic_uint holds; /* grants; taken on loop 0 (access.c) */
	const struct gw_store_ops *ops;
	struct gw_store *store;
	struct gw_store_info info; /* loop 0 */
	struct gw_facts facts; /* loop 0: what the lanes adopt next */
	bool read_only, write_through; /* as the administrator wants it */
	unsigned home; /* index of the loop that orders the fences */
	struct gw_fence_list fences, spare_fences;
	struct gw_flush flush;
	/* A sync failed: the kernel has dropped what it could not write, so no
	 * later FLUSH may say that all is durable. */
	atomic_bool lost;
	atomic_bool offline_asked;
	bool offline_told; /* the mail that was asked for has come; loop 0 */
	struct loop_mail offline;
	bool opening, busy; /* an administrative change runs; loop 0 */
	bool closing; /* the store may be gone at any moment; loop 0 */
	struct gw_keep *keep; /* null: nobody asked for it; loop 0, or its helper */
	struct gw_kept_ops kept_ops; /* the first of them is being written; loop 0 */
	TAILQ_ENTRY(gw_volume) link;
	unsigned n_lanes;
	struct gw_lane lane[];
};

/* The part of a fence that stands on one lane. */
struct gw_guard {
	struct loop_mail mail;
	struct gw_fence *fence;
	struct gw_lane *lane;
	uint64_t offset, length;
	unsigned flags;
	bool drained;
	struct instant since;
	uint64_t place; /* on this lane: it waits for lower ones, holds higher ones */
	struct gw_req *shadowed; /* of this lane: for whose sake it stands; or null */
	TAILQ_ENTRY(gw_guard) link;
};

struct gw_nexus {
	uint64_t id;
	struct gw_loop *gwl;
	unsigned refs;
	char protocol[16];
	char initiator[GW_PORT_NAME_MAX];
	char target[GW_PORT_NAME_MAX];
};

struct gw_itl {
	uint32_t tag;
	unsigned refs; /* owner, requests, join */
	struct gw_nexus *nexus;
	struct gw_lane *lane;
	const struct gw_itl_ops *ops; /* null: the owner has left */
	void *owner;
	bool read_only, joined;
	struct gw_facts facts;
	struct gw_req_list reqs;
	unsigned in_flight;
	struct loop_mail join, reset;
	unsigned join_next, reset_next;
	bool resetting, reset_again;
	struct gw_fence_req reset_end;
	TAILQ_HEAD(, gw_reset_waiter) reset_waiters;
	TAILQ_ENTRY(gw_itl) link;
};

struct gw_front_run {
	const struct gw_front_ops *ops;
	struct gw_front *front;
	struct gw_admin_op *removing; /* null: it stays */
	bool started;
	struct loop_timer timer;
	struct gw *gw;
	TAILQ_ENTRY(gw_front_run) link;
};

struct gw {
	struct loop_set *loops;
	unsigned n;
	struct gw_limits limits;
	uint32_t next_lun;
	char state_folder[512]; /* of what must survive; "": none */
	char host[GW_HOST_MAX]; /* tells our volumes from those of other hosts; "" */
	unsigned listing; /* lists that visit the loops: no volume is freed; loop 0 */
	atomic_uint nexuses;
	TAILQ_HEAD(, gw_volume) volumes; /* loop 0 */
	TAILQ_HEAD(, gw_front_run) fronts; /* loop 0 */
	struct gw_loop *per[LOOP_MAX];
};

/* ---- between the files of the core -------------------------------------- */

static inline bool gw_op_changes(enum gw_op op)
{
	return op == GW_WRITE || op == GW_UNMAP || op == GW_ZERO || op == GW_MODIFY ||
	       op == GW_COPY || op == GW_RAW_CDB;
}

static inline bool gw_overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a_len && b_len && (a < b ? b - a < a_len : a - b < b_len);
}

struct gw_loop *gw_loop_of(struct gw *gw, struct loop *loop);
struct gw_volume *gw_volume_find(struct gw *gw, const char *name); /* loop 0 */

/* req_pool.c */
void gw_req_pool_init(struct gw_loop *gwl, uint32_t limit);
void gw_req_pool_free(struct gw_loop *gwl);
/* The last of owner, store and fence has let go. */
void gw_req_recycle(struct gw_req *req);

/* req.c */
void gw_req_done_init(struct gw_loop *gwl);
/* Ends a request from inside submit() or its plan: done() at the end of the turn. */
void gw_req_finish_later(struct gw_req *req, enum gw_status status);
/* The plan has ended; called outside every submit: done() now. */
void gw_req_finish(struct gw_req *req, enum gw_status status);
/* Whether a request that waited may still run: while it did, the volume may have
 * shrunk, gone or become read-only. */
enum gw_status gw_req_readmit(const struct gw_req *req);
/* Its fence is no longer in use. */
void gw_req_unfenced(struct gw_req *req);
/* Fences the range of a running write against newer ones, on all loops. */
void gw_req_shadow(struct gw_req *req);

void gw_req_elders(struct loop_timer *timer);

/* order.c */
void gw_order_enter(struct gw_req *req);
void gw_order_leave(struct gw_req *req);
void gw_order_drop(struct gw_req *req); /* was waiting */
/* Starts what no guard holds any more, tells fences what has drained. */
void gw_order_settle(struct gw_lane *lane);
/* The guard takes its place behind everything that is here. */
void gw_order_guard(struct gw_lane *lane, struct gw_guard *guard);
bool gw_order_drained(const struct gw_lane *lane, const struct gw_guard *guard);
/* A request that changes bytes, at its store or waiting, is fenced against all
 * that comes later on any loop. */
void gw_order_fence(struct gw_req *req);

/* fallback.c: the steps of a request */
bool gw_plan_is_exclusive(const struct gw_req *req);
void gw_plan_range(const struct gw_req *req, uint64_t *offset, uint64_t *length);
void gw_plan_start(struct gw_req *req);
void gw_plan_flushed(struct gw_req *req, enum gw_status status);
void gw_plan_lent(struct gw_req *req, bool lent); /* false: it must be read */

/* flush.c */
void gw_flush_init(struct gw_volume *volume);
void gw_flush_join(struct gw_req *req);
/* A store that failed to make something durable may have dropped it: from now on
 * no FLUSH and no durable write of this volume may succeed.  Any loop. */
void gw_flush_lost(struct gw_volume *volume, enum gw_status status);

/* store_call.c */
void gw_store_submit(struct gw_lane *lane, struct gw_io *io, void (*done)(struct gw_io *io));
/* Those without an address afterwards: not now, or never. */
void gw_store_lend(struct gw_lane *lane, struct gw_loan *loans, unsigned n);
void gw_store_back(struct gw_lane *lane, void *token);
struct drv_file *gw_store_lent_file(const struct gw_lane *lane); /* null: none */

/* lend.c */
void gw_lend_init(struct gw_loop *gwl);
void gw_lend_lane_init(struct gw_lane *lane);
/* A READ that may be answered from the store's own memory: gw_plan_lent() follows, not from
 * inside.  False: it must be read. */
bool gw_lend(struct gw_req *req);

/* fence.c */
void gw_guard_drained(struct gw_guard *guard);
void gw_fence_free_all(struct gw_volume *volume);

/* volume.c */
void gw_volume_go_offline(struct gw_volume *volume, const char *why); /* any loop */
void gw_volume_free(struct gw_volume *volume);
/* Facts from what the store said and the administrator wants. */
void gw_volume_set_facts(struct gw_volume *volume);
/* On the lane's loop: takes over what the volume said when the visit began (it may
 * say more by now), tells event unless null. */
void gw_lane_adopt(struct gw_lane *lane, const struct gw_facts *facts,
		   const struct gw_store_info *info, const struct gw_event *event);

/* gateway.c */
void gw_admin_end(struct gw *gw, struct gw_admin_op *op, int rc); /* done() by mail */

/* nexus.c */
void gw_itl_put(struct gw_itl *itl);
void gw_itl_adopt(struct gw_itl *itl);

/* event.c */
void gw_event_tell(struct gw_lane *lane, const struct gw_event *event);

#endif
