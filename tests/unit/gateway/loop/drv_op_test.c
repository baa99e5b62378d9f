/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cursor over an iovec, for every way to cut five elements, and the lists.
 */
#include "config.h"

#include "tests/harness/harness.h"

#include "gateway/loop/drv_op.h"

#define N 5

static const size_t lens[N] = { 0, 3, 0, 1, 4 };

static void begin(struct drv_op *op, struct iovec *iov, char *buf)
{
	size_t at = 0;

	for (int i = 0; i < N; i++) {
		iov[i] = (struct iovec){ buf + at, lens[i] };
		at += lens[i];
	}
	*op = (struct drv_op){ .iov = iov, .niov = N };
	drv_op_rewind(op);
	assert_int_equal(drv_op_left(op), 8);
}

/* Where the next byte goes, and how many are left. */
static void check(const struct drv_op *op, const char *buf, uint64_t finished)
{
	uint64_t left = 0;

	assert_int_equal(drv_op_left(op), 8 - finished);
	assert_int_equal(drv_op_finished(op), finished);
	if (finished == 8)
		return;
	assert_ptr_equal(drv_op_iov(op)->iov_base, buf + finished);
	assert_int_not_equal(drv_op_iov(op)->iov_len, 0);
	for (unsigned i = 0; i < drv_op_niov(op); i++)
		left += drv_op_iov(op)[i].iov_len;
	assert_int_equal(left, 8 - finished);
}

static void every_cut(void **state)
{
	char buf[8];

	(void)state;
	for (unsigned cuts = 0; cuts < 128; cuts++) {
		struct iovec iov[N];
		struct drv_op op;
		uint64_t step = 0, finished = 0;

		begin(&op, iov, buf);
		for (unsigned i = 0; i < 8; i++) {
			step++;
			if (i < 7 && !(cuts >> i & 1))
				continue;
			drv_op_advance(&op, step);
			finished += step;
			step = 0;
			check(&op, buf, finished);
		}
	}
}

static void rewinds_to_what_is_left(void **state)
{
	char buf[8];

	(void)state;
	for (unsigned n = 0; n < 8; n++) {
		struct iovec iov[N];
		struct drv_op op;

		begin(&op, iov, buf);
		drv_op_advance(&op, n);
		drv_op_rewind(&op);
		assert_int_equal(drv_op_left(&op), 8 - n);
		assert_ptr_equal(drv_op_iov(&op)->iov_base, buf + n);
	}
}

static void no_more_than_one_call_takes(void **state)
{
	static struct iovec iov[DRV_OP_IOV_MOST * 2];
	char byte;
	struct drv_op op = { .iov = iov, .niov = DRV_OP_IOV_MOST * 2 };

	(void)state;
	for (int i = 0; i < DRV_OP_IOV_MOST * 2; i++)
		iov[i] = (struct iovec){ &byte, 1 };
	drv_op_rewind(&op);
	assert_int_equal(drv_op_niov(&op), DRV_OP_IOV_MOST);
	drv_op_advance(&op, DRV_OP_IOV_MOST + 1);
	assert_int_equal(drv_op_niov(&op), DRV_OP_IOV_MOST - 1);
}

static void lists(void **state)
{
	struct drv_op ops[4];
	struct drv_op_list list;

	(void)state;
	for (int out = 0; out < 4; out++) {
		drv_op_list_init(&list);
		assert_null(drv_op_list_get(&list));
		for (int i = 0; i < 4; i++)
			drv_op_list_put(&list, &ops[i]);
		drv_op_list_remove(&list, &ops[out]);
		drv_op_list_remove(&list, &ops[out]); /* is not in: harmless */
		drv_op_list_put(&list, &ops[out]); /* the tail is right */
		for (int i = 0; i < 4; i++)
			if (i != out)
				assert_ptr_equal(drv_op_list_get(&list), &ops[i]);
		assert_ptr_equal(drv_op_list_get(&list), &ops[out]);
		assert_null(drv_op_list_get(&list));
	}
}

HARNESS_MAIN(cmocka_unit_test(every_cut), cmocka_unit_test(rewinds_to_what_is_left),
	     cmocka_unit_test(no_more_than_one_call_takes), cmocka_unit_test(lists))
