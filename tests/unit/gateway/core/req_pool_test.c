/* SPDX-License-Identifier: BSD-3-Clause
 *
 * req_pool_test.c - the requests of a loop are shared between volumes: one whose
 * store ends with nothing, and whose clients leave and come again, keeps nobody
 * away from another.  (An empty pool, and waiting: req_test.c.)
 */
#include "config.h"

#include "tests/unit/gateway/core/core_rig.h"

#define SIZE 65536u
#define REQUESTS 16
#define SHARE 12 /* three quarters */

static struct rig rig;
static struct fake_store *stalled, *quick;
static struct gw_itl *other;

static void ready(struct gw_itl *itl, void *owner, enum gw_status status)
{
	(void)itl;
	*(bool *)owner = status == GW_OK;
}

static const struct gw_itl_ops other_ops = { .ready = ready };

static int begin(void **state)
{
	const struct gw_limits limits = { .requests = REQUESTS };
	struct gw_err err = { 0 };
	bool joined = false;

	(void)state;
	fake_store_forget_all();
	rig_begin(&rig, 1, 1, &limits);
	stalled = fake_store_new("v", SIZE);
	quick = fake_store_new("w", SIZE);
	rig_up(&rig, "v", 512);
	assert_int_equal(rig_add(&rig, "w", 512, false, false, &err), 0);
	other = gw_itl_open(rig.nexus[0], gw_volume_find(rig.gw, "w"), false, &other_ops, &joined);
	rig_settle(&rig);
	assert_true(joined);
	stalled->when = FAKE_HELD;
	return 0;
}

static int end(void **state)
{
	struct gw_err err = { 0 };

	(void)state;
	stalled->when = FAKE_INSIDE;
	rig_unhold(&rig, stalled);
	rig_assert_idle(&rig);
	gw_itl_close(&other);
	assert_int_equal(rig_remove(&rig, "w", 1000, &err), 0);
	rig_down(&rig, "v");
	fake_store_free(&stalled);
	fake_store_free(&quick);
	rig_end(&rig);
	return 0;
}

/* A client writes all that it may and leaves, again and again; returns how many
 * requests it got the last time. */
static unsigned come_and_leave(unsigned times)
{
	static struct call call[64];
	unsigned n = 0, at = 0;

	while (times--) {
		struct gw_itl *itl = rig.itl[0];
		struct gw_req *req;

		for (n = 0; n < 5 && (req = gw_req_take(itl)); n++) {
			gw_req_put(&req);
			rig_write(&rig, 0, &call[at], at * 512, 512, 1);
			at++;
		}
		rig_settle(&rig);
		rig_leave(&rig);
		rig_join(&rig, "v");
	}
	return n;
}

static void others_have_their_share(void **state)
{
	struct gw_req *req[REQUESTS];
	unsigned n = 0;

	(void)state;
	assert_int_equal(come_and_leave(10), 0);
	assert_int_equal(stalled->n_held, SHARE); /* orphans, all of them */
	while (n < REQUESTS && (req[n] = gw_req_take(other)))
		n++;
	assert_int_equal(n, REQUESTS - SHARE - 1); /* never the last one */
	while (n)
		gw_req_put(&req[--n]);
}

struct want {
	struct gw_req_waiter waiter;
	unsigned woken;
};

static void woken(struct gw_req_waiter *waiter)
{
	((struct want *)waiter)->woken++;
	gw_req_wait(other, waiter); /* at once again: that must end */
}

static void woken_once(struct gw_req_waiter *waiter)
{
	((struct want *)waiter)->woken++;
}

static void only_who_may_is_woken(void **state)
{
	struct want v = { .waiter.wake = woken_once }, w = { .waiter.wake = woken };
	struct gw_req *req[REQUESTS];
	unsigned n = 0;

	(void)state;
	come_and_leave(10);
	while ((req[n] = gw_req_take(other)))
		n++;
	gw_req_wait(rig.itl[0], &v.waiter);
	gw_req_wait(other, &w.waiter);
	gw_req_put(&req[--n]);
	assert_int_equal(v.woken, 0); /* it came first, and has too much */
	assert_true(w.woken >= 1 && w.woken <= 2); /* no oftener than there are who wait */
	while (n)
		gw_req_put(&req[--n]);
	assert_int_equal(v.woken, 0);
	gw_req_unwait(other, &w.waiter);
	rig_unhold(&rig, stalled);
	assert_int_equal(v.woken, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
HARNESS_MAIN(CASE(others_have_their_share), CASE(only_who_may_is_woken))
