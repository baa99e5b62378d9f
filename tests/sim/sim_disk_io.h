/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_disk_io.h - READ, WRITE and SYNC on the simulated disk, in virtual time.
 *
 *   submit ─▶ part 1 ─▶ part 2 .. ─▶ end ─▶ home->ready()
 *
 * Each part moves bytes between the daemon's memory and the file at its own
 * instant, so memory used again too early shows; a power cut in between leaves
 * any subset of the sectors that were still to come.
 */
#ifndef TESTS_SIM_SIM_DISK_IO_H
#define TESTS_SIM_SIM_DISK_IO_H

#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_home.h"

void sim_disk_io_submit(struct sim_disk *disk, struct sim_home *home, struct drv_op *op);
/* What is in flight leaves its traces and ends with -EIO soon. */
void sim_disk_io_power_cut(struct sim_disk *disk);
/* How many operations are in flight. */
unsigned sim_disk_io_count(const struct sim_disk *disk);
/* A write to this inode's range that has begun and not ended? */
bool sim_disk_io_writing(const struct sim_disk *disk, uint64_t offset, uint64_t len);

#endif
