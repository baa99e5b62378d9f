/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_done.h - the way back: a request has ended; when its command has, a reply
 * is queued.
 *
 * Above: nbds_run.c, which submits.  Below: nbds_reply.h.  Home loop.
 */
#ifndef PROTOCOLS_NBD_NBDS_DONE_H
#define PROTOCOLS_NBD_NBDS_DONE_H

#include "protocols/nbd/nbds_state.h"

/* gw_req.done of every request; its owner is the op. */
void nbds_done(struct gw_req *req);
/* A write gets no more bytes: it ends when its parts have. */
void nbds_done_settle(struct nbds_op *whole);

#endif
