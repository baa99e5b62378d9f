/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The heap of a loop's timers (loop_timer.h).  It grows by doubling and never
 * shrinks; there is about one timer per connection.  Equal instants are
 * ordered by the history of the heap alone, never by address, so a simulation
 * repeats itself.
 */
#include "config.h"

#include "gateway/loop/loop_timer.h"

#include <stdlib.h>

#include "gateway/base/check.h"

#define ROOM_FIRST 64

static bool sooner(const struct loop_timer *a, const struct loop_timer *b)
{
	return instant_before(a->due, b->due);
}

static void set(struct loop_timer_heap *heap, int slot, struct loop_timer *timer)
{
	heap->at[slot] = timer;
	timer->slot = slot;
}

static void rise(struct loop_timer_heap *heap, int slot, struct loop_timer *timer)
{
	while (slot > 0 && sooner(timer, heap->at[(slot - 1) / 2])) {
		set(heap, slot, heap->at[(slot - 1) / 2]);
		slot = (slot - 1) / 2;
	}
	set(heap, slot, timer);
}

static void sink(struct loop_timer_heap *heap, int slot, struct loop_timer *timer)
{
	int child;

	while ((child = 2 * slot + 1) < heap->count) {
		if (child + 1 < heap->count && sooner(heap->at[child + 1], heap->at[child]))
			child++;
		if (!sooner(heap->at[child], timer))
			break;
		set(heap, slot, heap->at[child]);
		slot = child;
	}
	set(heap, slot, timer);
}

/* Into this slot, then up or down to where it belongs. */
static void settle(struct loop_timer_heap *heap, int slot, struct loop_timer *timer)
{
	if (slot > 0 && sooner(timer, heap->at[(slot - 1) / 2]))
		rise(heap, slot, timer);
	else
		sink(heap, slot, timer);
}

static void make_room(struct loop_timer_heap *heap)
{
	int room = heap->room ? heap->room * 2 : ROOM_FIRST;
	struct loop_timer **at;

	if (heap->count < heap->room)
		return;
	at = realloc(heap->at, (size_t)room * sizeof(struct loop_timer *));
	/* Arming cannot fail; without a few words of memory there is no going on. */
	GW_CHECK(at);
	heap->at = at;
	heap->room = room;
}

void loop_timer_heap_put(struct loop_timer_heap *heap, struct loop_timer *timer)
{
	if (timer->slot >= 0) {
		settle(heap, timer->slot, timer);
		return;
	}
	make_room(heap);
	rise(heap, heap->count++, timer);
}

void loop_timer_heap_take(struct loop_timer_heap *heap, struct loop_timer *timer)
{
	int slot = timer->slot;
	struct loop_timer *last;

	if (slot < 0)
		return;
	GW_CHECK(slot < heap->count && heap->at[slot] == timer);
	last = heap->at[--heap->count];
	timer->slot = -1;
	if (last != timer)
		settle(heap, slot, last);
}

struct loop_timer *loop_timer_heap_first(const struct loop_timer_heap *heap)
{
	return heap->count ? heap->at[0] : NULL;
}

void loop_timer_heap_free(struct loop_timer_heap *heap)
{
	free(heap->at);
	*heap = (struct loop_timer_heap){ 0 };
}
