/* SPDX-License-Identifier: BSD-3-Clause
 *
 * store_rig.h - stores without the core: loops on a real driver, requests to a
 * store and their answers, and a plain array of bytes to compare it with.
 *
 * The rig stands in for gw_io_done(): one that comes from inside submit() is
 * deferred to the end of the turn, as the core does it.
 */
#ifndef TESTS_UNIT_PLUGINS_STORE_RIG_H
#define TESTS_UNIT_PLUGINS_STORE_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/api/store.h"
#include "gateway/base/err.h"
#include "gateway/loop/loop_set.h"

#define RIG_LOOPS 4
#define RIG_RUNS 4096

struct rig {
	struct loop_set *set;
	const struct gw_store_ops *ops;
	struct gw_store *store;
	struct gw_store_info info;
	struct gw_store_lane *lane[RIG_LOOPS];
	unsigned loops;
	struct gw_err err;
};

/* A request; zeroed, then filled: io.op, flags, offset, length, iov, niov. */
struct rig_io {
	struct gw_io io;
	void (*done)(struct rig_io *rio); /* may be null; on the loop */
	void *owner;
	enum gw_status status;
	bool ended, inside;
	struct loop_task early;
};

/* Extents as told, neighbours of one kind joined. */
struct rig_extents {
	struct gw_extents sink;
	unsigned n, most; /* most: how many before it says that it is full */
	unsigned calls;
	struct {
		uint64_t length;
		uint32_t flags;
	} run[RIG_RUNS];
};

/* Loops on this driver (null: whatever there is); false: it cannot be had. */
bool rig_loops(struct rig *rig, unsigned n, const struct drv_ops *drv);
void rig_loops_end(struct rig *rig);
/* Open with a lane on each loop; a failure is in rig->err and its result. */
int rig_open(struct rig *rig, const struct gw_store_ops *ops, struct gw_store_args args);
void rig_close(struct rig *rig);

/* On the loop's thread. */
void rig_submit(struct rig *rig, unsigned loop, struct rig_io *rio);
/* Main thread, loops not started: submits on loop 0 and turns until it ended. */
enum gw_status rig_run(struct rig *rig, struct rig_io *rio);
/* Turns loop 0 until *flag, or fails after 20 s. */
void rig_turn_until(struct rig *rig, const bool *flag);

/* rig_run() of one kind; bytes in one piece. */
enum gw_status rig_read(struct rig *rig, uint64_t offset, void *to, size_t length);
enum gw_status rig_write(struct rig *rig, uint64_t offset, const void *from, size_t length,
			 uint32_t flags);
enum gw_status rig_range(struct rig *rig, enum gw_op op, uint64_t offset, uint64_t length,
			 uint32_t flags);
enum gw_status rig_extents(struct rig *rig, uint64_t offset, uint64_t length, uint32_t flags,
			   struct rig_extents *out);

/* A file's name in a folder of its own that goes with rig_scratch_end(). */
const char *rig_scratch(const char *under, const char *name);
void rig_scratch_end(void);

/* A small generator, the same on every machine. */
static inline uint64_t rig_random(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

#endif
