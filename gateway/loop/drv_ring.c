/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One io_uring (drv_ring.h): making it, filling its submission queue, entering
 * the kernel.  Completions are read by drv_uring.c.
 */
#include "config.h"

#include "gateway/loop/drv_ring.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/base/check.h"
#include "gateway/base/num.h"
#include "gateway/base/table.h"
#include "gateway/loop/drv_file.h"

#define SQ_ENTRIES 256
#define CQ_ENTRIES 4096
#define NEEDED (IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_EXT_ARG)

/* ---- "the socket is drained", by descriptor: only a hint ----------------- */

void drv_ring_hint(struct drv_ring *ring, int sock, bool drained)
{
	uint64_t bit = 1ULL << (sock % 64);

	if (sock >= DRV_RING_HINTS)
		return;
	if (drained)
		ring->drained[sock / 64] |= bit;
	else
		ring->drained[sock / 64] &= ~bit;
}

static bool is_drained(const struct drv_ring *ring, int sock)
{
	return sock < DRV_RING_HINTS && (ring->drained[sock / 64] >> (sock % 64) & 1);
}

/* ---- from an operation to a submission entry ----------------------------- */

typedef void prep_fn(struct drv_ring *ring, struct drv_op *op, struct io_uring_sqe *sqe);

static void prep_accept(struct drv_ring *ring, struct drv_op *op, struct io_uring_sqe *sqe)
{
	if (ring->modern)
		io_uring_prep_multishot_accept(sqe, op->sock, NULL, NULL, SOCK_CLOEXEC);
	else
		io_uring_prep_accept(sqe, op->sock, NULL, NULL, SOCK_CLOEXEC);
}

static void prep_poll(struct drv_ring *ring, struct drv_op *op, struct io_uring_sqe *sqe)
{
	(void)ring;
	io_uring_prep_poll_multishot(sqe, op->sock, (unsigned)op->events);
}

static unsigned one_length(const struct iovec *iov)
{
	return (unsigned)num_min(iov->iov_len, DRV_OP_BYTES_MOST);
}

/* The message header must last until the kernel took the entry, and each entry
 * has one of its own. */
static struct msghdr *message(struct drv_ring *ring, struct drv_op *op, struct io_uring_sqe *sqe)
{
	struct msghdr *msg = &ring->msgs[sqe - ring->uring.sq.sqes];

	*msg = (struct msghdr){ .msg_iov = drv_op_iov(op), .msg_iovlen = drv_op_niov(op) };
	return msg;
}

static void prep_recv(struct drv_ring *ring, struct drv_op *op, struct io_uring_sqe *sqe)
{
	struct iovec *iov = drv_op_iov(op);
	int flags = op->flags & DRV_ALL ? MSG_WAITALL : 0;

	if (drv_op_niov(op) == 1)
		io_uring_prep_recv(sqe, op->sock, iov->iov_base, one_length(iov), flags);
	else
		io_uring_prep_recvmsg(sqe, op->sock, message(ring, op, sqe), (unsigned)flags);
	if (ring->modern && is_drained(ring, op->sock))
		sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
}

static void prep_send(struct drv_ring *ring, struct drv_op *op, struct io_uring_sqe *sqe)
{
	struct iovec *iov = drv_op_iov(op);
	int flags = MSG_WAITALL | MSG_NOSIGNAL;

	if (op->busy & DRV_OP_ROOM) {
		io_uring_prep_poll_add(sqe, op->sock, POLLOUT);
		return;
	}
	if (drv_op_niov(op) == 1)
		io_uring_prep_send(sqe, op->sock, iov->iov_base, one_length(iov), flags);
	else
		io_uring_prep_sendmsg(sqe, op->sock, message(ring, op, sqe), (unsigned)flags);
}

static void prep_read(struct drv_ring *ring, struct drv_op *op, struct io_uring_sqe *sqe)
{
	struct iovec *iov = drv_op_iov(op);
	uint64_t at = op->offset + drv_op_finished(op);

	(void)ring;
	if (drv_op_niov(op) == 1)
		io_uring_prep_read(sqe, op->file->fd, iov->iov_base, one_length(iov), at);
	else
		io_uring_prep_readv(sqe, op->file->fd, iov, drv_op_niov(op), at);
}

static void prep_write(struct drv_ring *ring, struct drv_op *op, struct io_uring_sqe *sqe)
{
	struct iovec *iov = drv_op_iov(op);
	uint64_t at = op->offset + drv_op_finished(op);

	(void)ring;
	if (drv_op_niov(op) == 1)
		io_uring_prep_write(sqe, op->file->fd, iov->iov_base, one_length(iov), at);
	else
		io_uring_prep_writev(sqe, op->file->fd, iov, drv_op_niov(op), at);
	if (op->flags & DRV_DURABLE)
		sqe->rw_flags = RWF_DSYNC;
}

static void prep_sync(struct drv_ring *ring, struct drv_op *op, struct io_uring_sqe *sqe)
{
	(void)ring;
	io_uring_prep_fsync(sqe, op->file->fd, IORING_FSYNC_DATASYNC);
}

static prep_fn *const preps[] = {
	[DRV_ACCEPT] = prep_accept, [DRV_POLL] = prep_poll, [DRV_RECV] = prep_recv,
	[DRV_SEND] = prep_send,	    [DRV_READ] = prep_read, [DRV_WRITE] = prep_write,
	[DRV_SYNC] = prep_sync,
};

/* ---- the submission queue ------------------------------------------------ */

static struct io_uring_sqe *get_sqe(struct drv_ring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	if (sqe || !ring->running)
		return sqe;
	/* Full: hand it over early.  No done() runs in here; completions wait in
	 * their queue for the turn. */
	io_uring_submit(&ring->uring);
	return io_uring_get_sqe(&ring->uring);
}

bool drv_ring_put(struct drv_ring *ring, struct drv_op *op)
{
	struct io_uring_sqe *sqe = get_sqe(ring);

	if (!sqe)
		return false;
	preps[op->kind](ring, op, sqe);
	io_uring_sqe_set_data(sqe, op);
	return true;
}

bool drv_ring_put_cancel(struct drv_ring *ring, struct drv_op *op)
{
	struct io_uring_sqe *sqe = get_sqe(ring);

	if (!sqe)
		return false;
	io_uring_prep_cancel(sqe, op, 0);
	io_uring_sqe_set_data64(sqe, DRV_RING_NOTHING);
	return true;
}

bool drv_ring_put_wake(struct drv_ring *ring, int wake_fd)
{
	struct io_uring_sqe *sqe = get_sqe(ring);

	if (!sqe)
		return false;
	io_uring_prep_poll_multishot(sqe, wake_fd, POLLIN);
	io_uring_sqe_set_data64(sqe, DRV_RING_WAKE);
	return true;
}

/* ---- entering the kernel ------------------------------------------------- */

void drv_ring_enter(struct drv_ring *ring)
{
	unsigned flags = IO_URING_READ_ONCE(*ring->uring.sq.kflags);

	/* Nothing to give and nothing to get: save the call. */
	if (io_uring_sq_ready(&ring->uring) || flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW))
		io_uring_submit_and_get_events(&ring->uring);
}

void drv_ring_wait(struct drv_ring *ring, int64_t timeout_ns)
{
	struct __kernel_timespec ts = { .tv_sec = timeout_ns / 1000000000,
					.tv_nsec = timeout_ns % 1000000000 };
	struct io_uring_cqe *cqe;

	io_uring_submit_and_wait_timeout(&ring->uring, &cqe, 1, timeout_ns < 0 ? NULL : &ts, NULL);
}

bool drv_ring_has_ended(struct drv_ring *ring)
{
	return io_uring_cq_ready(&ring->uring);
}

/* ---- create, start, destroy ---------------------------------------------- */

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

static int make(struct drv_ring *ring)
{
	int rc = -EINVAL;

	for (unsigned i = 0; i < TABLE_LEN(setups) && rc == -EINVAL; i++) {
		struct io_uring_params params = {
			.flags = setups[i].flags | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE |
				 IORING_SETUP_CLAMP,
			.cq_entries = CQ_ENTRIES,
		};

		rc = io_uring_queue_init_params(SQ_ENTRIES, &ring->uring, &params);
		ring->modern = setups[i].modern;
	}
	return rc;
}

int drv_ring_create(struct drv_ring *ring, struct gw_err *err)
{
	int rc = make(ring);

	if (rc)
		return gw_err_set(err, -rc, "this system lets us make no io_uring: %m");
	if ((ring->uring.features & NEEDED) != NEEDED) {
		io_uring_queue_exit(&ring->uring);
		return gw_err_set(err, ENOSYS,
				  "the io_uring of this kernel is too old (5.11 is needed)");
	}
	ring->msgs = calloc(ring->uring.sq.ring_entries, sizeof(*ring->msgs));
	if (ring->msgs)
		return 0;
	io_uring_queue_exit(&ring->uring);
	return gw_err_set(err, ENOMEM, "no memory for a ring");
}

void drv_ring_start(struct drv_ring *ring)
{
	/* liburing 2.3 declares io_uring_enable_rings() and does not export it. */
	long rc = syscall(SYS_io_uring_register, ring->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS,
			  NULL, 0);

	GW_CHECK(!rc);
	io_uring_register_ring_fd(&ring->uring); /* saves a look-up; never mind if not */
	ring->running = true;
}

void drv_ring_destroy(struct drv_ring *ring)
{
	if (!ring->msgs)
		return;
	io_uring_queue_exit(&ring->uring);
	free(ring->msgs);
	ring->msgs = NULL;
}
