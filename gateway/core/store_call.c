/* SPDX-License-Identifier: BSD-3-Clause
 *
 * store_call.c - hand one request to a store, take its completion back.
 *
 * The only caller of gw_store_ops.submit().  It checks the range, proves that
 * completion comes exactly once, and defers one that comes from inside submit()
 * to the end of the turn, so that nobody above is ever called back from below
 * himself.
 */
#include "config.h"

#include "gateway/api/store.h"

#include "gateway/core/core.h"

_Static_assert(sizeof(((struct gw_io *)0)->core_mail) >= sizeof(struct loop_mail),
	       "the mail of a late completion fits");
_Static_assert(sizeof(((struct gw_io *)0)->core_mail) >= sizeof(struct loop_task),
	       "so does the task of an early one");

enum io_state { IO_IDLE, IO_SUBMITTING, IO_EARLY, IO_AT_STORE, IO_MAILED };

/* Completions that came from inside submit() run from here. */
static void early_task(struct loop_task *task)
{
	struct gw_io *io = (struct gw_io *)((uint8_t *)task - offsetof(struct gw_io, core_mail));

	GW_CHECK(io->core_state == IO_EARLY);
	io->core_state = IO_IDLE;
	io->core_done(io);
}

static bool range_is_sane(const struct gw_lane *lane, const struct gw_io *io)
{
	uint64_t size = lane->info.size_bytes;
	uint64_t sum = 0;

	if (io->op == GW_FLUSH || io->op == GW_RAW_CDB)
		return true;
	if (io->op == GW_READ || io->op == GW_WRITE) {
		for (unsigned i = 0; i < io->niov; i++)
			sum += io->iov[i].iov_len;
		GW_CHECK(sum == io->length);
		GW_CHECK(io->offset % lane->info.align_bytes == 0);
		GW_CHECK(io->length % lane->info.align_bytes == 0);
	}
	return io->offset <= size && io->length <= size - io->offset;
}

void gw_store_submit(struct gw_lane *lane, struct gw_io *io, void (*done)(struct gw_io *io))
{
	GW_CHECK(io->core_state == IO_IDLE);
	io->core_done = done;
	io->loop = lane->gwl->loop;
	io->core_state = IO_SUBMITTING;
	if (!lane->open)
		gw_io_done(io, GW_NOT_READY);
	else if (!range_is_sane(lane, io))
		gw_io_done(io, GW_OUT_OF_RANGE);
	else
		lane->ops->submit(lane->store, lane->store_lane, io);
	if (io->core_state == IO_SUBMITTING)
		io->core_state = IO_AT_STORE;
}

/* A store that was built before a member was added ends before it. */
#define HAS(ops, member)                                                                        \
	((ops)->struct_size >= offsetof(struct gw_store_ops, member) + sizeof((ops)->member) && \
	 (ops)->member)

/* Proven here as for submit(), whatever was proven above. */
static bool are_inside(const struct gw_lane *lane, const struct gw_loan *loans, unsigned n)
{
	uint64_t size = lane->info.size_bytes;

	for (unsigned i = 0; i < n; i++)
		if (loans[i].offset > size || loans[i].length > size - loans[i].offset)
			return false;
	return true;
}

void gw_store_lend(struct gw_lane *lane, struct gw_loan *loans, unsigned n)
{
	if (lane->open && HAS(lane->ops, lend) && are_inside(lane, loans, n))
		lane->ops->lend(lane->store, lane->store_lane, lane->gwl->loop, loans, n);
}

struct drv_file *gw_store_lent_file(const struct gw_lane *lane)
{
	return lane->open && HAS(lane->ops, lent_file) ? lane->ops->lent_file(lane->store) : NULL;
}

void gw_store_back(struct gw_lane *lane, void *token)
{
	if (HAS(lane->ops, back))
		lane->ops->back(lane->store, lane->store_lane, token);
}

void gw_io_done(struct gw_io *io, enum gw_status status)
{
	io->core_status = status;
	if (io->core_state == IO_SUBMITTING) {
		struct loop_task *task = (struct loop_task *)io->core_mail;

		io->core_state = IO_EARLY;
		*task = (struct loop_task){ .run = early_task };
		loop_defer(io->loop, task);
		return;
	}
	GW_CHECK(io->core_state == IO_AT_STORE);
	io->core_state = IO_IDLE;
	io->core_done(io);
}

static void late_mail(struct loop_mail *mail)
{
	struct gw_io *io = (struct gw_io *)((uint8_t *)mail - offsetof(struct gw_io, core_mail));

	/* submit() has returned by now: mail never runs inside it */
	GW_CHECK(io->core_state == IO_AT_STORE);
	gw_io_done(io, io->core_status);
}

void gw_io_done_elsewhere(struct gw_io *io, enum gw_status status)
{
	struct loop_mail *mail = (struct loop_mail *)io->core_mail;

	io->core_status = status;
	*mail = (struct loop_mail){ .run = late_mail };
	loop_post(io->loop, mail);
}
