/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the two real drivers keep book in a struct drv_op: the cursor over its
 * iovec, its busy bits, lists linked by next.  Pure.  Only drivers include
 * this; to everybody else these members belong to the driver.
 *
 * drv_op.priv:
 *	ended inside submit()	[RES]
 *	with the kernel		[IOV] [LEFT] [MARK] [RES]
 *	with a helper		[0..2] are the closure (mail), [RES] [DRV]
 */
#ifndef GATEWAY_LOOP_DRV_OP_H
#define GATEWAY_LOOP_DRV_OP_H

#include "gateway/loop/drv.h"

enum drv_op_priv {
	DRV_OP_IOV, /* the first element of iov that has bytes left */
	DRV_OP_LEFT, /* bytes left */
	DRV_OP_MARK, /* SYNC: what was written before it began */
	DRV_OP_RES, /* bytes done so far; at the end the result */
	DRV_OP_DRV /* the struct drv_host to come back to */
};

enum drv_op_busy {
	DRV_OP_BUSY = 1, /* the driver has it */
	DRV_OP_CANCEL = 2, /* and was asked to give it up */
	DRV_OP_BACKLOG = 4, /* it waits for room in the kernel's queue */
	DRV_OP_UNASKED = 8, /* its cancellation does */
	DRV_OP_ROOM = 16, /* SEND: it waits for room in the socket */
};

/* ---- the cursor: RECV SEND READ WRITE ----------------------------------- */

#define DRV_OP_IOV_MOST 1024 /* elements in one system call */
#define DRV_OP_BYTES_MOST 0x7ffff000U /* bytes in one system call */

void drv_op_rewind(struct drv_op *op); /* to the beginning */
void drv_op_advance(struct drv_op *op, uint64_t bytes); /* that many are done */

static inline uint64_t drv_op_left(const struct drv_op *op)
{
	return op->priv[DRV_OP_LEFT];
}

static inline uint64_t drv_op_finished(const struct drv_op *op)
{
	return op->priv[DRV_OP_RES];
}

static inline struct iovec *drv_op_iov(const struct drv_op *op)
{
	return op->iov + op->priv[DRV_OP_IOV];
}

/* Elements left, no more than one system call takes. */
static inline unsigned drv_op_niov(const struct drv_op *op)
{
	unsigned n = op->niov - (unsigned)op->priv[DRV_OP_IOV];

	return n < DRV_OP_IOV_MOST ? n : DRV_OP_IOV_MOST;
}

/* ---- lists -------------------------------------------------------------- */

struct drv_op_list {
	struct drv_op *first, **tail;
};

void drv_op_list_init(struct drv_op_list *list);
void drv_op_list_put(struct drv_op_list *list, struct drv_op *op);
struct drv_op *drv_op_list_get(struct drv_op_list *list); /* the oldest, or null */
/* Takes it out if it is in. */
void drv_op_list_remove(struct drv_op_list *list, struct drv_op *op);

#endif
