/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The heap of a loop's timers.  Private to loop_turn.c (and its test); everybody
 * else uses loop_timer_arm() of loop.h.  A timer knows its slot, so that it
 * can be taken out from anywhere in the heap.  Pure: no clock in here.
 *
 *	at:  0  1  2  3  4  5  6 ...	parent of i: (i - 1) / 2
 *	     ▲ the one that is due first
 */
#ifndef GATEWAY_LOOP_LOOP_TIMER_H
#define GATEWAY_LOOP_LOOP_TIMER_H

#include "gateway/loop/loop.h"

struct loop_timer_heap {
	struct loop_timer **at;
	int count, room;
};

/* Puts it in, or moves it to its new place.  timer->due is set. */
void loop_timer_heap_put(struct loop_timer_heap *heap, struct loop_timer *timer);
/* Takes it out if it is in. */
void loop_timer_heap_take(struct loop_timer_heap *heap, struct loop_timer *timer);
/* The next one due, or null. */
struct loop_timer *loop_timer_heap_first(const struct loop_timer_heap *heap);
void loop_timer_heap_free(struct loop_timer_heap *heap);

#endif
