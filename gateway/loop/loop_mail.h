/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A loop's letter box: any thread puts, the loop's own thread takes.  Without
 * a lock: senders push on a stack, the loop takes the whole stack and turns it
 * over, so what one sender posted stays in order.  The loop says when it is
 * about to sleep; only then does a sender have to ring, and only one of them.
 * Neighbours: drv_host.c owns a box, loop_pool.c borrows the closure.
 *
 *	senders ──push──▶ top ─▶ c ─▶ b ─▶ a          take: a, b, c
 */
#ifndef GATEWAY_LOOP_LOOP_MAIL_H
#define GATEWAY_LOOP_LOOP_MAIL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "gateway/loop/drv.h"

struct loop_mail_box {
	_Atomic(struct loop_mail *) top;
	atomic_bool asleep;
};

void loop_mail_init(struct loop_mail_box *box);

/* Any thread.  True: the owner sleeps and the caller must wake it. */
bool loop_mail_put(struct loop_mail_box *box, struct loop_mail *mail);

/* ---- the owner's thread ---- */
/* All that is there, in order, linked by next; null if nothing is. */
struct loop_mail *loop_mail_take(struct loop_mail_box *box);
/* True: nothing is there, the owner may sleep and will be woken.  False: stay
 * awake. */
bool loop_mail_sleep(struct loop_mail_box *box);
void loop_mail_awake(struct loop_mail_box *box);
bool loop_mail_waiting(struct loop_mail_box *box);

#endif
