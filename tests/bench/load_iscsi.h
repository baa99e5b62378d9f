/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One iSCSI session of the load client, as its two files share it: the login
 * (load_iscsi_login.c, blocking) and the commands (load_iscsi.c).
 */
#ifndef TESTS_BENCH_LOAD_ISCSI_H
#define TESTS_BENCH_LOAD_ISCSI_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/load_conn.h"
#include "tests/bench/load_stream.h"

#define LOAD_ISCSI_NO_TAG 0xffffffffu

/* Opcodes (RFC 7143 11.2.1.2) and where the fields of all PDUs stand. */
enum {
	LOAD_ISCSI_HEAD = 48,
	LOAD_ISCSI_DIGEST = 4,

	LOAD_ISCSI_NOP_OUT = 0x00,
	LOAD_ISCSI_COMMAND = 0x01,
	LOAD_ISCSI_LOGIN = 0x03,
	LOAD_ISCSI_DATA_OUT = 0x05,
	LOAD_ISCSI_LOGOUT = 0x06,
	LOAD_ISCSI_NOP_IN = 0x20,
	LOAD_ISCSI_RESPONSE = 0x21,
	LOAD_ISCSI_LOGIN_RESPONSE = 0x23,
	LOAD_ISCSI_DATA_IN = 0x25,
	LOAD_ISCSI_R2T = 0x31,
	LOAD_ISCSI_IMMEDIATE = 0x40, /* or-ed to the opcode of a request */

	LOAD_ISCSI_AT_LENGTH = 5, /* of the data segment, 24 bits */
	LOAD_ISCSI_AT_LUN = 8,
	LOAD_ISCSI_AT_ITT = 16,
	LOAD_ISCSI_AT_TTT = 20,
	LOAD_ISCSI_AT_CMDSN = 24, /* requests */
	LOAD_ISCSI_AT_EXPSTATSN = 28,
	LOAD_ISCSI_AT_STATSN = 24, /* responses */
	LOAD_ISCSI_AT_MAXCMDSN = 32,

	LOAD_ISCSI_FINAL = 0x80, /* byte 1 */
	LOAD_ISCSI_READ = 0x40,
	LOAD_ISCSI_WRITE = 0x20,
	LOAD_ISCSI_SIMPLE = 1,
};

/* What we take in one PDU, as the initiators of Linux do. */
enum { LOAD_ISCSI_RECV_MAX = 256 << 10 };

struct load_iscsi_sum; /* load_iscsi.c */

struct load_iscsi {
	struct load_stream *stream;
	uint64_t lun; /* as it stands on the wire */
	uint32_t block_bytes; /* of the logical unit */
	bool digests; /* CRC32C on heads and data; from the end of the login */
	bool takes_digests;
	bool immediate, r2t_first; /* what was agreed: ImmediateData, InitialR2T */
	uint32_t first_burst, send_max;
	uint32_t cmdsn, max_cmdsn, exp_statsn;
	uint32_t *got; /* by slot: bytes of a read */
	/* commands for which the window had no room yet; a ring by slot number */
	uint32_t *parked;
	uint32_t parked_from, n_parked;
	struct load_iscsi_sum *sums;
};

static inline uint32_t load_iscsi_padded(uint32_t bytes)
{
	return (bytes + 3) & ~3u;
}

int load_iscsi_refuse(const char *why);

/* Log in to c->plan->export_name ("NAME/LUN", the LUN 0 if it is left out), wake the unit,
 * ask its size.  Blocks.  0, or -1 having said why. */
int load_iscsi_login(struct load_iscsi *s, struct load_conn *c);

#endif
