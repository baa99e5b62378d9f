/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The byte stream over a pair of sockets: whole and in pieces, both ways at
 * once, and its ends.
 */
#include "config.h"

#include "gateway/loop/loop_stream.h"

#include <string.h>
#include <unistd.h>

#include "tests/unit/gateway/loop/rig.h"

const struct drv_ops *rig_driver = &drv_aio;

static struct rig rig;
static int far;
static struct loop_stream stream;
static int n_received, n_sent;
static int64_t came, went;

static void received(struct loop_stream *s, int64_t res)
{
	assert_ptr_equal(s, &stream);
	assert_false(s->receiving); /* another one may begin right here */
	came = res;
	n_received++;
}

static void sent(struct loop_stream *s, int64_t res)
{
	assert_ptr_equal(s, &stream);
	assert_false(s->sending);
	went = res;
	n_sent++;
}

static void up(void)
{
	int pair[2];

	rig_up_pair(&rig, pair);
	far = pair[1];
	n_received = n_sent = 0;
	stream = (struct loop_stream){ .received = received, .sent = sent };
	loop_stream_open(&stream, rig.loop, pair[0]);
	assert_true(loop_stream_idle(&stream));
}

static void down(void)
{
	loop_stream_close(&stream);
	assert_int_equal(stream.sock, -1); /* so that twice is harmless */
	loop_stream_close(&stream);
	if (far >= 0)
		close(far);
	rig_down(&rig);
}

static void whole_waits_for_all(void **state)
{
	char in[8] = "";
	struct iovec iov = { in, 6 };

	up();
	loop_stream_receive(&stream, &iov, 1, true);
	assert_false(loop_stream_idle(&stream));
	assert_int_equal(write(far, "abc", 3), 3);
	rig_for_ms(&rig, 5);
	assert_int_equal(n_received, 0);
	assert_int_equal(write(far, "defgh", 5), 5);
	rig_until(&rig, &n_received, 1);
	assert_int_equal(came, 6);
	assert_memory_equal(in, "abcdef", 6);
	/* and after it what is there; the flag of the last one is forgotten */
	iov = (struct iovec){ in, sizeof(in) };
	loop_stream_receive(&stream, &iov, 1, false);
	rig_until(&rig, &n_received, 2);
	assert_int_equal(came, 2);
	assert_memory_equal(in, "gh", 2);
	down();
}

static void both_ways_at_once(void **state)
{
	char in[4], back[8];
	struct iovec rx = { in, sizeof(in) };
	struct iovec tx[2] = { { (char[]){ 'p', 'i' }, 2 }, { (char[]){ 'n', 'g' }, 2 } };

	up();
	loop_stream_receive(&stream, &rx, 1, true);
	loop_stream_send(&stream, tx, 2);
	assert_int_equal(n_sent, 0); /* never from inside a call */
	rig_until(&rig, &n_sent, 1);
	assert_int_equal(went, 4);
	assert_int_equal(read(far, back, sizeof(back)), 4);
	assert_memory_equal(back, "ping", 4);
	assert_true(stream.receiving);
	assert_int_equal(write(far, "pong", 4), 4);
	rig_until(&rig, &n_received, 1);
	assert_memory_equal(in, "pong", 4);
	assert_true(loop_stream_idle(&stream));
	down();
}

static void the_peer_ends_it(void **state)
{
	char in[4];
	struct iovec iov = { in, sizeof(in) };

	up();
	loop_stream_receive(&stream, &iov, 1, true);
	assert_int_equal(write(far, "x", 1), 1);
	close(far);
	far = -1;
	rig_until(&rig, &n_received, 1);
	assert_int_equal(came, 0);
	iov = (struct iovec){ in, sizeof(in) };
	loop_stream_send(&stream, &iov, 1);
	rig_until(&rig, &n_sent, 1);
	assert_true(went < 0);
	down();
}

static void shut_ends_what_is_under_way(void **state)
{
	static char much[8 << 20]; /* more than any socket buffer */
	char in[4], c;
	struct iovec rx = { in, sizeof(in) }, tx = { much, sizeof(much) };

	up();
	loop_stream_receive(&stream, &rx, 1, true);
	loop_stream_send(&stream, &tx, 1);
	rig_for_ms(&rig, 5);
	assert_int_equal(n_sent, 0);
	loop_stream_shut(&stream);
	loop_stream_shut(&stream);
	rig_until(&rig, &n_received, 1);
	rig_until(&rig, &n_sent, 1);
	assert_true(came <= 0);
	assert_true(went < 0);
	assert_true(loop_stream_idle(&stream));
	while (read(far, much, sizeof(much)) > 0)
		;
	assert_int_equal(read(far, &c, 1), 0);
	down();
}

HARNESS_MAIN(cmocka_unit_test(whole_waits_for_all), cmocka_unit_test(both_ways_at_once),
	     cmocka_unit_test(the_peer_ends_it), cmocka_unit_test(shut_ends_what_is_under_way))
