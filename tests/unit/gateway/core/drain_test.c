/* SPDX-License-Identifier: BSD-3-Clause
 *
 * drain_test.c - a front end of one door ends on all loops: by itself, late, or by
 * force.  The door has no socket; who is inside is said by hand.
 */
#include "config.h"

#include "gateway/api/drain.h"

#include "tests/unit/gateway/core/core_rig.h"

#define LOOPS 3u
#define DEADLINE_MS 1000

static struct rig rig;
static struct loop_doors doors;
static struct loop_door door;
static struct loop_guest guest;
static struct gw_drain drain;
static unsigned asked, forced, guests_drained, guests_ended, dones;
static bool others; /* whoever else empty() knows of */

/* ---- what is drained ----------------------------------------------------- */

static void drain_guest(struct loop_guest *g)
{
	assert_ptr_equal(g, &guest);
	guests_drained++;
}

static void end_guest(struct loop_guest *g)
{
	assert_ptr_equal(g, &guest);
	guests_ended++;
}

static void count(struct loop_door *d, enum loop_door_count which)
{
}

static const struct loop_door_ops door_ops = { .drain = drain_guest,
					       .end = end_guest,
					       .count = count };

static bool is_empty(struct gw_drain *d)
{
	assert_ptr_equal(d, &drain);
	return !others;
}

static void ask(struct gw_drain *d, struct loop *loop)
{
	assert_true(loop_is_home(loop));
	assert_int_equal(loop_index(loop), asked % LOOPS); /* each once, in turn */
	asked++;
}

static void force(struct gw_drain *d, struct loop *loop)
{
	assert_true(loop_is_home(loop));
	assert_int_equal(loop_index(loop), forced % LOOPS);
	forced++;
}

static const struct gw_drain_ops ops = { .empty = is_empty, .ask = ask, .force = force };
static const struct gw_drain_ops ops_doors_alone = { .ask = ask, .force = force };

static void done(void *arg)
{
	assert_ptr_equal(arg, &rig);
	assert_true(loop_is_home(rig_loop(&rig, 0)));
	dones++;
}

/* ---- up and down --------------------------------------------------------- */

static void up(const struct gw_drain_ops *drain_ops)
{
	rig_begin(&rig, LOOPS, 3, NULL);
	asked = forced = guests_drained = guests_ended = dones = 0;
	others = false;
	door = (struct loop_door){ .ops = &door_ops,
				   .loop = rig_loop(&rig, 0),
				   .bounds = { 4, 4 },
				   .sock = -1,
				   .changed = gw_drain_look,
				   .arg = &drain };
	TAILQ_INIT(&door.half_open);
	door.again.slot = -1;
	loop_doors_init(&doors);
	loop_doors_add(&doors, &door);
	drain = (struct gw_drain){ .ops = drain_ops, .gw = rig.gw, .doors = &doors };
}

static void enter(void)
{
	guest = (struct loop_guest){ .door = &door };
	TAILQ_INSERT_TAIL(&door.half_open, &guest, link);
	door.n_half_open++;
	door.n_conns++;
}

static void begin(void)
{
	struct instant now = loop_now(rig_loop(&rig, 0));

	gw_drain_begin(&drain, instant_add(now, span_ms(DEADLINE_MS)), done, &rig);
	assert_int_equal(asked + dones, 0); /* never from inside */
}

static void down(void)
{
	rig_settle(&rig);
	rig_pass(&rig, 10 * DEADLINE_MS);
	assert_int_equal(dones, 1); /* once and for all */
	rig_end(&rig);
}

/* ---- cases --------------------------------------------------------------- */

static void nobody_is_there(void **state)
{
	up(&ops);
	gw_drain_look(&drain); /* somebody left before it began: no matter */
	begin();
	rig_settle(&rig);
	assert_int_equal(asked, LOOPS);
	assert_int_equal(dones, 1);
	gw_drain_look(&drain); /* nor does it who leaves afterwards */
	down();
	assert_int_equal(forced, 0);
}

static void the_last_one_leaves(void **state)
{
	up(&ops_doors_alone);
	enter();
	begin();
	rig_settle(&rig);
	assert_int_equal(guests_drained, 1);
	assert_int_equal(asked, LOOPS);
	rig_pass(&rig, DEADLINE_MS - 10);
	assert_int_equal(dones, 0);
	loop_door_over(&guest, true); /* a connection now: still inside */
	rig_settle(&rig);
	assert_int_equal(dones, 0);
	loop_door_left(&door);
	assert_int_equal(dones, 0); /* never from inside */
	rig_settle(&rig);
	assert_int_equal(dones, 1);
	down();
	assert_int_equal(forced + guests_ended, 0);
}

static void others_are_waited_for(void **state)
{
	up(&ops);
	enter();
	others = true;
	begin();
	rig_settle(&rig);
	loop_door_over(&guest, false);
	rig_settle(&rig);
	assert_int_equal(dones, 0);
	others = false;
	gw_drain_look(&drain);
	rig_settle(&rig);
	assert_int_equal(dones, 1);
	down();
	assert_int_equal(forced, 0);
}

/* A front end without doors: others are all there is. */
static void without_doors(void **state)
{
	up(&ops);
	enter();
	drain.doors = NULL;
	others = true;
	begin();
	rig_pass(&rig, DEADLINE_MS + 10);
	assert_int_equal(forced, LOOPS);
	assert_int_equal(guests_drained + guests_ended, 0);
	others = false;
	gw_drain_look(&drain);
	down();
}

/* Those who do not go are ended again and again: they may have been between loops. */
static void by_force(void **state)
{
	up(&ops);
	enter();
	begin();
	rig_pass(&rig, DEADLINE_MS - 10);
	assert_int_equal(forced + guests_ended, 0);
	rig_pass(&rig, 20);
	assert_int_equal(forced, LOOPS);
	assert_int_equal(guests_ended, 1);
	guest.away = true; /* on its way to another loop: out of reach */
	rig_pass(&rig, 100);
	assert_int_equal(forced, 2 * LOOPS);
	assert_int_equal(guests_ended, 1);
	guest.away = false;
	rig_pass(&rig, 100);
	assert_int_equal(forced, 3 * LOOPS);
	assert_int_equal(guests_ended, 2);
	loop_door_over(&guest, false);
	down();
	assert_int_equal(forced, 3 * LOOPS);
}

HARNESS_MAIN(cmocka_unit_test(nobody_is_there), cmocka_unit_test(the_last_one_leaves),
	     cmocka_unit_test(others_are_waited_for), cmocka_unit_test(without_doors),
	     cmocka_unit_test(by_force))
