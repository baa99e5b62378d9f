/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cases for every real driver: a file's pages on their way to a socket, TCP and Unix,
 * from a disk's file system and from tmpfs.
 */
#include "config.h"

#include "tests/unit/gateway/loop/drv_cases.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/loop/drv_file.h"

#define SIZE (4u << 20)
#define LARGE (1u << 20)
#define SMALL 1000u

static struct rig rig;
static int pair[2];
static char path[300];
static char *folder;
static struct drv_file *file;
static char *bytes; /* what the file holds */

static const char *const places[] = { "/var/tmp", "/dev/shm" };

static void tcp_pair(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(name);

	assert_int_equal(bind(listener, (struct sockaddr *)&name, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&name, &len), 0);
	pair[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(pair[1], (struct sockaddr *)&name, len), 0);
	pair[0] = accept(listener, NULL, NULL);
	assert_true(pair[0] >= 0);
	close(listener);
}

static void up(const char *place, bool tcp)
{
	struct gw_err err = GW_ERR_NONE;
	struct rig_op op;

	rig_up(&rig);
	if (tcp)
		tcp_pair();
	else
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	folder = rig_folder(place);
	assert_non_null(folder);
	snprintf(path, sizeof(path), "%s/image", folder);
	if (rig.fs->ops->open(rig.fs, path, DRV_OPEN_WRITE | DRV_OPEN_CREATE, &file, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rig.fs->ops->truncate(rig.fs, file, SIZE), 0);
	bytes = malloc(SIZE);
	rig_fill(bytes, SIZE, 5);
	rig_file_op(&op, DRV_WRITE, file, bytes, SIZE, 0);
	assert_int_equal(rig_run(&rig, &op), SIZE);
}

static void down(void)
{
	free(bytes);
	loop_sock_close(rig.loop, pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
	rig.fs->ops->close(rig.fs, &file);
	rig_folder_remove(folder);
	rig_down(&rig);
}

static void *lent(uint64_t offset, uint32_t length)
{
	const void *at = NULL;

	/* what is in memory is looked at region by region, and not all at once */
	for (int i = 0; i < 100 && !at; i++) {
		rig_for_ms(&rig, 1);
		at = loop_lend(rig.loop, file, offset, length);
	}
	assert_non_null(at);
	return (void *)(uintptr_t)at;
}

static void send_op(struct rig_op *op, const struct iovec *iov, unsigned n)
{
	rig_sock_op(op, DRV_SEND, pair[0], NULL, 0);
	memcpy(op->iov, iov, n * sizeof(*iov));
	op->op.niov = n;
	op->op.file = file;
}

/* ---- the peer ------------------------------------------------------------ */

static size_t wanted;

/* Slowly at first, so that the socket is full for a while. */
static void *read_all(void *arg)
{
	char *buf = arg;
	size_t got = 0;
	ssize_t n = 1;

	for (int i = 0; got < wanted && n > 0; i++) {
		if (i < 20)
			usleep(1000);
		n = read(pair[1], buf + got, i < 20 ? 1000 : wanted - got);
		got += n > 0 ? (size_t)n : 0;
	}
	return (void *)got;
}

/* ---- cases --------------------------------------------------------------- */

/* Heads, large and small pieces, at the edges of pages and beside them. */
static void mixed(void)
{
	char head[16] = "0123456789abcdef", tail[100], *got, *want;
	const struct iovec iov[] = {
		{ head, 16 },  { lent(4096, LARGE), LARGE },	     { head, 16 },
		{ tail, 0 },   { lent(3, 2 * LARGE), 2 * LARGE },    { lent(7, SMALL), SMALL },
		{ tail, 100 }, { lent(SIZE - LARGE, LARGE), LARGE },
	};
	struct rig_op op;
	pthread_t thread;
	void *read_bytes;

	memset(tail, 7, sizeof(tail));
	wanted = 0;
	want = malloc(SIZE + 2 * LARGE);
	for (unsigned i = 0; i < 8; i++) {
		memcpy(want + wanted, iov[i].iov_base, iov[i].iov_len);
		wanted += iov[i].iov_len;
	}
	got = malloc(wanted);
	send_op(&op, iov, 8);
	pthread_create(&thread, NULL, read_all, got);
	assert_int_equal(rig_run(&rig, &op), wanted);
	pthread_join(thread, &read_bytes);
	assert_int_equal((size_t)read_bytes, wanted);
	assert_memory_equal(got, want, wanted);
	free(got);
	free(want);
}

void splices(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		up(places[i % 2], i / 2);
		mixed();
		mixed();
		down();
	}
}

/* Large pieces are not copied: a write after done() shows.  Small ones are. */
void splices_what_it_is(void **state)
{
	char got[65536 + SMALL], newer[65536];
	struct rig_op op;

	(void)state;
	memset(newer, 0xee, sizeof(newer));
	for (int i = 0; i < 4; i++) {
		up(places[i % 2], i / 2);
		send_op(&op,
			(struct iovec[]){ { lent(65536, 65536), 65536 },
					  { lent(0, SMALL), SMALL } },
			2);
		assert_int_equal(rig_run(&rig, &op), sizeof(got));
		rig_file_op(&op, DRV_WRITE, file, newer, sizeof(newer), 65536);
		assert_int_equal(rig_run(&rig, &op), sizeof(newer));
		rig_file_op(&op, DRV_WRITE, file, newer, SMALL, 0);
		assert_int_equal(rig_run(&rig, &op), SMALL);
		wanted = sizeof(got);
		assert_int_equal((size_t)read_all(got), sizeof(got));
		assert_memory_equal(got, newer, sizeof(newer));
		assert_memory_equal(got + sizeof(newer), bytes, SMALL);
		down();
	}
}

void splices_what_is_cut(void **state)
{
	struct rig_op op;

	(void)state;
	for (int i = 0; i < 4; i++) {
		up(places[i % 2], i / 2);
		send_op(&op, (struct iovec[]){ { lent(LARGE, LARGE), LARGE } }, 1);
		assert_int_equal(rig.fs->ops->truncate(rig.fs, file, 4096), 0);
		assert_int_equal(rig_run(&rig, &op), -EFAULT);
		down();
	}
}

/* It waits for room, and then there is nobody; or we have shut it. */
void splices_to_nobody(void **state)
{
	struct rig_op op;

	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	for (int i = 0; i < 4; i++) {
		up(places[0], i / 2);
		send_op(&op,
			(struct iovec[]){ { lent(0, SIZE), SIZE },
					  { lent(0, SIZE), SIZE },
					  { lent(0, SIZE), SIZE },
					  { lent(0, SIZE), SIZE } },
			4);
		rig_submit(&rig, &op);
		rig_for_ms(&rig, 50);
		assert_int_equal(op.ends, 0);
		if (i % 2) {
			loop_sock_shut(rig.loop, pair[0]);
		} else {
			close(pair[1]);
			pair[1] = -1;
		}
		rig_until(&rig, &op.ends, 1);
		assert_true(op.res == -EPIPE || op.res == -ECONNRESET);
		rig_for_ms(&rig, 5);
		assert_int_equal(op.ends, 1);
		down();
	}
}

/* A peer who only says that he sends no more still gets all, and nobody spins for him. */
void splices_to_a_listener(void **state)
{
	char *got = malloc(SIZE);
	struct rig_op op;
	pthread_t thread;

	(void)state;
	for (int i = 0; i < 2; i++) {
		up(places[0], i);
		send_op(&op, (struct iovec[]){ { lent(0, SIZE), SIZE } }, 1);
		shutdown(pair[1], SHUT_WR);
		rig_submit(&rig, &op);
		assert_in_range(rig_turns_in(&rig, 100), 0, 20);
		if (!op.ends) { /* it did not all fit */
			wanted = SIZE;
			pthread_create(&thread, NULL, read_all, got);
			rig_until(&rig, &op.ends, 1);
			pthread_join(thread, NULL);
			assert_memory_equal(got, bytes, SIZE);
		}
		assert_int_equal(op.res, SIZE);
		down();
	}
	free(got);
}
