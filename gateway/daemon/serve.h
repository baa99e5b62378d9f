/* SPDX-License-Identifier: BSD-3-Clause
 *
 * serve.h - what the words of `sluice serve` mean: a wanted state, and how the
 * process itself is to be.  Opens nothing; gateway/ctl/conf_apply.h makes it so.
 */
#ifndef GATEWAY_DAEMON_SERVE_H
#define GATEWAY_DAEMON_SERVE_H

#include "gateway/base/clock.h"
#include "gateway/core/admin.h"
#include "gateway/ctl/conf.h"
#include "gateway/daemon/options.h"

struct drv_ops;

struct serve {
	struct conf *conf;
	unsigned threads; /* 0: nobody said */
	const struct drv_ops *engine; /* null: the best that there is */
	struct span busy_poll; /* LOOP_BUSY_AUTO unless told */
	struct gw_limits limits;
	const char *control; /* null: a socket of its own; borrowed from argv */
	const char *state; /* null: nobody said; borrowed from argv */
};

#define SERVE_FOLDER_MAX 4096

/* What the command line says by the place where it was typed. */
struct serve_place {
	bool (*is_block)(const char *path);
	/* In which relative paths lie; "": they stay as they are.  A volume's identity comes
	 * from its path: two images of one name in two folders are two disks. */
	const char *folder;
};

/* -EINVAL (and -EEXIST for two of one name) with a sentence. */
int serve_build(const struct options *options, const struct serve_place *place, struct serve *out,
		struct gw_err *err);
void serve_end(struct serve *serve);

#endif
