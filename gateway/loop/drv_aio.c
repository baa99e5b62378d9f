/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver where io_uring is absent or forbidden: epoll for sockets, helper
 * threads for files, libaio for O_DIRECT (drv_libaio.c).  A descriptor is
 * watched for one event at a time (EPOLLONESHOT), and only while somebody
 * waits for it: so nothing of it is left behind when it moves to another loop
 * or is closed.  POLL stays armed, for each change (EPOLLET).
 *
 *	sock table:	[fd] ─▶ reader: ACCEPT, POLL or RECV
 *			     └▶ writer: SEND
 */
#include "config.h"

#include "gateway/loop/drv_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/check.h"
#include "gateway/base/num.h"
#include "gateway/base/table.h"
#include "gateway/loop/drv_file.h"
#include "gateway/loop/drv_libaio.h"
#include "gateway/loop/drv_sock.h"
#include "gateway/loop/loop.h"

#define EVENTS 256
#define SOCKS_FIRST 64
#define ACCEPT_BATCH 64

struct aio_sock {
	struct drv_op *reader, *writer;
	bool drained; /* the last RECV took all there was: do not ask at once */
};

struct drv {
	struct drv_host host;
	struct drv_libaio *libaio; /* null: helpers do O_DIRECT */
	int epoll;
	bool running;
	struct aio_sock *socks; /* by descriptor */
	int sock_room;
};

/* ---- who waits for what -------------------------------------------------- */

static struct aio_sock *sock_of(struct drv *drv, int sock)
{
	int room = drv->sock_room ? drv->sock_room : SOCKS_FIRST;
	struct aio_sock *socks;

	if (sock < drv->sock_room)
		return &drv->socks[sock];
	while (room <= sock)
		room *= 2;
	socks = realloc(drv->socks, (size_t)room * sizeof(*socks));
	GW_CHECK(socks); /* one line per descriptor; the table only grows */
	memset(socks + drv->sock_room, 0, (size_t)(room - drv->sock_room) * sizeof(*socks));
	drv->socks = socks;
	drv->sock_room = room;
	return &socks[sock];
}

static struct drv_op **place_of(struct drv *drv, const struct drv_op *op)
{
	struct aio_sock *s = sock_of(drv, op->sock);

	return op->kind == DRV_SEND ? &s->writer : &s->reader;
}

/* Tells the kernel what is wanted of this descriptor now. */
static int watch(struct drv *drv, int sock)
{
	const struct aio_sock *s = sock_of(drv, sock);
	struct epoll_event event = { .data.fd = sock };

	if (s->reader && s->reader->kind == DRV_POLL)
		event.events |= (uint32_t)s->reader->events | EPOLLET;
	else if (s->reader)
		event.events |= EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
	if (s->writer)
		event.events |= EPOLLOUT | EPOLLONESHOT;
	if (!event.events)
		return epoll_ctl(drv->epoll, EPOLL_CTL_DEL, sock, &event) ? -errno : 0;
	if (!epoll_ctl(drv->epoll, EPOLL_CTL_MOD, sock, &event))
		return 0;
	if (errno == ENOENT && !epoll_ctl(drv->epoll, EPOLL_CTL_ADD, sock, &event))
		return 0;
	return -errno;
}

/* It cannot end now: wait for the socket. */
static void await(struct drv *drv, struct drv_op *op)
{
	struct drv_op **place = place_of(drv, op);
	int rc;

	GW_CHECK(!*place);
	*place = op;
	rc = watch(drv, op->sock);
	if (!rc)
		return;
	*place = NULL;
	drv_host_ready(&drv->host, op, rc);
}

/* ---- one attempt: true and *res if the operation ended -------------------- */

static bool attempt_recv(struct drv *drv, struct drv_op *op, int64_t *res)
{
	return drv_sock_try_recv(op, &sock_of(drv, op->sock)->drained, res);
}

static bool attempt_send(struct drv *drv, struct drv_op *op, int64_t *res)
{
	if (drv_splice_suits(&drv->host.splice, op)) {
		drv_sock_nonblock(op->sock, true);
		return drv_host_splice(&drv->host, op, res);
	}
	op->file = NULL; /* nothing of it is lent, so it may go meanwhile */
	return drv_sock_try_send(op, res);
}

/* ---- submit and cancel --------------------------------------------------- */

static void start_armed(struct drv *drv, struct drv_op *op)
{
	if (op->kind == DRV_ACCEPT && !drv_sock_listens(op->sock)) {
		drv_host_ready(&drv->host, op, -EINVAL); /* epoll would never tell */
		return;
	}
	if (op->kind == DRV_ACCEPT)
		drv_sock_nonblock(op->sock, true);
	await(drv, op);
}

static void start_recv(struct drv *drv, struct drv_op *op)
{
	int64_t res = 0;

	drv_op_rewind(op);
	if (!drv_op_left(op) || (!sock_of(drv, op->sock)->drained && attempt_recv(drv, op, &res)))
		drv_host_ready(&drv->host, op, res);
	else
		await(drv, op);
}

static void start_send(struct drv *drv, struct drv_op *op)
{
	int64_t res = 0;

	drv_op_rewind(op);
	if (!drv_op_left(op) || attempt_send(drv, op, &res))
		drv_host_ready(&drv->host, op, res);
	else
		await(drv, op);
}

static bool suits_libaio(struct drv_op *op)
{
	struct drv_file_watch watch;

	return op->kind != DRV_SYNC && op->file->direct && drv_file_begin(op->file, &watch);
}

static void start_file(struct drv *drv, struct drv_op *op)
{
	int64_t res;

	if (drv_host_try(&drv->host, op, &res))
		drv_host_ready(&drv->host, op, res);
	else if (drv->libaio && suits_libaio(op))
		drv_libaio_add(drv->libaio, op);
	else
		drv_host_help(&drv->host, op);
}

static void start_job(struct drv *drv, struct drv_op *op)
{
	drv_host_help(&drv->host, op);
}

static void (*const starts[])(struct drv *drv, struct drv_op *op) = {
	[DRV_ACCEPT] = start_armed, [DRV_POLL] = start_armed, [DRV_RECV] = start_recv,
	[DRV_SEND] = start_send,    [DRV_READ] = start_file,  [DRV_WRITE] = start_file,
	[DRV_SYNC] = start_file,    [DRV_JOB] = start_job,
};

static void aio_submit(struct drv *drv, struct drv_op *op)
{
	GW_CHECK(op->kind < TABLE_LEN(starts) && !op->busy);
	op->busy = DRV_OP_BUSY;
	starts[op->kind](drv, op);
}

static void aio_cancel(struct drv *drv, struct drv_op *op)
{
	struct drv_op **place;

	if (op->kind != DRV_ACCEPT && op->kind != DRV_POLL && op->kind != DRV_RECV)
		return;
	if (!op->busy || (op->busy & DRV_OP_CANCEL))
		return;
	op->busy |= DRV_OP_CANCEL;
	place = place_of(drv, op);
	if (*place != op)
		return; /* its result is on the way */
	*place = NULL;
	watch(drv, op->sock);
	drv_host_ready(&drv->host, op, -ECANCELED);
}

/* ---- events -------------------------------------------------------------- */

static bool is_passing(int errnum)
{
	return errnum == ECONNABORTED || errnum == EINTR || errnum == EPROTO;
}

/* Is this operation still the one that waits there?  Its owner may have taken
 * it back, and even given it away again, from done(). */
static bool is_reader(struct drv *drv, int sock, const struct drv_op *op)
{
	return drv->socks[sock].reader == op;
}

static void take_connections(struct drv *drv, struct drv_op *op)
{
	int listener = op->sock;

	for (int i = 0; i < ACCEPT_BATCH && is_reader(drv, listener, op); i++) {
		int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (sock >= 0) {
			sock_of(drv, sock)->drained = false;
			op->done(op, sock);
		} else if (errno == EAGAIN) {
			break;
		} else if (!is_passing(errno)) {
			drv->socks[listener].reader = NULL;
			drv_host_end(op, -errno);
			return;
		}
	}
	if (is_reader(drv, listener, op))
		watch(drv, listener);
}

static void handle_reader(struct drv *drv, struct drv_op *op, uint32_t events)
{
	int64_t res;

	if (op->kind == DRV_ACCEPT) {
		take_connections(drv, op);
	} else if (op->kind == DRV_POLL) {
		op->done(op, events & ~(uint32_t)EPOLLRDHUP);
	} else if (attempt_recv(drv, op, &res)) {
		drv->socks[op->sock].reader = NULL;
		drv_host_end(op, res);
	} else {
		watch(drv, op->sock);
	}
}

static void handle_writer(struct drv *drv, struct drv_op *op)
{
	int64_t res;

	if (attempt_send(drv, op, &res)) {
		drv->socks[op->sock].writer = NULL;
		drv_host_end(op, res);
	} else {
		watch(drv, op->sock);
	}
}

/* One shot told both directions to be quiet: whoever still waits asks again. */
static void handle(struct drv *drv, const struct epoll_event *event)
{
	const uint32_t broken = EPOLLERR | EPOLLHUP;
	int sock = event->data.fd;
	struct drv_op *op = drv->socks[sock].writer;
	bool wrote = op && event->events & (EPOLLOUT | broken);

	if (wrote)
		handle_writer(drv, op);
	op = drv->socks[sock].reader;
	if (op && op->kind == DRV_POLL)
		handle_reader(drv, op, event->events);
	else if (op && event->events & (EPOLLIN | EPOLLRDHUP | broken))
		handle_reader(drv, op, event->events);
	else if (op && wrote)
		watch(drv, sock);
	if (!wrote && drv->socks[sock].writer)
		watch(drv, sock);
}

/* ---- the turn ------------------------------------------------------------ */

/* Nanoseconds until then, 0 if it is past; -1: never. */
static int64_t how_long(struct drv *drv, struct instant until)
{
	int64_t ns;

	if (instant_is_never(until))
		return -1;
	if (until.ns <= 0)
		return 0;
	ns = instant_since(until, drv_host_now(drv)).ns;
	return ns > 0 ? ns : 0;
}

static int enter(struct drv *drv, struct instant until, struct epoll_event *events)
{
	int64_t ns = how_long(drv, until);
	bool sleep = ns && drv_host_sleep(&drv->host);
	int ms = 0, n;

	if (sleep) /* up, for a timer never fires early */
		ms = ns < 0 ? -1 : (int)num_min((uint64_t)ns / 1000000 + 1, INT32_MAX);
	n = epoll_wait(drv->epoll, events, EVENTS, ms);
	if (sleep)
		loop_mail_awake(&drv->host.box);
	return n;
}

static unsigned end_files(struct drv *drv)
{
	struct drv_op *op;
	int64_t n, res;
	unsigned ran = 0;

	while (drv->libaio && (op = drv_libaio_next(drv->libaio, &n))) {
		if (n == -EAGAIN) {
			drv_host_help(&drv->host, op);
		} else if (drv_file_step(op, n, &res)) {
			drv_host_end(op, res);
			ran++;
		} else {
			drv_libaio_add(drv->libaio, op);
		}
	}
	return ran;
}

static void read_wake(struct drv *drv)
{
	uint64_t count;

	while (read(drv->host.wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

static unsigned aio_turn(struct drv *drv, struct instant until)
{
	struct epoll_event events[EVENTS];
	unsigned ran = 0;
	int n;

	if (!drv->running) {
		drv_host_settle(&drv->host);
		drv->running = true;
	}
	if (drv->libaio && drv_libaio_submit(drv->libaio))
		until = (struct instant){ 0 };
	n = enter(drv, until, events);
	loop_reaped(drv->host.loop);
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == drv->host.wake_fd)
			read_wake(drv);
		else if (!drv->libaio || !drv_libaio_rang(drv->libaio, events[i].data.fd))
			handle(drv, &events[i]);
		ran++;
	}
	ran += end_files(drv);
	return ran + drv_host_run(&drv->host);
}

/* ---- create and destroy -------------------------------------------------- */

static int listen_to(struct drv *drv, int fd, struct gw_err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(drv->epoll, EPOLL_CTL_ADD, fd, &event))
		return gw_err_set(err, errno, "cannot watch an eventfd: %m");
	return 0;
}

static void aio_destroy(struct drv **address)
{
	struct drv *drv = *address;

	if (!drv)
		return;
	*address = NULL;
	drv_libaio_destroy(&drv->libaio);
	drv_host_done(&drv->host);
	if (drv->epoll >= 0)
		close(drv->epoll);
	free(drv->socks);
	free(drv);
}

static int aio_create(struct loop *loop, struct loop_pool *pool, struct drv **out,
		      struct gw_err *err)
{
	struct drv *drv = calloc(1, sizeof(*drv));
	int rc;

	if (!drv)
		return gw_err_set(err, ENOMEM, "no memory for a loop");
	rc = drv_host_init(&drv->host, loop, pool, err);
	drv->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!rc && drv->epoll < 0)
		rc = gw_err_set(err, errno, "cannot make an epoll descriptor: %m");
	if (!rc)
		rc = listen_to(drv, drv->host.wake_fd, err);
	drv->libaio = rc ? NULL : drv_libaio_create();
	if (drv->libaio)
		rc = listen_to(drv, drv_libaio_bell(drv->libaio), err);
	if (rc)
		aio_destroy(&drv);
	else
		*out = drv;
	return rc;
}

/* ---- the rest of the door ------------------------------------------------ */

static bool aio_is_home(const struct drv *drv)
{
	return drv_host_is_home(&drv->host);
}

static void aio_post(struct drv *drv, struct loop_mail *mail)
{
	drv_host_post(&drv->host, mail);
}

static int aio_sock_listen(struct drv *drv, struct loop_addr *addr, int *sock, struct gw_err *err)
{
	(void)drv;
	return drv_sock_listen(addr, true, sock, err);
}

static void aio_sock_close(struct drv *drv, int sock)
{
	sock_of(drv, sock)->drained = false;
	drv_sock_close(sock);
}

static const void *aio_lend(struct drv *drv, struct drv_file *file, uint64_t offset,
			    uint32_t length)
{
	return drv_host_lend(&drv->host, file, offset, length);
}

static bool aio_peek(struct drv *drv, void *to, const void *lent, size_t bytes)
{
	return drv_host_peek(&drv->host, to, lent, bytes);
}

static void aio_torn(struct drv *drv)
{
	drv_host_torn(&drv->host);
}

static struct drv_fs *aio_fs(struct drv *drv)
{
	return &drv->host.fs;
}

static struct drv_links *aio_links(struct drv *drv)
{
	return &drv->host.links;
}

const struct drv_ops drv_aio = {
	.name = "aio",
	.helpers = true,
	.create = aio_create,
	.destroy = aio_destroy,
	.submit = aio_submit,
	.cancel = aio_cancel,
	.turn = aio_turn,
	.lend = aio_lend,
	.peek = aio_peek,
	.torn = aio_torn,
	.pause = drv_host_pause,
	.is_home = aio_is_home,
	.post = aio_post,
	.now = drv_host_now,
	.wall_ns = drv_host_wall_ns,
	.cpu = drv_host_cpu,
	.random = drv_host_random,
	.sock_listen = aio_sock_listen,
	.sock_tune = drv_sock_tune,
	.sock_peer = drv_sock_peer,
	.sock_shut = drv_sock_shut,
	.sock_close = aio_sock_close,
	.fs = aio_fs,
	.links = aio_links,
};
