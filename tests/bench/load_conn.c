/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slots of one connection of the load client: which are free, what each
 * asks for, what came of it.  Below the loop (load_run.c), beside no protocol.
 */
#include "config.h"

#include "tests/bench/load_conn.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t load_conn_clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int load_conn_init(struct load_conn *c, const struct load_plan *plan, struct load_tally *tally,
		   uint64_t seed)
{
	uint8_t *payload = malloc(plan->block_bytes);
	uint32_t i;

	memset(c, 0, sizeof(*c));
	c->plan = plan;
	c->tally = tally;
	c->fd = -1;
	c->rng = seed * 0x9e3779b97f4a7c15u + 1;
	c->depth = plan->depth;
	c->ios_left = plan->ios_limit;
	c->payload = payload;
	c->slots = calloc(plan->depth, sizeof(*c->slots));
	c->free_slots = calloc(plan->depth, sizeof(*c->free_slots));
	if (!payload || !c->slots || !c->free_slots)
		return -1;
	/* not zeros: a server that looks for zeros shall not be favoured */
	for (i = 0; i < plan->block_bytes; i++)
		payload[i] = (uint8_t)(1 + (i * 7 + seed) % 255);
	return 0;
}

void load_conn_free(struct load_conn *c)
{
	free((void *)(uintptr_t)c->payload);
	free(c->slots);
	free(c->free_slots);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

void load_conn_done(struct load_conn *c, uint32_t slot, bool failed)
{
	struct load_slot *s = &c->slots[slot];

	if (failed || s->failed) {
		c->tally->errors++;
	} else {
		c->ios++;
		c->tally->ios++;
		c->tally->bytes += c->plan->block_bytes;
		load_hist_add(&c->tally->hist, c->now_ns - s->born_ns);
	}
	s->failed = false;
	c->free_slots[c->free_count++] = slot;
}

/* xorshift64*: cheap, and far better than the offsets need */
static uint64_t next_random(struct load_conn *c)
{
	c->rng ^= c->rng >> 12;
	c->rng ^= c->rng << 25;
	c->rng ^= c->rng >> 27;
	return c->rng * 0x2545f4914f6cdd1du;
}

static uint64_t next_offset(struct load_conn *c)
{
	const struct load_plan *plan = c->plan;
	uint64_t blocks = plan->region_bytes / plan->block_bytes;
	uint64_t block;

	if (plan->sequential) {
		block = c->next_block;
		c->next_block = block + 1 == blocks ? 0 : block + 1;
	} else {
		block = (uint64_t)(((unsigned __int128)next_random(c) * blocks) >> 64);
	}
	return block * plan->block_bytes;
}

static bool next_is_write(struct load_conn *c)
{
	uint32_t percent = c->plan->write_percent;

	if (percent == 0 || percent == 100)
		return percent == 100;
	return (next_random(c) >> 32) % 100 < percent;
}

void load_conn_fill(struct load_conn *c, const struct load_proto *p)
{
	while (c->free_count > 0 && c->ios_left > 0) {
		uint32_t slot = c->free_slots[--c->free_count];
		struct load_slot *s = &c->slots[slot];

		c->ios_left--;
		s->born_ns = c->now_ns;
		s->offset_bytes = next_offset(c);
		s->write = next_is_write(c);
		p->build(c, slot);
	}
}
