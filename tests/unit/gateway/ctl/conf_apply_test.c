/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conf_apply_test.c - states made true, undone and taken down, over the real
 * core and loop, with a store and a front end that write down what they are told.
 *
 * The journal holds a word per event: "+a" a store got its lane, "-a" lost it,
 * "L1" a front end listens as 1, "S1" accepts, "D1" was drained and is gone.
 * Targets: "bad" cannot be opened, "lossy" cannot be flushed.  Addresses: "bad" is
 * in use, "busy" is for the first two who ask, "stuck" for ever; nobody has them.
 */
#include "config.h"

#include "gateway/ctl/conf_apply.h"

#include <errno.h>
#include <string.h>

#include "gateway/base/str.h"
#include "gateway/core/admin.h"
#include "gateway/core/registry.h"
#include "tests/harness/harness.h"

static char journal_text[1024];
static struct str journal;

/* ---- the store ---------------------------------------------------------- */

struct gw_store {
	char target[32];
};

static int store_open(const struct gw_store_args *args, struct gw_store **out,
		      struct gw_store_info *info, struct gw_err *err)
{
	if (!strcmp(args->target, "bad"))
		return gw_err_set(err, ENOENT, "there is no image 'bad'");
	*out = calloc(1, sizeof(**out));
	assert_non_null(*out);
	*info = (struct gw_store_info){
		.size_bytes = 1 << 20,
		.align_bytes = 1,
		.memory_align_bytes = 1,
		.can = GW_STORE_CAN(GW_FLUSH),
	};
	str_copy((*out)->target, sizeof((*out)->target), args->target);
	return 0;
}

static void store_close(struct gw_store **store)
{
	free(*store);
	*store = NULL;
}

/* Unlike open and close these run on the loop, in a certain order. */
static int store_lane_open(struct gw_store *store, struct loop *loop, struct gw_store_lane **out,
			   struct gw_err *err)
{
	*out = (struct gw_store_lane *)store;
	str_addf(&journal, "+%s ", store->target);
	return 0;
}

static void store_lane_close(struct gw_store_lane **lane)
{
	str_addf(&journal, "-%s ", ((struct gw_store *)*lane)->target);
	*lane = NULL;
}

static void store_submit(struct gw_store *store, struct gw_store_lane *lane, struct gw_io *io)
{
	gw_io_done(io, strcmp(store->target, "lossy") ? GW_OK : GW_MEDIUM_ERROR);
}

static const struct gw_store_ops store_ops = {
	.struct_size = sizeof(store_ops),
	.abi = GW_STORE_ABI,
	.name = "fake",
	.help = "writes down what it is told",
	.open = store_open,
	.close = store_close,
	.lane_open = store_lane_open,
	.lane_close = store_lane_close,
	.submit = store_submit,
};

/* ---- the front end ------------------------------------------------------ */

struct gw_front {
	char address[32];
	struct loop *loop;
	struct loop_task task;
	void (*drained)(void *arg);
	void *arg;
};

static unsigned n_asked; /* for "busy" */

static int front_create(struct gw *gw, const struct gw_setting *settings, unsigned n,
			struct gw_front **out, struct gw_err *err)
{
	assert_int_equal(n, 1);
	if (!strcmp(settings[0].value, "bad"))
		return gw_err_set(err, EADDRINUSE, "the address 'bad' is in use");
	if (!strcmp(settings[0].value, "stuck") ||
	    (!strcmp(settings[0].value, "busy") && n_asked++ < 2))
		return gw_err_set(err, EAGAIN, "nobody has the address, and it is in use");
	*out = calloc(1, sizeof(**out));
	assert_non_null(*out);
	str_copy((*out)->address, sizeof((*out)->address), settings[0].value);
	(*out)->loop = loop_set_get(gw_loops(gw), 0);
	str_addf(&journal, "L%s ", settings[0].value);
	return 0;
}

static void front_start(struct gw_front *front)
{
	str_addf(&journal, "S%s ", front->address);
}

static void front_is_drained(struct loop_task *task)
{
	struct gw_front *front =
		(struct gw_front *)((char *)task - offsetof(struct gw_front, task));

	front->drained(front->arg);
}

static void front_drain(struct gw_front *front, struct instant deadline, void (*done)(void *arg),
			void *arg)
{
	front->drained = done;
	front->arg = arg;
	front->task.run = front_is_drained;
	loop_defer(front->loop, &front->task);
}

static void front_destroy(struct gw_front **front)
{
	str_addf(&journal, "D%s ", (*front)->address);
	free(*front);
	*front = NULL;
}

static void front_exports(struct gw_front *front, struct gw_volume *volume, struct gw_out *out)
{
}

static void front_list(struct gw_front *front, struct loop *loop, struct gw_out *out)
{
}

static const struct gw_front_ops front_ops = {
	.struct_size = sizeof(front_ops),
	.abi = GW_FRONT_ABI,
	.name = "fake",
	.help = "writes down what it is told",
	.create = front_create,
	.start = front_start,
	.drain = front_drain,
	.destroy = front_destroy,
	.exports = front_exports,
	.list = front_list,
};

/* ---- the rig ------------------------------------------------------------ */

struct rig {
	struct loop_set *loops;
	struct loop *loop;
	struct gw *gw;
	struct conf_applier *applier;
	struct conf_apply_op op;
	bool done;
};

static void applied(struct conf_apply_op *op)
{
	((struct rig *)op->owner)->done = true;
}

static int rig_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	const struct gw_limits limits = { .pool_bytes = GW_POOL_MIN_BYTES };
	struct gw_err err = GW_ERR_NONE;

	assert_non_null(rig);
	if (loop_set_create(1, &drv_aio, &rig->loops, &err) ||
	    gw_create(rig->loops, &limits, &rig->gw, &err) ||
	    conf_apply_create(rig->gw, &rig->applier, &err))
		fail_msg("%s", err.text);
	rig->loop = loop_set_get(rig->loops, 0);
	*state = rig;
	return 0;
}

/* Applies a state written as "NAME=TARGET" and "@ADDRESS"; compares what the
 * journal then holds; returns how the apply ended. */
static int apply(struct rig *rig, const char *words, const char *want)
{
	struct conf *conf = conf_new();
	char word[64];
	int n;

	for (; sscanf(words, "%63s%n", word, &n) == 1; words += n) {
		char *equals = strchr(word, '=');
		const struct gw_setting setting = { "at", word + 1 };
		struct conf_volume volume = { .name = word, .store = "fake" };

		if (!equals) {
			assert_int_equal(conf_add_setting(conf, "fake", &setting, NULL), 0);
			continue;
		}
		*equals = '\0';
		volume.target = equals + 1;
		assert_int_equal(conf_add_volume(conf, &volume, NULL), 0);
	}
	journal = STR_IN(journal_text);
	rig->done = false;
	rig->op = (struct conf_apply_op){ .done = applied, .drain = span_ms(500), .owner = rig };
	conf_apply(rig->applier, conf, &rig->op);
	conf_destroy(&conf);
	assert_false(rig->done); /* never from inside */
	while (!rig->done)
		loop_turn(rig->loop, instant_add(loop_clock(rig->loop), span_ms(100)));
	assert_string_equal(journal_text, want);
	return rig->op.rc;
}

static int rig_down(void **state)
{
	struct rig *rig = *state;

	conf_apply_destroy(&rig->applier);
	gw_destroy(&rig->gw);
	loop_set_destroy(&rig->loops);
	free(rig);
	return 0;
}

static unsigned running(const struct rig *rig)
{
	const struct conf *conf = conf_apply_running(rig->applier);

	return conf->n_volumes * 10 + conf->n_fronts;
}

/* ---- cases -------------------------------------------------------------- */

static void up_and_down(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(apply(rig, "a=1 b=2 @x", "+1 +2 Lx Sx "), 0);
	assert_int_equal(running(rig), 21);
	assert_int_equal(apply(rig, "a=1 b=2 @x", ""), 0);
	assert_int_equal(apply(rig, "", "Dx -1 -2 "), 0);
	assert_int_equal(running(rig), 0);
	assert_int_equal(apply(rig, "", ""), 0);
}

static void a_listener_that_fails_closes_what_was_opened(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(apply(rig, "a=1 b=2 @bad", "+1 +2 -2 -1 "), -EADDRINUSE);
	assert_string_equal(rig->op.err.text, "the address 'bad' is in use");
	assert_int_equal(running(rig), 0);
}

/* What nobody has will be free in a moment (DRV_LINGER_MS); or it will not. */
static void an_address_that_nobody_has_is_waited_for(void **state)
{
	struct rig *rig = *state;
	struct instant before = loop_clock(rig->loop);
	struct span took;

	n_asked = 0;
	assert_int_equal(apply(rig, "a=1 @busy", "+1 Lbusy Sbusy "), 0);
	assert_int_equal(running(rig), 11);
	assert_int_equal(apply(rig, "", "Dbusy -1 "), 0);
	took = instant_since(loop_clock(rig->loop), before);
	assert_true(span_to_ms(took) >= 2 * DRV_LINGER_STEP_MS);
	assert_true(span_to_ms(took) < DRV_LINGER_MS);
	before = loop_clock(rig->loop);
	assert_int_equal(apply(rig, "a=1 @stuck", "+1 -1 "), -EAGAIN);
	assert_int_equal(running(rig), 0);
	assert_true(span_to_ms(instant_since(loop_clock(rig->loop), before)) >= DRV_LINGER_MS);
}

static void an_image_that_fails_is_named(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(apply(rig, "a=1 b=bad @x", "+1 -1 "), -ENOENT);
	assert_non_null(strstr(rig->op.err.text, "'bad'"));
	assert_int_equal(running(rig), 0);
}

static void what_ran_runs_again_after_a_failure(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(apply(rig, "a=1 @x", "+1 Lx Sx "), 0);
	assert_int_equal(apply(rig, "a=2 n=3 @bad", "+3 Dx -1 +2 -2 +1 Lx -3 Sx "), -EADDRINUSE);
	assert_int_equal(running(rig), 11);
	assert_string_equal(conf_find_volume(conf_apply_running(rig->applier), "a")->target, "1");
	assert_int_equal(apply(rig, "a=bad @x", "-1 +1 "), -ENOENT);
	assert_int_equal(apply(rig, "", "Dx -1 "), 0);
}

static void a_change_touches_nobody_else(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(apply(rig, "a=1 b=2 @x", "+1 +2 Lx Sx "), 0);
	assert_int_equal(apply(rig, "a=1 b=3 c=4 @x", "+4 -2 +3 "), 0);
	assert_int_equal(apply(rig, "a=1 b=3 c=4 @y", "Dx Ly Sy "), 0);
	assert_int_equal(apply(rig, "b=3 @y", "-1 -4 "), 0);
	assert_int_equal(apply(rig, "", "Dy -3 "), 0);
}

static void a_lost_flush_is_told_and_all_go(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(apply(rig, "a=lossy b=2 @x", "+lossy +2 Lx Sx "), 0);
	assert_int_equal(apply(rig, "", "Dx -lossy -2 "), -EIO);
	assert_non_null(strstr(rig->op.err.text, "volume a"));
	assert_int_equal(running(rig), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_up, rig_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(up_and_down),
		CASE(a_listener_that_fails_closes_what_was_opened),
		CASE(an_address_that_nobody_has_is_waited_for),
		CASE(an_image_that_fails_is_named),
		CASE(what_ran_runs_again_after_a_failure),
		CASE(a_change_touches_nobody_else),
		CASE(a_lost_flush_is_told_and_all_go),
	};

	harness_begin();
	if (gw_registry_add_store(&store_ops, NULL) || gw_registry_add_front(&front_ops, NULL))
		return 1;
	return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL) != 0;
}
