/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_model.h - what a volume may contain: the model checker's view.
 *
 * Every sector of every write carries a stamp (write, sector, writer).  For each
 * sector the model keeps the writes whose bytes may be there:
 *
 *   submitted ─▶ acknowledged: replaces what had ended before it was submitted
 *       │    └─▶ failed:       may be there or not, ends now
 *       └──────▶ lost:         the connection went; it may still land, until the
 *                              daemon knows (decided), and then only where no
 *                              write that came later was acknowledged: the orphan
 *                              rule.  Later is what came on a connection begun
 *                              after that, or after all loops knew (ended)
 *
 * Sessions of one iSCSI port follow each other: nothing of an older one lands after
 * a newer one is ready.  A COMPARE AND WRITE is a read and a write in one: what it
 * found must have been there, it takes the place of each write once at most, and
 * one that found something else is never seen.
 *
 * A write is superseded for good when a later one is durable: acknowledged with
 * FUA, or before a FLUSH was submitted that is acknowledged.  After a power cut
 * what is on the disk must be a write that is not.
 */
#ifndef TESTS_SIM_SIM_MODEL_H
#define TESTS_SIM_SIM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/sim_world.h"

#define SIM_MODEL_SECTOR 512u

/* SAME: the stamp of the first sector in all of them (WRITE SAME). */
enum sim_kind { SIM_DATA, SIM_ZERO, SIM_SAME };

struct sim_write {
	uint64_t first;
	uint32_t count, writer;
	enum sim_kind kind;
	bool fua;
	uint64_t born; /* when its connection was begun; stamps are the model's clock */
	uint64_t submit, ack, end; /* UINT64_MAX: not yet */
	uint64_t decided; /* lost: when the daemon knew */
	uint32_t port, session; /* of iSCSI: which port's, and its how manieth; or 0 */
	bool seen; /* a read has found it */
	uint32_t kept, gone; /* sectors, at a power cut */
};

struct sim_entry {
	uint32_t write, remover;
	uint64_t removed; /* a read submitted later cannot see it */
	bool dead; /* a power cut cannot bring it back */
	bool beaten; /* a COMPARE AND WRITE has found it and taken its place */
};

struct sim_cell {
	struct sim_entry *entry;
	uint16_t n, room;
};

struct sim_model {
	struct sim_world *world;
	uint64_t sectors;
	struct sim_cell *cell;
	struct sim_write *write; /* [0]: the zeroes of the beginning */
	size_t n_writes, write_room;
	uint64_t clock;
	uint64_t disturbed; /* when a failed sync last gave bytes up */
	uint64_t settled; /* the last power cut: answers from before say nothing any more */
	uint64_t *reads; /* stamps of reads in flight, ascending; 0: answered */
	size_t reads_first, reads_n, reads_room;
	bool reads_tear; /* a sector beside a write may be part old, part new */
	bool write_through; /* every acknowledged write is durable */
};

struct sim_model *sim_model_new(struct sim_world *world, uint64_t sectors);
void sim_model_free(struct sim_model **model);

/* A stamp for a connection that is begun now. */
uint64_t sim_model_now(struct sim_model *model);
/* A write is about to be sent, on a connection born then; returns its number. */
uint32_t sim_model_write(struct sim_model *model, uint32_t writer, uint64_t born,
			 enum sim_kind kind, uint64_t first, uint32_t count, bool fua);
/* It belongs to this session of an iSCSI port (both from 1). */
void sim_model_of_session(struct sim_model *model, uint32_t write, uint32_t port, uint32_t session);
/* The bytes that this write sends; of SAME: one sector. */
void sim_model_fill(const struct sim_model *model, uint32_t write, uint8_t *buf);
void sim_model_acked(struct sim_model *model, uint32_t write);
void sim_model_failed(struct sim_model *model, uint32_t write, uint32_t error);
void sim_model_lost(struct sim_model *model, uint32_t write);
/* The daemon knows that its connection is gone: it loses to every write of a
 * connection begun from now on ... */
void sim_model_decided(struct sim_model *model, uint32_t write);
/* ... and every loop does: it loses to every write sent from now on. */
void sim_model_ended(struct sim_model *model, uint32_t write);

/* A read is about to be sent: its stamp.  Then exactly one of the others. */
uint64_t sim_model_read(struct sim_model *model);
/* Checks; a finding is the world's failure. */
bool sim_model_read_done(struct sim_model *model, uint64_t stamp, uint32_t reader, uint64_t first,
			 uint32_t count, const uint8_t *buf);
void sim_model_read_over(struct sim_model *model, uint64_t stamp);
/* A range was said to read as zeroes. */
bool sim_model_zero_told(struct sim_model *model, uint64_t stamp, uint32_t reader, uint64_t first,
			 uint64_t count);

/* A COMPARE AND WRITE (a write of its own, sent with the stamp of a read) has
 * ended well, or found something else.  Checks; the read is not over by this. */
bool sim_model_caw_won(struct sim_model *model, uint32_t write, uint64_t stamp, const uint8_t *buf);
bool sim_model_caw_lost(struct sim_model *model, uint32_t write, uint64_t stamp,
			const uint8_t *buf);

/* A flush is about to be sent: its stamp. */
uint64_t sim_model_flush(struct sim_model *model);
void sim_model_flushed(struct sim_model *model, uint64_t stamp);

/* A sync failed at the disk and gave these sectors up: older bytes may show. */
void sim_model_disturbed(struct sim_model *model, uint64_t first, uint64_t count);
/* After a power cut: safe() gives what is on the disk.  Checks every sector, and
 * from now on exactly that is the content. */
typedef void sim_model_peek_fn(void *arg, uint64_t first, uint32_t count, uint8_t *buf);
bool sim_model_power_cut(struct sim_model *model, sim_model_peek_fn *peek, void *arg);
/* The daemon has died, nothing else: checks every sector as a read would. */
bool sim_model_killed(struct sim_model *model, sim_model_peek_fn *peek, void *arg);

#endif
