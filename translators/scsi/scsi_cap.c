/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_cap.c - READ CAPACITY, TEST UNIT READY, and the commands that are one
 * request or none: SYNCHRONIZE CACHE, PRE-FETCH, START STOP UNIT.
 *
 * Above: the dispatcher.  Below: scsi_io.c and scsi_reply.c.
 */
#include "config.h"

#include "gateway/base/bytes.h"
#include "gateway/base/num.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_handlers.h"
#include "translators/scsi/scsi_io.h"
#include "translators/scsi/scsi_limits.h"
#include "translators/scsi/scsi_reply.h"

/* SPC-4 6.47: the dispatcher has found that it is ready. */
void scsi_do_test(struct scsi_task *task)
{
	scsi_end(task, SCSI_GOOD);
}

static uint64_t last_lba(const struct gw_facts *facts)
{
	return facts->size_bytes / facts->block_bytes - 1;
}

/* SBC-3 5.15.2: FFFFFFFFh where the number is longer. */
static void build_capacity_10(struct scsi_task *task, struct scsi_data *out)
{
	const struct gw_facts *facts = scsi_unit_facts(task->unit);

	scsi_data_put_u32(out, (uint32_t)num_min(last_lba(facts), UINT32_MAX));
	scsi_data_put_u32(out, facts->block_bytes);
}

void scsi_do_capacity_10(struct scsi_task *task)
{
	scsi_reply(task, 8, build_capacity_10);
}

/* How many logical blocks make a physical one, as an exponent. */
static uint8_t physical_exponent(const struct gw_facts *facts)
{
	return (uint8_t)__builtin_ctz(scsi_limits_of(facts).unit_blocks);
}

/* SBC-3 5.16.2 */
static void build_capacity_16(struct scsi_task *task, struct scsi_data *out)
{
	enum { LBPME = 0x80, LBPRZ = 0x40 };
	const struct gw_facts *facts = scsi_unit_facts(task->unit);

	scsi_data_put_u64(out, last_lba(facts));
	scsi_data_put_u32(out, facts->block_bytes);
	scsi_data_put_u8(out, 0); /* no protection information */
	scsi_data_put_u8(out, physical_exponent(facts));
	scsi_data_put_u8(out, facts->caps & GW_CAP_UNMAP ? LBPME | LBPRZ : 0);
	scsi_data_put_zero(out, 17);
}

void scsi_do_capacity_16(struct scsi_task *task)
{
	scsi_reply(task, be32_get(task->cdb + 10), build_capacity_16);
}

/* SBC-3 5.26, 5.27.  The whole cache is written whatever the range is.  IMMED is
 * taken and waited for nonetheless: an error must be told by somebody. */
void scsi_do_sync(struct scsi_task *task)
{
	scsi_io_only(task, GW_FLUSH, 0, 0, 0);
}

/* SBC-3 5.8, 5.9.  A length of zero: to the end.  GOOD rather than CONDITION MET,
 * since nobody promises that the blocks stay in a cache. */
void scsi_do_prefetch(struct scsi_task *task)
{
	const struct gw_facts *facts = scsi_unit_facts(task->unit);
	uint64_t bytes = task->blocks * facts->block_bytes;

	scsi_io_only(task, GW_PREFETCH, 0, task->offset,
		     bytes ? bytes : facts->size_bytes - task->offset);
}

/* SBC-3 5.25.  Nothing turns here, and other initiators use the same disk: a stop
 * writes the cache and leaves the unit ready. */
void scsi_do_start_stop(struct scsi_task *task)
{
	enum { START = 0x01, NO_FLUSH = 0x04 };

	if (task->cdb[4] & (START | NO_FLUSH))
		scsi_end(task, SCSI_GOOD);
	else
		scsi_io_only(task, GW_FLUSH, 0, 0, 0);
}
