/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop_stream.c - a plain socket as byte stream.
 */
#include "config.h"

#include "gateway/loop/loop_stream.h"

#include <errno.h>
#include <stddef.h>

#include "gateway/base/check.h"

static struct loop_stream *of_rx(struct drv_op *op)
{
	return (struct loop_stream *)((char *)op - offsetof(struct loop_stream, rx));
}

static struct loop_stream *of_tx(struct drv_op *op)
{
	return (struct loop_stream *)((char *)op - offsetof(struct loop_stream, tx));
}

static void rx_done(struct drv_op *op, int64_t res)
{
	struct loop_stream *stream = of_rx(op);

	stream->receiving = false;
	stream->received(stream, res);
}

static void tx_done(struct drv_op *op, int64_t res)
{
	struct loop_stream *stream = of_tx(op);

	stream->sending = false;
	if (res == -EFAULT)
		loop_torn(stream->loop);
	stream->sent(stream, res);
}

void loop_stream_open(struct loop_stream *stream, struct loop *loop, int sock)
{
	stream->loop = loop;
	stream->sock = sock;
	stream->receiving = stream->sending = stream->shut = false;
	stream->rx = (struct drv_op){ .done = rx_done, .kind = DRV_RECV, .sock = sock };
	stream->tx = (struct drv_op){ .done = tx_done, .kind = DRV_SEND, .sock = sock };
}

void loop_stream_receive(struct loop_stream *stream, struct iovec *iov, unsigned n, bool whole)
{
	GW_CHECK(!stream->receiving);
	stream->receiving = true;
	stream->rx.flags = whole ? DRV_ALL : 0;
	stream->rx.iov = iov;
	stream->rx.niov = n;
	loop_submit(stream->loop, &stream->rx);
}

void loop_stream_send(struct loop_stream *stream, struct iovec *iov, unsigned n)
{
	loop_stream_send_lent(stream, iov, n, NULL);
}

void loop_stream_send_lent(struct loop_stream *stream, struct iovec *iov, unsigned n,
			   struct drv_file *file)
{
	GW_CHECK(!stream->sending);
	stream->sending = true;
	stream->tx.file = file;
	stream->tx.iov = iov;
	stream->tx.niov = n;
	loop_submit(stream->loop, &stream->tx);
}

void loop_stream_shut(struct loop_stream *stream)
{
	if (stream->shut)
		return;
	stream->shut = true;
	loop_sock_shut(stream->loop, stream->sock);
	if (stream->receiving)
		loop_cancel(stream->loop, &stream->rx);
}

void loop_stream_move(struct loop_stream *stream, struct loop *loop)
{
	GW_CHECK(loop_stream_idle(stream));
	stream->loop = loop;
}

void loop_stream_close(struct loop_stream *stream)
{
	GW_CHECK(loop_stream_idle(stream));
	if (stream->sock < 0)
		return;
	loop_sock_close(stream->loop, stream->sock);
	stream->sock = -1;
}
