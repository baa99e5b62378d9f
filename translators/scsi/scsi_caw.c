/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_caw.c - COMPARE AND WRITE (SBC-3 5.2): one request that the core keeps
 * atomic against every other write, of any protocol (GW_MODIFY).
 *
 * Above: the dispatcher.  Below: scsi_gather.c brings both halves of the data,
 * what is to be found and what is to be written.
 */
#include "config.h"

#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_gather.h"
#include "translators/scsi/scsi_handlers.h"
#include "translators/scsi/scsi_io.h"
#include "translators/scsi/scsi_limits.h"
#include "translators/scsi/scsi_rw.h"

static enum gw_status compare_and_write(struct gw_req *req, struct gw_mem *old, uint64_t *info)
{
	uint32_t bytes = (uint32_t)req->length;
	uint32_t same = gw_mem_same(old, 0, &req->data, 0, bytes);
	struct iovec piece[GW_MEM_SLICES];
	uint32_t at = 0;
	unsigned n;

	if (same < bytes) {
		*info = same;
		return GW_MISCOMPARE;
	}
	n = gw_mem_iov(&req->data, bytes, bytes, piece);
	for (unsigned i = 0; i < n; i++) {
		gw_mem_copy_in(old, at, piece[i].iov_base, (uint32_t)piece[i].iov_len);
		at += (uint32_t)piece[i].iov_len;
	}
	return GW_OK;
}

/* INFORMATION: where in the data-out buffer the first difference lies. */
static bool arrived(struct scsi_task *task, struct gw_req *req)
{
	struct scsi_sense sense = { .has_information = true, .information = req->info };

	task->ended = 1;
	if (req->status != GW_MISCOMPARE)
		return false;
	task->failed = false; /* noted without it */
	scsi_end_note(task, scsi_sense_outcome(GW_MISCOMPARE, true), &sense, 0);
	return false;
}

static void pump(struct scsi_task *task)
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
	req->op = GW_MODIFY;
	req->flags = task->cdb[1] & SCSI_RW_FUA ? GW_FUA : 0;
	req->offset = task->offset;
	req->length = task->gather.bytes / 2;
	req->modify = compare_and_write;
	gw_mem_move(&req->data, &task->gather);
	scsi_io_submit(task, req, 0);
}

static void data_is_there(struct scsi_task *task)
{
	task->pump = pump;
	task->arrived = arrived;
	pump(task);
}

void scsi_do_caw(struct scsi_task *task)
{
	const struct gw_facts *facts = scsi_unit_facts(task->unit);

	/* No blocks with data for some: a count that has wrapped, as 256 in its one
	 * byte does.  GOOD would say that they were written. */
	if (task->blocks > scsi_limits_of(facts).caw_blocks ||
	    (!task->blocks && task->expected_out))
		scsi_end_cdb(task, 13, SCSI_NO_BIT);
	else if (!task->blocks) /* no error: nothing is compared or written */
		scsi_end(task, SCSI_GOOD);
	else
		scsi_gather(task, (uint32_t)task->blocks * facts->block_bytes * 2, true,
			    data_is_there);
}
