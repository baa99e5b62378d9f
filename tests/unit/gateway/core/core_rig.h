/* SPDX-License-Identifier: BSD-3-Clause
 *
 * core_rig.h - a whole gateway in one thread: loops turned by hand, volumes over
 * fake stores, one nexus on each loop, and calls that record their end.
 *
 *   rig ──▶ loops (drv_hand) ──▶ gw ──▶ volume ──▶ fake_store
 *    └──▶ itl[loop] ──▶ struct call: a request, and how it ended
 */
#ifndef TESTS_UNIT_GATEWAY_CORE_CORE_RIG_H
#define TESTS_UNIT_GATEWAY_CORE_CORE_RIG_H

#include "gateway/core/core.h"
#include "tests/harness/fake_store.h"
#include "tests/harness/harness.h"
#include "tests/unit/gateway/core/drv_hand.h"

struct rig {
	struct loop_set *set;
	struct gw *gw;
	unsigned n;
	struct gw_nexus *nexus[HAND_LOOPS];
	struct gw_itl *itl[HAND_LOOPS];
	struct gw_volume *volume;
	unsigned readied; /* joins that have ended */
	enum gw_status ready;
	unsigned events[GW_EVENT_COUNT];
	uint64_t event_size;
};

/* A request and what became of it. */
struct call {
	struct gw_req *req; /* null once it was put */
	bool keep; /* do not put it in done() */
	unsigned ended; /* how often done() came: 1 is right */
	enum gw_status status;
	uint64_t info, bytes_done;
	uint64_t when; /* the rig's count of ends: an order */
	void (*then)(struct call *call); /* in done(), before the put; may be null */
	void *arg;
	unsigned loop;
};

struct admin {
	struct gw_admin_op op;
	unsigned ended;
};

void rig_begin(struct rig *rig, unsigned n, uint64_t seed, const struct gw_limits *limits);
void rig_end(struct rig *rig);

/* One turn of one loop, chosen by chance among those that have something to do;
 * false: none has.  rig_settle: until none has, mail under way included. */
bool rig_step(struct rig *rig);
void rig_settle(struct rig *rig);
/* The clock goes on, timers fire as they come due, all settles. */
void rig_pass(struct rig *rig, int64_t ms);
struct loop *rig_loop(const struct rig *rig, unsigned i);
/* Turns until an administrative operation ends; returns its rc. */
int rig_wait(struct rig *rig, struct admin *admin);
void rig_admin_init(struct admin *admin);

/* Adds volume `name` over the fake of this name; rc of the add. */
int rig_add(struct rig *rig, const char *name, uint32_t block, bool write_through, bool read_only,
	    struct gw_err *err);
int rig_remove(struct rig *rig, const char *name, int64_t within_ms, struct gw_err *err);
int rig_refresh(struct rig *rig, const char *name);
/* Every loop's nexus joins the volume; rig->itl. */
void rig_join(struct rig *rig, const char *name);
void rig_leave(struct rig *rig);
/* add + join, remove + leave; nothing may fail */
void rig_up(struct rig *rig, const char *name, uint32_t block);
void rig_down(struct rig *rig, const char *name);

/* A request on that loop, with its done() set; the test fills the rest. */
struct gw_req *rig_take(struct rig *rig, unsigned loop, struct call *call, enum gw_op op,
			uint64_t offset, uint64_t length);
/* Memory of the request from its loop's pool, in one piece. */
void rig_memory(struct rig *rig, struct gw_req *req);
void rig_submit(struct call *call);
void rig_abort(struct call *call);
void rig_orphan(struct call *call);
void rig_put(struct call *call);
/* take + memory filled with this byte + submit */
void rig_write(struct rig *rig, unsigned loop, struct call *call, uint64_t offset, uint64_t length,
	       uint8_t fill);
/* Settles; the call must have ended once. */
enum gw_status rig_result(struct rig *rig, struct call *call);
/* Releases every held request at the store, until none comes any more. */
void rig_unhold(struct rig *rig, struct fake_store *fake);
void rig_unhold_one(struct rig *rig, struct fake_store *fake, struct fake_io *fio,
		    enum gw_status status);
/* Nothing is in use: no request, no bounce memory, no guard, no fence. */
void rig_assert_idle(struct rig *rig);
/* The credit from which calls take memory on this loop. */
struct gw_credit *rig_credit(struct rig *rig, unsigned loop);

#endif
