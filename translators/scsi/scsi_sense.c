/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_sense.c - sense data in both formats, from the table.
 */
#include "config.h"

#include "translators/scsi/scsi_sense.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "translators/scsi/scsi.h"

#define FIXED_BYTES 18u

static const struct {
	uint8_t key, code, qualifier;
	const char *words;
} conditions[SCSI_CONDITION_COUNT] = {
#define UA(name, code, qualifier, words) \
	[SCSI_UA_##name] = { SCSI_KEY_UNIT_ATTENTION, code, qualifier, words },
#define CONDITION(name, key, code, qualifier, words) \
	[SCSI_IS_##name] = { SCSI_KEY_##key, code, qualifier, words },
#define OUTCOME(status, scsi, condition)
#include "translators/scsi/scsi_sense.tbl"
#undef UA
#undef CONDITION
#undef OUTCOME
};

static const struct scsi_outcome outcomes[GW_STATUS_COUNT] = {
#define UA(name, code, qualifier, words)
#define CONDITION(name, key, code, qualifier, words)
#define OUTCOME(status, scsi, condition) [status] = { SCSI_##scsi, SCSI_IS_##condition },
#include "translators/scsi/scsi_sense.tbl"
#undef UA
#undef CONDITION
#undef OUTCOME
};

_Static_assert(SCSI_UA_COUNT <= 32, "a set of unit attentions is 32 bits");

static bool is_known(int condition)
{
	return condition >= 0 && condition < SCSI_CONDITION_COUNT && conditions[condition].words;
}

/* The row after the last: a failure of ours, told as one. */
static int known(int condition)
{
	return is_known(condition) ? condition : SCSI_IS_TARGET_FAILURE;
}

const char *scsi_sense_words(int condition)
{
	return is_known(condition) ? conditions[condition].words : "?";
}

uint8_t scsi_sense_key(int condition)
{
	return conditions[known(condition)].key;
}

uint16_t scsi_sense_code(int condition)
{
	return (uint16_t)(conditions[known(condition)].code << 8 |
			  conditions[known(condition)].qualifier);
}

/* SPC-4 4.5.2.4.2: SKSV, C/D, BPV and the bit, then the byte. */
static void put_field(const struct scsi_sense *sense, uint8_t *out)
{
	out[0] = (uint8_t)(0x80 | (sense->in_cdb ? 0x40 : 0));
	if (sense->has_bit)
		out[0] |= (uint8_t)(0x08 | (sense->bit & 7));
	be16_put(out + 1, sense->field);
}

/* SPC-4 4.5.3 */
static uint8_t put_fixed(const struct scsi_sense *sense, uint8_t *out)
{
	memset(out, 0, FIXED_BYTES);
	out[0] = 0x70;
	out[2] = scsi_sense_key(sense->condition);
	if (sense->has_information && sense->information <= UINT32_MAX) {
		out[0] |= 0x80;
		be32_put(out + 3, (uint32_t)sense->information);
	}
	out[7] = FIXED_BYTES - 8;
	be16_put(out + 12, scsi_sense_code(sense->condition));
	if (sense->has_field)
		put_field(sense, out + 15);
	return FIXED_BYTES;
}

/* SPC-4 4.5.2, with the descriptors 00h and 02h */
static uint8_t put_descriptors(const struct scsi_sense *sense, uint8_t *out)
{
	uint8_t *at = out + 8;

	memset(out, 0, SCSI_SENSE_PUT_MAX);
	out[0] = 0x72;
	out[1] = scsi_sense_key(sense->condition);
	be16_put(out + 2, scsi_sense_code(sense->condition));
	if (sense->has_information) {
		at[1] = 0x0a;
		at[2] = 0x80;
		be64_put(at + 4, sense->information);
		at += 12;
	}
	if (sense->has_field) {
		at[0] = 0x02;
		at[1] = 0x06;
		put_field(sense, at + 4);
		at += 8;
	}
	out[7] = (uint8_t)(at - out - 8);
	return (uint8_t)(at - out);
}

uint8_t scsi_sense_put(const struct scsi_sense *sense, bool descriptor, uint8_t *out)
{
	return descriptor ? put_descriptors(sense, out) : put_fixed(sense, out);
}

struct scsi_outcome scsi_sense_outcome(enum gw_status status, bool writes)
{
	struct scsi_outcome outcome = outcomes[status < GW_STATUS_COUNT ? status : GW_STORE_ERROR];

	if (status == GW_MEDIUM_ERROR && writes)
		outcome.condition = SCSI_IS_WRITE_ERROR;
	return outcome;
}
