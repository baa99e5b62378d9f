/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi_rx.c - PDUs of the target, as the simulated initiator judges them.
 */
#include "config.h"

#include "tests/sim/sim_iscsi_rx.h"

#include <string.h>

#include "tests/sim/sim_iscsi_tx.h"

static void want_head(struct sim_iscsi *n);

static struct sim_iscsi_cmd *cmd_of(struct sim_iscsi *n, uint32_t itt)
{
	for (unsigned i = 0; i < SIM_ISCSI_DEPTH; i++)
		if (n->cmd[i].used && !n->cmd[i].ending && n->cmd[i].itt == itt)
			return &n->cmd[i];
	return NULL;
}

/* ---- numbers ------------------------------------------------------------ */

bool sim_iscsi_rx_window(struct sim_iscsi *n, const uint8_t bhs[SIM_BHS])
{
	uint32_t exp = sim_get32(bhs + 28), max = sim_get32(bhs + 32);

	/* 4.2.2.1: the numbers are those of the moment, and PDUs come in order. */
	if (sim_sn_before(exp, n->exp_cmdsn) || sim_sn_before(n->cmdsn, exp))
		sim_iscsi_offence(n, "ExpCmdSN %u after %u, sent was %u", exp, n->exp_cmdsn,
				  n->cmdsn);
	else if (sim_sn_before(max, n->max_cmdsn) || sim_sn_before(max + 1, exp))
		sim_iscsi_offence(n, "MaxCmdSN %u after %u, ExpCmdSN %u", max, n->max_cmdsn, exp);
	n->exp_cmdsn = exp;
	n->max_cmdsn = max;
	return n->phase != SIM_ISCSI_OVER;
}

/* takes: the PDU has a number of its own. */
static bool statsn(struct sim_iscsi *n, bool takes)
{
	uint32_t is = sim_get32(n->head + 24);

	if (is != n->exp_statsn) {
		sim_iscsi_offence(n, "StatSN %u of opcode %#x, expected was %u", is,
				  n->head[0] & 0x3fu, n->exp_statsn);
		return false;
	}
	n->exp_statsn += takes;
	return true;
}

/* ---- the end of a command ----------------------------------------------- */

static void take_sense(struct sim_iscsi *n, struct sim_iscsi_cmd *cmd)
{
	const uint8_t *s = n->data + 2;
	uint32_t len = n->data_bytes >= 2 ? sim_get16(n->data) : 0;

	if (cmd->status != SCSI_CHECK)
		return;
	if (len + 2 > n->data_bytes || len < 8) {
		sim_iscsi_offence(n, "CHECK CONDITION with %u bytes of sense", len);
		return;
	}
	if ((s[0] & 0x7f) == 0x72) {
		cmd->key = s[1] & 15;
		cmd->code = (uint16_t)sim_get16(s + 2);
	} else if ((s[0] & 0x7f) == 0x70 && len >= 14) {
		cmd->key = s[2] & 15;
		cmd->code = (uint16_t)sim_get16(s + 12);
	} else {
		sim_iscsi_offence(n, "sense data of format %#x", s[0]);
	}
}

/* A unit attention says that another nexus reset the unit: what is older than the
 * command that heard of it gets no answer (SAM-5 6.3.3, TAS 0).  TEST UNIT READY
 * overtakes others, so it does not tell which are older than the reset. */
static void was_reset(struct sim_iscsi *n, const struct sim_iscsi_cmd *cmd)
{
	for (unsigned i = 0; i < SIM_ISCSI_DEPTH; i++)
		if (n->cmd[i].used && &n->cmd[i] != cmd && n->cmd[i].kind != SIM_KIND_NOP &&
		    sim_sn_before(n->cmd[i].cmdsn, cmd->cmdsn))
			n->cmd[i].again = true;
}

static void answered(struct sim_iscsi *n, struct sim_iscsi_cmd *cmd, uint8_t status, uint8_t flags,
		     uint32_t residual)
{
	bool good = status == SCSI_OK;

	cmd->status = status;
	if (good && (flags & (SIM_UNDERFLOW | SIM_OVERFLOW)))
		sim_iscsi_offence(n, "GOOD with a residual of %u", residual);
	else if (good && (cmd->got != cmd->in_bytes || cmd->asked < cmd->out_bytes || cmd->r2ts))
		sim_iscsi_offence(n, "GOOD after %u of %u bytes in, %u of %u bytes out", cmd->got,
				  cmd->in_bytes, cmd->asked, cmd->out_bytes);
	else if (cmd->again && cmd->key != KEY_ATTENTION) /* that came after the reset, too */
		sim_iscsi_offence(n, "status %#x for command %u at %llu, which was reset away",
				  status, cmd->kind, (unsigned long long)cmd->first);
	else if (cmd->key == KEY_ATTENTION && cmd->code == 0x2903 && cmd->kind != SIM_KIND_TEST)
		was_reset(n, cmd);
	if (n->phase != SIM_ISCSI_OVER)
		sim_iscsi_finish(n, cmd, SIM_ANSWERED);
}

static void on_response(struct sim_iscsi *n)
{
	const uint8_t *h = n->head;
	struct sim_iscsi_cmd *cmd = cmd_of(n, sim_get32(h + 16));
	uint32_t exp_datasn = sim_get32(h + 36);

	if (!statsn(n, true))
		return;
	if (!cmd || cmd->kind == SIM_KIND_NOP)
		sim_iscsi_offence(n, "a SCSI Response with tag %u", sim_get32(h + 16));
	else if (h[2] != 0)
		sim_iscsi_offence(n, "response %#x", h[2]);
	else if (exp_datasn != cmd->datasn) /* 11.4.8: Data-In alone */
		sim_iscsi_offence(n, "ExpDataSN %u, got were %u", exp_datasn, cmd->datasn);
	if (n->phase == SIM_ISCSI_OVER)
		return;
	cmd->status = h[3];
	take_sense(n, cmd);
	if (n->phase != SIM_ISCSI_OVER)
		answered(n, cmd, h[3], h[1], sim_get32(h + 44));
}

/* ---- data --------------------------------------------------------------- */

static bool data_in_fits(struct sim_iscsi *n, const struct sim_iscsi_cmd *cmd)
{
	const uint8_t *h = n->head;
	uint32_t offset = sim_get32(h + 40), sn = sim_get32(h + 36);

	if (!cmd || !cmd->in_bytes)
		sim_iscsi_offence(n, "Data-In with tag %u", sim_get32(h + 16));
	else if (sn != cmd->datasn || offset != cmd->got)
		sim_iscsi_offence(n, "Data-In %u at %u, expected were %u and %u", sn, offset,
				  cmd->datasn, cmd->got);
	else if (n->data_bytes > cmd->in_bytes - cmd->got)
		sim_iscsi_offence(n, "Data-In of %u bytes, %u are missing", n->data_bytes,
				  cmd->in_bytes - cmd->got);
	else if (cmd->in_burst + n->data_bytes > n->cfg.max_burst)
		sim_iscsi_offence(n, "a sequence of more than %u bytes", n->cfg.max_burst);
	else if ((h[1] & SIM_WITH_STATUS) && !(h[1] & SIM_FINAL))
		sim_iscsi_offence(n, "status in a Data-In that is not final");
	return n->phase != SIM_ISCSI_OVER;
}

static void on_data_in(struct sim_iscsi *n)
{
	const uint8_t *h = n->head;
	struct sim_iscsi_cmd *cmd = cmd_of(n, sim_get32(h + 16));

	if ((h[1] & SIM_WITH_STATUS) && !statsn(n, true))
		return;
	if (!data_in_fits(n, cmd))
		return;
	memcpy(cmd->in + cmd->got, n->data, n->data_bytes);
	cmd->datasn++;
	cmd->got += n->data_bytes;
	cmd->in_burst = h[1] & SIM_FINAL ? 0 : cmd->in_burst + n->data_bytes;
	if (cmd->datasn == 2)
		sim_count(n->world, SIM_COVER_DATA_IN);
	if (h[1] & SIM_WITH_STATUS)
		answered(n, cmd, h[3], h[1], sim_get32(h + 44));
}

static void on_r2t(struct sim_iscsi *n)
{
	const uint8_t *h = n->head;
	struct sim_iscsi_cmd *cmd = cmd_of(n, sim_get32(h + 16));
	uint32_t offset = sim_get32(h + 40), bytes = sim_get32(h + 44), ttt = sim_get32(h + 20);

	if (!statsn(n, false))
		return;
	if (!cmd || !cmd->out_bytes)
		sim_iscsi_offence(n, "R2T with tag %u", sim_get32(h + 16));
	else if (sim_get32(h + 36) != cmd->r2tsn || ttt == SIM_NO_TAG)
		sim_iscsi_offence(n, "R2TSN %u, expected was %u", sim_get32(h + 36), cmd->r2tsn);
	else if (offset != cmd->asked || !bytes || bytes > cmd->out_bytes - offset ||
		 bytes > n->cfg.max_burst)
		sim_iscsi_offence(n, "R2T of %u bytes at %u, asked were %u of %u", bytes, offset,
				  cmd->asked, cmd->out_bytes);
	else if (cmd->r2ts >= n->cfg.max_r2t)
		sim_iscsi_offence(n, "more than %u R2Ts", n->cfg.max_r2t);
	if (n->phase == SIM_ISCSI_OVER)
		return;
	cmd->r2tsn++;
	cmd->r2ts++;
	cmd->asked += bytes;
	sim_count(n->world, SIM_COVER_R2T);
	sim_iscsi_pour(n, &(struct sim_iscsi_burst){ cmd, ttt, offset, bytes, 0 });
}

/* ---- the rest ----------------------------------------------------------- */

static void on_nop_in(struct sim_iscsi *n)
{
	uint32_t itt = sim_get32(n->head + 16), ttt = sim_get32(n->head + 20);
	struct sim_iscsi_cmd *cmd = cmd_of(n, itt);
	uint32_t bytes;

	if (!statsn(n, itt != SIM_NO_TAG))
		return;
	if (itt == SIM_NO_TAG) {
		n->pings++;
		sim_count(n->world, SIM_COVER_PING);
		if (ttt != SIM_NO_TAG && !n->cfg.mute)
			sim_iscsi_pong(n, n->head);
		return;
	}
	if (!cmd || cmd->kind != SIM_KIND_NOP || ttt != SIM_NO_TAG) {
		sim_iscsi_offence(n, "NOP-In with tags %u and %u", itt, ttt);
		return;
	}
	/* 11.19: our data, as much of it as we take */
	bytes = cmd->out_bytes < n->cfg.recv_max ? cmd->out_bytes : n->cfg.recv_max;
	if (n->data_bytes != bytes || memcmp(n->data, cmd->out, bytes) != 0)
		sim_iscsi_offence(n, "NOP-In echoes %u of %u bytes", n->data_bytes, bytes);
	else
		sim_iscsi_finish(n, cmd, SIM_ANSWERED);
}

/* 11.6.1: complete; or no such task, which then has been answered before. */
static void aborted(struct sim_iscsi *n, uint8_t answer)
{
	struct sim_iscsi_cmd *cmd = n->tmf.cmd;

	if (!cmd)
		return;
	if (answer == 1 && !cmd->again && !n->world->cover[SIM_COVER_LUN_RESET])
		sim_iscsi_offence(n, "no task %u to abort, which has no answer", cmd->itt);
	else
		sim_iscsi_finish(n, cmd, SIM_ABORTED);
}

static void was_reset_by_us(struct sim_iscsi *n, uint32_t cmdsn)
{
	for (unsigned i = 0; i < SIM_ISCSI_DEPTH && n->phase != SIM_ISCSI_OVER; i++) {
		struct sim_iscsi_cmd *cmd = &n->cmd[i];

		if (cmd->used && !cmd->ending && cmd->kind != SIM_KIND_NOP &&
		    sim_sn_before(cmd->cmdsn, cmdsn))
			sim_iscsi_finish(n, cmd, SIM_ABORTED);
	}
}

static void on_tmf_response(struct sim_iscsi *n)
{
	uint8_t answer = n->head[2];
	enum sim_iscsi_tmf_kind kind = n->tmf.kind;

	if (!statsn(n, true))
		return;
	if (!kind || sim_get32(n->head + 16) != n->tmf.itt) {
		sim_iscsi_offence(n, "a task management response with tag %u",
				  sim_get32(n->head + 16));
		return;
	}
	if (answer > 1 || (answer == 1 && kind != SIM_ABORT_TASK)) {
		sim_iscsi_offence(n, "task management answered with %u", answer);
		return;
	}
	n->tmf.kind = 0;
	if (kind == SIM_ABORT_TASK)
		aborted(n, answer);
	else
		was_reset_by_us(n, n->tmf.cmdsn);
	n->tmf.cmd = NULL;
	if (n->phase != SIM_ISCSI_OVER)
		n->ops->managed(n->arg, n, answer);
}

/*
 * 11.17: only for what we spoilt.  A task fails by itself when its Data-Out is gone (7.8).  Any
 * other request has not come: its number stays open (7.3), and level 0 knows no retry.
 */
static void on_reject(struct sim_iscsi *n)
{
	struct sim_iscsi_cmd *cmd;

	if (!statsn(n, true))
		return;
	cmd = n->data_bytes >= SIM_BHS ? cmd_of(n, sim_get32(n->data + 16)) : NULL;
	if (n->head[2] != 2 || n->data_bytes != SIM_BHS)
		sim_iscsi_offence(n, "Reject %#x of opcode %#x", n->head[2],
				  n->data_bytes ? n->data[0] : 0u);
	else if (cmd && !cmd->corrupted)
		sim_iscsi_offence(n, "Reject for a digest that was right");
	else if ((n->data[0] & 0x3f) != SIM_DATA_OUT)
		sim_iscsi_vanish(n);
}

static void on_logout(struct sim_iscsi *n)
{
	if (!statsn(n, true))
		return;
	if (!n->leaving || sim_get32(n->head + 16) != n->logout_itt || n->head[2] != 0) {
		sim_iscsi_offence(n, "logout answered with %u", n->head[2]);
		return;
	}
	sim_count(n->world, SIM_COVER_LOGOUT);
	sim_iscsi_close(n);
}

static void on_async(struct sim_iscsi *n)
{
	if (!statsn(n, true))
		return;
	if (n->head[36] == 1) /* it asks us to log out */
		sim_iscsi_logout(n);
	else if (n->head[36] > 4)
		sim_iscsi_offence(n, "asynchronous event %u", n->head[36]);
}

static void on_pdu(struct sim_iscsi *n)
{
	switch (n->head[0] & 0x3f) {
	case SIM_NOP_IN:
		on_nop_in(n);
		return;
	case SIM_RESPONSE:
		on_response(n);
		return;
	case SIM_TMF_RESPONSE:
		on_tmf_response(n);
		return;
	case SIM_DATA_IN:
		on_data_in(n);
		return;
	case SIM_R2T:
		on_r2t(n);
		return;
	case SIM_LOGOUT_RESPONSE:
		on_logout(n);
		return;
	case SIM_REJECT:
		on_reject(n);
		return;
	case SIM_ASYNC:
		on_async(n);
		return;
	default:
		sim_iscsi_offence(n, "opcode %#x", n->head[0]);
		return;
	}
}

/* ---- bytes -------------------------------------------------------------- */

static void on_data(struct sim_iscsi *n)
{
	uint32_t padded = n->data_bytes + sim_pad(n->data_bytes);

	for (uint32_t i = n->data_bytes; i < padded; i++)
		if (n->data[i])
			sim_iscsi_offence(n, "padding that is not zero");
	if (n->data_bytes && n->cfg.data_digest &&
	    sim_get_crc(n->data + padded) != sim_crc(n->data, padded))
		sim_iscsi_offence(n, "a wrong data digest");
	if (n->phase != SIM_ISCSI_OVER && sim_iscsi_rx_window(n, n->head))
		on_pdu(n);
	if (n->phase != SIM_ISCSI_OVER)
		want_head(n);
}

static void on_head(struct sim_iscsi *n)
{
	uint32_t bytes = sim_get24(n->head + 5);

	n->data_bytes = bytes;
	if (n->cfg.header_digest && sim_get_crc(n->head + SIM_BHS) != sim_crc(n->head, SIM_BHS))
		sim_iscsi_offence(n, "a wrong header digest");
	else if (n->head[4])
		sim_iscsi_offence(n, "%u words of additional headers", n->head[4]);
	else if (bytes > n->cfg.recv_max)
		sim_iscsi_offence(n, "a data segment of %u bytes, we take %u", bytes,
				  n->cfg.recv_max);
	else
		sim_iscsi_want_data(
			n, bytes + sim_pad(bytes) + (bytes && n->cfg.data_digest ? 4 : 0), on_data);
}

static void want_head(struct sim_iscsi *n)
{
	sim_iscsi_want(n, n->head, SIM_BHS + (n->cfg.header_digest ? 4 : 0), on_head);
}

void sim_iscsi_rx_begin(struct sim_iscsi *n)
{
	want_head(n);
}
