/* SPDX-License-Identifier: BSD-3-Clause
 *
 * list_test.c - a list on its way over the loops while front ends come and go on
 * loop 0: it shows those that were there when it began, and none of them goes
 * before it has ended.  (Volumes: volume_test.c.)
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "gateway/api/frontend.h"
#include "gateway/core/registry.h"
#include "tests/unit/gateway/core/core_rig.h"

#define LOOPS 4

/* ---- front ends that count who looks ------------------------------------- */

struct gw_front {
	const char *name;
	unsigned looks; /* list() and counters() */
	bool there;
};

static struct gw_front early = { .name = "early" }, late = { .name = "late" };
static struct rig rig;

static int create(struct gw_front *front, struct gw_front **out)
{
	front->looks = 0;
	front->there = true;
	*out = front;
	return 0;
}

static int create_early(struct gw *gw, const struct gw_setting *settings, unsigned n,
			struct gw_front **out, struct gw_err *err)
{
	return create(&early, out);
}

static int create_late(struct gw *gw, const struct gw_setting *settings, unsigned n,
		       struct gw_front **out, struct gw_err *err)
{
	return create(&late, out);
}

static void start(struct gw_front *front)
{
}

static void drain(struct gw_front *front, struct instant deadline, void (*done)(void *arg),
		  void *arg)
{
	done(arg);
}

static void destroy(struct gw_front **front)
{
	(*front)->there = false;
	*front = NULL;
}

static void exports(struct gw_front *front, struct gw_volume *volume, struct gw_out *out)
{
}

static void look(struct gw_front *front, struct loop *loop, struct gw_out *out)
{
	assert_true(front->there);
	front->looks++;
}

#define FRONT(name_)                                                                             \
	{                                                                                        \
		.struct_size = sizeof(struct gw_front_ops), .abi = GW_FRONT_ABI, .name = #name_, \
		.create = create_##name_, .start = start, .drain = drain, .destroy = destroy,    \
		.exports = exports, .list = look, .counters = look                               \
	}

static const struct gw_front_ops ops[] = { FRONT(early), FRONT(late) };

static int begin(void **state)
{
	struct gw_err err = { 0 };

	for (unsigned i = 0; i < 2; i++)
		if (!gw_registry_front(ops[i].name))
			assert_int_equal(gw_registry_add_front(&ops[i], &err), 0);
	fake_store_forget_all();
	rig_begin(&rig, LOOPS, 1, NULL);
	assert_int_equal(gw_front_add(rig.gw, "early", NULL, 0, &err), 0);
	gw_front_start_all(rig.gw);
	return 0;
}

static void remove_front(const char *name, struct admin *admin)
{
	rig_admin_init(admin);
	drv_hand_at(0);
	gw_front_remove(rig.gw, name, (struct instant){ drv_hand_now() + 1000000000 }, &admin->op);
}

static int end(void **state)
{
	struct gw_front *front[] = { &early, &late };
	struct admin admin;

	for (unsigned i = 0; i < 2; i++)
		if (front[i]->there) {
			remove_front(front[i]->name, &admin);
			assert_int_equal(rig_wait(&rig, &admin), 0);
			assert_false(front[i]->there);
		}
	rig_end(&rig);
	return 0;
}

/* ---- lists --------------------------------------------------------------- */

static void out_record(struct gw_out *out, const char *kind)
{
}

static void out_text(struct gw_out *out, const char *key, const char *value)
{
}

static void out_number(struct gw_out *out, const char *key, uint64_t value)
{
}

static void out_truth(struct gw_out *out, const char *key, bool value)
{
}

static const struct gw_out_ops out_ops = { out_record, out_text, out_number, out_truth };

typedef void list_fn(struct gw *gw, struct gw_out *out, struct gw_admin_op *op);

static void added_while_it_is_under_way(list_fn *list)
{
	struct gw_out out = { .ops = &out_ops };
	struct gw_err err = { 0 };
	struct admin admin;

	rig_admin_init(&admin);
	drv_hand_at(0);
	list(rig.gw, &out, &admin.op);
	while (!early.looks)
		assert_true(rig_step(&rig)); /* loop 0 was visited, the others were not */
	drv_hand_at(0);
	assert_int_equal(gw_front_add(rig.gw, "late", NULL, 0, &err), 0);
	assert_int_equal(rig_wait(&rig, &admin), 0);
	assert_int_equal(early.looks, LOOPS);
	assert_int_equal(late.looks, 0);
}

static void added_under_connections(void **state)
{
	added_while_it_is_under_way(gw_list_connections);
}

static void added_under_loops(void **state)
{
	added_while_it_is_under_way(gw_list_loops);
}

static void removed_while_it_is_under_way(void **state)
{
	struct gw_out out = { .ops = &out_ops };
	struct admin admin, removal;

	rig_admin_init(&admin);
	drv_hand_at(0);
	gw_list_connections(rig.gw, &out, &admin.op);
	while (!early.looks)
		assert_true(rig_step(&rig));
	remove_front("early", &removal);
	assert_true(early.there);
	assert_int_equal(rig_wait(&rig, &admin), 0);
	assert_int_equal(early.looks, LOOPS);
	assert_int_equal(rig_wait(&rig, &removal), 0);
	assert_false(early.there);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
HARNESS_MAIN(CASE(added_under_connections), CASE(added_under_loops),
	     CASE(removed_while_it_is_under_way))
