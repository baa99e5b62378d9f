/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ata_dispatch.h - a command in, a plan out; an outcome in, registers out.
 *
 *   frame ─▶ ata_cmd ─ata_dispatch()─▶ ANSWER, PAGE ─────────────────────▶ registers
 *                           │                                                ▲
 *                           └─▶ REQUEST, TRIM ─▶ gateway ─gw_status─▶ ata_end()
 */
#ifndef TRANSLATORS_ATA_ATA_DISPATCH_H
#define TRANSLATORS_ATA_ATA_DISPATCH_H

#include "gateway/api/rsv.h"
#include "gateway/api/status.h"
#include "translators/ata/ata.h"
#include "translators/ata/ata_terms.h"

/* Fills the plan and returns its act.  Any bytes may stand in the command.  Writes
 * carry Sector Count sectors: what follows in a longer frame is padding, a shorter
 * one is an ARGUMENT, as is a read that does not fit the reply, or an AFlags W that
 * says another direction than the command. */
enum ata_act ata_dispatch(const struct ata_terms *terms, const struct ata_cmd *cmd,
			  struct ata_plan *plan);

/* The answer to a REQUEST or TRIM.  bytes_done: of a REQUEST that failed, the bytes
 * before the first that could not be read or written; the answer names its sector. */
struct ata_regs ata_end(const struct ata_cmd *cmd, const struct ata_plan *plan,
			enum gw_status status, uint64_t bytes_done);

/* What the command does to the medium, for those who reserve.  Free: what has no row. */
enum gw_rsv_class ata_dispatch_class(uint8_t command);
/* "READ DMA EXT", or "?". */
const char *ata_dispatch_name(uint8_t command);

#endif
