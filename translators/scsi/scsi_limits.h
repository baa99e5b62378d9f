/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_limits.h - what one command may ask for: told by VPD page B0h (SBC-3
 * 6.6.4), held by the handlers.  Pure.
 */
#ifndef TRANSLATORS_SCSI_SCSI_LIMITS_H
#define TRANSLATORS_SCSI_SCSI_LIMITS_H

#include <stdint.h>

#include "gateway/api/volume.h"

#define SCSI_UNMAP_DESCRIPTORS_MAX 256u
/* More than a page would make file systems choose larger sectors than they can use. */
#define SCSI_PHYSICAL_MAX_BYTES 4096u

struct scsi_limits {
	uint32_t caw_blocks; /* COMPARE AND WRITE; at most 255 */
	uint32_t same_blocks; /* WRITE SAME */
	uint32_t unmap_blocks; /* all descriptors of an UNMAP together */
	uint16_t unit_blocks; /* transfers are best whole multiples of it */
	uint32_t optimal_blocks; /* a good transfer; 0: none is better than another */
	uint32_t granularity_blocks; /* UNMAP: less may stay mapped; 0: unknown */
};

struct scsi_limits scsi_limits_of(const struct gw_facts *facts);

#endif
