/* SPDX-License-Identifier: BSD-3-Clause
 *
 * access_test.c - a grant holds its volume: between the look for it on loop 0 and
 * the join on another loop it cannot go.
 */
#include "config.h"

#include <errno.h>

#include "tests/unit/gateway/core/core_rig.h"

#define SIZE 65536u
#define LOOPS 4
#define ENOUGH_NS 60000000000

static struct rig rig;
static struct fake_store *fake;
static struct gw_err err;
static struct gw_who who = { .protocol = "test" };

static int begin(void **state)
{
	(void)state;
	fake_store_forget_all();
	rig_begin(&rig, LOOPS, 1, NULL);
	drv_hand_delay(1000000);
	fake = fake_store_new("v", SIZE);
	assert_int_equal(rig_add(&rig, "v", 512, false, false, &err), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	assert_int_equal(fake->opens, fake->closes);
	assert_string_equal(fake_store_breach(fake), "");
	fake_store_free(&fake);
	rig_end(&rig);
	return 0;
}

static void remove_begin(struct admin *admin, int64_t within_ns)
{
	rig_admin_init(admin);
	drv_hand_at(0);
	gw_volume_remove(rig.gw, "v", (struct instant){ drv_hand_now() + within_ns }, &admin->op);
}

/* The removal comes between; the join is refused, and only then it is gone. */
static void holds_until_it_is_joined(void **state)
{
	struct gw_grant grant;
	struct admin admin;

	(void)state;
	assert_true(gw_access_find(rig.gw, &who, "v", &grant));
	remove_begin(&admin, ENOUGH_NS);
	rig_pass(&rig, 1000);
	assert_int_equal(admin.ended, 0);
	assert_int_equal(fake->closes, 0);
	rig_join(&rig, "v");
	gw_grant_release(&grant);
	assert_null(grant.volume);
	rig_pass(&rig, 1000);
	assert_int_equal(rig.readied, LOOPS);
	assert_int_equal(rig.ready, GW_SHUTDOWN);
	assert_int_equal(admin.ended, 0); /* the nexuses hold it now */
	rig_leave(&rig);
	assert_int_equal(rig_wait(&rig, &admin), 0);
	rig.volume = NULL;
}

/* Joined under a hold that is gone before the loops are looked at again. */
static void the_join_is_seen(void **state)
{
	struct gw_grant grant;
	struct admin admin;

	(void)state;
	for (unsigned steps = 0; steps < 40; steps++) {
		if (steps)
			assert_int_equal(rig_add(&rig, "v", 512, false, false, &err), 0);
		assert_true(gw_access_find(rig.gw, &who, "", &grant));
		remove_begin(&admin, ENOUGH_NS);
		for (unsigned i = 0; i < steps; i++)
			rig_step(&rig);
		rig_join(&rig, "v");
		gw_grant_release(&grant);
		rig_pass(&rig, 1000);
		assert_int_equal(admin.ended, 0);
		rig_leave(&rig);
		assert_int_equal(rig_wait(&rig, &admin), 0);
	}
	rig.volume = NULL;
}

static void a_removal_in_time(void **state)
{
	struct gw_grant grant;
	struct admin admin;

	(void)state;
	assert_true(gw_access_find(rig.gw, &who, "v", &grant));
	remove_begin(&admin, 1000000000);
	assert_int_equal(rig_wait(&rig, &admin), -ETIMEDOUT);
	assert_non_null(gw_volume_find(rig.gw, "v"));
	gw_grant_release(&grant);
	gw_grant_release(&grant); /* an empty one */
	assert_int_equal(rig_remove(&rig, "v", 1000, &err), 0);
}

static void keep(void *arg, const struct gw_grant *lent)
{
	*(struct gw_grant *)arg = gw_grant_hold(lent);
}

static void count(void *arg, const struct gw_grant *lent)
{
	(void)lent;
	++*(unsigned *)arg;
}

/* Those of the list are lent, unless one says otherwise. */
static void each_is_lent(void **state)
{
	struct gw_grant grant = { .volume = NULL };
	struct admin admin;
	unsigned n = 0;

	(void)state;
	gw_access_each(rig.gw, &who, count, &n);
	assert_int_equal(n, 1);
	gw_access_each(rig.gw, &who, keep, &grant);
	assert_ptr_equal(grant.volume, gw_volume_find(rig.gw, "v"));
	remove_begin(&admin, ENOUGH_NS);
	rig_pass(&rig, 1000);
	assert_int_equal(admin.ended, 0);
	gw_access_each(rig.gw, &who, count, &n);
	assert_int_equal(n, 1); /* not while it goes */
	gw_grant_release(&grant);
	assert_int_equal(rig_wait(&rig, &admin), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
HARNESS_MAIN(CASE(holds_until_it_is_joined), CASE(the_join_is_seen), CASE(a_removal_in_time),
	     CASE(each_is_lent))
