/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_reply.h - the send side: ops with an outcome, gathered into one send.
 *
 * What is queued in a turn leaves in one send at its end; while that is under
 * way, further replies queue.  Headers are composed when the send is gathered,
 * next to each other, so that replies without data are one piece of memory.
 * Above: nbds_run.c queues, nbds_conn.c flushes.  Home loop.
 */
#ifndef PROTOCOLS_NBD_NBDS_REPLY_H
#define PROTOCOLS_NBD_NBDS_REPLY_H

#include "protocols/nbd/nbds_state.h"

/* op->say is set; the op belongs to the queue now. */
void nbds_reply_queue(struct nbds_op *op);
/* Success without data, or the error. */
void nbds_reply_error(struct nbds_op *op, struct nbdx_error error, uint64_t at);
/* Gathers and sends, unless a send is under way or nothing is queued. */
void nbds_reply_flush(struct nbds_conn *conn);
/* The send has ended, one way or the other: its ops are given back. */
void nbds_reply_sent(struct nbds_conn *conn);
/* The connection dies: what is queued will never be sent. */
void nbds_reply_drop(struct nbds_conn *conn);
static inline bool nbds_reply_idle(const struct nbds_conn *conn)
{
	return STAILQ_EMPTY(&conn->queue) && !conn->wire.sending;
}

#endif
