/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_depth.c - how many commands each session of a loop may have under way.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_depth.h"

#include "gateway/base/num.h"
#include "gateway/loop/loop.h"

#define NEWCOMER_PART 4u /* who comes in takes 1/4 of the newcomers' reserve at most */
#define SHARES_KEPT 7u /* for newcomers, when it is dealt */

/* Receive buffers: a new one while the last commands still refer to the old one. */
#define RECEIVE_BYTES (2ull * ISCSI_RX_BYTES)

/* The first burst of each place, and one that came for a task that ended meanwhile. */
uint64_t iscsi_depth_bytes(uint32_t depth)
{
	return RECEIVE_BYTES + (depth + 1ull) * ISCSI_FIRST_BURST;
}

uint32_t iscsi_depth_of(uint64_t bytes)
{
	uint64_t least = iscsi_depth_bytes(ISCSI_DEPTH_MIN);
	uint64_t more = bytes > least ? (bytes - least) / ISCSI_FIRST_BURST : 0;

	return (uint32_t)num_min(ISCSI_DEPTH_MIN + more, ISCSI_SLOTS);
}

/* Never more than a part of what newcomers have left, and a power of two, which is less:
 * those who come may all stay idle, and then nothing comes back. */
static uint32_t first_depth(const struct iscsi_home *home)
{
	uint64_t most = gw_pool_reserve_bytes(home->pool) / NEWCOMER_PART;
	uint32_t depth = ISCSI_SLOTS;

	while (depth > ISCSI_DEPTH_MIN && iscsi_depth_bytes(depth) > most)
		depth /= 2;
	return depth;
}

static bool open_account(struct iscsi_sess *sess, uint64_t bytes)
{
	return gw_credit_open(sess->home->pool, bytes, bytes, &sess->in);
}

uint32_t iscsi_depth_open(struct iscsi_sess *sess)
{
	/* it has no data: its commands find room in what is received */
	if (sess->discovery)
		return open_account(sess, RECEIVE_BYTES) ? ISCSI_SLOTS : 0;
	for (uint32_t depth = first_depth(sess->home); depth >= ISCSI_DEPTH_MIN; depth /= 2)
		if (open_account(sess, iscsi_depth_bytes(depth)))
			return depth;
	return 0;
}

/* ---- dealing --------------------------------------------------------------- */

static bool has_share(const struct iscsi_sess *sess)
{
	return !sess->discovery && !sess->closing;
}

static uint32_t even_depth(const struct iscsi_home *home)
{
	uint64_t bytes = gw_pool_reserve_bytes(home->pool);
	const struct iscsi_sess *sess;
	unsigned n = 0;

	LIST_FOREACH (sess, &home->sessions, link) {
		if (!has_share(sess))
			continue;
		bytes += sess->in.guaranteed_bytes;
		n++;
	}
	return iscsi_depth_of(bytes / (n + SHARES_KEPT));
}

/* Its account is what it holds. */
static bool settle(struct iscsi_sess *sess, uint32_t held)
{
	uint64_t bytes = iscsi_depth_bytes(held);

	return bytes == sess->in.guaranteed_bytes || gw_credit_resize(&sess->in, bytes, bytes);
}

static void shrink(struct iscsi_sess *sess, uint32_t depth)
{
	uint32_t held;

	if (sess->window.depth > depth)
		iscsi_window_depth(&sess->window, depth);
	held = iscsi_window_held(&sess->window);
	sess->shrinks = held > sess->window.depth;
	settle(sess, held);
}

/* By no more than leaves the others' shares of what is left. */
static void grow(struct iscsi_sess *sess, uint32_t even)
{
	uint64_t left = sess->in.guaranteed_bytes + gw_pool_reserve_bytes(sess->home->pool);
	uint32_t depth = iscsi_depth_of(left / (1 + SHARES_KEPT));
	uint32_t held = iscsi_window_held(&sess->window);

	depth = depth < even ? depth : even;
	if (depth > sess->window.depth && settle(sess, depth > held ? depth : held))
		iscsi_window_depth(&sess->window, depth);
}

void iscsi_depth_look(struct iscsi_home *home)
{
	if (LIST_EMPTY(&home->sessions))
		loop_defer_cancel(home->loop, &home->deal);
	else
		loop_defer(home->loop, &home->deal);
}

/* Who has too much first: the others grow by it. */
void iscsi_depth_deal(struct loop_task *task)
{
	struct iscsi_home *home =
		(struct iscsi_home *)((char *)task - offsetof(struct iscsi_home, deal));
	uint32_t even = even_depth(home);
	struct iscsi_sess *sess;

	LIST_FOREACH (sess, &home->sessions, link)
		if (has_share(sess))
			shrink(sess, even);
	LIST_FOREACH (sess, &home->sessions, link)
		if (has_share(sess))
			grow(sess, even);
}
