/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lock on an image: flock, which most programs honour, and qemu's own,
 * which is a set of OFD locks on single bytes of the file.  For the file's
 * life, or until drv_lock_drop().  Called where blocking is allowed: a lock whose
 * holder is alive is only tried, one that nobody living has is waited for a little.
 */
#ifndef GATEWAY_LOOP_DRV_LOCK_H
#define GATEWAY_LOOP_DRV_LOCK_H

#include <stdbool.h>

#include "gateway/base/err.h"

/* -EWOULDBLOCK with the holder in the sentence. */
int drv_lock_take(int fd, const char *path, bool exclusive, struct gw_err *err);
void drv_lock_drop(int fd);

#endif
