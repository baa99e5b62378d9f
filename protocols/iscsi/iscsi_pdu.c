/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_pdu.c - headers to structures and back.
 *
 * The offsets that only one opcode has stand here as in the drawings of RFC 7143
 * section 11; what several share has a name in iscsi.h.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_pdu.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/table.h"

/* ---- the tables ------------------------------------------------------------ */

enum immediate { NO, MAY, ALWAYS };
enum sender { INITIATOR, TARGET };

static const struct iscsi_opcode_row opcodes[ISCSI_OP_NUMBERS] = {
#define OPCODE(NAME, number, sender, immediate, has_ahs, has_data, where) \
	[number] = { .name = #NAME,                                       \
		     .from_target = (sender) == TARGET,                   \
		     .may_be_immediate = (immediate) != NO,               \
		     .always_immediate = (immediate) == ALWAYS,           \
		     .ahs = (has_ahs),                                    \
		     .data = (has_data),                                  \
		     .clause = (where) },
#include "protocols/iscsi/iscsi_opcodes.tbl"
#undef OPCODE
};

static const struct iscsi_fault_row faults[ISCSI_FAULT_COUNT] = {
#define FAULT(NAME, way, reason, words, clause) \
	[ISCSI_FAULT_##NAME] = { ISCSI_FAULT_WAY_##way, ISCSI_REJECT_##reason, words, clause },
#include "protocols/iscsi/iscsi_faults.tbl"
#undef FAULT
};

const struct iscsi_fault_row *iscsi_pdu_fault(enum iscsi_fault fault)
{
	return (unsigned)fault < ISCSI_FAULT_COUNT && faults[fault].words ? &faults[fault] : NULL;
}

const struct iscsi_opcode_row *iscsi_pdu_opcode(unsigned opcode)
{
	return opcode < ISCSI_OP_NUMBERS && opcodes[opcode].name ? &opcodes[opcode] : NULL;
}

const char *iscsi_pdu_opcode_name(unsigned opcode)
{
	const struct iscsi_opcode_row *row = iscsi_pdu_opcode(opcode);

	return row ? row->name : "?";
}

const char *iscsi_pdu_reject_words(enum iscsi_reject reason)
{
	switch (reason) {
#define LOGIN_STATUS(NAME, class, detail, words, clause)
#define REJECT(NAME, reason, words, clause) \
	case ISCSI_REJECT_##NAME:           \
		return words;
#include "protocols/iscsi/iscsi_refusals.tbl"
#undef LOGIN_STATUS
#undef REJECT
	}
	return "?";
}

const char *iscsi_pdu_login_words(enum iscsi_login_status status)
{
	switch (status) {
#define LOGIN_STATUS(NAME, class, detail, words, clause) \
	case ISCSI_LOGIN_##NAME:                         \
		return words;
#define REJECT(NAME, reason, words, clause)
#include "protocols/iscsi/iscsi_refusals.tbl"
#undef LOGIN_STATUS
#undef REJECT
	}
	return "?";
}

/* ---- what an initiator sends ----------------------------------------------- */

/* 11.3 */
static enum iscsi_fault get_scsi(const uint8_t *bhs, struct iscsi_pdu *pdu)
{
	uint8_t flags = bhs[ISCSI_AT_FLAGS];
	struct iscsi_scsi_command *scsi = &pdu->scsi;

	if (!(flags & (ISCSI_FINAL | ISCSI_CMD_WRITE)))
		return ISCSI_FAULT_NOT_FINAL;
	if ((flags & ISCSI_CMD_ATTR) > ISCSI_ATTR_ACA)
		return ISCSI_FAULT_ATTRIBUTE;
	scsi->read = flags & ISCSI_CMD_READ;
	scsi->write = flags & ISCSI_CMD_WRITE;
	scsi->attr = flags & ISCSI_CMD_ATTR;
	scsi->priority = bhs[2] >> 4;
	scsi->expected_bytes = be32_get(bhs + 20);
	scsi->cdb = bhs + ISCSI_AT_CDB;
	if (scsi->expected_bytes && !scsi->read && !scsi->write)
		return ISCSI_FAULT_DIRECTION;
	/* 4.2.5.2: immediate data is output. */
	if (pdu->data_bytes && !scsi->write)
		return ISCSI_FAULT_DATA_NOT_ALLOWED;
	return ISCSI_FAULT_NONE;
}

/* 11.7 */
static void get_data_out(const uint8_t *bhs, struct iscsi_pdu *pdu)
{
	pdu->cmdsn = 0;
	pdu->dout.ttt = be32_get(bhs + ISCSI_AT_TTT);
	pdu->dout.datasn = be32_get(bhs + 36);
	pdu->dout.offset = be32_get(bhs + 40);
}

/* 11.5 */
static void get_tmf(const uint8_t *bhs, struct iscsi_pdu *pdu)
{
	pdu->tmf.function = bhs[ISCSI_AT_FLAGS] & 0x7f;
	pdu->tmf.ref_itt = be32_get(bhs + 20);
	pdu->tmf.ref_cmdsn = be32_get(bhs + 32);
	pdu->tmf.exp_datasn = be32_get(bhs + 36);
}

/* 11.12; whether the bits fit together is iscsi_login's question, which has an
 * answer for it. */
static void get_login(const uint8_t *bhs, struct iscsi_pdu *pdu)
{
	uint8_t flags = bhs[ISCSI_AT_FLAGS];
	struct iscsi_login_request *login = &pdu->login;

	login->transit = flags & ISCSI_TRANSIT;
	login->more = flags & ISCSI_CONTINUE;
	login->csg = flags >> 2 & 3;
	login->nsg = login->transit ? flags & 3 : 0;
	login->version_max = bhs[2];
	login->version_min = bhs[3];
	memcpy(login->isid, bhs + 8, sizeof(login->isid));
	login->tsih = be16_get(bhs + 14);
	login->cid = be16_get(bhs + 20);
	pdu->lun = 0; /* the ISID stands there */
}

/* 11.10 */
static enum iscsi_fault get_text(const uint8_t *bhs, struct iscsi_pdu *pdu)
{
	pdu->text.more = bhs[ISCSI_AT_FLAGS] & ISCSI_CONTINUE;
	pdu->text.ttt = be32_get(bhs + ISCSI_AT_TTT);
	return pdu->text.more && pdu->final ? ISCSI_FAULT_CONTINUE : ISCSI_FAULT_NONE;
}

/* 11.14 */
static enum iscsi_fault get_logout(const uint8_t *bhs, struct iscsi_pdu *pdu)
{
	pdu->logout.reason = bhs[ISCSI_AT_FLAGS] & 0x7f;
	pdu->logout.cid = be16_get(bhs + 20);
	return pdu->logout.reason > ISCSI_LOGOUT_RECOVERY ? ISCSI_FAULT_REASON : ISCSI_FAULT_NONE;
}

/* 11.16 */
static enum iscsi_fault get_snack(const uint8_t *bhs, struct iscsi_pdu *pdu)
{
	struct iscsi_snack_request *snack = &pdu->snack;
	bool of_task;

	pdu->cmdsn = 0;
	snack->type = bhs[ISCSI_AT_FLAGS] & 0x0f;
	snack->tag = be32_get(bhs + ISCSI_AT_TTT);
	snack->beg_run = be32_get(bhs + 40);
	snack->run_length = be32_get(bhs + 44);
	if (snack->type > ISCSI_SNACK_R_DATA)
		return ISCSI_FAULT_SNACK_TYPE;
	of_task = snack->type == ISCSI_SNACK_DATA_R2T || snack->type == ISCSI_SNACK_R_DATA;
	/* 11.16.4, 11.16.5 */
	if ((pdu->itt != ISCSI_NO_TAG) != of_task)
		return ISCSI_FAULT_SNACK_TAG;
	if (snack->type == ISCSI_SNACK_R_DATA && (!snack->tag || snack->tag == ISCSI_NO_TAG))
		return ISCSI_FAULT_SNACK_TAG;
	return ISCSI_FAULT_NONE;
}

/* 11.18 */
static enum iscsi_fault get_nop_out(const uint8_t *bhs, struct iscsi_pdu *pdu)
{
	pdu->nop.ttt = be32_get(bhs + ISCSI_AT_TTT);
	/* 11.18.1 */
	if (pdu->itt == ISCSI_NO_TAG && !pdu->immediate)
		return ISCSI_FAULT_NOT_IMMEDIATE;
	return ISCSI_FAULT_NONE;
}

static enum iscsi_fault get_fields(const uint8_t *bhs, struct iscsi_pdu *pdu)
{
	switch ((enum iscsi_opcode)pdu->opcode) {
	case ISCSI_OP_SCSI_COMMAND:
		return get_scsi(bhs, pdu);
	case ISCSI_OP_DATA_OUT:
		get_data_out(bhs, pdu);
		return ISCSI_FAULT_NONE;
	case ISCSI_OP_TMF:
		get_tmf(bhs, pdu);
		return ISCSI_FAULT_NONE;
	case ISCSI_OP_LOGIN:
		get_login(bhs, pdu);
		return ISCSI_FAULT_NONE;
	case ISCSI_OP_TEXT:
		return get_text(bhs, pdu);
	case ISCSI_OP_LOGOUT:
		return get_logout(bhs, pdu);
	case ISCSI_OP_SNACK:
		return get_snack(bhs, pdu);
	case ISCSI_OP_NOP_OUT:
		return get_nop_out(bhs, pdu);
	default:
		return ISCSI_FAULT_OPCODE; /* iscsi_pdu_get() has seen to it */
	}
}

enum iscsi_fault iscsi_pdu_get(const uint8_t bhs[ISCSI_BHS_BYTES], uint32_t data_max,
			       struct iscsi_pdu *pdu)
{
	struct iscsi_pdu got = { .opcode = bhs[ISCSI_AT_OPCODE] & ISCSI_OPCODE_MASK };
	const struct iscsi_opcode_row *row = &opcodes[got.opcode];
	enum iscsi_fault fault;

	if (!row->name)
		return ISCSI_FAULT_OPCODE;
	if (row->from_target)
		return ISCSI_FAULT_TARGET_OPCODE;
	got.ahs_bytes = bhs[ISCSI_AT_AHS_WORDS] * 4u;
	got.data_bytes = be24_get(bhs + ISCSI_AT_DATA_LENGTH);
	if (got.ahs_bytes && !row->ahs)
		return ISCSI_FAULT_AHS_NOT_ALLOWED;
	if (got.data_bytes && !row->data)
		return ISCSI_FAULT_DATA_NOT_ALLOWED;
	if (got.data_bytes > data_max)
		return ISCSI_FAULT_DATA_TOO_LONG;
	got.immediate = row->always_immediate ||
			(row->may_be_immediate && bhs[ISCSI_AT_OPCODE] & ISCSI_IMMEDIATE);
	got.final = bhs[ISCSI_AT_FLAGS] & ISCSI_FINAL;
	got.lun = be64_get(bhs + ISCSI_AT_LUN);
	got.itt = be32_get(bhs + ISCSI_AT_ITT);
	got.cmdsn = be32_get(bhs + ISCSI_AT_CMDSN);
	got.exp_statsn = be32_get(bhs + ISCSI_AT_EXPSTATSN);
	if (got.itt == ISCSI_NO_TAG && got.opcode != ISCSI_OP_NOP_OUT &&
	    got.opcode != ISCSI_OP_SNACK)
		return ISCSI_FAULT_NO_TASK_TAG;
	fault = get_fields(bhs, &got);
	if (fault == ISCSI_FAULT_NONE)
		*pdu = got;
	return fault;
}

/* ---- additional headers ---------------------------------------------------- */

#define AHS_HEAD_BYTES 3u /* AHSLength and AHSType; not counted in AHSLength */
#define AHS_TYPE_MASK 0x3fu /* 11.2.2.1: bits 0 and 1 are reserved */

/* 11.2.2.3: the length includes the reserved byte; below 17 bytes there is none. */
static enum iscsi_fault get_extended_cdb(const uint8_t *at, uint32_t len, struct iscsi_ahs *ahs)
{
	if (ahs->cdb)
		return ISCSI_FAULT_AHS_TWICE;
	if (len < 2)
		return ISCSI_FAULT_AHS_LENGTH;
	ahs->cdb = at + AHS_HEAD_BYTES + 1;
	ahs->cdb_bytes = len - 1;
	return ISCSI_FAULT_NONE;
}

/* 11.2.2.4 */
static enum iscsi_fault get_bidi_read(const uint8_t *at, uint32_t len, struct iscsi_ahs *ahs)
{
	if (ahs->bidi)
		return ISCSI_FAULT_AHS_TWICE;
	if (len != 5)
		return ISCSI_FAULT_AHS_LENGTH;
	ahs->bidi = true;
	ahs->bidi_bytes = be32_get(at + AHS_HEAD_BYTES + 1);
	return ISCSI_FAULT_NONE;
}

enum iscsi_fault iscsi_pdu_ahs_get(const uint8_t *from, uint32_t bytes, struct iscsi_ahs *ahs)
{
	struct iscsi_ahs got = { .cdb = NULL };

	while (bytes) {
		enum iscsi_fault fault = ISCSI_FAULT_AHS_TYPE;
		uint32_t len, all;

		if (bytes < AHS_HEAD_BYTES + 1)
			return ISCSI_FAULT_AHS_OVERRUN;
		len = be16_get(from);
		all = AHS_HEAD_BYTES + len;
		all += iscsi_pdu_pad(all);
		if (all > bytes)
			return ISCSI_FAULT_AHS_OVERRUN;
		if ((from[2] & AHS_TYPE_MASK) == ISCSI_AHS_EXTENDED_CDB)
			fault = get_extended_cdb(from, len, &got);
		else if ((from[2] & AHS_TYPE_MASK) == ISCSI_AHS_BIDI_READ)
			fault = get_bidi_read(from, len, &got);
		if (fault != ISCSI_FAULT_NONE)
			return fault;
		from += all;
		bytes -= all;
	}
	*ahs = got;
	return ISCSI_FAULT_NONE;
}

/* ---- what a target sends --------------------------------------------------- */

/* What all have; the rest becomes 0. */
static void begin(uint8_t *to, enum iscsi_opcode opcode, uint8_t flags, uint32_t data_bytes,
		  uint32_t itt, const struct iscsi_sns *sns)
{
	memset(to, 0, ISCSI_BHS_BYTES);
	to[ISCSI_AT_OPCODE] = (uint8_t)opcode;
	to[ISCSI_AT_FLAGS] = flags;
	be24_put(to + ISCSI_AT_DATA_LENGTH, data_bytes);
	be32_put(to + ISCSI_AT_ITT, itt);
	be32_put(to + ISCSI_AT_STATSN, sns->statsn);
	be32_put(to + ISCSI_AT_EXPCMDSN, sns->exp_cmdsn);
	be32_put(to + ISCSI_AT_MAXCMDSN, sns->max_cmdsn);
}

/* 11.4, RFC 7144 5.2 */
void iscsi_pdu_scsi_response_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_scsi_response *p)
{
	begin(to, ISCSI_OP_SCSI_RESPONSE, ISCSI_FINAL | p->flags, p->data_bytes, p->itt, &p->sns);
	to[2] = p->service;
	to[3] = p->status;
	be16_put(to + 8, p->qualifier);
	be32_put(to + 20, p->snack_tag);
	be32_put(to + 36, p->exp_datasn);
	be32_put(to + 40, p->bidi_residual);
	be32_put(to + 44, p->residual);
}

/* 11.7 */
void iscsi_pdu_data_in_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_data_in *p)
{
	uint8_t flags = (uint8_t)((p->final ? ISCSI_FINAL : 0) | p->flags);

	begin(to, ISCSI_OP_DATA_IN, flags, p->data_bytes, p->itt, &p->sns);
	if (p->flags & ISCSI_DIN_STATUS) {
		to[3] = p->status;
		be32_put(to + 44, p->residual);
	} else {
		be32_put(to + ISCSI_AT_STATSN, 0);
	}
	be64_put(to + ISCSI_AT_LUN, p->lun);
	be32_put(to + ISCSI_AT_TTT, p->ttt);
	be32_put(to + 36, p->datasn);
	be32_put(to + 40, p->offset);
}

/* 11.8 */
void iscsi_pdu_r2t_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_r2t *p)
{
	begin(to, ISCSI_OP_R2T, ISCSI_FINAL, 0, p->itt, &p->sns);
	be64_put(to + ISCSI_AT_LUN, p->lun);
	be32_put(to + ISCSI_AT_TTT, p->ttt);
	be32_put(to + 36, p->r2tsn);
	be32_put(to + 40, p->offset);
	be32_put(to + 44, p->bytes);
}

/* 11.6, RFC 7144 6.4.1 */
void iscsi_pdu_tmf_response_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_tmf_response *p)
{
	begin(to, ISCSI_OP_TMF_RESPONSE, ISCSI_FINAL, 0, p->itt, &p->sns);
	to[2] = p->answer;
	be24_put(to + 8, p->additional);
}

/* 11.13 */
void iscsi_pdu_login_response_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_login_response *p)
{
	uint8_t flags =
		(uint8_t)((p->transit ? ISCSI_TRANSIT : 0) | (p->more ? ISCSI_CONTINUE : 0) |
			  (p->csg & 3) << 2 | (p->transit ? p->nsg & 3 : 0));

	begin(to, ISCSI_OP_LOGIN_RESPONSE, flags, p->data_bytes, p->itt, &p->sns);
	to[2] = p->version_max;
	to[3] = p->version_active;
	memcpy(to + 8, p->isid, sizeof(p->isid));
	be16_put(to + 14, p->tsih);
	be16_put(to + 36, (uint16_t)p->status);
}

/* 11.11 */
void iscsi_pdu_text_response_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_text_response *p)
{
	uint8_t flags = (uint8_t)((p->final ? ISCSI_FINAL : 0) | (p->more ? ISCSI_CONTINUE : 0));

	begin(to, ISCSI_OP_TEXT_RESPONSE, flags, p->data_bytes, p->itt, &p->sns);
	be64_put(to + ISCSI_AT_LUN, p->lun);
	be32_put(to + ISCSI_AT_TTT, p->ttt);
}

/* 11.15 */
void iscsi_pdu_logout_response_put(uint8_t to[ISCSI_BHS_BYTES],
				   const struct iscsi_logout_response *p)
{
	begin(to, ISCSI_OP_LOGOUT_RESPONSE, ISCSI_FINAL, 0, p->itt, &p->sns);
	to[2] = p->answer;
	be16_put(to + 40, p->time2wait);
	be16_put(to + 42, p->time2retain);
}

/* 11.19 */
void iscsi_pdu_nop_in_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_nop_in *p)
{
	begin(to, ISCSI_OP_NOP_IN, ISCSI_FINAL, p->data_bytes, p->itt, &p->sns);
	be64_put(to + ISCSI_AT_LUN, p->lun);
	be32_put(to + ISCSI_AT_TTT, p->ttt);
}

/* 11.9 */
void iscsi_pdu_async_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_async_message *p)
{
	begin(to, ISCSI_OP_ASYNC, ISCSI_FINAL, p->data_bytes, ISCSI_NO_TAG, &p->sns);
	be64_put(to + ISCSI_AT_LUN, p->lun);
	to[36] = p->event;
	to[37] = p->vcode;
	be16_put(to + 38, p->parameter1);
	be16_put(to + 40, p->parameter2);
	be16_put(to + 42, p->parameter3);
}

/* 11.17 */
void iscsi_pdu_reject_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_reject_message *p)
{
	begin(to, ISCSI_OP_REJECT, ISCSI_FINAL, p->data_bytes, ISCSI_NO_TAG, &p->sns);
	to[2] = (uint8_t)p->reason;
	be32_put(to + 36, p->datasn);
}

/* ---- digests --------------------------------------------------------------- */

/* 13.1 maps the polynomial so that the low byte comes first. */
void iscsi_pdu_digest_put(uint8_t to[ISCSI_DIGEST_BYTES], uint32_t crc)
{
	le32_put(to, crc);
}

uint32_t iscsi_pdu_digest_get(const uint8_t from[ISCSI_DIGEST_BYTES])
{
	return le32_get(from);
}
