/* SPDX-License-Identifier: BSD-3-Clause
 *
 * life_test.c - from apply to the end, over the real core and loop, with a store
 * whose opening can be held up.
 *
 * What the daemon says on standard output stands between the cases' lines.
 */
#include "config.h"

#include "gateway/daemon/life.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/str.h"
#include "gateway/core/registry.h"
#include "gateway/daemon/process.h"
#include "tests/harness/harness.h"

struct gw_store {
	int unused;
};

static atomic_bool hold_open; /* store_open() waits */
static atomic_int opens, closes;
static struct gw_store the_store;

static int store_open(const struct gw_store_args *args, struct gw_store **out,
		      struct gw_store_info *info, struct gw_err *err)
{
	atomic_fetch_add(&opens, 1);
	while (atomic_load(&hold_open))
		usleep(1000);
	if (!strcmp(args->target, "bad"))
		return gw_err_set(err, ENOENT, "there is no image 'bad'");
	*out = &the_store;
	*info = (struct gw_store_info){ .size_bytes = 1 << 20, .can = GW_STORE_CAN(GW_FLUSH) };
	return 0;
}

static void store_close(struct gw_store **store)
{
	atomic_fetch_add(&closes, 1);
	*store = NULL;
}

static void store_submit(struct gw_store *store, struct gw_store_lane *lane, struct gw_io *io)
{
	gw_io_done(io, GW_OK);
}

static const struct gw_store_ops store_ops = {
	.struct_size = sizeof(store_ops),
	.abi = GW_STORE_ABI,
	.name = "fake",
	.help = "opens when it may",
	.open = store_open,
	.close = store_close,
	.submit = store_submit,
};

/* ---- the rig: what main.c does ------------------------------------------- */

struct rig {
	struct loop_set *loops;
	struct gw *gw;
	struct conf_applier *applier;
	struct conf *conf;
	struct life *life;
	int signals;
	char folder[64], control[100];
};

static int rig_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	const struct gw_limits limits = { .pool_bytes = GW_POOL_MIN_BYTES };
	struct gw_err err = GW_ERR_NONE;

	assert_non_null(rig);
	str_copy(rig->folder, sizeof(rig->folder), "/tmp/life-test-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	snprintf(rig->control, sizeof(rig->control), "%s/control", rig->folder);
	rig->conf = conf_new();
	if (process_signals_open(&rig->signals, &err) ||
	    loop_set_create(1, &drv_aio, &rig->loops, &err) ||
	    gw_create(rig->loops, &limits, &rig->gw, &err) ||
	    conf_apply_create(rig->gw, &rig->applier, &err))
		fail_msg("%s", err.text);
	opens = closes = 0;
	hold_open = false;
	*state = rig;
	return 0;
}

static int rig_down(void **state)
{
	struct rig *rig = *state;
	struct stat st;

	life_destroy(&rig->life);
	conf_apply_destroy(&rig->applier);
	gw_destroy(&rig->gw);
	loop_set_destroy(&rig->loops);
	process_signals_close(&rig->signals);
	conf_destroy(&rig->conf);
	assert_int_equal(stat(rig->control, &st), -1);
	assert_int_equal(rmdir(rig->folder), 0);
	free(rig);
	return 0;
}

static void begin(struct rig *rig, const char *target)
{
	const struct conf_volume volume = { .name = "v", .store = "fake", .target = target };
	struct life_args args = { rig->gw, rig->applier, rig->conf, rig->control, rig->signals };

	assert_int_equal(conf_add_volume(rig->conf, &volume, NULL), 0);
	assert_int_equal(life_create(&args, &rig->life, NULL), 0);
	life_begin(rig->life);
}

/* One that fires once, on the loop. */
static struct loop_timer later;

static void send_sigterm(struct loop_timer *timer)
{
	kill(getpid(), SIGTERM);
}

static void let_open(struct loop_timer *timer)
{
	hold_open = false;
}

static void in_ms(struct rig *rig, int ms, void (*fire)(struct loop_timer *timer))
{
	struct loop *loop = loop_set_get(rig->loops, 0);

	loop_timer_init(&later, fire);
	loop_timer_arm(loop, &later, instant_add(loop_clock(loop), span_ms(ms)));
}

/* ---- cases -------------------------------------------------------------- */

static void serves_until_the_signal(void **state)
{
	struct rig *rig = *state;

	begin(rig, "good");
	in_ms(rig, 100, send_sigterm);
	loop_set_run(rig->loops);
	assert_int_equal(life_exit_code(rig->life), 0);
	assert_false(life_hangs(rig->life));
	assert_int_equal(opens, 1);
	assert_int_equal(closes, 1);
}

static void what_cannot_start_ends_with_1(void **state)
{
	struct rig *rig = *state;

	begin(rig, "bad");
	loop_set_run(rig->loops);
	assert_int_equal(life_exit_code(rig->life), 1);
	assert_int_equal(closes, 0);
}

/* The store opens 200 ms after the signal: it is closed again, and nothing was
 * ever ready. */
static void a_signal_while_it_starts_waits_for_the_apply(void **state)
{
	struct rig *rig = *state;

	hold_open = true;
	begin(rig, "slow");
	kill(getpid(), SIGTERM);
	in_ms(rig, 200, let_open);
	loop_set_run(rig->loops);
	assert_int_equal(life_exit_code(rig->life), 0);
	assert_int_equal(opens, 1);
	assert_int_equal(closes, 1);
}

static void a_control_socket_that_cannot_be_ends_with_1(void **state)
{
	struct rig *rig = *state;

	snprintf(rig->control, sizeof(rig->control), "%s/no/folder", rig->folder);
	begin(rig, "good");
	loop_set_run(rig->loops);
	assert_int_equal(life_exit_code(rig->life), 1);
	assert_int_equal(opens, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_up, rig_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(serves_until_the_signal),
		CASE(what_cannot_start_ends_with_1),
		CASE(a_signal_while_it_starts_waits_for_the_apply),
		CASE(a_control_socket_that_cannot_be_ends_with_1),
	};

	harness_begin();
	if (gw_registry_add_store(&store_ops, NULL))
		return 1;
	return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL) != 0;
}
