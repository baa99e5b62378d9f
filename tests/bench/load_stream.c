/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Byte streams for the load client; see the header for the drawing.  One
 * sendmsg and one recv per batch, nothing allocated after the start.
 */
#include "config.h"

#include "tests/bench/load_stream.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	IOV_PER_CALL = 1024, /* IOV_MAX of Linux */
	LOGIN_SECONDS = 15,
};

static int complain(const char *what, const char *target)
{
	fprintf(stderr, "load: %s %s: %s\n", what, target, strerror(errno));
	return -1;
}

static int dial_unix(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (void *)&sun, sizeof(sun)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int dial_tcp(const char *target)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
	const char *colon = strrchr(target, ':');
	char host[256] = "";
	int fd = -1, one = 1;

	errno = EINVAL;
	if (!colon || (size_t)(colon - target) >= sizeof(host))
		return -1;
	memcpy(host, target, (size_t)(colon - target));
	if (getaddrinfo(host, colon + 1, &hints, &list) != 0)
		return -1;
	for (ai = list; ai && fd < 0; ai = ai->ai_next) {
		fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

int load_stream_dial(const char *target)
{
	struct timeval second = { .tv_sec = 1 };
	int fd;

	if (strncmp(target, "unix:", 5) == 0)
		fd = dial_unix(target + 5);
	else
		fd = dial_tcp(target);
	if (fd < 0)
		return complain("cannot connect to", target);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	return fd;
}

int load_stream_read(int fd, void *buf, size_t len)
{
	int patience = LOGIN_SECONDS; /* SO_RCVTIMEO is one second */
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0) {
			errno = ECONNRESET;
			return complain("the server", "ended the login");
		} else if (errno != EINTR && (errno != EAGAIN || --patience == 0)) {
			return complain("no answer to", "the login");
		}
	}
	return 0;
}

int load_stream_write(int fd, const void *buf, size_t len)
{
	if (send(fd, buf, len, MSG_NOSIGNAL) == (ssize_t)len)
		return 0;
	return complain("the server", "ended the login");
}

struct load_stream *load_stream_new(load_stream_parse *parse)
{
	struct load_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->parse = parse;
	s->reply.slot = -1;
	s->iov = calloc(LOAD_STREAM_IOVS, sizeof(*s->iov));
	s->headers = malloc(LOAD_STREAM_HEADER_BYTES);
	s->rx = malloc(LOAD_STREAM_RX_BYTES);
	if (!s->iov || !s->headers || !s->rx)
		load_stream_free(&s);
	return s;
}

void load_stream_free(struct load_stream **sp)
{
	struct load_stream *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	free(s->iov);
	free(s->headers);
	free(s->rx);
	free(s);
}

/* Queue full: a bug of this program (depth is bounded by load.c). */
static void no_room(void)
{
	fprintf(stderr, "load: send queue full, use a smaller --depth\n");
	exit(1);
}

void load_stream_payload(struct load_stream *s, const void *p, size_t len)
{
	struct iovec *next = &s->iov[s->iov_used];

	if (s->iov_used > s->iov_sent && (uint8_t *)next[-1].iov_base + next[-1].iov_len == p) {
		next[-1].iov_len += len;
		return;
	}
	if (s->iov_used == LOAD_STREAM_IOVS)
		no_room();
	next->iov_base = (void *)(uintptr_t)p;
	next->iov_len = len;
	s->iov_used++;
}

uint8_t *load_stream_header(struct load_stream *s, size_t len)
{
	uint8_t *p = s->headers + s->header_used;

	if (LOAD_STREAM_HEADER_BYTES - s->header_used < len)
		no_room();
	s->header_used += (uint32_t)len;
	load_stream_payload(s, p, len);
	return p;
}

static void drop_sent(struct load_stream *s, size_t n)
{
	while (s->iov_sent < s->iov_used) {
		struct iovec *v = &s->iov[s->iov_sent];

		if (n < v->iov_len) {
			v->iov_base = (uint8_t *)v->iov_base + n;
			v->iov_len -= n;
			return;
		}
		n -= v->iov_len;
		s->iov_sent++;
	}
	s->iov_sent = s->iov_used = s->header_used = 0;
}

/* Move what is left to the front, once it stands far from it. */
static void compact(struct load_stream *s)
{
	uint8_t *from = NULL, *end = s->headers + s->header_used;
	uint32_t i, left = s->iov_used - s->iov_sent;

	if (s->iov_used < LOAD_STREAM_IOVS / 2 && s->header_used < LOAD_STREAM_HEADER_BYTES / 2)
		return;
	memmove(s->iov, s->iov + s->iov_sent, left * sizeof(*s->iov));
	s->iov_sent = 0;
	s->iov_used = left;
	for (i = 0; i < left; i++) {
		uint8_t *p = s->iov[i].iov_base;

		if (p < s->headers || p >= end)
			continue;
		if (!from) /* headers lie in the order of sending */
			from = p;
		s->iov[i].iov_base = s->headers + (p - from);
	}
	s->header_used = from ? (uint32_t)(end - from) : 0;
	if (from)
		memmove(s->headers, from, s->header_used);
}

int load_stream_flush(struct load_stream *s, int fd)
{
	while (s->iov_sent < s->iov_used) {
		struct msghdr m = { .msg_iov = s->iov + s->iov_sent };
		ssize_t n;

		m.msg_iovlen = s->iov_used - s->iov_sent;
		if (m.msg_iovlen > IOV_PER_CALL)
			m.msg_iovlen = IOV_PER_CALL;
		n = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			compact(s);
			return 1;
		}
		if (n < 0)
			return complain("send", "failed");
		drop_sent(s, (size_t)n);
	}
	return 0;
}

static void end_of_reply(struct load_stream *s, struct load_conn *c)
{
	if (s->reply.slot >= 0)
		load_conn_done(c, (uint32_t)s->reply.slot, s->reply.failed);
	s->reply.slot = -1;
}

/* Take apart rx[0..n); what is left of it moves to the front. */
static int take(struct load_stream *s, struct load_conn *c, size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t skip = n - at;
		int used;

		if (skip > s->reply.skip_bytes)
			skip = s->reply.skip_bytes;
		at += skip;
		s->reply.skip_bytes -= skip;
		if (s->reply.skip_bytes > 0)
			break;
		end_of_reply(s, c);
		if (at == n)
			break;
		used = s->parse(c, s->rx + at, n - at, &s->reply);
		if (used < 0)
			return -1;
		if (used == 0)
			break;
		at += (size_t)used;
		if (s->reply.skip_bytes == 0)
			end_of_reply(s, c);
	}
	s->have = n - at;
	if (s->have > 0)
		memmove(s->rx, s->rx + at, s->have);
	return 0;
}

int load_stream_receive(struct load_stream *s, struct load_conn *c, bool wait)
{
	ssize_t n = recv(c->fd, s->rx + s->have, LOAD_STREAM_RX_BYTES - s->have,
			 wait ? 0 : MSG_DONTWAIT);

	c->now_ns = load_conn_clock_ns();
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		errno = n == 0 ? ECONNRESET : errno;
		return complain("receive", "failed");
	}
	return take(s, c, s->have + (size_t)n);
}
