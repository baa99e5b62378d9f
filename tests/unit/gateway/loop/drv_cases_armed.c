/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cases for every real driver: accept, poll, and cancel in every state.
 */
#include "config.h"

#include "tests/unit/gateway/loop/drv_cases.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
