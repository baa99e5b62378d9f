/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_aoe_user.h - a simulated AoE client with a will: what it asks, when it shuts
 * others out and lets them in again; and all that it hears held against the model.
 *
 * What is demanded of writes (protocols/aoe/aoe_order.h says why no more can be):
 * one that was answered is there, whatever copies of its frames come later, until
 * another one is answered that was sent after that; one that was given up loses to
 * every write that was sent when none of its frames could be under way any more.
 *
 *   nobody ─▶ TAKE ─▶ HOLD ─▶ LEAVE ─▶ LOOK ─▶ nobody      a turn at a list
 */
#ifndef TESTS_SIM_SIM_AOE_USER_H
#define TESTS_SIM_SIM_AOE_USER_H

#include "tests/sim/sim_aoe.h"
#include "tests/sim/sim_model.h"

#define SIM_AOE_LOST_MAX 64u
#define SIM_AOE_STRING 16u /* bytes of a config string: a number */

/* Parts of 100 for the kinds of commands (the rest: READ), odds of 10,000 per
 * burst for turns at a list. */
struct sim_aoe_habits {
	unsigned depth, burst;
	uint64_t think_min_ns, think_max_ns;
	unsigned max_sectors;
	unsigned write, flush, trim, verify, identify, string, fua;
	unsigned lists;
	uint64_t hold_max_ns;
	bool durable; /* an answered write is */
	bool in_order; /* strings are read in the order in which they were set */
	bool refused; /* somebody has turns at the lists */
	bool errors_happen; /* commands may fail; otherwise one that does is a finding */
	uint64_t first, sectors; /* the part of the volume it works on; 0: all */
};

/* Whose turn it is, as all clients of a run know. */
struct sim_aoe_lists {
	unsigned reserver, masker; /* id of the client; 0: nobody */
	uint64_t reserved_ns, masked_ns; /* since it was told */
};

enum sim_aoe_turn { SIM_AOE_NOBODY, SIM_AOE_TAKE, SIM_AOE_HOLD, SIM_AOE_LEAVE, SIM_AOE_LOOK };

struct sim_aoe_lost {
	uint32_t write;
	uint64_t landed_ns;
};

struct sim_aoe_user {
	struct sim_world *world;
	struct sim_model *model;
	struct sim_aoe *aoe;
	struct sim_aoe_lists *lists;
	unsigned id;
	struct sim_aoe_habits habits;
	struct sim_event tick, grace, turn;
	struct sim_aoe_lost lost[SIM_AOE_LOST_MAX]; /* given up, and not surely over */
	unsigned n_lost;
	struct sim_aoe_range again[SIM_AOE_LOST_MAX]; /* to be written again */
	unsigned n_again;
	enum sim_aoe_turn at;
	enum sim_aoe_kind list; /* MASK or RESERVE */
	bool list_busy;
	bool naming; /* a string is being set or read */
	unsigned gave_up; /* commands */
	uint64_t off_ns; /* since then it is on no list */
	unsigned string_sent, string_told; /* numbers of strings */
	bool stopped;
	uint64_t commands, answered, errors, budget;
};

struct sim_aoe_user *sim_aoe_user_new(struct sim_ether *ether, struct sim_model *model, unsigned id,
				      const struct sim_aoe_cfg *cfg,
				      const struct sim_aoe_habits *habits,
				      struct sim_aoe_lists *lists, uint64_t budget);
void sim_aoe_user_free(struct sim_aoe_user **user);
/* No new command. */
void sim_aoe_user_stop(struct sim_aoe_user *user);
/* It sent all that it wanted, everything is answered, it is on no list. */
bool sim_aoe_user_idle(const struct sim_aoe_user *user);

/* sim_aoe_ask.c: one command; false: it has none free, or no disk yet. */
bool sim_aoe_ask_any(struct sim_aoe_user *user);
bool sim_aoe_ask_write(struct sim_aoe_user *user, uint64_t first, uint32_t count, bool fua);
bool sim_aoe_ask_read(struct sim_aoe_user *user, uint64_t first, uint32_t count);
/* A range that was given up, as far as a frame carries it. */
bool sim_aoe_ask_again(struct sim_aoe_user *user);
/* The daemon is gone, and with it what it was doing: commands that go on asking are
 * new ones for the model. */
void sim_aoe_ask_renew(struct sim_aoe_user *user);

/* sim_aoe_turn.c: a turn begins by chance, and goes on with answers. */
void sim_aoe_turn_begin(struct sim_aoe_user *user);
void sim_aoe_turn_done(struct sim_aoe_user *user, const struct sim_aoe_cmd *cmd,
		       enum sim_aoe_end end);
/* A command that was answered, though others have the disk? */
void sim_aoe_turn_judge(struct sim_aoe_user *user, const struct sim_aoe_cmd *cmd);
void sim_aoe_turn_init(struct sim_aoe_user *user);

#endif
