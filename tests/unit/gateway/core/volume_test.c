/* SPDX-License-Identifier: BSD-3-Clause
 *
 * volume_test.c - the life of a volume: add, refresh, remove, with requests in
 * flight and lists under way, and every error on the road leaving nothing behind.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/gateway/core/core_rig.h"

#define SIZE 65536u
#define LOOPS 4

static struct rig rig;
static struct fake_store *fake;
static struct gw_err err;

static int begin(void **state)
{
	(void)state;
	fake_store_forget_all();
	rig_begin(&rig, LOOPS, 1, NULL);
	drv_hand_delay(1000000);
	fake = fake_store_new("v", SIZE);
	fake->info.volatile_cache = true;
	return 0;
}

static int end(void **state)
{
	(void)state;
	if (rig.volume) {
		rig_unhold(&rig, fake);
		rig_assert_idle(&rig);
		rig_down(&rig, "v");
	}
	assert_int_equal(fake->opens, fake->closes);
	assert_string_equal(fake_store_breach(fake), "");
	fake_store_free(&fake);
	rig_end(&rig);
	return 0;
}

/* ---- lists -------------------------------------------------------------- */

struct record {
	char name[64], state[16];
	uint64_t size, reads, writes, written, in_flight, nexuses, errors;
	bool read_only, write_cache;
};

struct listing {
	struct gw_out out;
	struct admin admin;
	unsigned n;
	struct record record[8];
};

static void out_record(struct gw_out *out, const char *kind)
{
	struct listing *l = (struct listing *)out;

	assert_string_equal(kind, "volume");
	assert_true(l->n < 8);
	memset(&l->record[l->n++], 0, sizeof(l->record[0]));
}

static void out_text(struct gw_out *out, const char *key, const char *value)
{
	struct record *r = &((struct listing *)out)->record[((struct listing *)out)->n - 1];

	if (strcmp(key, "name") == 0)
		snprintf(r->name, sizeof(r->name), "%s", value);
	if (strcmp(key, "state") == 0)
		snprintf(r->state, sizeof(r->state), "%s", value);
}

static void out_number(struct gw_out *out, const char *key, uint64_t value)
{
	struct record *r = &((struct listing *)out)->record[((struct listing *)out)->n - 1];
	const struct {
		const char *key;
		uint64_t *to;
	} rows[] = {
		{ "size_bytes", &r->size },	{ "reads", &r->reads },
		{ "writes", &r->writes },	{ "written_bytes", &r->written },
		{ "in_flight", &r->in_flight }, { "nexuses", &r->nexuses },
		{ "errors", &r->errors },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(key, rows[i].key) == 0)
			*rows[i].to = value;
}

static void out_truth(struct gw_out *out, const char *key, bool value)
{
	struct record *r = &((struct listing *)out)->record[((struct listing *)out)->n - 1];

	if (strcmp(key, "read_only") == 0)
		r->read_only = value;
	if (strcmp(key, "write_cache") == 0)
		r->write_cache = value;
}

static const struct gw_out_ops out_ops = { out_record, out_text, out_number, out_truth };

static void list_begin(struct listing *l)
{
	*l = (struct listing){ .out.ops = &out_ops };
	rig_admin_init(&l->admin);
	drv_hand_at(0);
	gw_list_volumes(rig.gw, &l->out, &l->admin.op);
}

static struct record list_one(void)
{
	struct listing l;

	list_begin(&l);
	assert_int_equal(rig_wait(&rig, &l.admin), 0);
	assert_int_equal(l.n, 1);
	return l.record[0];
}

/* ---- add ---------------------------------------------------------------- */

static void refused(void **state)
{
	struct gw_volume_want want = { .name = "v", .store = "nobody", .args.target = "v" };
	char name[GW_NAME_MAX + 1];
	struct admin admin;

	(void)state;
	rig_admin_init(&admin);
	gw_volume_add(rig.gw, &want, &admin.op);
	assert_int_equal(admin.ended, 0); /* never from inside */
	assert_int_equal(rig_wait(&rig, &admin), -EINVAL);
	assert_string_equal(admin.op.err.text, "volume v: no store is named nobody");
	assert_int_equal(rig_add(&rig, "", 512, false, false, &err), -EINVAL);
	memset(name, 'x', GW_NAME_MAX);
	name[GW_NAME_MAX] = 0;
	assert_int_equal(rig_add(&rig, name, 512, false, false, &err), -EINVAL);
	assert_int_equal(rig_add(&rig, "w", 512, false, false, &err), -ENOENT);
	assert_string_equal(err.text, "w: no such fake");
	assert_int_equal(rig_remove(&rig, "w", 100, &err), -ENOENT);
	assert_string_equal(err.text, "there is no volume named w");
	assert_int_equal(rig_refresh(&rig, "w"), -ENOENT);
	assert_int_equal(gw_volume_dirty_bytes(rig.gw, "w"), 0);
}

static void name_is_taken(void **state)
{
	(void)state;
	rig_up(&rig, "v", 0);
	assert_int_equal(rig_add(&rig, "v", 512, false, false, &err), -EEXIST);
	assert_string_equal(err.text, "there is a volume named v already");
	assert_int_equal(fake->opens, 1);
}

static void open_fails(void **state)
{
	(void)state;
	fake->open_rc = -EACCES;
	assert_int_equal(rig_add(&rig, "v", 512, false, false, &err), -EACCES);
	assert_string_equal(err.text, "v: Permission denied");
	assert_null(gw_volume_find(rig.gw, "v"));
	fake->open_rc = 0;
	rig_up(&rig, "v", 512);
}

static void a_lane_fails(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= LOOPS; i++) {
		fake->lane_fails_at = i;
		assert_int_equal(rig_add(&rig, "v", 512, false, false, &err), -ENOMEM);
		assert_non_null(strstr(err.text, "no lane on loop"));
		assert_null(gw_volume_find(rig.gw, "v"));
		assert_int_equal(fake->lanes, 0);
	}
	fake->lane_fails_at = 0;
	rig_up(&rig, "v", 512);
}

/* A list that saw the volume being made is still on its way when that fails. */
static void listed_while_it_fails(void **state)
{
	struct gw_volume_want want = { .name = "v", .store = "fake", .args.target = "v" };

	(void)state;
	for (unsigned how = 0; how < 2 + LOOPS; how++)
		for (unsigned when = 0; when < 20; when++) {
			struct listing l[8];
			struct admin admin;
			unsigned n = 0;

			fake->open_rc = how == 0 ? -EIO : 0;
			fake->info.align_bytes = how == 1 ? 3 : 1;
			fake->lane_fails_at = how > 1 ? how - 1 : 0;
			rig_admin_init(&admin);
			drv_hand_at(0);
			gw_volume_add(rig.gw, &want, &admin.op);
			for (unsigned i = 0; i < when; i++)
				if (!rig_step(&rig))
					drv_hand_set_now(drv_hand_now() + 100000);
			while (n < 8) {
				list_begin(&l[n++]);
				rig_step(&rig);
			}
			assert_true(rig_wait(&rig, &admin) < 0);
			for (unsigned i = 0; i < n; i++)
				assert_int_equal(rig_wait(&rig, &l[i].admin), 0);
		}
	fake->info.align_bytes = 1;
}

static void as_it_is(void **state)
{
	const struct gw_facts *facts;
	struct record r;

	(void)state;
	fake->info.block_bytes = 4096;
	fake->info.optimal_bytes = 65536;
	fake->info.rotational = true;
	rig_up(&rig, "v", 0);
	facts = gw_itl_facts(rig.itl[3]);
	assert_int_equal(facts->block_bytes, 4096);
	assert_int_equal(facts->optimal_bytes, 65536);
	assert_int_equal(facts->size_bytes, SIZE);
	assert_true(facts->write_cache && !facts->read_only);
	assert_int_equal(facts->caps, GW_CAP_MULTI | GW_CAP_UNMAP | GW_CAP_EXTENTS |
					      GW_CAP_PREFETCH | GW_CAP_FAST_ZERO |
					      GW_CAP_ROTATIONAL);
	assert_string_equal(gw_volume_name(rig.volume), "v");
	assert_ptr_equal(gw_itl_volume(rig.itl[1]), rig.volume);
	r = list_one();
	assert_string_equal(r.name, "v");
	assert_string_equal(r.state, "online");
	assert_int_equal(r.nexuses, LOOPS);
	assert_int_equal(r.size, SIZE);
}

static void found_by_name(void **state)
{
	struct gw_who who = { .protocol = "test" };
	struct fake_store *other = fake_store_new("w", SIZE);
	struct gw_grant grant;

	(void)state;
	assert_false(gw_access_find(rig.gw, &who, "", &grant));
	rig_up(&rig, "v", 512);
	assert_true(gw_access_find(rig.gw, &who, "", &grant));
	assert_ptr_equal(grant.volume, rig.volume);
	gw_grant_release(&grant);
	assert_int_equal(rig_add(&rig, "w", 512, false, true, &err), 0);
	assert_false(gw_access_find(rig.gw, &who, "", &grant)); /* which? */
	assert_true(gw_access_find(rig.gw, &who, "w", &grant) && grant.read_only);
	gw_grant_release(&grant);
	assert_false(gw_access_find(rig.gw, &who, "x", &grant));
	assert_int_equal(rig_remove(&rig, "w", 1000, &err), 0);
	assert_false(gw_access_find(rig.gw, &who, "w", &grant));
	fake_store_free(&other);
}

/* ---- refresh ------------------------------------------------------------ */

static void grows(void **state)
{
	struct call call = { 0 };

	(void)state;
	rig_up(&rig, "v", 512);
	assert_int_equal(rig_refresh(&rig, "v"), 0); /* nothing changed */
	assert_int_equal(rig.events[GW_EVENT_RESIZED], 0);
	fake_store_resize(fake, 2 * SIZE + 100);
	rig_write(&rig, 2, &call, SIZE, 512, 1);
	assert_int_equal(rig_result(&rig, &call), GW_OUT_OF_RANGE);
	assert_int_equal(rig_refresh(&rig, "v"), 0);
	assert_int_equal(rig.events[GW_EVENT_RESIZED], LOOPS);
	assert_int_equal(rig.event_size, 2 * SIZE);
	rig_write(&rig, 2, &call, SIZE, SIZE, 1);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	assert_int_equal(list_one().size, 2 * SIZE);
}

/* What was at the store is waited for; what came meanwhile finds the new size. */
static void shrinks_with_requests_in_flight(void **state)
{
	struct call at_store[LOOPS] = { { 0 } }, low = { 0 }, high = { 0 }, modify = { 0 };
	struct admin admin;

	(void)state;
	rig_up(&rig, "v", 512);
	fake->when = FAKE_HELD;
	for (unsigned i = 0; i < LOOPS; i++)
		rig_write(&rig, i, &at_store[i], SIZE - 512 * (i + 1), 512, 1);
	rig_settle(&rig);
	fake->info.size_bytes = SIZE / 2;
	rig_admin_init(&admin);
	gw_volume_refresh(rig.gw, "v", &admin.op);
	rig_settle(&rig);
	rig_write(&rig, 1, &low, 0, 512, 2);
	rig_write(&rig, 2, &high, SIZE / 2, 512, 2);
	rig_take(&rig, 3, &modify, GW_ZERO, SIZE - 512, 512);
	rig_submit(&modify);
	rig_pass(&rig, 100);
	assert_true(!admin.ended && !low.ended && !high.ended && !modify.ended);
	assert_int_equal(rig_refresh(&rig, "w"), -ENOENT);
	assert_int_equal(fake->n_held, LOOPS);
	rig_unhold(&rig, fake);
	assert_int_equal(rig_wait(&rig, &admin), 0);
	rig_unhold(&rig, fake);
	for (unsigned i = 0; i < LOOPS; i++)
		assert_int_equal(at_store[i].status, GW_OK);
	assert_int_equal(low.status, GW_OK);
	assert_int_equal(high.status, GW_OUT_OF_RANGE);
	assert_int_equal(modify.status, GW_OUT_OF_RANGE);
	fake->when = FAKE_INSIDE;
}

static void gone_and_back(void **state)
{
	struct call call = { 0 };

	(void)state;
	rig_up(&rig, "v", 512);
	fake->refresh_rc = -ENXIO;
	rig_refresh(&rig, "v");
	assert_int_equal(rig.events[GW_EVENT_OFFLINE], LOOPS);
	assert_string_equal(list_one().state, "offline");
	rig_write(&rig, 3, &call, 0, 512, 1);
	assert_int_equal(rig_result(&rig, &call), GW_NOT_READY);
	rig_refresh(&rig, "v");
	assert_int_equal(rig.events[GW_EVENT_OFFLINE], LOOPS); /* told once */
	fake->refresh_rc = 0;
	assert_int_equal(rig_refresh(&rig, "v"), 0);
	assert_int_equal(rig.events[GW_EVENT_ONLINE], LOOPS);
	rig_write(&rig, 3, &call, 0, 512, 1);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
}

static void becomes_read_only(void **state)
{
	struct call call = { 0 };

	(void)state;
	rig_up(&rig, "v", 512);
	rig_write(&rig, 3, &call, 0, 512, 1);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	fake->info.read_only = true;
	assert_int_equal(rig_refresh(&rig, "v"), 0);
	assert_int_equal(rig.events[GW_EVENT_MODE_CHANGED], LOOPS);
	rig_write(&rig, 3, &call, 0, 512, 1);
	assert_int_equal(rig_result(&rig, &call), GW_READ_ONLY);
	rig_down(&rig, "v");
	assert_int_equal(fake->durable[0], 1); /* what was written before is flushed */
}

/* Both are told, and whoever hears the first finds all that has changed. */
static void grows_and_becomes_read_only(void **state)
{
	(void)state;
	rig_up(&rig, "v", 512);
	fake->info.size_bytes = 2 * SIZE;
	fake->info.read_only = true;
	assert_int_equal(rig_refresh(&rig, "v"), 0);
	assert_int_equal(rig.events[GW_EVENT_RESIZED], LOOPS);
	assert_int_equal(rig.events[GW_EVENT_MODE_CHANGED], LOOPS);
	assert_int_equal(rig.event_size, 2 * SIZE);
	assert_true(gw_itl_facts(rig.itl[0])->read_only);
}

static void comes_back_with_another_size(void **state)
{
	(void)state;
	rig_up(&rig, "v", 512);
	fake->refresh_rc = -ENXIO;
	rig_refresh(&rig, "v");
	fake->refresh_rc = 0;
	fake->info.size_bytes = SIZE / 2;
	assert_int_equal(rig_refresh(&rig, "v"), 0);
	assert_int_equal(rig.events[GW_EVENT_ONLINE], LOOPS);
	assert_int_equal(rig.events[GW_EVENT_RESIZED], LOOPS);
	assert_int_equal(rig.events[GW_EVENT_MODE_CHANGED], 0);
	assert_int_equal(gw_itl_facts(rig.itl[0])->size_bytes, SIZE / 2);
}

/* write-through holds, too, for a store that says only later that it caches. */
static void a_cache_appears(void **state)
{
	struct call call = { 0 };

	(void)state;
	fake->info.volatile_cache = false;
	assert_int_equal(rig_add(&rig, "v", 512, true, false, &err), 0);
	rig_join(&rig, "v");
	rig_write(&rig, 1, &call, 0, 512, 1);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	assert_int_equal(fake->count[GW_FLUSH], 0);
	fake->info.volatile_cache = true;
	assert_int_equal(rig_refresh(&rig, "v"), 0);
	assert_false(gw_itl_facts(rig.itl[1])->write_cache);
	rig_write(&rig, 1, &call, 512, 512, 1);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	assert_int_equal(fake->durable[512], 1);
}

/* ---- remove ------------------------------------------------------------- */

static void drains_and_flushes(void **state)
{
	struct gw_who who = { .protocol = "test" };
	struct call call = { 0 }, late = { 0 };
	struct gw_grant grant;
	struct admin admin;

	(void)state;
	rig_up(&rig, "v", 512);
	fake->when = FAKE_HELD;
	rig_write(&rig, 2, &call, 0, 512, 1);
	rig_settle(&rig);
	rig_admin_init(&admin);
	gw_volume_remove(rig.gw, "v", (struct instant){ drv_hand_now() + 60000000000 }, &admin.op);
	rig_pass(&rig, 1000);
	assert_int_equal(rig.events[GW_EVENT_GOING_AWAY], LOOPS); /* told once */
	assert_false(gw_access_find(rig.gw, &who, "v", &grant));
	assert_int_equal(rig_add(&rig, "v", 512, false, false, &err), -EEXIST);
	assert_int_equal(rig_remove(&rig, "v", 100, &err), -EBUSY);
	assert_string_equal(list_one().state, "draining");
	rig_write(&rig, 2, &late, 0, 512, 1);
	assert_int_equal(rig_result(&rig, &late), GW_SHUTDOWN);
	rig_leave(&rig); /* the write is an orphan now */
	rig_pass(&rig, 1000);
	assert_int_equal(admin.ended, 0);
	rig_unhold(&rig, fake);
	rig_pass(&rig, 30000);
	assert_int_equal(fake->n_held, 1); /* the flush takes its time */
	assert_int_equal(TAILQ_FIRST(&fake->held)->io->op, GW_FLUSH);
	fake->dirty = 777;
	assert_int_equal(gw_volume_dirty_bytes(rig.gw, "v"), 777);
	rig_unhold(&rig, fake);
	assert_int_equal(rig_wait(&rig, &admin), 0);
	assert_int_equal(fake->durable[0], 1);
	assert_int_equal(call.ended, 0);
	rig.volume = NULL;
}

static void asks_for_dirty_bytes(struct fake_store *f)
{
	f->dirty = 5;
	assert_int_equal(gw_volume_dirty_bytes(rig.gw, "v"), 0); /* never asked a store that goes */
}

static void nobody_asks_a_store_that_closes(void **state)
{
	(void)state;
	rig_up(&rig, "v", 512);
	fake->at_close = asks_for_dirty_bytes;
	rig_down(&rig, "v");
	assert_int_equal(fake->closes, 1);
}

static void flush_fails_at_the_end(void **state)
{
	struct call call = { 0 };

	(void)state;
	rig_up(&rig, "v", 512);
	rig_write(&rig, 0, &call, 0, 512, 1);
	assert_int_equal(rig_result(&rig, &call), GW_OK);
	fake->fail_at = fake->submitted + 1;
	fake->fail_with = GW_MEDIUM_ERROR;
	rig_leave(&rig);
	assert_int_equal(rig_remove(&rig, "v", 1000, &err), -EIO);
	assert_non_null(strstr(err.text, "may be lost"));
	assert_null(gw_volume_find(rig.gw, "v"));
	rig.volume = NULL;
}

/* An earlier flush had failed: the last one may say what it likes. */
static void a_lost_write_is_told_at_the_end(void **state)
{
	struct call call = { 0 };

	(void)state;
	rig_up(&rig, "v", 512);
	fake->fail_at = fake->submitted + 1;
	fake->fail_with = GW_STORE_ERROR;
	rig_take(&rig, 1, &call, GW_FLUSH, 0, 0);
	rig_submit(&call);
	assert_int_equal(rig_result(&rig, &call), GW_STORE_ERROR);
	rig_leave(&rig);
	assert_int_equal(rig_remove(&rig, "v", 1000, &err), -EIO);
	rig.volume = NULL;
}

static void store_never_answers(void **state)
{
	struct call call = { 0 };

	(void)state;
	rig_up(&rig, "v", 512);
	fake->when = FAKE_HELD;
	rig_write(&rig, 3, &call, 0, 512, 1);
	rig_settle(&rig);
	rig_leave(&rig);
	assert_int_equal(rig_remove(&rig, "v", 3000, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "the store has not ended with"));
	assert_non_null(gw_volume_find(rig.gw, "v")); /* its memory is still the store's */
	fake->when = FAKE_INSIDE;
	rig_unhold(&rig, fake);
	assert_int_equal(rig_remove(&rig, "v", 3000, &err), 0);
	rig.volume = NULL;
}

static void held(struct gw_fence_req *req, enum gw_status status)
{
	(void)req;
	assert_int_equal(status, GW_TIMEOUT);
}

/* A fence that comes too late during the removal does not bring the volume back
 * from draining, and is not left behind. */
static void offline_while_it_goes(void **state)
{
	struct gw_who who = { .protocol = "test" };
	struct gw_fence_req fence = { .held = held, .length = GW_FENCE_ALL };
	struct call call = { 0 }, late = { 0 };
	struct gw_grant grant;
	struct admin admin;

	(void)state;
	rig_up(&rig, "v", 512);
	fake->when = FAKE_HELD;
	rig_write(&rig, 3, &call, 0, 512, 1);
	rig_settle(&rig);
	fence.deadline = (struct instant){ drv_hand_now() + 500000000 };
	drv_hand_at(2);
	gw_fence_take(rig.volume, rig_loop(&rig, 2), &fence);
	rig_admin_init(&admin);
	drv_hand_at(0);
	gw_volume_remove(rig.gw, "v", (struct instant){ drv_hand_now() + 60000000000 }, &admin.op);
	rig_pass(&rig, 2000);
	assert_false(gw_access_find(rig.gw, &who, "v", &grant));
	rig_write(&rig, 1, &late, 0, 512, 1);
	assert_int_equal(rig_result(&rig, &late), GW_SHUTDOWN);
	assert_int_equal(rig.events[GW_EVENT_GOING_AWAY], LOOPS);
	rig_leave(&rig);
	fake->when = FAKE_INSIDE;
	rig_unhold(&rig, fake);
	assert_int_equal(rig_wait(&rig, &admin), 0);
	rig.volume = NULL;
}

/* ---- all of it at once, lists among it ---------------------------------- */

static void lists_among_it(void **state)
{
	static const char *const names[] = { "a", "b", "c" };
	struct fake_store *store[3];
	struct listing l[4] = { { .n = 0 } };
	struct admin admin[3];
	bool there[3] = { false };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		store[i] = fake_store_new(names[i], SIZE);
		rig_admin_init(&admin[i]);
		admin[i].ended = 1;
	}
	for (unsigned i = 0; i < 4; i++)
		l[i].admin.ended = 1;
	for (unsigned step = 0; step < 3000; step++) {
		unsigned i = (unsigned)(drv_hand_random() % 3), k = step % 4;
		struct gw_volume_want want = { .name = names[i],
					       .store = "fake",
					       .args.target = names[i] };

		drv_hand_at(0);
		if (l[k].admin.ended)
			list_begin(&l[k]);
		if (admin[i].ended) {
			bool is = gw_volume_find(rig.gw, names[i]) != NULL;

			assert_true(is == there[i] || admin[i].op.rc);
			rig_admin_init(&admin[i]);
			store[i]->lane_fails_at = drv_hand_random() % 4 ? 0 : 1 + step % LOOPS;
			there[i] = !is && !store[i]->lane_fails_at;
			if (is)
				gw_volume_remove(rig.gw, names[i],
						 (struct instant){ drv_hand_now() + 1000000000 },
						 &admin[i].op);
			else
				gw_volume_add(rig.gw, &want, &admin[i].op);
		}
		if (!rig_step(&rig))
			rig_pass(&rig, 1);
	}
	rig_pass(&rig, 1000);
	for (unsigned i = 0; i < 3; i++) {
		store[i]->lane_fails_at = 0;
		if (gw_volume_find(rig.gw, names[i]))
			assert_int_equal(rig_remove(&rig, names[i], 1000, &err), 0);
		assert_int_equal(store[i]->opens, store[i]->closes);
		assert_true(store[i]->opens > 20);
		assert_string_equal(fake_store_breach(store[i]), "");
		fake_store_free(&store[i]);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rig_wait(&rig, &l[i].admin), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
HARNESS_MAIN(CASE(refused), CASE(name_is_taken), CASE(open_fails), CASE(a_lane_fails),
	     CASE(listed_while_it_fails), CASE(as_it_is), CASE(found_by_name), CASE(grows),
	     CASE(shrinks_with_requests_in_flight), CASE(gone_and_back), CASE(becomes_read_only),
	     CASE(grows_and_becomes_read_only), CASE(comes_back_with_another_size),
	     CASE(a_cache_appears), CASE(drains_and_flushes), CASE(nobody_asks_a_store_that_closes),
	     CASE(flush_fails_at_the_end), CASE(a_lost_write_is_told_at_the_end),
	     CASE(store_never_answers), CASE(offline_while_it_goes), CASE(lists_among_it))
