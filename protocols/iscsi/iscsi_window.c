/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_window.c - the command window of a session.
 *
 * What holds between two calls: a slot is used only for a number in
 * [ExpCmdSN, MaxCmdSN]; the slot of ExpCmdSN is empty, but between a call that
 * answered NOW and the last iscsi_window_next(); and the window is never longer
 * than the slots, so that two numbers in it never share one.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_window.h"

#include <stddef.h>
#include <string.h>

#include "gateway/base/check.h"
#include "gateway/base/num.h"
#include "protocols/iscsi/iscsi_sn.h"

/* Stands in a slot for a command that will not come. */
static char plug;

static void **slot_of(const struct iscsi_window *window, uint32_t cmdsn)
{
	return &window->slots[cmdsn & window->mask];
}

/* 4.2.2.1: the queuing capacity, MaxCmdSN - ExpCmdSN + 1. */
static uint32_t capacity(const struct iscsi_window *window)
{
	return window->max_cmdsn - window->exp_cmdsn + 1;
}

/* Lets come what there is memory for; MaxCmdSN never goes back. */
static void open_up(struct iscsi_window *window)
{
	uint32_t room = window->depth > window->busy ? window->depth - window->busy : 0;

	if (room > capacity(window))
		window->max_cmdsn = window->exp_cmdsn + room - 1;
}

void iscsi_window_begin(struct iscsi_window *window, void **slots, uint32_t n, uint32_t cmdsn,
			uint32_t depth)
{
	GW_CHECK(num_is_pow2(n) && n < ISCSI_SN_HALF && depth <= n);
	memset(slots, 0, n * sizeof(*slots));
	*window = (struct iscsi_window){ .exp_cmdsn = cmdsn,
					 .max_cmdsn = cmdsn - 1,
					 .depth = depth,
					 .mask = n - 1,
					 .slots = slots };
	open_up(window);
}

bool iscsi_window_open_for(const struct iscsi_window *window, uint32_t cmdsn)
{
	return iscsi_sn_within(cmdsn, window->exp_cmdsn, capacity(window)) &&
	       !*slot_of(window, cmdsn);
}

/* ExpCmdSN is there, in one way or another. */
static void advance(struct iscsi_window *window)
{
	window->exp_cmdsn++;
	open_up(window);
}

/* in_slot: what stands there if an earlier one is missing. */
static enum iscsi_window_verdict place(struct iscsi_window *window, uint32_t cmdsn, void *in_slot)
{
	if (!iscsi_sn_within(cmdsn, window->exp_cmdsn, capacity(window)))
		return ISCSI_WINDOW_OUTSIDE;
	if (*slot_of(window, cmdsn))
		return ISCSI_WINDOW_TWICE;
	if (cmdsn == window->exp_cmdsn)
		return ISCSI_WINDOW_NOW;
	*slot_of(window, cmdsn) = in_slot;
	return ISCSI_WINDOW_KEPT;
}

enum iscsi_window_verdict iscsi_window_take(struct iscsi_window *window, uint32_t cmdsn, void *cmd)
{
	enum iscsi_window_verdict verdict;

	GW_CHECK(cmd);
	verdict = place(window, cmdsn, cmd);
	if (verdict == ISCSI_WINDOW_NOW) {
		window->busy++;
		advance(window);
	} else if (verdict == ISCSI_WINDOW_KEPT) {
		window->kept++;
	}
	return verdict;
}

enum iscsi_window_verdict iscsi_window_plug(struct iscsi_window *window, uint32_t cmdsn)
{
	enum iscsi_window_verdict verdict = place(window, cmdsn, &plug);

	if (verdict == ISCSI_WINDOW_NOW)
		advance(window);
	return verdict;
}

void *iscsi_window_next(struct iscsi_window *window)
{
	while (capacity(window)) {
		void **slot = slot_of(window, window->exp_cmdsn);
		void *cmd = *slot;

		if (!cmd)
			return NULL;
		*slot = NULL;
		if (cmd != &plug) {
			window->kept--;
			window->busy++;
			advance(window);
			return cmd;
		}
		advance(window);
	}
	return NULL;
}

/* MaxCmdSN stays: it may have been sent. */
void iscsi_window_give_back(struct iscsi_window *window)
{
	GW_CHECK(window->busy && !*slot_of(window, window->exp_cmdsn - 1));
	window->busy--;
	window->exp_cmdsn--;
}

void iscsi_window_done(struct iscsi_window *window)
{
	GW_CHECK(window->busy);
	window->busy--;
	open_up(window);
}

void iscsi_window_depth(struct iscsi_window *window, uint32_t depth)
{
	GW_CHECK(depth <= window->mask + 1);
	window->depth = depth;
	open_up(window);
}

uint32_t iscsi_window_held(const struct iscsi_window *window)
{
	uint32_t held = window->busy + capacity(window);

	return held > window->depth ? held : window->depth;
}

void *iscsi_window_forget(struct iscsi_window *window, uint32_t cmdsn)
{
	void **slot = slot_of(window, cmdsn);
	void *cmd = *slot;

	if (!cmd || cmd == &plug || !iscsi_sn_within(cmdsn, window->exp_cmdsn, capacity(window)))
		return NULL;
	*slot = NULL;
	window->kept--;
	return cmd;
}
