/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_stack.h - the whole daemon over the simulated driver, and one client that
 * sends whatever bytes it is told and keeps what comes back.
 *
 * Virtual time, one thread, everything from a seed: a finding of the fuzzer is
 * replayed by its input alone.  Users: fuzz_nbds_conn.c, fuzz_iscsi_conn.c,
 * fuzz_aoe_conn.c, fuzz_ctl_msg.c, and the tests of whole connections in tests/unit/protocols.
 */
#ifndef TESTS_FUZZ_FUZZ_STACK_H
#define TESTS_FUZZ_FUZZ_STACK_H

#include "tests/sim/sim_daemon.h"

struct fuzz_stack {
	struct sim_host *host;
	struct sim_daemon daemon;
};

struct fuzz_stack_cfg {
	const struct gw_front_ops *front; /* null: NBD */
	unsigned aoe; /* interfaces with AoE beside it, at most SIM_AOE_IFACES */
	uint32_t mtu_bytes; /* of these; 0: 1500 */
	unsigned loops;
	uint64_t pool_bytes; /* 0: the default */
	uint32_t requests; /* 0: the default */
	uint32_t block_bytes;
	uint64_t image_bytes;
	bool direct; /* O_DIRECT */
};

void fuzz_stack_up(struct fuzz_stack *stack, uint64_t seed, const struct fuzz_stack_cfg *cfg);
/* Drains and destroys; false: the simulation has found a fault (printed). */
bool fuzz_stack_down(struct fuzz_stack *stack);
/* Lets the world turn for that long. */
void fuzz_stack_run(struct fuzz_stack *stack, uint64_t for_ns);

struct fuzz_client {
	struct fuzz_stack *stack;
	struct sim_conn *conn;
	uint8_t *in; /* what came and was not taken */
	size_t len, room;
	bool connected, closed;
	int errnum;
};

/* Connects and waits until it stands (or is refused: closed). */
void fuzz_client_open(struct fuzz_client *client, struct fuzz_stack *stack);
/* The same at another address. */
void fuzz_client_dial(struct fuzz_client *client, struct fuzz_stack *stack,
		      const struct loop_addr *addr);
void fuzz_client_send(struct fuzz_client *client, const void *bytes, size_t n);
/* Cut in pieces by the seed, the world turning in between. */
void fuzz_client_send_cut(struct fuzz_client *client, const uint8_t *bytes, size_t n, uint8_t seed);
/* Turns the world until n bytes are here; false: the connection ended, or nothing
 * came within a minute. */
bool fuzz_client_wait(struct fuzz_client *client, size_t n);
/* Takes n bytes off the front. */
void fuzz_client_take(struct fuzz_client *client, size_t n);
/* Turns the world until the daemon has closed; false: not within a minute. */
bool fuzz_client_wait_closed(struct fuzz_client *client);
/* Ends the connection, orderly or not, and frees what is here. */
void fuzz_client_close(struct fuzz_client *client, bool orderly);

#endif
