/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_depth.h - how many commands each session of a loop may have under way, so that
 * who came early has no more than who came late.
 *
 * Each place of a command window has the memory of its first burst set aside, out of
 * what the pool keeps for newcomers.  That is dealt evenly, with seven shares more than
 * there are sessions, so that those who come next find some:
 *
 *	[ session | session | ... | newcomers, seven shares ]
 *
 * A window that is too deep shrinks as its commands come (MaxCmdSN never goes back, RFC
 * 7143 4.2.2.1): an idle session gives nothing back, and its memory is missing to the
 * others meanwhile.  All on the home loop.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_DEPTH_H
#define PROTOCOLS_ISCSI_ISCSI_DEPTH_H

#include "protocols/iscsi/iscsi_state.h"

/* What a window of so many places needs. */
uint64_t iscsi_depth_bytes(uint32_t depth);
/* The deepest window for so many bytes: ISCSI_DEPTH_MIN, or more, to ISCSI_SLOTS. */
uint32_t iscsi_depth_of(uint64_t bytes);

/* Opens the account that the window of this session lives on, sess->in; the depth for
 * iscsi_window_begin(), 0: no room. */
uint32_t iscsi_depth_open(struct iscsi_sess *sess);
/* The home's task: deals anew. */
void iscsi_depth_deal(struct loop_task *task);

/* A session has come or gone: it is dealt anew at the end of this turn; not after the
 * last one, for then the home may go, too. */
void iscsi_depth_look(struct iscsi_home *home);

/* A command is done. */
static inline void iscsi_depth_done(struct iscsi_sess *sess)
{
	if (sess->shrinks)
		iscsi_depth_look(sess->home);
}

#endif
