/* SPDX-License-Identifier: BSD-3-Clause
 *
 * reset_test.c - a reset by one I_T_L nexus is heard by every other, on every loop, and
 * what they have at the store ends first.
 */
#include "config.h"

#include "gateway/api/reset.h"

#include "tests/unit/gateway/core/core_rig.h"

static struct rig rig;
static unsigned heard;

static void told(struct gw_reset_waiter *waiter)
{
	(void)waiter;
	heard = rig.events[GW_EVENT_RESET];
}

static void others_hear_of_a_reset(void **state)
{
	struct gw_reset_waiter waiter = { .told = told };
	struct fake_store *fake;

	fake_store_forget_all();
	rig_begin(&rig, 4, 7, NULL);
	drv_hand_delay(1000000);
	fake = fake_store_new("disk", 1 << 20);
	rig_up(&rig, "disk", 512);
	for (unsigned i = 0; i < 4; i++) {
		rig.events[GW_EVENT_RESET] = 0;
		drv_hand_at(i);
		gw_itl_reset(rig.itl[i]);
		drv_hand_at(0);
		assert_int_equal(rig.events[GW_EVENT_RESET], 0); /* never from inside */
		heard = 0;
		assert_true(gw_itl_reset_wait(rig.itl[i], &waiter));
		rig_settle(&rig);
		assert_int_equal(rig.events[GW_EVENT_RESET], 3);
		assert_int_equal(heard, 3); /* all of them before who waits */
		assert_false(gw_itl_reset_wait(rig.itl[i], &waiter));
	}
	/* whoever asked may leave, and the volume go, while the news travels */
	rig.events[GW_EVENT_RESET] = 0;
	drv_hand_at(2);
	gw_itl_reset(rig.itl[2]);
	gw_itl_close(&rig.itl[2]);
	drv_hand_at(0);
	rig_down(&rig, "disk");
	rig_end(&rig);
	assert_string_equal(fake_store_breach(fake), "");
	fake_store_free(&fake);
}

static void over(struct gw_reset_waiter *waiter)
{
	(void)waiter;
	heard++;
}

/* SAM-5 5.6, 6.3.3: what was at the store when the reset came has ended before the
 * answer, whoever sent it; what comes afterwards neither waits nor is waited for. */
static void older_writes_end_first(void **state)
{
	struct gw_reset_waiter waiter = { .told = over };
	struct call old = { 0 }, wider = { 0 }, newer = { 0 }, held = { 0 };
	struct fake_store *fake;

	fake_store_forget_all();
	rig_begin(&rig, 3, 11, NULL);
	fake = fake_store_new("disk", 1 << 20);
	fake->info.align_bytes = 512;
	fake->when = FAKE_HELD;
	rig_up(&rig, "disk", 512);
	rig_write(&rig, 1, &old, 0, 4096, 1);
	rig_write(&rig, 2, &wider, 8192 + 100, 4096, 2); /* read, modify, write */
	rig_settle(&rig);
	rig_pass(&rig, 1);
	heard = 0;
	drv_hand_at(0);
	gw_itl_reset(rig.itl[0]);
	assert_true(gw_itl_reset_wait(rig.itl[0], &waiter));
	rig_settle(&rig);
	rig_pass(&rig, 1);
	assert_int_equal(heard, 0);
	rig_write(&rig, 1, &newer, 0x10000, 4096, 3); /* goes by */
	rig_write(&rig, 0, &held, 0x20000, 4096, 4);
	rig_settle(&rig);
	rig_unhold_one(&rig, fake, fake_store_find(fake, GW_WRITE, 0x10000, 4096), GW_OK);
	assert_int_equal(rig_result(&rig, &newer), GW_OK);
	assert_int_equal(heard, 0);
	rig_unhold_one(&rig, fake, fake_store_find(fake, GW_WRITE, 0, 4096), GW_OK);
	assert_int_equal(rig_result(&rig, &old), GW_OK);
	assert_int_equal(heard, 0); /* the other is still there */
	rig_unhold_one(&rig, fake, fake_store_find(fake, GW_READ, 8192, 512), GW_OK);
	rig_settle(&rig);
	assert_int_equal(heard, 0);
	while (!wider.ended) {
		struct fake_io *fio = fake_store_find(fake, GW_READ, 8192, 8192);

		if (!fio)
			fio = fake_store_find(fake, GW_WRITE, 8192, 8192);
		rig_unhold_one(&rig, fake, fio, GW_OK);
		rig_settle(&rig);
	}
	rig_settle(&rig);
	assert_int_equal(heard, 1);
	assert_int_equal(held.ended, 0); /* younger, and nobody waits for it */
	rig_unhold(&rig, fake);
	assert_int_equal(rig_result(&rig, &held), GW_OK);
	rig_assert_idle(&rig);
	fake->when = FAKE_LATER;
	rig_down(&rig, "disk");
	rig_end(&rig);
	assert_string_equal(fake_store_breach(fake), "");
	fake_store_free(&fake);
}

HARNESS_MAIN(cmocka_unit_test(others_hear_of_a_reset), cmocka_unit_test(older_writes_end_first))
