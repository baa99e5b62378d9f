/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both real drivers share (drv_host.h): the ready list, mail, the way to
 * a helper and back, clock and randomness.  Nothing here waits; the drivers do.
 */
#include "config.h"

#include "gateway/loop/drv_host.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "gateway/base/check.h"
#include "gateway/loop/drv_copy.h"
#include "gateway/loop/drv_file.h"
#include "gateway/loop/drv_host_fs.h"
#include "gateway/loop/drv_host_link.h"
#include "gateway/loop/loop.h"

/* What runs of the ready list and of the mail before sockets are asked again. */
#define READY_BATCH 512

/* ---- the driver's part of life ------------------------------------------ */

int drv_host_init(struct drv_host *host, struct loop *loop, struct loop_pool *pool,
		  struct gw_err *err)
{
	*host = (struct drv_host){ .loop = loop, .pool = pool };
	host->copies = drv_copy_ready();
	host->fs.ops = &drv_host_fs_ops;
	host->links.ops = &drv_host_link_ops;
	drv_splice_init(&host->splice);
	drv_op_list_init(&host->ready);
	loop_mail_init(&host->box);
	atomic_init(&host->home, 0);
	host->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (host->wake_fd < 0)
		return gw_err_set(err, errno, "cannot make an eventfd to wake a loop: %m");
	return 0;
}

void drv_host_done(struct drv_host *host)
{
	if (host->wake_fd >= 0)
		close(host->wake_fd);
	host->wake_fd = -1;
	drv_splice_done(&host->splice);
}

void drv_host_settle(struct drv_host *host)
{
	atomic_store_explicit(&host->home, (uintptr_t)pthread_self(), memory_order_release);
}

bool drv_host_is_home(const struct drv_host *host)
{
	uintptr_t home = atomic_load_explicit(&host->home, memory_order_relaxed);

	/* Before the first turn the main thread prepares what the loop will find. */
	return !home || home == (uintptr_t)pthread_self();
}

/* ---- what is due -------------------------------------------------------- */

void drv_host_end(struct drv_op *op, int64_t res)
{
	op->busy = 0;
	op->done(op, res);
}

void drv_host_ready(struct drv_host *host, struct drv_op *op, int64_t res)
{
	op->priv[DRV_OP_RES] = (uint64_t)res;
	drv_op_list_put(&host->ready, op);
}

static unsigned run_ready(struct drv_host *host)
{
	struct drv_op *op;
	unsigned n = 0;

	while (n < READY_BATCH && (op = drv_op_list_get(&host->ready))) {
		drv_host_end(op, (int64_t)op->priv[DRV_OP_RES]);
		n++;
	}
	return n;
}

static unsigned run_mail(struct drv_host *host)
{
	struct loop_mail *mail = loop_mail_take(&host->box);
	unsigned n = 0;

	while (mail) {
		struct loop_mail *next = mail->next; /* run() may reuse it */

		mail->run(mail);
		mail = next;
		n++;
	}
	return n;
}

unsigned drv_host_run(struct drv_host *host)
{
	/* Mail first: what it submits inline is answered in the same turn. */
	unsigned n = run_mail(host);

	return n + run_ready(host);
}

bool drv_host_sleep(struct drv_host *host)
{
	return !host->ready.first && loop_mail_sleep(&host->box);
}

void drv_host_post(struct drv_host *host, struct loop_mail *mail)
{
	uint64_t one = 1;
	ssize_t n;

	if (!loop_mail_put(&host->box, mail))
		return;
	do
		n = write(host->wake_fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
	/* EAGAIN: the counter is full, so it is not zero, so the loop wakes. */
	GW_CHECK(n == sizeof(one) || errno == EAGAIN);
}

/* ---- helpers ------------------------------------------------------------ */

static struct drv_op *op_of(struct loop_mail *mail)
{
	return (struct drv_op *)((char *)mail - offsetof(struct drv_op, mail));
}

static void came_back(struct loop_mail *mail)
{
	struct drv_op *op = op_of(mail);

	drv_host_end(op, (int64_t)op->priv[DRV_OP_RES]);
}

static void on_helper(struct loop_mail *mail)
{
	struct drv_op *op = op_of(mail);
	struct drv_host *host = (struct drv_host *)(uintptr_t)op->priv[DRV_OP_DRV];
	int64_t res = op->kind == DRV_JOB ? op->job(op) : drv_file_work(op);

	op->priv[DRV_OP_RES] = (uint64_t)res;
	op->mail.run = came_back;
	drv_host_post(host, &op->mail);
}

void drv_host_help(struct drv_host *host, struct drv_op *op)
{
	op->priv[DRV_OP_DRV] = (uintptr_t)host;
	op->mail.run = on_helper;
	loop_pool_add(host->pool, &op->mail);
}

/* ---- lending ------------------------------------------------------------ */

const void *drv_host_lend(struct drv_host *host, struct drv_file *file, uint64_t offset,
			  uint32_t length)
{
	return drv_lend_find(&file->lend, &host->eye, loop_now(host->loop).ns, offset, length);
}

/* Copied, where it may be lent.  A page that somebody has cut: the kernel says how. */
static bool try_copy(struct drv_host *host, struct drv_op *op, int64_t *res)
{
	uint64_t bytes = drv_op_left(op);
	const char *from = NULL;

	if (host->copies && bytes <= UINT32_MAX)
		from = drv_host_lend(host, op->file, op->offset, (uint32_t)bytes);
	if (!from)
		return false;
	for (unsigned i = 0; i < op->niov; i++) {
		if (!drv_copy(op->iov[i].iov_base, from, op->iov[i].iov_len)) {
			drv_host_torn(host);
			return false;
		}
		from += op->iov[i].iov_len;
	}
	*res = (int64_t)bytes;
	return true;
}

bool drv_host_try(struct drv_host *host, struct drv_op *op, int64_t *res)
{
	if (op->kind != DRV_SYNC)
		drv_op_rewind(op);
	if (op->kind == DRV_READ && try_copy(host, op, res))
		return true;
	return drv_file_try(op, host->pool, res);
}

void drv_host_torn(struct drv_host *host)
{
	drv_lend_torn(&host->eye, loop_now(host->loop).ns);
}

void drv_host_pause(struct drv *drv)
{
	(void)drv;
	sched_yield();
}

bool drv_host_splice(struct drv_host *host, struct drv_op *op, int64_t *res)
{
	bool ended = drv_splice_send(&host->splice, op, res);

	if (host->splice.waited)
		drv_host_torn(host);
	host->splice.waited = false;
	return ended;
}

bool drv_host_peek(struct drv_host *host, void *to, const void *lent, size_t bytes)
{
	return host->copies && drv_copy(to, lent, bytes);
}

/* ---- clock, randomness -------------------------------------------------- */

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

struct instant drv_host_now(struct drv *drv)
{
	(void)drv;
	return (struct instant){ read_clock(CLOCK_MONOTONIC) };
}

int64_t drv_host_wall_ns(struct drv *drv)
{
	(void)drv;
	return read_clock(CLOCK_REALTIME);
}

struct span drv_host_cpu(struct drv *drv)
{
	(void)drv;
	return span_ns(read_clock(CLOCK_THREAD_CPUTIME_ID));
}

void drv_host_random(struct drv *drv, void *buf, size_t len)
{
	char *at = buf;

	(void)drv;
	while (len) {
		ssize_t n = getrandom(at, len, 0);

		GW_CHECK(n >= 0 || errno == EINTR); /* nothing else can fail */
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
}
