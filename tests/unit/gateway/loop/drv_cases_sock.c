/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cases for every real driver: sockets, accept, poll, cancel in every state.
 */
#include "config.h"

#include "tests/unit/gateway/loop/drv_cases.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG (3 << 20)

static struct rig rig;
static int pair[2];

static void up(void)
{
	rig_up(&rig);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

static void down(void)
{
	loop_sock_close(rig.loop, pair[0]);
	close(pair[1]);
	rig_down(&rig);
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

/* ---- cancel ------------------------------------------------------------- */

void cancel_waiting_recv(void **state)
{
	struct rig_op op, next;
	char in[10];

	(void)state;
	up();
	for (int wait = 0; wait < 2; wait++) {
		rig_sock_op(&op, DRV_RECV, pair[0], in, sizeof(in));
		rig_submit(&rig, &op);
		if (wait)
			rig_for_ms(&rig, 2); /* with the kernel; or not even there */
		loop_cancel(rig.loop, &op.op);
		loop_cancel(rig.loop, &op.op);
		assert_int_equal(op.ends, 0);
		rig_until(&rig, &op.ends, 1);
		assert_int_equal(op.res, -ECANCELED);
		rig_for_ms(&rig, 2);
		assert_int_equal(op.ends, 1);
	}
	/* nothing was eaten */
	assert_int_equal(write(pair[1], "xy", 2), 2);
	rig_sock_op(&next, DRV_RECV, pair[0], in, sizeof(in));
	assert_int_equal(rig_run(&rig, &next), 2);
	down();
}

/* Its own result, where that came first; the bytes are never lost. */
void cancel_recv_with_data(void **state)
{
	struct rig_op op;
	char in[10];

	(void)state;
	up();
	for (int i = 0; i < 200; i++) {
		rig_sock_op(&op, DRV_RECV, pair[0], in, sizeof(in));
		rig_submit(&rig, &op);
		if (i % 2)
			loop_turn(rig.loop, (struct instant){ 0 });
		assert_int_equal(write(pair[1], "abc", 3), 3);
		if (!op.ends)
			loop_cancel(rig.loop, &op.op);
		rig_until(&rig, &op.ends, 1);
		if (op.res == -ECANCELED) {
			rig_sock_op(&op, DRV_RECV, pair[0], in, sizeof(in));
			rig_run(&rig, &op);
		}
		assert_int_equal(op.res, 3);
		assert_int_equal(op.ends, 1);
	}
	down();
}

void cancel_part_of_all(void **state)
{
	struct rig_op op;
	char in[10];

	(void)state;
	up();
	rig_sock_op(&op, DRV_RECV, pair[0], in, sizeof(in));
	op.op.flags = DRV_ALL;
	rig_submit(&rig, &op);
	assert_int_equal(write(pair[1], "abc", 3), 3);
	rig_for_ms(&rig, 2);
	loop_cancel(rig.loop, &op.op);
	rig_until(&rig, &op.ends, 1);
	assert_int_equal(op.res, -ECANCELED);
	down();
}

void cancel_idle(void **state)
{
	struct rig_op op;
	char in[10];

	(void)state;
	up();
	rig_sock_op(&op, DRV_RECV, pair[0], in, sizeof(in));
	loop_cancel(rig.loop, &op.op);
	assert_int_equal(write(pair[1], "abc", 3), 3);
	assert_int_equal(rig_run(&rig, &op), 3);
	loop_cancel(rig.loop, &op.op);
	rig_for_ms(&rig, 2);
	assert_int_equal(op.ends, 1);
	down();
}

static struct drv_op *to_cancel;
static int cancelled_ends;

static void cancels_another(struct drv_op *op, int64_t res)
{
	(void)op;
	(void)res;
	cancelled_ends++;
	loop_cancel(rig.loop, to_cancel);
}

void cancel_from_done(void **state)
{
	struct rig_op victim;
	struct rig_op op;
	char in[10];

	(void)state;
	up();
	rig_sock_op(&victim, DRV_RECV, pair[0], in, sizeof(in));
	rig_submit(&rig, &victim);
	to_cancel = &victim.op;
	cancelled_ends = 0;
	rig_sock_op(&op, DRV_SEND, pair[0], "x", 1);
	op.op.iov = op.iov;
	op.op.done = cancels_another;
	loop_submit(rig.loop, &op.op);
	rig_until(&rig, &cancelled_ends, 1);
	rig_until(&rig, &victim.ends, 1);
	assert_int_equal(victim.res, -ECANCELED);
	down();
}

/* ---- accept ------------------------------------------------------------- */

static int listen_on(const char *text, struct loop_addr *addr)
{
	struct gw_err err = GW_ERR_NONE;
	int sock = -1;

	assert_int_equal(loop_addr_parse(text, addr, &err), 0);
	if (loop_listen(rig.loop, addr, &sock, &err))
		fail_msg("%s", err.text);
	assert_int_not_equal(addr->port, 0);
	return sock;
}

static int connect_to(const struct loop_addr *addr)
{
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint8_t name[16] = { 0 };

	/* sockaddr_in by hand: family, port and address */
	name[0] = AF_INET;
	name[2] = (uint8_t)(addr->port >> 8);
	name[3] = (uint8_t)addr->port;
	memcpy(name + 4, addr->ip, 4);
	assert_int_equal(connect(sock, (void *)name, sizeof(name)), 0);
	return sock;
}

#define MANY 100

static int accepted[MANY], accepted_count, accept_ended;

static void take(struct drv_op *op, int64_t res)
{
	(void)op;
	if (res >= 0)
		accepted[accepted_count++] = (int)res;
	else
		accept_ended++;
}

static void use_accepted(int sock, int client)
{
	struct loop_peer peer;
	struct rig_op io;
	char in[10];

	loop_sock_tune(rig.loop, sock);
	assert_int_equal(loop_sock_peer(rig.loop, sock, &peer), 0);
	assert_int_equal(peer.addr.family, LOOP_ADDR_INET);
	assert_int_equal(peer.uid, UINT32_MAX);
	assert_int_equal(write(client, "hello", 5), 5);
	rig_sock_op(&io, DRV_RECV, sock, in, sizeof(in));
	io.op.flags = DRV_ALL;
	io.iov[0].iov_len = 5;
	assert_int_equal(rig_run(&rig, &io), 5);
	loop_sock_close(rig.loop, sock);
	close(client);
}

void accepts_many(void **state)
{
	struct drv_op op = { .kind = DRV_ACCEPT, .done = take };
	struct loop_addr addr;
	int client[MANY];

	(void)state;
	up();
	accepted_count = accept_ended = 0;
	op.sock = listen_on("127.0.0.1:0", &addr);
	loop_submit(rig.loop, &op);
	for (int i = 0; i < MANY; i++)
		client[i] = connect_to(&addr);
	rig_until(&rig, &accepted_count, MANY);
	for (int i = 0; i < MANY; i++)
		use_accepted(accepted[i], client[i]);
	loop_cancel(rig.loop, &op);
	rig_until(&rig, &accept_ended, 1);
	loop_sock_close(rig.loop, op.sock);
	down();
}

void cancel_accept(void **state)
{
	struct loop_addr addr;
	struct rig_op op = { 0 };
	int client;

	(void)state;
	up();
	for (int i = 0; i < 3; i++) {
		op = (struct rig_op){ .op = { .kind = DRV_ACCEPT } };
		op.op.sock = listen_on("127.0.0.1:0", &addr);
		rig_submit(&rig, &op);
		if (i)
			rig_for_ms(&rig, 2);
		if (i == 2) {
			client = connect_to(&addr);
			rig_until(&rig, &op.ends, 1);
			assert_true(op.res >= 0);
			loop_sock_close(rig.loop, (int)op.res);
			close(client);
			op.ends = 0;
		}
		loop_cancel(rig.loop, &op.op);
		rig_until(&rig, &op.ends, 1);
		assert_int_equal(op.res, -ECANCELED);
		rig_for_ms(&rig, 2);
		assert_int_equal(op.ends, 1);
		loop_sock_close(rig.loop, op.op.sock);
	}
	down();
}

void accept_fails(void **state)
{
	struct rig_op op = { 0 };

	(void)state;
	up();
	op.op = (struct drv_op){ .kind = DRV_ACCEPT, .sock = pair[0] };
	rig_submit(&rig, &op); /* does not listen */
	rig_until(&rig, &op.ends, 1);
	assert_true(op.res < 0 && op.res != -ECANCELED);
	rig_for_ms(&rig, 2);
	assert_int_equal(op.ends, 1);
	down();
}

/* ---- poll --------------------------------------------------------------- */

void polls(void **state)
{
	struct rig_op op = { 0 };
	int pipes[2];
	char in[10];

	(void)state;
	up();
	assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	op.op = (struct drv_op){ .kind = DRV_POLL, .sock = pipes[0], .events = DRV_POLL_IN };
	rig_submit(&rig, &op);
	rig_for_ms(&rig, 2);
	assert_int_equal(op.ends, 0);
	for (int i = 1; i <= 5; i++) {
		assert_int_equal(write(pipes[1], "x", 1), 1);
		rig_until(&rig, &op.ends, i);
		assert_true(op.res > 0 && op.res & DRV_POLL_IN);
		assert_int_equal(read(pipes[0], in, sizeof(in)), 1);
	}
	close(pipes[1]);
	rig_until(&rig, &op.ends, 6);
	assert_true(op.res > 0 && op.res & POLLHUP);
	op.ends = 0;
	loop_cancel(rig.loop, &op.op);
	rig_until(&rig, &op.ends, 1);
	assert_int_equal(op.res, -ECANCELED);
	close(pipes[0]);
	down();
}

void cancel_poll(void **state)
{
	struct rig_op op = { 0 };

	(void)state;
	up();
	for (int i = 0; i < 2; i++) {
		op = (struct rig_op){ .op = { .kind = DRV_POLL, .sock = pair[0] } };
		op.op.events = DRV_POLL_IN;
		rig_submit(&rig, &op);
		if (i)
			rig_for_ms(&rig, 2);
		loop_cancel(rig.loop, &op.op);
		rig_until(&rig, &op.ends, 1);
		assert_int_equal(op.res, -ECANCELED);
		rig_for_ms(&rig, 2);
		assert_int_equal(op.ends, 1);
	}
	/* armed for writing it is told at once */
	op = (struct rig_op){ .op = { .kind = DRV_POLL, .sock = pair[0] } };
	op.op.events = DRV_POLL_OUT;
	rig_submit(&rig, &op);
	rig_until(&rig, &op.ends, 1);
	assert_true(op.res & DRV_POLL_OUT);
	op.ends = 0;
	loop_cancel(rig.loop, &op.op);
	rig_until(&rig, &op.ends, 1);
	down();
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
