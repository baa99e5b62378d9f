/* SPDX-License-Identifier: BSD-3-Clause
 *
 * store.h - what anything that keeps bytes must do.  Installed, ABI-versioned.
 *
 * A store author needs this header alone.  The core (core/store_call.c) is the
 * only caller; it checks ranges and alignment, supplies what is absent
 * (core/fallback.c) and proves that every request ends exactly once.  The
 * template to copy is plugins/null/st_null.c.
 */
#ifndef GATEWAY_API_STORE_H
#define GATEWAY_API_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "gateway/api/status.h"

struct loop;
struct drv_file;
struct drv_fs;
struct gw_err;
struct gw_io;
struct gw_store; /* the store's own */
struct gw_store_lane; /* the store's own */

#define GW_STORE_ABI 1u

enum gw_op {
	GW_READ,
	GW_WRITE,
	GW_FLUSH, /* all writes done before it was submitted, on any lane, are durable */
	GW_UNMAP, /* deallocates; reads zero afterwards */
	GW_ZERO, /* reads zero afterwards; GW_NO_HOLE: stays allocated */
	GW_COMPARE, /* core only: never reaches a store */
	GW_MODIFY, /* core only */
	GW_EXTENTS, /* which parts are holes or zero */
	GW_PREFETCH, /* a hint: bring into the cache */
	GW_COPY, /* core only, until a store offers it */
	GW_RAW_CDB, /* a SCSI command for a SCSI device */
	GW_OP_COUNT
};

enum gw_io_flag {
	GW_FUA = 1, /* WRITE: durable before it is done; behind others the core flushes */
	GW_NO_HOLE = 2, /* ZERO: stays allocated */
	GW_FAST_ONLY = 4, /* ZERO: GW_NOT_FAST rather than slow writing */
	GW_EXTENT_ONE = 8 /* EXTENTS: the first extent is enough */
};

enum gw_extent_flag { GW_EXTENT_DATA = 0, GW_EXTENT_HOLE = 1, GW_EXTENT_ZERO = 2 };

/* Where extents go.  A store calls add() ascending and gapless from io->offset,
 * on its lane's loop or in a helper job before the request is done; neighbours
 * of one kind are joined, what lies past the range is clipped.  False: full,
 * stop.  Sinks touch nothing but their own memory. */
struct gw_extents {
	bool (*add)(struct gw_extents *sink, uint64_t length, uint32_t flags);
};

/* Operations that a store does natively; the core supplies the others. */
#define GW_STORE_CAN(op) (1u << (op))

/* What the store is.  Filled by open() and, at any size change, by refresh(). */
struct gw_store_info {
	uint64_t size_bytes;
	uint32_t align_bytes; /* offset and length of READ and WRITE; 1: any */
	uint32_t memory_align_bytes; /* of each slice of READ and WRITE; 1: any */
	uint32_t block_bytes; /* the device's logical block; 0: it has none */
	uint32_t optimal_bytes; /* 0: unknown */
	uint32_t transfer_max_bytes; /* READ, WRITE; 0: no limit */
	uint64_t range_max_bytes; /* UNMAP, ZERO; 0: no limit */
	uint32_t unmap_granularity_bytes; /* 0: unknown */
	uint32_t can; /* GW_STORE_CAN() bits */
	bool fua; /* honours GW_FUA on WRITE; otherwise the core flushes */
	bool fast_zero; /* ZERO is cheaper than writing (can still answer GW_NOT_FAST) */
	bool volatile_cache; /* done writes may be lost with the power */
	bool read_only;
	bool rotational;
	uint32_t depth; /* how many requests it works on usefully; 0: 128 */
	bool lends; /* lend() is worth asking */
	uint32_t lend_unit_bytes; /* it lends what is inside one multiple of this; 0: any */
};

/* One request at the store.  Owned by the store from submit() to gw_io_done(). */
#define GW_IO_SLOT_BYTES 192
struct gw_io {
	enum gw_op op;
	uint32_t flags; /* enum gw_io_flag */
	uint64_t offset, length;
	struct iovec *iov; /* READ, WRITE: exactly length bytes; the array may be changed */
	unsigned niov;
	struct gw_extents *extents;
	const uint8_t *cdb;
	uint8_t cdb_bytes;
	uint8_t *sense;
	uint16_t sense_bytes;
	struct loop *loop; /* the lane's */
	/* the store's own, free in submit() */
	union {
		uint8_t bytes[GW_IO_SLOT_BYTES];
		uint64_t u64[GW_IO_SLOT_BYTES / 8];
		void *ptr;
	} slot;
	/* the core's own */
	uint8_t core_state;
	enum gw_status core_status;
	void (*core_done)(struct gw_io *io);
	uint64_t core_mail[3];
};

/* Ends a request.  The lane's own loop; from inside submit() is allowed (the
 * core defers it).  Exactly once. */
void gw_io_done(struct gw_io *io, enum gw_status status);
/* The same from any other thread: it travels to the lane's loop by mail. */
void gw_io_done_elsewhere(struct gw_io *io, enum gw_status status);

struct gw_store_arg {
	const char *key, *value;
};

struct gw_store_args {
	const char *target; /* what stands behind the store's name: a path, a size */
	bool read_only;
	bool direct; /* O_DIRECT asked for */
	const char *size_text; /* --size: make it if absent, sparse; or null */
	const struct gw_store_arg *more;
	unsigned n_more;
	struct drv_fs *fs; /* blocking file calls (gateway/loop/drv_fs.h) */
};

/* Told to the core by a store whose size, mode or presence changed by itself. */
typedef void gw_store_changed_fn(void *arg);

/* A place that lend() is asked for, and the answer. */
struct gw_loan {
	uint64_t offset; /* bytes, inside the store */
	uint32_t length;
	const void *at; /* null as it comes; null still: not now, so submit() follows */
	void *token; /* the store's own; null as it comes */
};

struct gw_store_ops {
	uint32_t struct_size; /* sizeof(struct gw_store_ops): grows at the end only */
	uint32_t abi; /* GW_STORE_ABI */
	const char *name; /* "file" */
	const char *help; /* one line */

	/* Helper thread (or main before anything is served); may block.  0 or
	 * -errno and a sentence.  Fills info. */
	int (*open)(const struct gw_store_args *args, struct gw_store **out,
		    struct gw_store_info *info, struct gw_err *err);
	/* Helper thread; may block; no lane is open. */
	void (*close)(struct gw_store **store);
	/* Helper thread; may block.  Looks again: size, presence.  Null: nothing
	 * ever changes. */
	int (*refresh)(struct gw_store *store, struct gw_store_info *info, struct gw_err *err);

	/* The lane's loop.  Null: the store needs no object of its own per loop;
	 * submit() gets a null lane. */
	int (*lane_open)(struct gw_store *store, struct loop *loop, struct gw_store_lane **out,
			 struct gw_err *err);
	void (*lane_close)(struct gw_store_lane **lane); /* nothing in flight */
	/* The lane's loop.  Never blocks. */
	void (*submit)(struct gw_store *store, struct gw_store_lane *lane, struct gw_io *io);

	/* Any thread.  Bytes written and not known durable, for the progress at the
	 * end.  Null: unknown. */
	uint64_t (*dirty_bytes)(struct gw_store *store);

	/* The lane's loop; never blocks.  READs without a copy: where these bytes stand
	 * in the store's own memory, to be sent from there by the kernel; nobody looks
	 * at them in user space, and a system call may find them gone (EFAULT).  They
	 * may change when they are written later.  Of n places (at least one), those that
	 * a turn brought: looked for one by one, each would wait for memory anew.
	 * back() comes once for each that was lent, on the same loop, with its token.
	 * Both members null: it lends nothing; back null: it need not know. */
	void (*lend)(struct gw_store *store, struct gw_store_lane *lane, struct loop *loop,
		     struct gw_loan *loans, unsigned n);
	void (*back)(struct gw_store *store, struct gw_store_lane *lane, void *token);
	/* Any thread.  The file that lend() lends from: the kernel may be asked to send
	 * its pages (loop_stream_send_lent).  Null: it is none. */
	struct drv_file *(*lent_file)(struct gw_store *store);
};

#endif
