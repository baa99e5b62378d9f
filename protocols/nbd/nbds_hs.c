/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_hs.c - the moves of a handshake (proto.md, "Handshake").
 */
#include "config.h"

#include "protocols/nbd/nbds_hs.h"

#include <stdint.h>

#include "gateway/base/table.h"

#define MOVE(from, event, to, action) \
	[NBDS_HS_##from][NBDS_HS_ON_##event] = { NBDS_HS_##to + 1, NBDS_HS_ACT_##action }

/* One more than the state, so that an absent row is 0. */
static const struct {
	uint8_t to, action;
} moves[NBDS_HS_STATE_COUNT][NBDS_HS_EVENT_COUNT] = {
	MOVE(GREETING, SENT, FLAGS, RECV_FLAGS),

	MOVE(FLAGS, FLAGS, OPTION, RECV_OPTION),

	MOVE(OPTION, HEAD, DATA, RECV_DATA), MOVE(OPTION, WHOLE, HAGGLE, HAGGLE),
	/* "Termination of the session during option haggling" */
	MOVE(OPTION, LEAVE, LEAVING, SEND),

	MOVE(DATA, WHOLE, HAGGLE, HAGGLE),
	MOVE(DATA, DRAIN, DATA, NONE), /* it will be answered with ERR_SHUTDOWN */

	MOVE(HAGGLE, ANSWERED, REPLY, SEND), MOVE(HAGGLE, CHOSEN, JOIN, JOIN),
	MOVE(HAGGLE, LEAVE, LEAVING, SEND),

	MOVE(REPLY, SENT, OPTION, RECV_OPTION), MOVE(REPLY, DRAIN, LEAVING, NONE),

	MOVE(LEAVING, SENT, ENDED, CLOSE), MOVE(LEAVING, DRAIN, LEAVING, NONE),

	MOVE(JOIN, JOINED, WELCOME, SEND), MOVE(JOIN, REFUSED, REPLY, SEND),
	MOVE(JOIN, DRAIN, JOIN, NONE), /* its home loop refuses it */

	MOVE(WELCOME, SENT, MOVED, BEGIN),
	MOVE(WELCOME, DRAIN, WELCOME, NONE), /* transmission drains it */
};
#undef MOVE

struct nbds_hs_move nbds_hs_next(enum nbds_hs_state state, enum nbds_hs_event event)
{
	if (state >= NBDS_HS_STATE_COUNT || event >= NBDS_HS_EVENT_COUNT || !moves[state][event].to)
		return (struct nbds_hs_move){ NBDS_HS_ENDED, NBDS_HS_ACT_CLOSE };
	return (struct nbds_hs_move){ (enum nbds_hs_state)(moves[state][event].to - 1),
				      (enum nbds_hs_action)moves[state][event].action };
}

const char *nbds_hs_state_name(enum nbds_hs_state state)
{
	static const char *const names[] = {
#define STATE(name) #name,
		NBDS_HS_STATES(STATE)
#undef STATE
	};

	return state < TABLE_LEN(names) ? names[state] : "?";
}

const char *nbds_hs_event_name(enum nbds_hs_event event)
{
	static const char *const names[] = {
#define EVENT(name) #name,
		NBDS_HS_EVENTS(EVENT)
#undef EVENT
	};

	return event < TABLE_LEN(names) ? names[event] : "?";
}
