/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames: ours (frames.h), all of a link and its loop: the poll, the turn, the
 * batch, the callback, the slot lent anew.
 */
#include "config.h"

#include "tests/bench/frames.h"

#include <stdio.h>

#include "gateway/loop/loop_link.h"
#include "gateway/loop/loop_set.h"

struct slot {
	struct drv_frame frame;
	struct iovec iov[2];
	uint8_t head[FRAMES_HEAD];
};

static struct slot slots[FRAMES_BURST];
static uint8_t places[FRAMES_BURST][FRAMES_DATA];
static struct loop_set *set;
static struct loop *loop;
static struct loop_link link_;
static unsigned came;
static bool gone;

static void lend(struct slot *slot)
{
	slot->iov[0] = (struct iovec){ slot->head, FRAMES_HEAD };
	slot->iov[1] = (struct iovec){ places[slot - slots], FRAMES_DATA };
	slot->frame.iov = slot->iov;
	slot->frame.niov = 2;
	loop_link_lend(&link_, &slot->frame);
}

static void received(struct loop_link *link, struct drv_frame *const *frames, unsigned n)
{
	(void)link;
	for (unsigned i = 0; i < n; i++)
		lend((struct slot *)frames[i]);
	came += n;
}

static void sent(struct loop_link *link, struct drv_frame *frame)
{
	(void)link;
	(void)frame;
}

static void changed(struct loop_link *link, const struct drv_link_facts *was)
{
	(void)link;
	(void)was;
}

static void closed(struct loop_link *link)
{
	(void)link;
	gone = true;
}

static const struct loop_link_ops ops = { received, sent, changed, closed };

static bool open_on(const struct drv_ops *drv, const char *interface, unsigned batch)
{
	struct drv_link_want want = { interface, FRAMES_TYPE, 2 * FRAMES_BURST, FRAMES_BURST };
	struct gw_err err;

	gone = false;
	if (loop_set_create(1, drv, &set, &err)) {
		fprintf(stderr, "frames: %s\n", err.text);
		return false;
	}
	loop = loop_set_get(set, 0);
	if (loop_link_open(&link_, loop, &want, &ops, NULL, &err)) {
		fprintf(stderr, "frames: %s\n", err.text);
		loop_set_destroy(&set);
		return false;
	}
	loop_link_start(&link_);
	for (unsigned i = 0; i < batch; i++)
		lend(&slots[i]);
	return true;
}

static bool open_uring(const char *interface, unsigned batch)
{
	return open_on(&drv_uring, interface, batch);
}

static bool open_aio(const char *interface, unsigned batch)
{
	return open_on(&drv_aio, interface, batch);
}

static unsigned take(void)
{
	came = 0;
	loop_turn(loop, (struct instant){ 0 });
	return came;
}

static void close_all(void)
{
	loop_link_close(&link_);
	while (!gone)
		loop_turn(loop, (struct instant){ 0 });
	loop_set_destroy(&set);
}

const struct frames_way frames_link = { "link", open_uring, take, close_all };
const struct frames_way frames_link_aio = { "link aio", open_aio, take, close_all };
