/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_dataout.c - pieces and bursts of a write.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_dataout.h"

#include "gateway/base/check.h"
#include "gateway/base/num.h"
#include "protocols/iscsi/iscsi_out.h"
#include "protocols/iscsi/iscsi_ripen.h"
#include "protocols/iscsi/iscsi_task.h"

/* Pieces end at multiples of this but at the end of the transfer: of every logical
 * block there is. */
#define GRAIN_BYTES 65536u

/* ---- memory ---------------------------------------------------------------- */

/* Memory for the next piece: `want` bytes, or fewer but `least`, whole grains. */
static bool take_piece(struct iscsi_task *task, struct gw_credit *credit, uint32_t want,
		       uint32_t least)
{
	uint32_t got = gw_mem_take(credit, want, least, &task->piece);

	if (!got)
		return false;
	if (got < want) {
		got = (uint32_t)num_max(num_down(got, GRAIN_BYTES), least);
		gw_mem_cut(&task->piece, got);
	}
	task->piece_bytes = got;
	task->piece_got = task->piece_asked = 0;
	return true;
}

/* ---- what comes unasked ---------------------------------------------------- */

static uint32_t unasked_max(const struct iscsi_task *task)
{
	return (uint32_t)num_min(task->sess->params.first_burst, task->expected);
}

enum iscsi_place iscsi_dataout_begin(struct iscsi_task *task, struct gw_buf *rx, uint8_t *in,
				     uint32_t *at)
{
	uint32_t data = task->pdu.data_bytes;
	uint32_t want = (uint32_t)num_min(task->expected, ISCSI_FIRST_BURST);
	/* an immediate command has no place in the window that would pay for it */
	bool paid = !task->pdu.immediate;
	struct gw_credit *credit = paid ? &task->sess->in : &task->sess->asked;

	*at = 0;
	if (!want || (task->pdu.final && !data))
		return ISCSI_PLACE_OK; /* nothing comes unasked */
	if (in && paid && data == task->expected) {
		gw_mem_add(&task->piece, rx, in, data);
		task->piece_bytes = data;
		task->piece_got = task->piece_asked = 0;
	} else if (!take_piece(task, credit, want, want)) {
		return ISCSI_PLACE_WAIT;
	}
	task->unasked = (struct iscsi_burst){ .open = true,
					      .ttt = ISCSI_NO_TAG,
					      .bytes = unasked_max(task) };
	task->piece_asked = task->unasked.bytes;
	return ISCSI_PLACE_OK;
}

/* ---- Data-Out -------------------------------------------------------------- */

static struct iscsi_burst *burst_of(struct iscsi_task *task, uint32_t ttt)
{
	if (ttt == ISCSI_NO_TAG)
		return task->unasked.open ? &task->unasked : NULL;
	for (unsigned i = 0; i < ISCSI_R2T_MAX; i++)
		if (task->r2t[i].open && task->r2t[i].ttt == ttt)
			return &task->r2t[i];
	return NULL;
}

enum iscsi_place iscsi_dataout_place(struct iscsi_task *task, const struct iscsi_pdu *pdu,
				     uint32_t *at)
{
	struct iscsi_burst *burst = burst_of(task, pdu->dout.ttt);

	if (task->broken || task->state == ISCSI_TASK_ENDED)
		return ISCSI_PLACE_DROP; /* it has failed: nothing is judged any more */
	if (!burst || (burst != &task->unasked && pdu->lun != task->pdu.lun))
		return ISCSI_PLACE_BAD_FIELD;
	if (pdu->dout.datasn != burst->datasn || pdu->dout.offset != burst->offset + burst->got)
		return ISCSI_PLACE_OUT_OF_ORDER;
	if (pdu->data_bytes > burst->bytes - burst->got)
		return ISCSI_PLACE_TOO_MUCH;
	if (pdu->final && burst != &task->unasked && pdu->data_bytes < burst->bytes - burst->got)
		return ISCSI_PLACE_TOO_LITTLE;
	if (!task->piece.n)
		return ISCSI_PLACE_DROP;
	*at = (uint32_t)(pdu->dout.offset - task->given);
	return ISCSI_PLACE_OK;
}

static void close_burst(struct iscsi_task *task, struct iscsi_burst *burst)
{
	burst->open = false;
	if (burst == &task->unasked)
		task->piece_asked = burst->got; /* the rest must be asked for */
	else
		task->n_r2t--;
}

static void advance(struct iscsi_task *task, const struct iscsi_pdu *pdu, bool counts)
{
	bool data_out = pdu->opcode == ISCSI_OP_DATA_OUT;
	struct iscsi_burst *burst = data_out ? burst_of(task, pdu->dout.ttt) : &task->unasked;
	bool too_much;

	if (!burst || !burst->open)
		return;
	too_much = pdu->data_bytes > burst->bytes - burst->got;
	burst->got += (uint32_t)num_min(pdu->data_bytes, burst->bytes - burst->got);
	if (data_out)
		burst->datasn++;
	if (counts)
		task->piece_got += pdu->data_bytes;
	/* F ends it, and not the last byte: a PDU without data may bring F (11.7.7) */
	if (pdu->final || too_much)
		close_burst(task, burst);
	if (task->condemned)
		iscsi_ripen_look(task->sess);
}

void iscsi_dataout_came(struct iscsi_task *task, const struct iscsi_pdu *pdu)
{
	advance(task, pdu, true);
}

void iscsi_dataout_dropped(struct iscsi_task *task, const struct iscsi_pdu *pdu)
{
	advance(task, pdu, false);
}

bool iscsi_dataout_under_way(const struct iscsi_task *task)
{
	return task->unasked.open || task->n_r2t;
}

/* ---- asking ---------------------------------------------------------------- */

static struct iscsi_burst *free_burst(struct iscsi_task *task)
{
	for (unsigned i = 0; i < ISCSI_R2T_MAX; i++)
		if (!task->r2t[i].open)
			return &task->r2t[i];
	return NULL;
}

static bool send_r2t(struct iscsi_task *task)
{
	struct iscsi_sess *sess = task->sess;
	struct iscsi_burst *burst = free_burst(task);
	struct iscsi_out *out = burst ? iscsi_out_take(task->conn) : NULL;
	struct iscsi_r2t r2t;

	if (!out)
		return false;
	if (++sess->next_ttt == ISCSI_NO_TAG)
		sess->next_ttt = 0;
	*burst = (struct iscsi_burst){
		.open = true,
		.ttt = sess->next_ttt,
		.offset = (uint32_t)task->given + task->piece_asked,
		.bytes = (uint32_t)num_min(task->piece_bytes - task->piece_asked,
					   sess->params.max_burst),
	};
	task->n_r2t++;
	task->piece_asked += burst->bytes;
	r2t = (struct iscsi_r2t){ .lun = task->pdu.lun,
				  .itt = task->pdu.itt,
				  .ttt = burst->ttt,
				  .r2tsn = task->r2tsn++,
				  .offset = burst->offset,
				  .bytes = burst->bytes };
	out->statsn = ISCSI_STATSN_SHOW;
	iscsi_pdu_r2t_put(out->head, &r2t);
	iscsi_out_queue(task->conn, out);
	iscsi_count(sess->home, ISCSI_COUNT_r2ts, 1);
	return true;
}

/* A command that must see its data as a whole gets it in one piece. */
static uint32_t piece_least(const struct iscsi_task *task)
{
	uint64_t left = task->wanted - task->given;
	uint64_t least = num_max(GRAIN_BYTES, task->scsi.granule_bytes);

	return (uint32_t)num_min(left, least);
}

static bool grow_piece(struct iscsi_task *task, uint32_t bytes)
{
	uint32_t more = bytes - task->piece_bytes;

	if (!gw_mem_take(&task->sess->asked, more, 0, &task->piece))
		return false;
	task->piece_bytes = bytes;
	return true;
}

/* False: there is no memory for the next piece, or no room at the command.  What came
 * unasked is written together with what follows it where there is memory for that: two
 * writes cost the store more than one. */
static bool have_piece(struct iscsi_task *task)
{
	uint64_t left = task->wanted - task->given;
	uint32_t most = (uint32_t)num_min(left, GW_BUF_MAX_BYTES), least = piece_least(task);

	if (!task->piece.n)
		return scsi_task_room(&task->scsi) &&
		       take_piece(task, &task->sess->asked, most, least);
	if (task->piece_bytes < most && grow_piece(task, most))
		return true;
	return task->piece_bytes >= least || grow_piece(task, least);
}

static void hand_over(struct iscsi_task *task)
{
	struct gw_mem piece = { .n = 0 };
	uint64_t left = task->wanted - task->given;

	gw_mem_move(&piece, &task->piece);
	if (piece.bytes > left)
		gw_mem_cut(&piece, (uint32_t)left);
	task->given += piece.bytes;
	task->piece_bytes = task->piece_got = task->piece_asked = 0;
	task->sess->written_bytes += piece.bytes;
	iscsi_count(task->sess->home, ISCSI_COUNT_written_bytes, piece.bytes);
	scsi_task_data(&task->scsi, &piece);
}

/* One step; false: nothing more can be done now. */
static bool step(struct iscsi_task *task)
{
	uint64_t left = task->wanted - task->given;
	uint32_t needed;

	if (!left || task->unasked.open || task->broken || task->state != ISCSI_TASK_BEGUN ||
	    task->scsi.aborted || task->condemned) /* then it waits for the store alone */
		return false;
	if (!have_piece(task)) {
		iscsi_task_hunger(task);
		return false;
	}
	needed = (uint32_t)num_min(task->piece_bytes, left);
	if (task->piece_got >= needed && !task->n_r2t) {
		hand_over(task);
		return true;
	}
	if (task->piece_bytes > needed) {
		gw_mem_cut(&task->piece, needed);
		task->piece_bytes = needed;
	}
	return task->piece_asked < task->piece_bytes && task->n_r2t < task->sess->params.max_r2t &&
	       send_r2t(task);
}

void iscsi_dataout_want(struct iscsi_task *task, uint64_t bytes)
{
	task->asked = true;
	task->wanted = bytes;
}

void iscsi_dataout_go_on(struct iscsi_task *task)
{
	while (task->asked && step(task))
		;
}
