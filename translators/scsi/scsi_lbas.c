/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_lbas.c - see scsi_lbas.h.
 */
#include "config.h"

#include "translators/scsi/scsi_lbas.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/num.h"

#define HEAD_BYTES 8u
#define DESCRIPTOR_BYTES 16u

enum { MAPPED = 0, DEALLOCATED = 1 }; /* provisioning status */

static bool put_run(struct scsi_lbas *lbas)
{
	uint8_t *wire = lbas->out + HEAD_BYTES + (size_t)DESCRIPTOR_BYTES * lbas->n;

	if (!lbas->run_blocks)
		return true;
	if (lbas->n == lbas->max)
		return false;
	memset(wire, 0, DESCRIPTOR_BYTES);
	be64_put(wire, lbas->lba);
	be32_put(wire + 8, (uint32_t)lbas->run_blocks);
	wire[12] = lbas->run_hole ? DEALLOCATED : MAPPED;
	lbas->n++;
	lbas->lba += lbas->run_blocks;
	lbas->run_blocks = 0;
	return lbas->n < lbas->max;
}

/* All blocks before `until` bytes are of this kind. */
static bool decide(struct scsi_lbas *lbas, bool hole, uint64_t until)
{
	if (until <= lbas->decided)
		return true;
	if (lbas->run_hole != hole && !put_run(lbas))
		return false;
	lbas->run_hole = hole;
	lbas->run_blocks += (until - lbas->decided) / lbas->block_bytes;
	lbas->decided = until;
	return true;
}

/* A block that is not a hole in whole is mapped. */
static bool add(struct gw_extents *sink, uint64_t length, uint32_t flags)
{
	struct scsi_lbas *lbas = (struct scsi_lbas *)sink;
	uint64_t from = lbas->at, block = lbas->block_bytes;

	lbas->at += length;
	if (!(flags & GW_EXTENT_HOLE))
		return decide(lbas, false, num_up(lbas->at, block));
	return decide(lbas, false, num_up(from, block)) &&
	       decide(lbas, true, num_down(lbas->at, block));
}

void scsi_lbas_begin(struct scsi_lbas *lbas, uint32_t bytes, uint32_t block_bytes, uint64_t lba,
		     uint32_t allocation_bytes)
{
	uint32_t room = (bytes - (uint32_t)sizeof(*lbas) - HEAD_BYTES) / DESCRIPTOR_BYTES;
	uint32_t asked = allocation_bytes < HEAD_BYTES + DESCRIPTOR_BYTES
				 ? 1
				 : (allocation_bytes - HEAD_BYTES) / DESCRIPTOR_BYTES;

	*lbas = (struct scsi_lbas){
		.extents.add = add,
		.out = (uint8_t *)(lbas + 1),
		.max = asked < room ? asked : room,
		.block_bytes = block_bytes,
		.lba = lba,
	};
}

uint32_t scsi_lbas_end(struct scsi_lbas *lbas)
{
	put_run(lbas);
	memset(lbas->out, 0, HEAD_BYTES);
	be32_put(lbas->out, HEAD_BYTES - 4 + DESCRIPTOR_BYTES * lbas->n);
	return HEAD_BYTES + DESCRIPTOR_BYTES * lbas->n;
}
