/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_scsi.c - the iSCSI side of a SCSI command.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_scsi.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/num.h"
#include "protocols/iscsi/iscsi_datain.h"
#include "protocols/iscsi/iscsi_out.h"
#include "protocols/iscsi/iscsi_task.h"

/* ---- the answer ------------------------------------------------------------ */

struct residual {
	uint8_t flag; /* enum iscsi_rsp_flag */
	uint32_t bytes;
};

/* 11.4.5: what the initiator expected against what the command moves. */
static struct residual compare(uint64_t expected, uint64_t moves)
{
	if (moves > expected)
		return (struct residual){ ISCSI_RSP_OVERFLOW,
					  (uint32_t)num_min(moves - expected, UINT32_MAX) };
	if (moves < expected)
		return (struct residual){ ISCSI_RSP_UNDERFLOW, (uint32_t)(expected - moves) };
	return (struct residual){ 0, 0 };
}

static bool is_good(const struct scsi_task *scsi)
{
	return scsi->status == SCSI_GOOD && !scsi->sense_bytes;
}

/* What a command that failed has not moved is underflow, too; but where its CDB
 * asks for more than was expected, that is said. */
static struct residual residual_of(const struct scsi_task *scsi)
{
	bool out = (scsi->write && !scsi->read) || (!scsi->in_bytes && scsi->out_bytes);
	uint64_t expected = out ? scsi->expected_out : scsi->expected_in;
	uint64_t asks = out ? scsi->out_bytes : scsi->in_bytes;
	uint64_t moved = out ? scsi->out_taken : scsi->in_sent;

	return compare(expected, is_good(scsi) || asks > expected ? asks : moved);
}

static void put_sense(struct iscsi_out *out, const struct scsi_task *scsi)
{
	uint8_t data[2 + SCSI_SENSE_MAX];

	if (!scsi->sense_bytes)
		return;
	be16_put(data, scsi->sense_bytes);
	memcpy(data + 2, scsi->sense, scsi->sense_bytes);
	iscsi_out_small(out, data, 2u + scsi->sense_bytes);
}

static void send_response(struct iscsi_task *task, struct residual residual)
{
	const struct scsi_task *scsi = &task->scsi;
	struct iscsi_out *out = iscsi_out_take(task->conn);
	struct iscsi_scsi_response response = {
		.itt = task->pdu.itt,
		.flags = residual.flag,
		.service = ISCSI_SERVICE_COMPLETE,
		.status = scsi->status,
		.exp_datasn = task->datasn, /* 11.4.8: Data-In alone */
		.residual = residual.bytes,
	};

	if (!out)
		return;
	put_sense(out, scsi);
	response.data_bytes = out->data_bytes;
	iscsi_pdu_scsi_response_put(out->head, &response);
	iscsi_out_queue(task->conn, out);
}

static void answer(struct iscsi_task *task)
{
	const struct scsi_task *scsi = &task->scsi;
	struct residual residual = residual_of(scsi);

	if (!is_good(scsi)) {
		task->sess->errors++;
		iscsi_count(task->sess->home, ISCSI_COUNT_failed, 1);
	}
	if (!is_good(scsi) ||
	    !iscsi_datain_status(task, scsi->status, residual.flag, residual.bytes))
		send_response(task, residual);
}

/* Nothing goes out any more: after a Logout Response neither (11.15). */
static bool is_mute(const struct iscsi_task *task)
{
	const struct iscsi_conn *conn = task->conn;

	return task->sess->closing || !conn || conn->dead || conn->logged_out;
}

/* The command has ended, and no data is under way: the answer, and the end. */
static void settle(struct iscsi_task *task)
{
	bool silent = is_mute(task) || (task->scsi.aborted && !task->scsi.status);

	if (task->state != ISCSI_TASK_ENDED || task->inside)
		return;
	if (!silent && iscsi_dataout_under_way(task))
		return;
	if (silent)
		iscsi_count(task->sess->home, ISCSI_COUNT_aborted, 1);
	else
		answer(task);
	iscsi_task_end(&task);
}

/* ---- what the command set asks --------------------------------------------- */

static void port_receive(struct scsi_task *scsi, uint64_t bytes)
{
	struct iscsi_task *task = iscsi_task_of(scsi);

	iscsi_dataout_want(task, bytes);
	if (task->inside)
		return; /* go_on() follows */
	iscsi_task_hunger(task); /* not from inside the command */
	loop_defer(task->sess->home->loop, &task->sess->feed);
}

static uint32_t port_memory(struct scsi_task *scsi, uint32_t bytes, uint32_t min_bytes,
			    struct gw_mem *mem)
{
	struct iscsi_task *task = iscsi_task_of(scsi);
	uint32_t got = gw_mem_take(&task->sess->out, bytes, min_bytes, mem);

	if (!got)
		iscsi_task_hunger(task);
	return got;
}

static void port_send(struct scsi_task *scsi, struct gw_mem *mem)
{
	struct iscsi_task *task = iscsi_task_of(scsi);

	if (is_mute(task))
		gw_mem_put(mem);
	else
		iscsi_datain_send(task, mem);
}

static void port_done(struct scsi_task *scsi)
{
	struct iscsi_task *task = iscsi_task_of(scsi);

	task->state = ISCSI_TASK_ENDED;
	settle(task);
}

static const struct scsi_port_ops port_ops = {
	.receive = port_receive,
	.memory = port_memory,
	.send = port_send,
	.done = port_done,
};

/* ---- the way in ------------------------------------------------------------ */

void iscsi_scsi_fill(struct iscsi_task *task, const uint8_t *cdb, const struct iscsi_ahs *ahs)
{
	const struct iscsi_scsi_command *command = &task->pdu.scsi;
	struct scsi_task *scsi = &task->scsi;

	scsi_task_init(scsi);
	task->is_scsi = true;
	scsi->nexus = task->sess->scsi;
	scsi->ops = &port_ops;
	be64_put(scsi->lun, task->pdu.lun);
	memcpy(scsi->cdb, cdb, ISCSI_CDB_BYTES);
	scsi->cdb_bytes = ISCSI_CDB_BYTES;
	if (ahs->cdb_bytes && ISCSI_CDB_BYTES + ahs->cdb_bytes <= SCSI_CDB_MAX) {
		memcpy(scsi->cdb + ISCSI_CDB_BYTES, ahs->cdb, ahs->cdb_bytes);
		scsi->cdb_bytes = (uint16_t)(ISCSI_CDB_BYTES + ahs->cdb_bytes);
	}
	scsi->attr = command->attr;
	scsi->read = command->read;
	scsi->write = command->write;
	scsi->tag = task->pdu.itt;
	scsi->expected_out = command->write ? command->expected_bytes : 0;
	scsi->expected_in = command->write ? ahs->bidi_bytes : command->expected_bytes;
	if (!command->read)
		scsi->expected_in = 0;
	gw_share_add(&task->conn->share, scsi->expected_in);
	/* a digest looks at the data, and at level 1 it may have to be sent again as it was */
	scsi->lend = !task->conn->params.data_digest && !task->sess->params.recovery_level;
	scsi->unsolicited = !task->pdu.final || task->pdu.data_bytes;
	task->expected = scsi->expected_out;
}

static void enter(struct iscsi_task *task)
{
	task->inside++;
}

static void leave(struct iscsi_task *task)
{
	task->inside--;
	settle(task);
}

void iscsi_scsi_start(struct iscsi_task *task)
{
	task->state = ISCSI_TASK_BEGUN;
	iscsi_count(task->sess->home, ISCSI_COUNT_commands, 1);
	enter(task);
	scsi_task_start(&task->scsi);
	if (task->broken && task->state == ISCSI_TASK_BEGUN)
		scsi_task_fail(&task->scsi, task->broken - 1);
	iscsi_dataout_go_on(task);
	leave(task);
}

/* At once, or when it is in turn.  Nothing more is asked for. */
static void fail(struct iscsi_task *task, int condition)
{
	if (!task->broken)
		task->broken = (uint16_t)(condition + 1);
	if (task->state == ISCSI_TASK_BEGUN)
		scsi_task_fail(&task->scsi, condition);
}

void iscsi_scsi_fail(struct iscsi_task *task, int condition)
{
	enter(task);
	fail(task, condition);
	leave(task);
}

void iscsi_scsi_data(struct iscsi_task *task, const struct iscsi_pdu *pdu, enum iscsi_place place,
		     bool good)
{
	enter(task);
	if (place == ISCSI_PLACE_OK && good)
		iscsi_dataout_came(task, pdu);
	else
		iscsi_dataout_dropped(task, pdu);
	if (!good)
		fail(task, SCSI_IS_CRC_ERROR);
	else
		iscsi_dataout_go_on(task);
	leave(task);
}

bool iscsi_scsi_abandon(struct iscsi_task *task, bool wait)
{
	if (task->state == ISCSI_TASK_BEGUN && wait) {
		enter(task);
		scsi_task_abort(&task->scsi);
		task->inside--;
		if (task->state != ISCSI_TASK_ENDED)
			return false;
	} else if (task->state == ISCSI_TASK_BEGUN) {
		scsi_task_leave(&task->scsi);
	}
	iscsi_task_end(&task);
	return true;
}

/* ---- those who wait for memory --------------------------------------------- */

static void feed_one(struct iscsi_task *task)
{
	if (task->state != ISCSI_TASK_BEGUN)
		return;
	enter(task);
	iscsi_dataout_go_on(task);
	/* one whose data has come may want memory, too */
	if (task->state == ISCSI_TASK_BEGUN)
		scsi_task_resume(&task->scsi);
	leave(task);
}

/* Each once: who is still hungry queues again behind the others. */
static void feed(struct loop_task *loop_task)
{
	struct iscsi_sess *sess =
		(struct iscsi_sess *)((char *)loop_task - offsetof(struct iscsi_sess, feed));
	struct iscsi_task *task;

	for (unsigned n = sess->n_hungry; n && (task = STAILQ_FIRST(&sess->hungry)); n--) {
		STAILQ_REMOVE_HEAD(&sess->hungry, hungry);
		sess->n_hungry--;
		task->is_hungry = false;
		feed_one(task);
	}
}

static void look_again(struct loop_timer *timer)
{
	struct iscsi_sess *sess =
		(struct iscsi_sess *)((char *)timer - offsetof(struct iscsi_sess, hunger));

	loop_defer(sess->home->loop, &sess->feed);
}

void iscsi_scsi_feed_init(struct iscsi_sess *sess)
{
	STAILQ_INIT(&sess->hungry);
	sess->feed.run = feed;
	loop_timer_init(&sess->hunger, look_again);
}

void iscsi_scsi_feed_end(struct iscsi_sess *sess)
{
	loop_timer_disarm(sess->home->loop, &sess->hunger);
	loop_defer_cancel(sess->home->loop, &sess->feed);
}
