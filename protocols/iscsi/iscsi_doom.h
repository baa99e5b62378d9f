/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_doom.h - how the files that handle PDUs end a connection: they say why,
 * and iscsi_conn.c, which stands above them, does it before the turn is over.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_DOOM_H
#define PROTOCOLS_ISCSI_ISCSI_DOOM_H

#include "protocols/iscsi/iscsi_state.h"

/* words: a constant.  The first one stays. */
static inline void iscsi_doom(struct iscsi_conn *conn, const char *words)
{
	if (!conn->doom)
		conn->doom = words;
	loop_defer(conn->home->loop, &conn->task);
}

/* The same, and it is the initiator's fault. */
static inline void iscsi_offend(struct iscsi_conn *conn, const char *words)
{
	if (!conn->doom)
		iscsi_count(conn->home, ISCSI_COUNT_offences, 1);
	conn->offence |= !conn->doom;
	iscsi_doom(conn, words);
}

#endif
