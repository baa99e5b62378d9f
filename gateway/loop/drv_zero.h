/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making a range of a file or device read zero, with or without giving up its
 * space (drv_fs.h, allocate).  It blocks.  Called by drv_host_fs.c alone.
 */
#ifndef GATEWAY_LOOP_DRV_ZERO_H
#define GATEWAY_LOOP_DRV_ZERO_H

#include "gateway/loop/drv_fs.h"

int drv_zero(struct drv_file *file, enum drv_alloc how, uint64_t offset, uint64_t length);

#endif
