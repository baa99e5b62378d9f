/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checked arithmetic for lengths and offsets.  Whoever adds or multiplies a
 * number that came from a peer, a file or a person does it here: the result
 * is stored and true is returned only if it fits.  Also the few roundings
 * that block devices ask for; their unit is a power of two.
 */
#ifndef GATEWAY_BASE_NUM_H
#define GATEWAY_BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>

static inline bool num_add(uint64_t a, uint64_t b, uint64_t *sum)
{
	uint64_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*sum = r;
	return true;
}

static inline bool num_mul(uint64_t a, uint64_t b, uint64_t *product)
{
	uint64_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*product = r;
	return true;
}

/* Do the LEN bytes from OFFSET lie inside SIZE bytes?  Cannot overflow. */
static inline bool num_inside(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset <= size && len <= size - offset;
}

static inline bool num_is_pow2(uint64_t v)
{
	return v && !(v & (v - 1));
}

static inline uint64_t num_down(uint64_t v, uint64_t unit)
{
	return v & ~(unit - 1);
}

/* Rounds up; V must be at least a unit away from the end of the numbers. */
static inline uint64_t num_up(uint64_t v, uint64_t unit)
{
	return num_down(v + unit - 1, unit);
}

static inline uint64_t num_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t num_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
