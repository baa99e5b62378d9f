/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames in batches (loop_link.h).  A poll stays armed as long as there are
 * slots; one wake-up that finds none disarms it, so that a flood which nobody
 * can take costs nothing.  A batch that was full leaves the next one to the
 * loop's task, that is, to a later round of this turn or to the next turn.
 *
 *	poll ─▶ take: received() ─┬─▶ full: task ─▶ take ...
 *	                          └─▶ all taken: wait for the poll
 *	task: look, take, flush: sent(), arm, finish: closed()
 */
#include "config.h"

#include "gateway/loop/loop_link.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "gateway/base/check.h"
#include "gateway/base/log.h"

#define AGAIN_S 1

const struct counter_row loop_link_rows[LOOP_LINK_COUNTS] = {
#define COUNTER(name, help) { #name, "", help },
#include "gateway/loop/loop_link_counts.tbl"
#undef COUNTER
};

#define OF(ptr, member) ((struct loop_link *)((char *)(ptr)-offsetof(struct loop_link, member)))

static void count(struct loop_link *link, enum loop_link_count which, uint64_t n)
{
	if (n)
		counter_add(&link->counts[which], n);
}

/* ---- frames that come ---------------------------------------------------- */

static unsigned borrow(struct loop_link *link, struct drv_frame **batch)
{
	struct drv_frame *frame = STAILQ_FIRST(&link->slots);
	unsigned n = 0;

	for (; frame && n < DRV_LINK_BATCH; frame = STAILQ_NEXT(frame, link))
		batch[n++] = frame;
	return n;
}

static void take(struct loop_link *link)
{
	struct drv_frame *batch[DRV_LINK_BATCH];
	unsigned n = borrow(link, batch), got, cut = 0;

	if (!n || !link->readable || link->closing)
		return;
	got = link->links->ops->take(link->links, &link->link, batch, n);
	link->readable = got == n;
	if (!got)
		return;
	for (unsigned i = 0; i < got; i++) {
		STAILQ_REMOVE_HEAD(&link->slots, link);
		cut += batch[i]->cut;
	}
	count(link, LOOP_LINK_receives, 1);
	count(link, LOOP_LINK_frames_received, got);
	count(link, LOOP_LINK_frames_cut, cut);
	link->ops->received(link, batch, got);
	if (link->readable)
		loop_defer(link->loop, &link->task);
}

/* ---- frames that go ------------------------------------------------------ */

static enum loop_link_count fate(int res)
{
	switch (-res) {
	case 0:
		return LOOP_LINK_frames_sent;
	case ENETDOWN:
	case ENXIO:
	case ENODEV:
		return LOOP_LINK_frames_dropped_down;
	case EMSGSIZE:
	case EINVAL:
		return LOOP_LINK_frames_dropped_long;
	default: /* ENOBUFS, EAGAIN, ENOMEM */
		return LOOP_LINK_frames_dropped_full;
	}
}

static void flush(struct loop_link *link)
{
	struct drv_frame *batch[DRV_LINK_BATCH];
	unsigned n = 0;

	while (n < DRV_LINK_BATCH && !STAILQ_EMPTY(&link->queue)) {
		batch[n++] = STAILQ_FIRST(&link->queue);
		STAILQ_REMOVE_HEAD(&link->queue, link);
	}
	if (!n)
		return;
	link->links->ops->give(link->links, &link->link, batch, n);
	count(link, LOOP_LINK_sends, 1);
	for (unsigned i = 0; i < n; i++) {
		count(link, fate(batch[i]->res), 1);
		if (batch[i]->res == -EFAULT)
			loop_torn(link->loop);
		link->ops->sent(link, batch[i]);
	}
	if (!STAILQ_EMPTY(&link->queue))
		loop_defer(link->loop, &link->task);
}

/* ---- the interface ------------------------------------------------------- */

static bool is_same(const struct drv_link_facts *a, const struct drv_link_facts *b)
{
	return a->index == b->index && a->mtu_bytes == b->mtu_bytes && a->up == b->up &&
	       !memcmp(a->mac, b->mac, sizeof(a->mac));
}

static void tell_log(const struct loop_link *link, const struct drv_link_facts *was)
{
	const struct drv_link_facts *now = &link->facts;

	if (!now->index)
		log_warn(LOOP, "%s: the interface is gone", link->link.name);
	else if (now->index != was->index)
		log_note(LOOP, "%s: the interface is there again, MTU %u", link->link.name,
			 now->mtu_bytes);
	else if (now->up != was->up)
		log_note(LOOP, "%s: the link is %s", link->link.name, now->up ? "up" : "down");
	else
		log_note(LOOP, "%s: MTU or address were changed", link->link.name);
}

static void look(struct loop_link *link)
{
	struct drv_link_facts was = link->facts;

	if (!link->stale || link->closing)
		return;
	link->stale = !link->links->ops->hear(link->links, &link->link);
	link->links->ops->look(link->links, &link->link, &link->facts);
	if (link->stale)
		loop_defer(link->loop, &link->task);
	if (is_same(&was, &link->facts))
		return;
	count(link, LOOP_LINK_changes, 1);
	tell_log(link, &was);
	link->ops->changed(link, &was);
}

/* ---- what is armed ------------------------------------------------------- */

static void arm(struct loop_link *link, struct loop_link_ear *ear)
{
	if (ear->armed || link->closing || loop_timer_armed(&link->again))
		return;
	ear->armed = true;
	loop_submit(link->loop, &ear->op);
}

static void disarm(struct loop_link *link, struct loop_link_ear *ear)
{
	if (ear->armed)
		loop_cancel(link->loop, &ear->op);
}

/* The poll is over: we took it back, or it failed. */
static void fell_silent(struct loop_link *link, struct loop_link_ear *ear, int64_t res)
{
	ear->armed = false;
	if (res != -ECANCELED && !link->closing) {
		log_warn(LOOP, "%s: cannot wait for frames (error %lld); trying again",
			 link->link.name, (long long)-res);
		loop_timer_arm(link->loop, &link->again,
			       instant_add(loop_now(link->loop), span_s(AGAIN_S)));
	}
	loop_defer(link->loop, &link->task);
}

static void rx_told(struct drv_op *op, int64_t res)
{
	struct loop_link *link = OF(op, rx.op);

	if (res < 0) {
		fell_silent(link, &link->rx, res);
		return;
	}
	link->readable = true;
	if (!STAILQ_EMPTY(&link->slots)) {
		take(link);
		return;
	}
	count(link, LOOP_LINK_starved, 1);
	disarm(link, &link->rx);
}

static void news_told(struct drv_op *op, int64_t res)
{
	struct loop_link *link = OF(op, news.op);

	if (res < 0) {
		fell_silent(link, &link->news, res);
		return;
	}
	link->stale = true;
	loop_defer(link->loop, &link->task);
}

static void try_again(struct loop_timer *timer)
{
	struct loop_link *link = OF(timer, again);

	loop_defer(link->loop, &link->task);
}

/* ---- the end of a turn --------------------------------------------------- */

/* The last that is done for a link. */
static void finish(struct loop_link *link)
{
	if (link->rx.armed || link->news.armed || !STAILQ_EMPTY(&link->queue))
		return;
	loop_defer_cancel(link->loop, &link->task);
	link->links->ops->close(link->links, &link->link);
	STAILQ_INIT(&link->slots);
	link->ops->closed(link);
}

static void run(struct loop_task *task)
{
	struct loop_link *link = OF(task, task);

	look(link);
	take(link);
	flush(link);
	arm(link, &link->news);
	if (!STAILQ_EMPTY(&link->slots))
		arm(link, &link->rx);
	if (link->closing)
		finish(link);
}

/* ---- life ---------------------------------------------------------------- */

int loop_link_open(struct loop_link *link, struct loop *loop, const struct drv_link_want *want,
		   const struct loop_link_ops *ops, void *owner, struct gw_err *err)
{
	struct drv_links *links = loop_links(loop);
	int rc;

	*link = (struct loop_link){ .ops = ops, .owner = owner, .loop = loop, .links = links };
	STAILQ_INIT(&link->slots);
	STAILQ_INIT(&link->queue);
	loop_timer_init(&link->again, try_again);
	link->task.run = run;
	if (!links)
		return gw_err_set(err, ENOTSUP, "%s: there are no frames here", want->name);
	rc = links->ops->open(links, want, &link->link, &link->facts, err);
	if (rc)
		return rc;
	link->rx.op = (struct drv_op){
		.done = rx_told, .kind = DRV_POLL, .sock = link->link.sock, .events = DRV_POLL_IN
	};
	link->news.op = (struct drv_op){
		.done = news_told, .kind = DRV_POLL, .sock = link->link.news, .events = DRV_POLL_IN
	};
	return 0;
}

void loop_link_start(struct loop_link *link)
{
	link->stale = true; /* it may have changed since it was opened */
	loop_defer(link->loop, &link->task);
}

void loop_link_drop(struct loop_link *link)
{
	link->links->ops->close(link->links, &link->link);
}

void loop_link_lend(struct loop_link *link, struct drv_frame *frame)
{
	GW_CHECK(!link->closing);
	STAILQ_INSERT_HEAD(&link->slots, frame, link);
	if (link->readable || !link->rx.armed)
		loop_defer(link->loop, &link->task);
}

struct drv_frame *loop_link_recall(struct loop_link *link)
{
	struct drv_frame *frame = STAILQ_FIRST(&link->slots);

	if (frame)
		STAILQ_REMOVE_HEAD(&link->slots, link);
	return frame;
}

void loop_link_send(struct loop_link *link, struct drv_frame *frame)
{
	GW_CHECK(!link->closing);
	STAILQ_INSERT_TAIL(&link->queue, frame, link);
	loop_defer(link->loop, &link->task);
}

void loop_link_ask_lost(struct loop_link *link)
{
	count(link, LOOP_LINK_frames_lost, link->links->ops->lost(link->links, &link->link));
}

void loop_link_close(struct loop_link *link)
{
	if (link->closing)
		return;
	link->closing = true;
	loop_timer_disarm(link->loop, &link->again);
	disarm(link, &link->rx);
	disarm(link, &link->news);
	loop_defer(link->loop, &link->task);
}
