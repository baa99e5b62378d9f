/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of gateway/loop share (rig.h).
 */
#include "config.h"

#include "tests/unit/gateway/loop/rig.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void rig_up(struct rig *rig)
{
	struct gw_err err = GW_ERR_NONE;

	*rig = (struct rig){ 0 };
	if (loop_set_create(1, rig_driver, &rig->set, &err))
		fail_msg("%s", err.text);
	rig->loop = loop_set_get(rig->set, 0);
	rig->fs = loop_fs(rig->loop);
}

void rig_down(struct rig *rig)
{
	loop_set_destroy(&rig->set);
	assert_null(rig->set);
}

void rig_up_pair(struct rig *rig, int pair[2])
{
	rig_up(rig);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

void rig_down_pair(struct rig *rig, int pair[2])
{
	loop_sock_close(rig->loop, pair[0]);
	close(pair[1]);
	rig_down(rig);
}

void rig_until(struct rig *rig, const int *what, int least)
{
	struct instant end = instant_add(loop_clock(rig->loop), span_ms(RIG_PATIENCE_MS));

	while (*what < least) {
		loop_turn(rig->loop, end);
		if (*what < least && instant_before(end, loop_clock(rig->loop)))
			fail_msg("waited in vain");
	}
}

void rig_for_ms(struct rig *rig, int ms)
{
	rig_turns_in(rig, ms);
}

unsigned rig_turns_in(struct rig *rig, int ms)
{
	struct instant end = instant_add(loop_clock(rig->loop), span_ms(ms));
	unsigned n = 0;

	for (; instant_before(loop_clock(rig->loop), end); n++)
		loop_turn(rig->loop, end);
	return n;
}

static void done(struct drv_op *drv_op, int64_t res)
{
	struct rig_op *op = (struct rig_op *)drv_op;

	op->res = res;
	if (op->ends < 16)
		op->all[op->ends] = res;
	op->ends++;
}

void rig_submit(struct rig *rig, struct rig_op *op)
{
	op->op.done = done;
	op->op.iov = op->iov;
	loop_submit(rig->loop, &op->op);
}

int64_t rig_run(struct rig *rig, struct rig_op *op)
{
	int before = op->ends;

	rig_submit(rig, op);
	assert_int_equal(op->ends, before); /* never from inside submit() */
	rig_until(rig, &op->ends, before + 1);
	return op->res;
}

void rig_buf(struct rig_op *op, enum drv_kind kind, const void *buf, size_t len)
{
	*op = (struct rig_op){ 0 };
	op->op.kind = (uint8_t)kind;
	op->iov[0] = (struct iovec){ (void *)(uintptr_t)buf, len };
	op->op.niov = 1;
}

void rig_sock_op(struct rig_op *op, enum drv_kind kind, int sock, const void *buf, size_t len)
{
	rig_buf(op, kind, buf, len);
	op->op.sock = sock;
}

void rig_file_op(struct rig_op *op, enum drv_kind kind, struct drv_file *file, const void *buf,
		 size_t len, uint64_t offset)
{
	rig_buf(op, kind, buf, len);
	op->op.file = file;
	op->op.offset = offset;
}

static uint8_t byte_at(uint64_t at, uint64_t seed)
{
	uint64_t x = (at / 8 + seed) * 0x9e3779b97f4a7c15ULL;

	return (uint8_t)(x >> (8 * (at % 8)));
}

void rig_fill(void *buf, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = byte_at(i, seed);
}

int rig_same(const void *buf, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++)
		if (((const uint8_t *)buf)[i] != byte_at(i, seed))
			return 0;
	return 1;
}

char *rig_folder(const char *parent)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/sluice-test-XXXXXX", parent);
	return mkdtemp(path) ? strdup(path) : NULL;
}

void rig_folder_remove(char *folder)
{
	char command[300];

	if (!folder)
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command))
		fail_msg("cannot remove %s", folder);
	free(folder);
}
