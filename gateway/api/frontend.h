/* SPDX-License-Identifier: BSD-3-Clause
 *
 * frontend.h - what anything that brings requests must do.
 *
 * A front end is a folder plus one row in gateway/daemon/builtins.tbl.  It
 * brings its own serve options, counters and lists; the core and the client join
 * them and know none by name.
 */
#ifndef GATEWAY_API_FRONTEND_H
#define GATEWAY_API_FRONTEND_H

#include <stddef.h>
#include <stdint.h>

#include "gateway/api/out.h"
#include "gateway/loop/loop.h"

struct gw;
struct gw_err;
struct gw_volume;
struct gw_front; /* the front end's own */

#define GW_FRONT_ABI 1u

/* One word of the command line: a row of options.tbl or of a front end.  The
 * man page is held against these rows, both ways. */
struct gw_option {
	const char *name; /* "nbd" for --nbd */
	const char *arg; /* "ADDR:PORT|unix:PATH", or null for a switch */
	const char *help; /* one line, no full stop */
	bool repeatable;
};

/* What the administrator wants of a front end: its options in their order. */
struct gw_setting {
	const char *key, *value; /* key = an option's name; value "" for a switch */
};

struct gw_front_ops {
	uint32_t struct_size;
	uint32_t abi;
	const char *name; /* "nbd": also the protocol's name in lists */
	const char *help;

	const struct gw_option *options; /* its rows for `sluice serve` */
	unsigned n_options;
	/* Used by `serve` where no protocol option is given at all; null: this one
	 * runs only when asked for. */
	const struct gw_setting *defaults;
	unsigned n_defaults;

	/* Loop 0.  Opens every listener, accepts nobody yet.  The settings are
	 * borrowed for the call.  Fails with a sentence that names the address and
	 * its holder; nothing is left behind then.  -EAGAIN: an address is in use by
	 * nobody that lives (drv.h); the caller asks again for DRV_LINGER_MS. */
	int (*create)(struct gw *gw, const struct gw_setting *settings, unsigned n,
		      struct gw_front **out, struct gw_err *err);
	/* Loop 0.  Begins to accept. */
	void (*start)(struct gw_front *front);
	/* Loop 0.  No new connection, no new request; what is in flight is answered;
	 * every connection has ended by the deadline (then by force).  done() on loop
	 * 0, never from inside. */
	void (*drain)(struct gw_front *front, struct instant deadline, void (*done)(void *arg),
		      void *arg);
	/* Loop 0, after drain. Clears the pointer. */
	void (*destroy)(struct gw_front **front);

	/* Loop 0.  One record "export" per address at which this volume is reached:
	 * text fields volume, protocol, address, uri, attach (the command that attaches
	 * it), and what only this protocol has; attach may come several times. */
	void (*exports)(struct gw_front *front, struct gw_volume *volume, struct gw_out *out);
	/* Any loop: the records "connection" of the connections whose home is this
	 * loop: text protocol, volume, initiator, peer, target, header_digest,
	 * data_digest ("none" where there are none); number loop, requests,
	 * read_bytes, written_bytes, in_flight, errors, age_s, depth (commands that
	 * there is room for), window (those that may still come now); and what only
	 * this protocol has.  Called on that loop. */
	void (*list)(struct gw_front *front, struct loop *loop, struct gw_out *out);
	/* Any loop, called on it: the front end's own counters of this loop, as
	 * number fields of the record already begun. */
	void (*counters)(struct gw_front *front, struct loop *loop, struct gw_out *out);
};

#endif
