/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both real drivers share: the letter box, the list of operations that
 * ended inside submit(), the road to a helper thread and back, clock and
 * randomness.  Files are drv_file.h's, sockets drv_sock.h's, bookkeeping in an
 * operation drv_op.h's.  Only drivers include this; a driver's own structure
 * begins with a struct drv_host.
 */
#ifndef GATEWAY_LOOP_DRV_HOST_H
#define GATEWAY_LOOP_DRV_HOST_H

#include <stdatomic.h>

#include "gateway/loop/drv.h"
#include "gateway/loop/drv_fs.h"
#include "gateway/loop/drv_lend.h"
#include "gateway/loop/drv_link.h"
#include "gateway/loop/drv_op.h"
#include "gateway/loop/drv_splice.h"
#include "gateway/loop/loop_mail.h"
#include "gateway/loop/loop_pool.h"

struct drv_host {
	struct loop *loop;
	struct loop_pool *pool;
	struct drv_fs fs;
	struct drv_links links;
	struct loop_mail_box box;
	int wake_fd; /* an eventfd: written to wake the loop */
	struct drv_op_list ready; /* ended inside submit() */
	struct drv_lend_eye eye;
	struct drv_splice splice;
	bool copies; /* drv_copy.h works here */
	atomic_uintptr_t home; /* pthread_self() of the loop's thread, 0 before */
};

int drv_host_init(struct drv_host *host, struct loop *loop, struct loop_pool *pool,
		  struct gw_err *err);
void drv_host_done(struct drv_host *host);

/* The first turn makes the calling thread the loop's home. */
void drv_host_settle(struct drv_host *host);
bool drv_host_is_home(const struct drv_host *host);

/* It ended inside submit(); its done() runs in this turn or the next. */
void drv_host_ready(struct drv_host *host, struct drv_op *op, int64_t res);
/* Idle first, then done(). */
void drv_host_end(struct drv_op *op, int64_t res);
/* Runs mail, and done() of what is ready.  Returns how many ran. */
unsigned drv_host_run(struct drv_host *host);
/* May the driver sleep?  After a yes and the sleep: loop_mail_awake(). */
bool drv_host_sleep(struct drv_host *host);

/* Any thread. */
void drv_host_post(struct drv_host *host, struct loop_mail *mail);

/* JOB READ WRITE SYNC on a helper thread; done() runs on the loop. */
void drv_host_help(struct drv_host *host, struct drv_op *op);

/* The loop's thread: a file's pages (drv_lend.h). */
const void *drv_host_lend(struct drv_host *host, struct drv_file *file, uint64_t offset,
			  uint32_t length);
void drv_host_torn(struct drv_host *host);
/* drv_splice_send(); where it had to wait for a disk nothing is lent for a while. */
bool drv_host_splice(struct drv_host *host, struct drv_op *op, int64_t *res);
bool drv_host_peek(struct drv_host *host, void *to, const void *lent, size_t bytes);

/* The loop's thread.  READ, WRITE, SYNC: rewound, and then what can be done of it at
 * once.  True: it ended, with *res.  False: the rest is for the queue or a helper. */
bool drv_host_try(struct drv_host *host, struct drv_op *op, int64_t *res);

/* drv.h, `pause`. */
void drv_host_pause(struct drv *drv);

/* ---- clock, randomness: any thread --------------------------------------- */

struct instant drv_host_now(struct drv *drv);
int64_t drv_host_wall_ns(struct drv *drv);
struct span drv_host_cpu(struct drv *drv);
void drv_host_random(struct drv *drv, void *buf, size_t len);

#endif
