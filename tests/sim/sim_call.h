/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_call.h - what a simulated client is made of, and the commands it sends on
 * one of its connections (a call).
 *
 *   user ─▶ line[n] ─▶ call ─▶ sim_nbd (one connection at a time each)
 *                       └─ writes whose connection is gone and not yet decided
 *
 * What it does with answers, and when it leaves and returns, is sim_user.h's.
 */
#ifndef TESTS_SIM_SIM_CALL_H
#define TESTS_SIM_SIM_CALL_H

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
	bool rewrite; /* lost ranges again, after a reconnect */
	bool errors_happen; /* commands may fail; otherwise one that does is a finding */
	uint64_t first, sectors; /* the part of the volume it works on; 0: all */
	unsigned block; /* sectors of a block: ranges are multiples of it; 0: 1 */
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

/* Commands of a given kind; cmd->type and flags are set, the range is given.  Of a
 * write, only so many bytes go out (UINT64_MAX: all). */
void sim_call_write(struct sim_call *call, struct sim_nbd_cmd *cmd, uint64_t first, uint32_t count,
		    uint64_t only_bytes);
void sim_call_read(struct sim_call *call, struct sim_nbd_cmd *cmd, uint64_t first, uint32_t count);
void sim_call_flush(struct sim_call *call, struct sim_nbd_cmd *cmd);
/* One command by chance, as the user's habits are; some of them only in part, and
 * then the connection ends. */
void sim_call_any(struct sim_call *call);
bool sim_call_odds(struct sim_user *user, unsigned of_10000);

#endif
