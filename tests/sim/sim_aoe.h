/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_aoe.h - one simulated AoE client: stations on the segment, the targets they
 * have found, commands in frames, and frames sent again until one is answered.
 *
 *   command ─▶ frame, tag ──▶ a station of ours ─▶ segment ─▶ a target of the daemon
 *      ▲          └── no answer in time: again, perhaps by another station or target
 *      └──── answer: judged by AoEr11 and ACS-3, then done() once
 *
 * A client has no connection and never stops asking, unless its patience ends.  It
 * waits for an answer at least as long as a frame can be under way (what a network
 * owes to AoE: protocols/aoe/aoe_order.h, "new tags"); the time from there to its
 * answer is measured as Linux does it.  What the bytes mean for the volume is its
 * owner's business (sim_aoe_user.h).
 */
#ifndef TESTS_SIM_SIM_AOE_H
#define TESTS_SIM_SIM_AOE_H

#include "tests/sim/sim_aoe_wire.h"
#include "tests/sim/sim_ether.h"

#define SIM_AOE_DEPTH 32u
#define SIM_AOE_MACS 3u /* stations of one client */
#define SIM_AOE_TARGETS 2u /* of which it knows at a time */
#define SIM_AOE_PARTS 3u /* ranges of a TRIM */
#define SIM_AOE_LIST_MAX 32u
#define SIM_AOE_SHELF 1u
#define SIM_AOE_SLOT 2u

enum sim_aoe_style {
	SIM_AOE_NEW_TAGS, /* Linux: a frame sent again is a new message, and the old is forgotten */
	SIM_AOE_SAME_TAGS, /* boot loaders: the same bytes again, and any answer will do */
	SIM_AOE_STYLES
};

enum sim_aoe_kind {
	SIM_AOE_KIND_READ,
	SIM_AOE_KIND_WRITE,
	SIM_AOE_KIND_TRIM,
	SIM_AOE_KIND_FLUSH,
	SIM_AOE_KIND_VERIFY,
	SIM_AOE_KIND_IDENTIFY,
	SIM_AOE_KIND_STRING, /* Query Config */
	SIM_AOE_KIND_MASK,
	SIM_AOE_KIND_RESERVE
};

struct sim_aoe_cfg {
	enum sim_aoe_style style;
	unsigned macs;
	uint64_t wait_min_ns, wait_max_ns; /* for an answer, beside what the network may take */
	uint64_t patience_ns; /* then a command is given up; 0: never */
	/* Others may not hear of a write's answer before none of its frames can be under
	 * way, and for so long on; 0: its own answer is enough. */
	uint64_t linger_ns;
	bool resizes; /* the MTU may change: a command may be too long by then, and ends */
};

struct sim_aoe_range {
	uint64_t first;
	uint32_t count;
};

struct sim_aoe;
struct sim_aoe_cmd {
	bool used, ending, answered;
	enum sim_aoe_kind kind;
	uint8_t code; /* enum sim_aoe_code, by the kind */
	struct sim_aoe_range range[SIM_AOE_PARTS];
	unsigned n_ranges;
	bool fua;
	uint8_t op, flags; /* of ATA */
	uint8_t list_command; /* string, mask, reserve: what to do */
	uint8_t directive;
	/* the owner's */
	uint32_t write[SIM_AOE_PARTS]; /* the model's numbers; 0: none */
	uint64_t stamp;
	bool reading;
	uint8_t *out; /* payload; the command's */
	uint32_t out_bytes;
	/* the wire's */
	uint32_t tag;
	unsigned tries, mac, target;
	uint64_t begun_ns, sent_ns;
	uint64_t landed_ns; /* by then every frame of it has arrived, or never will */
	struct sim_event again;
	struct sim_aoe *aoe;
	/* the answer, valid in done() */
	uint8_t error, status; /* enum sim_aoe_error; of ATA */
	const uint8_t *in;
	uint32_t in_bytes;
};

enum sim_aoe_end { SIM_AOE_ANSWERED, SIM_AOE_GIVEN_UP };

struct sim_aoe_ops {
	/* The disk was found. */
	void (*ready)(void *arg);
	void (*done)(void *arg, struct sim_aoe_cmd *cmd, enum sim_aoe_end end);
};

struct sim_aoe_target {
	bool known;
	uint8_t mac[6];
	uint32_t sectors; /* of one command */
	uint64_t heard_ns;
};

struct sim_aoe {
	struct sim_world *world;
	struct sim_ether *ether;
	unsigned id;
	struct sim_aoe_cfg cfg;
	const struct sim_aoe_ops *ops;
	void *arg;
	struct sim_station *station[SIM_AOE_MACS];
	struct sim_aoe_target target[SIM_AOE_TARGETS];
	bool ready;
	struct sim_aoe_cmd cmd[SIM_AOE_DEPTH];
	unsigned in_flight;
	uint32_t tags; /* given out */
	uint64_t avg_ns, dev_ns; /* of the time to an answer */
	struct sim_event seek;
	unsigned asked; /* how often since it last heard */
	uint8_t frame[SIM_AOE_LONGEST];
};

struct sim_aoe *sim_aoe_new(struct sim_ether *ether, const struct sim_aoe_cfg *cfg,
			    const struct sim_aoe_ops *ops, void *arg, unsigned id);
void sim_aoe_free(struct sim_aoe **aoe);
/* Looks for the disk: asks everybody. */
void sim_aoe_seek(struct sim_aoe *aoe);
/* A free command, to be filled and sent; null: none is free. */
struct sim_aoe_cmd *sim_aoe_take(struct sim_aoe *aoe);
/* Sends it until it is answered or given up. */
void sim_aoe_send(struct sim_aoe_cmd *cmd);
/* The most sectors of one command by any target. */
uint32_t sim_aoe_sectors(const struct sim_aoe *aoe);
const uint8_t *sim_aoe_mac(const struct sim_aoe *aoe, unsigned i);

/* For sim_aoe_rx.c. */
void sim_aoe_heard(void *aoe, const uint8_t *frame, size_t len);
void sim_aoe_found(struct sim_aoe *aoe, const uint8_t mac[6], uint32_t sectors);
/* cmd: whose answer this is, or null: nobody waits for it any more. */
void sim_aoe_measure(struct sim_aoe *aoe, const struct sim_aoe_cmd *cmd, uint32_t tag);
void sim_aoe_finish(struct sim_aoe_cmd *cmd, enum sim_aoe_end end);

#endif
