/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_gather.c - see scsi_gather.h.
 */
#include "config.h"

#include "translators/scsi/scsi_gather.h"

#include "gateway/base/check.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_io.h"

static void nothing_to_do(struct scsi_task *task)
{
	(void)task; /* the transport brings the rest */
}

static void data(struct scsi_task *task, struct gw_mem *mem)
{
	bool fits = true;

	for (unsigned i = 0; i < mem->n && fits; i++)
		fits = gw_mem_add(&task->gather, mem->buf[i], mem->iov[i].iov_base,
				  (uint32_t)mem->iov[i].iov_len);
	gw_mem_put(mem);
	if (!fits) {
		scsi_end_condition(task, SCSI_IS_NO_RESOURCES);
		return;
	}
	if (task->out_taken < task->out_bytes)
		return;
	task->data = NULL;
	task->whole(task);
}

void scsi_gather(struct scsi_task *task, uint32_t bytes, bool exact,
		 void (*whole)(struct scsi_task *task))
{
	GW_CHECK(bytes <= SCSI_WHOLE_MAX_BYTES);
	task->out_bytes = bytes;
	if (task->expected_out < bytes || (exact && task->expected_out > bytes)) {
		scsi_end_condition(task, SCSI_IS_BAD_INFORMATION_UNIT);
		return;
	}
	task->whole = whole;
	task->pump = nothing_to_do;
	if (!bytes) {
		whole(task);
		return;
	}
	task->data = data;
	task->granule_bytes = bytes;
	task->ops->receive(task, bytes);
}
