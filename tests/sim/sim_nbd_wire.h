/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd_wire.h - the numbers of the NBD protocol, for the simulated client.
 *
 * Written from doc/proto.md of the NBD project and its extended headers branch;
 * on purpose shares nothing with the daemon's own codec, so that one mistake
 * cannot hide in both.  Wire order is shifted here by hand for the same reason.
 */
#ifndef TESTS_SIM_SIM_NBD_WIRE_H
#define TESTS_SIM_SIM_NBD_WIRE_H

#include <stdint.h>

#define WIRE_NBDMAGIC 0x4e42444d41474943ull
#define WIRE_IHAVEOPT 0x49484156454f5054ull
#define WIRE_OPT_REPLY 0x0003e889045565a9ull
#define WIRE_REQUEST 0x25609513u
#define WIRE_REQUEST_EXT 0x21e41c71u
#define WIRE_SIMPLE 0x67446698u
#define WIRE_CHUNK 0x668e33efu
#define WIRE_CHUNK_EXT 0x6e8a278cu

enum wire_option {
	WIRE_OPT_EXPORT_NAME = 1,
	WIRE_OPT_ABORT = 2,
	WIRE_OPT_LIST = 3,
	WIRE_OPT_INFO = 6,
	WIRE_OPT_GO = 7,
	WIRE_OPT_STRUCTURED = 8,
	WIRE_OPT_SET_META = 10,
	WIRE_OPT_EXTENDED = 11,
	WIRE_OPT_NONSENSE = 0x7734
};

enum wire_reply { WIRE_REP_ACK = 1, WIRE_REP_SERVER = 2, WIRE_REP_INFO = 3, WIRE_REP_META = 4 };
#define WIRE_REP_ERROR 0x80000000u

enum wire_info { WIRE_INFO_EXPORT = 0, WIRE_INFO_BLOCK_SIZE = 3 };

enum wire_cmd {
	WIRE_READ = 0,
	WIRE_WRITE = 1,
	WIRE_DISC = 2,
	WIRE_FLUSH = 3,
	WIRE_TRIM = 4,
	WIRE_CACHE = 5,
	WIRE_ZEROES = 6,
	WIRE_STATUS = 7
};

enum wire_cmd_flag {
	WIRE_FUA = 1,
	WIRE_NO_HOLE = 2,
	WIRE_DF = 4,
	WIRE_REQ_ONE = 8,
	WIRE_FAST_ZERO = 16,
	WIRE_PAYLOAD = 32
};

/* What an export offers (transmission flags). */
enum wire_offer {
	WIRE_HAS_FLAGS = 1,
	WIRE_SEND_FLUSH = 4,
	WIRE_SEND_FUA = 8,
	WIRE_SEND_TRIM = 32,
	WIRE_SEND_ZEROES = 64,
	WIRE_SEND_DF = 128,
	WIRE_SEND_CACHE = 1024,
	WIRE_SEND_FAST_ZERO = 2048,
	WIRE_STATUS_PAYLOAD = 4096
};

enum wire_chunk {
	WIRE_NONE = 0,
	WIRE_DATA = 1,
	WIRE_HOLE = 2,
	WIRE_BLOCKS = 5,
	WIRE_BLOCKS_EXT = 6,
	WIRE_ERROR = 0x8001,
	WIRE_ERROR_OFFSET = 0x8002
};
#define WIRE_DONE 1u

static inline void wire_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void wire_put32(uint8_t *p, uint32_t v)
{
	wire_put16(p, (uint16_t)(v >> 16));
	wire_put16(p + 2, (uint16_t)v);
}

static inline void wire_put64(uint8_t *p, uint64_t v)
{
	wire_put32(p, (uint32_t)(v >> 32));
	wire_put32(p + 4, (uint32_t)v);
}

static inline uint16_t wire_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t wire_get32(const uint8_t *p)
{
	return (uint32_t)wire_get16(p) << 16 | wire_get16(p + 2);
}

static inline uint64_t wire_get64(const uint8_t *p)
{
	return (uint64_t)wire_get32(p) << 32 | wire_get32(p + 4);
}

#endif
