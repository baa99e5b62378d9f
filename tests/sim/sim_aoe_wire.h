/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_aoe_wire.h - the numbers of AoE and ATA as the simulated client knows them,
 * written from AoEr11 and ACS-3 anew: nothing is shared with protocols/aoe or
 * translators/ata, or a mistake there would be no mistake here.
 */
#ifndef TESTS_SIM_SIM_AOE_WIRE_H
#define TESTS_SIM_SIM_AOE_WIRE_H

#include <stdint.h>

enum sim_aoe_place {
	SIM_AT_DST = 0,
	SIM_AT_SRC = 6,
	SIM_AT_TYPE = 12,
	SIM_AT_VERSION = 14,
	SIM_AT_ERROR = 15,
	SIM_AT_SHELF = 16,
	SIM_AT_SLOT = 18,
	SIM_AT_COMMAND = 19,
	SIM_AT_TAG = 20,
	SIM_AT_ARG = 24,
	SIM_AT_DATA = 36 /* of an ATA command */
};

#define SIM_AOE_TYPE 0x88a2u
#define SIM_AOE_ALL_SHELVES 0xffffu
#define SIM_AOE_ALL_SLOTS 0xffu
#define SIM_AOE_SHORTEST 60u /* frames are padded up to here */
#define SIM_AOE_LONGEST (SIM_AT_DATA + 255u * 512u)

enum sim_aoe_flag { SIM_AOE_REQUEST = 0x10, SIM_AOE_IS_REPLY = 0x08, SIM_AOE_IS_ERROR = 0x04 };
enum sim_aoe_code { SIM_AOE_ATA, SIM_AOE_QUERY, SIM_AOE_MASK, SIM_AOE_RESERVE };
enum sim_aoe_error {
	SIM_AOE_NO_ERROR,
	SIM_AOE_BAD_COMMAND,
	SIM_AOE_BAD_ARGUMENT,
	SIM_AOE_UNAVAILABLE,
	SIM_AOE_STRING_PRESENT,
	SIM_AOE_BAD_VERSION,
	SIM_AOE_RESERVED
};

enum sim_ata_flag {
	SIM_ATA_LONG = 0x40, /* 48 bits of address */
	SIM_ATA_ASYNC = 0x02,
	SIM_ATA_TO_DISK = 0x01
};
enum sim_ata_status { SIM_ATA_READY = 0x40, SIM_ATA_FAULT = 0x20, SIM_ATA_FAILED = 0x01 };

enum sim_ata_op {
	SIM_ATA_TRIM = 0x06,
	SIM_ATA_READ = 0x20,
	SIM_ATA_READ_EXT = 0x24,
	SIM_ATA_READ_DMA_EXT = 0x25,
	SIM_ATA_WRITE = 0x30,
	SIM_ATA_WRITE_EXT = 0x34,
	SIM_ATA_WRITE_DMA_EXT = 0x35,
	SIM_ATA_WRITE_DMA_FUA = 0x3d,
	SIM_ATA_VERIFY = 0x40,
	SIM_ATA_VERIFY_EXT = 0x42,
	SIM_ATA_READ_MULTIPLE = 0xc4,
	SIM_ATA_WRITE_MULTIPLE = 0xc5,
	SIM_ATA_READ_DMA = 0xc8,
	SIM_ATA_WRITE_DMA = 0xca,
	SIM_ATA_WRITE_MULTIPLE_FUA = 0xce,
	SIM_ATA_FLUSH = 0xe7,
	SIM_ATA_FLUSH_EXT = 0xea,
	SIM_ATA_IDENTIFY = 0xec
};

enum sim_query { SIM_QUERY_READ = 0, SIM_QUERY_FORCE = 4 };
enum sim_list { SIM_LIST_READ = 0, SIM_LIST_SET = 1, SIM_LIST_FORCE = 2 };
enum sim_directive { SIM_DIRECTIVE_ADD = 1, SIM_DIRECTIVE_DELETE = 2 };

#endif
