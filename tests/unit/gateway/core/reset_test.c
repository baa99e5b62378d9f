/* SPDX-License-Identifier: BSD-3-Clause
 *
 * reset_test.c - a reset by one I_T_L nexus is heard by every other, on every loop.
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

HARNESS_MAIN(cmocka_unit_test(others_hear_of_a_reset))
