/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The blocking file calls (drv_fs.h) on the real system.  One table for both
 * real drivers; it keeps no state of its own.
 */
#ifndef GATEWAY_LOOP_DRV_HOST_FS_H
#define GATEWAY_LOOP_DRV_HOST_FS_H

#include "gateway/loop/drv_fs.h"

extern const struct drv_fs_ops drv_host_fs_ops;

#endif
