/* SPDX-License-Identifier: BSD-3-Clause
 *
 * share_test.c - a peer that asks for much at once gets its answers in shares, one
 * entry into the kernel each; who asks for little, or once, waits for none.
 */
#include "config.h"

#include "gateway/api/share.h"

#include "gateway/loop/loop_set.h"
#include "tests/harness/harness.h"
#include "tests/unit/gateway/core/drv_hand.h"

#define SENDS_MAX 16

/* A connection without a wire: what came, what is asked and not done, what is done
 * and not sent. */
static struct toy {
	struct loop *loop;
	struct gw_share share;
	struct loop_task task, done_task;
	unsigned came, asked, done;
	uint32_t bytes; /* of each request */
	bool late; /* none is done before it is let() */
	bool armed; /* receiving */
	unsigned turns, sends, sent[SENDS_MAX], sent_at[SENDS_MAX];
} toy;

static void end_asked(struct loop_task *task)
{
	(void)task;
	toy.done += toy.asked;
	toy.asked = 0;
	loop_defer(toy.loop, &toy.task);
}

static void run(void)
{
	while (toy.came && !gw_share_holds(&toy.share)) {
		toy.came--;
		toy.asked++;
		gw_share_add(&toy.share, toy.bytes);
		if (!toy.late)
			loop_defer(toy.loop, &toy.done_task);
	}
}

static void turn(struct loop_task *task)
{
	bool was_held = toy.share.held;

	run();
	if (toy.done) {
		assert_true(toy.sends < SENDS_MAX);
		toy.sent[toy.sends] = toy.done;
		toy.sent_at[toy.sends++] = toy.turns;
		toy.done = 0;
	}
	if (!gw_share_end(&toy.share, was_held, toy.loop, task))
		toy.armed = true;
}

/* In the order of a front end: what is parsed at once, then the turn's task. */
static void receive(unsigned n, uint32_t bytes)
{
	toy.armed = false;
	toy.came += n;
	toy.bytes = bytes;
	run();
	loop_defer(toy.loop, &toy.task);
}

static void turns(unsigned n)
{
	while (n--) {
		loop_turn(toy.loop, (struct instant){ 0 });
		toy.turns++;
	}
}

static struct loop_set *up(void)
{
	struct loop_set *set = NULL;
	struct gw_err err = GW_ERR_NONE;

	drv_hand_reset(1);
	assert_int_equal(loop_set_create(1, &drv_hand, &set, &err), 0);
	drv_hand_at(0);
	toy = (struct toy){ .loop = loop_set_get(set, 0) };
	toy.task.run = turn;
	toy.done_task.run = end_asked;
	return set;
}

static void down(struct loop_set *set)
{
	turns(1);
	drv_hand_at(HAND_NOBODY);
	loop_set_destroy(&set);
}

static void much_leaves_in_shares(void **state)
{
	struct loop_set *set = up();

	(void)state;
	receive(40, 4096);
	turns(1);
	assert_int_equal(toy.sends, 1);
	assert_int_equal(toy.sent[0], 16);
	assert_false(toy.armed);
	turns(1);
	assert_int_equal(toy.sends, 2);
	assert_int_equal(toy.sent[1], 16);
	assert_false(toy.armed);
	turns(1);
	assert_int_equal(toy.sends, 3);
	assert_int_equal(toy.sent[2], 8);
	assert_true(toy.armed);
	down(set);
}

static void little_waits_for_none(void **state)
{
	static const struct {
		unsigned n;
		uint32_t bytes;
	} few[] = { { 1, 4096 }, { 15, 4096 }, { 16, 4096 }, { 1, 1 << 20 }, { 100, 0 } };

	(void)state;
	for (unsigned i = 0; i < sizeof(few) / sizeof(few[0]); i++) {
		struct loop_set *set = up();

		for (unsigned again = 0; again < 3; again++) {
			receive(few[i].n, few[i].bytes);
			turns(1);
			assert_int_equal(toy.sends, again + 1);
			assert_int_equal(toy.sent[again], few[i].n);
			assert_true(toy.armed);
		}
		down(set);
	}
}

static void large_ones_leave_alone(void **state)
{
	struct loop_set *set = up();

	(void)state;
	receive(3, 256 << 10);
	turns(3);
	assert_int_equal(toy.sends, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(toy.sent[i], 1);
		assert_int_equal(toy.sent_at[i], i);
	}
	assert_true(toy.armed);
	down(set);
}

/* What is not ready holds nobody up: a share a turn, and then it is received again. */
static void answers_that_come_late(void **state)
{
	struct loop_set *set = up();

	(void)state;
	toy.late = true;
	receive(64, 4096);
	turns(8);
	assert_int_equal(toy.asked, 64);
	assert_int_equal(toy.sends, 0);
	assert_true(toy.armed);
	loop_defer(toy.loop, &toy.done_task);
	turns(1);
	assert_int_equal(toy.sends, 1);
	assert_int_equal(toy.sent[0], 64);
	down(set);
}

HARNESS_MAIN(cmocka_unit_test(much_leaves_in_shares), cmocka_unit_test(little_waits_for_none),
	     cmocka_unit_test(large_ones_leave_alone), cmocka_unit_test(answers_that_come_late))
