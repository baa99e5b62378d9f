/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_world.h - virtual time, what is to happen in it, and chance.
 *
 * A world comes from a seed alone.  It knows instants and events, keeps the
 * trace and counts what a run has been through; it knows no network, no disk
 * and no loop (those stand above: sim_net.h, sim_disk.h, sim_host.h).  An event
 * is embedded in its owner, who keeps it alive until it fires or is cancelled.
 */
#ifndef TESTS_SIM_SIM_WORLD_H
#define TESTS_SIM_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/sim_rng.h"
#include "tests/sim/sim_trace.h"

#define SIM_US 1000ull
#define SIM_MS 1000000ull
#define SIM_S 1000000000ull
#define SIM_NEVER UINT64_MAX

#define SIM_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct sim_event {
	void (*fire)(struct sim_event *event);
	uint64_t due_ns;
	uint64_t tie; /* among events of one instant: drawn when it is set */
	size_t slot; /* 1 + its place in the heap; 0 = idle */
};

struct sim_world {
	uint64_t seed;
	uint64_t now_ns;
	struct sim_rng rng;
	struct sim_trace trace;
	uint64_t cover[SIM_COVER_COUNT];
	struct sim_event **heap;
	size_t events, heap_room;
	bool failed; /* the run has found something */
	char failure[1024]; /* the first thing it found */
};

struct sim_world *sim_world_new(uint64_t seed);
void sim_world_free(struct sim_world **world);

/* Sets (or moves) an event to an instant; the past means now. */
void sim_world_at(struct sim_world *world, struct sim_event *event, uint64_t due_ns);
void sim_world_after(struct sim_world *world, struct sim_event *event, uint64_t delay_ns);
void sim_world_cancel(struct sim_world *world, struct sim_event *event);
static inline bool sim_world_is_set(const struct sim_event *event)
{
	return event->slot != 0;
}

/* The next event's instant; SIM_NEVER if there is none. */
uint64_t sim_world_next_ns(const struct sim_world *world);
/* Fires the next event; its instant must have come. */
void sim_world_fire(struct sim_world *world);

/* The run has found a fault; only the first is kept. */
void sim_world_fail(struct sim_world *world, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The daemon broke the driver's contract: nothing after this means anything.
 * Prints seed and sentence, and stops. */
void sim_world_broken(struct sim_world *world, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

static inline void sim_note(struct sim_world *world, enum sim_tr kind, uint64_t a, uint64_t b,
			    uint64_t c)
{
	sim_trace_add(&world->trace, world->now_ns, kind, a, b, c);
}

static inline void sim_count(struct sim_world *world, enum sim_cover kind)
{
	world->cover[kind]++;
}

#endif
