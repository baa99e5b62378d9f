/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_conn_fsm.c - the table of RFC 7143 8.1.4 and that of 8.2.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_conn_fsm.h"

#include "gateway/base/table.h"

#define S1 ISCSI_CONN_S1_FREE
#define S3 ISCSI_CONN_S3_XPT_UP
#define S4 ISCSI_CONN_S4_IN_LOGIN
#define S5 ISCSI_CONN_S5_LOGGED_IN
#define S6 ISCSI_CONN_S6_IN_LOGOUT
#define S7 ISCSI_CONN_S7_LOGOUT_REQUESTED
#define S8 ISCSI_CONN_S8_CLEANUP_WAIT

/* 8.1.2: for each transition all the events that the text lists for targets. */
static const struct iscsi_conn_move moves[ISCSI_CONN_STATES][ISCSI_CONN_EVENTS] = {
	[S1][ISCSI_CONN_E_CONNECTED] = { S3, "T3" },

	[S3][ISCSI_CONN_E_LOGIN_REQUEST] = { S4, "T4" },
	[S3][ISCSI_CONN_E_LOGIN_TIMEOUT] = { S1, "T6" },
	[S3][ISCSI_CONN_E_LOST] = { S1, "T6" },

	[S4][ISCSI_CONN_E_LOGIN_ACCEPTED] = { S5, "T5" },
	[S4][ISCSI_CONN_E_LOGIN_REFUSED] = { S1, "T7" },
	[S4][ISCSI_CONN_E_LOGIN_TIMEOUT] = { S1, "T7" },
	[S4][ISCSI_CONN_E_LOST] = { S1, "T7" },
	[S4][ISCSI_CONN_E_SESSION_CLOSED] = { S1, "T7" },

	[S5][ISCSI_CONN_E_SESSION_CLOSED] = { S1, "T8" },
	[S5][ISCSI_CONN_E_REINSTATED] = { S1, "T8" },
	[S5][ISCSI_CONN_E_LOGOUT_REQUEST] = { S6, "T9" },
	[S5][ISCSI_CONN_E_ASK_LOGOUT] = { S7, "T11" },
	[S5][ISCSI_CONN_E_LOST] = { S8, "T15" },
	[S5][ISCSI_CONN_E_REINSTATE_FAILED] = { S8, "T15" },
	[S5][ISCSI_CONN_E_DROP] = { S8, "T15" },

	[S6][ISCSI_CONN_E_LOGOUT_DONE] = { S1, "T13" },
	[S6][ISCSI_CONN_E_SESSION_CLOSED] = { S1, "T13" },
	[S6][ISCSI_CONN_E_REINSTATED] = { S1, "T13" },
	[S6][ISCSI_CONN_E_LOGOUT_FAILED] = { S8, "T17" },
	[S6][ISCSI_CONN_E_LOST] = { S8, "T17" },
	[S6][ISCSI_CONN_E_REINSTATE_FAILED] = { S8, "T17" },
	[S6][ISCSI_CONN_E_DROP] = { S8, "T17" },

	[S7][ISCSI_CONN_E_LOGOUT_REQUEST] = { S6, "T10" },
	[S7][ISCSI_CONN_E_ASK_LOGOUT] = { S7, "T12" },
	[S7][ISCSI_CONN_E_SESSION_CLOSED] = { S1, "T18" },
	[S7][ISCSI_CONN_E_REINSTATED] = { S1, "T18" },
	[S7][ISCSI_CONN_E_LOST] = { S8, "T16" },
	[S7][ISCSI_CONN_E_REINSTATE_FAILED] = { S8, "T16" },
	[S7][ISCSI_CONN_E_DROP] = { S8, "T16" },

	/* S8 is left by the cleanup below alone. */
};

struct iscsi_conn_move iscsi_conn_fsm_move(enum iscsi_conn_state state, enum iscsi_conn_event event)
{
	if ((unsigned)state >= ISCSI_CONN_STATES || (unsigned)event >= ISCSI_CONN_EVENTS ||
	    !moves[state][event].name)
		return (struct iscsi_conn_move){ state, NULL };
	return moves[state][event];
}

const char *iscsi_conn_fsm_state_name(enum iscsi_conn_state state)
{
	static const char *const names[] = {
		[S1] = "S1: FREE",	  [S3] = "S3: XPT_UP",	  [S4] = "S4: IN_LOGIN",
		[S5] = "S5: LOGGED_IN",	  [S6] = "S6: IN_LOGOUT", [S7] = "S7: LOGOUT_REQUESTED",
		[S8] = "S8: CLEANUP_WAIT"
	};

	return (unsigned)state < TABLE_LEN(names) ? names[state] : "?";
}

const char *iscsi_conn_fsm_event_name(enum iscsi_conn_event event)
{
	static const char *const names[] = {
		[ISCSI_CONN_E_CONNECTED] = "connected",
		[ISCSI_CONN_E_LOGIN_REQUEST] = "login request",
		[ISCSI_CONN_E_LOGIN_ACCEPTED] = "login accepted",
		[ISCSI_CONN_E_LOGIN_REFUSED] = "login refused",
		[ISCSI_CONN_E_LOGIN_TIMEOUT] = "login timeout",
		[ISCSI_CONN_E_LOST] = "lost",
		[ISCSI_CONN_E_SESSION_CLOSED] = "session closed",
		[ISCSI_CONN_E_REINSTATED] = "reinstated",
		[ISCSI_CONN_E_REINSTATE_FAILED] = "reinstatement failed",
		[ISCSI_CONN_E_LOGOUT_REQUEST] = "logout request",
		[ISCSI_CONN_E_LOGOUT_DONE] = "logout done",
		[ISCSI_CONN_E_LOGOUT_FAILED] = "logout failed",
		[ISCSI_CONN_E_ASK_LOGOUT] = "logout asked for",
		[ISCSI_CONN_E_DROP] = "drop",
	};

	return (unsigned)event < TABLE_LEN(names) ? names[event] : "?";
}

/* ---- cleanup --------------------------------------------------------------- */

#define R1 ISCSI_CLEANUP_R1_WAIT
#define R2 ISCSI_CLEANUP_R2_IN_CLEANUP
#define R3 ISCSI_CLEANUP_R3_FREE

/* 8.2.2 */
static const struct iscsi_cleanup_move cleanup[ISCSI_CLEANUP_STATES][ISCSI_CLEANUP_EVENTS] = {
	[R1][ISCSI_CLEANUP_E_TIMEOUT] = { R3, "M1" },
	[R1][ISCSI_CLEANUP_E_SESSION_CLOSED] = { R3, "M1" },
	[R1][ISCSI_CLEANUP_E_LOGOUT_BEGUN] = { R2, "M2" },
	[R2][ISCSI_CLEANUP_E_LOGOUT_FAILED] = { R1, "M3" },
	[R2][ISCSI_CLEANUP_E_LOGOUT_DONE] = { R3, "M4" },
	[R2][ISCSI_CLEANUP_E_SESSION_CLOSED] = { R3, "M4" },
};

struct iscsi_cleanup_move iscsi_conn_fsm_cleanup_move(enum iscsi_cleanup_state state,
						      enum iscsi_cleanup_event event)
{
	if ((unsigned)state >= ISCSI_CLEANUP_STATES || (unsigned)event >= ISCSI_CLEANUP_EVENTS ||
	    !cleanup[state][event].name)
		return (struct iscsi_cleanup_move){ state, NULL };
	return cleanup[state][event];
}

const char *iscsi_conn_fsm_cleanup_name(enum iscsi_cleanup_state state)
{
	static const char *const names[] = {
		[R1] = "R1: CLEANUP_WAIT", [R2] = "R2: IN_CLEANUP", [R3] = "R3: FREE"
	};

	return (unsigned)state < TABLE_LEN(names) ? names[state] : "?";
}
