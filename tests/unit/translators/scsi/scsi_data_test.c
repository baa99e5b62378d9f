/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_data_test.c - parameter data cut at every length: the same bytes, never one
 * more, and always the same whole.
 */
#include "config.h"

#include "translators/scsi/scsi_data.h"

#include <string.h>

#include "tests/harness/harness.h"

static const uint8_t whole[] = { 1, 0, 2, 0, 0, 0, 3, 0,   0,	0,   0,	  0,	0,
				 0, 4, 0, 0, 0, 9, 8, 'a', 'b', ' ', ' ', 0xbe, 0xef };

static void put_all(struct scsi_data *data)
{
	scsi_data_put_u8(data, 1);
	scsi_data_put_u16(data, 2);
	scsi_data_put_u32(data, 3);
	scsi_data_put_u64(data, 4);
	scsi_data_put_zero(data, 3);
	scsi_data_put(data, "\x9\x8", 2);
	scsi_data_put_text(data, "ab", 4);
	scsi_data_put_u16(data, 0);
	scsi_data_fix_u16(data, 24, 0xbeef);
}

static void cut_at_every_length(void **state)
{
	for (uint32_t room = 0; room <= sizeof(whole) + 2; room++) {
		uint8_t bytes[64];
		struct scsi_data data;
		uint32_t n = room < sizeof(whole) ? room : (uint32_t)sizeof(whole);

		memset(bytes, 0xa5, sizeof(bytes));
		scsi_data_begin(&data, bytes, room);
		put_all(&data);
		assert_int_equal(data.bytes, sizeof(whole));
		assert_memory_equal(bytes, whole, n);
		for (uint32_t i = n; i < sizeof(bytes); i++)
			assert_int_equal(bytes[i], 0xa5);
	}
}

static void counts_alone(void **state)
{
	struct scsi_data data;

	scsi_data_begin(&data, NULL, 100);
	put_all(&data);
	assert_int_equal(data.bytes, sizeof(whole));
}

static void fixes(void **state)
{
	uint8_t bytes[6] = { 0 };
	struct scsi_data data;

	scsi_data_begin(&data, bytes, 5);
	scsi_data_put_zero(&data, 6);
	scsi_data_fix_u8(&data, 0, 0x11);
	scsi_data_fix_u32(&data, 2, 0x22334455); /* the last byte does not fit */
	scsi_data_fix_u8(&data, 5, 0xff);
	assert_memory_equal(bytes, "\x11\0\x22\x33\x44\0", 6);
	scsi_data_put_text(&data, "longer than that", 4);
	assert_int_equal(data.bytes, 10);
}

HARNESS_MAIN(cmocka_unit_test(cut_at_every_length), cmocka_unit_test(counts_alone),
	     cmocka_unit_test(fixes))
