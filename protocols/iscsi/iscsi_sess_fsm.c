/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_sess_fsm.c - the table of RFC 7143 8.3.2.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_sess_fsm.h"

#include "gateway/base/table.h"

#define Q1 ISCSI_SESS_Q1_FREE
#define Q2 ISCSI_SESS_Q2_ACTIVE
#define Q3 ISCSI_SESS_Q3_LOGGED_IN
#define Q4 ISCSI_SESS_Q4_FAILED
#define Q5 ISCSI_SESS_Q5_IN_CONTINUE

/* 8.3.4, what the text lists for targets. */
static const struct iscsi_sess_move moves[ISCSI_SESS_STATES][ISCSI_SESS_EVENTS] = {
	[Q1][ISCSI_SESS_E_FIRST_LOGIN] = { Q2, "N1" },

	[Q2][ISCSI_SESS_E_FIRST_LOGGED_IN] = { Q3, "N2" },
	[Q2][ISCSI_SESS_E_FIRST_FAILED] = { Q1, "N9" },

	[Q3][ISCSI_SESS_E_CLOSED] = { Q1, "N3" },
	[Q3][ISCSI_SESS_E_REINSTATED] = { Q1, "N3" },
	[Q3][ISCSI_SESS_E_FAILED] = { Q4, "N5" },

	[Q4][ISCSI_SESS_E_TIMEOUT] = { Q1, "N6" },
	[Q4][ISCSI_SESS_E_REINSTATED] = { Q1, "N6" },
	[Q4][ISCSI_SESS_E_CONTINUE] = { Q5, "N7" },

	[Q5][ISCSI_SESS_E_NOT_CONTINUED] = { Q4, "N8" },
	[Q5][ISCSI_SESS_E_CONTINUED] = { Q3, "N10" },
	[Q5][ISCSI_SESS_E_REINSTATED] = { Q1, "N11" },
};

struct iscsi_sess_move iscsi_sess_fsm_move(enum iscsi_sess_state state, enum iscsi_sess_event event)
{
	if ((unsigned)state >= ISCSI_SESS_STATES || (unsigned)event >= ISCSI_SESS_EVENTS ||
	    !moves[state][event].name)
		return (struct iscsi_sess_move){ state, NULL };
	return moves[state][event];
}

const char *iscsi_sess_fsm_state_name(enum iscsi_sess_state state)
{
	static const char *const names[] = { [Q1] = "Q1: FREE",
					     [Q2] = "Q2: ACTIVE",
					     [Q3] = "Q3: LOGGED_IN",
					     [Q4] = "Q4: FAILED",
					     [Q5] = "Q5: IN_CONTINUE" };

	return (unsigned)state < TABLE_LEN(names) ? names[state] : "?";
}

const char *iscsi_sess_fsm_event_name(enum iscsi_sess_event event)
{
	static const char *const names[] = {
		[ISCSI_SESS_E_FIRST_LOGIN] = "first login",
		[ISCSI_SESS_E_FIRST_LOGGED_IN] = "first logged in",
		[ISCSI_SESS_E_FIRST_FAILED] = "first login failed",
		[ISCSI_SESS_E_CLOSED] = "closed",
		[ISCSI_SESS_E_REINSTATED] = "reinstated",
		[ISCSI_SESS_E_FAILED] = "failed",
		[ISCSI_SESS_E_TIMEOUT] = "timeout",
		[ISCSI_SESS_E_CONTINUE] = "to be continued",
		[ISCSI_SESS_E_CONTINUED] = "continued",
		[ISCSI_SESS_E_NOT_CONTINUED] = "not continued",
	};

	return (unsigned)event < TABLE_LEN(names) ? names[event] : "?";
}
