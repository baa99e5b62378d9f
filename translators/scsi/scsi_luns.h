/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_luns.h - logical unit numbers as 8 bytes (SAM-5 4.7).  Pure; the handler of
 * REPORT LUNS is beside it.
 */
#ifndef TRANSLATORS_SCSI_SCSI_LUNS_H
#define TRANSLATORS_SCSI_SCSI_LUNS_H

#include <stdbool.h>
#include <stdint.h>

/* False: a form that we do not give out (SAM-5 4.7.7.2 peripheral with bus 0, and
 * 4.7.7.3 flat space, single level). */
bool scsi_luns_parse(const uint8_t lun[8], uint16_t *number);
/* Peripheral addressing below 256, flat space above. */
void scsi_luns_put(uint16_t number, uint8_t lun[8]);

#endif
