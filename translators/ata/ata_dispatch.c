/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_dispatch.c - the fixed order of checks before a handler runs, and the one
 * place that knows the bits of the Status and Error fields.
 *
 *   row ─▶ direction (W) ─▶ length ─▶ write protection ─▶ handler
 */
#include "config.h"

#include "translators/ata/ata_dispatch.h"

#include "gateway/base/table.h"
#include "translators/ata/ata_handlers.h"

/* ACS-3 clause 6, "Status field", "Error field" */
enum ata_bit {
	ATA_STATUS_ERR = 0x01,
	ATA_STATUS_DF = 0x20,
	ATA_STATUS_DRDY = 0x40,
	ATA_ERROR_ABRT = 0x04,
	ATA_ERROR_IDNF = 0x10,
	ATA_ERROR_UNC = 0x40
};

enum ata_outcome { GOOD, ABORTED, NOT_FOUND, UNREADABLE, FAULT };

static const struct {
	uint8_t status, error;
} outcomes[] = {
	[GOOD] = { ATA_STATUS_DRDY, 0 },
	[ABORTED] = { ATA_STATUS_DRDY | ATA_STATUS_ERR, ATA_ERROR_ABRT },
	[NOT_FOUND] = { ATA_STATUS_DRDY | ATA_STATUS_ERR, ATA_ERROR_IDNF },
	[UNREADABLE] = { ATA_STATUS_DRDY | ATA_STATUS_ERR, ATA_ERROR_UNC },
	[FAULT] = { ATA_STATUS_DRDY | ATA_STATUS_DF | ATA_STATUS_ERR, ATA_ERROR_ABRT },
};

static const uint8_t status_outcomes[GW_STATUS_COUNT] = {
#define STATUS(status, outcome) [status] = outcome,
#include "translators/ata/ata_status.tbl"
#undef STATUS
};

static const struct ata_row rows[] = {
#define CMD(name, opcode, words_, lba_, data_, rsv_, op_, flags_, run_) \
	[opcode] = { .words = words_,                                   \
		     .run = run_,                                       \
		     .lba = ATA_LBA_##lba_,                             \
		     .data = ATA_DATA_##data_,                          \
		     .rsv = GW_RSV_##rsv_,                              \
		     .op = op_,                                         \
		     .flags = flags_ },
#include "translators/ata/ata_cmds.tbl"
#undef CMD
};

static const struct ata_row *row_of(uint8_t command)
{
	return command < TABLE_LEN(rows) && rows[command].words ? &rows[command] : NULL;
}

const char *ata_dispatch_name(uint8_t command)
{
	const struct ata_row *row = row_of(command);

	return row ? row->words : "?";
}

enum gw_rsv_class ata_dispatch_class(uint8_t command)
{
	const struct ata_row *row = row_of(command);

	return row ? (enum gw_rsv_class)row->rsv : GW_RSV_FREE;
}

static enum gw_status check_length(const struct ata_ask *ask)
{
	uint64_t bytes = (uint64_t)ata_row_sectors(ask->row, ask->cmd) * ATA_SECTOR_BYTES;

	if (ask->row->data == ATA_DATA_IN && bytes > ask->cmd->room_bytes)
		return GW_INVALID;
	if (ask->row->data == ATA_DATA_OUT && bytes > ask->cmd->payload_bytes)
		return GW_INVALID;
	return GW_OK;
}

static enum gw_status check(const struct ata_ask *ask, struct ata_plan *plan)
{
	const struct ata_row *row = ask->row;
	enum gw_status status;

	if (!row || !row->run)
		return GW_UNSUPPORTED;
	if (ask->cmd->write != (row->data == ATA_DATA_OUT))
		return GW_INVALID;
	status = check_length(ask);
	if (status)
		return status;
	if (row->data == ATA_DATA_OUT && ask->terms->read_only)
		return GW_READ_ONLY;
	return row->run(ask, plan);
}

/* A sector, as the registers of this command can say it: of a 28 bit one the high
 * half of lba3 belongs to the device register and goes back as it came. */
static uint64_t lba_of(const struct ata_row *row, const struct ata_cmd *cmd, uint64_t sector)
{
	if (!row || row->lba == ATA_LBA_48)
		return sector;
	return (sector & 0x0fffffff) | (cmd->lba & 0xf0000000);
}

static struct ata_regs regs_of(enum gw_status status, bool reads, uint64_t lba)
{
	uint8_t outcome = status < GW_STATUS_COUNT ? status_outcomes[status] : FAULT;

	if (outcome == UNREADABLE && !reads)
		outcome = FAULT;
	return (struct ata_regs){ .status = outcomes[outcome].status,
				  .error = outcomes[outcome].error,
				  .lba = lba };
}

enum ata_act ata_dispatch(const struct ata_terms *terms, const struct ata_cmd *cmd,
			  struct ata_plan *plan)
{
	struct ata_ask ask = { terms, cmd, row_of(cmd->command) };
	enum gw_status status;
	uint64_t lba;

	*plan = (struct ata_plan){ .regs = regs_of(GW_OK, false, cmd->lba), .op = GW_OP_COUNT };
	status = check(&ask, plan);
	if (status == GW_OK)
		return plan->act;
	lba = status == GW_OUT_OF_RANGE ? lba_of(ask.row, cmd, plan->regs.lba) : cmd->lba;
	*plan = (struct ata_plan){ .regs = regs_of(status, false, lba), .op = GW_OP_COUNT };
	plan->act = status == GW_INVALID ? ATA_ARGUMENT : ATA_ANSWER;
	return plan->act;
}

struct ata_regs ata_end(const struct ata_cmd *cmd, const struct ata_plan *plan,
			enum gw_status status, uint64_t bytes_done)
{
	uint64_t lba = cmd->lba;

	if (status == GW_OK)
		return plan->regs;
	if (plan->length)
		lba = lba_of(row_of(cmd->command), cmd,
			     (plan->offset + bytes_done) / ATA_SECTOR_BYTES);
	return regs_of(status, plan->op == GW_READ, lba);
}
