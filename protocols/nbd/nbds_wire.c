/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_wire.c - a plain socket as byte stream.
 */
#include "config.h"

#include "protocols/nbd/nbds_wire.h"

#include <stddef.h>

#include "gateway/base/check.h"

static struct nbds_wire *of_rx(struct drv_op *op)
{
	return (struct nbds_wire *)((char *)op - offsetof(struct nbds_wire, rx));
}

static struct nbds_wire *of_tx(struct drv_op *op)
{
	return (struct nbds_wire *)((char *)op - offsetof(struct nbds_wire, tx));
}

static void rx_done(struct drv_op *op, int64_t res)
{
	struct nbds_wire *wire = of_rx(op);

	wire->receiving = false;
	wire->received(wire, res);
}

static void tx_done(struct drv_op *op, int64_t res)
{
	struct nbds_wire *wire = of_tx(op);

	wire->sending = false;
	wire->sent(wire, res);
}

void nbds_wire_open(struct nbds_wire *wire, struct loop *loop, int sock)
{
	wire->loop = loop;
	wire->sock = sock;
	wire->receiving = wire->sending = wire->shut = false;
	wire->rx = (struct drv_op){ .done = rx_done, .kind = DRV_RECV, .sock = sock };
	wire->tx = (struct drv_op){ .done = tx_done, .kind = DRV_SEND, .sock = sock };
}

void nbds_wire_receive(struct nbds_wire *wire, struct iovec *iov, unsigned n, bool whole)
{
	GW_CHECK(!wire->receiving);
	wire->receiving = true;
	wire->rx.flags = whole ? DRV_ALL : 0;
	wire->rx.iov = iov;
	wire->rx.niov = n;
	loop_submit(wire->loop, &wire->rx);
}

void nbds_wire_send(struct nbds_wire *wire, struct iovec *iov, unsigned n)
{
	GW_CHECK(!wire->sending);
	wire->sending = true;
	wire->tx.iov = iov;
	wire->tx.niov = n;
	loop_submit(wire->loop, &wire->tx);
}

void nbds_wire_shut(struct nbds_wire *wire)
{
	if (wire->shut)
		return;
	wire->shut = true;
	loop_sock_shut(wire->loop, wire->sock);
	if (wire->receiving)
		loop_cancel(wire->loop, &wire->rx);
}

void nbds_wire_move(struct nbds_wire *wire, struct loop *loop)
{
	GW_CHECK(nbds_wire_idle(wire));
	wire->loop = loop;
}

void nbds_wire_close(struct nbds_wire *wire)
{
	GW_CHECK(nbds_wire_idle(wire));
	if (wire->sock < 0)
		return;
	loop_sock_close(wire->loop, wire->sock);
	wire->sock = -1;
}
