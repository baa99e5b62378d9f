/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The choice of how to wait, on machines and loads that are told: what a request takes
 * asleep and looking.  Nothing here runs on a clock.
 */
#include "config.h"

#include "tests/harness/harness.h"

#include "gateway/loop/loop_wait.h"

/* What a request takes on it, in ns. */
struct machine {
	struct loop_wait_cost asleep, looking;
};

/* A virtual machine, requests one by one: to wake is dear on either side. */
static const struct machine virtual = { { 35000, 80000 }, { 24000, 24000 } };
/* A machine whose processors wake at once. */
static const struct machine metal = { { 6000, 20000 }, { 15000, 15000 } };
/* The client sets the pace, 40 us apart; looking finds work, at its price. */
static const struct machine paced = { { 10000, 40000 }, { 40000, 40000 } };
/* Nearly the same processor time, half the time. */
static const struct machine bargain = { { 10000, 22000 }, { 10500, 12000 } };
/* Half the time, but an eighth more processor time: that is for who asks for it. */
static const struct machine bought = { { 8000, 22000 }, { 9000, 11000 } };
/* Nearly the same time, a bit more processor time. */
static const struct machine busy = { { 2700, 3000 }, { 2900, 2950 } };

/* No difference. */
static const struct machine even = { { 2700, 3000 }, { 2700, 3000 } };

struct rig {
	struct loop_wait wait;
	struct loop_wait_meter meter;
	uint64_t looked, slept; /* requests, by way */
};

static void rig_up(struct rig *r)
{
	*r = (struct rig){ .meter.now.ns = 1000000 };
	loop_wait_choose(&r->wait);
}

/* Requests one by one; each look finds work. */
static void serve(struct rig *r, const struct machine *m, unsigned requests)
{
	while (requests--) {
		bool looks = r->wait.look.ns > 0;
		const struct loop_wait_cost *cost = looks ? &m->looking : &m->asleep;

		r->looked += looks;
		r->slept += !looks;
		r->meter.served++;
		r->meter.now.ns += cost->ns;
		r->meter.cpu.ns += cost->cpu_ns;
		if (loop_wait_is_over(&r->wait, r->meter.served, r->meter.now))
			loop_wait_judge(&r->wait, &r->meter);
	}
}

/* Requests so far apart that each look is in vain. */
static void serve_seldom(struct rig *r, unsigned requests)
{
	while (requests--) {
		bool looks = r->wait.look.ns > 0;

		r->looked += looks;
		r->slept += !looks;
		r->meter.served++;
		r->meter.now.ns += 1000000;
		r->meter.cpu.ns += looks ? 60000 : 10000;
		if (looks && loop_wait_sleeps(&r->wait, r->meter.served))
			loop_wait_give_up(&r->wait, &r->meter);
		else if (loop_wait_is_over(&r->wait, r->meter.served, r->meter.now))
			loop_wait_judge(&r->wait, &r->meter);
	}
}

static void told_is_told(void **state)
{
	struct rig r = { 0 };

	(void)state;
	loop_wait_fix(&r.wait, span_us(20));
	serve(&r, &metal, 100000);
	assert_int_equal(r.wait.look.ns, 20000);
	serve_seldom(&r, 1000);
	assert_int_equal(r.wait.look.ns, 20000);
	loop_wait_fix(&r.wait, span_us(0));
	serve(&r, &virtual, 100000);
	assert_int_equal(r.wait.look.ns, 0);
}

static void looks_where_it_pays(void **state)
{
	static const struct machine *const pays[] = { &virtual, &bargain };

	(void)state;
	for (size_t i = 0; i < sizeof(pays) / sizeof(pays[0]); i++) {
		struct rig r;

		rig_up(&r);
		assert_int_equal(r.wait.look.ns, 0);
		serve(&r, pays[i], 4 * LOOP_WAIT_STRETCH_REQUESTS + 2000);
		assert_true(r.wait.trial == !r.wait.look.ns);
		r.slept = r.looked = 0;
		serve(&r, pays[i], 2000000);
		assert_in_range(r.slept, 0, 2000000 / 20);
	}
}

/* What its trials cost is little, and gets less. */
static void sleeps_where_it_does_not(void **state)
{
	static const struct machine *const fails[] = { &metal, &paced, &busy, &even, &bought };

	(void)state;
	for (size_t i = 0; i < sizeof(fails) / sizeof(fails[0]); i++) {
		struct rig r;

		rig_up(&r);
		serve(&r, fails[i], 100000);
		assert_true(r.wait.trial == (r.wait.look.ns > 0));
		r.slept = r.looked = 0;
		serve(&r, fails[i], 2000000);
		assert_in_range(r.looked, 1, 2000000 / 50);
	}
}

static void nothing_to_find(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r);
	serve_seldom(&r, 100000);
	assert_int_equal(r.wait.look.ns, 0);
	assert_in_range(r.looked, LOOP_WAIT_MISSES, 20 * LOOP_WAIT_MISSES);
}

/* Two at a time: one wakes it, the other is found. */
static void what_is_found_counts(void **state)
{
	struct loop_wait wait;
	uint64_t served = 0;

	(void)state;
	loop_wait_choose(&wait);
	for (int i = 0; i < 100; i++)
		assert_false(loop_wait_sleeps(&wait, served += 2));
	for (unsigned i = 1; i < LOOP_WAIT_MISSES; i++)
		assert_false(loop_wait_sleeps(&wait, served += 1));
	assert_true(loop_wait_sleeps(&wait, served += 1));
	assert_false(loop_wait_sleeps(&wait, served += 2));
	assert_false(loop_wait_sleeps(&wait, served));
}

static void follows_the_load(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r);
	for (int round = 0; round < 50; round++) {
		serve(&r, &virtual, 50000);
		assert_true(r.wait.trial == !r.wait.look.ns);
		r.looked = 0;
		serve_seldom(&r, 2000);
		assert_in_range(r.looked, 0, 8 * LOOP_WAIT_MISSES);
		serve(&r, &metal, 50000);
		assert_true(r.wait.trial == (r.wait.look.ns > 0));
	}
}

/* The same figures with a third of noise on each: the choice stands nearly always. */
static void noise(void **state)
{
	uint32_t seed = 1;
	struct rig r;

	(void)state;
	rig_up(&r);
	for (int i = 0; i < 20000; i++) {
		struct machine m = virtual;

		seed = seed * 1664525 + 1013904223;
		m.asleep.cpu_ns += m.asleep.cpu_ns * ((int64_t)(seed >> 8) % 64 - 32) / 100;
		m.looking.ns += m.looking.ns * ((int64_t)(seed >> 16) % 64 - 32) / 100;
		serve(&r, &m, 256);
	}
	assert_in_range(r.slept, 0, 20000 * 256 / 10);
}

/* Nothing counted, nothing spent, a very long time: no division by zero, no overflow. */
static void edges(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r);
	for (int i = 0; i < 10; i++)
		loop_wait_judge(&r.wait, &r.meter);
	r.meter = (struct loop_wait_meter){ 1, { INT64_MAX / 2 }, { INT64_MAX / 2 } };
	for (int i = 0; i < 10; i++)
		loop_wait_judge(&r.wait, &r.meter);
	loop_wait_give_up(&r.wait, &r.meter);
	assert_int_equal(r.wait.look.ns, 0);
}

HARNESS_MAIN(cmocka_unit_test(told_is_told), cmocka_unit_test(looks_where_it_pays),
	     cmocka_unit_test(sleeps_where_it_does_not), cmocka_unit_test(nothing_to_find),
	     cmocka_unit_test(what_is_found_counts), cmocka_unit_test(follows_the_load),
	     cmocka_unit_test(noise), cmocka_unit_test(edges))
