/* SPDX-License-Identifier: BSD-3-Clause
 *
 * life.c - one state after the other.  Promises and drawing in life.h.
 *
 * Every state ends by a callback of what was begun in it; enter() alone changes
 * the state.  A signal in STARTING waits for the apply, which can be undone only
 * when it has ended; a second signal waits for nothing (process.c).
 */
#include "config.h"

#include "gateway/daemon/life.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "gateway/base/check.h"
#include "gateway/base/log.h"
#include "gateway/base/str.h"
#include "gateway/ctl/ctl_human.h"
#include "gateway/ctl/ctl_server.h"
#include "gateway/daemon/banner.h"
#include "gateway/daemon/process.h"
#include "gateway/daemon/refresh.h"
#include "gateway/daemon/watch.h"

#define TAG GW_TAG('l', 'i', 'f', 'e')
#define PROGRESS_MS 1000
/* Less is flushed before it is read, unless the store is slow. */
#define PROGRESS_LEAST_BYTES (1u << 20)
#define PROGRESS_PATIENCE 3 /* times that this little is not told */

/* ROW(STATE, the word of `sluice status`) */
#define LIFE_STATES(ROW)          \
	ROW(STARTING, "starting") \
	ROW(SERVING, "serving")   \
	ROW(DRAINING, "stopping") \
	ROW(FLUSHING, "stopping") \
	ROW(CLOSING, "stopping")  \
	ROW(OVER, "stopping")

enum life_state {
#define ROW(STATE, word) LIFE_##STATE,
	LIFE_STATES(ROW)
#undef ROW
};

struct life {
	uint32_t tag;
	struct life_args args;
	struct loop *loop;
	enum life_state state;
	bool stop_wanted;
	bool hangs;
	int exit_code;
	struct conf *fronts_gone, *nothing; /* what is applied at the end */
	struct ctl_env env;
	struct ctl_server *server; /* null: not yet, or no more */
	struct drv_op signal_op;
	struct conf_apply_op apply;
	struct refresh refresh;
	struct watch watch;
	bool refreshing; /* its callback has not come */
	struct loop_timer again, progress, patience;
	unsigned told; /* how often progress was looked at */
};

static void enter(struct life *life, enum life_state state);

static struct life *life_of(void *arg)
{
	struct life *life = arg;

	gw_tag_check(life, TAG);
	return life;
}

static const char *phase_word(void *arg)
{
	static const char *const words[] = {
#define ROW(STATE, word) word,
		LIFE_STATES(ROW)
#undef ROW
	};

	return words[life_of(arg)->state];
}

static void fail(struct life *life, const char *sentence)
{
	process_complain("%s", sentence);
	life->exit_code = 1;
}

/* ---- starting ----------------------------------------------------------- */

static void fail_to_start(struct life *life, const char *sentence)
{
	fail(life, sentence);
	enter(life, LIFE_CLOSING);
}

static void told_all(void *arg)
{
	struct life *life = life_of(arg);

	process_notify("READY=1\nSTATUS=serving");
	enter(life, life->stop_wanted ? LIFE_DRAINING : LIFE_SERVING);
}

static void applied(struct conf_apply_op *op)
{
	struct life *life = life_of(op->owner);

	if (op->rc) {
		fail_to_start(life, op->err.text);
	} else if (life->stop_wanted || banner_print(life->args.gw, told_all, life)) {
		enter(life, LIFE_DRAINING);
	}
}

/* Nobody living has the control socket: it may be free in a moment. */
static bool try_again(struct life *life, int rc)
{
	struct instant now = loop_now(life->loop);
	struct instant until = instant_add(life->env.started, span_ms(DRV_LINGER_MS));

	if (rc != -EAGAIN || life->stop_wanted || !instant_before(now, until))
		return false;
	loop_timer_arm(life->loop, &life->again, instant_add(now, span_ms(DRV_LINGER_STEP_MS)));
	return true;
}

static void open_control(struct loop_timer *timer)
{
	struct life *life = life_of((struct life *)((char *)timer - offsetof(struct life, again)));
	struct gw_err err = GW_ERR_NONE;
	int rc = ctl_server_create(life->loop, life->args.control, &life->env, &life->server, &err);

	if (!rc) {
		life->apply.done = applied;
		conf_apply(life->args.applier, life->args.conf, &life->apply);
	} else if (!try_again(life, rc)) {
		fail_to_start(life, err.text);
	}
}

static void start(struct life *life)
{
	life->env = (struct ctl_env){
		.gw = life->args.gw,
		.pid = process_pid(),
		.uid = process_uid(),
		.started = loop_now(life->loop),
		.phase = phase_word,
		.arg = life,
	};
	open_control(&life->again);
}

/* ---- serving ------------------------------------------------------------ */

static void signal_came(struct drv_op *op, int64_t res)
{
	struct life *life = life_of((struct life *)((char *)op - offsetof(struct life, signal_op)));
	int number;

	if (life->state == LIFE_OVER) {
		loop_set_stop(gw_loops(life->args.gw)); /* the last thing in flight */
		return;
	}
	number = res > 0 ? process_signals_read(life->args.signals) : 0;
	if (!number || life->stop_wanted)
		return;
	life->stop_wanted = true;
	process_signals_end_at_once();
	process_notify("STOPPING=1\nSTATUS=stopping");
	process_say("stopping on %s", process_signal_name(number));
	if (life->state == LIFE_SERVING)
		enter(life, LIFE_DRAINING);
}

static void watch_signals(struct life *life)
{
	life->signal_op = (struct drv_op){
		.done = signal_came,
		.kind = DRV_POLL,
		.sock = life->args.signals,
		.events = POLLIN,
	};
	loop_submit(life->loop, &life->signal_op);
}

/* ---- draining: no front end is left afterwards -------------------------- */

static void fronts_are_gone(struct conf_apply_op *op)
{
	struct life *life = life_of(op->owner);

	if (op->rc)
		fail(life, op->err.text);
	/* A volume is not closed under one who looks at it. */
	if (!life->refreshing)
		enter(life, LIFE_FLUSHING);
}

static void refresh_is_quiet(void *arg)
{
	struct life *life = life_of(arg);

	life->refreshing = false;
	if (life->state == LIFE_DRAINING && !conf_apply_is_busy(life->args.applier))
		enter(life, LIFE_FLUSHING);
}

static void drain(struct life *life)
{
	life->apply.done = fronts_are_gone;
	life->refreshing = true;
	refresh_stop(&life->refresh, refresh_is_quiet, life);
	conf_apply(life->args.applier, life->fronts_gone, &life->apply);
	loop_timer_arm(life->loop, &life->patience,
		       instant_add(loop_now(life->loop), span_s(LIFE_DRAIN_S)));
}

/* The store under a look hangs; then closing it will tell. */
static void patience_ends(struct loop_timer *timer)
{
	struct life *life =
		life_of((struct life *)((char *)timer - offsetof(struct life, patience)));

	life->hangs = life->refreshing;
	refresh_is_quiet(life);
}

/* ---- flushing: no volume is left afterwards ----------------------------- */

static void tell_volume(void *arg, const char *name)
{
	struct life *life = arg;
	uint64_t dirty_bytes = gw_volume_dirty_bytes(life->args.gw, name);
	char size[32];
	struct str s = STR_IN(size);

	if (!dirty_bytes || (dirty_bytes < PROGRESS_LEAST_BYTES && life->told < PROGRESS_PATIENCE))
		return;
	ctl_human_size(&s, dirty_bytes);
	process_say("flushing %s: %s left", name, size);
}

static void tell_progress(struct loop_timer *timer)
{
	struct life *life =
		life_of((struct life *)((char *)timer - offsetof(struct life, progress)));

	gw_volume_names(life->args.gw, tell_volume, life);
	life->told++;
	process_notify("EXTEND_TIMEOUT_USEC=10000000");
	loop_timer_arm(life->loop, timer, instant_add(loop_now(life->loop), span_ms(PROGRESS_MS)));
}

static void volumes_are_gone(struct conf_apply_op *op)
{
	struct life *life = life_of(op->owner);

	if (op->rc)
		fail(life, op->err.text);
	life->hangs = life->hangs || op->rc == -ETIMEDOUT;
	enter(life, LIFE_CLOSING);
}

static void flush(struct life *life)
{
	loop_timer_disarm(life->loop, &life->patience);
	life->apply.done = volumes_are_gone;
	conf_apply(life->args.applier, life->nothing, &life->apply);
	tell_progress(&life->progress);
}

/* ---- closing ------------------------------------------------------------ */

static void server_is_gone(void *arg)
{
	struct life *life = life_of(arg);

	ctl_server_destroy(&life->server);
	enter(life, LIFE_OVER);
}

static void watch_is_quiet(void *arg)
{
	struct life *life = life_of(arg);

	life->hangs = life->hangs || life->watch.stuck;
	if (life->server)
		ctl_server_stop(life->server, server_is_gone, life);
	else
		enter(life, LIFE_OVER);
}

static void close_all(struct life *life)
{
	loop_timer_disarm(life->loop, &life->progress);
	watch_stop(&life->watch, watch_is_quiet, life);
}

static void enter(struct life *life, enum life_state state)
{
	life->state = state;
	switch (state) {
	case LIFE_STARTING:
		start(life);
		break;
	case LIFE_SERVING:
		refresh_start(&life->refresh);
		watch_start(&life->watch);
		break;
	case LIFE_DRAINING:
		drain(life);
		break;
	case LIFE_FLUSHING:
		flush(life);
		break;
	case LIFE_CLOSING:
		close_all(life);
		break;
	case LIFE_OVER:
		loop_cancel(life->loop, &life->signal_op);
		break;
	}
}

/* ---- from outside ------------------------------------------------------- */

void life_begin(struct life *life)
{
	gw_tag_check(life, TAG);
	watch_signals(life);
	enter(life, LIFE_STARTING);
}

int life_exit_code(const struct life *life)
{
	return life->exit_code;
}

bool life_hangs(const struct life *life)
{
	return life->hangs;
}

/* The same volumes, and no front end. */
static struct conf *without_fronts(const struct conf *conf)
{
	struct conf *copy = conf_copy(conf);

	while (copy && copy->n_fronts)
		conf_drop_front(copy, copy->fronts[0].name);
	return copy;
}

int life_create(const struct life_args *args, struct life **out, struct gw_err *err)
{
	struct life *life = calloc(1, sizeof(*life));

	if (!life)
		return gw_err_set(err, ENOMEM, "no memory to begin");
	gw_tag_set(life, TAG);
	life->args = *args;
	life->loop = loop_set_get(gw_loops(args->gw), 0);
	life->fronts_gone = without_fronts(args->conf);
	life->nothing = conf_new();
	life->apply.owner = life;
	life->apply.drain = span_s(LIFE_DRAIN_S);
	refresh_init(&life->refresh, args->gw);
	watch_init(&life->watch, args->gw);
	loop_timer_init(&life->again, open_control);
	loop_timer_init(&life->progress, tell_progress);
	loop_timer_init(&life->patience, patience_ends);
	*out = life;
	if (!life->fronts_gone || !life->nothing) {
		life_destroy(out);
		return gw_err_set(err, ENOMEM, "no memory to begin");
	}
	return 0;
}

void life_destroy(struct life **address)
{
	struct life *life = *address;

	if (!life)
		return;
	gw_tag_check(life, TAG);
	conf_destroy(&life->fronts_gone);
	conf_destroy(&life->nothing);
	gw_tag_wipe(life);
	free(life);
	*address = NULL;
}
