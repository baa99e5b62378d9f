/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bookkeeping of the real drivers in a struct drv_op (drv_op.h).  The cursor
 * moves the owner's iovec array itself, so that what is left can be handed to
 * the kernel as it stands.
 */
#include "config.h"

#include "gateway/loop/drv_op.h"

void drv_op_rewind(struct drv_op *op)
{
	uint64_t left = 0;

	for (unsigned i = 0; i < op->niov; i++)
		left += op->iov[i].iov_len;
	op->priv[DRV_OP_IOV] = 0;
	op->priv[DRV_OP_LEFT] = left;
	op->priv[DRV_OP_RES] = 0;
	drv_op_advance(op, 0); /* over empty elements */
}

void drv_op_advance(struct drv_op *op, uint64_t bytes)
{
	unsigned i = (unsigned)op->priv[DRV_OP_IOV];

	op->priv[DRV_OP_LEFT] -= bytes;
	op->priv[DRV_OP_RES] += bytes;
	if (!op->priv[DRV_OP_LEFT])
		return;
	/* Emptied, so that rewinding finds the place again. */
	while (i < op->niov && op->iov[i].iov_len <= bytes) {
		bytes -= op->iov[i].iov_len;
		op->iov[i++].iov_len = 0;
	}
	if (bytes) {
		op->iov[i].iov_base = (char *)op->iov[i].iov_base + bytes;
		op->iov[i].iov_len -= bytes;
	}
	op->priv[DRV_OP_IOV] = i;
}

void drv_op_list_init(struct drv_op_list *list)
{
	list->first = NULL;
	list->tail = &list->first;
}

void drv_op_list_put(struct drv_op_list *list, struct drv_op *op)
{
	op->next = NULL;
	*list->tail = op;
	list->tail = &op->next;
}

struct drv_op *drv_op_list_get(struct drv_op_list *list)
{
	struct drv_op *op = list->first;

	if (op) {
		list->first = op->next;
		if (!list->first)
			list->tail = &list->first;
	}
	return op;
}

void drv_op_list_remove(struct drv_op_list *list, struct drv_op *op)
{
	struct drv_op **at = &list->first;

	while (*at && *at != op)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = op->next;
	if (list->tail == &op->next)
		list->tail = at;
}
