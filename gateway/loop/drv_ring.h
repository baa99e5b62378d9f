/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One io_uring: making it as good as the kernel lets us, turning operations
 * into submission entries, entering the kernel.  It knows the shape of each
 * kind of operation and nothing of their lives, which are drv_uring.c's.  Built
 * only with liburing; used by the loop's own thread alone.
 */
#ifndef GATEWAY_LOOP_DRV_RING_H
#define GATEWAY_LOOP_DRV_RING_H

#include <liburing.h>
#include <sys/socket.h>

#include "gateway/loop/drv_op.h"

#define DRV_RING_HINTS 8192 /* sockets for which we remember that they are drained */

/* user_data below this is no operation */
enum drv_ring_tag { DRV_RING_NOTHING, DRV_RING_WAKE, DRV_RING_TAGS };

struct drv_ring {
	struct io_uring uring;
	bool modern; /* 6.0: multishot accept, poll first */
	bool running; /* enabled, by the thread that uses it */
	struct msghdr *msgs; /* one for each submission entry */
	uint64_t drained[DRV_RING_HINTS / 64];
};

int drv_ring_create(struct drv_ring *ring, struct gw_err *err);
void drv_ring_destroy(struct drv_ring *ring);
/* On the thread that will do all the rest. */
void drv_ring_start(struct drv_ring *ring);

/* Each returns false if the queue is full, even after handing it over. */
bool drv_ring_put(struct drv_ring *ring, struct drv_op *op);
bool drv_ring_put_cancel(struct drv_ring *ring, struct drv_op *op);
/* Each write to the eventfd completes once; it is never read. */
bool drv_ring_put_wake(struct drv_ring *ring, int wake_fd);

/* Hands over what is queued and lets the kernel do its part. */
void drv_ring_enter(struct drv_ring *ring);
/* The same, and sleeps until something completes; timeout_ns < 0: for ever. */
void drv_ring_wait(struct drv_ring *ring, int64_t timeout_ns);
bool drv_ring_has_ended(struct drv_ring *ring); /* something to reap? */

/* Only a hint: the last receive took all there was, so poll before trying. */
void drv_ring_hint(struct drv_ring *ring, int sock, bool drained);

#endif
