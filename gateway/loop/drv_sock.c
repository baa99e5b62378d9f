/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets on the real system (drv_sock.h).  A Unix socket's file outlives its
 * process when that is killed; whether one is stale is found out by knocking.
 */
#include "config.h"

#include "gateway/loop/drv_sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/base/bytes.h"
#include "gateway/base/scope.h"
#include "gateway/base/table.h"
#include "gateway/loop/drv_holder.h"
#include "gateway/loop/loop.h"

#define BACKLOG 1024
#define KEEP_IDLE_S 60
#define KEEP_EVERY_S 15
#define KEEP_PROBES 4
/* Unacknowledged for so long: the same as idle and all probes lost. */
#define USER_TIMEOUT_MS ((KEEP_IDLE_S + KEEP_EVERY_S * KEEP_PROBES) * 1000)

union any_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage room;
};

/* ---- addresses to and fro ----------------------------------------------- */

static socklen_t to_kernel(const struct loop_addr *from, union any_addr *to)
{
	memset(to, 0, sizeof(*to));
	switch (from->family) {
	case LOOP_ADDR_INET:
		to->in.sin_family = AF_INET;
		be16_put(&to->in.sin_port, from->port);
		memcpy(&to->in.sin_addr, from->ip, sizeof(to->in.sin_addr));
		return sizeof(to->in);
	case LOOP_ADDR_INET6:
		to->in6.sin6_family = AF_INET6;
		be16_put(&to->in6.sin6_port, from->port);
		to->in6.sin6_scope_id = from->scope;
		memcpy(&to->in6.sin6_addr, from->ip, sizeof(to->in6.sin6_addr));
		return sizeof(to->in6);
	case LOOP_ADDR_UNIX:
		to->un.sun_family = AF_UNIX;
		memcpy(to->un.sun_path, from->path, sizeof(to->un.sun_path));
		return sizeof(to->un);
	case LOOP_ADDR_NONE:
		break;
	}
	return 0;
}

static void from_kernel(const union any_addr *from, struct loop_addr *to)
{
	*to = (struct loop_addr){ 0 };
	switch (from->sa.sa_family) {
	case AF_INET:
		to->family = LOOP_ADDR_INET;
		to->port = be16_get(&from->in.sin_port);
		memcpy(to->ip, &from->in.sin_addr, sizeof(from->in.sin_addr));
		break;
	case AF_INET6:
		to->family = LOOP_ADDR_INET6;
		to->port = be16_get(&from->in6.sin6_port);
		to->scope = from->in6.sin6_scope_id;
		memcpy(to->ip, &from->in6.sin6_addr, sizeof(from->in6.sin6_addr));
		break;
	case AF_UNIX:
		to->family = LOOP_ADDR_UNIX;
		memcpy(to->path, from->un.sun_path, sizeof(to->path) - 1);
		break;
	default:
		break;
	}
}

/* ---- listen ------------------------------------------------------------- */

/* Nobody answers at that name: remove it, so that we can have it.  0, or -errno. */
static int remove_stale(const union any_addr *name, socklen_t len)
{
	scope_fd int knock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (!lstat(name->un.sun_path, &st) && !S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (knock < 0 || !connect(knock, &name->sa, len) || errno != ECONNREFUSED ||
	    unlink(name->un.sun_path))
		return -EADDRINUSE;
	return 0;
}

static int bind_to(int fd, const struct loop_addr *addr)
{
	union any_addr name;
	socklen_t len = to_kernel(addr, &name);
	int one = 1, rc;

	if (addr->family != LOOP_ADDR_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* [::] beside 0.0.0.0: each address is what it says and no more. */
	if (addr->family == LOOP_ADDR_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (!bind(fd, &name.sa, len))
		return 0;
	if (errno != EADDRINUSE || addr->family != LOOP_ADDR_UNIX)
		return -errno;
	rc = remove_stale(&name, len);
	if (rc)
		return rc;
	return bind(fd, &name.sa, len) ? -errno : 0;
}

static int say_listen_error(int errnum, const struct loop_addr *addr, struct gw_err *err)
{
	char text[LOOP_ADDR_TEXT], who[160];
	struct str s = STR_IN(who);

	loop_addr_format(addr, text, sizeof(text));
	if (errnum == EEXIST)
		return gw_err_set(err, EADDRINUSE,
				  "cannot listen on %s: there is a file of that name", text);
	if (errnum != EADDRINUSE)
		return gw_err_set(err, errnum, "cannot listen on %s: %m", text);
	if (!drv_holder_port(&s, addr))
		errnum = EAGAIN;
	return gw_err_set(err, errnum, "cannot listen on %s: it is in use by %s", text, who);
}

int drv_sock_listen(struct loop_addr *addr, bool nonblock, int *sock, struct gw_err *err)
{
	static const int families[] = {
		[LOOP_ADDR_INET] = AF_INET, [LOOP_ADDR_INET6] = AF_INET6, [LOOP_ADDR_UNIX] = AF_UNIX
	};
	scope_fd int fd = -1;
	union any_addr name = { 0 };
	socklen_t len = sizeof(name);
	int rc;

	if (addr->family == LOOP_ADDR_NONE || addr->family >= TABLE_LEN(families))
		return gw_err_set(err, EINVAL, "no address to listen on");
	fd = socket(families[addr->family], SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return say_listen_error(errno, addr, err);
	drv_sock_nonblock(fd, nonblock);
	rc = bind_to(fd, addr);
	if (rc)
		return say_listen_error(-rc, addr, err);
	if (listen(fd, BACKLOG))
		return say_listen_error(errno, addr, err);
	if (addr->family != LOOP_ADDR_UNIX && !getsockname(fd, &name.sa, &len))
		from_kernel(&name, addr);
	*sock = scope_take_fd(&fd);
	return 0;
}

void drv_sock_nonblock(int sock, bool on)
{
	int flags = fcntl(sock, F_GETFL);

	if (flags >= 0 && !(flags & O_NONBLOCK) == on)
		fcntl(sock, F_SETFL, flags ^ O_NONBLOCK);
}

bool drv_sock_listens(int sock)
{
	socklen_t len = sizeof(int);
	int listens = 0;

	return !getsockopt(sock, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) && listens;
}

/* ---- a connection ------------------------------------------------------- */

void drv_sock_tune(struct drv *drv, int sock)
{
	static const struct {
		int level, name, value;
	} rows[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EVERY_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEP_PROBES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS },
	};

	(void)drv;
	for (size_t i = 0; i < TABLE_LEN(rows); i++)
		setsockopt(sock, rows[i].level, rows[i].name, &rows[i].value, sizeof(int));
}

int drv_sock_peer(struct drv *drv, int sock, struct loop_peer *peer)
{
	struct loop_peer out = { .uid = UINT32_MAX, .gid = UINT32_MAX, .pid = UINT32_MAX };
	union any_addr name = { 0 };
	socklen_t len = sizeof(name);
	struct ucred cred;

	(void)drv;
	if (getpeername(sock, &name.sa, &len))
		return -errno;
	from_kernel(&name, &out.addr);
	len = sizeof(cred);
	if (out.addr.family == LOOP_ADDR_UNIX &&
	    !getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
		out.uid = cred.uid;
		out.gid = cred.gid;
		out.pid = (uint32_t)cred.pid;
	}
	*peer = out;
	return 0;
}

static struct msghdr message(struct drv_op *op)
{
	return (struct msghdr){ .msg_iov = drv_op_iov(op), .msg_iovlen = drv_op_niov(op) };
}

bool drv_sock_try_recv(struct drv_op *op, bool *drained, int64_t *res)
{
	struct msghdr msg;
	ssize_t n;

	do {
		msg = message(op);
		n = recvmsg(op->sock, &msg, MSG_DONTWAIT);
		if (n > 0) {
			*drained = (uint64_t)n < drv_op_left(op);
			drv_op_advance(op, (uint64_t)n);
		}
	} while ((n < 0 && errno == EINTR) || (n > 0 && (op->flags & DRV_ALL) && drv_op_left(op)));
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n > 0)
		n = (ssize_t)drv_op_finished(op);
	*res = n < 0 ? -errno : n;
	return true;
}

bool drv_sock_try_send(struct drv_op *op, int64_t *res)
{
	struct msghdr msg;
	ssize_t n;

	do {
		msg = message(op);
		n = sendmsg(op->sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			drv_op_advance(op, (uint64_t)n);
	} while ((n < 0 && errno == EINTR) || (n >= 0 && drv_op_left(op)));
	if (n < 0 && errno == EAGAIN)
		return false;
	*res = n < 0 ? -errno : (int64_t)drv_op_finished(op);
	return true;
}

void drv_sock_shut(struct drv *drv, int sock)
{
	(void)drv;
	shutdown(sock, SHUT_RDWR);
}

static void remove_name(int sock)
{
	union any_addr name = { 0 };
	socklen_t len = sizeof(name);

	if (!getsockname(sock, &name.sa, &len) && name.sa.sa_family == AF_UNIX &&
	    name.un.sun_path[0] && drv_sock_listens(sock))
		unlink(name.un.sun_path);
}

void drv_sock_close(int sock)
{
	remove_name(sock);
	close(sock);
}
