/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_task.h - one SCSI command in flight, and what its transport can do for it.
 *
 * The wall between transports (iSCSI, iSER, FC by the shim) and the command set.
 * A transport embeds a struct scsi_task in its own object, fills the upper part
 * and starts it; the translator asks it for memory and data by struct scsi_port_ops.
 *
 *   transport                              translator                    core
 *   scsi_task_start() ─────────────────▶ dispatch ── row ── handler
 *                    ◀── receive(n) ─────   wants n bytes of data-out
 *   scsi_task_data(mem) ───────────────▶   piece after piece, in order ─▶ gw_req
 *                    ◀── memory(n) ──────   wants memory for data-in
 *   scsi_task_resume() ────────────────▶   there is some now
 *                    ◀── send(mem) ──────   data-in, in order       ◀──── done
 *                    ◀── done() ─────────   status, sense, residuals; once
 *
 * Everything runs on the home loop of the nexus.  Ops may be called from inside
 * scsi_task_start(), scsi_task_data() and scsi_task_resume(); done() may, too.
 * From inside receive(), memory() and send() a transport may bring data, and must
 * neither abort nor leave that task; from inside done() it may start other tasks.
 */
#ifndef TRANSLATORS_SCSI_SCSI_TASK_H
#define TRANSLATORS_SCSI_SCSI_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "gateway/api/buf.h"
#include "gateway/api/req.h"
#include "translators/scsi/scsi.h"
#include "translators/scsi/scsi_sense.h"

struct scsi_task;
struct scsi_tmf; /* scsi_tmf.h */
struct scsi_nexus; /* scsi_unit.h: an I_T nexus as SCSI sees it */
struct scsi_unit; /* scsi_unit.h: a logical unit of it */
struct scsi_row; /* scsi_row.h */
struct scsi_data; /* scsi_data.h */

#define SCSI_CDB_MAX 260u /* SPC-4 4.3.3: the longest variable length CDB */
#define SCSI_SENSE_MAX 252u /* SPC-4 4.5.1 */
#define SCSI_PIECES_MAX 4u /* reads of one task at the core, or writes that wait to get there */
/* Data-out that a command must see as a whole before it acts (parameter lists, the
 * blocks of COMPARE AND WRITE): never more than this. */
#define SCSI_WHOLE_MAX_BYTES (128u << 10)

/* What a transport does for a task.  Home loop. */
struct scsi_port_ops {
	/* The command wants `bytes` of data-out, never more than expected_out.  The
	 * transport brings them by scsi_task_data(), in order, in pieces of its
	 * choice: each but the last a multiple of task->granule_bytes and at most
	 * GW_BUF_MAX_BYTES.  Where the command must see its data as a whole,
	 * granule_bytes is all of it: it comes in one piece (SCSI_WHOLE_MAX_BYTES at
	 * most).  How many pieces may be at the core at once is the transport's
	 * business (its memory); see scsi_task_room().  At most once per task. */
	void (*receive)(struct scsi_task *task, uint64_t bytes);
	/* Memory for data-in: up to `bytes`, at least min_bytes (0: all or nothing),
	 * appended to mem.  Returns what there is; 0: none now, and the transport
	 * calls scsi_task_resume() when there may be some. */
	uint32_t (*memory)(struct scsi_task *task, uint32_t bytes, uint32_t min_bytes,
			   struct gw_mem *mem);
	/* Data-in, ascending and gapless; the memory is the transport's from here (it
	 * empties mem).  Where done() follows from inside the same call of ours the
	 * transport may put status into the last data PDU. */
	void (*send)(struct scsi_task *task, struct gw_mem *mem);
	/* The end: status, sense and residuals are filled.  Exactly once for each
	 * task that was started and not left.  aborted: send no answer (SAM-5 7.6),
	 * unless status is TASK ABORTED.  The task is the transport's again. */
	void (*done)(struct scsi_task *task);
};

/* A piece of a long transfer; scsi_rw.c and its kin. */
struct scsi_piece {
	/* READ: where it goes, then what came, until its turn to be sent.  WRITE:
	 * what came, while there is no request for it. */
	struct gw_mem mem;
	uint64_t at; /* bytes into the transfer */
	uint32_t bytes;
	bool arrived;
};

struct scsi_task {
	/* ---- filled by the transport before scsi_task_start() ---- */
	uint8_t cdb[SCSI_CDB_MAX]; /* cdb_bytes of it; scsi_task_init() leaves it alone */
	struct scsi_nexus *nexus;
	const struct scsi_port_ops *ops;
	uint8_t lun[8]; /* SAM-5 4.7 */
	uint16_t cdb_bytes; /* what came: 16, or more by AHS */
	uint8_t attr; /* enum scsi_attr */
	bool read, write; /* the transport's R and W flags */
	uint64_t tag; /* for logs and task management */
	uint64_t expected_in, expected_out; /* bytes the initiator has room for, or brings */
	bool lend; /* data-in is sent and never looked at: reads may be lent (GW_LEND); how
		    * many may still change is told by scsi_nexus_unsettled() */
	bool unsolicited; /* data-out may come unasked: it is dropped when not wanted */

	/* ---- the result, valid in done() ---- */
	uint8_t status; /* SAM-5 5.3.1 */
	bool aborted;
	uint8_t sense_bytes; /* 0: none; in sense, at the end */
	/* What the command would have moved, whatever was expected: the transport
	 * makes overflow and underflow of it (RFC 7143 11.4.5).  in_sent: what send()
	 * was given, never more than expected_in. */
	uint64_t in_bytes, in_sent, out_bytes, out_taken;

	/* ---- the translator's own ---- */
	uint32_t granule_bytes; /* the transport reads it in receive() */
	struct scsi_unit *unit;
	const struct scsi_row *row;
	TAILQ_ENTRY(scsi_task) link; /* of the unit's tasks */
	TAILQ_ENTRY(scsi_task) wait_link; /* of those that wait for their turn */
	uint64_t number; /* the nexus counts its tasks, from 1 */
	uint8_t order; /* enum scsi_turn, scsi_order.h */
	bool waits_turn, wants_memory, failed, silent;
	void (*pump)(struct scsi_task *task); /* goes on where it stopped */
	void (*data)(struct scsi_task *task, struct gw_mem *mem); /* takes data-out */
	bool (*arrived)(struct scsi_task *task, struct gw_req *req); /* true: keeps it */
	void (*whole)(struct scsi_task *task); /* data-out is complete, in gather */
	void (*build)(struct scsi_task *task, struct scsi_data *out); /* fills data-in */
	struct gw_req *reqs; /* at the core, by slot.ptr[0] and [1] */
	struct gw_req *again; /* ended, each waits for a request to verify it */
	unsigned n_busy; /* how many are at the core */
	struct gw_req_waiter req_waiter;
	uint64_t lba, blocks; /* of the CDB */
	uint64_t offset, length; /* bytes on the volume */
	uint64_t given, ended; /* bytes of length at the core, and back */
	uint64_t slot[4]; /* the handler's */
	uint8_t first_piece, n_pieces; /* those in use, in a ring */
	uint8_t known_pieces; /* what is behind them in piece[] was never in use */
	uint8_t why_status;
	uint64_t why_at;
	struct scsi_sense why; /* failed: the failure nearest to the beginning */
	struct gw_mem gather; /* parameter data, or the pattern of WRITE SAME */
	/* large: scsi_task_init() touches nothing of what follows */
	struct scsi_piece piece[SCSI_PIECES_MAX]; /* scsi_io_piece() */
	uint8_t sense[SCSI_SENSE_MAX];
};

/* ---- home loop ---------------------------------------------------------- */

/* In which file what was lent to this task stands (loop_stream_send_lent); null: none. */
struct drv_file *scsi_task_lent_file(const struct scsi_task *task);
/* A task that holds nothing: everything zero, but for bytes that nobody reads. */
void scsi_task_init(struct scsi_task *task);
/* Hands the command over.  All errors come by done() with sense. */
void scsi_task_start(struct scsi_task *task);
/* The next bytes of data-out; takes the memory (empties mem).  Only after
 * receive(), and never more than it asked for. */
void scsi_task_data(struct scsi_task *task, struct gw_mem *mem);
/* How many more pieces scsi_task_data() can take now.  It is SCSI_PIECES_MAX but
 * when the pool of requests is empty; a transport that has as many or fewer pieces
 * under way need not ask.  What comes beyond makes the command fail, no more. */
unsigned scsi_task_room(const struct scsi_task *task);
/* memory() said none: there may be some now.  Not from inside gw_mem_waiter.wake,
 * which runs inside other calls of ours: from a task of the loop. */
void scsi_task_resume(struct scsi_task *task);
/* Data-out will not come (the transport lost it): done() with CHECK CONDITION and
 * this condition (enum scsi_condition), once the store has ended with what came. */
void scsi_task_fail(struct scsi_task *task, int condition);
/* An end is wanted (task management).  done() comes with aborted set when the
 * store has ended with all pieces; nothing more is sent. */
void scsi_task_abort(struct scsi_task *task);
/* The transport leaves: nothing is called any more; what is at the store becomes
 * an orphan of the core. The object is the transport's again at once. */
void scsi_task_leave(struct scsi_task *task);

#endif
