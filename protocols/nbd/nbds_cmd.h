/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_cmd.h - the transmission phase's receive path: bytes to commands.
 *
 * Every complete request of a receive is parsed in place, and its payload stays
 * where the socket put it; only the rest of a payload that does not fit behind
 * it is received into memory of its own.  Above: nbds_conn.c, which calls
 * received() when bytes came, and once a turn run() and arm().  Home loop.
 */
#ifndef PROTOCOLS_NBD_NBDS_CMD_H
#define PROTOCOLS_NBD_NBDS_CMD_H

#include "protocols/nbd/nbds_state.h"

enum nbds_cmd_verdict {
	NBDS_CMD_FINE,
	NBDS_CMD_BAD_MAGIC, /* not a request: the stream cannot be followed */
	NBDS_CMD_FLOOD /* a payload larger than can be taken */
};

void nbds_cmd_init(struct nbds_conn *conn);
/* `bytes` came into what arm() offered. */
void nbds_cmd_received(struct nbds_conn *conn, uint32_t bytes);
/* Parses and starts as much as can be.  Anything but FINE: end the connection. */
enum nbds_cmd_verdict nbds_cmd_run(struct nbds_conn *conn);
/* Receives more, where there is anything to wait for and memory to put it. */
void nbds_cmd_arm(struct nbds_conn *conn);
/* True: no half of a request has come (a header begun does not count). */
bool nbds_cmd_between(const struct nbds_conn *conn);
/* Gives the receive memory back; nothing is armed. */
void nbds_cmd_drop(struct nbds_conn *conn);
const char *nbds_cmd_words(enum nbds_cmd_verdict verdict);

#endif
