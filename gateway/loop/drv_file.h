/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file under the real drivers, and the decision how its bytes move: inline
 * where that cannot block (cached pages, tmpfs, buffered whole pages while
 * little is unwritten), else by the ring or a helper.  Opening and names are
 * drv_host_fs.c's.  A file may be used from several loops and helpers at once;
 * what they share are the counters, which are atomic.
 *
 *	written ─────────────────────────────────▶ bytes accepted, ever
 *	pushed  ──────────────────▶ on their way to the disk (sync_file_range)
 *	synced  ────────▶ known durable
 *
 *	dirty = written - synced;  window = written - pushed, kept below budget
 */
#ifndef GATEWAY_LOOP_DRV_FILE_H
#define GATEWAY_LOOP_DRV_FILE_H

#include <stdatomic.h>
#include <stdint.h>

#include "gateway/loop/drv.h"
#include "gateway/loop/drv_folio.h"
#include "gateway/loop/drv_lend.h"
#include "gateway/loop/drv_op.h"
#include "gateway/loop/loop_pool.h"

struct drv_file {
	uint32_t tag;
	int fd;
	int push_fd; /* the same file, opened again: see push(); -1: no pushing */
	char *path;
	bool writable;
	bool direct; /* O_DIRECT */
	bool in_memory; /* tmpfs: nothing ever waits for a disk */
	bool local; /* a buffered write waits for the page cache alone */
	bool is_block;
	uint64_t budget; /* the window's limit, bytes */
	atomic_bool nowait; /* RWF_NOWAIT reads are known here */
	atomic_bool no_splice; /* this file system does not do it */
	atomic_uint_fast64_t size; /* the last that we know; dirty pages are no more */
	atomic_uint_fast64_t written, pushed, synced;
	atomic_int_fast64_t slow_until_ns; /* inline calls are off until then */
	atomic_int_fast64_t suspect_until_ns; /* one took long: see whether they block */
	atomic_bool pushing;
	atomic_uint refs; /* its owner, and a push in flight */
	struct loop_mail push;
	struct drv_folio folio; /* what small writes cost here */
	struct drv_lend_map lend;
};

/* fs calls: on a helper, or on the main thread before anything is served. */
struct drv_file *drv_file_create(int fd, const char *path); /* null: no memory */
void drv_file_close(struct drv_file **file);
/* From now on its pages may be lent, where no lender could make a loop wait; before
 * anything is served.  Again: only if there was nothing to map. */
void drv_file_map(struct drv_file *file);

/* Any thread, before and after what takes pages out of the page cache: none is lent of
 * these. */
void drv_file_doubt(struct drv_file *file, uint64_t offset, uint64_t length);

/* The loop's thread.  READ, WRITE, SYNC, rewound.  True: it ended, with *res.
 * False: the rest is for the kernel's queue or a helper. */
bool drv_file_try(struct drv_op *op, struct loop_pool *pool, int64_t *res);
/* The loop's thread.  The queue did n bytes of it, or failed.  True: it ended. */
bool drv_file_step(struct drv_op *op, int64_t n, int64_t *res);
/* A helper: does what is left, blocking; returns the result. */
int64_t drv_file_work(struct drv_op *op);

/* ---- any thread --------------------------------------------------------- */

/* Around a call that should not block.  begin: false, this file's calls have
 * blocked lately: do not.  end: judges the call, which moved that many bytes, and
 * returns how long it took, ns. */
long drv_file_switches(void); /* how often this thread has waited, ever */
struct drv_file_watch {
	int64_t began_ns;
	long switches; /* this thread's voluntary ones; -1: not counted */
};
bool drv_file_begin(struct drv_file *file, struct drv_file_watch *watch);
int64_t drv_file_end(struct drv_file *file, const struct drv_file_watch *watch, uint64_t bytes);

void drv_file_wrote(struct drv_file *file, uint64_t bytes, uint64_t end);
uint64_t drv_file_mark(struct drv_file *file); /* before a sync ... */
void drv_file_synced(struct drv_file *file, uint64_t mark); /* ... and after it */
uint64_t drv_file_dirty(struct drv_file *file);

#endif
