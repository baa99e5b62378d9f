/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_sitting.h - what a simulated initiator is made of, and the commands it sends
 * in one of its sessions (a sitting).
 *
 *   initiator ─▶ sitting ─▶ sim_iscsi       one port, one session at a time
 *                  └─ writes whose session is gone and not yet decided
 *
 * What it does with answers, and when it leaves and returns, is sim_initiator.h's.
 */
#ifndef TESTS_SIM_SIM_SITTING_H
#define TESTS_SIM_SIM_SITTING_H

#include "tests/sim/sim_iscsi.h"
#include "tests/sim/sim_model.h"

#define SIM_AGAIN_MAX 64u

/* Parts of 100 for the kinds of commands (the rest: READ), odds of 10,000 per
 * command for what goes wrong. */
struct sim_manners {
	unsigned depth, burst;
	uint64_t think_min_ns, think_max_ns;
	unsigned max_sectors;
	unsigned write, sync, unmap, same, zero, caw, test, nop, fua;
	unsigned cut, half_open, vanish, leave, half_request, pause;
	unsigned stray, twice, abort, reset;
	uint64_t pause_max_ns, away_max_ns;
	uint64_t patience_ns; /* for one command, and then for its abort */
	bool rewrite; /* lost ranges again, after a reconnect */
	bool errors_happen; /* commands may fail; otherwise one that does is a finding */
};

struct sim_initiator;

/* One session and what is left of it. */
struct sim_sitting {
	struct sim_initiator *initiator;
	bool current, reinstates, rejoins;
	struct sim_iscsi *iscsi;
	uint64_t born; /* the model's stamp */
	uint32_t session; /* its number among those of this port */
	uint32_t lost[SIM_ISCSI_DEPTH];
	unsigned n_lost;
	uint64_t left_ns; /* when it asked for the logout */
	struct sim_event grace; /* from the daemon's knowing to all its loops' */
	struct sim_sitting *next;
};

struct sim_extent {
	uint64_t first;
	uint32_t count;
};

struct sim_initiator {
	struct sim_world *world;
	struct sim_net *net;
	struct sim_model *model;
	unsigned id;
	struct sim_manners manners;
	struct loop_addr addr;
	struct sim_iscsi_cfg cfg;
	struct sim_sitting *sitting; /* null: not connected */
	struct sim_sitting *sittings; /* all that are not freed yet */
	struct sim_event tick, resume, watch;
	struct sim_extent again[SIM_AGAIN_MAX]; /* to be written again */
	unsigned n_again, spoils;
	bool stopped;
	uint64_t commands, answered, errors, sessions;
	uint64_t budget; /* commands it will still send */
};

/* False: the window or the tags are used up. */
bool sim_sitting_write(struct sim_sitting *sitting, uint64_t first, uint32_t count, bool fua);
bool sim_sitting_read(struct sim_sitting *sitting, uint64_t first, uint32_t count);
/* found: what it is to find, count sectors. */
bool sim_sitting_caw(struct sim_sitting *sitting, uint64_t first, uint32_t count,
		     const uint8_t *found);
/* One command by chance, as the initiator's manners are. */
bool sim_sitting_any(struct sim_sitting *sitting);
bool sim_sitting_odds(struct sim_initiator *initiator, unsigned of_10000);
/* Whether a command of this kind is a write of the model. */
bool sim_sitting_writes(const struct sim_iscsi_cmd *cmd);

#endif
