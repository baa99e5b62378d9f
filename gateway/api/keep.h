/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keep.h - state that must survive: reservations with APTPL, AoE's config
 * string, saved mode pages, identities.
 *
 * One keeper per volume, named records in one file: written new, synced,
 * renamed, the folder synced.  A torn or damaged file: the one before.
 */
#ifndef GATEWAY_API_KEEP_H
#define GATEWAY_API_KEEP_H

#include <stddef.h>
#include <stdint.h>

struct gw_err;
struct drv_fs;
struct gw_keep;

#define GW_KEEP_KEY_MAX 32
#define GW_KEEP_VALUE_MAX 65536
#define GW_KEEP_RECORDS_MAX 256

/* All of these may block: helper thread, or main at start. */

/* Reads the newest whole state of `folder`/`name`.keep; an absent one is empty.
 * 0 or -errno with a sentence; damage of both copies is -EUCLEAN, a state that a
 * newer version has written -ENOTSUP: the one before it would be out of date. */
int gw_keep_open(struct drv_fs *fs, const char *folder, const char *name, struct gw_keep **out,
		 struct gw_err *err);
void gw_keep_close(struct gw_keep **keep);
/* The record's bytes (owned by the keeper, valid until the next set), or null. */
const void *gw_keep_get(const struct gw_keep *keep, const char *key, size_t *bytes);
/* In memory; value null removes it. 0 or -ENOSPC / -E2BIG / -EINVAL. */
int gw_keep_set(struct gw_keep *keep, const char *key, const void *value, size_t bytes);
/* On 0 everything set before is durable. */
int gw_keep_commit(struct gw_keep *keep, struct gw_err *err);

#endif
