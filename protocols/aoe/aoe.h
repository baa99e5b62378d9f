/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe.h - the numbers of AoE (AoEr11, Hopkins and Coile, February 2009), and where
 * the fields stand in a frame.
 *
 * Numbers alone, and the one type that everything here shares: an Ethernet
 * address.  What AoEr11 prints as a table comes from a .tbl of this folder.  All
 * numbers of more than a byte have their high byte first, but for the LBA of an
 * ATA command, whose low byte comes first.  Above: everything in this folder.
 */
#ifndef PROTOCOLS_AOE_AOE_H
#define PROTOCOLS_AOE_AOE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define AOE_ETHERTYPE 0x88a2u
#define AOE_VERSION 1u
#define AOE_SECTOR_BYTES 512u

/* ---- 2: the header, and with it the frame --------------------------------- */

enum aoe_at {
	AOE_AT_DST = 0,
	AOE_AT_SRC = 6,
	AOE_AT_TYPE = 12,
	AOE_AT_FLAGS = 14, /* version in the high half, flags in the low one */
	AOE_AT_ERROR = 15,
	AOE_AT_SHELF = 16, /* "major" */
	AOE_AT_SLOT = 18, /* "minor" */
	AOE_AT_COMMAND = 19,
	AOE_AT_TAG = 20,
	AOE_AT_ARG = 24
};

enum aoe_flag { AOE_RESPONSE = 0x08, AOE_ERROR = 0x04 };

#define AOE_HEAD_BYTES 24u
#define AOE_FRAME_MIN 60u /* what Ethernet carries at least, without its checksum */
#define AOE_FRAME_STANDARD 1514u /* what it carries at most at an MTU of 1500 */

#define AOE_SHELF_ALL 0xffffu /* a number that means every shelf ... */
#define AOE_SLOT_ALL 0xffu /* ... or every slot */

enum aoe_command {
#define COMMAND(NAME, number, arg_bytes, words, clause) AOE_COMMAND_##NAME = (number),
#include "protocols/aoe/aoe_commands.tbl"
#undef COMMAND
	AOE_COMMAND_VENDOR = 240 /* from here to 255; none is known here */
};

enum aoe_error {
	AOE_ERROR_NONE = 0,
#define ERROR(NAME, number, words, clause) AOE_ERROR_##NAME = (number),
#include "protocols/aoe/aoe_errors.tbl"
#undef ERROR
};

/* ---- 3.1: Issue ATA Command ----------------------------------------------- */

enum aoe_ata_at {
	AOE_AT_ATA_FLAGS = AOE_AT_ARG,
	AOE_AT_ATA_FEATURE = 25, /* of a reply: the error register */
	AOE_AT_ATA_COUNT = 26,
	AOE_AT_ATA_COMMAND = 27, /* of a reply: the status register */
	AOE_AT_ATA_LBA = 28, /* six bytes, low one first */
	AOE_AT_ATA_DATA = 36
};

enum aoe_ata_flag {
	AOE_ATA_EXTENDED = 0x40, /* the command has 48 bits of LBA */
	AOE_ATA_DEVICE = 0x10, /* bit 4 of the device register; of extended commands */
	AOE_ATA_ASYNC = 0x02,
	AOE_ATA_WRITE = 0x01, /* the frame brings data */
	AOE_ATA_FLAGS = 0x53 /* all of them */
};

#define AOE_ATA_IDENTIFY 0xecu /* the ATA command that a reserve list lets pass */

/* ---- 3.2: Query Config Information ---------------------------------------- */

enum aoe_config_at {
	AOE_AT_CONFIG_BUFFERS = AOE_AT_ARG,
	AOE_AT_CONFIG_FIRMWARE = 26,
	AOE_AT_CONFIG_SECTORS = 28,
	AOE_AT_CONFIG_COMMAND = 29, /* version in the high half, CCmd in the low one */
	AOE_AT_CONFIG_LENGTH = 30,
	AOE_AT_CONFIG_STRING = 32
};

#define AOE_CONFIG_MAX 1024u /* bytes of the string */

enum aoe_config_command {
	AOE_CONFIG_READ = 0,
	AOE_CONFIG_TEST = 1,
	AOE_CONFIG_TEST_PREFIX = 2,
	AOE_CONFIG_SET = 3,
	AOE_CONFIG_FORCE = 4
};

/* ---- 3.3: MAC Mask List --------------------------------------------------- */

enum aoe_mask_at {
	AOE_AT_MASK_COMMAND = 25, /* the byte before is reserved */
	AOE_AT_MASK_ERROR = 26,
	AOE_AT_MASK_COUNT = 27,
	AOE_AT_MASK_LIST = 28
};

#define AOE_DIRECTIVE_BYTES 8u /* reserved, DCmd, six of the address */

/* The count has 8 bits, and the text asks no server to hold 255.  This is what one
 * frame of the usual MTU can tell: a list that cannot be read cannot be trusted. */
#define AOE_MASK_MAX ((AOE_FRAME_STANDARD - AOE_AT_MASK_LIST) / AOE_DIRECTIVE_BYTES)

enum aoe_mask_command { AOE_MASK_READ = 0, AOE_MASK_EDIT = 1 };
enum aoe_directive_command {
	AOE_DIRECTIVE_NONE = 0,
	AOE_DIRECTIVE_ADD = 1,
	AOE_DIRECTIVE_DELETE = 2
};
enum aoe_mask_error {
	AOE_MASK_OK = 0,
	AOE_MASK_UNSPECIFIED = 1,
	AOE_MASK_BAD_DIRECTIVE = 2,
	AOE_MASK_FULL = 3
};

/* ---- 3.4: Reserve / Release ----------------------------------------------- */

enum aoe_reserve_at {
	AOE_AT_RESERVE_COMMAND = AOE_AT_ARG,
	AOE_AT_RESERVE_COUNT = 25,
	AOE_AT_RESERVE_LIST = 26
};

#define AOE_MAC_BYTES 6u
#define AOE_RESERVE_MAX ((AOE_FRAME_STANDARD - AOE_AT_RESERVE_LIST) / AOE_MAC_BYTES) /* likewise */

enum aoe_reserve_command { AOE_RESERVE_READ = 0, AOE_RESERVE_SET = 1, AOE_RESERVE_FORCE = 2 };

/* ---- an Ethernet address -------------------------------------------------- */

struct aoe_mac {
	uint8_t at[AOE_MAC_BYTES];
};

#define AOE_MAC_BROADCAST ((struct aoe_mac){ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } })

static inline bool aoe_mac_same(const struct aoe_mac *a, const struct aoe_mac *b)
{
	return !memcmp(a->at, b->at, AOE_MAC_BYTES);
}

/* Of several stations (broadcast is one of these): nobody sends from there. */
static inline bool aoe_mac_is_group(const struct aoe_mac *mac)
{
	return mac->at[0] & 1;
}

#endif
