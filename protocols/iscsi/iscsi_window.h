/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_window.h - the command window of a session over all its connections
 * (RFC 7143 4.2.2.1): which commands may come, which wait for an earlier one, and
 * in which order they are delivered.
 *
 *	  delivered          may come            may not come yet
 *	... o o o o | o . o o . . . . . . | ...
 *	            ^ ExpCmdSN            ^ MaxCmdSN
 *
 * A command ahead of a hole is kept in its slot (slot = CmdSN modulo their
 * number) until the hole is filled.  The window promises memory: commands that
 * are delivered and not done, and those that may still come, are never more than
 * `depth` (unless depth was made smaller a moment ago; MaxCmdSN never goes back).
 * Pure: no clock, no allocation; it never looks at what it keeps.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_WINDOW_H
#define PROTOCOLS_ISCSI_ISCSI_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct iscsi_window {
	uint32_t exp_cmdsn, max_cmdsn; /* to be sent as they stand */
	uint32_t depth; /* commands that we have memory for */
	uint32_t busy; /* delivered in order, not done yet */
	uint32_t kept; /* in slots */
	uint32_t mask; /* number of slots - 1 */
	void **slots; /* the caller's */
};

enum iscsi_window_verdict {
	ISCSI_WINDOW_NOW, /* it is in turn: deliver it, then ask iscsi_window_next() */
	ISCSI_WINDOW_KEPT, /* an earlier one is missing: the window has it */
	ISCSI_WINDOW_TWICE, /* a duplicate: drop it silently */
	ISCSI_WINDOW_OUTSIDE /* not in the window: drop it silently */
};

/*
 * slots: n of them, a power of two, owned by the caller, used until the session
 * ends.  cmdsn: of the leading login (11.12.8).  depth: 0..n; 0: the window is
 * closed (MaxCmdSN is ExpCmdSN - 1).
 */
void iscsi_window_begin(struct iscsi_window *window, void **slots, uint32_t n, uint32_t cmdsn,
			uint32_t depth);

/* A non-immediate command arrived.  NOW: it counts as delivered.  KEPT: cmd (not
 * null) comes out of iscsi_window_next() or iscsi_window_forget(). */
enum iscsi_window_verdict iscsi_window_take(struct iscsi_window *window, uint32_t cmdsn, void *cmd);

/* The next command that is in turn and was kept, now delivered; null: none. */
void *iscsi_window_next(struct iscsi_window *window);

/* The command that was just delivered, and nothing after it, was rejected: it is as
 * if it had not come (RFC 7143 7.3). */
void iscsi_window_give_back(struct iscsi_window *window);

/* A command that was delivered in order is done; never for immediate ones. */
void iscsi_window_done(struct iscsi_window *window);

/* How many commands there is memory for: 0..slots.  More opens the window at once;
 * less lets it shrink as commands arrive. */
void iscsi_window_depth(struct iscsi_window *window, uint32_t depth);

/* How many commands must find memory: the depth, or more while it shrinks. */
uint32_t iscsi_window_held(const struct iscsi_window *window);

/* A command that is inside the window and will not come, as an ABORT TASK said
 * (11.6.1 b): as if it had come, and nobody gets it.  NOW: it was in turn, ask
 * iscsi_window_next(). */
enum iscsi_window_verdict iscsi_window_plug(struct iscsi_window *window, uint32_t cmdsn);

/* Takes out a command that was kept; it may come again.  Null: none there. */
void *iscsi_window_forget(struct iscsi_window *window, uint32_t cmdsn);

/* May a non-immediate command with this number come? */
bool iscsi_window_open_for(const struct iscsi_window *window, uint32_t cmdsn);

#endif
