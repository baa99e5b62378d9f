/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop_stream.h - the byte stream under a connection: the seam for TLS.
 *
 * One receive and one send may be under way.  No protocol touches the socket
 * itself: TLS will put its records in here, and neither handshakes nor commands
 * will know.  Above: protocols.  Below: loop.h.  Home loop.
 */
#ifndef GATEWAY_LOOP_LOOP_STREAM_H
#define GATEWAY_LOOP_LOOP_STREAM_H

#include <stdbool.h>

#include "gateway/loop/loop.h"

struct loop_stream {
	struct drv_op rx, tx;
	bool receiving, sending;
	bool shut;
	int sock;
	struct loop *loop;
	/* The owner's; on its loop, never from inside a call.  res: bytes, 0 the end
	 * of the stream (received), or -errno. */
	void (*received)(struct loop_stream *stream, int64_t res);
	void (*sent)(struct loop_stream *stream, int64_t res);
};

void loop_stream_open(struct loop_stream *stream, struct loop *loop, int sock);
/* The iovec array and the memory are borrowed until received() / sent().
 * whole: exactly all bytes, or an end. */
void loop_stream_receive(struct loop_stream *stream, struct iovec *iov, unsigned n, bool whole);
void loop_stream_send(struct loop_stream *stream, struct iovec *iov, unsigned n);
/* The same; what of it is lent by this file (loop_lend) may be what it is when the peer
 * takes it, not yet when sent() is called.  file null: as loop_stream_send(). */
void loop_stream_send_lent(struct loop_stream *stream, struct iovec *iov, unsigned n,
			   struct drv_file *file);
static inline bool loop_stream_idle(const struct loop_stream *stream)
{
	return !stream->receiving && !stream->sending;
}
/* Ends both directions; what is under way ends soon. */
void loop_stream_shut(struct loop_stream *stream);
/* Idle only: to another loop, or gone. */
void loop_stream_move(struct loop_stream *stream, struct loop *loop);
void loop_stream_close(struct loop_stream *stream);

#endif
