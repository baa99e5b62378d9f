/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata.h - the ATA command set of a disk: the task file as it came, what to ask of
 * the gateway, the registers of the answer.
 *
 * Pure, like all of this folder: no socket, no buffer, no clock.  Above:
 * protocols/aoe.  Below: gateway/api.  What decides is ACS-3 (T13/2161-D), whose
 * clause 7 has a heading for each command in order of the alphabet, so rows name
 * commands and no numbers; and AoEr11 3.1 for how a frame carries a task file.
 *
 * A sector has 512 bytes here, whatever the volume's logical block: offsets and
 * lengths for the gateway are bytes, and the core takes parts of a block
 * (core/fallback.c reads, modifies and writes the store's blocks under a fence).
 */
#ifndef TRANSLATORS_ATA_ATA_H
#define TRANSLATORS_ATA_ATA_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/api/store.h"

#define ATA_SECTOR_BYTES 512u

/* How many sectors can be counted, and so addressed: IDENTIFY DEVICE, words 60-61
 * and 100-103. */
#define ATA_LBA28_SECTORS 0x0fffffffu
#define ATA_LBA48_SECTORS 0xffffffffffffull

/* READ MULTIPLE and its like: sectors per DRQ block.  A frame has no such blocks,
 * so there is one setting and it cannot be changed. */
#define ATA_MULTIPLE_SECTORS 16u

enum ata_command {
#define CMD(name, opcode, words, lba, data, rsv, op, flags, run) ATA_##name = opcode,
#include "translators/ata/ata_cmds.tbl"
#undef CMD
};

/* Features register: DATA SET MANAGEMENT, SET FEATURES, SMART */
enum ata_feature {
	ATA_DSM_TRIM = 0x01,
	ATA_SET_WRITE_CACHE = 0x02,
	ATA_SET_NO_WRITE_CACHE = 0x82,
	ATA_SMART_READ_DATA = 0xd0,
	ATA_SMART_READ_THRESHOLDS = 0xd1, /* ATA-3; smartctl asks for it */
	ATA_SMART_ENABLE = 0xd8,
	ATA_SMART_DISABLE = 0xd9,
	ATA_SMART_RETURN_STATUS = 0xda
};

/* A command as it came.  Of AFlags two bits are not here: D (which of two devices
 * on a cable: AoE addresses one) and A (the write may be answered early: whether
 * it is, is the administrator's to say, see ata_terms). */
struct ata_cmd {
	uint8_t command, feature, sectors;
	bool extended; /* AFlags E */
	bool write; /* AFlags W */
	/* lba0 (bits 7:0) to lba5 (bits 47:40).  Of a 28 bit command bits 27:24 are the
	 * low half of lba3; without E its high half has bits of the device register. */
	uint64_t lba;
	const uint8_t *payload; /* the caller's; only DATA SET MANAGEMENT looks into it */
	uint32_t payload_bytes; /* what follows the argument in the frame, padding included */
	uint32_t room_bytes; /* how much data a reply may carry */
};

/* The answer, for Err, Sector Count, Cmd/Status and lba0..lba5. */
struct ata_regs {
	uint8_t status, error, sectors;
	uint64_t lba; /* 48 bits */
};

/* Pages that we make ourselves (ata_page.h). */
#define ATA_PAGE_BYTES 512u

enum ata_page { ATA_PAGE_IDENTIFY, ATA_PAGE_SMART_DATA, ATA_PAGE_SMART_THRESHOLDS, ATA_PAGE_COUNT };

enum ata_act {
	ATA_ANSWER, /* regs are the answer, good or bad */
	ATA_PAGE, /* regs, and the bytes of page (ata_page_build()) */
	ATA_REQUEST, /* one request; then ata_end() */
	ATA_TRIM, /* one request for each ata_trim_next(); then ata_end() */
	ATA_ARGUMENT /* no ATA command: AoE error 2, "bad argument parameter" */
};

struct ata_plan {
	enum ata_act act;
	struct ata_regs regs; /* ANSWER, PAGE: as they go out.  Others: where it ends well */
	uint32_t reply_bytes; /* data of the reply where it ends well; none with an error */
	enum ata_page page;
	/* REQUEST and TRIM: */
	enum gw_op op;
	uint32_t flags; /* enum gw_io_flag; GW_IN_ORDER is the caller's to add */
	/* REQUEST, bytes; both 0: FLUSH.  A READ without reply_bytes is READ VERIFY: the
	 * bytes are read, in pieces where that suits, and thrown away. */
	uint64_t offset, length;
};

#endif
