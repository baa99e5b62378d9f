/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_pdu.h - headers: 48 bytes (and additional ones) to a structure, and back.
 *
 * iscsi_pdu_get() takes what an initiator sent and answers a structure or a named
 * fault of iscsi_faults.tbl; the putters write what a target sends.  Pure: no
 * copy of data, no allocation.  Below: iscsi.h.  Above: everything that handles
 * PDUs; iscsi_rx.h says how many bytes one is.  Clauses are of RFC 7143.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_PDU_H
#define PROTOCOLS_ISCSI_ISCSI_PDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/iscsi/iscsi.h"

/* ---- what can be wrong ---------------------------------------------------- */

enum iscsi_fault {
	ISCSI_FAULT_NONE = 0,
#define FAULT(NAME, way, reason, words, clause) ISCSI_FAULT_##NAME,
#include "protocols/iscsi/iscsi_faults.tbl"
#undef FAULT
	ISCSI_FAULT_COUNT
};

enum iscsi_fault_way {
	ISCSI_FAULT_WAY_REJECT,
	ISCSI_FAULT_WAY_CONNECTION,
	ISCSI_FAULT_WAY_SESSION
};

struct iscsi_fault_row {
	enum iscsi_fault_way way;
	enum iscsi_reject reason;
	const char *words, *clause;
};

/* Null for ISCSI_FAULT_NONE and for what is no fault. */
const struct iscsi_fault_row *iscsi_pdu_fault(enum iscsi_fault fault);

/* ---- names ---------------------------------------------------------------- */

/* The row of iscsi_opcodes.tbl; null for a number without one. */
struct iscsi_opcode_row {
	const char *name;
	bool from_target;
	bool may_be_immediate, always_immediate;
	bool ahs, data;
	const char *clause;
};
const struct iscsi_opcode_row *iscsi_pdu_opcode(unsigned opcode);

/* For logs; "?" for what has no row. */
const char *iscsi_pdu_opcode_name(unsigned opcode);
const char *iscsi_pdu_reject_words(enum iscsi_reject reason);
const char *iscsi_pdu_login_words(enum iscsi_login_status status);

/* ---- what an initiator sends ---------------------------------------------- */

/* 11.3.  The first 16 bytes of the CDB; more may be in struct iscsi_ahs. */
struct iscsi_scsi_command {
	bool read, write;
	uint8_t attr; /* enum iscsi_attr */
	uint8_t priority; /* RFC 7144 5.1.1; ignore it below iSCSIProtocolLevel 2 */
	uint32_t expected_bytes;
	const uint8_t *cdb; /* inside the header that was given */
};

/* 11.5 */
struct iscsi_tmf_request {
	uint8_t function; /* as sent: 7 bits, perhaps no enum iscsi_tmf */
	uint32_t ref_itt, ref_cmdsn, exp_datasn;
};

/* 11.7; lun is valid if ttt is not ISCSI_NO_TAG (then the data is solicited). */
struct iscsi_data_out {
	uint32_t ttt, datasn, offset;
};

/* 11.12.  nsg is 0 unless transit. */
struct iscsi_login_request {
	bool transit, more; /* T, C */
	uint8_t csg, nsg, version_max, version_min;
	uint8_t isid[6];
	uint16_t tsih, cid;
};

/* 11.10; the common `final` is F. */
struct iscsi_text_request {
	bool more; /* C */
	uint32_t ttt;
};

/* 11.14 */
struct iscsi_logout_request {
	uint8_t reason; /* enum iscsi_logout */
	uint16_t cid; /* valid unless the reason is ISCSI_LOGOUT_SESSION */
};

/* 11.16 */
struct iscsi_snack_request {
	uint8_t type; /* enum iscsi_snack */
	uint32_t tag; /* target transfer tag, or the SNACK tag of R-Data */
	uint32_t beg_run, run_length;
};

/* 11.18 */
struct iscsi_nop_out {
	uint32_t ttt;
};

/* One request; `opcode` says which member of the union holds. */
struct iscsi_pdu {
	uint8_t opcode; /* enum iscsi_opcode, of an initiator */
	bool immediate, final;
	uint32_t ahs_bytes, data_bytes; /* data without padding */
	uint64_t lun; /* the eight bytes, first one highest */
	uint32_t itt;
	uint32_t cmdsn; /* not of Data-Out and SNACK: 0 */
	uint32_t exp_statsn;
	union {
		struct iscsi_scsi_command scsi;
		struct iscsi_tmf_request tmf;
		struct iscsi_data_out dout;
		struct iscsi_login_request login;
		struct iscsi_text_request text;
		struct iscsi_logout_request logout;
		struct iscsi_snack_request snack;
		struct iscsi_nop_out nop;
	};
};

/*
 * The header of one request.  data_max: how long a data segment we declared to
 * take (ISCSI_LOGIN_DATA_BYTES during login).  At a fault *pdu stays untouched.
 * What depends on more than the header (tags, sequence numbers, offsets, stages,
 * a function of task management, which has an answer of its own) is not judged
 * here; neither are additional headers: iscsi_pdu_ahs_get().
 */
enum iscsi_fault iscsi_pdu_get(const uint8_t bhs[ISCSI_BHS_BYTES], uint32_t data_max,
			       struct iscsi_pdu *pdu);

/* ---- additional headers (11.2.2) ------------------------------------------ */

struct iscsi_ahs {
	const uint8_t *cdb; /* what follows the first 16 bytes, inside what was given; or null */
	uint32_t cdb_bytes; /* of these; 0: the CDB is at most 16 bytes */
	bool bidi;
	uint32_t bidi_bytes; /* bidirectional read expected data transfer length */
};

/* bytes: pdu->ahs_bytes; 0 is fine and answers an empty structure. */
enum iscsi_fault iscsi_pdu_ahs_get(const uint8_t *from, uint32_t bytes, struct iscsi_ahs *ahs);

/* ---- what a target sends -------------------------------------------------- */

/* In every header that a target sends, but for StatSN: see each. */
struct iscsi_sns {
	uint32_t statsn, exp_cmdsn, max_cmdsn;
};

/* 11.4.  data_bytes: with the two of SenseLength. */
struct iscsi_scsi_response {
	uint32_t itt;
	struct iscsi_sns sns;
	uint8_t flags; /* enum iscsi_rsp_flag */
	uint8_t service; /* enum iscsi_service */
	uint8_t status; /* SAM */
	uint16_t qualifier; /* RFC 7144 5.2.1; 0 below iSCSIProtocolLevel 2 */
	uint32_t snack_tag, exp_datasn;
	uint32_t bidi_residual, residual;
	uint32_t data_bytes;
};

/* 11.7.  status, residual and StatSN are sent only if `flags` has
 * ISCSI_DIN_STATUS, and zero otherwise. */
struct iscsi_data_in {
	bool final;
	uint8_t flags; /* iscsi_din_flag, and of iscsi_rsp_flag over- and underflow */
	uint8_t status;
	uint64_t lun; /* 0 unless ttt is valid */
	uint32_t itt, ttt;
	struct iscsi_sns sns;
	uint32_t datasn, offset, residual;
	uint32_t data_bytes;
};

/* 11.8.  StatSN is the next one and does not advance. */
struct iscsi_r2t {
	uint64_t lun;
	uint32_t itt, ttt;
	struct iscsi_sns sns;
	uint32_t r2tsn, offset, bytes;
};

/* 11.6 */
struct iscsi_tmf_response {
	uint8_t answer; /* enum iscsi_tmf_answer */
	uint32_t additional; /* RFC 7144 6.4.1, 24 bits: of the QUERY functions; else 0 */
	uint32_t itt;
	struct iscsi_sns sns;
};

/* 11.13 */
struct iscsi_login_response {
	bool transit, more; /* T, C */
	uint8_t csg, nsg, version_max, version_active;
	uint8_t isid[6];
	uint16_t tsih;
	uint32_t itt;
	struct iscsi_sns sns; /* valid for the peer if status is ISCSI_LOGIN_OK */
	enum iscsi_login_status status;
	uint32_t data_bytes;
};

/* 11.11 */
struct iscsi_text_response {
	bool final, more; /* F, C */
	uint64_t lun;
	uint32_t itt, ttt;
	struct iscsi_sns sns;
	uint32_t data_bytes;
};

/* 11.15; times in seconds. */
struct iscsi_logout_response {
	uint8_t answer; /* enum iscsi_logout_answer */
	uint32_t itt;
	struct iscsi_sns sns;
	uint16_t time2wait, time2retain;
};

/* 11.19.  An answer: itt of the NOP-Out, ttt ISCSI_NO_TAG.  A ping of ours: the
 * other way round; StatSN then does not advance. */
struct iscsi_nop_in {
	uint64_t lun;
	uint32_t itt, ttt;
	struct iscsi_sns sns;
	uint32_t data_bytes;
};

/* 11.9 */
struct iscsi_async_message {
	uint64_t lun;
	struct iscsi_sns sns;
	uint8_t event, vcode; /* enum iscsi_async */
	uint16_t parameter1, parameter2, parameter3;
	uint32_t data_bytes;
};

/* 11.17.  The data segment is the whole header of the bad PDU, without digest. */
struct iscsi_reject_message {
	enum iscsi_reject reason;
	struct iscsi_sns sns;
	uint32_t datasn;
	uint32_t data_bytes;
};

/* Each writes all 48 bytes; reserved ones are 0.  The order of fields is the
 * structure's alone: what the RFC calls a constant (F, tags) is put in here. */
void iscsi_pdu_scsi_response_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_scsi_response *p);
void iscsi_pdu_data_in_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_data_in *p);
void iscsi_pdu_r2t_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_r2t *p);
void iscsi_pdu_tmf_response_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_tmf_response *p);
void iscsi_pdu_login_response_put(uint8_t to[ISCSI_BHS_BYTES],
				  const struct iscsi_login_response *p);
void iscsi_pdu_text_response_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_text_response *p);
void iscsi_pdu_logout_response_put(uint8_t to[ISCSI_BHS_BYTES],
				   const struct iscsi_logout_response *p);
void iscsi_pdu_nop_in_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_nop_in *p);
void iscsi_pdu_async_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_async_message *p);
void iscsi_pdu_reject_put(uint8_t to[ISCSI_BHS_BYTES], const struct iscsi_reject_message *p);

/* 11.1: bytes that pad n bytes to a word. */
static inline uint32_t iscsi_pdu_pad(uint32_t n)
{
	return -n & 3;
}

/* 11.2.3: a digest as it stands on the wire; crc as crc32c() answers it. */
void iscsi_pdu_digest_put(uint8_t to[ISCSI_DIGEST_BYTES], uint32_t crc);
uint32_t iscsi_pdu_digest_get(const uint8_t from[ISCSI_DIGEST_BYTES]);

#endif
