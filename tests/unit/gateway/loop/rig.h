/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of gateway/loop share: a set of loops on a given driver, an
 * operation that remembers how it ended, and turning until something is so.
 * Every wait has an end: a test that hangs is a test that fails.
 */
#ifndef TESTS_UNIT_GATEWAY_LOOP_RIG_H
#define TESTS_UNIT_GATEWAY_LOOP_RIG_H

#include "tests/harness/harness.h"

#include "gateway/loop/drv_fs.h"
#include "gateway/loop/loop_set.h"

#define RIG_PATIENCE_MS 10000

struct rig {
	struct loop_set *set;
	struct loop *loop;
	struct drv_fs *fs;
};

/* Which driver the cases run on; each program says so. */
extern const struct drv_ops *rig_driver;

void rig_up(struct rig *rig);
void rig_down(struct rig *rig);
/* With a pair of sockets: [0] is the loop's, [1] the test's. */
void rig_up_pair(struct rig *rig, int pair[2]);
void rig_down_pair(struct rig *rig, int pair[2]);

/* Turns the loop until *what is at least `least`. */
void rig_until(struct rig *rig, const int *what, int least);
/* Turns it for that long, so that what should not happen could. */
void rig_for_ms(struct rig *rig, int ms);
/* The same, and how many turns that were: few, if nothing wakes it. */
unsigned rig_turns_in(struct rig *rig, int ms);

struct rig_op {
	struct drv_op op;
	struct iovec iov[8];
	int ends; /* how often done() ran */
	int64_t res; /* what it said last */
	int64_t all[16];
};

void rig_submit(struct rig *rig, struct rig_op *op);
/* Submits and waits; returns the result. */
int64_t rig_run(struct rig *rig, struct rig_op *op);
/* One iovec element. */
void rig_buf(struct rig_op *op, enum drv_kind kind, const void *buf, size_t len);
void rig_sock_op(struct rig_op *op, enum drv_kind kind, int sock, const void *buf, size_t len);
void rig_file_op(struct rig_op *op, enum drv_kind kind, struct drv_file *file, const void *buf,
		 size_t len, uint64_t offset);

/* A pattern that tells where a byte belongs. */
void rig_fill(void *buf, size_t len, uint64_t seed);
int rig_same(const void *buf, size_t len, uint64_t seed);

/* A folder of our own below `parent`; null if that is not there. */
char *rig_folder(const char *parent);
void rig_folder_remove(char *folder);

#endif
