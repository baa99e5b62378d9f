/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_rate.c - how often requests to everybody are answered.
 *
 * A bucket is one instant: when it will be full again.  A token taken moves it one
 * interval away; a bucket is empty while it is burst intervals away.
 */
#include "config.h"

#include "protocols/aoe/aoe_rate.h"

void aoe_rate_begin(struct aoe_rate *rate, const struct aoe_rate_limits *limits)
{
	*rate = (struct aoe_rate){ .limits = *limits, .full = { INT64_MIN } };
	for (unsigned i = 0; i < AOE_RATE_SOURCES; i++)
		rate->sources[i].full = rate->full;
}

/* When the bucket will be full if one is taken now; false if there is none. */
static bool take(struct instant full, const struct aoe_rate_limit *limit, struct instant now,
		 struct instant *after)
{
	struct span most = span_ns(span_scale((int64_t)limit->burst, limit->interval.ns));
	struct instant from = instant_before(full, now) ? now : full;
	struct instant then = instant_add(from, limit->interval);

	if (span_less(most, instant_since(then, now)))
		return false;
	*after = then;
	return true;
}

/* The place of a source, or the one to give it: whose bucket is fullest; a free one
 * has always been full. */
static struct aoe_rate_source *place(struct aoe_rate *rate, const struct aoe_mac *from)
{
	struct aoe_rate_source *least = &rate->sources[0];

	for (unsigned i = 0; i < AOE_RATE_SOURCES; i++) {
		struct aoe_rate_source *one = &rate->sources[i];

		if (one->used && aoe_mac_same(&one->mac, from))
			return one;
		if (instant_before(one->full, least->full))
			least = one;
	}
	return least;
}

bool aoe_rate_take(struct aoe_rate *rate, const struct aoe_mac *from, struct instant now)
{
	struct aoe_rate_source *source = place(rate, from);
	bool known = source->used && aoe_mac_same(&source->mac, from);
	struct instant own = known ? source->full : now, all;

	if (!take(own, &rate->limits.source, now, &own) ||
	    !take(rate->full, &rate->limits.all, now, &all))
		return false;
	*source = (struct aoe_rate_source){ .mac = *from, .used = true, .full = own };
	rate->full = all;
	return true;
}
