/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_reply.c - see scsi_reply.h.
 */
#include "config.h"

#include "translators/scsi/scsi_reply.h"

#include "gateway/base/check.h"
#include "gateway/base/num.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_io.h"

void scsi_reply_send(struct scsi_task *task, struct gw_mem *mem, uint64_t whole,
		     uint64_t allocation_bytes)
{
	task->in_bytes = num_min(whole, allocation_bytes);
	task->in_sent = num_min(task->in_bytes, task->expected_in);
	gw_mem_cut(mem, (uint32_t)task->in_sent);
	if (mem->n)
		task->ops->send(task, mem);
	scsi_end(task, SCSI_GOOD);
}

static void pump(struct scsi_task *task)
{
	uint64_t allocation = task->length;
	uint32_t keep =
		(uint32_t)num_min(num_min(allocation, task->expected_in), SCSI_REPLY_MAX_BYTES);
	struct scsi_data out;

	if (keep && !scsi_io_memory(task, keep, 0, &task->gather))
		return;
	/* memory is whole pages, and a page is one slice */
	GW_CHECK(!keep || task->gather.iov[0].iov_len >= keep);
	scsi_data_begin(&out, keep ? task->gather.iov[0].iov_base : NULL, keep);
	task->build(task, &out);
	GW_CHECK(out.bytes <= SCSI_REPLY_MAX_BYTES);
	scsi_reply_send(task, &task->gather, out.bytes, allocation);
}

void scsi_reply(struct scsi_task *task, uint64_t allocation_bytes,
		void (*build)(struct scsi_task *task, struct scsi_data *out))
{
	task->length = allocation_bytes;
	task->build = build;
	task->pump = pump;
	pump(task);
}
