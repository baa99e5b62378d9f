/* SPDX-License-Identifier: BSD-3-Clause
 *
 * image.h - the word IMAGE of `serve`: which store, what behind it, what name.
 *
 *	[NAME=]memory:SIZE   [NAME=]null:SIZE   [NAME=]PATH (file or block device)
 *
 * Pure, but for the one question that its caller answers: is this path a device?
 */
#ifndef GATEWAY_DAEMON_IMAGE_H
#define GATEWAY_DAEMON_IMAGE_H

#include <stdbool.h>

#include "gateway/api/volume.h"
#include "gateway/base/err.h"

struct image {
	char name[GW_NAME_MAX];
	const char *store; /* constant */
	const char *target; /* inside the word */
	bool is_path; /* the target */
};

/* -EINVAL with a sentence. */
int image_parse(const char *word, bool (*is_block)(const char *path), struct image *out,
		struct gw_err *err);

#endif
