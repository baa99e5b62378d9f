/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_run.h - commands in flight: from a checked command to requests and back to
 * a reply in the queue (nbds_done.h).
 *
 * A command over GW_BUF_MAX_BYTES, or one for which memory is short, runs in
 * parts.  Where memory or a request is wanting, conn->waiting is set and the
 * connection's task runs again when there is some.  Above: nbds_cmd.c.  Below:
 * gateway/api/req.h and nbds_reply.h.  Home loop.
 */
#ifndef PROTOCOLS_NBD_NBDS_RUN_H
#define PROTOCOLS_NBD_NBDS_RUN_H

#include "protocols/nbd/nbds_state.h"

void nbds_run_init(struct nbds_conn *conn);
/* The command without payload in conn->pump: issues as much as can be; true: all
 * of it, and conn->pump is null. */
bool nbds_run_pump(struct nbds_conn *conn);
/* The next bytes of a write, in mem, which is empty then; false: later. */
bool nbds_run_write(struct nbds_op *whole, struct gw_mem *mem);
/* Waits for memory; returns false. */
bool nbds_run_wait(struct nbds_conn *conn, struct gw_credit *credit, uint32_t bytes);
/* The connection dies: requests become orphans, ops go back. */
void nbds_run_abandon(struct nbds_conn *conn);

#endif
