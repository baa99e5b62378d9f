/* SPDX-License-Identifier: BSD-3-Clause
 *
 * admin.h - what configuration and control may do to the core: make, change,
 * list, drain, remove.  The one door for gateway/ctl and gateway/daemon.
 *
 * Everything here is called on loop 0.  What takes time ends through a struct
 * gw_admin_op, on loop 0, never from inside the call that began it.
 */
#ifndef GATEWAY_CORE_ADMIN_H
#define GATEWAY_CORE_ADMIN_H

#include "gateway/api/frontend.h"
#include "gateway/api/gateway.h"
#include "gateway/api/out.h"
#include "gateway/api/store.h"
#include "gateway/base/err.h"

/* Bounds, all per loop unless said otherwise; 0: the default. */
struct gw_limits {
	uint64_t pool_bytes; /* memory of I/O; GW_POOL_MIN_BYTES at least */
	uint32_t requests; /* requests in flight */
	uint32_t nexuses; /* of the whole gateway */
};
#define GW_POOL_MIN_BYTES (40u << 20)
#define GW_POOL_DEFAULT_BYTES (256u << 20)

struct gw_admin_op {
	void (*done)(struct gw_admin_op *op);
	int rc; /* 0 or -errno */
	struct gw_err err;
	void *owner;
	struct loop_mail mail; /* the core's own */
};

/* The set is borrowed for the gateway's life. */
int gw_create(struct loop_set *loops, const struct gw_limits *limits, struct gw **out,
	      struct gw_err *err);
/* What tells this host from others, so that two of them that serve images of one path
 * are not taken for two ways to one disk: a part of every volume's identity.  Before
 * the first volume; what is too long is cut. */
#define GW_HOST_MAX 65
void gw_host_is(struct gw *gw, const char *host);
/* Where what must survive is kept (gateway/api/kept.h); made when it is needed.  0 or
 * -errno with a sentence. */
int gw_state_in(struct gw *gw, const char *folder, struct gw_err *err);
/* No volume and no front end may be left. */
void gw_destroy(struct gw **gw);

/* ---- volumes ------------------------------------------------------------ */

/* What the administrator wants of one volume; borrowed for the call. */
struct gw_volume_want {
	const char *name; /* [a-z0-9.-], not empty */
	const char *store; /* the store's name in the registry: "file", "memory" ... */
	struct gw_store_args args; /* fs is filled in by the core */
	uint32_t block_bytes; /* logical block 512 .. 65536; 0: the store's own, or 512 */
	bool write_through; /* every write durable before its answer */
};

/* Opens the store (on a helper), gives every loop its lane; then the volume is
 * online and can be found.  -EEXIST: the name is taken. */
void gw_volume_add(struct gw *gw, const struct gw_volume_want *want, struct gw_admin_op *op);
/* No new requests (GW_SHUTDOWN); those in flight end, to the deadline; what is
 * dirty is flushed; lanes and store are closed.  rc: of the flush: -EIO with a
 * sentence where something acknowledged as durable may be missing, -ETIMEDOUT
 * where the store did not answer. */
void gw_volume_remove(struct gw *gw, const char *name, struct instant deadline,
		      struct gw_admin_op *op);
/* Looks at the store again; a changed size is adopted by all loops, then told. */
void gw_volume_refresh(struct gw *gw, const char *name, struct gw_admin_op *op);
/* Bytes that the flush has still to write, as far as the store can tell. */
uint64_t gw_volume_dirty_bytes(struct gw *gw, const char *name);

/* ---- front ends --------------------------------------------------------- */

/* Opens the listeners of the front end `name`; -EEXIST: it runs already. */
int gw_front_add(struct gw *gw, const char *name, const struct gw_setting *settings, unsigned n,
		 struct gw_err *err);
/* Accepts from now on; after every volume and listener is there. */
void gw_front_start_all(struct gw *gw);
/* Drains to the deadline and removes it. */
void gw_front_remove(struct gw *gw, const char *name, struct instant deadline,
		     struct gw_admin_op *op);

/* ---- lists: records into out; those that visit the loops end by op ------- */

/* Names of what runs, for conf_apply: each(arg, name). */
void gw_volume_names(struct gw *gw, void (*each)(void *arg, const char *name), void *arg);
void gw_front_names(struct gw *gw, void (*each)(void *arg, const char *name), void *arg);
/* Records "export": fields volume, protocol, address, uri, attach. */
void gw_list_exports(struct gw *gw, struct gw_out *out);
/* Records "volume": name, store, target, state, size_bytes, block_bytes,
 * read_only, write_cache, uuid, and its counters summed over the loops:
 * reads, read_bytes, writes, written_bytes, flushes, others, errors, in_flight,
 * fences, orphans, nexuses. */
void gw_list_volumes(struct gw *gw, struct gw_out *out, struct gw_admin_op *op);
/* Records "connection" of every front end (frontend.h, list). */
void gw_list_connections(struct gw *gw, struct gw_out *out, struct gw_admin_op *op);
/* Records "loop": index, driver, turns, slow_turns, pool_bytes, pool_used_bytes,
 * requests, and the front ends' counters. */
void gw_list_loops(struct gw *gw, struct gw_out *out, struct gw_admin_op *op);

#endif
