/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_lbas.h - extents of bytes as the LBA status descriptors of GET LBA STATUS
 * (SBC-3 5.4.2).  A sink in a page of memory: it touches nothing but that page.
 *
 *   page ─▶ struct scsi_lbas │ header (8) │ descriptor (16) │ descriptor ...
 */
#ifndef TRANSLATORS_SCSI_SCSI_LBAS_H
#define TRANSLATORS_SCSI_SCSI_LBAS_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/api/store.h"

struct scsi_lbas {
	struct gw_extents extents;
	uint8_t *out; /* the parameter data */
	uint32_t n, max; /* descriptors */
	uint32_t block_bytes;
	uint64_t lba; /* of the run that grows */
	uint64_t run_blocks;
	bool run_hole;
	uint64_t at; /* bytes that were told */
	uint64_t decided; /* bytes that are in runs, whole blocks */
};

/* lbas stands at the head of `bytes` of memory, which it uses to the end, or as
 * far as allocation_bytes asks; one descriptor at least. */
void scsi_lbas_begin(struct scsi_lbas *lbas, uint32_t bytes, uint32_t block_bytes, uint64_t lba,
		     uint32_t allocation_bytes);
/* No extent follows.  Returns the length of the parameter data. */
uint32_t scsi_lbas_end(struct scsi_lbas *lbas);

#endif
