/* SPDX-License-Identifier: BSD-3-Clause
 *
 * kept.h - what must survive of a volume, for front ends: its keeper (keep.h) behind
 * the loops.
 *
 * One file per volume, named by its UUID, in the folder that the daemon was given
 * (gw_state_in()).  Reading blocks and is for the start; writing goes by a helper,
 * one commit after the other, and done() means durable.  All on loop 0.
 */
#ifndef GATEWAY_API_KEPT_H
#define GATEWAY_API_KEPT_H

#include <stddef.h>
#include <sys/queue.h>

#include "gateway/api/keep.h"
#include "gateway/base/err.h"
#include "gateway/loop/loop.h"

struct gw_volume;

struct gw_kept_op {
	/* Filled by the owner; the record is copied when it is written, so value lives
	 * until done().  value null: the record is removed. */
	const char *key;
	const void *value;
	size_t bytes;
	/* rc: 0, or -errno with a sentence, and the record is as before. */
	void (*done)(struct gw_kept_op *op);
	void *owner;
	int rc;
	struct gw_err err;
	/* the core's own */
	struct gw_volume *volume;
	struct drv_op job;
	TAILQ_ENTRY(gw_kept_op) link;
};
TAILQ_HEAD(gw_kept_ops, gw_kept_op);

/* Reads the file; may block, so while nothing is served.  0, or -errno with a
 * sentence: the folder cannot be made, or both copies are damaged. */
int gw_kept_open(struct gw_volume *volume, struct gw_err *err);
/* After gw_kept_open().  The record, valid until the next set ends; null: none. */
const void *gw_kept_get(const struct gw_volume *volume, const char *key, size_t *bytes);
/* After gw_kept_open().  The volume must stay until done(), which is never called
 * from inside. */
void gw_kept_set(struct gw_volume *volume, struct gw_kept_op *op);

#endif
