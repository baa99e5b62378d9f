/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Points in time and lengths of time, as types that cannot be mixed.  Pure:
 * nothing here asks what time it is, that is the driver's business (the loop
 * says it, gateway/loop/loop.h), so the simulation can run on its own clock.
 * An instant counts nanoseconds of a clock that never goes back; additions
 * stop at the ends of the range, so "never" plus anything is still never.
 */
#ifndef GATEWAY_BASE_CLOCK_H
#define GATEWAY_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct instant {
	int64_t ns;
};

struct span {
	int64_t ns;
};

#define INSTANT_NEVER ((struct instant){ INT64_MAX })

static inline int64_t span_scale(int64_t n, int64_t unit_ns)
{
	int64_t r;

	if (__builtin_mul_overflow(n, unit_ns, &r))
		return n < 0 ? INT64_MIN : INT64_MAX;
	return r;
}

static inline struct span span_ns(int64_t n)
{
	return (struct span){ n };
}

static inline struct span span_us(int64_t n)
{
	return (struct span){ span_scale(n, 1000) };
}

static inline struct span span_ms(int64_t n)
{
	return (struct span){ span_scale(n, 1000000) };
}

static inline struct span span_s(int64_t n)
{
	return (struct span){ span_scale(n, 1000000000) };
}

/* Whole units; the rest is cut off. */
static inline int64_t span_to_us(struct span d)
{
	return d.ns / 1000;
}

static inline int64_t span_to_ms(struct span d)
{
	return d.ns / 1000000;
}

static inline int64_t span_to_s(struct span d)
{
	return d.ns / 1000000000;
}

static inline bool span_less(struct span a, struct span b)
{
	return a.ns < b.ns;
}

static inline struct instant instant_add(struct instant t, struct span d)
{
	int64_t r;

	if (__builtin_add_overflow(t.ns, d.ns, &r))
		r = d.ns < 0 ? INT64_MIN : INT64_MAX;
	if (t.ns == INT64_MAX)
		r = INT64_MAX;
	return (struct instant){ r };
}

static inline bool instant_before(struct instant a, struct instant b)
{
	return a.ns < b.ns;
}

static inline bool instant_is_never(struct instant t)
{
	return t.ns == INT64_MAX;
}

static inline struct instant instant_min(struct instant a, struct instant b)
{
	return instant_before(a, b) ? a : b;
}

/* How much time lies between THEN and NOW; negative if THEN is to come. */
static inline struct span instant_since(struct instant now, struct instant then)
{
	int64_t r;

	if (__builtin_sub_overflow(now.ns, then.ns, &r))
		r = now.ns < then.ns ? INT64_MIN : INT64_MAX;
	return (struct span){ r };
}

#endif
