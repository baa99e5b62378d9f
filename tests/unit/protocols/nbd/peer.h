/* SPDX-License-Identifier: BSD-3-Clause
 *
 * peer.h - an NBD client with a plain model of the export: sends commands at
 * random, cut into pieces anywhere, and holds each reply against the model.
 *
 * Written from proto.md alone, without our codecs.  Runs over fuzz_stack.h: the
 * real core and file store over the simulated driver.  Ranges of commands in
 * flight never overlap, so that the model knows each byte.
 */
#ifndef TESTS_UNIT_PROTOCOLS_NBD_PEER_H
#define TESTS_UNIT_PROTOCOLS_NBD_PEER_H

#include "tests/fuzz/fuzz_stack.h"

enum peer_kind { PEER_SIMPLE, PEER_CHUNKS, PEER_EXTENDED };
enum {
	PEER_READ,
	PEER_WRITE,
	PEER_DISC,
	PEER_FLUSH,
	PEER_TRIM,
	PEER_CACHE,
	PEER_ZEROES,
	PEER_STATUS,
	PEER_KINDS
};
enum {
	PEER_FUA = 1,
	PEER_NO_HOLE = 2,
	PEER_DF = 4,
	PEER_REQ_ONE = 8,
	PEER_FAST = 16,
	PEER_PAYLOAD = 32
};

#define PEER_DEPTH_MAX 40u
#define PEER_IMAGE (40u << 20)

struct peer_cmd {
	bool busy, fails;
	uint16_t type, flags;
	uint64_t offset;
	uint32_t length, expect_error;
	uint32_t covered; /* PEER_READ: bytes that came */
	bool chunk; /* PEER_STATUS: the descriptors came */
};

struct peer {
	struct fuzz_stack *stack; /* own, or that of another peer */
	struct fuzz_stack own;
	struct fuzz_client client;
	struct sim_rng rng;
	enum peer_kind kind;
	uint32_t block, longest;
	unsigned depth, n_busy, done;
	struct peer_cmd cmd[PEER_DEPTH_MAX];
	uint8_t *model;
	unsigned holes, errors, counts[PEER_KINDS];
	bool blind; /* the disk fails: the model does not hold, errors are welcome */
	bool no_room; /* ENOMEM may be the answer to a long read */
};

/* Up, connected, in transmission. */
void peer_begin(struct peer *peer, uint64_t seed, enum peer_kind kind,
		const struct fuzz_stack_cfg *cfg);
/* Connects and shakes hands, again. */
void peer_shake_hands(struct peer *peer);
/* The head of a request (and of BLOCK_STATUS the payload); returns its bytes. */
size_t peer_put_request(struct peer *peer, uint8_t *to, unsigned slot, const struct peer_cmd *c);
/* Sends a command at random from this idle slot, if a range is free. */
void peer_start(struct peer *peer, unsigned slot);
/* Sends this command; payload: its bytes where it is a write. */
void peer_start_this(struct peer *peer, unsigned slot, const struct peer_cmd *c);
/* Waits for one reply or chunk and checks it. */
void peer_take_reply(struct peer *peer);
/* That many commands at random, and all their replies. */
void peer_mix(struct peer *peer, unsigned commands);
/* DISC: nothing more comes, the daemon closes; all down. */
void peer_end(struct peer *peer);

#endif
