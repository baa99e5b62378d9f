/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_op.h - commands in flight: taken from and given back to the loop's slab.
 *
 * The slab grows by whole sheets when a connection needs more than ever before;
 * a command on a busy server allocates nothing.  Home loop.
 */
#ifndef PROTOCOLS_NBD_NBDS_OP_H
#define PROTOCOLS_NBD_NBDS_OP_H

#include "protocols/nbd/nbds_state.h"

/* Null: no memory.  Counted in conn->n_ops. */
struct nbds_op *nbds_op_take(struct nbds_conn *conn, const struct nbds_request *request);
/* A part of whole; counted in conn->n_parts.  Null: no memory. */
struct nbds_op *nbds_op_take_part(struct nbds_op *whole, uint64_t offset, uint64_t length);
/* With its data.  Its request must be gone. */
void nbds_op_put(struct nbds_op *op);
/* All parts that wait in its chain. */
void nbds_op_put_chain(struct nbds_op *whole);
/* All ops are back. */
void nbds_op_free_slabs(struct nbds_home *home);

#endif
