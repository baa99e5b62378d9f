/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames on the real system (drv_link.h): packet sockets.  One table for both
 * real drivers; it keeps no state of its own.
 */
#ifndef GATEWAY_LOOP_DRV_HOST_LINK_H
#define GATEWAY_LOOP_DRV_HOST_LINK_H

#include "gateway/loop/drv_link.h"

extern const struct drv_link_ops drv_host_link_ops;

#endif
