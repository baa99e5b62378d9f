/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The facts about a file or block device that a volume's geometry is made of:
 * sizes, alignments, what it can discard, whether it spins.  From the device
 * itself and from sysfs; what they do not tell stays 0.
 */
#ifndef GATEWAY_LOOP_DRV_DEV_H
#define GATEWAY_LOOP_DRV_DEV_H

#include "gateway/loop/drv_fs.h"

/* 0 or -errno. */
int drv_dev_stat(int fd, bool writable, struct drv_stat *out);

#endif
