/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ini.h - a scripted iSCSI initiator: sends the PDUs that a test writes down, and
 * takes what comes back one PDU at a time.
 *
 * Written from RFC 7143 alone, without our codecs.  Runs over fuzz_stack.h: the real
 * core and file store over the simulated driver.  Of each PDU of the target it checks
 * StatSN, the command window (MaxCmdSN never goes back) and digests; the rest is the
 * test's.
 */
#ifndef TESTS_UNIT_PROTOCOLS_ISCSI_INI_H
#define TESTS_UNIT_PROTOCOLS_ISCSI_INI_H

#include "tests/fuzz/fuzz_stack.h"

#define INI_IMAGE (40u << 20)
#define INI_BLOCK 512u
#define INI_SEGMENT 262144u /* the longest data segment that the target takes */
#define INI_NO_TAG 0xffffffffu

enum { INI_FINAL = 0x80, INI_READ = 0x40, INI_WRITE = 0x20, INI_SIMPLE = 0x01 };
enum {
	INI_NOP_IN = 0x20,
	INI_RESPONSE = 0x21,
	INI_TMF_RESPONSE = 0x22,
	INI_TEXT_RESPONSE = 0x24,
	INI_DATA_IN = 0x25,
	INI_LOGOUT_RESPONSE = 0x26,
	INI_R2T = 0x31,
	INI_ASYNC = 0x32,
	INI_REJECT = 0x3f
};

/* A PDU of the target. */
struct ini_pdu {
	uint8_t bhs[48];
	uint8_t opcode, flags, status; /* status: byte 3; of others what stands there */
	uint32_t itt, ttt; /* ttt: bytes 20 to 23 */
	uint32_t w36, w40, w44; /* DataSN or R2TSN, offset, length or residual count */
	uint8_t data[1 << 18];
	uint32_t n; /* bytes of data */
};

struct ini {
	struct fuzz_stack *stack; /* own, or that of another */
	struct fuzz_stack own;
	struct fuzz_client client;
	bool head_digest, data_digest;
	uint8_t isid; /* tells sessions of this initiator apart */
	uint16_t tsih;
	uint32_t cmdsn, statsn; /* next to send; next to come */
	uint32_t max_cmdsn;
	struct ini_pdu pdu; /* the last one that was taken */
};

/* All up, nobody connected. */
void ini_up(struct ini *ini, uint64_t seed, const struct fuzz_stack_cfg *cfg);
/* Connects, sends a login into full feature phase with these keys ("A=b|C=d|") beside
 * the names and answers the status class and detail; 0: it is in. */
unsigned ini_login(struct ini *ini, const char *keys);
/* Sends the same request and waits for nothing. */
void ini_send_login(struct fuzz_client *client, uint8_t isid, const char *keys);
/* Sends the login of a connection in the place of that of old; answers as ini_login()
 * does, and goes on with the session's numbers. */
void ini_send_rejoin(struct ini *ini, const struct ini *old);
unsigned ini_rejoined(struct ini *ini);
/* ini_up() with the usual world, and ini_login(). */
void ini_begin(struct ini *ini, const char *keys);
/* Another initiator port at the same daemon: connected, logged in. */
void ini_join(struct ini *other, struct ini *ini, uint8_t isid, const char *keys);
/* Hangs up; nothing else is taken down. */
void ini_hang_up(struct ini *ini);
/* Hangs up and takes all down; the simulation must have found nothing. */
void ini_end(struct ini *ini);

/* ---- sending: numbers and digests are put in ------------------------------ */

void ini_send(struct ini *ini, uint8_t bhs[48], const void *data, uint32_t n);
/* op: 0x01, or 0x41 for immediate.  cdb: 16 bytes. */
void ini_command(struct ini *ini, uint8_t op, uint32_t itt, uint8_t flags, uint32_t expected,
		 const uint8_t *cdb, const void *data, uint32_t n);
/* READ(10) and WRITE(10) of blocks; flags beside R or W and SIMPLE. */
void ini_read(struct ini *ini, uint32_t itt, uint32_t lba, uint32_t blocks);
void ini_write(struct ini *ini, uint32_t itt, uint8_t flags, uint32_t lba, uint32_t blocks,
	       const void *data, uint32_t n);
void ini_data_out(struct ini *ini, uint32_t itt, uint32_t ttt, uint32_t datasn, uint32_t offset,
		  const void *data, uint32_t n, bool final);
/* Task management, immediate. */
void ini_manage(struct ini *ini, uint8_t function, uint32_t itt, uint32_t ref_itt,
		uint32_t ref_cmdsn);
void ini_nop(struct ini *ini, uint32_t itt, const void *data, uint32_t n);
/* flags: INI_FINAL, 0x40 for C. */
void ini_text(struct ini *ini, uint32_t itt, uint32_t ttt, uint8_t flags, const void *data,
	      uint32_t n);
void ini_logout(struct ini *ini, uint32_t itt);

/* ---- what comes ------------------------------------------------------------ */

/* The next PDU, into ini->pdu; it must be of that opcode and for that task. */
const struct ini_pdu *ini_take(struct ini *ini, uint8_t opcode, uint32_t itt);
/* The next one, whatever it is; false: the connection ended, or nothing came. */
bool ini_any(struct ini *ini);
/* A SCSI Response with that status; condition: ASC and ASCQ, 0 where there is no sense. */
void ini_ends(struct ini *ini, uint32_t itt, uint8_t status, unsigned condition);
/* Nothing comes for that long. */
void ini_silence(struct ini *ini, uint64_t for_ns);
/* Brings what the R2T that was taken asks for; data: of the whole transfer. */
void ini_bring(struct ini *ini, const uint8_t *data);
/* Answers R2Ts of this task until it ends with GOOD; data: of the whole transfer. */
void ini_feed(struct ini *ini, uint32_t itt, const uint8_t *data);

#endif
