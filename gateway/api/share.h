/* SPDX-License-Identifier: BSD-3-Clause
 *
 * share.h - how much a byte stream's peer may ask for before the kernel is entered
 * with the answers.
 *
 * Many small reads come in one receive.  Answered all at once they would leave in one
 * send, and the peer would have nothing to do until the last of them is ready; so it
 * and we would take turns on two processors.  Therefore, when the reads of a turn come
 * to a share's bytes and more requests stand behind them, these wait until the answers
 * have been given to the kernel.  A lone request never waits.
 *
 *   received ─▶ run ─▶ asked a share, more is there ─▶ held ─▶ answers ─▶ flush, yield ─┐
 *                ▲                                                                     │
 *                └────────────────────────── the next turn ◀── one entry ◀─────────────┘
 */
#ifndef GATEWAY_API_SHARE_H
#define GATEWAY_API_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/loop/loop.h"

/* What a loopback or a card with offload takes as one packet. */
#define GW_SHARE_BYTES (64u << 10)

/* Embedded in the connection; zeroed.  Its loop. */
struct gw_share {
	uint64_t asked; /* bytes, of reads since the last share began */
	bool held; /* a request stands in the inbox and waits for the next share */
};

static inline void gw_share_add(struct gw_share *share, uint64_t bytes)
{
	share->asked += bytes;
}

/* Another request is at hand: is it held back? */
static inline bool gw_share_holds(struct gw_share *share)
{
	share->held = share->asked >= GW_SHARE_BYTES;
	return share->held;
}

/* The end of a connection's turn; task: of that turn.  was_held: share->held before
 * it ran.  True: something is held, so nothing is to be received, and the task comes
 * again: behind the answers of what has just been asked, or after the kernel was entered
 * with those of what had been asked before. */
static inline bool gw_share_end(struct gw_share *share, bool was_held, struct loop *loop,
				struct loop_task *task)
{
	bool held = share->held;

	if (was_held || !held)
		*share = (struct gw_share){ 0 };
	if (was_held)
		loop_yield(loop);
	if (held)
		loop_defer(loop, task);
	return held;
}

#endif
