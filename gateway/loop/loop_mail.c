/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A loop's letter box (loop_mail.h).  Putting to sleep and waking meet in two
 * words, top and asleep: the loop writes asleep and then reads top, a sender
 * writes top and then reads asleep.  With both in one total order (the default
 * order of C11 atomics), at least one of them sees the other.
 */
#include "config.h"

#include "gateway/loop/loop_mail.h"

void loop_mail_init(struct loop_mail_box *box)
{
	atomic_init(&box->top, NULL);
	atomic_init(&box->asleep, false);
}

bool loop_mail_put(struct loop_mail_box *box, struct loop_mail *mail)
{
	struct loop_mail *top = atomic_load_explicit(&box->top, memory_order_relaxed);

	do
		mail->next = top;
	while (!atomic_compare_exchange_weak(&box->top, &top, mail));

	/* The first sender that finds the loop asleep rings, the others need not. */
	return atomic_load(&box->asleep) && atomic_exchange(&box->asleep, false);
}

struct loop_mail *loop_mail_take(struct loop_mail_box *box)
{
	struct loop_mail *newest, *oldest = NULL;

	if (!loop_mail_waiting(box))
		return NULL;
	newest = atomic_exchange(&box->top, NULL);
	while (newest) {
		struct loop_mail *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

bool loop_mail_sleep(struct loop_mail_box *box)
{
	atomic_store(&box->asleep, true);
	if (!atomic_load(&box->top))
		return true;
	loop_mail_awake(box);
	return false;
}

void loop_mail_awake(struct loop_mail_box *box)
{
	atomic_store_explicit(&box->asleep, false, memory_order_relaxed);
}

bool loop_mail_waiting(struct loop_mail_box *box)
{
	return atomic_load_explicit(&box->top, memory_order_relaxed) != NULL;
}
