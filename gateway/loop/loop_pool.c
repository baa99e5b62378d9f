/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Helper threads (loop_pool.h).  One mutex, one condition, one line.  Idle
 * helpers sleep for ever and cost nothing but their stacks' address space.
 * They take no signals: those belong to the main thread's watch.
 */
#include "config.h"

#include "gateway/loop/loop_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "gateway/base/check.h"
#include "gateway/loop/loop_thread.h"

struct loop_pool {
	uint32_t tag;
	unsigned most;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t work;
	struct loop_mail *first, **last;
	unsigned waiting; /* in line */
	unsigned idle; /* helpers asleep */
	unsigned threads;
	bool ending;
	pthread_t thread[LOOP_POOL_MAX];
};

#define TAG GW_TAG('p', 'o', 'o', 'l')

static struct loop_mail *take(struct loop_pool *pool)
{
	struct loop_mail *work = pool->first;

	pool->first = work->next;
	if (!pool->first)
		pool->last = &pool->first;
	pool->waiting--;
	return work;
}

static void *helper(void *arg)
{
	struct loop_pool *pool = arg;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct loop_mail *work;

		while (!pool->first && !pool->ending) {
			pool->idle++;
			pthread_cond_wait(&pool->work, &pool->lock);
			pool->idle--;
		}
		if (!pool->first)
			break;
		work = take(pool);
		pthread_mutex_unlock(&pool->lock);
		work->run(work);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Under the lock. */
static int start_one(struct loop_pool *pool)
{
	int rc = loop_thread_start(&pool->thread[pool->threads], helper, pool);

	if (!rc)
		pool->threads++;
	return rc;
}

int loop_pool_create(unsigned most, struct loop_pool **out, struct gw_err *err)
{
	struct loop_pool *pool;

	GW_CHECK(most && most <= LOOP_POOL_MAX);
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return gw_err_set(err, ENOMEM, "no memory for the helper threads");
	pool->most = most;
	pool->last = &pool->first;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	gw_tag_set(pool, TAG);
	*out = pool;
	return 0;
}

void loop_pool_destroy(struct loop_pool **address)
{
	struct loop_pool *pool = *address;

	if (!pool)
		return;
	gw_tag_check(pool, TAG);
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->threads; i++)
		pthread_join(pool->thread[i], NULL);
	GW_CHECK(!pool->first);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	gw_tag_wipe(pool);
	free(pool);
	*address = NULL;
}

void loop_pool_add(struct loop_pool *pool, struct loop_mail *work)
{
	struct loop_mail *alone = NULL;

	gw_tag_check(pool, TAG);
	work->next = NULL;
	pthread_mutex_lock(&pool->lock);
	GW_CHECK(!pool->ending);
	*pool->last = work;
	pool->last = &work->next;
	pool->waiting++;
	if (pool->waiting > pool->idle && pool->threads < pool->most)
		start_one(pool); /* failing, there are the others */
	/* No thread at all can be had: better a slow loop than a lost job. */
	if (!pool->threads)
		alone = take(pool);
	else if (pool->idle)
		pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	if (alone)
		alone->run(alone);
}

unsigned loop_pool_threads(struct loop_pool *pool)
{
	unsigned n;

	pthread_mutex_lock(&pool->lock);
	n = pool->threads;
	pthread_mutex_unlock(&pool->lock);
	return n;
}
