/* SPDX-License-Identifier: BSD-3-Clause
 *
 * reset.h - a nexus resets a logical unit: what the others are told.
 *
 * Every other I_T_L nexus of the volume gets GW_EVENT_RESET on its own loop; its
 * owner aborts its tasks and raises what its protocol has for that (SAM-5 6.3.3).
 * The asker aborts its own tasks by itself.  Protocols without resets ignore it:
 * nothing of theirs is lost.  What was at the store at that moment, whoever sent it,
 * is waited for (SAM-5 5.6): it changes nothing any more once the reset is answered.
 */
#ifndef GATEWAY_API_RESET_H
#define GATEWAY_API_RESET_H

#include <stdbool.h>
#include <sys/queue.h>

struct gw_itl;

/* Home loop.  Two that follow each other closely may be told as one. */
void gw_itl_reset(struct gw_itl *itl);

/* Whoever answers a reset waits until all have been told, for an initiator that hears
 * of it may ask another what that knows, and older writes have ended. */
struct gw_reset_waiter {
	void (*told)(struct gw_reset_waiter *waiter); /* on the home loop */
	struct gw_itl *itl; /* null: it does not wait */
	TAILQ_ENTRY(gw_reset_waiter) link;
};
/* Home loop.  False: nothing is under way, and told() does not come. */
bool gw_itl_reset_wait(struct gw_itl *itl, struct gw_reset_waiter *waiter);
/* Before the itl is closed. */
void gw_itl_reset_unwait(struct gw_reset_waiter *waiter);

#endif
