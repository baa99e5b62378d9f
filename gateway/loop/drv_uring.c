/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver on io_uring: one ring per loop, used by that loop's thread alone.
 * What a turn queues enters the kernel together with the wait.  Completions
 * that need more (a short send, a stop in a file) are queued again here, so
 * that the owner sees one done().  Files first try to end inline (drv_file.h).
 * Neighbours: drv_host.h for all that drv_aio.c needs too.
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
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/base/check.h"
#include "gateway/base/num.h"
#include "gateway/base/table.h"
#include "gateway/loop/drv_file.h"
#include "gateway/loop/drv_sock.h"
#include "gateway/loop/loop.h"

#define SQ_ENTRIES 256
#define CQ_ENTRIES 4096
#define CQ_BATCH 64	  /* copied out of the ring at once */
#define TURN_BATCH 1024	  /* completions in one turn, so that timers are heard */
#define HINT_SOCKS 8192	  /* sockets for which we remember that they are drained */
#define NEEDED (IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_EXT_ARG)

/* user_data that is no operation */
enum { TAG_NOTHING, TAG_WAKE, TAG_LAST };

struct drv {
	struct drv_host host;
	struct io_uring ring;
	bool modern; /* 6.0: multishot accept, poll first */
	bool running;
	struct drv_op_list backlog; /* no room in the submission queue */
	struct drv_op_list unasked; /* cancellations without room */
	struct msghdr *msgs;	    /* one for each submission entry */
	uint64_t drained[HINT_SOCKS / 64];
};

/* ---- "the socket is drained", by descriptor: only a hint ----------------- */

static void set_drained(struct drv *drv, int sock, bool on)
{
	uint64_t bit = 1ULL << (sock % 64);

	if (sock >= HINT_SOCKS)
		return;
	if (on)
		drv->drained[sock / 64] |= bit;
	else
		drv->drained[sock / 64] &= ~bit;
}

static bool is_drained(const struct drv *drv, int sock)
{
	return sock < HINT_SOCKS && (drv->drained[sock / 64] >> (sock % 64) & 1);
}

/* ---- from an operation to a submission entry ----------------------------- */

typedef void prep_fn(struct drv *drv, struct drv_op *op, struct io_uring_sqe *sqe);

static void prep_accept(struct drv *drv, struct drv_op *op, struct io_uring_sqe *sqe)
{
	if (drv->modern)
		io_uring_prep_multishot_accept(sqe, op->sock, NULL, NULL, SOCK_CLOEXEC);
	else
		io_uring_prep_accept(sqe, op->sock, NULL, NULL, SOCK_CLOEXEC);
}

static void prep_poll(struct drv *drv, struct drv_op *op, struct io_uring_sqe *sqe)
{
	(void)drv;
	io_uring_prep_poll_multishot(sqe, op->sock, (unsigned)op->events);
}

static unsigned one_length(const struct iovec *iov)
{
	return (unsigned)num_min(iov->iov_len, DRV_OP_BYTES_MOST);
}

/* The message header must last until the kernel took the entry, and each entry
 * has one of its own. */
static struct msghdr *message(struct drv *drv, struct drv_op *op, struct io_uring_sqe *sqe)
{
	struct msghdr *msg = &drv->msgs[sqe - drv->ring.sq.sqes];

	*msg = (struct msghdr){ .msg_iov = drv_op_iov(op), .msg_iovlen = drv_op_niov(op) };
	return msg;
}

static void prep_recv(struct drv *drv, struct drv_op *op, struct io_uring_sqe *sqe)
{
	struct iovec *iov = drv_op_iov(op);
	int flags = op->flags & DRV_ALL ? MSG_WAITALL : 0;

	if (drv_op_niov(op) == 1)
		io_uring_prep_recv(sqe, op->sock, iov->iov_base, one_length(iov), flags);
	else
		io_uring_prep_recvmsg(sqe, op->sock, message(drv, op, sqe), (unsigned)flags);
	if (drv->modern && is_drained(drv, op->sock))
		sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
}

static void prep_send(struct drv *drv, struct drv_op *op, struct io_uring_sqe *sqe)
{
	struct iovec *iov = drv_op_iov(op);
	int flags = MSG_WAITALL | MSG_NOSIGNAL;

	if (drv_op_niov(op) == 1)
		io_uring_prep_send(sqe, op->sock, iov->iov_base, one_length(iov), flags);
	else
		io_uring_prep_sendmsg(sqe, op->sock, message(drv, op, sqe), (unsigned)flags);
}

static void prep_read(struct drv *drv, struct drv_op *op, struct io_uring_sqe *sqe)
{
	struct iovec *iov = drv_op_iov(op);
	uint64_t at = op->offset + drv_op_finished(op);

	(void)drv;
	if (drv_op_niov(op) == 1)
		io_uring_prep_read(sqe, op->file->fd, iov->iov_base, one_length(iov), at);
	else
		io_uring_prep_readv(sqe, op->file->fd, iov, drv_op_niov(op), at);
}

static void prep_write(struct drv *drv, struct drv_op *op, struct io_uring_sqe *sqe)
{
	struct iovec *iov = drv_op_iov(op);
	uint64_t at = op->offset + drv_op_finished(op);

	(void)drv;
	if (drv_op_niov(op) == 1)
		io_uring_prep_write(sqe, op->file->fd, iov->iov_base, one_length(iov), at);
	else
		io_uring_prep_writev(sqe, op->file->fd, iov, drv_op_niov(op), at);
	if (op->flags & DRV_DURABLE)
		sqe->rw_flags = RWF_DSYNC;
}

static void prep_sync(struct drv *drv, struct drv_op *op, struct io_uring_sqe *sqe)
{
	(void)drv;
	io_uring_prep_fsync(sqe, op->file->fd, IORING_FSYNC_DATASYNC);
}

static prep_fn *const preps[] = {
	[DRV_ACCEPT] = prep_accept, [DRV_POLL] = prep_poll,   [DRV_RECV] = prep_recv,
	[DRV_SEND] = prep_send,	    [DRV_READ] = prep_read,   [DRV_WRITE] = prep_write,
	[DRV_SYNC] = prep_sync,
};

/* ---- the submission queue ------------------------------------------------ */

static struct io_uring_sqe *get_sqe(struct drv *drv)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&drv->ring);

	if (sqe || !drv->running)
		return sqe;
	/* Full: hand it over early.  Nothing completes in here, DEFER_TASKRUN
	 * and the turn see to that. */
	io_uring_submit(&drv->ring);
	return io_uring_get_sqe(&drv->ring);
}

static bool fill(struct drv *drv, struct drv_op *op)
{
	struct io_uring_sqe *sqe = get_sqe(drv);

	if (!sqe)
		return false;
	preps[op->kind](drv, op, sqe);
	io_uring_sqe_set_data(sqe, op);
	return true;
}

static void queue(struct drv *drv, struct drv_op *op)
{
	if (!drv->backlog.first && fill(drv, op))
		return;
	op->busy |= DRV_OP_BACKLOG;
	drv_op_list_put(&drv->backlog, op);
}

static bool fill_cancel(struct drv *drv, struct drv_op *op)
{
	struct io_uring_sqe *sqe = get_sqe(drv);

	if (!sqe)
		return false;
	io_uring_prep_cancel(sqe, op, 0);
	io_uring_sqe_set_data64(sqe, TAG_NOTHING);
	return true;
}

static void flush_backlog(struct drv *drv)
{
	while (drv->backlog.first && fill(drv, drv->backlog.first))
		drv_op_list_get(&drv->backlog)->busy &= (uint8_t)~DRV_OP_BACKLOG;
	while (drv->unasked.first && fill_cancel(drv, drv->unasked.first))
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

static void start_file(struct drv *drv, struct drv_op *op)
{
	int64_t res;

	if (op->kind != DRV_SYNC)
		drv_op_rewind(op);
	if (drv_file_try(op, drv->host.pool, &res))
		drv_host_ready(&drv->host, op, res);
	else
		queue(drv, op);
}

static void start_job(struct drv *drv, struct drv_op *op)
{
	drv_host_help(&drv->host, op);
}

static void (*const starts[])(struct drv *drv, struct drv_op *op) = {
	[DRV_ACCEPT] = queue,	  [DRV_POLL] = queue,	   [DRV_RECV] = start_stream,
	[DRV_SEND] = start_stream, [DRV_READ] = start_file, [DRV_WRITE] = start_file,
	[DRV_SYNC] = start_file,  [DRV_JOB] = start_job,
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
	} else if (!fill_cancel(drv, op)) {
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
		set_drained(drv, res, false);
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
		set_drained(drv, op->sock,
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

static void end_send(struct drv *drv, struct drv_op *op, int res, unsigned flags)
{
	(void)flags;
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

static void arm_wake(struct drv *drv)
{
	struct io_uring_sqe *sqe = get_sqe(drv);

	GW_CHECK(sqe);
	/* Each write to the eventfd completes once; it is never read. */
	io_uring_prep_poll_multishot(sqe, drv->host.wake_fd, POLLIN);
	io_uring_sqe_set_data64(sqe, TAG_WAKE);
}

static void handle(struct drv *drv, const struct io_uring_cqe *cqe)
{
	struct drv_op *op = io_uring_cqe_get_data(cqe);

	if (cqe->user_data < TAG_LAST) {
		if (cqe->user_data == TAG_WAKE && !(cqe->flags & IORING_CQE_F_MORE))
			arm_wake(drv);
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

	while (total < TURN_BATCH && (n = io_uring_peek_batch_cqe(&drv->ring, cqes, CQ_BATCH))) {
		for (unsigned i = 0; i < n; i++)
			copy[i] = *cqes[i];
		io_uring_cq_advance(&drv->ring, n);
		for (unsigned i = 0; i < n; i++)
			handle(drv, &copy[i]);
		total += n;
	}
	return total;
}

/* ---- the turn ------------------------------------------------------------ */

static bool kernel_has_work(struct drv *drv)
{
	unsigned flags = IO_URING_READ_ONCE(*drv->ring.sq.kflags);

	return io_uring_sq_ready(&drv->ring) || flags & IORING_SQ_TASKRUN ||
	       flags & IORING_SQ_CQ_OVERFLOW;
}

static void enter_and_wait(struct drv *drv, struct instant until)
{
	struct __kernel_timespec ts = { 0 };
	struct io_uring_cqe *cqe;
	int64_t ns = 0;

	if (!instant_is_never(until))
		ns = instant_since(until, drv_host_now(drv)).ns;
	if (ns < 0)
		ns = 0;
	ts.tv_sec = ns / 1000000000;
	ts.tv_nsec = ns % 1000000000;
	io_uring_submit_and_wait_timeout(&drv->ring, &cqe, 1,
					 instant_is_never(until) ? NULL : &ts, NULL);
}

static void enter(struct drv *drv, struct instant until)
{
	bool wait = until.ns > 0 && !drv->backlog.first && !io_uring_cq_ready(&drv->ring);

	if (wait && drv_host_sleep(&drv->host)) {
		enter_and_wait(drv, until);
		loop_mail_awake(&drv->host.box);
	} else if (kernel_has_work(drv)) {
		io_uring_submit_and_get_events(&drv->ring);
	}
}

/* The first turn, on the thread that will make all others. */
static void start_running(struct drv *drv)
{
	/* liburing 2.3 declares io_uring_enable_rings() and does not export it. */
	long rc = syscall(SYS_io_uring_register, drv->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS,
			  NULL, 0);

	GW_CHECK(!rc);
	drv_host_settle(&drv->host);
	io_uring_register_ring_fd(&drv->ring); /* saves a look-up; never mind if not */
	drv->running = true;
	arm_wake(drv);
}

static unsigned uring_turn(struct drv *drv, struct instant until)
{
	unsigned ran;

	if (!drv->running)
		start_running(drv);
	flush_backlog(drv);
	enter(drv, until);
	loop_reaped(drv->host.loop);
	ran = reap(drv);
	return ran + drv_host_run(&drv->host);
}

/* ---- create and destroy -------------------------------------------------- */

/* The best first. What an older kernel does not know, it refuses. */
static const struct {
	unsigned flags;
	bool modern;
} setups[] = {
	{ IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
		  IORING_SETUP_SUBMIT_ALL,
	  true },
	{ IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
		  IORING_SETUP_SUBMIT_ALL,
	  true },
	{ IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, false },
	{ 0, false },
};

static int make_ring(struct drv *drv, struct gw_err *err)
{
	int rc = -EINVAL;

	for (unsigned i = 0; i < TABLE_LEN(setups) && rc == -EINVAL; i++) {
		struct io_uring_params params = {
			.flags = setups[i].flags | IORING_SETUP_R_DISABLED |
				 IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
			.cq_entries = CQ_ENTRIES,
		};

		rc = io_uring_queue_init_params(SQ_ENTRIES, &drv->ring, &params);
		drv->modern = setups[i].modern;
	}
	if (rc)
		return gw_err_set(err, -rc, "this system lets us make no io_uring: %m");
	if ((drv->ring.features & NEEDED) == NEEDED)
		return 0;
	io_uring_queue_exit(&drv->ring);
	return gw_err_set(err, ENOSYS, "the io_uring of this kernel is too old (5.11 is needed)");
}

static void uring_destroy(struct drv **address)
{
	struct drv *drv = *address;

	if (!drv)
		return;
	*address = NULL;
	if (drv->msgs)
		io_uring_queue_exit(&drv->ring);
	drv_host_done(&drv->host);
	free(drv->msgs);
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
		rc = make_ring(drv, err);
	if (rc) {
		drv_host_done(&drv->host);
		free(drv);
		return rc;
	}
	drv->msgs = calloc(drv->ring.sq.ring_entries, sizeof(*drv->msgs));
	if (!drv->msgs) {
		io_uring_queue_exit(&drv->ring);
		uring_destroy(&drv);
		return gw_err_set(err, ENOMEM, "no memory for a ring");
	}
	*out = drv;
	return 0;
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

static int uring_sock_listen(struct drv *drv, struct loop_addr *addr, int *sock,
			     struct gw_err *err)
{
	(void)drv;
	return drv_sock_listen(addr, false, sock, err);
}

static void uring_sock_close(struct drv *drv, int sock)
{
	set_drained(drv, sock, false);
	drv_sock_close(sock);
}

static struct drv_fs *uring_fs(struct drv *drv)
{
	return &drv->host.fs;
}

const struct drv_ops drv_uring = {
	.name = "uring",
	.helpers = true,
	.create = uring_create,
	.destroy = uring_destroy,
	.submit = uring_submit,
	.cancel = uring_cancel,
	.turn = uring_turn,
	.is_home = uring_is_home,
	.post = uring_post,
	.now = drv_host_now,
	.wall_ns = drv_host_wall_ns,
	.random = drv_host_random,
	.sock_listen = uring_sock_listen,
	.sock_tune = drv_sock_tune,
	.sock_peer = drv_sock_peer,
	.sock_shut = drv_sock_shut,
	.sock_close = uring_sock_close,
	.fs = uring_fs,
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
