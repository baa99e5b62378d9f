/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_memory_slab_test.c - pages come once, come back, and give their memory back when a
 * whole slab is free; threads take and give at once and never share a page.
 */
#include "config.h"

#include "plugins/memory/st_memory_slab.h"

#include <pthread.h>
#include <string.h>

#include "tests/harness/harness.h"

#define THREADS 4u
#define ROUNDS 400u

static struct st_memory_slabs slabs;

static unsigned length(const struct st_memory_page *page)
{
	unsigned n = 0;

	for (; page; page = page->next)
		n++;
	return n;
}

static void mark(struct st_memory_page *page, uint8_t value)
{
	for (; page; page = page->next)
		memset(page->bytes, value, ST_MEMORY_PAGE_BYTES);
}

static void come_and_go(void **state)
{
	struct st_memory_page *first, *second;

	(void)state;
	st_memory_slab_init(&slabs);
	first = st_memory_slab_take(&slabs);
	second = st_memory_slab_take(&slabs);
	assert_int_equal(length(first), ST_MEMORY_SLAB_PAGES);
	assert_int_equal(length(second), ST_MEMORY_SLAB_PAGES);
	mark(first, 1);
	mark(second, 2);
	for (struct st_memory_page *page = first; page; page = page->next)
		assert_int_equal(page->bytes[0], 1); /* nobody else's */
	st_memory_slab_give(&slabs, second);
	assert_int_equal(length(st_memory_slab_take(&slabs)), ST_MEMORY_SLAB_PAGES);
	assert_ptr_equal(atomic_load(&slabs.all)->next->next, NULL); /* no third slab */
	st_memory_slab_done(&slabs);
}

/* Dropped memory reads zero. */
static void a_whole_slab_goes_to_the_system(void **state)
{
	struct st_memory_page *pages, *kept;

	(void)state;
	st_memory_slab_init(&slabs);
	pages = st_memory_slab_take(&slabs);
	mark(pages, 7);
	kept = pages;
	pages = pages->next;
	kept->next = NULL;
	st_memory_slab_give(&slabs, pages);
	assert_int_equal(pages->bytes[0], 7); /* one is in use still */
	assert_int_equal(kept->bytes[0], 7);
	st_memory_slab_give(&slabs, kept);
	assert_int_equal(kept->bytes[0], 0);
	assert_int_equal(pages->bytes[0], 0);
	st_memory_slab_done(&slabs);
}

static void *hammer(void *arg)
{
	uint8_t mine = (uint8_t)(uintptr_t)arg;
	uintptr_t wrong = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct st_memory_page *pages = st_memory_slab_take(&slabs);

		for (struct st_memory_page *page = pages; page; page = page->next)
			page->bytes[0] = mine;
		for (struct st_memory_page *page = pages; page; page = page->next)
			wrong += page->bytes[0] != mine;
		st_memory_slab_give(&slabs, pages);
	}
	return (void *)wrong;
}

static void threads_share_no_page(void **state)
{
	pthread_t thread[THREADS];

	(void)state;
	st_memory_slab_init(&slabs);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, hammer, (void *)(i + 1)), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		void *wrong;

		pthread_join(thread[i], &wrong);
		assert_null(wrong);
	}
	st_memory_slab_done(&slabs);
}

HARNESS_MAIN(cmocka_unit_test(come_and_go), cmocka_unit_test(a_whole_slab_goes_to_the_system),
	     cmocka_unit_test(threads_share_no_page))
