/* SPDX-License-Identifier: BSD-3-Clause
 *
 * drv_hand.c - see drv_hand.h.  The letters of a loop lie in one list, by the
 * instant at which they arrive; a job runs in the turn after it was submitted.
 */
#include "config.h"

#include "tests/unit/gateway/core/drv_hand.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "gateway/loop/loop.h"

struct drv {
	struct loop *loop;
	unsigned index;
	struct loop_mail *mail;
	int64_t last_due[HAND_LOOPS + 1]; /* by sender */
	struct drv_op *first, *last;
};

static struct {
	int64_t now;
	uint64_t seed, delay;
	unsigned at;
	struct drv *drv[HAND_LOOPS];
	struct drv_fs *fs;
} hand;

void drv_hand_reset(uint64_t seed)
{
	memset(&hand, 0, sizeof(hand));
	hand.seed = seed;
	hand.now = 1000000000;
	hand.at = HAND_NOBODY;
}

void drv_hand_use_fs(struct drv_fs *fs)
{
	hand.fs = fs;
}

void drv_hand_delay(uint64_t max_ns)
{
	hand.delay = max_ns;
}

unsigned drv_hand_at(unsigned index)
{
	unsigned before = hand.at;

	hand.at = index;
	return before;
}

int64_t drv_hand_now(void)
{
	return hand.now;
}

void drv_hand_set_now(int64_t ns)
{
	GW_CHECK(ns >= hand.now);
	hand.now = ns;
}

uint64_t drv_hand_random(void)
{
	uint64_t z = (hand.seed += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

int64_t drv_hand_due(unsigned index)
{
	const struct drv *drv = hand.drv[index];

	if (drv->first)
		return 0;
	return drv->mail ? (int64_t)drv->mail->due : INT64_MAX;
}

bool drv_hand_ready(unsigned index)
{
	return drv_hand_due(index) <= hand.now;
}

/* ---- the driver --------------------------------------------------------- */

static int create(struct loop *loop, struct loop_pool *pool, struct drv **out, struct gw_err *err)
{
	struct drv *drv = calloc(1, sizeof(*drv));

	(void)pool;
	(void)err;
	GW_CHECK(drv && loop_index(loop) < HAND_LOOPS);
	drv->loop = loop;
	drv->index = loop_index(loop);
	hand.drv[drv->index] = drv;
	*out = drv;
	return 0;
}

static void destroy(struct drv **address)
{
	struct drv *drv = *address;

	if (!drv)
		return;
	GW_CHECK(!drv->mail && !drv->first);
	hand.drv[drv->index] = NULL;
	free(drv);
	*address = NULL;
}

static void submit(struct drv *drv, struct drv_op *op)
{
	GW_CHECK(op->kind == DRV_JOB && !op->busy);
	op->busy = 1;
	op->next = NULL;
	*(drv->last ? &drv->last->next : &drv->first) = op;
	drv->last = op;
}

static void cancel(struct drv *drv, struct drv_op *op)
{
	(void)drv;
	(void)op;
}

static void post(struct drv *drv, struct loop_mail *mail)
{
	int64_t *last = &drv->last_due[hand.at];
	int64_t due = hand.now;
	struct loop_mail **at = &drv->mail;

	if (hand.delay && drv_hand_random() % 2)
		due += (int64_t)(drv_hand_random() % hand.delay);
	if (due < *last)
		due = *last;
	*last = due;
	mail->due = (uint64_t)due;
	while (*at && (*at)->due <= mail->due)
		at = &(*at)->next;
	mail->next = *at;
	*at = mail;
}

static unsigned run_jobs(struct drv *drv)
{
	struct drv_op *op, *next = drv->first;
	unsigned ran = 0, at = hand.at;
	int64_t res;

	drv->first = drv->last = NULL;
	for (; (op = next); ran++) {
		next = op->next;
		op->busy = 0;
		hand.at = HAND_NOBODY; /* a helper is no loop's home */
		res = op->job(op);
		hand.at = at;
		op->done(op, res);
	}
	return ran;
}

static unsigned turn(struct drv *drv, struct instant until)
{
	unsigned ran, due = 0;

	(void)until;
	loop_reaped(drv->loop);
	for (struct loop_mail *m = drv->mail; m && (int64_t)m->due <= hand.now; m = m->next)
		due++;
	ran = run_jobs(drv);
	for (; due; due--, ran++) {
		struct loop_mail *mail = drv->mail;

		drv->mail = mail->next;
		mail->run(mail);
	}
	return ran;
}

static bool is_home(const struct drv *drv)
{
	return hand.at == drv->index;
}

static struct instant now(struct drv *drv)
{
	(void)drv;
	return (struct instant){ hand.now };
}

static struct drv_fs *fs(struct drv *drv)
{
	static struct drv_fs none;

	(void)drv;
	return hand.fs ? hand.fs : &none;
}

static bool peek(struct drv *drv, void *to, const void *lent, size_t bytes)
{
	(void)drv;
	memcpy(to, lent, bytes);
	return true;
}

const struct drv_ops drv_hand = {
	.name = "hand",
	.create = create,
	.destroy = destroy,
	.submit = submit,
	.cancel = cancel,
	.turn = turn,
	.peek = peek,
	.is_home = is_home,
	.post = post,
	.now = now,
	.fs = fs,
};
