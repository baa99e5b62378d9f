/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_sess_fsm.h - the states of a target's session and its moves (RFC 7143
 * 8.3.2): a constant table.
 *
 * Pure: (state, event) gives the next state and the standard's name of the
 * transition, or says that the standard has none; iscsi_sess acts.
 *
 *	Q1 FREE -N1-> Q2 ACTIVE -N2-> Q3 LOGGED_IN -N5-> Q4 FAILED
 *	Q4 -N7-> Q5 IN_CONTINUE -N10-> Q3, -N8-> Q4; back to Q1: N9, N3, N6, N11
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_SESS_FSM_H
#define PROTOCOLS_ISCSI_ISCSI_SESS_FSM_H

/* Q6 and Q7 of RFC 3720 do not exist; RFC 7143 has five for a target. */
enum iscsi_sess_state {
	ISCSI_SESS_Q1_FREE,
	ISCSI_SESS_Q2_ACTIVE,
	ISCSI_SESS_Q3_LOGGED_IN,
	ISCSI_SESS_Q4_FAILED,
	ISCSI_SESS_Q5_IN_CONTINUE,
	ISCSI_SESS_STATES
};

/* What 8.3.4 lists under "target". */
enum iscsi_sess_event {
	ISCSI_SESS_E_FIRST_LOGIN, /* the first connection is in IN_LOGIN */
	ISCSI_SESS_E_FIRST_LOGGED_IN, /* a connection reached LOGGED_IN */
	ISCSI_SESS_E_FIRST_FAILED, /* the leading login failed */
	ISCSI_SESS_E_CLOSED, /* gracefully (6.3.6) */
	ISCSI_SESS_E_REINSTATED, /* a reinstating login took its place */
	ISCSI_SESS_E_FAILED, /* the last connection was lost (6.3.6) */
	ISCSI_SESS_E_TIMEOUT, /* of the session's state */
	ISCSI_SESS_E_CONTINUE, /* a login wants to go on with it */
	ISCSI_SESS_E_CONTINUED, /* and succeeded */
	ISCSI_SESS_E_NOT_CONTINUED, /* and the last such attempt failed */
	ISCSI_SESS_EVENTS
};

struct iscsi_sess_move {
	enum iscsi_sess_state next;
	const char *name; /* "N3"; null: no such transition, next is the state given */
};

struct iscsi_sess_move iscsi_sess_fsm_move(enum iscsi_sess_state state,
					   enum iscsi_sess_event event);
/* "Q3: LOGGED_IN"; "?" for the row after the last. */
const char *iscsi_sess_fsm_state_name(enum iscsi_sess_state state);
const char *iscsi_sess_fsm_event_name(enum iscsi_sess_event event);

#endif
