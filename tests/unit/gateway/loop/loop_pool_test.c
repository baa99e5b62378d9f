/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Helper threads: started when needed, never more than the bound, nothing
 * refused, all done before the end.
 */
#include "config.h"

#include "tests/harness/harness.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

#include "gateway/loop/loop_pool.h"

#define JOBS 5000
#define BOUND 4

struct job {
	struct loop_mail work;
	atomic_int ran;
};

static sem_t gate, inside;
static atomic_int done_count;
static struct job jobs[JOBS];

static void quick(struct loop_mail *work)
{
	atomic_fetch_add(&((struct job *)work)->ran, 1);
	atomic_fetch_add(&done_count, 1);
}

static void waits(struct loop_mail *work)
{
	sem_post(&inside);
	sem_wait(&gate);
	quick(work);
}

static struct loop_pool *make(void)
{
	struct loop_pool *pool = NULL;

	atomic_store(&done_count, 0);
	for (int i = 0; i < JOBS; i++)
		atomic_store(&jobs[i].ran, 0);
	sem_init(&gate, 0, 0);
	sem_init(&inside, 0, 0);
	assert_int_equal(loop_pool_create(BOUND, &pool, NULL), 0);
	assert_int_equal(loop_pool_threads(pool), 0);
	return pool;
}

static void all_run_once(void **state)
{
	struct loop_pool *pool = make();

	(void)state;
	for (int i = 0; i < JOBS; i++) {
		jobs[i].work.run = quick;
		loop_pool_add(pool, &jobs[i].work);
	}
	assert_in_range(loop_pool_threads(pool), 1, BOUND);
	loop_pool_destroy(&pool); /* finishes what is in line */
	assert_null(pool);
	loop_pool_destroy(&pool); /* null is harmless */
	assert_int_equal(atomic_load(&done_count), JOBS);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(atomic_load(&jobs[i].ran), 1);
}

static void grows_to_the_bound(void **state)
{
	struct loop_pool *pool = make();

	(void)state;
	for (int i = 0; i < BOUND + 3; i++) {
		jobs[i].work.run = waits;
		loop_pool_add(pool, &jobs[i].work);
		assert_int_equal(loop_pool_threads(pool), i < BOUND ? i + 1 : BOUND);
	}
	for (int i = 0; i < BOUND; i++)
		sem_wait(&inside); /* that many are in there at once */
	assert_int_not_equal(sem_trywait(&inside), 0);
	for (int i = 0; i < BOUND + 3; i++)
		sem_post(&gate);
	loop_pool_destroy(&pool);
	assert_int_equal(atomic_load(&done_count), BOUND + 3);
}

static void an_idle_helper_is_used_again(void **state)
{
	struct loop_pool *pool = make();

	(void)state;
	for (int i = 0; i < 50; i++) {
		jobs[i].work.run = quick;
		loop_pool_add(pool, &jobs[i].work);
		while (atomic_load(&done_count) <= i)
			usleep(100);
		usleep(1000); /* back to sleep */
	}
	assert_in_range(loop_pool_threads(pool), 1, 2);
	loop_pool_destroy(&pool);
}

HARNESS_MAIN(cmocka_unit_test(all_run_once), cmocka_unit_test(grows_to_the_bound),
	     cmocka_unit_test(an_idle_helper_is_used_again))
