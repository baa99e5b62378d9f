/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_conn.h - the life of a connection in full feature phase.
 *
 * Above: iscsi_sess.c, which owns it.  Below: iscsi_tcp.h, iscsi_out.h.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_CONN_H
#define PROTOCOLS_ISCSI_ISCSI_CONN_H

#include "gateway/api/out.h"
#include "protocols/iscsi/iscsi_state.h"

#define ISCSI_CONN_PING_S 15 /* of silence, until we ask */
#define ISCSI_CONN_PONG_S 15 /* until the answer must be there */
#define ISCSI_CONN_DISCOVERY_S 60 /* of silence, until a discovery session is ended */

/* What the login leaves to it. */
struct iscsi_conn_start {
	int sock;
	uint16_t cid;
	uint32_t statsn; /* of the next response */
	const struct iscsi_params *params;
	const struct loop_peer *peer;
	struct iscsi_portal *portal;
};

/* Null: no memory.  Idle until iscsi_conn_begin(). */
struct iscsi_conn *iscsi_conn_make(struct iscsi_sess *sess);
/* The socket is its own from here on; the session's callbacks are set. */
void iscsi_conn_begin(struct iscsi_conn *conn, const struct iscsi_conn_start *start);
/* One that never began. */
void iscsi_conn_unmake(struct iscsi_conn **conn);
/* Asks the initiator to log out (11.9.1); ends by itself when it does. */
void iscsi_conn_drain(struct iscsi_conn *conn, unsigned within_s);
/* Now: lost() and, when nothing is armed, ended() follow.  why: the event of its machine. */
void iscsi_conn_kill(struct iscsi_conn *conn, enum iscsi_conn_event why, const char *words);
/* After ended(): frees it on loop 0, where its door hears of it. */
void iscsi_conn_bury(struct iscsi_conn *conn);
void iscsi_conn_list(const struct iscsi_conn *conn, struct gw_out *out);

#endif
