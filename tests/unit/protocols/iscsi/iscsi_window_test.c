/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_window_test.c - commands in every order, with holes, twice, too early, too
 * late, across the wrap of the numbers, while the window grows and shrinks.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_window.h"

#include <string.h>

#include "gateway/base/table.h"
#include "protocols/iscsi/iscsi_sn.h"
#include "tests/harness/harness.h"

#define SLOTS 64u

static const uint32_t starts[] = { 0,	       1,	   100,	       0x7ffffffe,
				   0x80000000, 0xfffffff0, 0xfffffffd, 0xffffffff };

struct rig {
	struct iscsi_window window;
	void *slots[SLOTS];
	uint32_t delivered[4 * SLOTS];
	unsigned n_delivered;
	uint32_t last_max;
};

/* A command is its number, in memory that outlives the window. */
static uint32_t commands[4 * SLOTS];

static void begin(struct rig *rig, uint32_t cmdsn, uint32_t depth)
{
	memset(rig, 0, sizeof(*rig));
	memset(rig->slots, 0x77, sizeof(rig->slots)); /* begin empties them */
	iscsi_window_begin(&rig->window, rig->slots, SLOTS, cmdsn, depth);
	rig->last_max = rig->window.max_cmdsn;
	for (uint32_t i = 0; i < TABLE_LEN(commands); i++)
		commands[i] = cmdsn + i;
}

/* What always holds. */
static void check(struct rig *rig)
{
	const struct iscsi_window *w = &rig->window;
	uint32_t capacity = w->max_cmdsn - w->exp_cmdsn + 1, kept = 0;

	assert_true(capacity <= SLOTS);
	/* 4.2.2.1: never less than ExpCmdSN - 1, and it never goes back. */
	assert_true(iscsi_sn_ge(w->max_cmdsn, w->exp_cmdsn - 1));
	assert_true(iscsi_sn_ge(w->max_cmdsn, rig->last_max));
	rig->last_max = w->max_cmdsn;
	for (uint32_t i = 0; i < SLOTS; i++)
		for (uint32_t c = 0; c < TABLE_LEN(commands); c++)
			kept += rig->slots[i] == &commands[c];
	assert_int_equal(kept, w->kept);
}

static void deliver(struct rig *rig, const uint32_t *cmd)
{
	rig->delivered[rig->n_delivered++] = *cmd;
}

/* Command i arrives, counted from the start. */
static enum iscsi_window_verdict arrive(struct rig *rig, unsigned i)
{
	bool open = iscsi_window_open_for(&rig->window, commands[i]);
	enum iscsi_window_verdict v = iscsi_window_take(&rig->window, commands[i], &commands[i]);
	uint32_t *next;

	assert_int_equal(open, v == ISCSI_WINDOW_NOW || v == ISCSI_WINDOW_KEPT);
	if (v == ISCSI_WINDOW_NOW) {
		deliver(rig, &commands[i]);
		while ((next = iscsi_window_next(&rig->window)))
			deliver(rig, next);
	}
	assert_null(iscsi_window_next(&rig->window));
	check(rig);
	return v;
}

static void assert_delivered(const struct rig *rig, unsigned n)
{
	assert_int_equal(rig->n_delivered, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(rig->delivered[i], commands[i]);
	assert_int_equal(rig->window.exp_cmdsn, commands[0] + n);
}

/* ---- order ------------------------------------------------------------------ */

static void in_order(void **state)
{
	for (unsigned s = 0; s < TABLE_LEN(starts); s++) {
		struct rig rig;

		begin(&rig, starts[s], 8);
		assert_int_equal(rig.window.exp_cmdsn, starts[s]);
		assert_int_equal(rig.window.max_cmdsn, starts[s] + 7);
		for (unsigned i = 0; i < 200; i++) {
			assert_int_equal(arrive(&rig, i), ISCSI_WINDOW_NOW);
			iscsi_window_done(&rig.window);
			check(&rig);
			assert_int_equal(rig.window.max_cmdsn, starts[s] + i + 8);
		}
		assert_delivered(&rig, 200);
	}
}

/* Heap's algorithm, one step deeper each time. */
static void permute(unsigned *order, unsigned n, unsigned all, uint32_t start)
{
	if (n == 1) {
		struct rig rig;

		begin(&rig, start, 8);
		for (unsigned i = 0; i < all; i++) {
			enum iscsi_window_verdict v = arrive(&rig, order[i]);

			assert_true(v == ISCSI_WINDOW_NOW || v == ISCSI_WINDOW_KEPT);
			for (unsigned j = 0; j <= i; j++) /* all that came are duplicates now */
				assert_true(arrive(&rig, order[j]) >= ISCSI_WINDOW_TWICE);
		}
		assert_delivered(&rig, all);
		assert_int_equal(rig.window.kept, 0);
		assert_int_equal(rig.window.busy, all);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		unsigned at = n % 2 ? 0 : i, held;

		permute(order, n - 1, all, start);
		held = order[at];
		order[at] = order[n - 1];
		order[n - 1] = held;
	}
}

static void every_order_of_small_sets(void **state)
{
	for (unsigned s = 0; s < TABLE_LEN(starts); s++)
		for (unsigned n = 1; n <= 6; n++) {
			unsigned order[6] = { 0, 1, 2, 3, 4, 5 };

			permute(order, n, n, starts[s]);
		}
}

static void backwards_through_the_whole_window(void **state)
{
	for (unsigned s = 0; s < TABLE_LEN(starts); s++) {
		struct rig rig;

		begin(&rig, starts[s], SLOTS);
		for (unsigned i = SLOTS; --i;) {
			assert_int_equal(arrive(&rig, i), ISCSI_WINDOW_KEPT);
			assert_int_equal(arrive(&rig, i), ISCSI_WINDOW_TWICE);
		}
		assert_int_equal(arrive(&rig, 0), ISCSI_WINDOW_NOW);
		assert_delivered(&rig, SLOTS);
		/* All memory is busy: closed until one is done. */
		assert_int_equal(rig.window.max_cmdsn, rig.window.exp_cmdsn - 1);
		assert_int_equal(arrive(&rig, SLOTS), ISCSI_WINDOW_OUTSIDE);
		iscsi_window_done(&rig.window);
		assert_int_equal(arrive(&rig, SLOTS), ISCSI_WINDOW_NOW);
	}
}

/* ---- outside ---------------------------------------------------------------- */

static void outside(void **state)
{
	for (unsigned s = 0; s < TABLE_LEN(starts); s++) {
		static const uint32_t far[] = { 8,	    9,		SLOTS,	    SLOTS + 1,
						0x7fffffff, 0x80000000, 0x80000001, 0xffffffbf,
						0xffffffc0, 0xfffffffe, 0xffffffff };
		struct rig rig;

		begin(&rig, starts[s], 8);
		for (unsigned i = 0; i < TABLE_LEN(far); i++) {
			assert_false(iscsi_window_open_for(&rig.window, starts[s] + far[i]));
			assert_int_equal(iscsi_window_take(&rig.window, starts[s] + far[i],
							   &commands[0]),
					 ISCSI_WINDOW_OUTSIDE);
			assert_int_equal(iscsi_window_plug(&rig.window, starts[s] + far[i]),
					 ISCSI_WINDOW_OUTSIDE);
			assert_null(iscsi_window_forget(&rig.window, starts[s] + far[i]));
			check(&rig);
		}
		assert_int_equal(arrive(&rig, 7), ISCSI_WINDOW_KEPT);
		assert_int_equal(rig.window.exp_cmdsn, starts[s]);
	}
}

/* A number whose slot is taken by another one is outside, not a duplicate. */
static void numbers_that_share_a_slot(void **state)
{
	struct rig rig;

	begin(&rig, 100, 8);
	assert_int_equal(arrive(&rig, 3), ISCSI_WINDOW_KEPT);
	assert_int_equal(arrive(&rig, 3 + SLOTS), ISCSI_WINDOW_OUTSIDE);
	assert_null(iscsi_window_forget(&rig.window, 103 + SLOTS));
	assert_null(iscsi_window_forget(&rig.window, 103 - SLOTS));
	assert_ptr_equal(iscsi_window_forget(&rig.window, 103), &commands[3]);
}

static void closed(void **state)
{
	struct rig rig;

	begin(&rig, 5, 0);
	assert_int_equal(rig.window.max_cmdsn, 4);
	assert_int_equal(arrive(&rig, 0), ISCSI_WINDOW_OUTSIDE);
	iscsi_window_depth(&rig.window, 1);
	assert_int_equal(rig.window.max_cmdsn, 5);
	assert_int_equal(arrive(&rig, 0), ISCSI_WINDOW_NOW);
	assert_int_equal(arrive(&rig, 1), ISCSI_WINDOW_OUTSIDE);
	iscsi_window_done(&rig.window);
	assert_int_equal(arrive(&rig, 1), ISCSI_WINDOW_NOW);
	assert_delivered(&rig, 2);
}

/* One slot alone. */
static void smallest(void **state)
{
	struct iscsi_window w;
	void *slot[1];

	iscsi_window_begin(&w, slot, 1, 0xffffffff, 1);
	assert_int_equal(iscsi_window_take(&w, 0, &commands[0]), ISCSI_WINDOW_OUTSIDE);
	assert_int_equal(iscsi_window_take(&w, 0xffffffff, &commands[0]), ISCSI_WINDOW_NOW);
	assert_null(iscsi_window_next(&w));
	iscsi_window_done(&w);
	assert_true(w.exp_cmdsn == 0 && w.max_cmdsn == 0);
}

/* ---- memory ----------------------------------------------------------------- */

/* 4.2.2.1: what was announced stays announced; it shrinks as commands arrive. */
static void shrinks_and_grows(void **state)
{
	for (unsigned s = 0; s < TABLE_LEN(starts); s++) {
		struct rig rig;

		begin(&rig, starts[s], 16);
		iscsi_window_depth(&rig.window, 4);
		check(&rig);
		assert_int_equal(rig.window.max_cmdsn, starts[s] + 15);
		for (unsigned i = 0; i < 13; i++) {
			assert_int_equal(arrive(&rig, i), ISCSI_WINDOW_NOW);
			iscsi_window_done(&rig.window);
			assert_int_equal(rig.window.max_cmdsn, starts[s] + (i < 12 ? 15 : 16));
		}
		/* Three of the four announced, and one busy. */
		assert_int_equal(arrive(&rig, 13), ISCSI_WINDOW_NOW);
		assert_int_equal(rig.window.max_cmdsn, starts[s] + 16);
		iscsi_window_depth(&rig.window, SLOTS);
		assert_int_equal(rig.window.max_cmdsn, starts[s] + 13 + SLOTS - 1);
		check(&rig);
		iscsi_window_depth(&rig.window, 0);
		iscsi_window_done(&rig.window);
		assert_int_equal(rig.window.max_cmdsn, starts[s] + 13 + SLOTS - 1);
		check(&rig);
	}
}

/* Never more than depth: delivered and not done, or still allowed to come. */
static void memory_is_never_overdrawn(void **state)
{
	uint32_t random = 12345;
	struct rig rig;
	unsigned sent = 0;

	begin(&rig, 0xffffffc0, 16);
	for (unsigned step = 0; step < 20000; step++) {
		random = random * 1664525 + 1013904223;
		if (random >> 30 && sent < 190) {
			if (arrive(&rig, sent) == ISCSI_WINDOW_NOW)
				sent++;
		} else if (rig.window.busy) {
			iscsi_window_done(&rig.window);
		}
		assert_true(rig.window.busy + rig.window.max_cmdsn - rig.window.exp_cmdsn + 1 <=
			    16);
	}
	assert_delivered(&rig, 190);
}

/* ---- plugs and forgetting --------------------------------------------------- */

static void plugs(void **state)
{
	for (unsigned s = 0; s < TABLE_LEN(starts); s++) {
		struct rig rig;
		uint32_t *next;

		begin(&rig, starts[s], 8);
		assert_int_equal(arrive(&rig, 1), ISCSI_WINDOW_KEPT);
		assert_int_equal(arrive(&rig, 4), ISCSI_WINDOW_KEPT);
		assert_int_equal(iscsi_window_plug(&rig.window, starts[s] + 2), ISCSI_WINDOW_KEPT);
		assert_int_equal(iscsi_window_plug(&rig.window, starts[s] + 2), ISCSI_WINDOW_TWICE);
		assert_int_equal(iscsi_window_plug(&rig.window, starts[s] + 1), ISCSI_WINDOW_TWICE);
		/* The command itself comes late: a duplicate. */
		assert_int_equal(arrive(&rig, 2), ISCSI_WINDOW_TWICE);
		assert_null(iscsi_window_forget(&rig.window, starts[s] + 2));
		assert_int_equal(rig.window.kept, 2);
		assert_int_equal(iscsi_window_plug(&rig.window, starts[s]), ISCSI_WINDOW_NOW);
		next = iscsi_window_next(&rig.window);
		assert_ptr_equal(next, &commands[1]);
		assert_null(iscsi_window_next(&rig.window)); /* over the plug, to the hole */
		assert_int_equal(rig.window.exp_cmdsn, starts[s] + 3);
		assert_int_equal(arrive(&rig, 3), ISCSI_WINDOW_NOW);
		assert_int_equal(rig.window.exp_cmdsn, starts[s] + 5);
		/* Plugs are no memory: three are busy. */
		assert_int_equal(rig.window.busy, 3);
		assert_int_equal(rig.window.max_cmdsn, starts[s] + 5 + 8 - 3 - 1);
		check(&rig);
	}
}

/* Plugs alone, far more than slots. */
static void plugs_do_not_wear_out(void **state)
{
	struct rig rig;

	begin(&rig, 0xffffff00, 4);
	for (uint32_t i = 0; i < 1000; i += 2) {
		assert_int_equal(iscsi_window_plug(&rig.window, 0xffffff00 + i + 1),
				 ISCSI_WINDOW_KEPT);
		assert_int_equal(iscsi_window_plug(&rig.window, 0xffffff00 + i), ISCSI_WINDOW_NOW);
		assert_null(iscsi_window_next(&rig.window));
		check(&rig);
		assert_int_equal(rig.window.max_cmdsn - rig.window.exp_cmdsn, 3);
	}
}

/* A connection is lost: its commands that waited may come again on another. */
static void forgotten_and_sent_again(void **state)
{
	struct rig rig;

	begin(&rig, 0xfffffffe, 8);
	for (unsigned i = 1; i < 5; i++)
		assert_int_equal(arrive(&rig, i), ISCSI_WINDOW_KEPT);
	assert_ptr_equal(iscsi_window_forget(&rig.window, commands[2]), &commands[2]);
	assert_null(iscsi_window_forget(&rig.window, commands[2]));
	assert_null(iscsi_window_forget(&rig.window, commands[0]));
	check(&rig);
	assert_int_equal(arrive(&rig, 0), ISCSI_WINDOW_NOW);
	assert_delivered(&rig, 2);
	assert_int_equal(arrive(&rig, 2), ISCSI_WINDOW_NOW);
	assert_delivered(&rig, 5);
}

/* RFC 7143 7.3: a rejected command has not come. */
static void given_back(void **state)
{
	void *slots[4] = { NULL };
	struct iscsi_window w;
	int a, b;

	(void)state;
	iscsi_window_begin(&w, slots, 4, UINT32_MAX, 4);
	assert_int_equal(iscsi_window_take(&w, 0, &b), ISCSI_WINDOW_KEPT);
	assert_int_equal(iscsi_window_take(&w, UINT32_MAX, &a), ISCSI_WINDOW_NOW);
	iscsi_window_give_back(&w);
	assert_int_equal(w.exp_cmdsn, UINT32_MAX);
	assert_int_equal(w.busy, 0);
	assert_null(iscsi_window_next(&w));
	assert_int_equal(iscsi_window_take(&w, UINT32_MAX, &a), ISCSI_WINDOW_NOW);
	assert_ptr_equal(iscsi_window_next(&w), &b);
	assert_int_equal(w.busy, 2);
}

HARNESS_MAIN(cmocka_unit_test(given_back), cmocka_unit_test(in_order),
	     cmocka_unit_test(every_order_of_small_sets),
	     cmocka_unit_test(backwards_through_the_whole_window), cmocka_unit_test(outside),
	     cmocka_unit_test(numbers_that_share_a_slot), cmocka_unit_test(closed),
	     cmocka_unit_test(smallest), cmocka_unit_test(shrinks_and_grows),
	     cmocka_unit_test(memory_is_never_overdrawn), cmocka_unit_test(plugs),
	     cmocka_unit_test(plugs_do_not_wear_out), cmocka_unit_test(forgotten_and_sent_again))
