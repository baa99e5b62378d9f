/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_world.c - the event heap and the clock of a simulated world.
 *
 * Events of one instant fire in an order that the seed chose when they were
 * set, never in the order of their addresses.
 */
#include "config.h"

#include "tests/sim/sim_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/check.h"

struct sim_world *sim_world_new(uint64_t seed)
{
	struct sim_world *w = calloc(1, sizeof(*w));

	GW_CHECK(w);
	w->seed = seed;
	w->now_ns = 1000 * SIM_S;
	sim_rng_seed(&w->rng, seed);
	w->trace.hash = sim_rng_mix(seed);
	return w;
}

void sim_world_free(struct sim_world **world)
{
	if (!*world)
		return;
	for (size_t i = 0; i < (*world)->events; i++)
		(*world)->heap[i]->slot = 0;
	free((*world)->heap);
	free(*world);
	*world = NULL;
}

static bool sooner(const struct sim_event *a, const struct sim_event *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->tie < b->tie;
}

static void put(struct sim_world *w, size_t i, struct sim_event *event)
{
	w->heap[i] = event;
	event->slot = i + 1;
}

static void sift_up(struct sim_world *w, size_t i, struct sim_event *event)
{
	while (i > 0 && sooner(event, w->heap[(i - 1) / 2])) {
		put(w, i, w->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(w, i, event);
}

static void sift_down(struct sim_world *w, size_t i, struct sim_event *event)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= w->events)
			break;
		if (child + 1 < w->events && sooner(w->heap[child + 1], w->heap[child]))
			child++;
		if (!sooner(w->heap[child], event))
			break;
		put(w, i, w->heap[child]);
		i = child;
	}
	put(w, i, event);
}

void sim_world_at(struct sim_world *w, struct sim_event *event, uint64_t due_ns)
{
	sim_world_cancel(w, event);
	if (w->events == w->heap_room) {
		w->heap_room = w->heap_room ? 2 * w->heap_room : 64;
		w->heap = realloc(w->heap, w->heap_room * sizeof(*w->heap));
		GW_CHECK(w->heap);
	}
	event->due_ns = due_ns > w->now_ns ? due_ns : w->now_ns;
	event->tie = sim_rng_next(&w->rng);
	sift_up(w, w->events++, event);
}

void sim_world_after(struct sim_world *w, struct sim_event *event, uint64_t delay_ns)
{
	sim_world_at(w, event, w->now_ns + delay_ns);
}

void sim_world_cancel(struct sim_world *w, struct sim_event *event)
{
	struct sim_event *last;
	size_t i = event->slot;

	if (i-- == 0)
		return;
	event->slot = 0;
	last = w->heap[--w->events];
	if (last == event)
		return;
	if (i > 0 && sooner(last, w->heap[(i - 1) / 2]))
		sift_up(w, i, last);
	else
		sift_down(w, i, last);
}

uint64_t sim_world_next_ns(const struct sim_world *w)
{
	return w->events ? w->heap[0]->due_ns : SIM_NEVER;
}

void sim_world_fire(struct sim_world *w)
{
	struct sim_event *event = w->heap[0];

	GW_CHECK(w->events && event->due_ns <= w->now_ns);
	sim_world_cancel(w, event);
	event->fire(event);
}

void sim_world_fail(struct sim_world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failed)
		return;
	w->failed = true;
	va_start(ap, fmt);
	vsnprintf(w->failure, sizeof(w->failure), fmt, ap);
	va_end(ap);
	if (w->trace.print)
		printf("# %14.6f FOUND: %s\n", (double)w->now_ns / 1e6, w->failure);
}

void sim_world_broken(struct sim_world *w, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "sim: seed %llu: ", (unsigned long long)w->seed);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}
