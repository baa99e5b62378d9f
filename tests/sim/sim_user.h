/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_user.h - a simulated client with a will: what it asks, when it leaves,
 * how it comes back; and everything it hears held against the model.
 *
 *   user ─▶ line[n] ─▶ sim_nbd (one connection at a time each)
 *             └─ writes whose connection is gone and not yet decided
 *
 * A line that lost its connection opens another one after a while and, if told
 * so, first writes the lost ranges again with new stamps.
 */
#ifndef TESTS_SIM_SIM_USER_H
#define TESTS_SIM_SIM_USER_H

#include "tests/sim/sim_model.h"
#include "tests/sim/sim_nbd.h"

/* Parts of 100 for the kinds of commands (the rest: READ), odds of 10,000 per
 * command for what goes wrong. */
struct sim_habits {
	unsigned lines, depth, burst;
	uint64_t think_min_ns, think_max_ns;
	unsigned max_sectors;
	unsigned write, flush, zero, trim, cache, status, fua;
	unsigned cut, half_open, vanish, leave, half_request, pause;
	uint64_t pause_max_ns, away_max_ns;
	bool rewrite;	    /* lost ranges again, after a reconnect */
	bool errors_happen; /* commands may fail; otherwise one that does is a finding */
	uint64_t first, sectors; /* the part of the volume it works on; 0: all */
};

struct sim_user;

/* One connection and what is left of it. */
struct sim_call {
	struct sim_user *user;
	struct sim_line *line; /* null when over */
	struct sim_nbd *nbd;
	uint64_t born; /* the model's stamp */
	uint32_t lost[SIM_NBD_DEPTH];
	unsigned n_lost;
	struct sim_event grace; /* from the daemon's knowing to all its loops' */
	struct sim_call *next;
};

struct sim_range {
	uint64_t first;
	uint32_t count;
};

struct sim_line {
	struct sim_user *user;
	struct sim_call *call; /* null: not connected */
	struct sim_event tick, resume;
	struct sim_range again[SIM_NBD_DEPTH]; /* to be written again */
	unsigned n_again;
};

struct sim_user {
	struct sim_world *world;
	struct sim_net *net;
	struct sim_model *model;
	unsigned id;
	struct sim_habits habits;
	struct loop_addr addr;
	struct sim_nbd_cfg cfg;
	struct sim_line *line;
	struct sim_call *calls; /* all that are not freed yet */
	bool stopped;
	uint8_t *scratch; /* payload of a write; max_sectors */
	uint64_t commands, answered, errors, connects;
	uint64_t budget; /* commands it will still send */
};

struct sim_user *sim_user_new(struct sim_net *net, struct sim_model *model, unsigned id,
			      const struct loop_addr *addr, const struct sim_nbd_cfg *cfg,
			      const struct sim_habits *habits, uint64_t budget);
void sim_user_free(struct sim_user **user);

/* Connects and begins. */
void sim_user_start(struct sim_user *user);
/* No new command and no new connection. */
void sim_user_stop(struct sim_user *user);
/* It sent all that it wanted, and everything is answered or over. */
bool sim_user_idle(const struct sim_user *user);
/* Every connection ends: orderly, or not. */
void sim_user_hang_up(struct sim_user *user, bool orderly);

/* One command by hand, on the first line that is ready; false: none is, or it is
 * at its depth. */
bool sim_user_write(struct sim_user *user, uint64_t first, uint32_t count, bool fua);
bool sim_user_read(struct sim_user *user, uint64_t first, uint32_t count);
bool sim_user_flush(struct sim_user *user);
/* A line is connected and through its handshake. */
bool sim_user_ready(const struct sim_user *user);
unsigned sim_user_in_flight(const struct sim_user *user);

#endif
