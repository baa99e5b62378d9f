/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi_wire.h - iSCSI's and SCSI's numbers as the simulated initiator knows
 * them, put down from RFC 7143, SPC-4 and SBC-3 a second time on purpose: an error
 * in the daemon's own tables must not be repeated here.
 */
#ifndef TESTS_SIM_SIM_ISCSI_WIRE_H
#define TESTS_SIM_SIM_ISCSI_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_BHS 48u
#define SIM_NO_TAG 0xffffffffu

enum sim_iscsi_op {
	SIM_NOP_OUT = 0x00,
	SIM_COMMAND = 0x01,
	SIM_TMF = 0x02,
	SIM_LOGIN = 0x03,
	SIM_TEXT = 0x04,
	SIM_DATA_OUT = 0x05,
	SIM_LOGOUT = 0x06,
	SIM_NOP_IN = 0x20,
	SIM_RESPONSE = 0x21,
	SIM_TMF_RESPONSE = 0x22,
	SIM_LOGIN_RESPONSE = 0x23,
	SIM_DATA_IN = 0x25,
	SIM_LOGOUT_RESPONSE = 0x26,
	SIM_R2T = 0x31,
	SIM_ASYNC = 0x32,
	SIM_REJECT = 0x3f
};

enum sim_iscsi_flag { SIM_IMMEDIATE = 0x40, SIM_FINAL = 0x80, SIM_READ = 0x40, SIM_WRITE = 0x20 };
/* of the last Data-In, or of a response: status within, residual overflow, underflow */
enum sim_iscsi_status_flag { SIM_WITH_STATUS = 0x01, SIM_UNDERFLOW = 0x02, SIM_OVERFLOW = 0x04 };
enum sim_iscsi_tmf_kind { SIM_ABORT_TASK = 1, SIM_LUN_RESET = 5 };

enum sim_scsi_op {
	SCSI_UNMAP = 0x42,
	SCSI_READ10 = 0x28,
	SCSI_WRITE10 = 0x2a,
	SCSI_SYNC10 = 0x35,
	SCSI_SAME10 = 0x41,
	SCSI_READ16 = 0x88,
	SCSI_CAW = 0x89,
	SCSI_WRITE16 = 0x8a,
	SCSI_SYNC16 = 0x91,
	SCSI_SAME16 = 0x93,
	SCSI_TEST = 0x00
};

enum sim_scsi_status { SCSI_OK = 0x00, SCSI_CHECK = 0x02, SCSI_BUSY = 0x08, SCSI_FULL = 0x28 };
enum sim_scsi_key { KEY_NOT_READY = 2, KEY_ATTENTION = 6, KEY_ABORTED = 0xb, KEY_MISCOMPARE = 0xe };

static inline void sim_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void sim_put24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	sim_put16(p + 1, v);
}

static inline void sim_put32(uint8_t *p, uint32_t v)
{
	sim_put16(p, v >> 16);
	sim_put16(p + 2, v);
}

static inline void sim_put64(uint8_t *p, uint64_t v)
{
	sim_put32(p, (uint32_t)(v >> 32));
	sim_put32(p + 4, (uint32_t)v);
}

static inline uint32_t sim_get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t sim_get24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | sim_get16(p + 1);
}

static inline uint32_t sim_get32(const uint8_t *p)
{
	return sim_get16(p) << 16 | sim_get16(p + 2);
}

static inline uint32_t sim_pad(uint32_t bytes)
{
	return (4 - bytes % 4) % 4;
}

/* a before b, in the arithmetic of serial numbers (RFC 1982). */
static inline bool sim_sn_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* CRC32C, four bits at a time; on the wire its lowest byte comes first. */
static inline uint32_t sim_crc(const uint8_t *p, size_t n)
{
	static const uint32_t row[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	uint32_t crc = ~0u;

	while (n--) {
		crc ^= *p++;
		crc = row[crc & 15] ^ (crc >> 4);
		crc = row[crc & 15] ^ (crc >> 4);
	}
	return ~crc;
}

static inline void sim_put_crc(uint8_t *at, uint32_t crc)
{
	at[0] = (uint8_t)crc;
	at[1] = (uint8_t)(crc >> 8);
	at[2] = (uint8_t)(crc >> 16);
	at[3] = (uint8_t)(crc >> 24);
}

static inline uint32_t sim_get_crc(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

#endif
