/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_thin.c - UNMAP (SBC-3 5.28) and GET LBA STATUS (SBC-3 5.4): what is
 * deallocated, and which parts are.
 *
 * Above: the dispatcher.  Below: scsi_lbas.c turns extents of bytes into blocks.
 */
#include "config.h"

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"
#include "gateway/base/num.h"
#include "translators/scsi/scsi_cdb.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_gather.h"
#include "translators/scsi/scsi_handlers.h"
#include "translators/scsi/scsi_io.h"
#include "translators/scsi/scsi_lbas.h"
#include "translators/scsi/scsi_limits.h"
#include "translators/scsi/scsi_reply.h"

/* ---- UNMAP --------------------------------------------------------------- */

#define LIST_HEAD_BYTES 8u
#define DESCRIPTOR_BYTES 16u
#define LIST_MAX_BYTES (LIST_HEAD_BYTES + DESCRIPTOR_BYTES * SCSI_UNMAP_DESCRIPTORS_MAX)

/* task->slot */
enum { NEXT, COUNT };

static struct scsi_blocks descriptor(const struct scsi_task *task, uint64_t i)
{
	uint8_t wire[DESCRIPTOR_BYTES];

	gw_mem_copy_out(&task->gather, (uint32_t)(LIST_HEAD_BYTES + DESCRIPTOR_BYTES * i), wire,
			sizeof(wire));
	return (struct scsi_blocks){ be64_get(wire), be32_get(wire + 8) };
}

static void unmap_pump(struct scsi_task *task)
{
	uint32_t block = scsi_unit_facts(task->unit)->block_bytes;

	while (task->slot[NEXT] < task->slot[COUNT] && task->n_busy < SCSI_PIECES_MAX) {
		struct scsi_blocks range = descriptor(task, task->slot[NEXT]);
		struct gw_req *req = range.blocks ? scsi_io_take(task) : NULL;

		if (range.blocks && !req)
			return;
		task->slot[NEXT]++;
		if (!req)
			continue;
		req->op = GW_UNMAP;
		req->offset = range.lba * block;
		req->length = range.blocks * block;
		scsi_io_submit(task, req, task->slot[NEXT]);
	}
	if (!task->n_busy)
		scsi_end(task, SCSI_GOOD);
}

/* All descriptors are looked at before the first is obeyed. */
static bool descriptors_are_good(struct scsi_task *task)
{
	const struct gw_facts *facts = scsi_unit_facts(task->unit);
	uint64_t capacity = facts->size_bytes / facts->block_bytes, sum = 0;

	for (uint64_t i = 0; i < task->slot[COUNT]; i++) {
		struct scsi_blocks range = descriptor(task, i);

		if (!num_inside(range.lba, range.blocks, capacity)) {
			scsi_end_condition(task, SCSI_IS_BAD_LBA);
			return false;
		}
		sum += range.blocks;
		if (sum > scsi_limits_of(facts).unmap_blocks) {
			scsi_end_list(task, (unsigned)(LIST_HEAD_BYTES + DESCRIPTOR_BYTES * i + 8),
				      SCSI_NO_BIT);
			return false;
		}
	}
	return true;
}

/* A descriptor that is cut short by the length in the list is ignored; one that
 * is cut short by the length in the CDB is an error. */
static void list_is_there(struct scsi_task *task)
{
	uint8_t head[LIST_HEAD_BYTES];
	uint16_t bytes;

	gw_mem_copy_out(&task->gather, 0, head, sizeof(head));
	bytes = be16_get(head + 2);
	if (LIST_HEAD_BYTES + bytes > task->gather.bytes) {
		scsi_end_condition(task, SCSI_IS_BAD_LIST_LENGTH);
		return;
	}
	if (bytes / DESCRIPTOR_BYTES > SCSI_UNMAP_DESCRIPTORS_MAX) {
		scsi_end_list(task, 2, SCSI_NO_BIT);
		return;
	}
	task->slot[NEXT] = 0;
	task->slot[COUNT] = bytes / DESCRIPTOR_BYTES;
	if (!descriptors_are_good(task))
		return;
	task->pump = unmap_pump;
	unmap_pump(task);
}

void scsi_do_unmap(struct scsi_task *task)
{
	uint16_t bytes = be16_get(task->cdb + 7);

	if (!bytes)
		scsi_end(task, SCSI_GOOD);
	else if (bytes < LIST_HEAD_BYTES)
		scsi_end_condition(task, SCSI_IS_BAD_LIST_LENGTH);
	else if (bytes > LIST_MAX_BYTES) /* more descriptors than VPD B0h allows */
		scsi_end_cdb(task, 7, SCSI_NO_BIT);
	else
		scsi_gather(task, bytes, false, list_is_there);
}

/* ---- GET LBA STATUS ------------------------------------------------------ */

static bool status_arrived(struct scsi_task *task, struct gw_req *req)
{
	gw_mem_move(&task->gather, &req->data);
	task->ended = 1;
	return false;
}

/* The page holds the sink and, behind it, the parameter data. */
static void status_send(struct scsi_task *task)
{
	struct scsi_lbas *lbas = task->gather.iov[0].iov_base;
	uint32_t bytes = scsi_lbas_end(lbas);

	gw_mem_cut(&task->gather, (uint32_t)(lbas->out - (uint8_t *)lbas) + bytes);
	task->gather.bytes -= (uint32_t)(lbas->out - (uint8_t *)lbas);
	task->gather.iov[0].iov_len = task->gather.bytes;
	task->gather.iov[0].iov_base = lbas->out;
	scsi_reply_send(task, &task->gather, bytes, be32_get(task->cdb + 10));
}

static void status_pump(struct scsi_task *task)
{
	const struct gw_facts *facts = scsi_unit_facts(task->unit);
	struct scsi_lbas *lbas;
	struct gw_req *req;

	if (task->ended) {
		status_send(task);
		return;
	}
	if (task->n_busy ||
	    (!task->gather.n && !scsi_io_memory(task, GW_PAGE_BYTES, 0, &task->gather)))
		return;
	req = scsi_io_take(task);
	if (!req)
		return;
	gw_mem_move(&req->data, &task->gather);
	/* the sink lies in the request's memory: it lives as long as an orphan */
	lbas = req->data.iov[0].iov_base;
	scsi_lbas_begin(lbas, (uint32_t)req->data.iov[0].iov_len, facts->block_bytes, task->lba,
			be32_get(task->cdb + 10));
	req->op = GW_EXTENTS;
	req->extents = &lbas->extents;
	req->offset = task->offset;
	req->length = num_min(facts->size_bytes - task->offset,
			      (uint64_t)UINT32_MAX * facts->block_bytes);
	scsi_io_submit(task, req, 0);
}

void scsi_do_lba_status(struct scsi_task *task)
{
	task->pump = status_pump;
	task->arrived = status_arrived;
	status_pump(task);
}
