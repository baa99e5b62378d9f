/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending a file's pages themselves: the kernel hands them from the page cache to the
 * socket through a pipe, and nobody copies them here.  256 KiB cost 20 us so, and 60
 * copied from a mapping.  They may change until the peer has taken them, so only who
 * can bear that says of which file its lent bytes are (drv.h, SEND).  Small pieces are
 * copied: for them the calls would be dearer.
 *
 * Where the peer is gone splice() raises SIGPIPE, too: the process must ignore it.
 *
 *	iov:  [head] [lent, large ......] [head] [lent, small]
 *	       copied  file ─▶ pipe ─▶ socket     copied, in one call
 */
#ifndef GATEWAY_LOOP_DRV_SPLICE_H
#define GATEWAY_LOOP_DRV_SPLICE_H

#include <stdbool.h>

#include "gateway/loop/drv_op.h"

/* A loop's; its thread alone. */
struct drv_splice {
	int pipe[2]; /* empty between calls; -1: not made */
	bool waited; /* a page was not there: the loop has waited for it */
	bool inet_only; /* before Linux 6.5 a Unix socket's reader could hold us up */
};

void drv_splice_init(struct drv_splice *s);
void drv_splice_done(struct drv_splice *s);

/* SEND, rewound: is there anything in what is left that is worth it? */
bool drv_splice_suits(const struct drv_splice *s, const struct drv_op *op);
/* As far as it goes without waiting, on a socket that is non-blocking now (splice()
 * knows no other way).  True: it ended, with *res. */
bool drv_splice_send(struct drv_splice *s, struct drv_op *op, int64_t *res);

#endif
