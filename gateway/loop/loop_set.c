/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loops of the daemon (loop_set.h).  Loop 0 is the main thread's; the
 * others get threads at start and are joined at the end.  The set also owns
 * the helper threads, which all loops share, and counts the load by which a
 * new session finds its home.
 *
 *	set ─▶ pool of helpers
 *	 └──▶ loop[0] (main) loop[1] loop[2] ...   each ─▶ its driver
 */
#include "config.h"

#include "gateway/loop/loop_set.h"

#include <errno.h>
#include <stdlib.h>

#include "gateway/base/check.h"
#include "gateway/base/log.h"
#include "gateway/base/table.h"
#include "gateway/loop/loop_own.h"
#include "gateway/loop/loop_thread.h"

#define TAG GW_TAG('l', 'o', 'p', 's')
#define HELPERS LOOP_POOL_MAX /* a stalled store may hold many */

struct loop_set {
	uint32_t tag;
	unsigned count;
	unsigned started; /* loops with a thread, loop 0 included */
	const struct drv_ops *ops;
	struct loop_pool *pool;
	atomic_bool stop; /* loop_set_run() shall return */
	atomic_bool halt; /* the other threads shall end */
	struct loop loop[];
};

/* ---- create and destroy ------------------------------------------------- */

static void undo_loops(struct loop_set *set)
{
	for (unsigned i = set->count; i-- > 0;)
		loop_own_done(&set->loop[i]);
}

static int make_loops(struct loop_set *set, const struct drv_ops *ops, struct gw_err *err)
{
	struct loop_pool *pool = ops->helpers ? set->pool : NULL;

	set->ops = ops;
	for (unsigned i = 0; i < set->count; i++) {
		int rc = loop_own_init(&set->loop[i], set, i, ops, pool, err);

		if (rc) {
			undo_loops(set);
			return rc;
		}
	}
	return 0;
}

/* The best driver that this machine lets us have. */
static int make_by_trying(struct loop_set *set, struct gw_err *err)
{
	struct gw_err first = GW_ERR_NONE;

	if (!make_loops(set, &drv_uring, &first))
		return 0;
	log_note(LOOP, "%s; using the %s driver", first.text, drv_aio.name);
	return make_loops(set, &drv_aio, err);
}

int loop_set_create(unsigned n, const struct drv_ops *drv, struct loop_set **out,
		    struct gw_err *err)
{
	struct loop_set *set;
	int rc;

	if (n < 1 || n > LOOP_MAX)
		return gw_err_set(err, EINVAL, "%u threads: from 1 to %u are possible", n,
				  LOOP_MAX);
	set = calloc(1, sizeof(*set) + n * sizeof(set->loop[0]));
	if (!set)
		return gw_err_set(err, ENOMEM, "no memory for %u loops", n);
	set->count = n;
	set->started = 1;
	gw_tag_set(set, TAG);
	rc = loop_pool_create(HELPERS, &set->pool, err);
	if (!rc)
		rc = drv ? make_loops(set, drv, err) : make_by_trying(set, err);
	if (rc) {
		loop_pool_destroy(&set->pool);
		free(set);
		return rc;
	}
	*out = set;
	return 0;
}

void loop_set_destroy(struct loop_set **address)
{
	struct loop_set *set = *address;

	if (!set)
		return;
	gw_tag_check(set, TAG);
	/* First the helpers: what they still do is posted to loops that live. */
	loop_pool_destroy(&set->pool);
	undo_loops(set);
	gw_tag_wipe(set);
	free(set);
	*address = NULL;
}

void loop_set_busy_poll(struct loop_set *set, struct span poll)
{
	gw_tag_check(set, TAG);
	for (unsigned i = 0; i < set->count; i++)
		if (poll.ns >= 0)
			loop_wait_fix(&set->loop[i].wait, poll);
		else if (set->loop[i].ops->cpu)
			loop_wait_choose(&set->loop[i].wait);
}

/* ---- threads ------------------------------------------------------------ */

static void *run_loop(void *arg)
{
	struct loop *loop = arg;

	while (!atomic_load(&loop->set->halt))
		loop_turn(loop, INSTANT_NEVER);
	return NULL;
}

static void nothing(struct loop_mail *mail)
{
	(void)mail;
}

static void halt_others(struct loop_set *set)
{
	atomic_store(&set->halt, true);
	for (unsigned i = 1; i < set->started; i++) {
		struct loop *loop = &set->loop[i];

		loop->wake.run = nothing;
		loop_post(loop, &loop->wake);
		pthread_join(loop->thread, NULL);
		atomic_store_explicit(&loop->halted, true, memory_order_release);
	}
	set->started = 1;
}

int loop_set_start(struct loop_set *set, struct gw_err *err)
{
	int rc = 0;

	gw_tag_check(set, TAG);
	while (set->started < set->count && !rc) {
		struct loop *loop = &set->loop[set->started];

		rc = loop_thread_start(&loop->thread, run_loop, loop);
		if (!rc)
			set->started++;
	}
	if (!rc)
		return 0;
	gw_err_set(err, rc, "cannot start the thread of loop %u: %m", set->started);
	halt_others(set);
	return -rc;
}

void loop_set_run(struct loop_set *set)
{
	gw_tag_check(set, TAG);
	while (!atomic_load(&set->stop))
		loop_turn(&set->loop[0], INSTANT_NEVER);
	halt_others(set);
}

void loop_set_stop(struct loop_set *set)
{
	struct loop *first = &set->loop[0];

	if (atomic_exchange(&set->stop, true))
		return; /* the letter is on its way already */
	first->wake.run = nothing;
	loop_post(first, &first->wake);
}

/* ---- any thread --------------------------------------------------------- */

unsigned loop_set_count(const struct loop_set *set)
{
	return set->count;
}

struct loop *loop_set_get(const struct loop_set *set, unsigned index)
{
	GW_CHECK(index < set->count);
	return (struct loop *)&set->loop[index];
}

const char *loop_set_driver(const struct loop_set *set)
{
	return set->ops->name;
}

struct loop *loop_set_choose(struct loop_set *set)
{
	struct loop *best = &set->loop[0];

	for (unsigned i = 1; i < set->count; i++)
		if (atomic_load(&set->loop[i].load) < atomic_load(&best->load))
			best = &set->loop[i];
	return best;
}

void loop_set_load(struct loop *loop, int delta)
{
	atomic_fetch_add(&loop->load, delta);
}
