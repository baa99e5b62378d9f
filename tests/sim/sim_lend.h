/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_lend.h - the simulated page cache as the daemon sees it: addresses that only the
 * kernel can follow.
 *
 * Behind them there is nothing: who looks there dies of it, and who reads into them,
 * too.  What a SEND or a frame takes from there is what the file has at that moment,
 * not what it had when the address was given; and sometimes it is not there any more.
 */
#ifndef TESTS_SIM_SIM_LEND_H
#define TESTS_SIM_SIM_LEND_H

#include "tests/sim/sim_disk.h"

/* Null: it is to be read, by chance (disk->lend_odds), or because an error or a stall is
 * to meet the next read. */
const void *sim_lend(struct sim_disk *disk, struct drv_file *file, uint64_t offset,
		     uint32_t length);
/* Nothing is lent for a while. */
void sim_lend_torn(struct sim_disk *disk);
/* The file is closed: nobody may send from it any more. */
void sim_lend_closed(struct drv_file *file);

/* Does a file's page stand there?  Then a SEND may pass on the page itself. */
bool sim_lend_where(const void *src, const struct sim_inode **inode, uint64_t *offset);
/* What the kernel does: n bytes from any address.  False: they are gone. */
bool sim_lend_copy(struct sim_world *world, void *dst, const void *src, size_t n);

#endif
