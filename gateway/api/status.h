/* SPDX-License-Identifier: BSD-3-Clause
 *
 * status.h - the one enum of outcomes on the data path (status.tbl).
 *
 * Each translator has one function that turns it into sense data, ATA registers
 * or NBD errors.  The set-up path uses struct gw_err instead.
 */
#ifndef GATEWAY_API_STATUS_H
#define GATEWAY_API_STATUS_H

enum gw_status {
#define STATUS(name, words, retry) name,
#include "gateway/api/status.tbl"
#undef STATUS
	GW_STATUS_COUNT
};

/* Any thread.  Never null; a value past the last row reads "unknown status". */
const char *gw_status_words(enum gw_status status);
/* "GW_OK" */
const char *gw_status_name(enum gw_status status);
/* From the kernel's errno (positive) of a store call. 0 gives GW_OK. */
enum gw_status gw_status_from_errno(int errnum);

#endif
