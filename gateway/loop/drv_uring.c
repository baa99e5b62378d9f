/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver on io_uring: one ring per loop, used by that loop's thread alone.
 * What a turn queues enters the kernel together with the wait.  Completions
 * that need more (a short send, a stop in a file) are queued again here, so
 * that the owner sees one done().  Files first try to end inline (drv_file.h).
 * Neighbours: drv_ring.h below, drv_host.h for all that drv_aio.c needs too.
 *
 *	submit() ──▶ start ─▶ ended? ─▶ ready ─────────────────┐
 *	               │                                       ▼
 *	               └─▶ queue ─▶ SQ ═ kernel ═ CQ ─▶ end ─▶ done()
 *	                     ▲  └ full: backlog           │ more to do
 *	                     └────────────────────────────┘
 */
#include "config.h"

#include "gateway/loop/drv_host.h"

#ifdef HAVE_LIBURING

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "gateway/base/check.h"
#include "gateway/base/table.h"
#include "gateway/loop/drv_file.h"
#include "gateway/loop/drv_ring.h"
#include "gateway/loop/drv_sock.h"
#include "gateway/loop/loop.h"

#define CQ_BATCH 64 /* copied out of the ring at once */
#define TURN_BATCH 1024 /* completions in one turn, so that timers are heard */

struct drv {
	struct drv_host host;
	struct drv_ring ring;
	struct drv_op_list backlog; /* no room in the submission queue */
	struct drv_op_list unasked; /* cancellations without room */
	bool deaf; /* nothing watches the eventfd (any more) */
};

/* ---- into the submission queue -------------------------------------------- */

static void queue(struct drv *drv, struct drv_op *op)
{
	if (!drv->backlog.first && drv_ring_put(&drv->ring, op))
		return;
	op->busy |= DRV_OP_BACKLOG;
	drv_op_list_put(&drv->backlog, op);
}

static void flush_backlog(struct drv *drv)
{
	while (drv->backlog.first && drv_ring_put(&drv->ring, drv->backlog.first))
		drv_op_list_get(&drv->backlog)->busy &= (uint8_t)~DRV_OP_BACKLOG;
	while (drv->unasked.first && drv_ring_put_cancel(&drv->ring, drv->unasked.first))
		drv_op_list_get(&drv->unasked)->busy &= (uint8_t)~DRV_OP_UNASKED;
}

/* ---- submit and cancel --------------------------------------------------- */

static void start_stream(struct drv *drv, struct drv_op *op)
{
	drv_op_rewind(op);
	if (drv_op_left(op))
		queue(drv, op);
	else
		drv_host_ready(&drv->host, op, 0);
}

/* Pages on their way to a socket that must not wait meanwhile. */
static bool splice_now(struct drv *drv, struct drv_op *op, int64_t *res)
{
	bool ended;

	drv_sock_nonblock(op->sock, true);
	ended = drv_host_splice(&drv->host, op, res);
	drv_sock_nonblock(op->sock, false);
	if (ended)
		return true;
	op->busy |= DRV_OP_ROOM;
	queue(drv, op);
	return false;
}

static void start_send(struct drv *drv, struct drv_op *op)
{
	int64_t res;

	drv_op_rewind(op);
	if (!drv_splice_suits(&drv->host.splice, op))
		start_stream(drv, op);
	else if (splice_now(drv, op, &res))
		drv_host_ready(&drv->host, op, res);
}

static void start_file(struct drv *drv, struct drv_op *op)
{
	int64_t res;

	if (drv_host_try(&drv->host, op, &res))
		drv_host_ready(&drv->host, op, res);
	else
		queue(drv, op);
}

static void start_job(struct drv *drv, struct drv_op *op)
{
	drv_host_help(&drv->host, op);
}

static void (*const starts[])(struct drv *drv, struct drv_op *op) = {
	[DRV_ACCEPT] = queue,	 [DRV_POLL] = queue,	  [DRV_RECV] = start_stream,
	[DRV_SEND] = start_send, [DRV_READ] = start_file, [DRV_WRITE] = start_file,
	[DRV_SYNC] = start_file, [DRV_JOB] = start_job,
};

static void uring_submit(struct drv *drv, struct drv_op *op)
{
	GW_CHECK(op->kind < TABLE_LEN(starts) && !op->busy);
	op->busy = DRV_OP_BUSY;
	starts[op->kind](drv, op);
}

static void uring_cancel(struct drv *drv, struct drv_op *op)
{
	if (op->kind != DRV_ACCEPT && op->kind != DRV_POLL && op->kind != DRV_RECV)
		return;
	if (!op->busy || (op->busy & DRV_OP_CANCEL))
		return;
	op->busy |= DRV_OP_CANCEL;
	if (op->busy & DRV_OP_BACKLOG) {
		drv_op_list_remove(&drv->backlog, op);
		drv_host_ready(&drv->host, op, -ECANCELED);
	} else if (!drv_ring_put_cancel(&drv->ring, op)) {
		op->busy |= DRV_OP_UNASKED;
		drv_op_list_put(&drv->unasked, op);
	}
}

/* ---- from a completion entry to the end of an operation ------------------- */

/* It ends by itself: nothing is left to be cancelled. */
static void forget_unasked(struct drv *drv, struct drv_op *op)
{
	if (!(op->busy & DRV_OP_UNASKED))
		return;
	drv_op_list_remove(&drv->unasked, op);
	op->busy &= (uint8_t)~DRV_OP_UNASKED;
}

/* The kernel let go of it.  Again, unless it was to be cancelled. */
static void again(struct drv *drv, struct drv_op *op)
{
	forget_unasked(drv, op);
	if (op->busy & DRV_OP_CANCEL)
		drv_host_end(op, -ECANCELED);
	else
		queue(drv, op);
}

/* Errors of one connection that went before it was accepted. */
static bool is_passing(int res)
{
	return res == -ECONNABORTED || res == -EINTR || res == -EAGAIN || res == -EPROTO;
}

/* ACCEPT and POLL stay armed, whether the kernel goes on by itself or not. */
static void end_armed(struct drv *drv, struct drv_op *op, int res, unsigned flags)
{
	bool more = flags & IORING_CQE_F_MORE;

	if (res < 0) {
		if (more)
			return;
		if (!is_passing(res)) {
			drv_host_end(op, res);
			return;
		}
		if (res == -EAGAIN)
			drv_sock_nonblock(op->sock, false);
		again(drv, op);
		return;
	}
	if (op->kind == DRV_ACCEPT)
		drv_ring_hint(&drv->ring, res, false);
	op->done(op, res); /* armed still: cancel() in there is heard below */
	if (!more)
		again(drv, op);
}

/* -EAGAIN from a ring means that the socket is non-blocking: then it does not
 * wait, and we cannot want that. */
static bool is_retry(struct drv_op *op, int res)
{
	if (res == -EAGAIN && (op->kind == DRV_RECV || op->kind == DRV_SEND))
		drv_sock_nonblock(op->sock, false);
	return res == -EINTR || res == -EAGAIN;
}

static void end_recv(struct drv *drv, struct drv_op *op, int res, unsigned flags)
{
	if (is_retry(op, res)) {
		again(drv, op);
		return;
	}
	if (res > 0) {
		drv_ring_hint(&drv->ring, op->sock,
			      !(flags & IORING_CQE_F_SOCK_NONEMPTY) &&
				      (unsigned)res < drv_op_left(op));
		drv_op_advance(op, (uint64_t)res);
		if ((op->flags & DRV_ALL) && drv_op_left(op)) {
			again(drv, op);
			return;
		}
		res = (int)drv_op_finished(op);
	}
	drv_host_end(op, res);
}

/* There is room, or the socket is broken: sending will tell.  A peer who has only said
 * that he sends no more wakes us as well; then the kernel waits for the room. */
static void end_wait(struct drv *drv, struct drv_op *op, int events)
{
	bool room = events > 0 && events & (POLLOUT | POLLERR | POLLHUP);
	int64_t res;

	op->busy &= (uint8_t)~DRV_OP_ROOM;
	if (!room || !drv_splice_suits(&drv->host.splice, op))
		queue(drv, op);
	else if (splice_now(drv, op, &res))
		drv_host_end(op, res);
}

static void end_send(struct drv *drv, struct drv_op *op, int res, unsigned flags)
{
	(void)flags;
	if (op->busy & DRV_OP_ROOM) {
		end_wait(drv, op, res);
		return;
	}
	if (res > 0)
		drv_op_advance(op, (uint64_t)res);
	if (res >= 0 && !drv_op_left(op))
		drv_host_end(op, (int64_t)drv_op_finished(op));
	else if (res >= 0 || is_retry(op, res))
		queue(drv, op);
	else
		drv_host_end(op, res);
}

static void end_file(struct drv *drv, struct drv_op *op, int res, unsigned flags)
{
	int64_t result;

	(void)flags;
	if (res == -EAGAIN)
		drv_host_help(&drv->host, op); /* a device that cannot queue */
	else if (drv_file_step(op, res, &result))
		drv_host_end(op, result);
	else
		queue(drv, op);
}

typedef void end_fn(struct drv *drv, struct drv_op *op, int res, unsigned flags);

static end_fn *const ends[] = {
	[DRV_ACCEPT] = end_armed, [DRV_POLL] = end_armed, [DRV_RECV] = end_recv,
	[DRV_SEND] = end_send,	  [DRV_READ] = end_file,  [DRV_WRITE] = end_file,
	[DRV_SYNC] = end_file,
};

static void handle(struct drv *drv, const struct io_uring_cqe *cqe)
{
	struct drv_op *op = io_uring_cqe_get_data(cqe);

	if (cqe->user_data < DRV_RING_TAGS) {
		if (cqe->user_data == DRV_RING_WAKE && !(cqe->flags & IORING_CQE_F_MORE))
			drv->deaf = true;
		return;
	}
	if (!(cqe->flags & IORING_CQE_F_MORE))
		forget_unasked(drv, op);
	ends[op->kind](drv, op, cqe->res, cqe->flags);
}

static unsigned reap(struct drv *drv)
{
	struct io_uring_cqe *cqes[CQ_BATCH], copy[CQ_BATCH];
	unsigned n, total = 0;

	while (total < TURN_BATCH &&
	       (n = io_uring_peek_batch_cqe(&drv->ring.uring, cqes, CQ_BATCH))) {
		for (unsigned i = 0; i < n; i++)
			copy[i] = *cqes[i];
		io_uring_cq_advance(&drv->ring.uring, n);
		for (unsigned i = 0; i < n; i++)
			handle(drv, &copy[i]);
		total += n;
	}
	return total;
}

/* ---- the turn ------------------------------------------------------------ */

/* Nanoseconds to wait: 0 not at all, -1 for ever. */
static int64_t how_long(struct drv *drv, struct instant until)
{
	int64_t ns;

	if (until.ns <= 0 || drv->backlog.first || drv_ring_has_ended(&drv->ring))
		return 0;
	if (instant_is_never(until))
		return -1;
	ns = instant_since(until, drv_host_now(drv)).ns;
	return ns > 0 ? ns : 0;
}

static void enter(struct drv *drv, struct instant until)
{
	int64_t ns = how_long(drv, until);

	if (ns && drv_host_sleep(&drv->host)) {
		drv_ring_wait(&drv->ring, ns);
		loop_mail_awake(&drv->host.box);
	} else {
		drv_ring_enter(&drv->ring);
	}
}

/* The first turn, on the thread that will make all others. */
static void start_running(struct drv *drv)
{
	drv_ring_start(&drv->ring);
	drv_host_settle(&drv->host);
	drv->deaf = true;
}

static unsigned uring_turn(struct drv *drv, struct instant until)
{
	unsigned ran;

	if (!drv->ring.running)
		start_running(drv);
	if (drv->deaf)
		drv->deaf = !drv_ring_put_wake(&drv->ring, drv->host.wake_fd);
	flush_backlog(drv);
	enter(drv, until);
	loop_reaped(drv->host.loop);
	ran = reap(drv);
	return ran + drv_host_run(&drv->host);
}

/* ---- create and destroy -------------------------------------------------- */

static void uring_destroy(struct drv **address)
{
	struct drv *drv = *address;

	if (!drv)
		return;
	*address = NULL;
	drv_ring_destroy(&drv->ring);
	drv_host_done(&drv->host);
	free(drv);
}

static int uring_create(struct loop *loop, struct loop_pool *pool, struct drv **out,
			struct gw_err *err)
{
	struct drv *drv = calloc(1, sizeof(*drv));
	int rc;

	if (!drv)
		return gw_err_set(err, ENOMEM, "no memory for a ring");
	drv_op_list_init(&drv->backlog);
	drv_op_list_init(&drv->unasked);
	rc = drv_host_init(&drv->host, loop, pool, err);
	if (!rc)
		rc = drv_ring_create(&drv->ring, err);
	if (rc)
		uring_destroy(&drv);
	else
		*out = drv;
	return rc;
}

/* ---- the rest of the door ------------------------------------------------ */

static bool uring_is_home(const struct drv *drv)
{
	return drv_host_is_home(&drv->host);
}

static void uring_post(struct drv *drv, struct loop_mail *mail)
{
	drv_host_post(&drv->host, mail);
}

static int uring_sock_listen(struct drv *drv, struct loop_addr *addr, int *sock, struct gw_err *err)
{
	(void)drv;
	return drv_sock_listen(addr, false, sock, err);
}

static void uring_sock_close(struct drv *drv, int sock)
{
	drv_ring_hint(&drv->ring, sock, false);
	drv_sock_close(sock);
}

static const void *uring_lend(struct drv *drv, struct drv_file *file, uint64_t offset,
			      uint32_t length)
{
	return drv_host_lend(&drv->host, file, offset, length);
}

static bool uring_peek(struct drv *drv, void *to, const void *lent, size_t bytes)
{
	return drv_host_peek(&drv->host, to, lent, bytes);
}

static void uring_torn(struct drv *drv)
{
	drv_host_torn(&drv->host);
}

static struct drv_fs *uring_fs(struct drv *drv)
{
	return &drv->host.fs;
}

static struct drv_links *uring_links(struct drv *drv)
{
	return &drv->host.links;
}

const struct drv_ops drv_uring = {
	.name = "uring",
	.helpers = true,
	.create = uring_create,
	.destroy = uring_destroy,
	.submit = uring_submit,
	.cancel = uring_cancel,
	.turn = uring_turn,
	.lend = uring_lend,
	.peek = uring_peek,
	.torn = uring_torn,
	.pause = drv_host_pause,
	.is_home = uring_is_home,
	.post = uring_post,
	.now = drv_host_now,
	.wall_ns = drv_host_wall_ns,
	.cpu = drv_host_cpu,
	.random = drv_host_random,
	.sock_listen = uring_sock_listen,
	.sock_tune = drv_sock_tune,
	.sock_peer = drv_sock_peer,
	.sock_shut = drv_sock_shut,
	.sock_close = uring_sock_close,
	.fs = uring_fs,
	.links = uring_links,
};

#else

#include <errno.h>

static int no_create(struct loop *loop, struct loop_pool *pool, struct drv **out,
		     struct gw_err *err)
{
	(void)loop;
	(void)pool;
	(void)out;
	return gw_err_set(err, ENOSYS, "the io_uring driver was not built in (no liburing)");
}

const struct drv_ops drv_uring = { .name = "uring", .create = no_create };

#endif
