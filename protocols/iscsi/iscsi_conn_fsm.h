/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_conn_fsm.h - the states of a target's connection and its moves (RFC 7143
 * 8.1.4), and those of a connection in cleanup (8.2): two constant tables.
 *
 * Pure: (state, event) gives the next state and the standard's name of the
 * transition, or says that the standard has none; iscsi_conn acts.
 *
 *	S1 FREE -T3-> S3 XPT_UP -T4-> S4 IN_LOGIN -T5-> S5 LOGGED_IN
 *	S5 -T9-> S6 IN_LOGOUT <-T10- S7 LOGOUT_REQUESTED <-T11- S5
 *	S5 -T15-, S6 -T17-, S7 -T16-> S8 CLEANUP_WAIT; the rest leads back to S1
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_CONN_FSM_H
#define PROTOCOLS_ISCSI_ISCSI_CONN_FSM_H

/* 8.1.1; S2 exists at initiators alone. */
enum iscsi_conn_state {
	ISCSI_CONN_S1_FREE,
	ISCSI_CONN_S3_XPT_UP,
	ISCSI_CONN_S4_IN_LOGIN,
	ISCSI_CONN_S5_LOGGED_IN,
	ISCSI_CONN_S6_IN_LOGOUT,
	ISCSI_CONN_S7_LOGOUT_REQUESTED,
	ISCSI_CONN_S8_CLEANUP_WAIT,
	ISCSI_CONN_STATES
};

/* What 8.1.2 lists under "target". */
enum iscsi_conn_event {
	ISCSI_CONN_E_CONNECTED, /* the transport is there */
	ISCSI_CONN_E_LOGIN_REQUEST, /* the initial one */
	ISCSI_CONN_E_LOGIN_ACCEPTED, /* the final response, class 0, is sent */
	ISCSI_CONN_E_LOGIN_REFUSED, /* the final response, another class */
	ISCSI_CONN_E_LOGIN_TIMEOUT,
	ISCSI_CONN_E_LOST, /* transport: disconnect, reset, timeout */
	ISCSI_CONN_E_SESSION_CLOSED, /* by a logout on another connection */
	ISCSI_CONN_E_REINSTATED, /* another took the place of connection or session */
	ISCSI_CONN_E_REINSTATE_FAILED,
	ISCSI_CONN_E_LOGOUT_REQUEST,
	ISCSI_CONN_E_LOGOUT_DONE, /* its response, success, is sent */
	ISCSI_CONN_E_LOGOUT_FAILED, /* its response, another answer */
	ISCSI_CONN_E_ASK_LOGOUT, /* we want to be rid of it: async message */
	ISCSI_CONN_E_DROP, /* emergency: async message "drop" */
	ISCSI_CONN_EVENTS
};

struct iscsi_conn_move {
	enum iscsi_conn_state next;
	const char *name; /* "T5"; null: no such transition, next is the state given */
};

struct iscsi_conn_move iscsi_conn_fsm_move(enum iscsi_conn_state state,
					   enum iscsi_conn_event event);
/* "S5: LOGGED_IN"; "?" for the row after the last. */
const char *iscsi_conn_fsm_state_name(enum iscsi_conn_state state);
const char *iscsi_conn_fsm_event_name(enum iscsi_conn_event event);

/* ---- cleanup (8.2) --------------------------------------------------------- */

enum iscsi_cleanup_state {
	ISCSI_CLEANUP_R1_WAIT, /* the same as S8 */
	ISCSI_CLEANUP_R2_IN_CLEANUP,
	ISCSI_CLEANUP_R3_FREE, /* the same as S1 */
	ISCSI_CLEANUP_STATES
};

enum iscsi_cleanup_event {
	ISCSI_CLEANUP_E_TIMEOUT, /* of the connection's state */
	ISCSI_CLEANUP_E_SESSION_CLOSED, /* by a logout on another connection */
	ISCSI_CLEANUP_E_LOGOUT_BEGUN, /* explicit, or a reinstating login */
	ISCSI_CLEANUP_E_LOGOUT_FAILED,
	ISCSI_CLEANUP_E_LOGOUT_DONE, /* explicit, or the reinstating one is logged in */
	ISCSI_CLEANUP_EVENTS
};

struct iscsi_cleanup_move {
	enum iscsi_cleanup_state next;
	const char *name; /* "M2"; null: no such transition */
};

struct iscsi_cleanup_move iscsi_conn_fsm_cleanup_move(enum iscsi_cleanup_state state,
						      enum iscsi_cleanup_event event);
const char *iscsi_conn_fsm_cleanup_name(enum iscsi_cleanup_state state);

#endif
