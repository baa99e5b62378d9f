/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi.h - the numbers of RFC 7143 and RFC 7144, and where the fields stand in
 * the 48 bytes of a basic header.
 *
 * Numbers alone: no structure, no function.  What RFC 7143 prints as a table
 * comes from a .tbl of this folder; the rest names its clause.  Above: everything
 * in this folder.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_H
#define PROTOCOLS_ISCSI_ISCSI_H

/* 11.2.1.2 */
enum iscsi_opcode {
#define OPCODE(NAME, number, sender, immediate, ahs, data, clause) ISCSI_OP_##NAME = (number),
#include "protocols/iscsi/iscsi_opcodes.tbl"
#undef OPCODE
	ISCSI_OP_NUMBERS = 64 /* six bits */
};

/* ---- sizes ---------------------------------------------------------------- */

#define ISCSI_BHS_BYTES 48u /* 11.2.1 */
#define ISCSI_DIGEST_BYTES 4u /* 11.2.3 */
#define ISCSI_AHS_MAX_BYTES (255u * 4) /* 11.2.1.5: a byte of words */
#define ISCSI_HEAD_MAX_BYTES (ISCSI_BHS_BYTES + ISCSI_AHS_MAX_BYTES + ISCSI_DIGEST_BYTES)
#define ISCSI_DATA_MAX_BYTES 0xffffffu /* 11.2.1.6: 24 bits */
#define ISCSI_LOGIN_DATA_BYTES 8192u /* 13.12: MaxRecvDataSegmentLength until declared */
#define ISCSI_CDB_BYTES 16u /* of the CDB in the basic header */
#define ISCSI_NAME_MAX 223u /* 4.2.7.1: bytes of an iSCSI name */
#define ISCSI_PORT 3260u

/* ---- where fields stand --------------------------------------------------- */

enum iscsi_at {
	ISCSI_AT_OPCODE = 0, /* with the I bit */
	ISCSI_AT_FLAGS = 1,
	ISCSI_AT_AHS_WORDS = 4,
	ISCSI_AT_DATA_LENGTH = 5, /* 24 bits */
	ISCSI_AT_LUN = 8,
	ISCSI_AT_ITT = 16,
	ISCSI_AT_TTT = 20,
	ISCSI_AT_CMDSN = 24, /* of a request */
	ISCSI_AT_EXPSTATSN = 28,
	ISCSI_AT_STATSN = 24, /* of a response */
	ISCSI_AT_EXPCMDSN = 28,
	ISCSI_AT_MAXCMDSN = 32,
	ISCSI_AT_CDB = 32 /* of a SCSI Command */
};

#define ISCSI_IMMEDIATE 0x40u /* in byte 0 */
#define ISCSI_OPCODE_MASK 0x3fu
#define ISCSI_FINAL 0x80u /* in byte 1 */
#define ISCSI_NO_TAG 0xffffffffu /* 11.2.1.8: the reserved tag, ITT or TTT */

/* ---- byte 1, opcode by opcode --------------------------------------------- */

/* SCSI Command, 11.3.1 */
enum iscsi_cmd_flag { ISCSI_CMD_READ = 0x40, ISCSI_CMD_WRITE = 0x20, ISCSI_CMD_ATTR = 0x07 };
enum iscsi_attr {
	ISCSI_ATTR_UNTAGGED = 0,
	ISCSI_ATTR_SIMPLE = 1,
	ISCSI_ATTR_ORDERED = 2,
	ISCSI_ATTR_HEAD_OF_QUEUE = 3,
	ISCSI_ATTR_ACA = 4
};

/* SCSI Response, 11.4.1; Data-In has OVERFLOW and UNDERFLOW at the same bits. */
enum iscsi_rsp_flag {
	ISCSI_RSP_BIDI_OVERFLOW = 0x10,
	ISCSI_RSP_BIDI_UNDERFLOW = 0x08,
	ISCSI_RSP_OVERFLOW = 0x04,
	ISCSI_RSP_UNDERFLOW = 0x02
};
/* 11.4.3 */
enum iscsi_service { ISCSI_SERVICE_COMPLETE = 0x00, ISCSI_SERVICE_TARGET_FAILURE = 0x01 };

/* Data-In, 11.7.2 and 11.7.3 */
enum iscsi_din_flag { ISCSI_DIN_ACK = 0x40, ISCSI_DIN_STATUS = 0x01 };

/* Text, 11.10.2; Login has C at the same bit and T where others have F. */
enum iscsi_text_flag { ISCSI_CONTINUE = 0x40, ISCSI_TRANSIT = 0x80 };

/* 11.12.3; NSG in bits 0-1 of byte 1, CSG in bits 2-3. */
enum iscsi_stage {
	ISCSI_STAGE_SECURITY = 0,
	ISCSI_STAGE_OPERATIONAL = 1,
	ISCSI_STAGE_RESERVED = 2,
	ISCSI_STAGE_FULL_FEATURE = 3
};
#define ISCSI_VERSION 0u /* 11.12.4: the one there is */

/* 11.5.1; 9 to 12: RFC 7144 6.3 */
enum iscsi_tmf {
	ISCSI_TMF_ABORT_TASK = 1,
	ISCSI_TMF_ABORT_TASK_SET = 2,
	ISCSI_TMF_CLEAR_ACA = 3,
	ISCSI_TMF_CLEAR_TASK_SET = 4,
	ISCSI_TMF_LUN_RESET = 5,
	ISCSI_TMF_TARGET_WARM_RESET = 6,
	ISCSI_TMF_TARGET_COLD_RESET = 7,
	ISCSI_TMF_TASK_REASSIGN = 8,
	ISCSI_TMF_QUERY_TASK = 9,
	ISCSI_TMF_QUERY_TASK_SET = 10,
	ISCSI_TMF_I_T_NEXUS_RESET = 11,
	ISCSI_TMF_QUERY_ASYNC_EVENT = 12
};

/* 11.6.1; 7: RFC 7144 6.4.2 */
enum iscsi_tmf_answer {
	ISCSI_TMF_COMPLETE = 0,
	ISCSI_TMF_NO_TASK = 1,
	ISCSI_TMF_NO_LUN = 2,
	ISCSI_TMF_STILL_ALLEGIANT = 3,
	ISCSI_TMF_NO_REASSIGN = 4,
	ISCSI_TMF_NOT_SUPPORTED = 5,
	ISCSI_TMF_NOT_AUTHORIZED = 6,
	ISCSI_TMF_SUCCEEDED = 7,
	ISCSI_TMF_REJECTED = 255
};

/* 11.9.1 */
enum iscsi_async {
	ISCSI_ASYNC_SCSI = 0,
	ISCSI_ASYNC_LOGOUT = 1,
	ISCSI_ASYNC_DROP_CONNECTION = 2,
	ISCSI_ASYNC_DROP_SESSION = 3,
	ISCSI_ASYNC_NEGOTIATE = 4,
	ISCSI_ASYNC_TASKS_TERMINATED = 5 /* FastAbort alone, 4.2.3.4 */
};

/* 11.14.1 */
enum iscsi_logout {
	ISCSI_LOGOUT_SESSION = 0,
	ISCSI_LOGOUT_CONNECTION = 1,
	ISCSI_LOGOUT_RECOVERY = 2
};
/* 11.15.1 */
enum iscsi_logout_answer {
	ISCSI_LOGOUT_CLOSED = 0,
	ISCSI_LOGOUT_NO_CID = 1,
	ISCSI_LOGOUT_NO_RECOVERY = 2,
	ISCSI_LOGOUT_CLEANUP_FAILED = 3
};

/* 11.16.1 */
enum iscsi_snack {
	ISCSI_SNACK_DATA_R2T = 0,
	ISCSI_SNACK_STATUS = 1,
	ISCSI_SNACK_DATA_ACK = 2,
	ISCSI_SNACK_R_DATA = 3
};

/* 11.2.2.1 */
enum iscsi_ahs_type { ISCSI_AHS_EXTENDED_CDB = 1, ISCSI_AHS_BIDI_READ = 2 };

/* 11.13.5: class in the high byte, detail in the low one. */
enum iscsi_login_status {
#define LOGIN_STATUS(NAME, class, detail, words, clause) \
	ISCSI_LOGIN_##NAME = (class) << 8 | (detail),
#define REJECT(NAME, reason, words, clause)
#include "protocols/iscsi/iscsi_refusals.tbl"
#undef LOGIN_STATUS
#undef REJECT
};

/* 11.17.1 */
enum iscsi_reject {
#define LOGIN_STATUS(NAME, class, detail, words, clause)
#define REJECT(NAME, reason, words, clause) ISCSI_REJECT_##NAME = (reason),
#include "protocols/iscsi/iscsi_refusals.tbl"
#undef LOGIN_STATUS
#undef REJECT
};

#endif
