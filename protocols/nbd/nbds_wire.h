/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_wire.h - the byte stream under a connection: the seam for TLS.
 *
 * One receive and one send may be under way.  Nobody above touches the socket:
 * STARTTLS will put its records in here, and neither the handshake nor the
 * commands will know.  Below: loop.h.
 */
#ifndef PROTOCOLS_NBD_NBDS_WIRE_H
#define PROTOCOLS_NBD_NBDS_WIRE_H

#include <stdbool.h>

#include "gateway/loop/loop.h"

struct nbds_wire {
	struct drv_op rx, tx;
	bool receiving, sending;
	bool shut;
	int sock;
	struct loop *loop;
	/* The owner's; on its loop, never from inside a call.  res: bytes, 0 the end
	 * of the stream (received), or -errno. */
	void (*received)(struct nbds_wire *wire, int64_t res);
	void (*sent)(struct nbds_wire *wire, int64_t res);
};

void nbds_wire_open(struct nbds_wire *wire, struct loop *loop, int sock);
/* The iovec array and the memory are borrowed until received() / sent().
 * whole: exactly all bytes, or an end. */
void nbds_wire_receive(struct nbds_wire *wire, struct iovec *iov, unsigned n, bool whole);
void nbds_wire_send(struct nbds_wire *wire, struct iovec *iov, unsigned n);
static inline bool nbds_wire_idle(const struct nbds_wire *wire)
{
	return !wire->receiving && !wire->sending;
}
/* Ends both directions; what is under way ends soon. */
void nbds_wire_shut(struct nbds_wire *wire);
/* Idle only: to another loop, or gone. */
void nbds_wire_move(struct nbds_wire *wire, struct loop *loop);
void nbds_wire_close(struct nbds_wire *wire);

#endif
