/* SPDX-License-Identifier: BSD-3-Clause
 *
 * registry_test.c - stores and front ends by name: what is refused and why, the
 * row after the last, and the bound.
 */
#include "config.h"

#include "gateway/core/registry.h"

#include <errno.h>
#include <string.h>

#include "gateway/base/err.h"
#include "tests/harness/harness.h"

static int st_open(const struct gw_store_args *args, struct gw_store **out,
		   struct gw_store_info *info, struct gw_err *err)
{
	(void)args;
	(void)out;
	(void)info;
	return gw_err_set(err, ENOSYS, "never");
}

static void st_close(struct gw_store **store)
{
	(void)store;
}

static void st_submit(struct gw_store *store, struct gw_store_lane *lane, struct gw_io *io)
{
	(void)store;
	(void)lane;
	(void)io;
}

static const struct gw_store_ops good_store = {
	.struct_size = sizeof(struct gw_store_ops),
	.abi = GW_STORE_ABI,
	.name = "good",
	.open = st_open,
	.close = st_close,
	.submit = st_submit,
};

static int fr_create(struct gw *gw, const struct gw_setting *settings, unsigned n,
		     struct gw_front **out, struct gw_err *err)
{
	(void)gw;
	(void)settings;
	(void)n;
	(void)out;
	return gw_err_set(err, ENOSYS, "never");
}

static void fr_start(struct gw_front *front)
{
	(void)front;
}

static void fr_drain(struct gw_front *front, struct instant deadline, void (*done)(void *arg),
		     void *arg)
{
	(void)front;
	(void)deadline;
	(void)done;
	(void)arg;
}

static void fr_destroy(struct gw_front **front)
{
	(void)front;
}

static void fr_exports(struct gw_front *front, struct gw_volume *volume, struct gw_out *out)
{
	(void)front;
	(void)volume;
	(void)out;
}

static void fr_list(struct gw_front *front, struct loop *loop, struct gw_out *out)
{
	(void)front;
	(void)loop;
	(void)out;
}

static const struct gw_front_ops good_front = {
	.struct_size = sizeof(struct gw_front_ops),
	.abi = GW_FRONT_ABI,
	.name = "good",
	.create = fr_create,
	.start = fr_start,
	.drain = fr_drain,
	.destroy = fr_destroy,
	.exports = fr_exports,
	.list = fr_list,
};

static void store_is_refused(struct gw_store_ops ops, int rc, const char *words)
{
	struct gw_err err = { 0 };

	assert_int_equal(gw_registry_add_store(&ops, &err), rc);
	assert_non_null(strstr(err.text, words));
	assert_null(gw_registry_store_at(0));
}

#define STORE_WITHOUT(member)                                                                  \
	do {                                                                                   \
		struct gw_store_ops without = good_store;                                      \
		without.member = NULL;                                                         \
		store_is_refused(without, -EINVAL, "store good: a member that must be there"); \
	} while (0)

static void stores_refused(void **state)
{
	struct gw_store_ops ops = good_store;

	(void)state;
	ops.name = NULL;
	store_is_refused(ops, -EINVAL, "a store without a name");
	ops.name = "";
	store_is_refused(ops, -EINVAL, "a store without a name");
	ops = good_store;
	ops.abi = GW_STORE_ABI + 1;
	store_is_refused(ops, -EINVAL, "store good: ABI 2, this gateway speaks 1");
	ops = good_store;
	ops.struct_size = offsetof(struct gw_store_ops, lend) - 1; /* than the first had */
	store_is_refused(ops, -EINVAL, "bytes");
	STORE_WITHOUT(open);
	STORE_WITHOUT(close);
	STORE_WITHOUT(submit);
}

/* A lane that is opened must be closed: both, or none. */
static int st_lane_open(struct gw_store *store, struct loop *loop, struct gw_store_lane **out,
			struct gw_err *err)
{
	(void)store;
	(void)loop;
	(void)out;
	return gw_err_set(err, ENOSYS, "never");
}

static void half_a_lane(void **state)
{
	struct gw_store_ops ops = good_store;

	(void)state;
	ops.lane_open = st_lane_open;
	store_is_refused(ops, -EINVAL, "store good: a member that must be there");
}

#define FRONT_WITHOUT(member)                                                     \
	do {                                                                      \
		struct gw_front_ops without = good_front;                         \
		without.member = NULL;                                            \
		assert_int_equal(gw_registry_add_front(&without, &err), -EINVAL); \
		assert_non_null(strstr(err.text, "must be there"));               \
	} while (0)

static void fronts_refused(void **state)
{
	struct gw_front_ops ops = good_front;
	struct gw_err err = { 0 };

	(void)state;
	FRONT_WITHOUT(create);
	FRONT_WITHOUT(start);
	FRONT_WITHOUT(drain);
	FRONT_WITHOUT(destroy);
	FRONT_WITHOUT(exports);
	FRONT_WITHOUT(list);
	ops.abi++;
	assert_int_equal(gw_registry_add_front(&ops, &err), -EINVAL);
	assert_null(gw_registry_front_at(0));
	assert_int_equal(gw_registry_add_front(&good_front, &err), 0);
	assert_int_equal(gw_registry_add_front(&good_front, &err), -EEXIST);
	assert_string_equal(err.text, "two front ends are named good");
	assert_ptr_equal(gw_registry_front("good"), &good_front);
	assert_null(gw_registry_front("goo"));
	assert_ptr_equal(gw_registry_front_at(0), &good_front);
	assert_null(gw_registry_front_at(1));
	assert_null(gw_registry_front_at(UINT32_MAX));
}

static void until_it_is_full(void **state)
{
	static struct gw_store_ops ops[100];
	static char name[100][8];
	struct gw_err err = { 0 };
	unsigned n = 0;

	(void)state;
	assert_int_equal(gw_registry_add_store(&good_store, &err), 0);
	assert_int_equal(gw_registry_add_store(&good_store, &err), -EEXIST);
	assert_string_equal(err.text, "two stores are named good");
	for (; n < 100; n++) {
		ops[n] = good_store;
		/* more than it knows: a store of a later time */
		ops[n].struct_size += 8;
		snprintf(name[n], sizeof(name[n]), "s%u", n);
		ops[n].name = name[n];
		if (gw_registry_add_store(&ops[n], &err))
			break;
	}
	assert_true(n > 10 && n < 100);
	assert_int_equal(err.errnum, ENOSPC);
	for (unsigned i = 0; i < n; i++) {
		assert_ptr_equal(gw_registry_store(name[i]), &ops[i]);
		assert_ptr_equal(gw_registry_store_at(i + 1), &ops[i]);
	}
	assert_null(gw_registry_store_at(n + 1)); /* the row after the last */
	assert_null(gw_registry_store(name[n]));
}

HARNESS_MAIN(cmocka_unit_test(stores_refused), cmocka_unit_test(half_a_lane),
	     cmocka_unit_test(fronts_refused), cmocka_unit_test(until_it_is_full))
