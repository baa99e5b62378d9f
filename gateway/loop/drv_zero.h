/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making a range read zero, with or without giving up its space.  Blocks.
 */
#ifndef GATEWAY_LOOP_DRV_ZERO_H
#define GATEWAY_LOOP_DRV_ZERO_H

#include "gateway/loop/drv_fs.h"

int drv_zero(struct drv_file *file, enum drv_alloc how, uint64_t offset, uint64_t length);

#endif
