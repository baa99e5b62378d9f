/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_state.h - sessions, connections, tasks and what waits to be sent, as the
 * files of this folder share them; no functions but counting.
 *
 *   iscsi_home (one per loop) ──▶ iscsi_sess ──▶ iscsi_task ──▶ scsi_task
 *        │ slabs of tasks and outs    │  window      │ allegiance
 *        └ counters                   └─▶ iscsi_conn ◀┘
 *                                            │ inbox, sink
 *                                            └─ queue of iscsi_out
 *
 * A task belongs to its session; conn is its allegiance, and a pointer (RFC 7143
 * 4.2.5), null when that connection has ended.  What is sent is an iscsi_out with
 * its numbers, so that recovery can keep it.  Who changes what: iscsi_tcp.c the
 * receive side, iscsi_out.c the send side, iscsi_dataout.c and iscsi_datain.c the
 * data of tasks, iscsi_sess.c and iscsi_conn.c birth and death.  All on the home
 * loop, but for what says loop 0.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_STATE_H
#define PROTOCOLS_ISCSI_ISCSI_STATE_H

#include <sys/queue.h>

#include "gateway/api/access.h"
#include "gateway/api/inbox.h"
#include "gateway/api/nexus.h"
#include "gateway/api/reset.h"
#include "gateway/api/share.h"
#include "gateway/base/counter.h"
#include "gateway/loop/loop_door.h"
#include "gateway/loop/loop_stream.h"
#include "protocols/iscsi/iscsi_conn_fsm.h"
#include "protocols/iscsi/iscsi_keys.h"
#include "protocols/iscsi/iscsi_pdu.h"
#include "protocols/iscsi/iscsi_rx.h"
#include "protocols/iscsi/iscsi_sess_fsm.h"
#include "protocols/iscsi/iscsi_window.h"
#include "translators/scsi/scsi_task.h"
#include "translators/scsi/scsi_tmf.h"
#include "translators/scsi/scsi_unit.h"

#define ISCSI_RX_BYTES 65536u /* a receive buffer */
#define ISCSI_RECV_MAX 262144u /* the data segment that we declare to take */
#define ISCSI_FIRST_BURST 65536u /* at most: set aside for each place of the window */
#define ISCSI_MAX_BURST GW_BUF_MAX_BYTES
#define ISCSI_R2T_MAX 4u /* outstanding, of one task */
#define ISCSI_SLOTS 128u /* of the command window */
#define ISCSI_DEPTH_MIN 16u /* places of the smallest window */
#define ISCSI_IMMEDIATE_MAX 32u /* immediate requests of a session in progress */
#define ISCSI_TX_IOV 256u
#define ISCSI_TRAIL 16u /* last moves of a machine, for the debugger */

/* Of the pool, per session, three accounts, so that nobody waits for what only a later
 * PDU can give back:
 * in: receive buffers, and the first burst of each command that the window lets come;
 *     all of it is guaranteed, so that reading never stops for it.
 * asked: what R2Ts ask for.  Who has none waits as a hungry task, and is read on.
 * out: what goes out is freed by the initiator's reading; so are pings and text. */
#define ISCSI_ASKED_GUARANTEED_BYTES SCSI_WHOLE_MAX_BYTES
#define ISCSI_ASKED_LIMIT_BYTES (32u << 20)
#define ISCSI_OUT_GUARANTEED_BYTES 65536u
#define ISCSI_OUT_LIMIT_BYTES (32u << 20)
#define ISCSI_OUT_PDUS 4096u /* and never more than so many PDUs of data */

struct iscsi_conn;
struct iscsi_sess;
struct iscsi_task;
struct iscsi_slab;
struct iscsi_talk;
struct iscsi_reg;
struct iscsi_names;
struct gw_front;

enum iscsi_counter {
#define COUNTER(name, help) ISCSI_COUNT_##name,
#include "protocols/iscsi/iscsi_counters.tbl"
#undef COUNTER
	ISCSI_COUNTERS
};

/* ---- what is sent --------------------------------------------------------- */

enum iscsi_statsn {
	ISCSI_STATSN_NONE, /* the field is reserved */
	ISCSI_STATSN_SHOW, /* the next one, which does not advance */
	ISCSI_STATSN_TAKE /* its own */
};

#define ISCSI_SMALL_BYTES 256u /* sense data, the header of a rejected PDU */

/* A PDU of ours, from its queueing until it was sent.  StatSN, ExpCmdSN, MaxCmdSN and
 * digests are put in when it is gathered, so they are those of that moment. */
struct iscsi_out {
	STAILQ_ENTRY(iscsi_out) next;
	struct iscsi_task *task; /* it may still get this task's status; or null */
	uint8_t statsn; /* enum iscsi_statsn */
	bool closes; /* the connection ends when it was sent */
	bool lent; /* data stands in the store's own memory (iscsi_loan.h) ... */
	struct drv_file *file; /* ... in this file, and is sent by reference; or null */
	uint32_t data_bytes; /* without padding */
	uint8_t head[ISCSI_BHS_BYTES + ISCSI_DIGEST_BYTES];
	uint8_t tail[ISCSI_RX_TAIL_MAX_BYTES];
	struct gw_mem data; /* where n is 0 and data_bytes is not: small */
	uint8_t small[ISCSI_SMALL_BYTES];
};
STAILQ_HEAD(iscsi_outs, iscsi_out);

/* Pieces of data that were lent (iscsi_loan.h); of one connection. */
struct iscsi_loan {
	unsigned settled; /* cannot change any more, and the nexus is not told yet */
	unsigned open; /* sent by reference, and not acknowledged */
	uint32_t until; /* the ExpStatSN that acknowledges all of these */
	uint32_t told; /* the last one that came */
	bool moot; /* the initiator logs out: nothing is open any more */
	bool wanted; /* somebody waits for that */
	uint32_t ttt; /* of the NOP-In that asks; or ISCSI_NO_TAG */
	unsigned asked; /* how many of `open` were sent before it */
	struct instant since; /* it was */
};

/* ---- one request of an initiator ------------------------------------------ */

/* A burst of data-out that the initiator was asked for, or sends unasked. */
struct iscsi_burst {
	bool open;
	uint32_t ttt, offset, bytes, got; /* offset: of the transfer */
	uint32_t datasn; /* expected next */
};

enum iscsi_task_state {
	ISCSI_TASK_COMING, /* its own data segment is being received */
	ISCSI_TASK_KEPT, /* an earlier CmdSN is missing */
	ISCSI_TASK_BEHIND, /* in turn, but a function on many tasks waits (iscsi_ripen.h) */
	ISCSI_TASK_BEGUN,
	ISCSI_TASK_ENDED /* the answer waits for data that is still under way */
};

struct iscsi_task {
	struct scsi_task scsi; /* first; used where the PDU is a SCSI Command */
	struct iscsi_sess *sess;
	struct iscsi_conn *conn; /* null: it is gone, and the session is closing */
	LIST_ENTRY(iscsi_task) link; /* of the session's */
	LIST_ENTRY(iscsi_task) bucket; /* by initiator task tag */
	STAILQ_ENTRY(iscsi_task) hungry; /* waits for memory; also the free list */
	uint8_t state; /* enum iscsi_task_state */
	bool is_scsi; /* scsi is in use */
	bool hashed, is_hungry;
	bool abandoned; /* its session has asked it to end */
	bool counted; /* takes a place of the window */
	bool condemned; /* a function will end it: it asks for no more data */
	/* 1 + the condition (scsi_sense.tbl) that it fails with; its data is dropped */
	uint16_t broken;
	unsigned inside; /* calls into the command that are on the stack */

	/* ---- data-out (iscsi_dataout.c) ---- */
	uint64_t expected; /* bytes that the initiator brings */
	uint64_t wanted; /* that the command wants; valid once it asked */
	uint64_t given; /* bytes handed to the command */
	bool asked;
	uint32_t piece_bytes, piece_got, piece_asked; /* asked: by R2T or unsolicited */
	struct iscsi_burst unasked, r2t[ISCSI_R2T_MAX];
	unsigned n_r2t;
	uint32_t r2tsn;

	/* ---- data-in (iscsi_datain.c) ---- */
	uint32_t datasn, in_offset, in_burst; /* in_burst: bytes of the running sequence */
	struct iscsi_out *last; /* queued and not gathered: may carry the status */
	bool managing; /* tmf is in use (iscsi_tmf.c) */
	unsigned told_units; /* whose resets have been told to all */
	struct gw_reset_waiter told;
	bool ripens, all_units; /* iscsi_ripen.c */
	STAILQ_ENTRY(iscsi_task) behind; /* of those with that state */

	/* ---- not cleared for a new task, but that it is empty (iscsi_pool.c) ---- */
	struct gw_mem data; /* the data segment of the request itself */
	struct iscsi_pdu pdu; /* its cdb pointer is not valid: see scsi.cdb */
	uint8_t bhs[ISCSI_BHS_BYTES]; /* as it came, for Reject */
	struct iscsi_data_in last_head; /* of last */
	struct gw_mem piece; /* memory for [given, given + piece_bytes) */
	struct instant ripe_by;
	void (*ripe)(struct iscsi_task *tmf);
	TAILQ_ENTRY(iscsi_task) ripening;
	struct scsi_tmf tmf;
};
LIST_HEAD(iscsi_task_list, iscsi_task);

/* ---- connection ----------------------------------------------------------- */

/* What the stream brings next. */
enum iscsi_expect { ISCSI_EXPECT_HEAD, ISCSI_EXPECT_DATA, ISCSI_EXPECT_TAIL, ISCSI_EXPECT_NOTHING };

struct iscsi_conn {
	/* ---- each turn ---- */
	struct iscsi_home *home;
	struct iscsi_sess *sess;
	struct loop_stream stream;
	struct loop_task task;
	const char *doom; /* it shall end, and why (iscsi_doom.h) */
	bool offence; /* the initiator's fault */
	bool dead; /* ends when nothing is armed */
	bool finished;
	bool waiting; /* for memory; woken by a waiter */
	bool logged_out; /* the response is on its way, nothing is read any more */
	uint8_t state; /* enum iscsi_conn_state */
	uint8_t trail[ISCSI_TRAIL];
	unsigned moves;

	/* ---- receive (iscsi_tcp.c) ---- */
	uint8_t expect; /* enum iscsi_expect */
	struct iscsi_rx_rules rules;
	struct gw_inbox inbox;
	struct gw_share share;
	uint32_t rx_need; /* bytes of the head or tail */
	struct iscsi_rx_layout layout; /* of the PDU whose data comes */
	struct iscsi_pdu pdu;
	uint8_t bhs[ISCSI_BHS_BYTES]; /* as it came, for Reject */
	struct iscsi_task *into; /* whose data it is; null: nobody's */
	struct gw_mem *sink; /* null: skip */
	uint32_t sink_from, sink_got;
	struct gw_mem limbo; /* memory of a task that ended while its data came */
	bool unsummed; /* part of the data went there: no digest can be told */
	uint32_t crc;
	uint16_t reject; /* 1 + reason: the PDU is rejected when it is over; 0: it is not */
	uint8_t place; /* enum iscsi_place, of a Data-Out */
	struct gw_mem_waiter mem_waiter;

	/* ---- send (iscsi_out.c) ---- */
	uint32_t statsn;
	struct iscsi_outs queue, sending;
	unsigned n_queued;
	struct iscsi_loan loan;
	struct drv_file *tx_file; /* in which something of tx_iov stands; or null */
	unsigned tx_n;
	struct iovec tx_iov[ISCSI_TX_IOV];

	/* ---- seldom ---- */
	struct iscsi_params params; /* digests and lengths of this connection */
	LIST_ENTRY(iscsi_conn) link; /* of its session */
	uint16_t cid;
	struct loop_peer peer;
	struct iscsi_portal *portal; /* by which it came */
	struct instant since, heard; /* heard: bytes came */
	struct loop_timer alive;
	uint32_t ping_ttt; /* of the NOP-In that waits for its answer; or ISCSI_NO_TAG */
	struct iscsi_talk *talk; /* text in full feature phase (iscsi_talk.h); or null */
	/* its session's: it is dead, nothing more goes out; and: nothing is armed */
	void (*lost)(struct iscsi_conn *conn);
	void (*ended)(struct iscsi_conn *conn);
	struct loop_mail mail; /* to loop 0 */
};
LIST_HEAD(iscsi_conn_list, iscsi_conn);

/* ---- session -------------------------------------------------------------- */

#define ISCSI_BUCKETS 64u

/* A connection that comes into a session that lives, in the place of the one with its
 * CID (6.3.4); embedded in its login. */
struct iscsi_join {
	LIST_ENTRY(iscsi_join) link;
	struct iscsi_sess *sess; /* null: it is not in that list */
	uint16_t cid;
	bool told; /* ready(ok) was called */
	/* Home loop, never from inside iscsi_sess_join().  ok: the old connection and its
	 * tasks have ended; not ok, perhaps after that: the session or this place is lost. */
	void (*ready)(struct iscsi_join *join, bool ok);
};
LIST_HEAD(iscsi_join_list, iscsi_join);

struct iscsi_sess {
	/* ---- loop 0: the register (iscsi_reg.c) ---- */
	LIST_ENTRY(iscsi_sess) entry;
	bool ending; /* its end was asked for: end_mail is on its way, or was */
	bool end_heard; /* end_mail is back */
	bool buried; /* it has gone; freed when end_mail is back and no visitor is left */
	unsigned visitors; /* logins on their way into it */
	TAILQ_HEAD(, iscsi_heir) heirs; /* who waits for its end */

	/* ---- never changes ---- */
	struct iscsi_home *home;
	char initiator[ISCSI_NAME_MAX + 1], target[ISCSI_NAME_MAX + 1];
	char initiator_port[GW_PORT_NAME_MAX], target_port[GW_PORT_NAME_MAX];
	uint8_t isid[6];
	const char *volume; /* its name, while the nexus holds it; "" */
	uint16_t tsih, cid; /* cid: of its only connection */
	bool discovery;
	struct iscsi_params params;
	void (*gone_at_loop0)(struct loop_mail *mail); /* mail: of this session */

	/* ---- home loop ---- */
	uint8_t state; /* enum iscsi_sess_state */
	uint8_t trail[ISCSI_TRAIL];
	unsigned moves;
	bool held; /* by the login that makes it */
	bool closing; /* no answer goes out any more */
	bool cold; /* it has reset the target: with it all others end (11.6.1) */
	bool gone;
	struct iscsi_window window;
	void *slots[ISCSI_SLOTS];
	unsigned immediate; /* immediate requests in progress */
	struct iscsi_task_list tasks;
	unsigned n_tasks;
	struct iscsi_task *logout; /* in order: it waits for those before it */
	struct iscsi_task_list bucket[ISCSI_BUCKETS];
	STAILQ_HEAD(, iscsi_task) hungry; /* wait for memory, or to be looked at */
	unsigned n_hungry;
	struct loop_timer hunger;
	struct loop_task feed;
	TAILQ_HEAD(, iscsi_task) ripening; /* functions that wait, the oldest first ... */
	STAILQ_HEAD(, iscsi_task) behind; /* ... and commands behind them */
	struct loop_timer ripe_timer;
	struct loop_task ripen;
	void (*unblocked)(struct iscsi_sess *sess);
	uint32_t next_ttt;
	struct iscsi_conn_list conns;
	unsigned n_conns;
	struct iscsi_join_list joins;
	struct gw_grant grant;
	struct gw_nexus *nexus;
	struct scsi_port port;
	struct scsi_nexus *scsi;
	struct gw_credit in, asked, out;
	bool credits;
	bool shrinks; /* its window is deeper than it shall be (iscsi_depth.c) */
	struct loop_timer patience; /* so long it waits for the ends of tasks */
	struct loop_task rest; /* looks whether all has ended that somebody waits for */
	struct loop_task opened; /* of discovery: there is nothing to join */
	void (*ready)(struct iscsi_sess *sess, bool ok);
	void *owner; /* of ready(); both null once nobody waits */
	LIST_ENTRY(iscsi_sess) link; /* of its home */
	struct loop_mail mail; /* from and to loop 0 */
	struct loop_mail end_mail;
	uint64_t requests, read_bytes, written_bytes, errors;
};
LIST_HEAD(iscsi_sess_list, iscsi_sess);

/* An address at which the targets are reached; outlives everything else. */
struct iscsi_portal {
	struct loop_door door; /* first */
	struct iscsi_home *homes;
	bool wild; /* no address that a client could use */
};

/* Everything of this front end on one loop. */
struct iscsi_home {
	struct gw_front *front;
	struct gw *gw;
	struct loop *loop;
	struct gw_pool *pool;
	struct iscsi_reg *reg; /* loop 0's */
	const struct iscsi_names *names;
	struct iscsi_sess_list sessions;
	struct loop_task deal; /* deals the memory of windows anew */
	bool draining;
	unsigned n_talks; /* with room for a long answer (iscsi_talk.c) */
	struct counter counters[ISCSI_COUNTERS];
	STAILQ_HEAD(, iscsi_task) free_tasks;
	struct iscsi_outs free_outs;
	struct iscsi_slab *slabs;
};

static inline void iscsi_count(struct iscsi_home *home, enum iscsi_counter which, uint64_t n)
{
	counter_add(&home->counters[which], n);
}

#endif
