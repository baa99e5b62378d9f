/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cases for every real driver: streams over a pair of sockets.
 */
#include "config.h"

#include "tests/unit/gateway/loop/drv_cases.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG (3 << 20)

static struct rig rig;
static int pair[2];

static void up(void)
{
	rig_up_pair(&rig, pair);
}

static void down(void)
{
	rig_down_pair(&rig, pair);
}

static void small_buffers(void)
{
	int small = 4608;

	for (int i = 0; i < 2; i++) {
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
		setsockopt(pair[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	}
}

/* The other end of the pair, as a thread that reads or writes BIG bytes. */
static void *reader(void *arg)
{
	char *buf = arg;
	size_t got = 0;
	ssize_t n;

	while (got < BIG && (n = read(pair[1], buf + got, BIG - got)) > 0)
		got += (size_t)n;
	return NULL;
}

static void *writer(void *arg)
{
	const char *buf = arg;
	size_t sent = 0;
	ssize_t n;

	while (sent < BIG && (n = write(pair[1], buf + sent, BIG - sent)) > 0)
		sent += (size_t)n;
	return NULL;
}

/* ---- streams ------------------------------------------------------------ */

void echo(void **state)
{
	struct rig_op recv_op, send_op;
	char in[100];

	(void)state;
	up();
	for (int i = 1; i <= 100; i++) {
		rig_sock_op(&recv_op, DRV_RECV, pair[0], in, sizeof(in));
		rig_submit(&rig, &recv_op);
		if (i % 3 == 0)
			rig_for_ms(&rig, 1); /* armed first, or data first */
		assert_int_equal(write(pair[1], "abcdefgh", (size_t)(i % 8 + 1)), i % 8 + 1);
		rig_until(&rig, &recv_op.ends, 1);
		assert_int_equal(recv_op.res, i % 8 + 1);
		assert_memory_equal(in, "abcdefgh", (size_t)(i % 8 + 1));
		rig_sock_op(&send_op, DRV_SEND, pair[0], in, (size_t)(i % 8 + 1));
		assert_int_equal(rig_run(&rig, &send_op), i % 8 + 1);
		assert_int_equal(read(pair[1], in, sizeof(in)), i % 8 + 1);
	}
	down();
}

void receives_all(void **state)
{
	char *buf = malloc(BIG), *from = malloc(BIG);
	struct rig_op op;
	pthread_t thread;

	(void)state;
	up();
	rig_fill(from, BIG, 5);
	pthread_create(&thread, NULL, writer, from);
	rig_sock_op(&op, DRV_RECV, pair[0], buf, 1000);
	op.op.flags = DRV_ALL;
	op.op.niov = 3;
	op.iov[1] = (struct iovec){ buf + 1000, 0 };
	op.iov[2] = (struct iovec){ buf + 1000, BIG - 1000 };
	assert_int_equal(rig_run(&rig, &op), BIG);
	assert_true(rig_same(buf, BIG, 5));
	pthread_join(thread, NULL);
	down();
	free(buf);
	free(from);
}

void end_of_stream(void **state)
{
	struct rig_op op;
	char in[64];

	(void)state;
	up();
	assert_int_equal(write(pair[1], "abc", 3), 3);
	shutdown(pair[1], SHUT_WR);
	rig_sock_op(&op, DRV_RECV, pair[0], in, sizeof(in));
	assert_int_equal(rig_run(&rig, &op), 3);
	rig_sock_op(&op, DRV_RECV, pair[0], in, sizeof(in));
	assert_int_equal(rig_run(&rig, &op), 0);
	rig_sock_op(&op, DRV_RECV, pair[0], in, sizeof(in));
	op.op.flags = DRV_ALL;
	assert_int_equal(rig_run(&rig, &op), 0);
	down();
}

/* Exactly the bytes, or the end: a part that comes before the end is none. */
void half_close(void **state)
{
	struct rig_op all, out;
	char in[64], back[64];

	(void)state;
	up();
	rig_sock_op(&all, DRV_RECV, pair[0], in, 10);
	all.op.flags = DRV_ALL;
	rig_submit(&rig, &all);
	assert_int_equal(write(pair[1], "abcd", 4), 4);
	rig_for_ms(&rig, 5);
	assert_int_equal(all.ends, 0);
	shutdown(pair[1], SHUT_WR);
	rig_until(&rig, &all.ends, 1);
	assert_int_equal(all.res, 0);
	/* the other direction lives */
	rig_sock_op(&out, DRV_SEND, pair[0], "answer", 6);
	assert_int_equal(rig_run(&rig, &out), 6);
	assert_int_equal(read(pair[1], back, sizeof(back)), 6);
	down();
}

void sends_it_all(void **state)
{
	char *buf = malloc(BIG), *from = malloc(BIG);
	struct rig_op op;
	pthread_t thread;

	(void)state;
	up();
	small_buffers();
	rig_fill(from, BIG, 9);
	rig_sock_op(&op, DRV_SEND, pair[0], from, BIG);
	rig_submit(&rig, &op);
	rig_for_ms(&rig, 5);
	assert_int_equal(op.ends, 0); /* nobody reads yet */
	pthread_create(&thread, NULL, reader, buf);
	rig_until(&rig, &op.ends, 1);
	assert_int_equal(op.res, BIG);
	pthread_join(thread, NULL);
	assert_true(rig_same(buf, BIG, 9));
	down();
	free(buf);
	free(from);
}

#define PIECES 3000 /* more than one system call takes */

void many_iovecs(void **state)
{
	static struct iovec iov[PIECES];
	char *buf = malloc(BIG), *from = malloc(BIG);
	struct rig_op op;
	pthread_t thread;

	(void)state;
	up();
	small_buffers();
	rig_fill(from, BIG, 2);
	for (int i = 0; i < PIECES; i++)
		iov[i] = (struct iovec){ from + i * 1000, 1000 };
	iov[PIECES - 1].iov_len = BIG - (PIECES - 1) * 1000;
	pthread_create(&thread, NULL, reader, buf);
	rig_sock_op(&op, DRV_SEND, pair[0], NULL, 0);
	rig_submit(&rig, &op); /* nothing to send: ends at once */
	rig_until(&rig, &op.ends, 1);
	op.op.iov = iov;
	op.op.niov = PIECES;
	loop_submit(rig.loop, &op.op);
	rig_until(&rig, &op.ends, 2);
	assert_int_equal(op.res, BIG);
	pthread_join(thread, NULL);
	assert_true(rig_same(buf, BIG, 2));
	down();
	free(buf);
	free(from);
}

void both_ways_at_once(void **state)
{
	struct rig_op in[2], out[2];
	char *a = malloc(BIG), *b = malloc(BIG);

	(void)state;
	up();
	small_buffers();
	rig_fill(a, BIG, 3);
	for (int i = 0; i < 2; i++) {
		rig_sock_op(&out[i], DRV_SEND, pair[i], a, BIG);
		rig_sock_op(&in[i], DRV_RECV, pair[i], b, BIG);
		in[i].op.flags = DRV_ALL;
		rig_submit(&rig, &out[i]);
		rig_submit(&rig, &in[i]);
	}
	for (int i = 0; i < 2; i++) {
		rig_until(&rig, &in[i].ends, 1);
		rig_until(&rig, &out[i].ends, 1);
		assert_int_equal(in[i].res, BIG);
		assert_int_equal(out[i].res, BIG);
	}
	assert_true(rig_same(b, BIG, 3));
	down();
	free(a);
	free(b);
}

void empty_send(void **state)
{
	struct rig_op op;

	(void)state;
	up();
	rig_sock_op(&op, DRV_SEND, pair[0], NULL, 0);
	assert_int_equal(rig_run(&rig, &op), 0);
	down();
}

void peer_is_gone(void **state)
{
	char *from = calloc(1, BIG);
	struct rig_op send_op, recv_op;
	char in[10];

	(void)state;
	up();
	rig_sock_op(&send_op, DRV_SEND, pair[0], from, BIG);
	rig_sock_op(&recv_op, DRV_RECV, pair[0], in, sizeof(in));
	rig_submit(&rig, &send_op);
	rig_submit(&rig, &recv_op);
	rig_for_ms(&rig, 2);
	close(pair[1]);
	rig_until(&rig, &send_op.ends, 1);
	rig_until(&rig, &recv_op.ends, 1);
	assert_true(send_op.res == -EPIPE || send_op.res == -ECONNRESET);
	assert_true(recv_op.res == 0 || recv_op.res == -ECONNRESET);
	pair[1] = dup(pair[0]);
	down();
	free(from);
}

void shut_ends_both(void **state)
{
	char *from = calloc(1, BIG);
	struct rig_op send_op, recv_op;
	char in[10];

	(void)state;
	up();
	rig_sock_op(&send_op, DRV_SEND, pair[0], from, BIG);
	rig_sock_op(&recv_op, DRV_RECV, pair[0], in, sizeof(in));
	rig_submit(&rig, &send_op);
	rig_submit(&rig, &recv_op);
	rig_for_ms(&rig, 2);
	loop_sock_shut(rig.loop, pair[0]);
	rig_until(&rig, &send_op.ends, 1);
	rig_until(&rig, &recv_op.ends, 1);
	assert_true(send_op.res < 0);
	assert_int_equal(recv_op.res, 0);
	down();
	free(from);
}

/* ---- the rest ----------------------------------------------------------- */

/* A socket that somebody made non-blocking (handed over by systemd). */
void nonblocking_socket(void **state)
{
	char *from = malloc(BIG), *buf = malloc(BIG);
	struct rig_op in, out;
	pthread_t thread;

	(void)state;
	up();
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	rig_sock_op(&in, DRV_RECV, pair[0], buf, 10);
	rig_submit(&rig, &in);
	rig_for_ms(&rig, 2);
	assert_int_equal(in.ends, 0);
	assert_int_equal(write(pair[1], "abc", 3), 3);
	rig_until(&rig, &in.ends, 1);
	assert_int_equal(in.res, 3);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	rig_fill(from, BIG, 7);
	rig_sock_op(&out, DRV_SEND, pair[0], from, BIG);
	rig_submit(&rig, &out);
	rig_for_ms(&rig, 2);
	pthread_create(&thread, NULL, reader, buf);
	rig_until(&rig, &out.ends, 1);
	assert_int_equal(out.res, BIG);
	pthread_join(thread, NULL);
	assert_true(rig_same(buf, BIG, 7));
	down();
	free(from);
	free(buf);
}

/* A connection used on one loop and then on another, again and again. */
void moves_to_a_new_place(void **state)
{
	struct rig other;
	struct rig_op op;
	char in[10];

	(void)state;
	up();
	rig_up(&other);
	for (int i = 0; i < 20; i++) {
		struct rig *here = i % 2 ? &other : &rig;

		rig_sock_op(&op, DRV_RECV, pair[0], in, sizeof(in));
		rig_submit(here, &op);
		rig_for_ms(here, 1);
		assert_int_equal(write(pair[1], "abc", 3), 3);
		rig_until(here, &op.ends, 1);
		assert_int_equal(op.res, 3);
		if (i % 5 == 4) { /* the same number, another connection */
			int before = pair[0];

			loop_sock_close(here->loop, pair[0]);
			close(pair[1]);
			assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
			assert_true(pair[0] == before || pair[1] == before);
		}
	}
	rig_down(&other);
	down();
}

#define FLOOD 400

/* More asked for in one turn than the kernel's queue has room for. */
void more_than_the_queue(void **state)
{
	struct rig_op *ops = calloc(FLOOD, sizeof(*ops));
	int(*pairs)[2] = calloc(FLOOD, sizeof(*pairs));
	char in[10];

	(void)state;
	up();
	for (int i = 0; i < FLOOD; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
		rig_sock_op(&ops[i], DRV_RECV, pairs[i][0], in, sizeof(in));
		rig_submit(&rig, &ops[i]);
	}
	for (int i = 0; i < FLOOD; i += 2)
		assert_int_equal(write(pairs[i][1], "abc", 3), 3);
	for (int i = 0; i < FLOOD; i += 2)
		rig_until(&rig, &ops[i].ends, 1);
	for (int i = 1; i < FLOOD; i += 2)
		loop_cancel(rig.loop, &ops[i].op);
	for (int i = 0; i < FLOOD; i++) {
		rig_until(&rig, &ops[i].ends, 1);
		assert_int_equal(ops[i].res, i % 2 ? -ECANCELED : 3);
		loop_sock_close(rig.loop, pairs[i][0]);
		close(pairs[i][1]);
	}
	/* and all of them cancelled before the kernel ever saw them */
	for (int i = 0; i < FLOOD; i++) {
		rig_sock_op(&ops[i], DRV_RECV, pair[0], in, sizeof(in));
		rig_submit(&rig, &ops[i]);
		loop_cancel(rig.loop, &ops[i].op);
	}
	for (int i = 0; i < FLOOD; i++) {
		rig_until(&rig, &ops[i].ends, 1);
		assert_int_equal(ops[i].res, -ECANCELED);
	}
	down();
	free(ops);
	free(pairs);
}
