/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cases for every real driver: the turn, timers, tasks, mail, several loops.
 */
#include "config.h"

#include "tests/unit/gateway/loop/drv_cases.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "gateway/loop/drv.h"

static struct rig rig;

/* ---- timers ------------------------------------------------------------- */

static struct timed {
	struct loop_timer timer;
	struct instant fired;
	int times;
} timed[50];
static int timers_fired;

static void fire(struct loop_timer *timer)
{
	struct timed *t = (struct timed *)timer;

	assert_false(loop_timer_armed(timer));
	t->fired = loop_clock(rig.loop);
	assert_false(instant_before(loop_now(rig.loop), timer->due));
	t->times++;
	timers_fired++;
}

void timers_fire(void **state)
{
	struct instant start;

	(void)state;
	rig_up(&rig);
	timers_fired = 0;
	start = loop_clock(rig.loop);
	for (int i = 0; i < 50; i++) {
		timed[i] = (struct timed){ 0 };
		loop_timer_init(&timed[i].timer, fire);
		loop_timer_arm(rig.loop, &timed[i].timer, instant_add(start, span_us(i * 700)));
	}
	loop_timer_disarm(rig.loop, &timed[7].timer);
	loop_timer_disarm(rig.loop, &timed[7].timer);
	loop_timer_arm(rig.loop, &timed[8].timer, instant_add(start, span_ms(60)));
	rig_until(&rig, &timers_fired, 49);
	for (int i = 0; i < 50; i++) {
		struct span late = instant_since(timed[i].fired, start);

		assert_int_equal(timed[i].times, i == 7 ? 0 : 1);
		assert_true(i == 7 || late.ns >= (i == 8 ? 60000000 : i * 700000));
	}
	assert_true(instant_is_never(loop_next_timer(rig.loop)));
	rig_down(&rig);
}

/* ---- tasks -------------------------------------------------------------- */

static struct loop_task tasks[20];
static int tasks_ran, rounds_left;

static void run_task(struct loop_task *task)
{
	tasks_ran++;
	if (rounds_left > 0) {
		rounds_left--;
		loop_defer(rig.loop, task);
		loop_defer(rig.loop, task);
	}
	if (task == &tasks[3])
		loop_defer_cancel(rig.loop, &tasks[4]);
}

void tasks_run(void **state)
{
	(void)state;
	rig_up(&rig);
	tasks_ran = rounds_left = 0;
	for (int i = 0; i < 20; i++) {
		tasks[i] = (struct loop_task){ .run = run_task };
		loop_defer(rig.loop, &tasks[i]);
		loop_defer(rig.loop, &tasks[i]);
	}
	loop_defer_cancel(rig.loop, &tasks[0]);
	loop_defer_cancel(rig.loop, &tasks[0]);
	loop_defer_cancel(rig.loop, &tasks[19]);
	loop_turn(rig.loop, INSTANT_NEVER);
	assert_int_equal(tasks_ran, 17); /* 0 and 19 were taken out, 4 by 3 */
	loop_turn(rig.loop, (struct instant){ 0 });
	assert_int_equal(tasks_ran, 17);
	rig_down(&rig);
}

void task_rounds(void **state)
{
	(void)state;
	rig_up(&rig);
	tasks_ran = 0;
	rounds_left = 100;
	tasks[0] = (struct loop_task){ .run = run_task };
	loop_defer(rig.loop, &tasks[0]);
	loop_turn(rig.loop, INSTANT_NEVER);
	assert_int_equal(tasks_ran, 8); /* the rest in the next turns */
	rig_until(&rig, &tasks_ran, 101);
	rig_down(&rig);
}

static void run_and_yield(struct loop_task *task)
{
	(void)task;
	tasks_ran++;
	loop_yield(rig.loop);
	loop_defer(rig.loop, &tasks[1]);
}

void yields(void **state)
{
	(void)state;
	rig_up(&rig);
	tasks_ran = rounds_left = 0;
	tasks[0] = (struct loop_task){ .run = run_and_yield };
	tasks[1] = tasks[2] = (struct loop_task){ .run = run_task };
	loop_defer(rig.loop, &tasks[0]);
	loop_defer(rig.loop, &tasks[2]); /* was there before */
	loop_turn(rig.loop, INSTANT_NEVER);
	assert_int_equal(tasks_ran, 2);
	loop_turn(rig.loop, INSTANT_NEVER); /* and does not sleep */
	assert_int_equal(tasks_ran, 3);
	rig_down(&rig);
}

/* ---- mail --------------------------------------------------------------- */

struct counted {
	struct loop_mail mail;
	int number;
};

static int mails_read, mail_next;

static void read_mail(struct loop_mail *mail)
{
	assert_int_equal(((struct counted *)mail)->number, mail_next++);
	mails_read++;
}

void mail_to_myself(void **state)
{
	struct counted mails[10];

	(void)state;
	rig_up(&rig);
	mails_read = mail_next = 0;
	for (int i = 0; i < 10; i++) {
		mails[i] = (struct counted){ .mail = { .run = read_mail }, .number = i };
		loop_post(rig.loop, &mails[i].mail);
	}
	loop_turn(rig.loop, INSTANT_NEVER);
	assert_int_equal(mails_read, 10);
	rig_down(&rig);
}

static void *poster(void *arg)
{
	struct counted *mails = arg;

	for (int i = 0; i < 200; i++) {
		if (i % 10 == 0)
			usleep(500);
		loop_post(rig.loop, &mails[i].mail);
	}
	return NULL;
}

/* A sleeping loop hears each letter at once. */
void wakes_up(void **state)
{
	static struct counted mails[200];
	pthread_t thread;

	(void)state;
	rig_up(&rig);
	mails_read = mail_next = 0;
	loop_turn(rig.loop, (struct instant){ 0 });
	for (int i = 0; i < 200; i++)
		mails[i] = (struct counted){ .mail = { .run = read_mail }, .number = i };
	pthread_create(&thread, NULL, poster, mails);
	rig_until(&rig, &mails_read, 200);
	pthread_join(thread, NULL);
	rig_down(&rig);
}

/* ---- several loops ------------------------------------------------------- */

#define LOOPS 4
#define HOPS 20000
#define BALLS 8

static struct loop_set *set;
static atomic_int balls_done;

struct ball {
	struct loop_mail mail;
	int hops;
};

/* From loop to loop, a different way for each, until it has had enough. */
static void hop(struct loop_mail *mail)
{
	struct ball *ball = (struct ball *)mail;
	int n = ball->hops++;

	if (n == HOPS) {
		if (atomic_fetch_add(&balls_done, 1) == BALLS - 1)
			loop_set_stop(set);
		return;
	}
	loop_post(loop_set_get(set, (unsigned)(n * 7 + n / 5) % LOOPS), mail);
}

void mail_between_loops(void **state)
{
	struct ball balls[BALLS];
	struct gw_err err = GW_ERR_NONE;

	(void)state;
	atomic_store(&balls_done, 0);
	assert_int_equal(loop_set_create(LOOPS, rig_driver, &set, &err), 0);
	assert_int_equal(loop_set_count(set), LOOPS);
	assert_string_equal(loop_set_driver(set), rig_driver->name);
	for (int i = 0; i < BALLS; i++) {
		balls[i] = (struct ball){ .mail = { .run = hop } };
		loop_post(loop_set_get(set, (unsigned)i % LOOPS), &balls[i].mail);
	}
	assert_int_equal(loop_set_start(set, &err), 0);
	loop_set_run(set);
	assert_int_equal(atomic_load(&balls_done), BALLS);
	loop_set_destroy(&set);
}

static atomic_int home_said;

static void ask_home(struct loop_mail *mail)
{
	(void)mail;
	for (unsigned i = 0; i < 2; i++)
		if (loop_is_home(loop_set_get(set, i)))
			atomic_fetch_add(&home_said, i ? 10 : 1);
	loop_set_stop(set);
}

void is_at_home(void **state)
{
	struct loop_mail mail = { .run = ask_home };

	(void)state;
	atomic_store(&home_said, 0);
	assert_int_equal(loop_set_create(2, rig_driver, &set, NULL), 0);
	assert_int_equal(loop_index(loop_set_get(set, 1)), 1);
	assert_ptr_equal(loop_owner(loop_set_get(set, 1)), set);
	loop_turn(loop_set_get(set, 0), (struct instant){ 0 });
	assert_true(loop_is_home(loop_set_get(set, 0)));
	assert_int_equal(loop_set_start(set, NULL), 0);
	loop_post(loop_set_get(set, 1), &mail);
	loop_set_run(set);
	assert_int_equal(atomic_load(&home_said), 10);
	assert_true(loop_is_home(loop_set_get(set, 1))); /* its thread is gone */
	loop_set_destroy(&set);
}

void chooses_the_idle(void **state)
{
	(void)state;
	assert_int_equal(loop_set_create(3, rig_driver, &set, NULL), 0);
	for (unsigned i = 0; i < 9; i++) {
		struct loop *loop = loop_set_choose(set);

		assert_int_equal(loop_index(loop), i % 3);
		loop_set_load(loop, 1);
	}
	loop_set_load(loop_set_get(set, 1), -1);
	assert_int_equal(loop_index(loop_set_choose(set)), 1);
	loop_set_destroy(&set);
}

/* ---- turns -------------------------------------------------------------- */

void idle_sleeps(void **state)
{
	uint64_t turns, slow, before;

	(void)state;
	rig_up(&rig);
	loop_turn(rig.loop, (struct instant){ 0 });
	loop_counts(rig.loop, &before, &slow);
	rig_for_ms(&rig, 300);
	loop_counts(rig.loop, &turns, &slow);
	assert_in_range(turns - before, 1, 3);
	assert_int_equal(slow, 0); /* to sleep is not to be slow */
	rig_down(&rig);
}

static void takes_no_time(struct loop_task *task)
{
	(void)task;
}

/* What had work looks for more, and sleeps when there has been none for so long. */
void looks_before_it_sleeps(void **state)
{
	const struct span poll = span_ms(100), sleep = span_ms(500);
	struct loop_task task = { .run = takes_no_time };
	struct instant start, before, after;
	unsigned looks = 0;

	(void)state;
	rig_up(&rig);
	loop_set_busy_poll(rig.set, poll);
	loop_defer(rig.loop, &task);
	loop_turn(rig.loop, INSTANT_NEVER);
	start = loop_clock(rig.loop);
	do {
		before = loop_clock(rig.loop);
		loop_turn(rig.loop, instant_add(before, sleep));
		after = loop_clock(rig.loop);
		looks++;
	} while (span_less(instant_since(after, before), span_ms(400)));
	assert_in_range(looks, 3, UINT32_MAX); /* others have the processor in between */
	assert_in_range(span_to_ms(instant_since(before, start)), 95, 450);
	rig_down(&rig);
}

static void takes_long(struct loop_task *task)
{
	(void)task;
	usleep(15000);
}

void slow_turns(void **state)
{
	struct loop_task task = { .run = takes_long };
	uint64_t turns, slow;

	(void)state;
	rig_up(&rig);
	loop_defer(rig.loop, &task);
	loop_turn(rig.loop, INSTANT_NEVER);
	loop_turn(rig.loop, (struct instant){ 0 });
	loop_counts(rig.loop, &turns, &slow);
	assert_int_equal(turns, 2);
	assert_int_equal(slow, 1);
	rig_down(&rig);
}

void random_and_clock(void **state)
{
	uint8_t a[64] = { 0 }, b[64] = { 0 };
	struct instant now;

	(void)state;
	rig_up(&rig);
	now = loop_now(rig.loop);
	loop_random(rig.loop, a, sizeof(a));
	loop_random(rig.loop, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_true(loop_wall_ns(rig.loop) > 1600000000LL * 1000000000);
	assert_false(instant_before(loop_clock(rig.loop), now));
	rig_down(&rig);
}
