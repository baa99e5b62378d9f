/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_control.c - commands about the disk itself.  Settings would be shared by all
 * who talk to the volume, over connections that do not exist: so a setting that
 * is so already is accepted, any other refused, and nothing is remembered.
 */
#include "config.h"

#include "translators/ata/ata_handlers.h"

enum gw_status ata_do_nothing(const struct ata_ask *ask, struct ata_plan *plan)
{
	(void)ask;
	(void)plan;
	return GW_OK;
}

enum gw_status ata_do_check_power(const struct ata_ask *ask, struct ata_plan *plan)
{
	enum { ACTIVE_OR_IDLE = 0xff };

	(void)ask;
	plan->regs.sectors = ACTIVE_OR_IDLE;
	return GW_OK;
}

/* The write cache is the administrator's (and the store's); it is told truly. */
enum gw_status ata_do_set_features(const struct ata_ask *ask, struct ata_plan *plan)
{
	(void)plan;
	switch (ask->cmd->feature) {
	case ATA_SET_WRITE_CACHE:
		return ask->terms->write_cache ? GW_OK : GW_UNSUPPORTED;
	case ATA_SET_NO_WRITE_CACHE:
		return ask->terms->write_cache ? GW_UNSUPPORTED : GW_OK;
	default:
		return GW_UNSUPPORTED;
	}
}

enum gw_status ata_do_set_multiple(const struct ata_ask *ask, struct ata_plan *plan)
{
	(void)plan;
	return ask->cmd->sectors == ATA_MULTIPLE_SECTORS ? GW_OK : GW_UNSUPPORTED;
}

/* Every device has this one: "device 0 passed", and the signature of a disk. */
enum gw_status ata_do_diagnostic(const struct ata_ask *ask, struct ata_plan *plan)
{
	enum { PASSED = 0x01 };

	(void)ask;
	plan->regs.error = PASSED;
	plan->regs.sectors = 1;
	plan->regs.lba = 1;
	return GW_OK;
}

/* There is no host protected area: all that is there is what IDENTIFY DEVICE tells. */
enum gw_status ata_do_native_max(const struct ata_ask *ask, struct ata_plan *plan)
{
	uint64_t limit = ata_row_limit(ask->row, ask->terms);

	if (!limit)
		return GW_UNSUPPORTED;
	plan->regs.lba = limit - 1;
	if (ask->row->lba == ATA_LBA_28)
		plan->regs.lba |= ask->cmd->lba & 0xf0000000;
	return GW_OK;
}
