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

/* Is the block device, or one below it, answered by a program or another machine?  Who
 * waits for one of its pages may wait for ever, or for himself. */
bool drv_dev_is_remote(int fd);
/* Of a name in /sys/class/block. */
bool drv_dev_name_is_remote(const char *name);

#endif
