/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The heap of timers against a model that simply searches.
 */
#include "config.h"

#include "tests/harness/harness.h"

#include "gateway/loop/loop_timer.h"

#define TIMERS 200
#define STEPS 200000

static uint32_t seed = 1;

static unsigned pick(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static int64_t earliest(const struct loop_timer *timers, int *armed)
{
	int64_t first = INT64_MAX;

	*armed = 0;
	for (int i = 0; i < TIMERS; i++) {
		if (!loop_timer_armed(&timers[i]))
			continue;
		++*armed;
		if (timers[i].due.ns < first)
			first = timers[i].due.ns;
	}
	return first;
}

static void like_the_model(void **state)
{
	static struct loop_timer timers[TIMERS];
	struct loop_timer_heap heap = { 0 };
	int armed;

	(void)state;
	for (int i = 0; i < TIMERS; i++)
		timers[i].slot = -1;
	for (int step = 0; step < STEPS; step++) {
		struct loop_timer *timer = &timers[pick(TIMERS)];
		struct loop_timer *first;
		int64_t due;

		if (pick(3)) {
			timer->due.ns = pick(50);
			loop_timer_heap_put(&heap, timer);
		} else {
			loop_timer_heap_take(&heap, timer);
			assert_false(loop_timer_armed(timer));
		}
		due = earliest(timers, &armed);
		first = loop_timer_heap_first(&heap);
		assert_int_equal(heap.count, armed);
		assert_true(armed ? first->due.ns == due : !first);
	}
	loop_timer_heap_free(&heap);
	assert_null(heap.at);
}

static void comes_out_in_order(void **state)
{
	static struct loop_timer timers[TIMERS];
	struct loop_timer_heap heap = { 0 };
	int64_t before = INT64_MIN;

	(void)state;
	for (int i = 0; i < TIMERS; i++) {
		timers[i].slot = -1;
		timers[i].due.ns = pick(1000);
		loop_timer_heap_put(&heap, &timers[i]);
	}
	for (int i = 0; i < TIMERS; i++) {
		struct loop_timer *first = loop_timer_heap_first(&heap);

		assert_true(first->due.ns >= before);
		before = first->due.ns;
		loop_timer_heap_take(&heap, first);
		loop_timer_heap_take(&heap, first); /* twice is harmless */
	}
	assert_null(loop_timer_heap_first(&heap));
	loop_timer_heap_free(&heap);
}

HARNESS_MAIN(cmocka_unit_test(like_the_model), cmocka_unit_test(comes_out_in_order))
