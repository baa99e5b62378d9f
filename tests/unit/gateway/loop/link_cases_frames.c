/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening a link; frames that come, frames that go (link_cases.tbl).
 */
#include "config.h"

#include "tests/unit/gateway/loop/link_cases.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/bytes.h"
#include "gateway/base/log.h"
#include "gateway/base/table.h"

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

/* ---- open ---------------------------------------------------------------- */

void link_opens(void **state)
{
	up(state, 64);
	assert_int_not_equal(r.link.facts.index, 0);
	assert_int_equal(r.link.facts.mtu_bytes, LINK_RIG_MTU);
	assert_true(r.link.facts.up);
	assert_memory_equal(r.link.facts.mac, LINK_RIG_NEAR, 6);
	assert_in_range(rig_turns_in(&r.rig, 300), 1, 3); /* idle: it sleeps */
	down();
}

static char said[LOG_LINE];

static void remember(void *arg, enum log_level level, enum log_area area, const char *text)
{
	(void)arg;
	(void)area;
	if (level == LOG_LEVEL_WARN)
		snprintf(said, sizeof(said), "%s", text);
}

void link_says_that_room_is_short(void **state)
{
	link_rig_up(&r, *state);
	log_set_sink(remember, NULL);
	link_rig_open(&r, "near", 1 << 20);
	log_set_sink(NULL, NULL);
	assert_non_null(strstr(said, "near: the kernel keeps "));
	assert_non_null(strstr(said, "raise net.core.rmem_max"));
	down();
}

/* Nobody asks again and again, and all is well when it is well. */
void link_waits_after_a_failed_poll(void **state)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), keep;

	link_rig_up(&r, *state);
	link_rig_open(&r, "near", 64);
	keep = dup(r.link.link.sock);
	/* epoll refuses such a file; io_uring finds it readable at all times. */
	if (*state == &drv_aio)
		assert_true(dup2(null, r.link.link.sock) >= 0);
	link_rig_lend(&r, 0, 1);
	assert_in_range(rig_turns_in(&r.rig, 200), 1, 20); /* and not all the time */
	assert_true(dup2(keep, r.link.link.sock) >= 0);
	close(keep);
	close(null);
	link_rig_far_send(r.far, LINK_RIG_NEAR, 1, 100);
	rig_until(&r.rig, &r.received, 1);
	assert_true(link_rig_is(r.got[0], 1, 100));
	down();
}

static void refuse(const char *name, int errnum, const char *sentence)
{
	struct drv_link_want want = { .name = name, .ethertype = LINK_RIG_TYPE, .rx_frames = 1 };
	static const struct loop_link_ops no_ops;
	struct gw_err err = GW_ERR_NONE;
	struct loop_link link;

	assert_int_equal(loop_link_open(&link, r.rig.loop, &want, &no_ops, NULL, &err), -errnum);
	assert_string_equal(err.text, sentence);
}

void link_refuses(void **state)
{
	link_rig_up(&r, *state);
	refuse("nowhere0", ENODEV, "there is no interface nowhere0 (see 'ip link')");
	refuse("lo", EINVAL, "lo is no Ethernet interface");
	refuse("", EINVAL, "'' is no name of an interface");
	refuse("a-name-of-16-byt", EINVAL, "'a-name-of-16-byt' is no name of an interface");
	link_rig_set_caps(0);
	refuse("near", EPERM, "near: frames need root or the capability CAP_NET_RAW");
	link_rig_set_caps(UINT32_MAX);
	down();
}

/* ---- frames that come ---------------------------------------------------- */

void link_a_batch_comes_at_once(void **state)
{
	up(state, 128);
	link_rig_lend(&r, 0, 100);
	for (unsigned i = 0; i < 100; i++)
		link_rig_far_send(r.far, i % 2 ? LINK_RIG_NEAR : LINK_RIG_ALL, i, 4096 + 36 + i);
	rig_until(&r.rig, &r.received, 100);
	for (unsigned i = 0; i < 100; i++) {
		assert_ptr_equal(r.got[i], &r.slots[99 - i]); /* lent last, filled first */
		assert_true(link_rig_is(r.got[i], i, 4096 + 36 + i));
	}
	assert_in_range(counted(LOOP_LINK_receives), 2, 3); /* 64 and the rest */
	assert_int_equal(counted(LOOP_LINK_frames_received), 100);
	assert_int_equal(counted(LOOP_LINK_frames_cut), 0);
	down();
}

void link_nobody_lends(void **state)
{
	up(state, 64);
	link_rig_lend(&r, 0, 4);
	for (unsigned i = 0; i < 10; i++)
		link_rig_far_send(r.far, LINK_RIG_NEAR, i, 100);
	rig_for_ms(&r.rig, 20);
	assert_int_equal(r.received, 4);
	for (unsigned i = 10; i < 30; i++) { /* nobody is woken for them */
		link_rig_far_send(r.far, LINK_RIG_NEAR, i, 100);
		rig_for_ms(&r.rig, 2);
	}
	assert_in_range(counted(LOOP_LINK_starved), 0, 1);
	assert_int_equal(r.received, 4);
	link_rig_lend(&r, 4, 16);
	rig_until(&r.rig, &r.received, 20);
	link_rig_lend(&r, 20, 20);
	rig_until(&r.rig, &r.received, 30);
	for (unsigned i = 0; i < 30; i++)
		assert_true(link_rig_is(r.got[i], i, 100));
	link_rig_far_send(r.far, LINK_RIG_NEAR, 30, 100); /* the poll is armed again */
	rig_until(&r.rig, &r.received, 31);
	loop_link_ask_lost(&r.link);
	assert_int_equal(counted(LOOP_LINK_frames_lost), 0);
	down();
}

void link_a_slot_is_taken_back(void **state)
{
	up(state, 64);
	link_rig_lend(&r, 0, 3);
	rig_for_ms(&r.rig, 2);
	assert_ptr_equal(loop_link_recall(&r.link), &r.slots[2].frame);
	link_rig_far_send(r.far, LINK_RIG_NEAR, 7, 100);
	rig_until(&r.rig, &r.received, 1);
	assert_ptr_equal(r.got[0], &r.slots[1]);
	assert_ptr_equal(loop_link_recall(&r.link), &r.slots[0].frame);
	assert_null(loop_link_recall(&r.link));
	link_rig_far_send(r.far, LINK_RIG_NEAR, 8, 100);
	rig_for_ms(&r.rig, 20);
	assert_int_equal(r.received, 1);
	link_rig_lend(&r, 0, 1);
	rig_until(&r.rig, &r.received, 2);
	assert_true(link_rig_is(r.got[1], 8, 100));
	down();
}

void link_too_many_are_lost_and_counted(void **state)
{
	up(state, 2);
	for (unsigned i = 0; i < 200; i++)
		link_rig_far_send(r.far, LINK_RIG_NEAR, i, 4096);
	link_rig_lend(&r, 0, 200);
	rig_for_ms(&r.rig, 20);
	assert_in_range(r.received, 1, 199);
	loop_link_ask_lost(&r.link);
	assert_int_equal(counted(LOOP_LINK_frames_lost), 200 - r.received);
	loop_link_ask_lost(&r.link);
	assert_int_equal(counted(LOOP_LINK_frames_lost), 200 - r.received);
	down();
}

void link_one_is_cut(void **state)
{
	up(state, 64);
	link_rig_lend(&r, 0, 3);
	r.slots[1].iov[1].iov_len = 64;
	for (unsigned i = 0; i < 3; i++)
		link_rig_far_send(r.far, LINK_RIG_NEAR, i, 1000);
	rig_until(&r.rig, &r.received, 3);
	assert_true(link_rig_is(r.got[0], 0, 1000));
	assert_true(r.got[1]->frame.cut);
	assert_int_equal(r.got[1]->frame.bytes, 1000);
	assert_int_not_equal(r.got[1]->data[63], 0);
	assert_int_equal(r.got[1]->data[64], 0);
	assert_true(link_rig_is(r.got[2], 2, 1000));
	assert_int_equal(counted(LOOP_LINK_frames_cut), 1);
	down();
}

void link_tells_how_late_a_frame_is(void **state)
{
	struct instant sent_at;
	int64_t late_ms;

	up(state, 64);
	sent_at = loop_clock(r.rig.loop);
	link_rig_far_send(r.far, LINK_RIG_NEAR, 0, 100);
	usleep(30000);
	link_rig_lend(&r, 0, 1);
	rig_until(&r.rig, &r.received, 1);
	late_ms = span_to_ms(instant_since(loop_clock(r.rig.loop), r.got[0]->frame.came));
	assert_in_range(late_ms, 30, 5000);
	assert_in_range(span_to_ms(instant_since(r.got[0]->frame.came, sent_at)) + 1, 0, 20);
	down();
}

/* What is not for us: other types, other addresses, what we send ourselves. */
void link_hears_only_what_is_its_own(void **state)
{
	const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 }, many[6] = { 1, 0, 0x5e, 0, 0, 1 };
	uint8_t frame[100] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xa3 };
	uint8_t in[200];

	up(state, 64);
	link_rig_lend(&r, 0, 20);
	link_rig_try("ip link set near promisc on");
	link_rig_far_send(r.far, other, 0, 100);
	assert_int_equal(send(r.far, frame, sizeof(frame), 0), 100);
	link_rig_send(&r, 1, 100);
	rig_until(&r.rig, &r.sent, 1);
	assert_int_equal(link_rig_far_recv(r.far, in, sizeof(in)), 100);
	link_rig_far_send(r.far, LINK_RIG_NEAR, 2, 100);
	link_rig_far_send(r.far, many, 3, 100);
	link_rig_far_send(r.far, LINK_RIG_ALL, 4, 100);
	rig_until(&r.rig, &r.received, 3);
	rig_for_ms(&r.rig, 20);
	assert_int_equal(r.received, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(link_rig_is(r.got[i], 2 + i, 100));
	down();
}

static void tagged(uint8_t *frame)
{
	memcpy(frame, LINK_RIG_NEAR, 6);
	memcpy(frame + 6, LINK_RIG_FAR, 6);
	be32_put(frame + 12, 0x81000005);
	be16_put(frame + 16, LINK_RIG_TYPE);
}

void link_a_tag_belongs_to_its_own_interface(void **state)
{
	uint8_t frame[100] = { 0 };

	tagged(frame);
	up(state, 64);
	link_rig_lend(&r, 0, 4);
	assert_int_equal(send(r.far, frame, sizeof(frame), 0), 100);
	rig_for_ms(&r.rig, 20);
	assert_int_equal(r.received, 0); /* there is no interface for it */
	link_rig_far_send(r.far, LINK_RIG_NEAR, 0, 100);
	rig_until(&r.rig, &r.received, 1);
	down();
}

void link_a_vlan_is_an_interface(void **state)
{
	static struct link_rig parent;
	uint8_t frame[100] = { 0 }, in[200];
	int tagless;

	tagged(frame);
	link_rig_up(&r, *state);
	if (!link_rig_try("ip link add link near name near.5 type vlan id 5 2>/dev/null && "
			  "ip link add link far name far.5 type vlan id 5 && "
			  "ip link set near.5 up && ip link set far.5 up")) {
		printf("# this kernel has no VLAN interfaces\n");
		down();
		return;
	}
	parent = r;
	link_rig_open(&parent, "near", 64);
	link_rig_lend(&parent, 4, 4);
	link_rig_open(&r, "near.5", 64);
	tagless = link_rig_socket("far.5");
	link_rig_lend(&r, 0, 4);
	link_rig_far_send(r.far, LINK_RIG_NEAR, 1, 100);
	assert_int_equal(send(r.far, frame, sizeof(frame), 0), 100);
	link_rig_far_send(tagless, LINK_RIG_NEAR, 2, 100);
	rig_until(&r.rig, &r.received, 2);
	assert_int_equal(r.got[0]->frame.bytes, 96); /* the tag is gone */
	assert_true(link_rig_is(r.got[1], 2, 100));
	rig_for_ms(&r.rig, 20);
	assert_int_equal(parent.received, 1);
	assert_true(link_rig_is(parent.got[0], 1, 100));
	link_rig_send(&r, 3, 100);
	rig_until(&r.rig, &r.sent, 1);
	assert_int_equal(link_rig_far_recv(tagless, in, sizeof(in)), 100);
	close(tagless);
	loop_link_close(&parent.link);
	rig_until(&r.rig, &parent.closed, 1);
	down();
}

/* ---- frames that go ------------------------------------------------------ */

void link_a_turn_sends_all_at_once(void **state)
{
	uint8_t in[LINK_RIG_MTU + 14], want[LINK_RIG_MTU];

	up(state, 64);
	for (unsigned i = 0; i < 40; i++)
		link_rig_send(&r, i, 4096 + 36);
	assert_int_equal(r.sent, 0); /* never from inside send() */
	rig_until(&r.rig, &r.sent, 40);
	assert_int_equal(counted(LOOP_LINK_sends), 1);
	assert_int_equal(counted(LOOP_LINK_frames_sent), 40);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(r.res[i], 0);
		assert_int_equal(link_rig_far_recv(r.far, in, sizeof(in)), 4096 + 36);
		rig_fill(want, 4096 + 22, i);
		assert_memory_equal(in + 14, want, 4096 + 22);
		assert_memory_equal(in, LINK_RIG_FAR, 6);
	}
	down();
}

/* Around the lengths at which the kernel goes over to other memory. */
void link_sends_what_it_was_given(void **state)
{
	static const unsigned lengths[] = { 36,		  37,
					    60,		  100,
					    1060,	  3500,
					    3800,	  3900,
					    4000,	  4095,
					    4096,	  4097,
					    4131,	  4132,
					    4133,	  4200,
					    8192,	  8228,
					    8229,	  8740,
					    LINK_RIG_MTU, LINK_RIG_MTU + 14 };
	uint8_t in[LINK_RIG_MTU + 15], want[LINK_RIG_MTU];

	up(state, 64);
	for (unsigned i = 0; i < TABLE_LEN(lengths); i++)
		link_rig_send(&r, i, lengths[i]);
	rig_until(&r.rig, &r.sent, TABLE_LEN(lengths));
	for (unsigned i = 0; i < TABLE_LEN(lengths); i++) {
		assert_int_equal(r.res[i], 0);
		assert_int_equal(link_rig_far_recv(r.far, in, sizeof(in)), lengths[i]);
		rig_fill(want, lengths[i] - 14, i);
		assert_memory_equal(in + 14, want, lengths[i] - 14);
	}
	down();
}

/* In one piece a frame of little more than a page takes 8 KiB, and those are dear. */
void link_data_goes_in_pages(void **state)
{
	uint32_t mem[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(mem);

	if (sysconf(_SC_PAGESIZE) != 4096)
		skip();
	up(state, 64);
	link_rig_send(&r, 0, 4096 + 36);
	rig_until(&r.rig, &r.sent, 1);
	assert_int_equal(getsockopt(r.far, SOL_SOCKET, SO_MEMINFO, mem, &len), 0);
	assert_in_range(mem[SK_MEMINFO_RMEM_ALLOC], 4096, 8191);
	down();
}

void link_more_than_a_batch_goes(void **state)
{
	uint8_t in[200];

	up(state, 64);
	for (unsigned i = 0; i < 200; i++)
		link_rig_send(&r, i, 100);
	rig_until(&r.rig, &r.sent, 200);
	assert_int_equal(counted(LOOP_LINK_sends), 4);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(link_rig_far_recv(r.far, in, sizeof(in)), 100);
	down();
}

void link_one_that_is_too_long_stays_alone(void **state)
{
	uint8_t in[200];

	up(state, 64);
	link_rig_send(&r, 0, 100);
	link_rig_send(&r, 1, LINK_RIG_MTU + 14 + 1);
	link_rig_send(&r, 2, 100);
	rig_until(&r.rig, &r.sent, 3);
	assert_int_equal(r.res[0], 0);
	assert_int_equal(r.res[1], -EMSGSIZE);
	assert_int_equal(r.res[2], 0);
	assert_int_equal(counted(LOOP_LINK_frames_dropped_long), 1);
	assert_int_equal(link_rig_far_recv(r.far, in, sizeof(in)), 100);
	assert_int_equal(link_rig_far_recv(r.far, in, sizeof(in)), 100);
	down();
}

void link_a_full_queue_drops(void **state)
{
	up(state, 64);
	if (!link_rig_try("tc qdisc add dev near root tbf rate 8kbit burst 10000 limit 20000 "
			  "2>/dev/null")) {
		printf("# no tc(8), or no token bucket in this kernel\n");
		down();
		return;
	}
	for (unsigned i = 0; i < 60; i++)
		link_rig_send(&r, i, 4096);
	rig_until(&r.rig, &r.sent, 60);
	assert_in_range(counted(LOOP_LINK_frames_sent), 1, 30);
	assert_int_equal(counted(LOOP_LINK_frames_dropped_full),
			 60 - counted(LOOP_LINK_frames_sent));
	assert_int_equal(r.res[59], -ENOBUFS);
	assert_in_range(rig_turns_in(&r.rig, 200), 1, 3); /* and nobody tries again */
	down();
}
