/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_same.c - see scsi_same.h.
 */
#include "config.h"

#include "translators/scsi/scsi_same.h"

#include "gateway/base/num.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_gather.h"
#include "translators/scsi/scsi_handlers.h"
#include "translators/scsi/scsi_io.h"
#include "translators/scsi/scsi_limits.h"
#include "translators/scsi/scsi_row.h"

#define TILE_BYTES 65536u /* at least a logical block */

/* WRITE SAME, byte 1 of the CDB (SBC-3 5.43, 5.44) */
enum { UNMAP = 0x08, NDOB = 0x01 };

static void fill_tile(struct scsi_task *task, struct gw_mem *tile)
{
	uint32_t at = 0;

	while (at < tile->bytes)
		for (unsigned i = 0; i < task->gather.n; i++) {
			const struct iovec *iov = &task->gather.iov[i];

			gw_mem_copy_in(tile, at, iov->iov_base, (uint32_t)iov->iov_len);
			at += (uint32_t)iov->iov_len;
		}
}

static void make_tile(struct scsi_task *task, struct gw_mem *tile)
{
	if (scsi_io_memory(task, (uint32_t)num_min(task->length, TILE_BYTES), 0, tile)) {
		fill_tile(task, tile);
		return;
	}
	task->wants_memory = false;
	gw_mem_move(tile, &task->gather);
}

static void lay_tiles(const struct gw_mem *tile, struct gw_mem *data, uint32_t bytes)
{
	while (bytes)
		for (unsigned i = 0; i < tile->n && bytes; i++) {
			uint32_t part = (uint32_t)num_min(bytes, tile->iov[i].iov_len);

			gw_mem_add(data, tile->buf[i], tile->iov[i].iov_base, part);
			bytes -= part;
		}
}

static bool same_arrived(struct scsi_task *task, struct gw_req *req)
{
	task->ended += req->status == GW_OK ? req->length : 0;
	return false;
}

static void issue(struct scsi_task *task, struct gw_req *req)
{
	const struct gw_mem *tile = &task->piece[0].mem;
	uint64_t most = (uint64_t)tile->bytes * (GW_MEM_SLICES / tile->n);
	uint64_t at = task->given;

	lay_tiles(tile, &req->data, (uint32_t)num_min(task->length - at, most));
	req->op = (enum gw_op)task->slot[0];
	req->offset = task->offset + at;
	req->length = req->data.bytes;
	task->given += req->length;
	scsi_io_submit(task, req, at);
}

static void pump(struct scsi_task *task)
{
	struct gw_mem *tile = &scsi_io_piece(task)->mem; /* the first, for none is in use */

	if (!tile->n)
		make_tile(task, tile);
	while (task->given < task->length && task->n_busy < SCSI_PIECES_MAX) {
		struct gw_req *req = scsi_io_take(task);

		if (!req)
			return;
		issue(task, req);
	}
	if (task->ended == task->length)
		scsi_end(task, SCSI_GOOD);
}

static void start(struct scsi_task *task, enum gw_op op)
{
	task->slot[0] = op;
	task->length = task->blocks * scsi_unit_facts(task->unit)->block_bytes;
	task->pump = pump;
	task->arrived = same_arrived;
	pump(task);
}

void scsi_same_compare(struct scsi_task *task)
{
	start(task, GW_COMPARE);
}

/* UNMAP lets the store deallocate what reads zero then; without it the blocks
 * stay mapped (SBC-3 4.7.3.4.4). */
static void write_zero(struct scsi_task *task)
{
	scsi_io_only(task, GW_ZERO, task->cdb[1] & UNMAP ? 0 : GW_NO_HOLE, task->offset,
		     task->blocks * scsi_unit_facts(task->unit)->block_bytes);
}

static void block_is_there(struct scsi_task *task)
{
	if (gw_mem_is_zero(&task->gather, 0, task->gather.bytes))
		write_zero(task);
	else
		start(task, GW_WRITE);
}

/* WSNZ 1: a length of zero is refused rather than taken for the whole disk. */
void scsi_do_write_same(struct scsi_task *task)
{
	const struct gw_facts *facts = scsi_unit_facts(task->unit);
	bool is_16 = task->row->cdb_bytes == 16;

	if (!task->blocks || task->blocks > scsi_limits_of(facts).same_blocks)
		scsi_end_cdb(task, is_16 ? 10 : 7, SCSI_NO_BIT);
	else if ((task->cdb[1] & UNMAP) && !(facts->caps & GW_CAP_UNMAP))
		scsi_end_cdb(task, 1, 3);
	else if (is_16 && (task->cdb[1] & NDOB))
		write_zero(task);
	else
		scsi_gather(task, facts->block_bytes, true, block_is_there);
}
