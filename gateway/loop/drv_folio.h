/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Large folios, and what they cost a small write.  Since Linux 6.16 the page
 * cache of ext4 (and of block devices) holds pieces of up to 2 MiB, and each
 * buffered write walks all the buffers of the piece it falls into.  A cached
 * 4 KiB write, CPU us, by the size of the piece:
 *
 *	4 KiB 2.3    128 KiB 5.4    1 MiB 19    2 MiB 26 to 44
 *
 * How large they are depends on who filled the cache, and how: a copy with
 * large blocks or a read-ahead of some MiB makes the dear ones.  So where the
 * small writes of a file are seen to be dear, the piece that such a write is
 * about to fall into is split into pages first.  That costs about 0.1 ms once
 * for 1 MiB, waits for nobody, changes no byte, and does nothing where the
 * piece is dirty or the kernel does not know how; then it is tried again later.
 * Large reads of what was split cost some percent more than before.
 * Any thread.
 */
#ifndef GATEWAY_LOOP_DRV_FOLIO_H
#define GATEWAY_LOOP_DRV_FOLIO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One mark per place, so that each is tried once in a while.  A larger file's
 * places share marks: then one is tried later than it could be. */
#define DRV_FOLIO_PLACE_BYTES (256U << 10)
#define DRV_FOLIO_PLACES 65536

struct drv_folio {
	atomic_int score; /* how dear small writes have been lately */
	atomic_int debt; /* tries not yet paid for by writes; bounds what they cost */
	atomic_int_fast64_t on_until_ns; /* splitting goes on until then */
	atomic_int_fast64_t forget_ns; /* then all marks are wiped */
	atomic_uint_fast64_t tried[DRV_FOLIO_PLACES / 64];
};

/* Before a write of whole pages.  now_ns: any clock that does not jump. True:
 * worth a drv_folio_split(); it has been marked as tried. */
bool drv_folio_is_due(struct drv_folio *folio, uint64_t offset, uint64_t bytes, int64_t now_ns);
/* After it: how long it took. */
void drv_folio_judge(struct drv_folio *folio, uint64_t bytes, int64_t took_ns);
/* Splits what lies at that offset of the file, if it is cached, and clean. */
void drv_folio_split(int fd, uint64_t offset);

#endif
