/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop_wait.h - how a loop waits for work: asleep at once, or looking for it a while first.
 *
 * To sleep is not free: a processor that halts must be woken, in a virtual machine with
 * the host's help.  To look takes the whole processor meanwhile.  Which of both is dearer
 * depends on machine, client and load, so it is measured and not assumed.  Requests are
 * counted in stretches, each waited through in one way; what one took of processor time,
 * times what it took of time, decides between the ways, and looking may take no more
 * processor time, but for a sixteenth that may be noise.  The way that is not kept is
 * tried again, more and more seldom.
 *
 *      | kept | kept | ... | kept | the other way | kept, or changed | ...
 *                                 └ given up at once where looking finds nothing
 *
 * Pure: time and counts are told.  User: loop_turn.c.
 */
#ifndef GATEWAY_LOOP_LOOP_WAIT_H
#define GATEWAY_LOOP_LOOP_WAIT_H

#include "gateway/base/clock.h"

#define LOOP_WAIT_STRETCH_REQUESTS 256u /* and that long at least: */
#define LOOP_WAIT_STRETCH span_ms(10)
#define LOOP_WAIT_LOOK span_us(50) /* no client on this host needs longer */
#define LOOP_WAIT_MISSES 8u /* so many looks without a request in a row are enough */
#define LOOP_WAIT_PATIENCE 256u /* stretches from one trial to the next, at most */

/* What was spent up to now. */
struct loop_wait_meter {
	uint64_t served; /* requests */
	struct instant now;
	struct span cpu; /* of the loop's thread */
};

/* What a request took on the way, from one to the next; 0: not known. */
struct loop_wait_cost {
	int64_t cpu_ns, ns;
};

struct loop_wait {
	struct span look; /* how long it looks now before it sleeps; 0: not at all */
	bool chooses; /* false: as it was told, for ever */
	bool trial; /* this stretch is of the way that is not kept */
	unsigned misses; /* in a row */
	uint64_t slept; /* how many requests had been served when it slept last */
	unsigned left; /* stretches before the next trial */
	unsigned patience;
	struct loop_wait_meter start; /* of the stretch */
	struct loop_wait_cost cost[2]; /* asleep, looking */
};

/* Always so long; 0: never. */
void loop_wait_fix(struct loop_wait *wait, struct span look);
/* It measures and chooses.  It begins asleep. */
void loop_wait_choose(struct loop_wait *wait);

/* Is the stretch over, so that the meter is worth reading? */
static inline bool loop_wait_is_over(const struct loop_wait *wait, uint64_t served,
				     struct instant now)
{
	return wait->chooses && served - wait->start.served >= LOOP_WAIT_STRETCH_REQUESTS &&
	       !span_less(instant_since(now, wait->start.now), LOOP_WAIT_STRETCH);
}

/* A stretch is over; the next begins. */
void loop_wait_judge(struct loop_wait *wait, const struct loop_wait_meter *meter);

/* It has looked, and sleeps now.  One request since it slept last is the one that woke it,
 * so looking found none.  True: enough of that, give up. */
static inline bool loop_wait_sleeps(struct loop_wait *wait, uint64_t served)
{
	bool found = served - wait->slept > 1;

	wait->slept = served;
	wait->misses = found ? 0 : wait->misses + 1;
	return wait->misses >= LOOP_WAIT_MISSES && wait->chooses;
}

/* Back to sleep, whatever the stretch would have shown. */
void loop_wait_give_up(struct loop_wait *wait, const struct loop_wait_meter *meter);

#endif
