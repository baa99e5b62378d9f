/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_out.h - neutral records (gateway/api/out.h) into JSON, within a budget.
 *
 * Gives an object with one array per kind of record: {"volume":[{...},...],...}.
 * A reply is bounded (ctl_msg.h), so there is a budget of bytes: records past it
 * are left out and counted.  No memory: the same.
 */
#ifndef GATEWAY_CTL_CTL_OUT_H
#define GATEWAY_CTL_CTL_OUT_H

#include <jansson.h>

#include "gateway/api/out.h"

#define CTL_OUT_WANTS 2u

struct ctl_out {
	struct gw_out out; /* hand this to those who list */
	struct {
		const char *key, *value;
	} want[CTL_OUT_WANTS]; /* borrowed */
	unsigned n_wants;
	json_t *lists;
	json_t *record; /* borrowed from its list; null: being left out */
	size_t bytes, most_bytes;
	size_t bytes_before; /* this record */
	uint64_t left_out;
};

void ctl_out_begin(struct ctl_out *out, size_t most_bytes);
/* From now on only records that have this text under this key; those that have
 * no such key stay.  At most CTL_OUT_WANTS times. */
void ctl_out_want(struct ctl_out *out, const char *key, const char *value);
/* The list of one kind, empty where no record came; a reference of the caller's,
 * null without memory. */
json_t *ctl_out_list(struct ctl_out *out, const char *kind);
void ctl_out_end(struct ctl_out *out);

#endif
