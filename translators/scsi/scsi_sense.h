/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_sense.h - named conditions to sense data, and gw_status to status and
 * condition.  Pure.  Other files know the names only (scsi_sense.tbl).
 */
#ifndef TRANSLATORS_SCSI_SCSI_SENSE_H
#define TRANSLATORS_SCSI_SCSI_SENSE_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/api/status.h"

/* The unit attentions come first: each is a bit of a 32-bit set (scsi_ua.h). */
enum scsi_condition {
#define UA(name, code, qualifier, words) SCSI_UA_##name,
#define CONDITION(name, key, code, qualifier, words)
#define OUTCOME(status, scsi, condition)
#include "translators/scsi/scsi_sense.tbl"
#undef UA
#undef CONDITION
	SCSI_UA_COUNT,
	SCSI_UA_LAST = SCSI_UA_COUNT - 1,
#define UA(name, code, qualifier, words)
#define CONDITION(name, key, code, qualifier, words) SCSI_IS_##name,
#include "translators/scsi/scsi_sense.tbl"
#undef UA
#undef CONDITION
#undef OUTCOME
	SCSI_CONDITION_COUNT
};

/* The longest that scsi_sense_put() makes: header, information, field pointer. */
#define SCSI_SENSE_PUT_MAX 28u

/* What a condition may say beside its name. */
struct scsi_sense {
	int condition; /* enum scsi_condition */
	bool has_information; /* LBA, or offset of the first byte that differs */
	bool has_field; /* SPC-4 4.5.2.4.2: which field was wrong */
	bool in_cdb; /* the field lies in the CDB, not in the parameter list */
	bool has_bit;
	uint8_t bit;
	uint16_t field; /* byte number */
	uint64_t information;
};

/* What an outcome of the gateway is in SCSI. */
struct scsi_outcome {
	uint8_t status; /* enum scsi_status */
	uint8_t condition; /* for CHECK CONDITION */
};

/* Fixed or descriptor format (SPC-4 4.5.2, 4.5.3) into at least
 * SCSI_SENSE_PUT_MAX bytes; returns how many.  An information that is longer than
 * 32 bits does not fit the fixed format: it goes without (VALID 0). */
uint8_t scsi_sense_put(const struct scsi_sense *sense, bool descriptor, uint8_t *out);
/* writes: the command changes the medium (a medium error is a write error then). */
struct scsi_outcome scsi_sense_outcome(enum gw_status status, bool writes);

/* "INVALID FIELD IN CDB", or "?" */
const char *scsi_sense_words(int condition);
uint8_t scsi_sense_key(int condition);
/* Code and qualifier as one number: 0x2400. */
uint16_t scsi_sense_code(int condition);

#endif
