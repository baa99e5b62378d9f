/* SPDX-License-Identifier: BSD-3-Clause
 *
 * kept_test.c - records of a volume behind the loops: one commit after the other, and
 * one that fails has left nothing behind.  What a file survives is keep_test.c's.
 */
#include "config.h"

#include "gateway/api/kept.h"

#include <errno.h>
#include <string.h>

#include "gateway/core/core.h"
#include "tests/fuzz/fuzz_stack.h"
#include "tests/harness/harness.h"

static const struct fuzz_stack_cfg cfg = { .loops = 2, .image_bytes = 1 << 20 };

static struct fuzz_stack stack;
static struct gw_volume *volume;
static unsigned ends;

struct set {
	struct gw_kept_op op;
	unsigned end; /* the how manieth that ended; 0: it has not */
};

static void done(struct gw_kept_op *op)
{
	((struct set *)op->owner)->end = ++ends;
}

static void begin(void)
{
	struct gw_err err = GW_ERR_NONE;

	ends = 0;
	fuzz_stack_up(&stack, 1, &cfg);
	volume = TAILQ_FIRST(&stack.daemon.gw->volumes);
	assert_int_equal(gw_kept_open(volume, &err), -ENOENT); /* nobody said where */
	assert_int_equal(gw_state_in(stack.daemon.gw, "/var/lib/x", &err), 0);
	if (gw_kept_open(volume, &err))
		fail_msg("%s", err.text);
	assert_int_equal(gw_kept_open(volume, &err), 0); /* a second one that asks */
}

static void end(void)
{
	assert_true(fuzz_stack_down(&stack));
}

/* As after a restart. */
static void again(void)
{
	struct gw_err err = GW_ERR_NONE;

	gw_keep_close(&volume->keep);
	if (gw_kept_open(volume, &err))
		fail_msg("%s", err.text);
}

static void send(struct set *set, const char *key, const char *value)
{
	*set = (struct set){ .op = { .key = key,
				     .value = value,
				     .bytes = value ? strlen(value) : 0,
				     .done = done,
				     .owner = set } };
	gw_kept_set(volume, &set->op);
	assert_int_equal(set->end, 0);
}

/* Null: there is none. */
static void is(const char *key, const char *value)
{
	size_t bytes = 0;
	const void *got = gw_kept_get(volume, key, &bytes);

	if (!value) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_int_equal(bytes, strlen(value));
	assert_memory_equal(got, value, bytes);
}

static void one_after_the_other(void **state)
{
	static const char *const values[] = { "one", "two", NULL, "four" };
	struct set set[4];

	begin();
	for (unsigned i = 0; i < 4; i++)
		send(&set[i], i == 1 ? "other" : "key", values[i]);
	fuzz_stack_run(&stack, SIM_S);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(set[i].op.rc, 0);
		assert_int_equal(set[i].end, i + 1);
	}
	again();
	is("key", "four");
	is("other", "two");
	end();
}

/* A commit that fails: the record is as before, at once, and when another one is kept. */
static void nothing_is_left_of_a_failure(void **state)
{
	static const char *const before[] = { NULL, "old" };
	static const char *const after[] = { "new", NULL };

	for (unsigned i = 0; i < 4; i++) {
		const char *was = before[i % 2];
		struct set first, failing, other;

		begin();
		send(&first, "key", was);
		fuzz_stack_run(&stack, SIM_S);
		stack.host->disk->faults.sync_error = 10000;
		send(&failing, "key", after[i / 2]);
		fuzz_stack_run(&stack, SIM_S);
		stack.host->disk->faults.sync_error = 0;
		assert_int_equal(failing.op.rc, -EIO);
		assert_non_null(strstr(failing.op.err.text, "cannot be written"));
		is("key", was);
		send(&other, "other", "x");
		fuzz_stack_run(&stack, SIM_S);
		assert_int_equal(other.op.rc, 0);
		again();
		is("key", was);
		is("other", "x");
		end();
	}
}

HARNESS_MAIN(cmocka_unit_test(one_after_the_other), cmocka_unit_test(nothing_is_left_of_a_failure))
