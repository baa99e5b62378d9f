/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What becomes of an interface under a link, and the end (link_cases.tbl).
 */
#include "config.h"

#include "tests/unit/gateway/loop/link_cases.h"

#include <string.h>
#include <unistd.h>

static struct link_rig r;

static uint64_t counted(enum loop_link_count which)
{
	return counter_read(&r.link.counts[which]);
}

static void up(void **state, unsigned rx_frames)
{
	link_rig_up(&r, *state);
	link_rig_open(&r, "near", rx_frames);
	link_rig_settle(&r);
}

static void down(void)
{
	link_rig_down(&r);
}

/* ---- what becomes of an interface ---------------------------------------- */

static void it_works(unsigned number)
{
	int before = r.received, sent = r.sent;
	uint8_t in[200];

	link_rig_lend(&r, number, 1);
	link_rig_far_send(r.far, LINK_RIG_NEAR, number, 100);
	rig_until(&r.rig, &r.received, before + 1);
	assert_true(link_rig_is(r.got[before], number, 100));
	link_rig_send(&r, number, 100);
	rig_until(&r.rig, &r.sent, sent + 1);
	assert_int_equal(r.res[sent], 0);
	assert_int_equal(link_rig_far_recv(r.far, in, sizeof(in)), 100);
}

static void it_does_not_send(void)
{
	uint64_t before = counted(LOOP_LINK_frames_dropped_down);
	int sent = r.sent;

	link_rig_send(&r, 0, 100);
	link_rig_send(&r, 1, 100);
	rig_until(&r.rig, &r.sent, sent + 2);
	assert_true(r.res[sent] < 0 && r.res[sent + 1] < 0);
	assert_int_equal(counted(LOOP_LINK_frames_dropped_down), before + 2);
	assert_in_range(rig_turns_in(&r.rig, 200), 1, 3);
}

/* Both changes may come as one word or as several. */
static void until_up(bool is_up)
{
	for (int i = 0; i < 100 && r.link.facts.up != is_up; i++)
		rig_for_ms(&r.rig, 10);
	assert_int_equal(r.link.facts.up, is_up);
}

void link_goes_down_and_up(void **state)
{
	up(state, 64);
	it_works(1);
	link_rig_lend(&r, 40, 1); /* the poll is armed meanwhile */
	link_rig_sh("ip link set near down");
	until_up(false);
	assert_true(r.was.up);
	it_does_not_send();
	link_rig_sh("ip link set near up");
	until_up(true);
	rig_for_ms(&r.rig, 20); /* its carrier is there before its queue is */
	link_rig_far_send(r.far, LINK_RIG_NEAR, 40, 100);
	rig_until(&r.rig, &r.received, 2);
	it_works(2);
	link_rig_sh("ip link set far down");
	until_up(false);
	link_rig_sh("ip link set far up");
	until_up(true);
	close(r.far);
	r.far = link_rig_socket("far");
	it_works(3);
	down();
}

static void until_gone(bool is_gone)
{
	for (int i = 0; i < 100 && !r.link.facts.index != is_gone; i++)
		rig_for_ms(&r.rig, 10);
	assert_int_equal(!r.link.facts.index, is_gone);
}

void link_goes_and_comes_again(void **state)
{
	uint32_t index;

	up(state, 64);
	it_works(1);
	index = r.link.facts.index;
	link_rig_lend(&r, 40, 1);
	link_rig_sh("ip link del near");
	until_gone(true);
	assert_int_equal(r.link.facts.mtu_bytes, 0);
	assert_false(r.link.facts.up);
	it_does_not_send();
	close(r.far);
	link_rig_veth();
	r.far = link_rig_socket("far");
	link_rig_set_caps(0); /* what now happens needs no privilege */
	until_gone(false);
	until_up(true);
	link_rig_set_caps(UINT32_MAX);
	assert_int_not_equal(r.link.facts.index, index);
	link_rig_far_send(r.far, LINK_RIG_NEAR, 40, 100);
	rig_until(&r.rig, &r.received, 2);
	it_works(2);
	down();
}

void link_gives_its_name_away(void **state)
{
	up(state, 64);
	it_works(1);
	link_rig_lend(&r, 40, 1);
	link_rig_sh("ip link set near down && ip link set near name other && "
		    "ip link set other up");
	until_gone(true);
	link_rig_far_send(r.far, LINK_RIG_NEAR, 2, 100); /* to `other` */
	rig_for_ms(&r.rig, 20);
	assert_int_equal(r.received, 1);
	it_does_not_send();
	link_rig_sh("ip link set other down && ip link set other name near && "
		    "ip link set near up");
	until_gone(false);
	until_up(true);
	rig_for_ms(&r.rig, 20);
	link_rig_far_send(r.far, LINK_RIG_NEAR, 40, 100);
	rig_until(&r.rig, &r.received, 2);
	assert_true(link_rig_is(r.got[1], 40, 100));
	it_works(3);
	down();
}

void link_gets_another_mtu_and_address(void **state)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	uint64_t before;

	up(state, 64);
	before = counted(LOOP_LINK_changes);
	link_rig_sh("ip link set near mtu 1500");
	rig_until(&r.rig, &r.changed, 1);
	assert_int_equal(r.link.facts.mtu_bytes, 1500);
	assert_int_equal(r.was.mtu_bytes, LINK_RIG_MTU);
	link_rig_sh("ip link set near address 02:00:00:00:00:07");
	rig_until(&r.rig, &r.changed, 2);
	assert_memory_equal(r.link.facts.mac, mac, 6);
	assert_memory_equal(r.was.mac, LINK_RIG_NEAR, 6);
	assert_int_equal(counted(LOOP_LINK_changes), before + 2);
	link_rig_sh("ip link add x type veth peer name y && ip link del x");
	rig_for_ms(&r.rig, 20);
	assert_int_equal(r.changed, 2); /* others do not matter */
	down();
}

/* ---- the end ------------------------------------------------------------- */

void link_closes_behind_what_is_queued(void **state)
{
	uint8_t in[200];

	up(state, 64);
	link_rig_lend(&r, 0, 10);
	rig_for_ms(&r.rig, 2);
	for (unsigned i = 0; i < 150; i++)
		link_rig_send(&r, i, 100);
	link_rig_far_send(r.far, LINK_RIG_NEAR, 0, 100);
	loop_link_close(&r.link);
	loop_link_close(&r.link);
	assert_int_equal(r.closed, 0);
	rig_until(&r.rig, &r.closed, 1);
	assert_int_equal(r.sent, 150);
	assert_int_equal(r.received, 0);
	for (unsigned i = 0; i < 150; i++)
		assert_int_equal(link_rig_far_recv(r.far, in, sizeof(in)), 100);
	link_rig_far_send(r.far, LINK_RIG_NEAR, 1, 100);
	rig_for_ms(&r.rig, 20);
	assert_int_equal(r.received, 0);
	down();
}

void link_closes_from_inside(void **state)
{
	up(state, 64);
	r.close_when_received = true;
	link_rig_lend(&r, 0, 10);
	for (unsigned i = 0; i < 5; i++)
		link_rig_far_send(r.far, LINK_RIG_NEAR, i, 100);
	rig_until(&r.rig, &r.closed, 1);
	assert_in_range(r.received, 1, 5);
	down();
}

void link_closes_at_once(void **state)
{
	link_rig_up(&r, *state);
	link_rig_open(&r, "near", 4);
	link_rig_lend(&r, 0, 1);
	loop_link_close(&r.link);
	rig_until(&r.rig, &r.closed, 1);
	down();
}
