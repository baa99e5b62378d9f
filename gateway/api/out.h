/* SPDX-License-Identifier: BSD-3-Clause
 *
 * out.h - neutral records: what every list and show prints.
 *
 * A front end, a store or the core writes records of named fields; the control
 * server turns them into JSON, the client into a table.  Nobody here knows a
 * format.
 */
#ifndef GATEWAY_API_OUT_H
#define GATEWAY_API_OUT_H

#include <stdbool.h>
#include <stdint.h>

struct gw_out;

struct gw_out_ops {
	/* A new record of this kind ("volume", "connection", "export") begins; the
	 * one before ends. */
	void (*record)(struct gw_out *out, const char *kind);
	void (*text)(struct gw_out *out, const char *key, const char *value); /* copied */
	void (*number)(struct gw_out *out, const char *key, uint64_t value);
	void (*truth)(struct gw_out *out, const char *key, bool value);
};

struct gw_out {
	const struct gw_out_ops *ops;
};

static inline void gw_out_record(struct gw_out *out, const char *kind)
{
	out->ops->record(out, kind);
}
static inline void gw_out_text(struct gw_out *out, const char *key, const char *value)
{
	out->ops->text(out, key, value);
}
static inline void gw_out_number(struct gw_out *out, const char *key, uint64_t value)
{
	out->ops->number(out, key, value);
}
static inline void gw_out_truth(struct gw_out *out, const char *key, bool value)
{
	out->ops->truth(out, key, value);
}

#endif
