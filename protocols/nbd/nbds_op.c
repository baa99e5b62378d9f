/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_op.c - the slab of commands.
 */
#include "config.h"

#include "protocols/nbd/nbds_op.h"

#include <stdlib.h>

#include "gateway/base/check.h"

#define SHEET_OPS 64

struct nbds_slab {
	struct nbds_slab *next;
	struct nbds_op ops[SHEET_OPS];
};

static bool grow(struct nbds_home *home)
{
	struct nbds_slab *slab = calloc(1, sizeof(*slab));

	if (!slab)
		return false;
	slab->next = home->slabs;
	home->slabs = slab;
	for (unsigned i = 0; i < SHEET_OPS; i++)
		STAILQ_INSERT_TAIL(&home->free_ops, &slab->ops[i], next);
	return true;
}

static struct nbds_op *take(struct nbds_conn *conn)
{
	struct nbds_home *home = conn->home;
	struct nbds_op *op;

	if (STAILQ_EMPTY(&home->free_ops) && !grow(home))
		return NULL;
	op = STAILQ_FIRST(&home->free_ops);
	STAILQ_REMOVE_HEAD(&home->free_ops, next);
	op->conn = conn;
	op->req = NULL;
	op->last = op->collects = op->failed = false;
	op->parts = 0;
	op->left = 0;
	op->error_at = NBDS_NOWHERE;
	op->data.n = 0;
	op->data.bytes = 0;
	STAILQ_INIT(&op->chain);
	return op;
}

struct nbds_op *nbds_op_take(struct nbds_conn *conn, const struct nbds_request *request)
{
	struct nbds_op *op = take(conn);

	if (!op)
		return NULL;
	conn->n_ops++;
	op->whole = NULL;
	op->cookie = request->cookie;
	op->offset = op->start = request->offset;
	op->length = request->length;
	op->type = request->type;
	op->flags = request->flags;
	return op;
}

struct nbds_op *nbds_op_take_part(struct nbds_op *whole, uint64_t offset, uint64_t length)
{
	struct nbds_op *op = take(whole->conn);

	if (!op)
		return NULL;
	op->conn->n_parts++;
	op->whole = whole;
	op->cookie = whole->cookie;
	op->start = whole->start;
	op->offset = offset;
	op->length = length;
	op->type = whole->type;
	op->flags = whole->flags;
	op->plan = whole->plan;
	return op;
}

void nbds_op_put(struct nbds_op *op)
{
	GW_CHECK(!op->req);
	if (op->data.n)
		gw_mem_put(&op->data);
	if (op->whole)
		op->conn->n_parts--;
	else
		op->conn->n_ops--;
	STAILQ_INSERT_HEAD(&op->conn->home->free_ops, op, next);
}

void nbds_op_put_chain(struct nbds_op *whole)
{
	struct nbds_op *part;

	while ((part = STAILQ_FIRST(&whole->chain))) {
		STAILQ_REMOVE_HEAD(&whole->chain, next);
		nbds_op_put(part);
	}
}

void nbds_op_free_slabs(struct nbds_home *home)
{
	struct nbds_slab *slab;

	STAILQ_INIT(&home->free_ops);
	while ((slab = home->slabs)) {
		home->slabs = slab->next;
		free(slab);
	}
}
