/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_data.h - parameter data that goes to the initiator: what does not fit the
 * allocation length is counted and not written (SPC-4 4.3.5.6).
 */
#ifndef TRANSLATORS_SCSI_SCSI_DATA_H
#define TRANSLATORS_SCSI_SCSI_DATA_H

#include <stddef.h>
#include <stdint.h>

struct scsi_data {
	uint8_t *at; /* null: only count */
	uint32_t room; /* bytes at at */
	uint32_t bytes; /* the whole, whatever fits */
};

void scsi_data_begin(struct scsi_data *data, void *at, uint32_t room);
void scsi_data_put(struct scsi_data *data, const void *bytes, size_t n);
void scsi_data_put_zero(struct scsi_data *data, size_t n);
void scsi_data_put_u8(struct scsi_data *data, uint8_t v);
void scsi_data_put_u16(struct scsi_data *data, uint16_t v);
void scsi_data_put_u32(struct scsi_data *data, uint32_t v);
void scsi_data_put_u64(struct scsi_data *data, uint64_t v);
/* Text, left-aligned, padded with blanks (SPC-4 4.4.1). */
void scsi_data_put_text(struct scsi_data *data, const char *text, size_t n);
/* Lengths that are known at the end: 8, 16 or 32 bits at this byte. */
void scsi_data_fix_u8(struct scsi_data *data, uint32_t where, uint8_t v);
void scsi_data_fix_u16(struct scsi_data *data, uint32_t where, uint16_t v);
void scsi_data_fix_u32(struct scsi_data *data, uint32_t where, uint32_t v);

#endif
