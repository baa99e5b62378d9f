/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop_link.h - Ethernet frames of one type on one interface, in batches.
 *
 *   lend() ─▶ slots ─▶ received() ─▶ ... ─▶ send() ─▶ queue ─▶ sent()
 *               ▲ one recvmmsg a batch        one sendmmsg a turn │
 *               └────────────── the owner's again ◀───────────────┘
 *
 * What comes lands where the owner's iovec arrays say: a header here, data in the
 * memory of a request.  Where he lends no slot nothing is read, and what is too
 * much is dropped by the kernel: that is the back pressure of protocols without
 * connections.  What cannot go at once is dropped and counted, never waited for.
 *
 * A link is of a name.  The interface that bears it may go down, vanish, come
 * again, get another MTU or address: changed() tells, and the link goes on, or
 * waits without a wake-up.  Above: protocols (AoE).  Below: drv_link.h.
 * Everything on the link's loop.
 */
#ifndef GATEWAY_LOOP_LOOP_LINK_H
#define GATEWAY_LOOP_LOOP_LINK_H

#include <stdbool.h>
#include <sys/queue.h>

#include "gateway/base/counter.h"
#include "gateway/base/err.h"
#include "gateway/loop/drv_link.h"
#include "gateway/loop/loop.h"

struct loop_link;

/* The owner's; none may be absent.  They run in turns of the loop, never inside
 * a call below; all calls below may be made from inside them. */
struct loop_link_ops {
	/* 1 .. DRV_LINK_BATCH frames in their order; the slots are the owner's, the
	 * array of pointers is not. */
	void (*received)(struct loop_link *link, struct drv_frame *const *frames, unsigned n);
	/* The frame is the owner's; frame->res is 0 or says why it was dropped. */
	void (*sent)(struct loop_link *link, struct drv_frame *frame);
	/* link->facts is new; `was` is what it was. */
	void (*changed)(struct loop_link *link, const struct drv_link_facts *was);
	/* After loop_link_close(): nothing is armed, all slots are the owner's, and
	 * the link may be freed right here. */
	void (*closed)(struct loop_link *link);
};

enum loop_link_count {
#define COUNTER(name, help) LOOP_LINK_##name,
#include "gateway/loop/loop_link_counts.tbl"
#undef COUNTER
	LOOP_LINK_COUNTS
};

extern const struct counter_row loop_link_rows[LOOP_LINK_COUNTS];

/* A poll on one of the link's two descriptors. */
struct loop_link_ear {
	struct drv_op op;
	bool armed;
};

struct loop_link {
	const struct loop_link_ops *ops;
	void *owner;
	struct loop *loop;
	struct drv_link_facts facts; /* as told last */
	struct counter counts[LOOP_LINK_COUNTS];

	/* ---- its own ---- */
	struct drv_links *links;
	struct drv_link link;
	struct loop_link_ear rx, news;
	struct loop_task task; /* end of the turn */
	struct loop_timer again; /* after a poll failed */
	STAILQ_HEAD(, drv_frame) slots, queue;
	bool readable; /* frames may wait */
	bool stale; /* the facts may be old */
	bool closing;
};

/* 0, or -errno with a sentence (struct drv_link_ops, open); -ENOTSUP where the
 * loop's driver has no frames: then there is nothing to close.  Any loop, as long as
 * the home loop has not seen it: nothing is armed yet. */
int loop_link_open(struct loop_link *link, struct loop *loop, const struct drv_link_want *want,
		   const struct loop_link_ops *ops, void *owner, struct gw_err *err);
/* Hears of the interface from now on; frames wait for the first slot. */
void loop_link_start(struct loop_link *link);
/* One that was never started: it is gone at once, and nothing is called. */
void loop_link_drop(struct loop_link *link);
/* A slot: frame->iov says where the next frame goes.  What was lent last is filled
 * first, for its memory is still in the caches.  Borrowed until received() or
 * closed(). */
void loop_link_lend(struct loop_link *link, struct drv_frame *frame);
/* The slot that would be filled next, taken back; null: none is lent.  For who needs
 * the memory, or slots of another size. */
struct drv_frame *loop_link_recall(struct loop_link *link);
/* Leaves with this turn.  Borrowed until sent(). */
void loop_link_send(struct loop_link *link, struct drv_frame *frame);
/* Brings the count of lost frames up to date; a system call. */
void loop_link_ask_lost(struct loop_link *link);
/* What is queued leaves, then closed() follows.  Lend and send nothing after: who
 * has something to send that late looks at link->closing. */
void loop_link_close(struct loop_link *link);

#endif
