/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_call.c - one request and its reply (cli_call.h).
 */
#include "config.h"

#include "gateway/cli/cli_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "gateway/base/scope.h"
#include "gateway/base/str.h"

#define ID 1u

int cli_call_connect(const char *path, int *sock)
{
	const struct timeval wait = { .tv_sec = CLI_WAIT_S };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	scope_fd int fd = -1;

	if (!str_copy(name.sun_path, sizeof(name.sun_path), path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) ||
	    connect(fd, (const struct sockaddr *)&name, sizeof(name)))
		return -errno;
	*sock = scope_take_fd(&fd);
	return 0;
}

static int send_all(int sock, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(sock, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* One line into buf of CTL_MSG_MAX bytes; its length, or -errno (0: the daemon
 * closed the connection before it was whole). */
static ssize_t receive_line(int sock, char *buf)
{
	size_t len = 0, line;

	for (;;) {
		ssize_t n;

		if (len == CTL_MSG_MAX)
			return -EMSGSIZE;
		n = recv(sock, buf + len, CTL_MSG_MAX - len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		len += (size_t)n;
		line = ctl_msg_line(buf, len);
		if (line)
			return (ssize_t)line;
	}
}

static int say(struct gw_err *err, const char *path, int errnum)
{
	if (errnum == EAGAIN)
		return gw_err_set(err, ETIMEDOUT, "%s: the daemon does not answer", path);
	return gw_err_set(err, errnum, "%s: cannot talk to the daemon: %m", path);
}

static int exchange(const char *path, int sock, const char *request, json_t **result,
		    struct gw_err *err)
{
	scope_free char *reply = malloc(CTL_MSG_MAX);
	ssize_t len;
	int rc;

	if (!reply)
		return say(err, path, ENOMEM);
	rc = send_all(sock, request, strlen(request));
	/* One that was turned away finds why in what was sent before. */
	len = receive_line(sock, reply);
	if (len < 0 || (rc && !len))
		return say(err, path, len < 0 ? (int)-len : -rc);
	if (!len)
		return gw_err_set(err, ECONNRESET,
				  "%s: the daemon closed the connection: it stops, or too many "
				  "ask at once",
				  path);
	return ctl_msg_parse_reply(reply, (size_t)len, ID, result, err);
}

int cli_call(const char *path, const char *verb, json_t *params, json_t **result,
	     struct gw_err *err)
{
	scope_free char *request = ctl_msg_request(ID, verb, params);
	scope_fd int sock = -1;
	int rc;

	if (!request)
		return say(err, path, ENOMEM);
	rc = cli_call_connect(path, &sock);
	if (rc == -ECONNREFUSED || rc == -ENOENT)
		return gw_err_set(err, -rc, "%s: no daemon listens here", path);
	if (rc)
		return say(err, path, -rc);
	return exchange(path, sock, request, result, err);
}
