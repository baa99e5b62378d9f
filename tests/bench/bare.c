/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bare: the server that only moves bytes.  It speaks NBD's wire shape, answers
 * every read from one static buffer and drops what is written: what remains is
 * the client, the loopback and the copies in and out of the kernel.  The upper
 * bound that "make bench" holds every server against.  It trusts its peer: a
 * tool for the bench, never a server.  One thread; blocking recv and one
 * gathered send per batch for one connection, epoll before them for more.
 */
#include "config.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	RX_BYTES = 256 << 10,
	READ_MAX = 4 << 20,
	REPLIES = 256, /* per send; two pieces each, below IOV_MAX */
	REQUEST_BYTES = 28,
	REPLY_BYTES = 16,
	OPT_EXPORT_NAME = 1,
	OPT_ABORT = 2,
	OPT_GO = 7,
};

struct peer {
	int fd;
	size_t have; /* of an incomplete request in rx */
	uint64_t skip; /* write payload still to come */
	bool writing; /* and after it: answer this request */
	uint8_t pending[REQUEST_BYTES];
	uint32_t replies, pieces;
	uint8_t headers[REPLIES][REPLY_BYTES];
	struct iovec iov[2 * REPLIES];
	uint8_t rx[RX_BYTES];
};

static uint8_t blank[READ_MAX];
static uint64_t size_bytes = 1ull << 30;
static struct peer *lone; /* the only connection, if it is */
static unsigned peers;

static void put(uint8_t *p, uint64_t v, int bytes)
{
	while (bytes-- > 0) {
		p[bytes] = (uint8_t)v;
		v >>= 8;
	}
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return be32toh(v);
}

static bool read_all(int fd, void *buf, size_t len)
{
	return len == 0 || recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len;
}

static bool write_all(int fd, const void *buf, size_t len)
{
	return send(fd, buf, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool answer(int fd, uint32_t option, uint32_t type, const void *data, uint32_t len)
{
	uint8_t head[20 + 12];

	put(head, 0x3e889045565a9ull, 8);
	put(head + 8, option, 4);
	put(head + 12, type, 4);
	put(head + 16, len, 4);
	if (len > 0)
		memcpy(head + 20, data, len);
	return write_all(fd, head, 20 + len);
}

/* Fixed newstyle, up to the transmission phase. */
static bool handshake(int fd)
{
	uint8_t buf[4096], info[12];

	memcpy(buf, "NBDMAGICIHAVEOPT\0\3", 18);
	if (!write_all(fd, buf, 18) || !read_all(fd, buf, 4))
		return false;
	put(info, 0, 2);
	put(info + 2, size_bytes, 8);
	put(info + 10, 1 | 4 | 0x100, 2); /* flags, FLUSH, multi-conn */
	while (read_all(fd, buf, 16)) {
		uint32_t option = get32(buf + 8), len = get32(buf + 12);

		if (len > sizeof(buf) || !read_all(fd, buf, len))
			return false;
		switch (option) {
		case OPT_GO:
			return answer(fd, option, 3, info, 12) && answer(fd, option, 1, NULL, 0);
		case OPT_EXPORT_NAME:
			return write_all(fd, info + 2, 10);
		case OPT_ABORT:
			return false;
		default:
			if (!answer(fd, option, 0x80000001u, NULL, 0))
				return false;
		}
	}
	return false;
}

static bool flush(struct peer *p)
{
	struct msghdr m = { .msg_iov = p->iov, .msg_iovlen = p->pieces };

	while (m.msg_iovlen > 0) {
		ssize_t n = sendmsg(p->fd, &m, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return false;
		while (n > 0 && (size_t)n >= m.msg_iov->iov_len) {
			n -= (ssize_t)m.msg_iov->iov_len;
			m.msg_iov++;
			m.msg_iovlen--;
		}
		if (n > 0) {
			struct iovec *v = m.msg_iov;

			v->iov_base = (uint8_t *)v->iov_base + n;
			v->iov_len -= (size_t)n;
		}
	}
	p->replies = p->pieces = 0;
	return true;
}

static void piece(struct peer *p, void *base, size_t len)
{
	struct iovec *v = p->iov + p->pieces;

	if (p->pieces > 0 && (uint8_t *)v[-1].iov_base + v[-1].iov_len == base) {
		v[-1].iov_len += len;
		return;
	}
	v->iov_base = base;
	v->iov_len = len;
	p->pieces++;
}

static bool reply(struct peer *p, const uint8_t *request, uint32_t bytes)
{
	uint8_t *h;

	if (p->replies == REPLIES && !flush(p))
		return false;
	h = p->headers[p->replies++];
	put(h, 0x67446698u, 4);
	put(h + 4, 0, 4);
	memcpy(h + 8, request + 8, 8);
	piece(p, h, REPLY_BYTES);
	if (bytes > 0)
		piece(p, blank, bytes);
	return true;
}

static bool request(struct peer *p, const uint8_t *r)
{
	uint32_t len = get32(r + 24);

	if (get32(r) != 0x25609513u)
		return false;
	switch (r[7]) {
	case 0:
		return len <= READ_MAX && reply(p, r, len);
	case 1:
		p->skip = len;
		p->writing = true;
		memcpy(p->pending, r, REQUEST_BYTES);
		return true;
	case 3:
		return reply(p, r, 0);
	default:
		return false;
	}
}

/* One batch: what a recv brings, then one send. */
static bool take(struct peer *p, size_t n)
{
	size_t at = 0;

	for (;;) {
		size_t skip = n - at < p->skip ? n - at : p->skip;

		at += skip;
		p->skip -= skip;
		if (p->skip > 0)
			break;
		if (p->writing && !reply(p, p->pending, 0))
			return false;
		p->writing = false;
		if (n - at < REQUEST_BYTES)
			break;
		if (!request(p, p->rx + at))
			return false;
		at += REQUEST_BYTES;
	}
	p->have = n - at;
	memmove(p->rx, p->rx + at, p->have);
	return p->pieces == 0 || flush(p);
}

/* 1: a batch was served, 0: nothing came in time; -1: the peer is gone. */
static int serve(struct peer *p, int flags)
{
	ssize_t n = recv(p->fd, p->rx + p->have, RX_BYTES - p->have, flags);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0 && take(p, p->have + (size_t)n))
		return 1;
	close(p->fd);
	free(p);
	peers--;
	lone = NULL;
	return -1;
}

static void admit(int epoll, int listener)
{
	struct timeval wait = { .tv_usec = 20000 };
	struct epoll_event ev = { .events = EPOLLIN };
	struct peer *p;
	int one = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	p = handshake(fd) ? calloc(1, sizeof(*p)) : NULL;
	if (!p) {
		close(fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	p->fd = fd;
	ev.data.ptr = p;
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
	lone = ++peers == 1 ? p : NULL;
}

/* The only peer there is needs no epoll, but a look now and then for others. */
static void serve_lone(void)
{
	int turns = 256;

	while (turns-- > 0 && lone)
		if (serve(lone, 0) == 0)
			return;
}

static void loop(int listener)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL }, e[64];

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		int i, n = epoll_wait(epoll, e, 64, lone ? 0 : -1);

		for (i = 0; i < n; i++) {
			if (e[i].data.ptr)
				serve(e[i].data.ptr, MSG_DONTWAIT);
			else
				admit(epoll, listener);
		}
		serve_lone();
	}
}

static int listen_unix(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(sun.sun_path))
		return -1;
	memcpy(sun.sun_path, path, strlen(path));
	unlink(path);
	if (bind(fd, (void *)&sun, sizeof(sun)) < 0 || listen(fd, 64) < 0)
		return -1;
	return fd;
}

static int listen_tcp(const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (void *)&sin, sizeof(sin)) < 0 || listen(fd, 64) < 0)
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: bare PORT|unix:PATH\n");
		return 2;
	}
	if (strncmp(argv[1], "unix:", 5) == 0)
		fd = listen_unix(argv[1] + 5);
	else
		fd = listen_tcp(argv[1]);
	if (fd < 0) {
		fprintf(stderr, "bare: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	/* touched, so that it is memory and not the zero page */
	memset(blank, 0x5a, sizeof(blank));
	printf("ready\n");
	fflush(stdout);
	loop(fd);
}
