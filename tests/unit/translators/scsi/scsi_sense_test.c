/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_sense_test.c - sense data byte by byte in both formats; every outcome.
 */
#include "config.h"

#include "translators/scsi/scsi_sense.h"

#include <string.h>

#include "gateway/base/table.h"
#include "tests/harness/harness.h"
#include "translators/scsi/scsi.h"

static void fixed(void **state)
{
	static const uint8_t plain[18] = { 0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29, 0x00 };
	static const uint8_t full[18] = { 0xf0, 0, 3, 0x12, 0x34, 0x56, 0x78, 10,   0,
					  0,	0, 0, 0x11, 0x00, 0,	0xcb, 0x01, 0x02 };
	struct scsi_sense sense = { .condition = SCSI_UA_RESET };
	uint8_t wire[SCSI_SENSE_PUT_MAX];

	assert_int_equal(scsi_sense_put(&sense, false, wire), 18);
	assert_memory_equal(wire, plain, 18);
	sense = (struct scsi_sense){ .condition = SCSI_IS_READ_ERROR,
				     .has_information = true,
				     .information = 0x12345678,
				     .has_field = true,
				     .in_cdb = true,
				     .has_bit = true,
				     .bit = 3,
				     .field = 0x102 };
	assert_int_equal(scsi_sense_put(&sense, false, wire), 18);
	assert_memory_equal(wire, full, 18);
	/* it does not fit: VALID 0, and no half number */
	sense.information = 1ull << 32;
	scsi_sense_put(&sense, false, wire);
	assert_int_equal(wire[0], 0x70);
	assert_memory_equal(wire + 3, "\0\0\0\0", 4);
	/* a byte of the parameter list, no bit */
	sense.in_cdb = sense.has_bit = false;
	scsi_sense_put(&sense, false, wire);
	assert_int_equal(wire[15], 0x80);
}

static void descriptors(void **state)
{
	static const uint8_t full[28] = { 0x72, 0x05, 0x24, 0x00, 0,	0,    0,    20, 0x00, 0x0a,
					  0x80, 0,    0x01, 0x02, 0x03, 0x04, 5,    6,	7,    8,
					  0x02, 0x06, 0,    0,	  0xc0, 0x00, 0x07, 0 };
	struct scsi_sense sense = { .condition = SCSI_IS_BAD_CDB,
				    .has_information = true,
				    .information = 0x0102030405060708ull,
				    .has_field = true,
				    .in_cdb = true,
				    .field = 7 };
	uint8_t wire[SCSI_SENSE_PUT_MAX];

	assert_int_equal(scsi_sense_put(&sense, true, wire), 28);
	assert_memory_equal(wire, full, 28);
	sense.has_information = false;
	assert_int_equal(scsi_sense_put(&sense, true, wire), 16);
	assert_int_equal(wire[7], 8);
	assert_memory_equal(wire + 8, full + 20, 8);
	sense.has_field = false;
	assert_int_equal(scsi_sense_put(&sense, true, wire), 8);
	assert_memory_equal(wire, "\x72\x05\x24\0\0\0\0\0", 8);
}

/* Read from the standards a second time. */
static void conditions(void **state)
{
	static const struct {
		int condition;
		uint8_t key;
		uint16_t code;
	} cases[] = {
		{ SCSI_UA_CAPACITY_CHANGED, 6, 0x2a09 }, { SCSI_UA_MODE_CHANGED, 6, 0x2a01 },
		{ SCSI_UA_LUNS_CHANGED, 6, 0x3f0e },	 { SCSI_UA_NEXUS_LOSS, 6, 0x2907 },
		{ SCSI_UA_DEVICE_RESET, 6, 0x2903 },	 { SCSI_IS_BAD_OPCODE, 5, 0x2000 },
		{ SCSI_IS_BAD_LBA, 5, 0x2100 },		 { SCSI_IS_BAD_CDB, 5, 0x2400 },
		{ SCSI_IS_BAD_LUN, 5, 0x2500 },		 { SCSI_IS_BAD_LIST, 5, 0x2600 },
		{ SCSI_IS_BAD_LIST_LENGTH, 5, 0x1a00 },	 { SCSI_IS_NO_SAVING, 5, 0x3900 },
		{ SCSI_IS_WRITE_PROTECTED, 7, 0x2700 },	 { SCSI_IS_MISCOMPARE, 0xe, 0x1d00 },
		{ SCSI_IS_READ_ERROR, 3, 0x1100 },	 { SCSI_IS_WRITE_ERROR, 3, 0x0c00 },
		{ SCSI_IS_TARGET_FAILURE, 4, 0x4400 },	 { SCSI_IS_BECOMING_READY, 2, 0x0401 },
	};

	for (unsigned i = 0; i < TABLE_LEN(cases); i++) {
		assert_int_equal(scsi_sense_key(cases[i].condition), cases[i].key);
		assert_int_equal(scsi_sense_code(cases[i].condition), cases[i].code);
	}
	for (int i = 0; i < SCSI_CONDITION_COUNT; i++)
		assert_true(strcmp(scsi_sense_words(i), "?"));
	assert_string_equal(scsi_sense_words(SCSI_CONDITION_COUNT), "?");
	assert_string_equal(scsi_sense_words(-1), "?");
	assert_int_equal(scsi_sense_key(SCSI_CONDITION_COUNT), 4);
	assert_int_equal(scsi_sense_code(-1), 0x4400);
}

static void outcomes(void **state)
{
	static const struct {
		enum gw_status status;
		uint8_t scsi;
		int condition;
	} cases[] = {
		{ GW_OK, SCSI_GOOD, SCSI_IS_NOTHING },
		{ GW_OUT_OF_RANGE, SCSI_CHECK_CONDITION, SCSI_IS_BAD_LBA },
		{ GW_READ_ONLY, SCSI_CHECK_CONDITION, SCSI_IS_WRITE_PROTECTED },
		{ GW_RESERVED, SCSI_RESERVATION_CONFLICT, SCSI_IS_NOTHING },
		{ GW_BUSY, SCSI_BUSY, SCSI_IS_NOTHING },
		{ GW_NO_MEMORY, SCSI_BUSY, SCSI_IS_NOTHING },
		{ GW_NO_SPACE, SCSI_CHECK_CONDITION, SCSI_IS_NO_SPACE },
		{ GW_NOT_READY, SCSI_CHECK_CONDITION, SCSI_IS_BECOMING_READY },
		{ GW_STORE_ERROR, SCSI_CHECK_CONDITION, SCSI_IS_TARGET_FAILURE },
		{ GW_STATUS_COUNT, SCSI_CHECK_CONDITION, SCSI_IS_TARGET_FAILURE },
	};

	for (unsigned i = 0; i < TABLE_LEN(cases); i++)
		for (unsigned writes = 0; writes < 2; writes++) {
			struct scsi_outcome o = scsi_sense_outcome(cases[i].status, writes);

			assert_int_equal(o.status, cases[i].scsi);
			assert_int_equal(o.condition, cases[i].condition);
		}
	assert_int_equal(scsi_sense_outcome(GW_MEDIUM_ERROR, false).condition, SCSI_IS_READ_ERROR);
	assert_int_equal(scsi_sense_outcome(GW_MEDIUM_ERROR, true).condition, SCSI_IS_WRITE_ERROR);
	/* every outcome but GW_OK is told as something */
	for (int s = GW_OK + 1; s < GW_STATUS_COUNT; s++)
		assert_int_not_equal(scsi_sense_outcome((enum gw_status)s, false).status,
				     SCSI_GOOD);
}

HARNESS_MAIN(cmocka_unit_test(fixed), cmocka_unit_test(descriptors), cmocka_unit_test(conditions),
	     cmocka_unit_test(outcomes))
