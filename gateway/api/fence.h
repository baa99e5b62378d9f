/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fence.h - the one barrier between loops.
 *
 * A fence on a range (or all) of a volume: every loop holds new overlapping
 * writes (reads too, if asked), waits for its own that came before, and says so;
 * then the asker's action runs; then all is released.  Overlapping fences have
 * their turns in the order in which they reached the volume's home loop; requests
 * that came between two of them run between them.
 *
 *   asker ──want──▶ home ──hold──▶ loop 0..n-1
 *                    ▲  ◀──drained───┘
 *   asker ◀──held────┤
 *   asker ──release─▶├──lift──▶ loops
 */
#ifndef GATEWAY_API_FENCE_H
#define GATEWAY_API_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/api/status.h"
#include "gateway/base/clock.h"
#include "gateway/loop/loop.h"

struct gw_req;
struct gw_volume;
struct gw_fence;

#define GW_FENCE_ALL UINT64_MAX

enum gw_fence_flag {
	GW_FENCE_WRITES = 0, /* holds what changes bytes */
	GW_FENCE_READS = 1, /* and what reads them */
	/* Nobody acts: it only keeps new writes behind those that came before.
	 * Waits for no other fence. */
	GW_FENCE_SHADOW = 2,
	/* With SHADOW: it does not even hold, it only waits for those that run now. */
	GW_FENCE_PASS = 4
};

/* Embedded in the asker's object; the core's from gw_fence_take() until held()
 * has come and gw_fence_release() was called. */
struct gw_fence_req {
	/* On the asker's loop, never from inside take().  GW_OK: the range is
	 * yours.  GW_TIMEOUT: the deadline passed; the volume went offline. */
	void (*held)(struct gw_fence_req *fence, enum gw_status status);
	uint64_t offset, length;
	unsigned flags;
	struct instant deadline;
	struct gw_req *shadowed; /* SHADOW: the request for whose sake; otherwise null */
	/* the core's own */
	struct gw_volume *volume;
	struct loop *asker;
	struct gw_fence *at_home;
	struct loop_mail mail;
	struct loop_task task; /* with one loop there is no mail */
	enum gw_status status;
};

/* Any loop, the asker's own. */
void gw_fence_take(struct gw_volume *volume, struct loop *loop, struct gw_fence_req *fence);
/* After held(GW_OK), same loop; the object is free again at once. */
void gw_fence_release(struct gw_fence_req *fence);

#endif
