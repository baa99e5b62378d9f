/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi_state.h - what a session of the simulated initiator is made of, how it
 * gathers bytes, and how it ends.  Ground for the login (sim_iscsi_login.h), what
 * comes (sim_iscsi_rx.h), what goes (sim_iscsi_tx.h) and the whole (sim_iscsi.h).
 *
 *   LOGIN ─success─▶ READY ─▶ OVER          one session is one connection
 *
 * Every command ends once: answered, aborted, or over with the session.
 */
#ifndef TESTS_SIM_SIM_ISCSI_STATE_H
#define TESTS_SIM_SIM_ISCSI_STATE_H

#include "tests/sim/sim_iscsi_wire.h"
#include "tests/sim/sim_net.h"

#define SIM_ISCSI_DEPTH 32u
#define SIM_ISCSI_BURSTS (SIM_ISCSI_DEPTH * 5u)
#define SIM_ISCSI_CAW_MAX 8u /* sectors */

enum sim_iscsi_style {
	SIM_STYLE_PLAIN, /* one request, operational stage */
	SIM_STYLE_SECURITY, /* security stage first */
	SIM_STYLE_PARTS, /* keys dealt to several requests */
	SIM_STYLE_CONTINUED, /* one text in several PDUs (C bit) */
	SIM_STYLES
};

struct sim_iscsi_cfg {
	enum sim_iscsi_style style;
	bool initial_r2t, immediate, header_digest, data_digest;
	uint32_t first_burst, max_burst, max_r2t;
	uint32_t recv_max; /* what we take in one PDU */
	uint32_t send_max; /* what we put into one at most */
	uint8_t isid[6];
	/* 0: the leading login.  Else of the session whose connection it replaces, and the
	 * numbers between which that one goes on: acknowledged, and sent. */
	uint16_t tsih;
	uint32_t acked_cmdsn, sent_cmdsn;
	unsigned port; /* number of the initiator: its name */
	unsigned corrupt; /* of 10,000 PDUs, where a digest covers the byte */
	unsigned *spoils; /* how many it may spoil yet */
	bool mute; /* does not answer pings */
	unsigned block_sectors; /* of a logical block of the unit; 0: 1 */
	uint64_t die_after; /* bytes sent; SIM_NEVER */
	uint64_t hold_after; /* the same, but it says no more and stays; 0: never */
};

enum sim_iscsi_kind {
	SIM_KIND_READ,
	SIM_KIND_WRITE,
	SIM_KIND_SYNC,
	SIM_KIND_UNMAP,
	SIM_KIND_SAME, /* one block again and again */
	SIM_KIND_ZERO, /* WRITE SAME of zeroes */
	SIM_KIND_CAW,
	SIM_KIND_TEST,
	SIM_KIND_NOP
};

enum sim_iscsi_end { SIM_ANSWERED, SIM_ABORTED, SIM_LOST };

struct sim_iscsi_cmd {
	bool used, ending;
	enum sim_iscsi_kind kind;
	uint64_t first;
	uint32_t count;
	bool fua, long_cdb; /* the 16 byte form */
	bool immediate; /* out of the order of CmdSN */
	/* the owner's */
	uint32_t write; /* the model's number; 0: none */
	uint64_t stamp;
	bool reading; /* stamp is a read's */
	bool aborting; /* an ABORT TASK is on its way */
	bool again; /* it was reset away: no answer may come */
	uint64_t sent_ns;
	uint8_t *out, *in;
	uint32_t out_bytes, in_bytes;
	/* the wire's */
	uint32_t itt, cmdsn;
	uint32_t asked; /* bytes of out that were sent or asked for */
	uint32_t r2tsn, datasn, got, in_burst;
	unsigned r2ts; /* not served to the end yet */
	/* the answer */
	bool corrupted; /* by us: it may fail for that */
	uint8_t status, key;
	uint16_t code; /* ASC and ASCQ */
};

/* A run of Data-Out PDUs that is to be sent. */
struct sim_iscsi_burst {
	struct sim_iscsi_cmd *cmd;
	uint32_t ttt, offset, bytes, datasn;
};

struct sim_iscsi;
struct sim_iscsi_ops {
	void (*ready)(void *arg, struct sim_iscsi *iscsi);
	void (*done)(void *arg, struct sim_iscsi *iscsi, struct sim_iscsi_cmd *cmd,
		     enum sim_iscsi_end end);
	void (*over)(void *arg, struct sim_iscsi *iscsi, int errnum);
	void (*decided)(void *arg, struct sim_iscsi *iscsi);
	/* A task management function was answered. */
	void (*managed)(void *arg, struct sim_iscsi *iscsi, uint8_t answer);
};

enum sim_iscsi_phase { SIM_ISCSI_LOGIN, SIM_ISCSI_READY, SIM_ISCSI_OVER };

struct sim_iscsi {
	struct sim_world *world;
	struct sim_conn *conn; /* not touched when over */
	unsigned id;
	struct sim_iscsi_cfg cfg; /* wanted, then agreed */
	const struct sim_iscsi_ops *ops;
	void *arg;
	enum sim_iscsi_phase phase;
	bool decided, leaving;
	uint16_t tsih;
	uint32_t target_max; /* MaxRecvDataSegmentLength of the target */

	/* login */
	void (*logged_in)(struct sim_iscsi *iscsi);
	unsigned step, csg;
	bool more, refused; /* more of the text of this request is to be sent */
	char text[1024];
	uint32_t text_bytes, text_at;
	char heard[4096]; /* the target's keys, one after the other */
	uint32_t heard_bytes;
	uint64_t asked_ns, ready_ns;

	/* receiving: the next `want` bytes go to dst, then next() */
	uint8_t head[SIM_BHS + 4], *dst;
	size_t want, have;
	void (*next)(struct sim_iscsi *iscsi);
	uint8_t *data; /* of the PDU that comes, with padding and digest */
	uint32_t data_bytes;

	/* numbers */
	uint32_t cmdsn, exp_statsn, exp_cmdsn, max_cmdsn, next_itt;
	uint64_t sent, pings;
	bool head_spoilt; /* a header of ours was: only an end may follow */

	struct sim_iscsi_cmd cmd[SIM_ISCSI_DEPTH];
	unsigned in_flight;
	struct sim_iscsi_burst burst[SIM_ISCSI_BURSTS];
	unsigned bursts;
	struct sim_event pour;
	struct {
		uint32_t itt, cmdsn;
		enum sim_iscsi_tmf_kind kind; /* 0: none under way */
		struct sim_iscsi_cmd *cmd;
		uint32_t cmd_itt;
		uint64_t sent_ns;
	} tmf;
	uint32_t logout_itt;
	uint8_t *scratch; /* a PDU that is being built */
};

/* Bytes came in; returns how many were used. */
size_t sim_iscsi_feed(struct sim_iscsi *iscsi, const uint8_t *buf, size_t len);
void sim_iscsi_want(struct sim_iscsi *iscsi, uint8_t *dst, size_t want,
		    void (*next)(struct sim_iscsi *iscsi));
/* The same into iscsi->data, which is made large enough. */
void sim_iscsi_want_data(struct sim_iscsi *iscsi, size_t want,
			 void (*next)(struct sim_iscsi *iscsi));
void sim_iscsi_finish(struct sim_iscsi *iscsi, struct sim_iscsi_cmd *cmd, enum sim_iscsi_end end);

/* The connection is over for the initiator; every command ends. */
void sim_iscsi_over(struct sim_iscsi *iscsi, int errnum);
/* Ways to go; over() is called from inside each. */
void sim_iscsi_close(struct sim_iscsi *iscsi); /* an end in the middle of anything */
void sim_iscsi_vanish(struct sim_iscsi *iscsi); /* reset */
/* The target broke the protocol. */
void sim_iscsi_offence(struct sim_iscsi *iscsi, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Not from inside a callback. */
void sim_iscsi_free(struct sim_iscsi **iscsi);

#endif
