/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the page cache to a socket (drv_splice.h).
 */
#include "config.h"

#include "gateway/loop/drv_splice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "gateway/base/num.h"
#include "gateway/loop/drv_file.h"

/* What the socket has no room for is fetched again, so not too much at once. */
#define PIPE_BYTES (256u << 10)

/* ---- the pipe ------------------------------------------------------------ */

static bool have_pipe(struct drv_splice *s)
{
	if (s->pipe[0] >= 0)
		return true;
	if (pipe2(s->pipe, O_CLOEXEC | O_NONBLOCK)) {
		s->pipe[0] = s->pipe[1] = -1;
		return false;
	}
	/* a small one does as well, in more calls */
	fcntl(s->pipe[1], F_SETPIPE_SZ, (int)PIPE_BYTES);
	return true;
}

static bool is_before(int major, int minor)
{
	struct utsname name;
	int a = 0, b = 0;

	return uname(&name) || sscanf(name.release, "%d.%d", &a, &b) != 2 || a < major ||
	       (a == major && b < minor);
}

void drv_splice_init(struct drv_splice *s)
{
	*s = (struct drv_splice){ .pipe = { -1, -1 }, .inet_only = is_before(6, 5) };
	have_pipe(s); /* or later */
}

void drv_splice_done(struct drv_splice *s)
{
	for (int i = 0; i < 2; i++) {
		if (s->pipe[i] >= 0)
			close(s->pipe[i]);
		s->pipe[i] = -1;
	}
}

/* ---- what is worth it ---------------------------------------------------- */

static bool is_large(const struct drv_lend_map *map, const struct iovec *iov)
{
	uintptr_t at = (uintptr_t)iov->iov_base - (uintptr_t)map->base;

	return iov->iov_len >= DRV_REFER_BYTES && map->base && at < map->bytes &&
	       iov->iov_len <= map->bytes - at;
}

/* How many elements from here on are to be copied; what follows them is large. */
static unsigned small_ones(const struct drv_op *op)
{
	const struct iovec *iov = drv_op_iov(op);
	unsigned n = 0;

	while (n < drv_op_niov(op) && !is_large(&op->file->lend, &iov[n]))
		n++;
	return n;
}

static bool is_inet(int sock)
{
	socklen_t len = sizeof(int);
	int domain = AF_UNSPEC;

	getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &len);
	return domain == AF_INET || domain == AF_INET6;
}

bool drv_splice_suits(const struct drv_splice *s, const struct drv_op *op)
{
	return op->file && !op->file->no_splice && drv_op_left(op) >= DRV_REFER_BYTES &&
	       small_ones(op) < drv_op_niov(op) && (!s->inet_only || is_inet(op->sock));
}

/* ---- a step: bytes that the socket took, or -errno ----------------------- */

static int64_t copy(struct drv_op *op, unsigned n)
{
	struct msghdr msg = { .msg_iov = drv_op_iov(op), .msg_iovlen = n };
	uint64_t bytes = 0;
	ssize_t sent;
	int more;

	for (unsigned i = 0; i < n; i++)
		bytes += drv_op_iov(op)[i].iov_len;
	more = bytes < drv_op_left(op) ? MSG_MORE : 0;
	sent = sendmsg(op->sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL | more);
	return sent < 0 ? -errno : sent;
}

/* The first element's pages, into the pipe.  0: they are to be copied. */
static int64_t fetch(struct drv_splice *s, const struct drv_op *op)
{
	const struct iovec *iov = drv_op_iov(op);
	off_t at = (const char *)iov->iov_base - (const char *)op->file->lend.base;
	size_t bytes = num_min(iov->iov_len, PIPE_BYTES);
	struct drv_file_watch watch;
	long slept = drv_file_switches();
	ssize_t got;

	/* some file systems lock a file for it */
	if (!have_pipe(s) || !drv_file_begin(op->file, &watch))
		return 0;
	do
		got = splice(op->file->fd, &at, s->pipe[1], NULL, bytes, SPLICE_F_MOVE);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EINVAL)
		op->file->no_splice = true;
	drv_file_end(op->file, &watch, bytes);
	s->waited |= drv_file_switches() > slept;
	if (got < 0)
		return 0; /* the copy will tell why */
	return got ? got : -EFAULT; /* somebody cut it */
}

/* What is in the pipe, into the socket. */
static int64_t pass(struct drv_splice *s, const struct drv_op *op, size_t bytes)
{
	unsigned more = bytes < drv_op_left(op) ? SPLICE_F_MORE : 0;
	size_t sent = 0;

	while (sent < bytes) {
		ssize_t n = splice(s->pipe[0], NULL, op->sock, NULL, bytes - sent,
				   SPLICE_F_MOVE | SPLICE_F_NONBLOCK | more);

		if (n <= 0) {
			int rc = n ? -errno : -EPIPE;

			drv_splice_done(s); /* and what is left in it */
			return sent ? (int64_t)sent : rc;
		}
		sent += (size_t)n;
	}
	return (int64_t)sent;
}

static int64_t step(struct drv_splice *s, struct drv_op *op)
{
	unsigned small = small_ones(op);
	int64_t got;

	if (small)
		return copy(op, small);
	got = fetch(s, op);
	if (got < 0)
		return got;
	return got ? pass(s, op, (size_t)got) : copy(op, 1);
}

bool drv_splice_send(struct drv_splice *s, struct drv_op *op, int64_t *res)
{
	while (drv_op_left(op)) {
		int64_t n = step(s, op);

		if (n == -EAGAIN)
			return false;
		if (n >= 0) {
			drv_op_advance(op, (uint64_t)n);
		} else if (n != -EINTR) {
			*res = n;
			return true;
		}
	}
	*res = (int64_t)drv_op_finished(op);
	return true;
}
