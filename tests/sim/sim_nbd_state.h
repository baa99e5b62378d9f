/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd_state.h - what a simulated NBD connection is made of, how it gathers
 * bytes, and how it ends.  Ground for the handshake (sim_nbd_hs.h), the replies
 * (sim_nbd_rx.h) and the whole (sim_nbd.h).
 *
 *   NEW ─greeting─▶ OPTIONS ─GO acknowledged─▶ READY ─▶ OVER
 *
 * Every command ends once: answered, or over with the connection.
 */
#ifndef TESTS_SIM_SIM_NBD_STATE_H
#define TESTS_SIM_SIM_NBD_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/sim_nbd_wire.h"
#include "tests/sim/sim_net.h"

#define SIM_NBD_DEPTH 64
#define SIM_NBD_HEAD 44 /* the longest request but for the data of a WRITE */

enum sim_nbd_headers { SIM_NBD_SIMPLE, SIM_NBD_STRUCTURED, SIM_NBD_EXTENDED };

struct sim_nbd_cfg {
	enum sim_nbd_headers headers;
	bool export_name; /* the old way in, without GO (not with EXTENDED) */
	bool meta; /* asks for base:allocation (not with SIMPLE) */
	bool chatty; /* LIST, INFO and nonsense before GO */
	const char *name; /* the export */
};

struct sim_nbd_cmd {
	bool used, ending;
	uint16_t type, flags;
	uint64_t cookie, offset, length;
	/* the owner's */
	uint32_t write; /* the model's number */
	uint64_t stamp;
	/* READ: what came */
	uint8_t *buf;
	uint64_t got;
	unsigned chunks;
	/* STATUS: extents that came */
	struct sim_nbd_extent {
		uint64_t length;
		uint64_t flags;
	} * extent;
	unsigned extents;
	uint32_t error; /* NBD's number */
};

struct sim_nbd;
struct sim_nbd_ops {
	void (*ready)(void *arg, struct sim_nbd *nbd);
	/* The command is answered (cmd->error) or, lost: over with the connection. */
	void (*done)(void *arg, struct sim_nbd *nbd, struct sim_nbd_cmd *cmd, bool lost);
	void (*over)(void *arg, struct sim_nbd *nbd, int errnum);
	void (*decided)(void *arg, struct sim_nbd *nbd);
};

enum sim_nbd_phase { SIM_NBD_NEW, SIM_NBD_OPTIONS, SIM_NBD_READY, SIM_NBD_OVER };

struct sim_nbd {
	struct sim_world *world;
	struct sim_conn *conn; /* not touched when over */
	unsigned id;
	struct sim_nbd_cfg cfg;
	const struct sim_nbd_ops *ops;
	void *arg;
	enum sim_nbd_phase phase;
	bool decided;
	enum sim_nbd_headers headers; /* as agreed */
	bool meta_on;
	uint32_t meta_id;
	/* what the export told */
	uint64_t size;
	uint16_t flags;
	uint32_t block_min, block_max;

	/* receiving: the next `want` bytes go to dst (null: nowhere), then next() */
	uint8_t head[64];
	uint8_t *dst;
	size_t want, have;
	void (*next)(struct sim_nbd *nbd);
	uint8_t *payload; /* of an option reply or a chunk */
	size_t payload_len;
	void (*hs_ready)(struct sim_nbd *nbd); /* when the handshake has ended */
	unsigned step; /* of the options */
	uint32_t option;
	uint16_t chunk_type, chunk_flags;
	uint64_t chunk_data; /* bytes of a data chunk behind its offset */
	struct sim_nbd_cmd *now; /* whose reply is coming in */

	struct sim_nbd_cmd cmd[SIM_NBD_DEPTH];
	unsigned in_flight;
	uint64_t next_cookie;
};

/* Ways to go; over() is called from inside each. */
void sim_nbd_disconnect(struct sim_nbd *nbd); /* NBD_CMD_DISC and an orderly end */
void sim_nbd_close(struct sim_nbd *nbd); /* an end in the middle of anything */
void sim_nbd_vanish(struct sim_nbd *nbd); /* reset */

/* Not from inside a callback. */
void sim_nbd_free(struct sim_nbd **nbd);

/* The connection is over for the client; every command ends. */
void sim_nbd_over(struct sim_nbd *nbd, int errnum);
/* Bytes came in; returns how many were used. */
size_t sim_nbd_feed(struct sim_nbd *nbd, const uint8_t *buf, size_t len);
/* The header, and the payload of a BLOCK_STATUS that has one; its length. */
size_t sim_nbd_put_header(const struct sim_nbd *nbd, const struct sim_nbd_cmd *cmd, uint8_t *p);

void sim_nbd_want(struct sim_nbd *nbd, uint8_t *dst, size_t want,
		  void (*next)(struct sim_nbd *nbd));
/* The same into nbd->payload, which is made large enough. */
void sim_nbd_want_payload(struct sim_nbd *nbd, size_t want, void (*next)(struct sim_nbd *nbd));
/* The daemon broke the protocol. */
void sim_nbd_offence(struct sim_nbd *nbd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void sim_nbd_finish(struct sim_nbd *nbd, struct sim_nbd_cmd *cmd);

#endif
