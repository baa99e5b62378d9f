/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_datain.c - bytes of a read cut to what the initiator takes: PDUs of at
 * most its MaxRecvDataSegmentLength in sequences of at most MaxBurstLength.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_datain.h"

#include "gateway/base/check.h"
#include "gateway/base/num.h"
#include "protocols/iscsi/iscsi_loan.h"
#include "protocols/iscsi/iscsi_out.h"

/* Refers to the part [from, from + bytes) of src. */
static void refer(struct gw_mem *dst, const struct gw_mem *src, uint32_t from, uint32_t bytes)
{
	for (unsigned i = 0; i < src->n && bytes; i++) {
		uint32_t len = (uint32_t)src->iov[i].iov_len;
		uint32_t n;

		if (from >= len) {
			from -= len;
			continue;
		}
		n = (uint32_t)num_min(bytes, len - from);
		GW_CHECK(gw_mem_add(dst, src->buf[i], (uint8_t *)src->iov[i].iov_base + from, n));
		bytes -= n;
		from = 0;
	}
}

/* The length of the next PDU: whole words but at the end. */
static uint32_t next_bytes(const struct iscsi_task *task, uint32_t left)
{
	const struct iscsi_conn *conn = task->conn;
	uint32_t burst = task->sess->params.max_burst - task->in_burst;
	uint32_t n = (uint32_t)num_min(num_down(conn->params.send_max, 4), burst);

	return (uint32_t)num_min(n, left);
}

static bool is_end(const struct iscsi_task *task)
{
	uint64_t all = num_min(task->scsi.in_bytes, task->scsi.expected_in);

	return task->in_offset >= all || task->in_burst >= task->sess->params.max_burst;
}

static struct iscsi_out *queue_one(struct iscsi_task *task, const struct gw_mem *mem, uint32_t from,
				   uint32_t bytes)
{
	struct iscsi_out *out = iscsi_out_take(task->conn);
	struct iscsi_data_in *head = &task->last_head;

	if (!out)
		return NULL;
	refer(&out->data, mem, from, bytes);
	iscsi_loan_take(task, out);
	out->data_bytes = bytes;
	out->statsn = ISCSI_STATSN_NONE;
	*head = (struct iscsi_data_in){
		.itt = task->pdu.itt,
		.ttt = ISCSI_NO_TAG,
		.datasn = task->datasn++,
		.offset = task->in_offset,
		.data_bytes = bytes,
	};
	task->in_offset += bytes;
	task->in_burst += bytes;
	head->final = is_end(task);
	if (task->in_burst >= task->sess->params.max_burst)
		task->in_burst = 0;
	iscsi_pdu_data_in_put(out->head, head);
	iscsi_out_queue(task->conn, out);
	return out;
}

void iscsi_datain_send(struct iscsi_task *task, struct gw_mem *mem)
{
	uint32_t at = 0;
	struct iscsi_out *out = NULL;

	if (task->last)
		task->last->task = NULL;
	while (at < mem->bytes) {
		uint32_t n = next_bytes(task, mem->bytes - at);

		out = queue_one(task, mem, at, n);
		if (!out)
			break;
		at += n;
	}
	task->sess->read_bytes += mem->bytes;
	iscsi_count(task->sess->home, ISCSI_COUNT_read_bytes, mem->bytes);
	gw_mem_put(mem);
	task->last = out;
	if (out)
		out->task = task;
}

bool iscsi_datain_status(struct iscsi_task *task, uint8_t status, uint8_t residual_flag,
			 uint32_t residual)
{
	struct iscsi_out *out = task->last;
	struct iscsi_data_in *head = &task->last_head;

	if (!out || !head->final)
		return false;
	head->flags = ISCSI_DIN_STATUS | residual_flag;
	head->status = status;
	head->residual = residual;
	out->statsn = ISCSI_STATSN_TAKE;
	iscsi_pdu_data_in_put(out->head, head);
	return true;
}
