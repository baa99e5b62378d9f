/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_rig.h - a disk and a way to give it one command, for the tests of
 * translators/ata.
 */
#ifndef TESTS_UNIT_TRANSLATORS_ATA_ATA_RIG_H
#define TESTS_UNIT_TRANSLATORS_ATA_ATA_RIG_H

#include "tests/harness/harness.h"
#include "translators/ata/ata_dispatch.h"

/* the bits, spelled out a second time */
enum {
	RIG_GOOD = 0x40,
	RIG_BAD = 0x41,
	RIG_FAULT = 0x61,
	RIG_ABRT = 0x04,
	RIG_IDNF = 0x10,
	RIG_UNC = 0x40
};

#define RIG_SECTORS (1ull << 21) /* 1 GiB */

static const struct ata_terms rig_disk = {
	.sectors = RIG_SECTORS,
	.block_bytes = 512,
	.write_through = true,
	.trim = true,
	.naa = 0x3123456789abcdefull,
	.serial = "0123456789abcdef0123456789abcdef",
	.firmware = "1.2.3",
	.model = "SLUICE VOLUME",
};

static inline struct ata_regs rig_answer(const struct ata_terms *terms, const struct ata_cmd *cmd)
{
	struct ata_plan plan;

	assert_int_equal(ata_dispatch(terms, cmd, &plan), ATA_ANSWER);
	assert_int_equal(plan.reply_bytes, 0);
	assert_int_equal(plan.op, GW_OP_COUNT);
	return plan.regs;
}

static inline void rig_aborted(const struct ata_terms *terms, const struct ata_cmd *cmd)
{
	struct ata_regs regs = rig_answer(terms, cmd);

	assert_int_equal(regs.status, RIG_BAD);
	assert_int_equal(regs.error, RIG_ABRT);
	assert_int_equal(regs.lba, cmd->lba);
}

static inline void rig_good(const struct ata_terms *terms, const struct ata_cmd *cmd)
{
	struct ata_regs regs = rig_answer(terms, cmd);

	assert_int_equal(regs.status, RIG_GOOD);
	assert_int_equal(regs.error, 0);
}

#endif
