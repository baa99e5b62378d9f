/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_sess.h - a session: its volume, its window and its tasks, from the login
 * that made it to the end of the last task (RFC 7143 4.2.5, 8.3).
 *
 * Above: iscsi_reg.c (loop 0) and iscsi_greet.c.  Below: iscsi_conn.h.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_SESS_H
#define PROTOCOLS_ISCSI_ISCSI_SESS_H

#include "protocols/iscsi/iscsi_conn.h"
#include "protocols/iscsi/iscsi_state.h"

/* How long a session that is ended waits for its tasks at the store; what is left
 * then outlives it as orphans. */
#define ISCSI_SESS_PATIENCE_S 5

struct iscsi_sess_start {
	struct iscsi_slice initiator;
	const char *target; /* "" for discovery */
	const uint8_t *isid;
	uint16_t cid; /* of the leading connection */
	const struct iscsi_params *params;
	bool discovery;
	struct gw_grant grant; /* its from here on; of discovery: empty */
};

/* Loop 0.  Null: no memory (the grant is released). */
struct iscsi_sess *iscsi_sess_make(struct iscsi_home *home, const struct iscsi_sess_start *start);
/* Loop 0: one that was never opened. */
void iscsi_sess_unmake(struct iscsi_sess **sess);

/* Home loop.  Joins the volume; ready() comes later: ok, and again not ok if it is
 * closed while the login holds it.  False: no room, and it is closed. cmdsn: of the
 * leading login. */
bool iscsi_sess_open(struct iscsi_sess *sess, uint32_t cmdsn,
		     void (*ready)(struct iscsi_sess *sess, bool ok), void *owner);
/* Home loop.  A connection that has logged in. */
void iscsi_sess_attach(struct iscsi_sess *sess, struct iscsi_conn *conn,
		       const struct iscsi_conn_start *start);
/* Home loop.  The leading login leaves: it has attached a connection, or gives up. */
void iscsi_sess_let_go(struct iscsi_sess *sess);
/* Home loop.  Another login, of the same CID (6.3.4): the connection that has it is
 * logged out, its tasks end without an answer, as level 0 wants; what is at the store
 * is waited for, to the deadline.  Then ready().  False: the session is about to end.
 * join: cid and ready are set, all else is zero. */
bool iscsi_sess_join(struct iscsi_sess *sess, struct iscsi_join *join);
/* Home loop.  It leaves: it has attached its connection, or gives up; then a session
 * without a connection ends.  Nothing to do where it did not join or was told no. */
void iscsi_sess_unjoin(struct iscsi_join *join);
/* Home loop.  Ends it: connections now, tasks when their stores have ended, to the
 * deadline; then gone() by mail on loop 0. */
void iscsi_sess_close(struct iscsi_sess *sess, const char *words);
/* Home loop.  The same at once: it waits for no task. */
void iscsi_sess_kill(struct iscsi_sess *sess);
/* Home loop.  Asks to log out. */
void iscsi_sess_drain(struct iscsi_sess *sess, unsigned within_s);

#endif
