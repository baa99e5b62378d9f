/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_rw.c - see scsi_rw.h.
 */
#include "config.h"

#include "translators/scsi/scsi_rw.h"

#include "gateway/base/check.h"
#include "gateway/base/num.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_gather.h"
#include "translators/scsi/scsi_handlers.h"
#include "translators/scsi/scsi_io.h"
#include "translators/scsi/scsi_order.h"
#include "translators/scsi/scsi_row.h"
#include "translators/scsi/scsi_same.h"

/* Where memory is short a read goes on with this much, or with all it needs. */
#define READ_MIN_BYTES 65536u

/* task->slot */
enum { OP, FLAGS, RECEIVED, VERIFY };

static uint32_t block_bytes(const struct scsi_task *task)
{
	return scsi_unit_facts(task->unit)->block_bytes;
}

static bool has_fua(const struct scsi_task *task)
{
	return task->row->cdb_bytes > 6 && (task->cdb[1] & SCSI_RW_FUA);
}

/* ---- to the initiator ---------------------------------------------------- */

/* Ascending and gapless: what came early waits in its piece. */
static void send_ready(struct scsi_task *task)
{
	while (task->n_pieces && task->piece[task->first_piece].arrived) {
		struct scsi_piece *piece = &task->piece[task->first_piece];

		task->first_piece = (uint8_t)((task->first_piece + 1) % SCSI_PIECES_MAX);
		task->n_pieces--;
		task->ended += piece->bytes;
		if (task->silent)
			continue;
		/* the initiator may want only a part of the last block */
		gw_mem_cut(&piece->mem,
			   (uint32_t)num_min(piece->bytes, task->expected_in - task->in_sent));
		task->in_sent += piece->mem.bytes;
		task->ops->send(task, &piece->mem);
	}
}

static bool read_arrived(struct scsi_task *task, struct gw_req *req)
{
	struct scsi_piece *piece = &task->piece[req->slot.u64[SCSI_IO_SLOT]];

	if (req->status != GW_OK)
		return false;
	if (!task->silent)
		gw_mem_move(&piece->mem, &req->data);
	piece->arrived = true;
	send_ready(task);
	return false;
}

/* Memory for the next piece, whole blocks; it stays in the piece while there is
 * no request. */
static bool fill(struct scsi_task *task, struct scsi_piece *piece)
{
	uint32_t want = (uint32_t)num_min(task->length - task->given, GW_BUF_MAX_BYTES);
	uint32_t got;

	if (piece->mem.n)
		return true;
	got = scsi_io_memory(task, want, (uint32_t)num_min(want, READ_MIN_BYTES), &piece->mem);
	gw_mem_cut(&piece->mem, (uint32_t)num_down(got, block_bytes(task)));
	return got > 0;
}

/* VERIFY: nobody would notice that what was lent cannot be read.  What is not SIMPLE has
 * others waiting for its end, who may change the bytes. */
static bool may_lend(const struct scsi_task *task)
{
	return task->lend && !task->silent && task->order == SCSI_TURN_SIMPLE;
}

static bool issue_read(struct scsi_task *task)
{
	struct scsi_piece *piece = scsi_io_piece(task);
	struct gw_req *req;

	if (!fill(task, piece))
		return false;
	req = scsi_io_take(task);
	if (!req)
		return false;
	gw_mem_move(&req->data, &piece->mem);
	piece->at = task->given;
	piece->bytes = req->data.bytes;
	piece->arrived = false;
	req->op = GW_READ;
	req->flags = may_lend(task) ? GW_LEND : 0;
	req->offset = task->offset + piece->at;
	req->length = piece->bytes;
	req->slot.u64[SCSI_IO_SLOT] = (uint64_t)(piece - task->piece);
	task->given += piece->bytes;
	task->n_pieces++;
	scsi_io_submit(task, req, piece->at);
	return true;
}

static void pump_read(struct scsi_task *task)
{
	while (task->given < task->length && task->n_pieces < SCSI_PIECES_MAX)
		if (!issue_read(task))
			return;
	if (task->ended == task->length)
		scsi_end(task, SCSI_GOOD);
}

static void start_read(struct scsi_task *task, uint64_t bytes)
{
	task->length = bytes;
	task->pump = pump_read;
	task->arrived = read_arrived;
	pump_read(task);
}

/* FUA asks for no more than this here: what other nexuses wrote is in one place,
 * cached or not, and it is that place that is read. */
void scsi_do_read(struct scsi_task *task)
{
	task->in_bytes = task->blocks * block_bytes(task);
	start_read(task, num_up(num_min(task->in_bytes, task->expected_in), block_bytes(task)));
}

/* ---- from the initiator -------------------------------------------------- */

static void issue_write(struct scsi_task *task, struct gw_req *req, uint64_t at)
{
	req->op = (enum gw_op)task->slot[OP];
	req->flags = (uint32_t)task->slot[FLAGS];
	req->offset = task->offset + at;
	req->length = req->data.bytes;
	task->given += req->length;
	scsi_io_submit(task, req, at);
}

/* It is written: now it is held against the medium. */
static struct gw_req *issue_again(struct scsi_task *task, struct gw_req *req)
{
	struct gw_req *old = task->again;

	task->again = old->slot.ptr[0];
	gw_mem_move(&req->data, &old->data);
	req->op = GW_COMPARE;
	req->offset = old->offset;
	req->length = old->length;
	scsi_io_submit(task, req, scsi_io_at(old));
	return old;
}

static bool write_arrived(struct scsi_task *task, struct gw_req *req)
{
	if (req->status != GW_OK)
		return false;
	if (task->slot[VERIFY] && req->op == GW_WRITE) {
		req->slot.ptr[0] = task->again;
		task->again = req;
		return true;
	}
	task->ended += req->length;
	return false;
}

/* False: there is no request; it goes on when there is one. */
static bool issue_held(struct scsi_task *task, struct gw_req **spent)
{
	struct scsi_piece *piece = &task->piece[task->first_piece];
	struct gw_req *req = scsi_io_take(task), *old;

	if (!req)
		return false;
	if (task->again) {
		old = issue_again(task, req);
		old->slot.ptr[0] = *spent;
		*spent = old;
		return true;
	}
	gw_mem_move(&req->data, &piece->mem);
	task->first_piece = (uint8_t)((task->first_piece + 1) % SCSI_PIECES_MAX);
	task->n_pieces--;
	issue_write(task, req, piece->at);
	return true;
}

static void pump_write(struct scsi_task *task)
{
	struct gw_req *spent = NULL;

	while (task->again || task->n_pieces)
		if (!issue_held(task, &spent))
			break;
	if (task->ended == task->length)
		scsi_end(task, SCSI_GOOD);
	scsi_io_put(spent);
}

static void hold(struct scsi_task *task, struct gw_mem *mem, uint64_t at)
{
	struct scsi_piece *piece;

	if (task->n_pieces == SCSI_PIECES_MAX) {
		struct scsi_sense sense = { 0 };

		scsi_end_note(task,
			      (struct scsi_outcome){ SCSI_CHECK_CONDITION, SCSI_IS_NO_RESOURCES },
			      &sense, at);
		scsi_io_settle(task);
		gw_mem_put(mem);
		return;
	}
	piece = scsi_io_piece(task);
	task->n_pieces++;
	gw_mem_move(&piece->mem, mem);
	piece->at = at;
}

static void write_data(struct scsi_task *task, struct gw_mem *mem)
{
	uint64_t at = task->slot[RECEIVED];
	struct gw_req *req;

	GW_CHECK(mem->bytes % block_bytes(task) == 0);
	task->slot[RECEIVED] += mem->bytes;
	req = task->n_pieces || task->again ? NULL : scsi_io_take(task);
	if (!req) {
		hold(task, mem, at);
		return;
	}
	gw_mem_move(&req->data, mem);
	issue_write(task, req, at);
}

/* An initiator that brings less than the command says gets whole blocks written
 * and its residual (RFC 7143 11.4.5.1); where not even blocks are whole, its
 * mistake is told before anything is written. */
static void start_write(struct scsi_task *task, enum gw_op op, uint32_t flags, bool verify)
{
	uint32_t block = block_bytes(task);

	task->out_bytes = task->blocks * block;
	task->length = num_min(task->out_bytes, task->expected_out);
	if (task->length % block) {
		scsi_end_condition(task, SCSI_IS_BAD_INFORMATION_UNIT);
		return;
	}
	if (!task->length) {
		scsi_end(task, SCSI_GOOD);
		return;
	}
	task->slot[OP] = op;
	task->slot[FLAGS] = flags;
	task->slot[VERIFY] = verify;
	task->pump = pump_write;
	task->arrived = write_arrived;
	task->data = write_data;
	task->granule_bytes = block;
	task->ops->receive(task, task->length);
}

void scsi_do_write(struct scsi_task *task)
{
	start_write(task, GW_WRITE, has_fua(task) ? GW_FUA : 0, false);
}

/* Both values of BYTCHK compare: what is more than 00b asks for.  On the medium
 * first, since it is the medium that is to be verified. */
void scsi_do_write_verify(struct scsi_task *task)
{
	start_write(task, GW_WRITE, GW_FUA, true);
}

void scsi_do_verify(struct scsi_task *task)
{
	uint32_t block = block_bytes(task);

	switch (task->cdb[1] >> 1 & 3) {
	case 0: /* can all of it be read? */
		task->silent = true;
		start_read(task, task->blocks * block);
		break;
	case 1:
		start_write(task, GW_COMPARE, 0, false);
		break;
	case 3: /* one block that all are held against */
		if (!task->blocks) {
			scsi_end(task, SCSI_GOOD);
			break;
		}
		scsi_gather(task, block, false, scsi_same_compare);
		break;
	default:
		scsi_end_cdb(task, 1, 2);
	}
}
