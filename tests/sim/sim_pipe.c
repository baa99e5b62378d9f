/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_pipe.c - segments on their way through virtual time.
 */
#include "config.h"

#include "tests/sim/sim_pipe.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"

static void fire_pipe(struct sim_event *event);

void sim_pipe_init(struct sim_pipe *p, struct sim_world *world, void (*came)(struct sim_pipe *pipe))
{
	struct sim_rng *r = &world->rng;

	*p = (struct sim_pipe){ .world = world, .came = came };
	p->event.fire = fire_pipe;
	TAILQ_INIT(&p->late);
	p->window = (size_t)sim_rng_log(r, 8192, 512 * 1024);
	p->latency_ns = sim_rng_log(r, 10 * SIM_US, 2 * SIM_MS);
	p->ns_per_kib = sim_rng_log(r, 100, 20 * SIM_US);
	p->chop = (unsigned)sim_rng_below(r, 3);
}

/* Those that end before this place of the stream. */
static void free_late(struct sim_pipe *p, uint64_t before)
{
	struct sim_late *late;

	while ((late = TAILQ_FIRST(&p->late)) && late->from + late->bytes <= before) {
		TAILQ_REMOVE(&p->late, late, link);
		free(late);
	}
}

void sim_pipe_kill(struct sim_pipe *p, bool keep_arrived)
{
	sim_world_cancel(p->world, &p->event);
	p->dead = true;
	p->flying = 0;
	p->unsent = 0;
	p->seg_n = 0;
	if (keep_arrived && p->arrived)
		return;
	free(p->buf);
	free(p->seg);
	free_late(p, UINT64_MAX);
	p->buf = NULL;
	p->seg = NULL;
	p->room = 0;
	p->seg_room = 0;
	p->head = 0;
	p->arrived = 0;
}

/* How much of n goes into one segment. */
static size_t piece(struct sim_pipe *p, size_t n)
{
	struct sim_rng *r = &p->world->rng;

	if (p->chop == 2 && sim_rng_chance(r, 1, 8))
		return (size_t)sim_rng_between(r, 1, n < 40 ? n : 40);
	if (p->chop >= 1 && sim_rng_chance(r, 1, 4))
		return (size_t)sim_rng_between(r, 1, n);
	return n < 65536 ? n : 65536;
}

static void add_segment(struct sim_pipe *p, size_t bytes)
{
	uint64_t start = p->line_ns > p->world->now_ns ? p->line_ns : p->world->now_ns;
	struct sim_segment *s;

	if (p->seg_first + p->seg_n == p->seg_room) {
		if (p->seg_n)
			memmove(p->seg, p->seg + p->seg_first, p->seg_n * sizeof(*p->seg));
		p->seg_first = 0;
		if (p->seg_n >= p->seg_room / 2) {
			p->seg_room = p->seg_room ? 2 * p->seg_room : 16;
			p->seg = realloc(p->seg, p->seg_room * sizeof(*p->seg));
			GW_CHECK(p->seg);
		}
	}
	p->line_ns = start + bytes * p->ns_per_kib / 1024 + sim_rng_below(&p->world->rng, 5000);
	s = &p->seg[p->seg_first + p->seg_n++];
	*s = (struct sim_segment){ bytes, p->line_ns + p->latency_ns };
	if (p->seg_n == 1)
		sim_world_at(p->world, &p->event, s->due_ns);
}

/* Sends what the window lets through. */
static void pump(struct sim_pipe *p)
{
	while (p->unsent && p->arrived + p->flying < p->window) {
		size_t n = p->window - p->arrived - p->flying;

		n = piece(p, n < p->unsent ? n : p->unsent);
		p->unsent -= n;
		p->flying += n;
		add_segment(p, n);
	}
	if (p->end_asked && !p->end_sent && !p->unsent) {
		p->end_sent = true;
		add_segment(p, 0);
	}
}

static void fire_pipe(struct sim_event *event)
{
	struct sim_pipe *p = SIM_OF(event, struct sim_pipe, event);

	while (p->seg_n && p->seg[p->seg_first].due_ns <= p->world->now_ns) {
		size_t n = p->seg[p->seg_first++].bytes;

		p->seg_n--;
		p->flying -= n;
		p->arrived += n;
		p->end_arrived = p->end_arrived || n == 0;
	}
	if (p->seg_n)
		sim_world_at(p->world, &p->event, p->seg[p->seg_first].due_ns);
	p->came(p);
}

static void make_room(struct sim_pipe *p, size_t len)
{
	size_t used = p->arrived + p->flying + p->unsent;

	if (p->head + used + len <= p->room)
		return;
	if (used)
		memmove(p->buf, p->buf + p->head, used);
	p->head = 0;
	if (used + len <= p->room / 2)
		return;
	p->room = 2 * (used + len) + 1024;
	p->buf = realloc(p->buf, p->room);
	GW_CHECK(p->buf);
}

void sim_pipe_send(struct sim_pipe *p, const void *buf, size_t len)
{
	if (p->dead || !len)
		return;
	make_room(p, len);
	memcpy(p->buf + p->head + p->arrived + p->flying + p->unsent, buf, len);
	p->unsent += len;
	pump(p);
}

void sim_pipe_late(struct sim_pipe *p, const struct sim_late *late, size_t behind)
{
	struct sim_late *copy = malloc(sizeof(*copy)), *last = TAILQ_LAST(&p->late, sim_lates);

	GW_CHECK(copy);
	*copy = *late;
	copy->from = p->consumed + p->arrived + p->flying + p->unsent - behind - late->bytes;
	GW_CHECK(!last || last->from + last->bytes <= copy->from);
	TAILQ_INSERT_TAIL(&p->late, copy, link);
}

const uint8_t *sim_pipe_data(struct sim_pipe *p)
{
	uint64_t end = p->consumed + p->arrived;
	const struct sim_late *late;

	TAILQ_FOREACH (late, &p->late, link) {
		uint64_t from = late->from > p->consumed ? late->from : p->consumed;
		uint64_t to = late->from + late->bytes < end ? late->from + late->bytes : end;

		if (from >= end)
			break;
		late->read(late->arg, late->at + (from - late->from),
			   p->buf + p->head + (from - p->consumed), to - from);
	}
	return p->buf + p->head;
}

void sim_pipe_end(struct sim_pipe *p)
{
	if (p->dead)
		return;
	p->end_asked = true;
	pump(p);
}

void sim_pipe_consume(struct sim_pipe *p, size_t len)
{
	GW_CHECK(len <= p->arrived);
	p->head += len;
	p->arrived -= len;
	p->consumed += len;
	free_late(p, p->consumed);
	if (!p->dead)
		pump(p);
}
