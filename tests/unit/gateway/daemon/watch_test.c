/* SPDX-License-Identifier: BSD-3-Clause
 *
 * watch_test.c - a loop that stands still is told, once, by its number; and that it
 * turns again.  Loops turned by hand: one of them is left out.
 */
#include "config.h"

#include "gateway/daemon/watch.h"

#include <string.h>

#include "gateway/base/log.h"
#include "tests/unit/gateway/core/core_rig.h"

#define LOOPS 3
#define NOBODY LOOPS

static struct rig rig;
static struct watch watch;
static char said[512];
static unsigned lines, stops;

static void keep_log(void *arg, enum log_level level, enum log_area area, const char *text)
{
	snprintf(said, sizeof(said), "%s", text);
	lines++;
}

static void stopped(void *arg)
{
	stops++;
}

static int begin(void **state)
{
	rig_begin(&rig, LOOPS, 1, NULL);
	log_set_sink(keep_log, NULL);
	lines = stops = 0;
	watch_init(&watch, rig.gw);
	watch_start(&watch);
	return 0;
}

static int end(void **state)
{
	rig_end(&rig);
	return 0;
}

/* Seconds go by; one loop does not turn. */
static void pass_without(unsigned stuck, unsigned s)
{
	for (unsigned tenth = 0; tenth < 10 * s; tenth++) {
		drv_hand_set_now(drv_hand_now() + 100000000);
		for (unsigned round = 0; round < 8; round++)
			for (unsigned i = 0; i < LOOPS; i++)
				if (i != stuck) {
					drv_hand_at(i);
					loop_turn(rig_loop(&rig, i), (struct instant){ 0 });
				}
	}
	drv_hand_at(0);
}

static void all_is_well(void **state)
{
	pass_without(NOBODY, 10 * WATCH_S);
	assert_int_equal(lines, 0);
	watch_stop(&watch, stopped, NULL);
	assert_int_equal(stops, 0);
	pass_without(NOBODY, 1);
	assert_int_equal(stops, 1);
	pass_without(NOBODY, 10 * WATCH_S);
	assert_true(loop_next_timer(rig_loop(&rig, 0)).ns > drv_hand_now()); /* no more rounds */
}

static void one_stands_still(void **state)
{
	pass_without(NOBODY, 2 * WATCH_S);
	pass_without(2, 3 * WATCH_S);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(said, "loop 2 has not turned"));
	pass_without(NOBODY, 1);
	assert_int_equal(lines, 2);
	assert_non_null(strstr(said, "turn again"));
	pass_without(1, 3 * WATCH_S);
	assert_int_equal(lines, 3);
	assert_non_null(strstr(said, "loop 1 has not turned"));
	pass_without(NOBODY, 1);
	watch_stop(&watch, stopped, NULL);
	pass_without(NOBODY, 1);
	assert_int_equal(stops, 1);
}

/* The end does not wait for ever for one that stands still, and not less than for
 * one that is slow. */
static void stopped_while_one_stands_still(void **state)
{
	pass_without(1, WATCH_S + 1); /* a round is under way */
	watch_stop(&watch, stopped, NULL);
	pass_without(1, WATCH_S - 2);
	assert_int_equal(stops, 0);
	pass_without(1, 2);
	assert_int_equal(stops, 1);
	assert_true(watch.stuck);
	pass_without(NOBODY, 1);
	assert_int_equal(stops, 1);
	assert_false(watch.out);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
HARNESS_MAIN(CASE(all_is_well), CASE(one_stands_still), CASE(stopped_while_one_stands_still))
