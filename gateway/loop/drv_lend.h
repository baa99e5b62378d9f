/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a file without copying it: its pages in our address space, for system
 * calls to send from.  A cached 4 KiB read by pread costs 1.2 to 1.9 us, most of
 * it looking the page up and copying it; sending from where it stands saves both.
 *
 * What must not happen is that the loop waits for a disk, as it would where a page
 * is not in the page cache.  So the file is known by regions of 2 MiB: one that was
 * all in memory when it was looked at is trusted for a while, and nothing is lent
 * from any other.  Where the kernel had to fetch a page after all (this thread's
 * major faults tell), or found none (EFAULT), trust is over: nothing is lent for
 * some seconds, and every region is looked at again.  Looking is rationed, so a
 * file that is larger than the memory costs next to nothing.
 *
 *	find(): region trusted? ── yes ─▶ its address
 *	           │ no: looked at lately, or too much looking ─▶ null: read it
 *	           └ look: mincore() ── all there ─▶ trusted, mapped at once
 *	                                 └ not ─▶ null, for a second
 *
 * Neighbours: drv_file.h has a map for each file, drv_host.h an eye for each loop.
 */
#ifndef GATEWAY_LOOP_DRV_LEND_H
#define GATEWAY_LOOP_DRV_LEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define DRV_LEND_REGION (2u << 20)
/* The rest of a larger file is read.  It bounds what the kernel spends on page
 * tables: a 512th of it. */
#define DRV_LEND_MOST (64ULL << 30)

/* A file's. Any thread. */
struct drv_lend_map {
	uint8_t *base; /* null: nothing is lent */
	uint64_t bytes;
	_Atomic int64_t *known; /* by region: when it was looked at, ns; bit 0: all there */
	atomic_bool used; /* or looked at, since the last rest() */
	bool rested; /* nothing is mapped; of those who call rest() */
};

/* A loop's; its thread alone. */
struct drv_lend_eye {
	int64_t look_due_ns; /* no look before */
	int64_t off_until_ns; /* nothing is lent before */
	int64_t trust_from_ns; /* what was looked at earlier is not trusted */
	int64_t faults_due_ns; /* faults are counted again then */
	long faults; /* of this thread, major, ever */
};

/* On a helper, or before anything is served.  What cannot be mapped is not lent. */
void drv_lend_open(struct drv_lend_map *map, int fd);
void drv_lend_close(struct drv_lend_map *map);
/* Now and then, on a helper: takes back what the page tables of an idle file hold. */
void drv_lend_rest(struct drv_lend_map *map);

/* Any thread, by the same clock as the loops': around what takes pages out of the page
 * cache.  These regions are read for a second, and then looked at. */
void drv_lend_doubt(struct drv_lend_map *map, int64_t now_ns, uint64_t offset, uint64_t length);

/* The loop's thread; now_ns by its clock, the same for all maps.  Null: read it. */
const void *drv_lend_find(struct drv_lend_map *map, struct drv_lend_eye *eye, int64_t now_ns,
			  uint64_t offset, uint32_t length);
/* A system call met a page that is not there (EFAULT): somebody cut a file. */
void drv_lend_torn(struct drv_lend_eye *eye, int64_t now_ns);

#endif
