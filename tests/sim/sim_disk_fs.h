/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_disk_fs.h - the blocking file calls (drv_fs.h) on the simulated disk.
 *
 * They take effect at once.  What they would have cost is added to the disk's
 * penalty_ns; the driver lets a job last that much longer.
 */
#ifndef TESTS_SIM_SIM_DISK_FS_H
#define TESTS_SIM_SIM_DISK_FS_H

#include "tests/sim/sim_disk.h"

extern const struct drv_fs_ops sim_disk_fs_ops;

#endif
