/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fence_race_test.c - the same with real threads, for the thread sanitizer: on each
 * loop a client counts one block up and writes beside the others into one block of
 * the store, comes and goes, while the volume is listed, goes offline and comes
 * back, and is removed at the end.
 */
#include "config.h"

#include <stdatomic.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/core/core.h"
#include "gateway/core/registry.h"
#include "tests/harness/fake_store.h"
#include "tests/harness/harness.h"

#define LOOPS 4
#define DEEP 8 /* requests of one client at a time */
#define SIZE 65536u

struct client;

struct slot {
	struct client *client;
	struct gw_req *req;
};

struct client {
	struct loop *loop;
	unsigned index, left, running, visits;
	struct gw_nexus *nexus;
	struct gw_itl *itl;
	struct slot slot[DEEP];
	struct loop_mail mail;
	struct loop_timer timer;
};

static struct gw *gw;
static struct loop_set *set;
static struct fake_store *fake;
static struct client client[LOOPS];
static atomic_uint finished, added, errors;

static void join(struct client *c);

static enum gw_status count_up(struct gw_req *req, struct gw_mem *old, uint64_t *info)
{
	uint64_t n;

	(void)req;
	(void)info;
	gw_mem_copy_out(old, 0, &n, 8);
	n++;
	gw_mem_copy_in(old, 0, &n, 8);
	atomic_fetch_add(&added, 1);
	return GW_OK;
}

static void rest(struct loop_timer *timer)
{
	join((struct client *)((uint8_t *)timer - offsetof(struct client, timer)));
}

/* All of this visit is done: goes, and comes back after a while. */
static void leave(struct client *c)
{
	gw_itl_close(&c->itl);
	gw_nexus_close(&c->nexus);
	if (--c->visits) {
		loop_timer_init(&c->timer, rest);
		loop_timer_arm(c->loop, &c->timer, instant_add(loop_now(c->loop), span_ms(2)));
		return;
	}
	atomic_fetch_add(&finished, 1);
}

static void next(struct slot *slot);

static void done(struct gw_req *req)
{
	struct slot *slot = req->owner;
	struct client *c = slot->client;

	if (req->status == GW_NOT_READY)
		c->left++; /* again, until the volume is back */
	else if (req->status != GW_OK)
		atomic_fetch_add(&errors, 1);
	gw_req_put(&slot->req);
	c->running--;
	if (c->left)
		next(slot);
	else if (!c->running)
		leave(c);
}

static void next(struct slot *slot)
{
	struct client *c = slot->client;
	struct gw_req *req = gw_req_take(c->itl);

	c->left--;
	c->running++;
	slot->req = req;
	req->done = done;
	req->owner = slot;
	req->length = 512;
	if (c->left % 3 == 0) {
		req->op = GW_MODIFY;
		req->modify = count_up;
	} else {
		static uint8_t bytes[LOOPS][4096] __attribute__((aligned(4096)));

		memset(bytes[c->index], (int)c->index + 1, 512);
		req->op = c->left % 3 == 1 ? GW_WRITE : GW_ZERO;
		req->offset = 512 + 512 * c->index;
		if (c->left % 5 == 0)
			req->offset += 4096;
		if (req->op == GW_WRITE)
			gw_mem_add(&req->data, NULL, bytes[c->index], 512);
		req->flags = c->left % 7 == 0 ? GW_FUA : 0;
	}
	gw_req_submit(req);
}

static void ready(struct gw_itl *itl, void *owner, enum gw_status status)
{
	struct client *c = owner;

	(void)itl;
	if (status != GW_OK)
		atomic_fetch_add(&errors, 1);
	c->left = 300;
	for (unsigned i = 0; i < DEEP; i++)
		next(&c->slot[i]);
}

static const struct gw_itl_ops itl_ops = { .ready = ready };

static void join(struct client *c)
{
	struct gw_nexus_names names = { "test", "initiator", "target" };

	c->nexus = gw_nexus_open(gw, c->loop, &names);
	c->itl = gw_itl_open(c->nexus, fake->arg, false, &itl_ops, c);
}

static void join_mail(struct loop_mail *mail)
{
	join((struct client *)((uint8_t *)mail - offsetof(struct client, mail)));
}

/* ---- loop 0 ------------------------------------------------------------- */

struct admin {
	struct gw_admin_op op;
	bool ended;
};

static void admin_done(struct gw_admin_op *op)
{
	((struct admin *)op)->ended = true;
}

static void turn(void)
{
	struct loop *loop = loop_set_get(set, 0);

	loop_turn(loop, instant_add(loop_clock(loop), span_ms(1)));
}

static int wait(struct admin *admin)
{
	while (!admin->ended)
		turn();
	return admin->op.rc;
}

static void no_record(struct gw_out *out, const char *kind)
{
	(void)out;
	(void)kind;
}
static void no_text(struct gw_out *out, const char *key, const char *value)
{
	(void)out;
	(void)key;
	(void)value;
}
static void no_number(struct gw_out *out, const char *key, uint64_t value)
{
	(void)out;
	(void)key;
	(void)value;
}
static void no_truth(struct gw_out *out, const char *key, bool value)
{
	(void)out;
	(void)key;
	(void)value;
}

static const struct gw_out_ops out_ops = { no_record, no_text, no_number, no_truth };

/* A list goes round while the volume goes, or comes back. */
static void refresh_and_list(int rc)
{
	struct gw_out out = { .ops = &out_ops };
	struct admin refresh = { .op.done = admin_done }, list = { .op.done = admin_done };

	fake->refresh_rc = rc;
	gw_volume_refresh(gw, "v", &refresh.op);
	gw_list_volumes(gw, &out, &list.op);
	wait(&refresh);
	wait(&list);
}

static void add_volume(void)
{
	struct gw_volume_want want = { .name = "v", .store = "fake", .args.target = "v" };
	struct admin add = { .op.done = admin_done };

	gw_volume_add(gw, &want, &add.op);
	assert_int_equal(wait(&add), 0);
	fake->arg = gw_volume_find(gw, "v");
}

static void remove_volume(void)
{
	struct admin remove = { .op.done = admin_done };
	struct instant until = instant_add(loop_clock(loop_set_get(set, 0)), span_s(60));

	gw_volume_remove(gw, "v", until, &remove.op);
	if (wait(&remove))
		fail_msg("%s", remove.op.err.text);
}

static void make_gateway(void)
{
	struct gw_limits limits = { 0 };
	struct gw_err err = { 0 };

	gw_registry_add_store(&fake_store_ops, &err);
	log_set_all(LOG_LEVEL_ERROR);
	if (loop_set_create(LOOPS, &drv_aio, &set, &err))
		fail_msg("%s", err.text);
	assert_int_equal(gw_create(set, &limits, &gw, &err), 0);
	assert_int_equal(loop_set_start(set, &err), 0);
	fake = fake_store_new("v", SIZE);
	fake->info.align_bytes = 4096;
	fake->info.volatile_cache = true;
	fake->when = FAKE_MIXED;
}

static void threads(void **state)
{
	uint64_t count;

	(void)state;
	make_gateway();
	add_volume();
	for (unsigned i = 0; i < LOOPS; i++) {
		client[i] =
			(struct client){ .loop = loop_set_get(set, i), .index = i, .visits = 10 };
		for (unsigned k = 0; k < DEEP; k++)
			client[i].slot[k].client = &client[i];
		client[i].mail.run = join_mail;
		loop_post(client[i].loop, &client[i].mail);
	}
	while (atomic_load(&finished) < LOOPS) {
		for (unsigned i = 0; i < 20; i++)
			turn();
		refresh_and_list(-5);
		refresh_and_list(0);
	}
	remove_volume();
	assert_int_equal(atomic_load(&errors), 0);
	assert_true(atomic_load(&added) > 1000);
	memcpy(&count, fake->bytes, 8);
	assert_int_equal(count, atomic_load(&added));
	assert_string_equal(fake_store_breach(fake), "");
	loop_set_stop(set);
	loop_set_run(set);
	gw_destroy(&gw);
	loop_set_destroy(&set);
	fake_store_free(&fake);
}

HARNESS_MAIN(cmocka_unit_test(threads))
