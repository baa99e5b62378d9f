/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of tests/sim/sim_model.c: each case is a short history, and says which
 * content is allowed at its end and which is a finding.
 */
#include "config.h"

#include "tests/sim/sim_model.h"

#include <string.h>

#include "tests/harness/harness.h"

static struct sim_world *w;
static struct sim_model *m;
static uint8_t buf[4 * SIM_MODEL_SECTOR];

static int setup(void **state)
{
	w = sim_world_new(1);
	m = sim_model_new(w, 64);
	return 0;
}

static int teardown(void **state)
{
	sim_model_free(&m);
	sim_world_free(&w);
	return 0;
}

static uint32_t put(bool fua)
{
	return sim_model_write(m, 7, 1, SIM_DATA, 10, 1, fua);
}

/* Would a read that starts now be right to return this write (0: zeroes)? */
static bool sees(uint32_t write)
{
	uint64_t stamp = sim_model_read(m);
	bool ok;

	memset(buf, 0, SIM_MODEL_SECTOR);
	if (write)
		sim_model_fill(m, write, buf);
	ok = sim_model_read_done(m, stamp, 1, 10, 1, buf);
	w->failed = false;
	return ok;
}

static uint32_t on_disk;
static void peek(void *arg, uint64_t first, uint32_t count, uint8_t *out)
{
	memset(out, 0, count * SIM_MODEL_SECTOR);
	if (on_disk && first <= 10 && first + count > 10)
		sim_model_fill(m, on_disk, out + (10 - first) * SIM_MODEL_SECTOR);
}

static bool survives(uint32_t write)
{
	bool ok;

	on_disk = write;
	ok = sim_model_power_cut(m, peek, NULL);
	w->failed = false;
	return ok;
}

static void flush(void)
{
	sim_model_flushed(m, sim_model_flush(m));
}

static void zeroes_before_the_first_write(void **state)
{
	assert_true(sees(0));
}

static void in_flight_both_are_right(void **state)
{
	uint32_t a = put(false);

	assert_true(sees(0));
	assert_true(sees(a));
	assert_false(sees(0)); /* what was seen cannot go back */
}

static void acknowledged_only_it(void **state)
{
	uint32_t a = put(false), b;

	sim_model_acked(m, a);
	assert_false(sees(0));
	assert_true(sees(a));
	b = put(false);
	sim_model_acked(m, b);
	assert_false(sees(a));
	assert_true(sees(b));
}

static void concurrent_either_but_then_it_stays(void **state)
{
	uint32_t a = put(false), b = put(false);

	sim_model_acked(m, b);
	sim_model_acked(m, a);
	assert_true(sees(a));
	assert_false(sees(b));
}

static void a_read_in_flight_may_see_the_old(void **state)
{
	uint32_t a = put(false), b;
	uint64_t stamp;

	sim_model_acked(m, a);
	stamp = sim_model_read(m);
	b = put(false);
	sim_model_acked(m, b);
	sim_model_fill(m, a, buf);
	assert_true(sim_model_read_done(m, stamp, 1, 10, 1, buf));
	assert_true(sees(b));
}

static void a_lost_write_lands_or_not_but_never_after_a_newer(void **state)
{
	uint32_t a = put(false), b;

	sim_model_lost(m, a);
	sim_model_ended(m, a);
	assert_true(sees(0));
	assert_true(sees(a));
	b = put(false);
	sim_model_acked(m, b);
	assert_true(sees(b));
	assert_false(sees(a));
}

static void undecided_it_may_overtake(void **state)
{
	uint32_t a = put(false), b;

	sim_model_lost(m, a);
	b = put(false);
	sim_model_acked(m, b);
	assert_true(sees(b));
	sim_model_ended(m, a);
	assert_true(sees(a));
}

static void decided_it_loses_to_a_new_connection(void **state)
{
	uint32_t a = put(false), b;

	sim_model_lost(m, a);
	sim_model_decided(m, a);
	b = put(false); /* on a connection that was there before */
	sim_model_acked(m, b);
	assert_true(sees(a));
	b = sim_model_write(m, 7, sim_model_now(m), SIM_DATA, 10, 1, false);
	sim_model_acked(m, b);
	assert_false(sees(a));
	assert_true(sees(b));
}

static void a_failed_write_is_anything(void **state)
{
	uint32_t a = put(false);

	sim_model_failed(m, a, 5);
	assert_true(sees(0));
	assert_true(sees(a));
}

static void bytes_of_nobody(void **state)
{
	uint64_t stamp = sim_model_read(m);
	uint32_t a = put(false);

	sim_model_fill(m, a, buf);
	buf[100] ^= 1;
	assert_false(sim_model_read_done(m, stamp, 1, 10, 1, buf));
	w->failed = false;
	stamp = sim_model_read(m);
	sim_model_fill(m, a, buf);
	assert_false(sim_model_read_done(m, stamp, 1, 11, 1, buf)); /* misplaced */
}

static void zeroes_after_zero(void **state)
{
	uint32_t a = put(false), z;

	sim_model_acked(m, a);
	z = sim_model_write(m, 7, 1, SIM_ZERO, 8, 4, false);
	sim_model_acked(m, z);
	assert_true(sees(0));
	assert_false(sees(a));
}

static void unflushed_may_be_lost(void **state)
{
	uint32_t a = put(false);

	sim_model_acked(m, a);
	assert_true(survives(0));
	assert_int_equal(w->cover[SIM_COVER_LOST_WRITE], 1);
	assert_true(sees(0));
	assert_false(sees(a));
}

static void flushed_may_not(void **state)
{
	uint32_t a = put(false), b;

	sim_model_acked(m, a);
	flush();
	b = put(false);
	assert_true(survives(b)); /* in flight at the cut: it may be there */
	assert_true(sees(b));
	sim_model_acked(m, put(false));
	flush();
	assert_false(survives(b));
}

static void fua_may_not(void **state)
{
	uint32_t a = put(true);

	sim_model_acked(m, a);
	assert_false(survives(0));
}

static void a_flush_covers_what_was_acknowledged_before_it_was_sent(void **state)
{
	uint32_t a = put(false);
	uint64_t stamp = sim_model_flush(m);

	sim_model_acked(m, a);
	sim_model_flushed(m, stamp);
	assert_true(survives(0));
}

static void superseded_and_flushed_never_comes_back(void **state)
{
	uint32_t a = put(false), b;

	sim_model_acked(m, a);
	b = put(false);
	sim_model_acked(m, b);
	flush();
	assert_false(survives(a));
}

static void superseded_and_not_flushed_may(void **state)
{
	uint32_t a = put(false);

	sim_model_acked(m, a);
	sim_model_acked(m, put(false));
	assert_true(survives(a));
}

static void after_a_failed_sync_the_old_may_show(void **state)
{
	uint32_t a = put(true), b;

	sim_model_acked(m, a);
	b = put(false);
	sim_model_acked(m, b);
	assert_false(sees(a));
	sim_model_disturbed(m, 10, 1);
	assert_true(sees(a));
	assert_false(sees(0));
}

/* A COMPARE AND WRITE that is to find this write (0: zeroes), and how it ends. */
static uint32_t caw;
static uint64_t caw_stamp;

static void begin_caw(void)
{
	caw_stamp = sim_model_read(m);
	caw = put(false);
}

static void show(uint32_t write)
{
	memset(buf, 0, SIM_MODEL_SECTOR);
	if (write)
		sim_model_fill(m, write, buf);
}

static bool wins_over(uint32_t write)
{
	show(write);
	sim_model_caw_won(m, caw, caw_stamp, buf);
	sim_model_acked(m, caw);
	sim_model_read_over(m, caw_stamp);
	return !w->failed;
}

static bool loses_against(uint32_t write)
{
	show(write);
	sim_model_caw_lost(m, caw, caw_stamp, buf);
	sim_model_read_over(m, caw_stamp);
	return !w->failed;
}

static void a_caw_finds_what_is_there(void **state)
{
	uint32_t a = put(false);

	sim_model_acked(m, a);
	begin_caw();
	assert_true(wins_over(a));
	assert_true(sees(caw));
	assert_false(sees(a));
}

static void a_caw_cannot_find_what_was_there(void **state)
{
	sim_model_acked(m, put(false));
	begin_caw();
	assert_false(wins_over(0));
}

static void of_two_caws_one_wins(void **state)
{
	uint32_t a = put(false), other;
	uint64_t other_stamp;

	sim_model_acked(m, a);
	begin_caw();
	other = caw;
	other_stamp = caw_stamp;
	begin_caw();
	assert_true(wins_over(a));
	caw = other;
	caw_stamp = other_stamp;
	assert_false(wins_over(a));
}

static void a_caw_that_lost_is_never_seen(void **state)
{
	uint32_t a = put(false);

	sim_model_acked(m, a);
	begin_caw();
	assert_true(loses_against(0));
	assert_false(sees(caw));
	assert_true(sees(a));
	assert_false(survives(caw));
}

static void a_caw_that_was_seen_has_not_lost(void **state)
{
	sim_model_acked(m, put(false));
	begin_caw();
	assert_true(sees(caw));
	assert_false(loses_against(0));
}

static void a_caw_cannot_lose_against_all_there_is(void **state)
{
	uint32_t a = put(false);

	sim_model_acked(m, a);
	begin_caw();
	assert_false(loses_against(a));
}

static void it_may_lose_where_another_is_in_flight(void **state)
{
	uint32_t a = put(false);

	sim_model_acked(m, a);
	begin_caw();
	put(false);
	assert_true(loses_against(a));
}

static void an_older_session_loses_to_a_newer_one(void **state)
{
	uint32_t a = put(false), b;

	sim_model_of_session(m, a, 5, 1);
	sim_model_lost(m, a);
	b = put(false);
	sim_model_of_session(m, b, 5, 2);
	sim_model_acked(m, b);
	assert_false(sees(a));
}

static void of_another_port_it_may_win(void **state)
{
	uint32_t a = put(false), b;

	sim_model_of_session(m, a, 5, 1);
	sim_model_lost(m, a);
	b = put(false);
	sim_model_of_session(m, b, 6, 2);
	sim_model_acked(m, b);
	assert_true(sees(a));
}

static void one_block_again_and_again(void **state)
{
	uint32_t a = sim_model_write(m, 7, 1, SIM_SAME, 9, 2, false);

	sim_model_acked(m, a);
	assert_true(sees(a)); /* the bytes of sector 9 in sector 10 */
	assert_false(sees(0));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

HARNESS_MAIN(CASE(zeroes_before_the_first_write), CASE(in_flight_both_are_right),
	     CASE(acknowledged_only_it), CASE(concurrent_either_but_then_it_stays),
	     CASE(a_read_in_flight_may_see_the_old),
	     CASE(a_lost_write_lands_or_not_but_never_after_a_newer),
	     CASE(undecided_it_may_overtake), CASE(decided_it_loses_to_a_new_connection),
	     CASE(a_failed_write_is_anything), CASE(bytes_of_nobody), CASE(zeroes_after_zero),
	     CASE(unflushed_may_be_lost), CASE(flushed_may_not), CASE(fua_may_not),
	     CASE(a_flush_covers_what_was_acknowledged_before_it_was_sent),
	     CASE(superseded_and_flushed_never_comes_back), CASE(superseded_and_not_flushed_may),
	     CASE(after_a_failed_sync_the_old_may_show), CASE(a_caw_finds_what_is_there),
	     CASE(a_caw_cannot_find_what_was_there), CASE(of_two_caws_one_wins),
	     CASE(a_caw_that_lost_is_never_seen), CASE(a_caw_that_was_seen_has_not_lost),
	     CASE(a_caw_cannot_lose_against_all_there_is),
	     CASE(it_may_lose_where_another_is_in_flight),
	     CASE(an_older_session_loses_to_a_newer_one), CASE(of_another_port_it_may_win),
	     CASE(one_block_again_and_again))
