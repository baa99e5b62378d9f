/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_data.c - see scsi_data.h.
 */
#include "config.h"

#include "translators/scsi/scsi_data.h"

#include <string.h>

#include "gateway/base/bytes.h"

void scsi_data_begin(struct scsi_data *data, void *at, uint32_t room)
{
	*data = (struct scsi_data){ .at = at, .room = at ? room : 0 };
}

/* What of n bytes at `where` fits; the whole grows only when put. */
static size_t fits(const struct scsi_data *data, uint32_t where, size_t n)
{
	if (where >= data->room)
		return 0;
	return n < data->room - where ? n : data->room - where;
}

void scsi_data_put(struct scsi_data *data, const void *bytes, size_t n)
{
	size_t part = fits(data, data->bytes, n);

	if (part)
		memcpy(data->at + data->bytes, bytes, part);
	data->bytes += (uint32_t)n;
}

void scsi_data_put_zero(struct scsi_data *data, size_t n)
{
	size_t part = fits(data, data->bytes, n);

	if (part)
		memset(data->at + data->bytes, 0, part);
	data->bytes += (uint32_t)n;
}

void scsi_data_put_u8(struct scsi_data *data, uint8_t v)
{
	scsi_data_put(data, &v, 1);
}

void scsi_data_put_u16(struct scsi_data *data, uint16_t v)
{
	uint8_t wire[2];

	be16_put(wire, v);
	scsi_data_put(data, wire, sizeof(wire));
}

void scsi_data_put_u32(struct scsi_data *data, uint32_t v)
{
	uint8_t wire[4];

	be32_put(wire, v);
	scsi_data_put(data, wire, sizeof(wire));
}

void scsi_data_put_u64(struct scsi_data *data, uint64_t v)
{
	uint8_t wire[8];

	be64_put(wire, v);
	scsi_data_put(data, wire, sizeof(wire));
}

void scsi_data_put_text(struct scsi_data *data, const char *text, size_t n)
{
	size_t len = strnlen(text, n);

	scsi_data_put(data, text, len);
	for (; len < n; len++)
		scsi_data_put_u8(data, ' ');
}

static void fix(struct scsi_data *data, uint32_t where, const uint8_t *wire, size_t n)
{
	size_t part = fits(data, where, n);

	if (part)
		memcpy(data->at + where, wire, part);
}

void scsi_data_fix_u8(struct scsi_data *data, uint32_t where, uint8_t v)
{
	fix(data, where, &v, 1);
}

void scsi_data_fix_u16(struct scsi_data *data, uint32_t where, uint16_t v)
{
	uint8_t wire[2];

	be16_put(wire, v);
	fix(data, where, wire, sizeof(wire));
}

void scsi_data_fix_u32(struct scsi_data *data, uint32_t where, uint32_t v)
{
	uint8_t wire[4];

	be32_put(wire, v);
	fix(data, where, wire, sizeof(wire));
}
