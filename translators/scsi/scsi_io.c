/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_io.c - see scsi_io.h.
 *
 *   task->reqs ─▶ req ⇄ req ⇄ req      slot.ptr[0] next, slot.ptr[1] previous
 *
 * A request or memory that is given back wakes who waits for it, inside the call:
 * other tasks go on, and may end.  So that is the last thing done, when the task
 * at hand is not looked at any more.
 */
#include "config.h"

#include "translators/scsi/scsi_io.h"

#include <stddef.h>

#include "gateway/base/check.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_row.h"

enum { NEXT, PREVIOUS, AT };

static void io_done(struct gw_req *req);

static void link_req(struct scsi_task *task, struct gw_req *req)
{
	req->slot.ptr[NEXT] = task->reqs;
	req->slot.ptr[PREVIOUS] = NULL;
	if (task->reqs)
		task->reqs->slot.ptr[PREVIOUS] = req;
	task->reqs = req;
	task->n_busy++;
}

static void unlink_req(struct scsi_task *task, struct gw_req *req)
{
	struct gw_req *next = req->slot.ptr[NEXT], *previous = req->slot.ptr[PREVIOUS];

	if (next)
		next->slot.ptr[PREVIOUS] = previous;
	if (previous)
		previous->slot.ptr[NEXT] = next;
	else
		task->reqs = next;
	task->n_busy--;
}

static void wake(struct gw_req_waiter *waiter)
{
	struct scsi_task *task =
		(struct scsi_task *)((char *)waiter - offsetof(struct scsi_task, req_waiter));

	scsi_io_settle(task);
}

struct gw_req *scsi_io_take(struct scsi_task *task)
{
	struct gw_req *req = gw_req_take(task->unit->itl);

	if (req)
		return req;
	task->req_waiter.wake = wake;
	if (!task->req_waiter.waiting)
		gw_req_wait(task->unit->itl, &task->req_waiter);
	return NULL;
}

void scsi_io_submit(struct scsi_task *task, struct gw_req *req, uint64_t at)
{
	req->owner = task;
	req->done = io_done;
	req->slot.u64[AT] = at;
	link_req(task, req);
	gw_req_submit(req);
}

uint64_t scsi_io_at(const struct gw_req *req)
{
	return req->slot.u64[AT];
}

struct scsi_piece *scsi_io_piece(struct scsi_task *task)
{
	unsigned i = (task->first_piece + task->n_pieces) % SCSI_PIECES_MAX;

	while (task->known_pieces <= i) {
		struct gw_mem *mem = &task->piece[task->known_pieces++].mem;

		mem->n = mem->bytes = 0;
	}
	return &task->piece[i];
}

uint32_t scsi_io_memory(struct scsi_task *task, uint32_t bytes, uint32_t min_bytes,
			struct gw_mem *mem)
{
	uint32_t got = task->ops->memory(task, bytes, min_bytes, mem);

	task->wants_memory = !got;
	return got;
}

static void note(struct scsi_task *task, const struct gw_req *req)
{
	struct scsi_outcome outcome =
		scsi_sense_outcome(req->status, task->row->flags & SCSI_ROW_CHANGES);
	struct scsi_sense sense = { 0 };

	/* SBC-3 4.18.1: a medium error tells the first block that could not be done.
	 * Where all were done and could not be made durable, that is the first. */
	if (req->status == GW_MEDIUM_ERROR && req->op != GW_FLUSH) {
		uint64_t done = req->bytes_done < req->length ? req->bytes_done : 0;

		sense.has_information = true;
		sense.information = (req->offset + done) / scsi_unit_facts(task->unit)->block_bytes;
	}
	scsi_end_note(task, outcome, &sense, scsi_io_at(req));
}

/* What cannot be deallocated stays mapped: that is no error (SBC-3 4.7.3.4.3). */
static bool is_failure(const struct gw_req *req)
{
	return req->status != GW_OK && !(req->status == GW_UNSUPPORTED && req->op == GW_UNMAP);
}

static void io_done(struct gw_req *req)
{
	struct scsi_task *task = req->owner;
	bool kept;

	unlink_req(task, req);
	if (__builtin_expect(is_failure(req), 0) && !task->aborted)
		note(task, req);
	kept = !task->aborted && task->arrived && task->arrived(task, req);
	scsi_io_settle(task);
	if (!kept)
		gw_req_put(&req);
}

void scsi_io_put(struct gw_req *list)
{
	while (list) {
		struct gw_req *req = list;

		list = req->slot.ptr[NEXT];
		gw_req_put(&req);
	}
}

static struct gw_req *take_again(struct scsi_task *task)
{
	struct gw_req *list = task->again;

	task->again = NULL;
	return list;
}

void scsi_io_settle(struct scsi_task *task)
{
	struct gw_req *list;

	if (__builtin_expect(!task->failed && !task->aborted, 1)) {
		task->pump(task);
		return;
	}
	if (task->n_busy)
		return;
	list = take_again(task);
	scsi_end_failed(task);
	scsi_io_put(list);
}

void scsi_io_abort(struct scsi_task *task)
{
	struct gw_req *next;

	for (struct gw_req *req = task->reqs; req; req = next) {
		next = req->slot.ptr[NEXT];
		gw_req_abort(req);
	}
}

void scsi_io_orphan(struct scsi_task *task)
{
	struct gw_req *list = take_again(task);

	while (task->reqs) {
		struct gw_req *req = task->reqs;

		unlink_req(task, req);
		gw_req_orphan(&req);
	}
	GW_CHECK(!task->n_busy);
	scsi_io_put(list);
}

/* ---- a command that is one request --------------------------------------- */

static bool only_arrived(struct scsi_task *task, struct gw_req *req)
{
	(void)req;
	task->ended = 1;
	return false;
}

static void only_pump(struct scsi_task *task)
{
	struct gw_req *req;

	if (task->ended) {
		scsi_end(task, SCSI_GOOD);
		return;
	}
	if (task->n_busy)
		return;
	req = scsi_io_take(task);
	if (!req)
		return;
	req->op = (enum gw_op)task->slot[0];
	req->flags = (uint32_t)task->slot[1];
	req->offset = task->offset;
	req->length = task->length;
	scsi_io_submit(task, req, 0);
}

void scsi_io_only(struct scsi_task *task, enum gw_op op, uint32_t flags, uint64_t offset,
		  uint64_t length)
{
	task->slot[0] = op;
	task->slot[1] = flags;
	task->offset = offset;
	task->length = length;
	task->pump = only_pump;
	task->arrived = only_arrived;
	only_pump(task);
}
