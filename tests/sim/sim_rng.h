/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_rng.h - the one source of chance in the simulation.
 *
 * xoshiro256** filled by splitmix64 from the seed.  Everything that may happen
 * one way or another asks here, in an order that the seed alone decides; so the
 * same seed is the same world.
 */
#ifndef TESTS_SIM_SIM_RNG_H
#define TESTS_SIM_SIM_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_rng {
	uint64_t s[4];
};

static inline uint64_t sim_rng_rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

/* A good 64-bit mixer; also used to scatter seeds and hashes. */
static inline uint64_t sim_rng_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline void sim_rng_seed(struct sim_rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = sim_rng_mix(seed + 0x9e3779b97f4a7c15u * (uint64_t)i);
}

static inline uint64_t sim_rng_next(struct sim_rng *r)
{
	uint64_t result = sim_rng_rotl(r->s[1] * 5, 7) * 9;
	uint64_t t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = sim_rng_rotl(r->s[3], 45);
	return result;
}

/* 0 .. n-1; n > 0. */
static inline uint64_t sim_rng_below(struct sim_rng *r, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)sim_rng_next(r) * n) >> 64);
}

/* lo .. hi, both included. */
static inline uint64_t sim_rng_between(struct sim_rng *r, uint64_t lo, uint64_t hi)
{
	return lo + sim_rng_below(r, hi - lo + 1);
}

/* True num times of den. */
static inline bool sim_rng_chance(struct sim_rng *r, unsigned num, unsigned den)
{
	return sim_rng_below(r, den) < num;
}

/* lo .. hi, each order of magnitude (of two) equally likely; lo > 0. */
static inline uint64_t sim_rng_log(struct sim_rng *r, uint64_t lo, uint64_t hi)
{
	uint64_t top = lo;
	unsigned steps = 0, pick;

	while (top < hi) {
		top = top > hi / 2 ? hi : top * 2;
		steps++;
	}
	if (steps == 0)
		return lo;
	pick = (unsigned)sim_rng_below(r, steps);
	lo <<= pick;
	top = lo > hi / 2 ? hi : lo * 2;
	return sim_rng_between(r, lo, top);
}

#endif
