/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pool_test.c - a loop's memory against a model: what is taken never overlaps, the
 * books are exact, a guarantee can always be had, waiters are woken in order and
 * none is forgotten, and what nobody uses goes back to the system.
 */
#include "config.h"

#include "gateway/core/pool.h"

#include <string.h>

#include "tests/harness/harness.h"

#define CREDITS 6
#define HELD_MAX 600
#define WAITERS 12
#define LIMIT ((40u << 20) + 100) /* not in pages: an administrator may want it so */
#define SHARED_LEAST (33u << 20)

struct held {
	struct gw_buf *buf;
	unsigned credit; /* CREDITS: an orphan */
	uint64_t stamp;
};

struct waiter {
	struct gw_mem_waiter w;
	unsigned woken;
	uint64_t order;
};

static struct gw_pool pool;
static struct gw_credit credit[CREDITS];
static struct held held[HELD_MAX];
static struct waiter waiter[WAITERS];
static unsigned n_held;
static uint64_t seed, wakes;

static uint64_t chance(uint64_t below)
{
	uint64_t z = (seed += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (z ^ z >> 31) % below;
}

static uint64_t rounded(uint32_t bytes)
{
	uint64_t n = GW_PAGE_BYTES;

	while (n < bytes)
		n *= 2;
	return n;
}

/* ---- the model ---------------------------------------------------------- */

static uint64_t used_by(unsigned c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n_held; i++)
		if (held[i].credit == c)
			sum += held[i].buf->bytes;
	return sum;
}

static uint64_t beyond(uint64_t used, uint64_t guaranteed)
{
	return used > guaranteed ? used - guaranteed : 0;
}

static uint64_t newcomers(void)
{
	uint64_t most = beyond(pool.limit_bytes, SHARED_LEAST);

	return most < pool.limit_bytes / 2 ? most : pool.limit_bytes / 2;
}

/* What nobody shares: promises, or what newcomers shall be promised. */
static uint64_t kept(void)
{
	return pool.promised_bytes > newcomers() ? pool.promised_bytes : newcomers();
}

static bool model_allows(const struct gw_credit *c, uint64_t bytes)
{
	uint64_t used = c->used_bytes + bytes;
	uint64_t more = beyond(used, c->guaranteed_bytes) - c->shared_bytes;

	return used <= c->guaranteed_bytes ||
	       (used <= c->limit_bytes && pool.shared_bytes + more + kept() <= pool.limit_bytes);
}

static bool model_promises(uint64_t promised, uint64_t shared)
{
	return promised <= newcomers() || promised + shared <= pool.limit_bytes;
}

static void check_books(void)
{
	uint64_t all = 0, shared = 0, promised = 0;

	for (unsigned c = 0; c < CREDITS; c++) {
		uint64_t used = used_by(c);

		if (!credit[c].pool)
			continue;
		assert_int_equal(credit[c].used_bytes, used);
		assert_true(used <= credit[c].guaranteed_bytes || used <= credit[c].limit_bytes);
		all += used;
		shared += beyond(used, credit[c].guaranteed_bytes);
		promised += credit[c].guaranteed_bytes;
	}
	assert_int_equal(pool.orphans.used_bytes, used_by(CREDITS));
	shared += used_by(CREDITS);
	all += used_by(CREDITS);
	assert_int_equal(pool.used_bytes, all);
	assert_int_equal(pool.shared_bytes, shared);
	assert_int_equal(pool.promised_bytes, promised);
	assert_true(pool.mapped_bytes >= all);
}

/* Nobody waits for what he could have: who lives on his guarantee, or the first
 * of those who want a share. */
static void check_waiters(void)
{
	bool wanted = false;
	struct gw_mem_waiter *w;

	TAILQ_FOREACH (w, &pool.waiters, link) {
		if (w->credit->used_bytes + w->bytes <= w->credit->guaranteed_bytes)
			fail_msg("a waiter was forgotten who lives on his guarantee");
		if (wanted || w->credit->used_bytes + w->bytes > w->credit->limit_bytes)
			continue;
		assert_false(model_allows(w->credit, w->bytes));
		wanted = true;
	}
}

/* ---- moves -------------------------------------------------------------- */

static void stamp(struct held *h)
{
	h->stamp = chance(UINT64_MAX);
	for (uint32_t i = 0; i < h->buf->bytes; i += 4096)
		memcpy(h->buf->mem + i, &h->stamp, 8);
	memcpy(h->buf->mem + h->buf->bytes - 8, &h->stamp, 8);
}

static void check_stamp(const struct held *h)
{
	for (uint32_t i = 0; i < h->buf->bytes; i += 4096)
		assert_memory_equal(h->buf->mem + i, &h->stamp, 8);
	assert_memory_equal(h->buf->mem + h->buf->bytes - 8, &h->stamp, 8);
}

static void take(void)
{
	unsigned c = (unsigned)chance(CREDITS);
	uint32_t bytes = (uint32_t)(chance(GW_BUF_MAX_BYTES >> chance(9)) + 1);
	bool may;
	struct gw_buf *buf;

	if (n_held == HELD_MAX || !credit[c].pool)
		return;
	may = model_allows(&credit[c], rounded(bytes));
	buf = gw_buf_take(&credit[c], bytes);
	assert_int_equal(buf != NULL, may);
	if (!buf)
		return;
	assert_int_equal(buf->bytes, rounded(bytes));
	assert_int_equal((uintptr_t)buf->mem % GW_PAGE_BYTES, 0);
	held[n_held] = (struct held){ .buf = buf, .credit = c };
	stamp(&held[n_held++]);
}

static void put(void)
{
	unsigned i;

	if (!n_held)
		return;
	i = (unsigned)chance(n_held);
	check_stamp(&held[i]);
	if (chance(8) == 0) { /* a second reference keeps it */
		struct gw_buf *more = gw_buf_ref(held[i].buf);

		gw_buf_put(&more);
		assert_null(more);
		check_stamp(&held[i]);
	}
	gw_buf_put(&held[i].buf);
	held[i] = held[--n_held];
}

static void adopt(void)
{
	struct gw_mem mem = { 0 };
	unsigned i;

	if (!n_held)
		return;
	i = (unsigned)chance(n_held);
	gw_mem_add(&mem, held[i].buf, held[i].buf->mem, held[i].buf->bytes);
	held[i].credit = CREDITS;
	gw_mem_adopt(&pool, &mem);
	gw_mem_put(&mem);
}

static void woken(struct gw_mem_waiter *w)
{
	struct waiter *mine = (struct waiter *)w;

	assert_false(w->waiting);
	assert_true(model_allows(w->credit, w->bytes));
	mine->woken++;
	mine->order = ++wakes;
}

static void wait_or_not(void)
{
	struct waiter *mine = &waiter[chance(WAITERS)];
	unsigned c = (unsigned)chance(CREDITS);
	uint64_t bytes = chance(2u << 20) + 1;

	if (mine->w.waiting) {
		gw_credit_unwait(&mine->w);
		gw_credit_unwait(&mine->w); /* no matter */
	} else if (credit[c].pool && !model_allows(&credit[c], (bytes + 4095) / 4096 * 4096)) {
		mine->w.wake = woken;
		gw_credit_wait(&mine->w, &credit[c], bytes);
	}
}

/* Nothing changes where it cannot be; less can always be. */
static void resize(struct gw_credit *c, uint64_t guaranteed, uint64_t limit)
{
	uint64_t promised = pool.promised_bytes - c->guaranteed_bytes + guaranteed;
	uint64_t shared = pool.shared_bytes - c->shared_bytes + beyond(c->used_bytes, guaranteed);
	bool may = guaranteed <= c->guaranteed_bytes || model_promises(promised, shared);
	struct gw_credit was = *c;

	assert_int_equal(gw_credit_resize(c, guaranteed, limit), may);
	if (!may)
		assert_memory_equal(&was, c, sizeof(was));
}

static void open_or_close(void)
{
	struct gw_credit *c = &credit[chance(CREDITS)];
	uint64_t guaranteed = chance(8u << 20), limit = chance(64u << 20);
	bool may;

	if (!c->pool) {
		may = model_promises(pool.promised_bytes + guaranteed, pool.shared_bytes);
		assert_int_equal(gw_credit_open(&pool, guaranteed, limit, c), may);
		return;
	}
	if (chance(2)) {
		uint64_t less = chance(c->guaranteed_bytes + 1);

		limit += c->used_bytes;
		if (chance(2))
			assert_true(gw_credit_resize(c, less, limit));
		else
			resize(c, guaranteed, limit);
		return;
	}
	if (c->used_bytes)
		return;
	for (unsigned i = 0; i < WAITERS; i++)
		if (waiter[i].w.waiting && waiter[i].w.credit == c)
			gw_credit_unwait(&waiter[i].w);
	gw_credit_close(c);
}

/* As the core's bounce memory does it: a list in pieces, or nothing. */
static void take_list(void)
{
	unsigned c = (unsigned)chance(CREDITS), room = HELD_MAX - n_held;
	uint32_t bytes = (uint32_t)(chance(3u << 20) + 1), got, sum = 0;
	uint32_t least = chance(2) ? 0 : (uint32_t)(chance(bytes) + 1);
	struct gw_mem mem = { 0 };

	if (room < GW_MEM_SLICES || !credit[c].pool)
		return;
	got = gw_mem_take(&credit[c], bytes, least, &mem);
	assert_int_equal(got, mem.bytes);
	assert_true(got == 0 ? mem.n == 0 : got >= (least ? least : bytes) && got <= bytes);
	if (!got)
		assert_false(least <= GW_PAGE_BYTES && least && model_allows(&credit[c], least));
	for (unsigned i = 0; i < mem.n; i++) {
		sum += (uint32_t)mem.iov[i].iov_len;
		assert_ptr_equal(mem.iov[i].iov_base, mem.buf[i]->mem);
		held[n_held] = (struct held){ .buf = gw_buf_ref(mem.buf[i]), .credit = c };
		stamp(&held[n_held++]);
	}
	assert_int_equal(sum, got);
	gw_mem_put(&mem);
}

static void step(void)
{
	switch (chance(12)) {
	case 0:
	case 1:
	case 2:
		take();
		break;
	case 3:
		take_list();
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		put();
		break;
	case 8:
		adopt();
		break;
	case 9:
	case 10:
		wait_or_not();
		break;
	default:
		open_or_close();
	}
}

static void end_all(void)
{
	for (unsigned i = 0; i < WAITERS; i++)
		gw_credit_unwait(&waiter[i].w);
	while (n_held)
		put();
	for (unsigned c = 0; c < CREDITS; c++)
		gw_credit_close(&credit[c]);
}

static void by_chance(void **state)
{
	(void)state;
	for (uint64_t run = 1; run <= 20; run++) {
		seed = run;
		wakes = 0;
		gw_pool_init(&pool, LIMIT);
		for (unsigned i = 0; i < 4000; i++) {
			step();
			check_books();
			check_waiters();
		}
		end_all();
		check_books();
		assert_int_equal(pool.promised_bytes, 0);
		gw_pool_trim(&pool);
		assert_int_equal(pool.mapped_bytes, 0);
		gw_pool_free(&pool);
	}
}

/* ---- by hand ------------------------------------------------------------ */

static void guarantees_hold(void **state)
{
	struct gw_credit rich, poor, late;
	struct gw_buf *all[64], *mine[4];
	unsigned n = 0;

	(void)state;
	gw_pool_init(&pool, 40u << 20);
	assert_true(gw_credit_open(&pool, 4u << 20, 4u << 20, &poor));
	assert_true(gw_credit_open(&pool, 0, UINT64_MAX, &rich));
	assert_false(gw_credit_open(&pool, 37u << 20, UINT64_MAX, &credit[0]));
	assert_true(gw_credit_open(&pool, 5u << 20, 5u << 20, &late)); /* nobody has it yet */
	assert_int_equal(gw_pool_reserve_bytes(&pool), 0); /* never less than nothing */
	gw_credit_close(&late);
	while ((all[n] = gw_buf_take(&rich, 1u << 20)))
		n++;
	assert_int_equal(n, 33); /* the rest is the other's, and for newcomers */
	assert_int_equal(gw_pool_reserve_bytes(&pool), 3u << 20);
	assert_true(gw_credit_open(&pool, 3u << 20, 3u << 20, &late));
	assert_int_equal(gw_pool_reserve_bytes(&pool), 0);
	assert_false(gw_credit_open(&pool, 1, 1, &credit[0])); /* nothing left to promise */
	assert_non_null(mine[0] = gw_buf_take(&late, 1u << 20));
	gw_buf_put(&mine[0]);
	gw_credit_close(&late);
	for (unsigned i = 0; i < 4; i++)
		assert_non_null(mine[i] = gw_buf_take(&poor, 1u << 20));
	assert_null(gw_buf_take(&poor, 1));
	while (n)
		gw_buf_put(&all[--n]);
	assert_null(gw_buf_take(&poor, 1)); /* its limit */
	for (unsigned i = 0; i < 4; i++)
		gw_buf_put(&mine[i]);
	gw_credit_close(&poor);
	assert_int_equal(pool.mapped_bytes, 0); /* all is unused: all went back */
	gw_credit_close(&rich);
	gw_pool_free(&pool);
}

static void in_order_of_arrival(void **state)
{
	struct gw_credit c, own;
	struct gw_buf *all[64];
	struct waiter w[4] = { 0 };
	unsigned n = 0;

	(void)state;
	wakes = 0;
	gw_pool_init(&pool, 40u << 20);
	assert_true(gw_credit_open(&pool, 1u << 20, 1u << 20, &own));
	assert_true(gw_credit_open(&pool, 0, UINT64_MAX, &c));
	while ((all[n] = gw_buf_take(&c, 1u << 20)))
		n++;
	for (unsigned i = 0; i < 3; i++)
		w[i].w.wake = woken;
	gw_credit_wait(&w[0].w, &c, 2u << 20); /* more than the next put gives */
	gw_credit_wait(&w[1].w, &c, 4096); /* does not overtake it */
	gw_buf_put(&all[--n]);
	assert_int_equal(w[0].woken + w[1].woken, 0);
	gw_credit_wait(&w[2].w, &own, 1u << 20); /* lives on its own: at the next chance */
	gw_buf_put(&all[--n]);
	assert_true(w[0].woken == 1 && w[1].woken == 1 && w[2].woken == 1);
	assert_true(w[0].order < w[1].order);
	while (n)
		gw_buf_put(&all[--n]);
	assert_true(w[0].woken == 1 && w[1].woken == 1);
	gw_credit_close(&c);
	gw_credit_close(&own);
	gw_pool_free(&pool);
}

/* The memory of an orphan leaves the guarantee free for who waits on it. */
static void an_orphan_frees_its_guarantee(void **state)
{
	struct gw_credit c;
	struct gw_mem mem = { 0 };
	struct waiter w = { .w.wake = woken };

	(void)state;
	gw_pool_init(&pool, 40u << 20);
	assert_true(gw_credit_open(&pool, 65536, 65536, &c));
	assert_int_equal(gw_mem_take(&c, 65536, 0, &mem), 65536);
	gw_credit_wait(&w.w, &c, 65536);
	gw_mem_adopt(&pool, &mem);
	assert_int_equal(c.used_bytes, 0);
	assert_int_equal(pool.orphans.used_bytes, 65536);
	assert_int_equal(w.woken, 1);
	gw_mem_adopt(&pool, &mem); /* twice: no matter */
	assert_int_equal(pool.orphans.used_bytes, 65536);
	gw_credit_close(&c); /* its owner is gone, the memory is not */
	gw_mem_put(&mem);
	assert_int_equal(pool.used_bytes, 0);
	gw_pool_free(&pool);
}

/* Woken, it finds less than it needs, and waits again: once for each put. */
static void woken_and_waits_again(struct gw_mem_waiter *w)
{
	struct waiter *mine = (struct waiter *)w;
	struct gw_buf *buf = gw_buf_take(w->credit, 9000);

	assert_null(buf);
	if (++mine->woken < 100)
		gw_credit_wait(w, w->credit, 9000);
}

static void waking_ends(void **state)
{
	struct waiter w = { .w.wake = woken_and_waits_again };
	struct gw_buf *buf[4];
	struct gw_credit c;

	(void)state;
	gw_pool_init(&pool, 40u << 20);
	assert_true(gw_credit_open(&pool, 0, 16384 + 12288, &c));
	for (unsigned i = 0; i < 4; i++)
		assert_non_null(buf[i] = gw_buf_take(&c, i ? 4096 : 16384));
	gw_credit_wait(&w.w, &c, 9000); /* 9000 would fit in 3 pages, a buffer has 4 */
	for (unsigned i = 3; i; i--)
		gw_buf_put(&buf[i]);
	assert_true(w.woken <= 3);
	gw_credit_unwait(&w.w);
	gw_buf_put(&buf[0]);
	gw_credit_close(&c);
	gw_pool_free(&pool);
}

/* Half a page of room is no room: a waiter for a few bytes is not woken for it. */
static void half_a_page(void **state)
{
	struct waiter w = { .w.wake = woken };
	struct gw_credit c;
	struct gw_buf *buf, *more;

	(void)state;
	gw_pool_init(&pool, 40u << 20);
	assert_true(gw_credit_open(&pool, 0, 8192 + 2048, &c));
	assert_non_null(buf = gw_buf_take(&c, 4096));
	assert_non_null(more = gw_buf_take(&c, 4096));
	gw_credit_wait(&w.w, &c, 6000);
	gw_buf_put(&more);
	assert_int_equal(w.woken, 0); /* two pages: it would have three */
	gw_buf_put(&buf);
	assert_int_equal(w.woken, 1);
	gw_credit_close(&c);
	gw_pool_free(&pool);
}

HARNESS_MAIN(cmocka_unit_test(guarantees_hold), cmocka_unit_test(in_order_of_arrival),
	     cmocka_unit_test(an_orphan_frees_its_guarantee), cmocka_unit_test(waking_ends),
	     cmocka_unit_test(half_a_page), cmocka_unit_test(by_chance))
