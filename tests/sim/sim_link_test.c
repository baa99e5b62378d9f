/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulated Ethernet through loop_link: frames to and fro, what the seed
 * does to them, and what becomes of an interface.
 */
#include "config.h"

#include "tests/sim/sim_link.h"

#include <errno.h>
#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/loop/loop_link.h"
#include "tests/harness/harness.h"
#include "tests/sim/sim_host.h"

#define TYPE 0x88a2
#define MTU 1500
#define SLOTS 512
#define SENT 2048

static const uint8_t near_mac[6] = { 2, 0, 0, 0, 0, 1 }, far_mac[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t all_mac[6] = { 255, 255, 255, 255, 255, 255 };

struct slot {
	struct drv_frame frame;
	struct iovec iov[2];
	uint8_t head[18], data[MTU]; /* the number stands behind the header */
};

static struct {
	struct sim_host *host;
	struct loop *loop;
	struct sim_iface *iface;
	struct sim_station *far;
	struct loop_link link;
	struct slot slot[SLOTS], out[SENT];
	unsigned received, sent, changed, closed;
	uint32_t number[SENT]; /* of frames that came, in their order */
	unsigned heard; /* by the station */
	uint32_t last_heard;
	bool again; /* lend each slot again at once */
} t;

/* ---- the daemon's end ---------------------------------------------------- */

static void lend(struct slot *slot)
{
	slot->iov[0] = (struct iovec){ slot->head, sizeof(slot->head) };
	slot->iov[1] = (struct iovec){ slot->data, sizeof(slot->data) };
	slot->frame = (struct drv_frame){ .iov = slot->iov, .niov = 2 };
	loop_link_lend(&t.link, &slot->frame);
}

static void lend_some(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		lend(&t.slot[i]);
}

static void received(struct loop_link *link, struct drv_frame *const *frames, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct slot *slot = (struct slot *)frames[i];

		assert_int_equal(be16_get(slot->head + 12), TYPE);
		assert_in_range(frames[i]->came.ns, 1, t.host->world->now_ns);
		t.number[t.received++ % SENT] = be32_get(slot->head + DRV_LINK_HEADER);
		if (t.again)
			lend(slot);
	}
}

static void sent(struct loop_link *link, struct drv_frame *frame)
{
	t.sent++;
}

static void changed(struct loop_link *link, const struct drv_link_facts *was)
{
	t.changed++;
}

static void closed(struct loop_link *link)
{
	t.closed++;
	assert_int_equal(link->link.sock, -1);
}

static const struct loop_link_ops ops = { received, sent, changed, closed };

static void send_frames(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++) {
		struct slot *slot = &t.out[i % SENT];

		memcpy(slot->head, far_mac, 6);
		memcpy(slot->head + 6, near_mac, 6);
		be16_put(slot->head + 12, TYPE);
		be32_put(slot->head + DRV_LINK_HEADER, i);
		slot->iov[0] = (struct iovec){ slot->head, sizeof(slot->head) };
		slot->iov[1] = (struct iovec){ slot->data, 1000 };
		slot->frame = (struct drv_frame){ .iov = slot->iov, .niov = 2 };
		loop_link_send(&t.link, &slot->frame);
	}
}

static uint64_t counted(enum loop_link_count which)
{
	return counter_read(&t.link.counts[which]);
}

/* ---- the far end --------------------------------------------------------- */

static void heard(void *arg, const uint8_t *frame, size_t len)
{
	assert_int_equal(len, 1018);
	assert_memory_equal(frame, far_mac, 6);
	t.last_heard = be32_get(frame + DRV_LINK_HEADER);
	t.heard++;
}

static void say(const uint8_t *to, uint16_t type, unsigned first, unsigned n)
{
	uint8_t frame[200] = { 0 };

	memcpy(frame, to, 6);
	memcpy(frame + 6, far_mac, 6);
	be16_put(frame + 12, type);
	for (unsigned i = first; i < first + n; i++) {
		be32_put(frame + DRV_LINK_HEADER, i);
		sim_ether_station_send(t.far, frame, sizeof(frame));
	}
}

/* ---- life ---------------------------------------------------------------- */

static int open_link(const char *name, unsigned rx_frames)
{
	struct drv_link_want want = {
		.name = name, .ethertype = TYPE, .rx_frames = rx_frames, .tx_frames = 64
	};
	struct gw_err err;

	int rc = loop_link_open(&t.link, t.loop, &want, &ops, NULL, &err);

	if (!rc)
		loop_link_start(&t.link);
	return rc;
}

static void boot(void)
{
	sim_host_boot(t.host, 1);
	t.loop = loop_set_get(t.host->loops, 0);
	assert_int_equal(open_link("eth0", 1000), 0);
	t.closed = 0;
}

static void begin(uint64_t seed)
{
	memset(&t, 0, sizeof(t));
	t.host = sim_host_new(seed);
	t.iface = sim_ether_iface(t.host->ether, "eth0", near_mac, MTU);
	t.far = sim_ether_join(t.host->ether, far_mac, heard, NULL);
	boot();
	sim_host_run(t.host, SIM_MS);
}

static void close_link(void)
{
	loop_link_close(&t.link);
	sim_host_run(t.host, SIM_S);
	assert_int_equal(t.closed, 1);
	assert_int_equal(sim_link_open(t.host->ether), 0);
}

static void end(void)
{
	if (!t.closed)
		close_link();
	assert_false(t.host->world->failed);
	sim_host_down(t.host);
	sim_host_free(&t.host);
}

/* ---- frames -------------------------------------------------------------- */

static void frames_come_and_go_in_order(void **state)
{
	for (uint64_t seed = 1; seed < 30; seed++) {
		begin(seed);
		lend_some(0, 500);
		say(near_mac, TYPE, 0, 400);
		say(all_mac, TYPE, 400, 50);
		send_frames(0, 30);
		sim_host_run(t.host, SIM_S);
		assert_int_equal(t.received, 450);
		for (unsigned i = 0; i < 450; i++)
			assert_int_equal(t.number[i], i);
		assert_int_equal(t.sent, 30);
		assert_int_equal(counted(LOOP_LINK_frames_sent), 30);
		assert_int_equal(t.heard, 30);
		assert_int_equal(t.last_heard, 29);
		end();
	}
}

static void it_hears_only_what_is_its_own(void **state)
{
	const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 };

	begin(1);
	lend_some(0, 10);
	say(other, TYPE, 0, 1);
	say(near_mac, TYPE + 1, 1, 1);
	send_frames(2, 1);
	say(near_mac, TYPE, 3, 1);
	sim_host_run(t.host, SIM_S);
	assert_int_equal(t.received, 1);
	assert_int_equal(t.number[0], 3);
	end();
}

static uint64_t troubled_run(uint64_t seed, uint64_t *cover)
{
	const uint64_t *here;
	uint64_t hash;

	begin(seed);
	sim_ether_trouble(t.host->ether, 200);
	t.again = true;
	lend_some(0, 20);
	for (unsigned i = 0; i < 200; i++) {
		say(near_mac, TYPE, i, 1);
		send_frames(i, 1);
		sim_host_run(t.host, 50 * SIM_US);
	}
	sim_host_run(t.host, SIM_S);
	assert_int_equal(t.sent, 200);
	close_link();
	for (unsigned i = 0; i < SIM_COVER_COUNT; i++)
		cover[i] += t.host->world->cover[i];
	here = t.host->world->cover;
	assert_int_equal(t.received + t.heard + here[SIM_COVER_ETHER_LOSS],
			 200 + counted(LOOP_LINK_frames_sent) + here[SIM_COVER_ETHER_TWICE]);
	hash = t.host->world->trace.hash;
	end();
	return hash;
}

static void the_seed_loses_doubles_and_delays(void **state)
{
	uint64_t cover[SIM_COVER_COUNT] = { 0 }, once;
	unsigned overtaken = 0;

	for (uint64_t seed = 1; seed < 20; seed++) {
		once = troubled_run(seed, cover);
		for (unsigned i = 1; i < t.received; i++)
			overtaken += t.number[i] < t.number[i - 1];
		assert_int_equal(troubled_run(seed, cover), once);
	}
	assert_true(overtaken > 20);
	assert_true(cover[SIM_COVER_ETHER_LOSS] > 20);
	assert_true(cover[SIM_COVER_ETHER_TWICE] > 20);
	assert_true(cover[SIM_COVER_ETHER_LATE] > 20);
}

static void too_many_wait_and_are_lost(void **state)
{
	begin(2);
	close_link();
	assert_int_equal(open_link("eth0", 20), 0);
	t.closed = 0;
	say(near_mac, TYPE, 0, 50);
	sim_host_run(t.host, SIM_S);
	lend_some(0, 1);
	sim_host_run(t.host, SIM_S);
	assert_int_equal(t.received, 1);
	lend_some(1, 30);
	sim_host_run(t.host, SIM_S);
	assert_int_equal(t.received, 20);
	assert_int_equal(t.number[19], 19);
	loop_link_ask_lost(&t.link);
	assert_int_equal(counted(LOOP_LINK_frames_lost), 30);
	assert_int_equal(t.host->world->cover[SIM_COVER_ETHER_OVERRUN], 30);
	end();
}

static void one_is_cut_and_one_too_long(void **state)
{
	begin(3);
	lend_some(0, 2);
	t.slot[0].iov[1].iov_len = 10;
	say(near_mac, TYPE, 0, 2);
	send_frames(0, 3);
	t.out[1].iov[1].iov_len = MTU;
	sim_host_run(t.host, SIM_S);
	assert_true(t.slot[0].frame.cut);
	assert_int_equal(t.slot[0].frame.bytes, 200);
	assert_false(t.slot[1].frame.cut);
	assert_int_equal(t.out[1].frame.res, -EMSGSIZE);
	assert_int_equal(t.heard, 2);
	end();
}

static void a_full_queue_drops(void **state)
{
	begin(4);
	send_frames(0, 1500);
	sim_host_run(t.host, 5 * SIM_S);
	assert_int_equal(t.sent, 1500);
	assert_true(counted(LOOP_LINK_frames_dropped_full) >= 100);
	assert_int_equal(t.heard, counted(LOOP_LINK_frames_sent));
	assert_int_equal(t.heard + counted(LOOP_LINK_frames_dropped_full), 1500);
	end();
}

/* ---- the interface ------------------------------------------------------- */

static void it_works(unsigned number)
{
	unsigned before = t.received, h = t.heard;

	lend_some(number, 1);
	say(near_mac, TYPE, number, 1);
	send_frames(number, 1);
	sim_host_run(t.host, SIM_S);
	assert_int_equal(t.received, before + 1);
	assert_int_equal(t.number[before], number);
	assert_int_equal(t.heard, h + 1);
}

static void it_is_silent(void)
{
	uint64_t before = counted(LOOP_LINK_frames_dropped_down), steps = t.host->steps;
	unsigned h = t.heard, r = t.received;

	send_frames(0, 2);
	say(near_mac, TYPE, 0, 1);
	sim_host_run(t.host, 60 * SIM_S);
	assert_int_equal(counted(LOOP_LINK_frames_dropped_down), before + 2);
	assert_int_equal(t.heard, h);
	assert_int_equal(t.received, r);
	assert_in_range(t.host->steps - steps, 1, 40); /* and idle */
}

static void goes_down_and_comes_again(void **state)
{
	for (uint64_t seed = 1; seed < 30; seed++) {
		begin(seed);
		it_works(1);
		lend_some(100, 1); /* a poll is armed */
		sim_ether_set_up(t.iface, false);
		sim_host_run(t.host, SIM_S);
		assert_int_equal(t.changed, 1);
		assert_false(t.link.facts.up);
		it_is_silent();
		sim_ether_set_up(t.iface, true);
		sim_host_run(t.host, SIM_S);
		assert_true(t.link.facts.up);
		it_works(2);
		sim_ether_remove(t.iface);
		sim_host_run(t.host, SIM_S);
		assert_int_equal(t.link.facts.index, 0);
		it_is_silent();
		sim_ether_restore(t.iface, near_mac, 9000);
		sim_host_run(t.host, SIM_S);
		assert_int_equal(t.link.facts.index, 2);
		assert_int_equal(t.link.facts.mtu_bytes, 9000);
		it_works(3);
		sim_ether_set_mtu(t.iface, MTU);
		sim_host_run(t.host, SIM_S);
		assert_int_equal(t.changed, 5);
		assert_int_equal(t.host->world->cover[SIM_COVER_ETHER_DOWN], 2);
		end();
	}
}

static void nobody_is_there(void **state)
{
	begin(5);
	close_link();
	assert_int_equal(open_link("eth1", 10), -ENODEV);
	sim_ether_remove(t.iface);
	assert_int_equal(open_link("eth0", 10), -ENODEV);
	end();
}

static void the_power_fails(void **state)
{
	begin(6);
	lend_some(0, 10);
	sim_host_power_cut(t.host);
	say(near_mac, TYPE, 0, 1);
	send_frames(0, 1);
	close_link();
	assert_int_equal(t.received, 0);
	assert_int_equal(t.heard, 0);
	assert_int_equal(counted(LOOP_LINK_frames_dropped_down), 1);
	sim_host_down(t.host);
	sim_host_power_on(t.host);
	boot();
	it_works(20);
	end();
}

static void closes_behind_what_is_queued(void **state)
{
	begin(7);
	t.iface->tx_room = 1000;
	lend_some(0, 10);
	sim_host_run(t.host, SIM_S);
	send_frames(0, 600);
	close_link();
	assert_int_equal(t.sent, 600);
	assert_int_equal(t.heard, 600);
	end();
}

static void closes_at_any_moment(void **state)
{
	for (uint64_t seed = 1; seed < 300; seed++) {
		begin(seed);
		sim_ether_trouble(t.host->ether, 100);
		t.again = seed % 2;
		lend_some(0, (unsigned)(seed % 20));
		say(near_mac, TYPE, 0, 50);
		send_frames(0, (unsigned)(seed % 90));
		if (seed % 3 == 0)
			sim_ether_set_up(t.iface, false);
		sim_host_run(t.host, sim_rng_log(&t.host->world->rng, 1, 10 * SIM_MS));
		if (seed % 5 == 0)
			sim_ether_remove(t.iface);
		close_link();
		assert_int_equal(t.sent, seed % 90);
		end();
	}
}

HARNESS_MAIN(cmocka_unit_test(frames_come_and_go_in_order),
	     cmocka_unit_test(it_hears_only_what_is_its_own),
	     cmocka_unit_test(the_seed_loses_doubles_and_delays),
	     cmocka_unit_test(too_many_wait_and_are_lost),
	     cmocka_unit_test(one_is_cut_and_one_too_long), cmocka_unit_test(a_full_queue_drops),
	     cmocka_unit_test(goes_down_and_comes_again), cmocka_unit_test(nobody_is_there),
	     cmocka_unit_test(the_power_fails), cmocka_unit_test(closes_behind_what_is_queued),
	     cmocka_unit_test(closes_at_any_moment))
