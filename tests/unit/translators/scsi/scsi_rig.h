/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_rig.h - the command set over the real core and a fake store, under a fake
 * transport whose memory, pieces and moods are the test's.
 *
 *   cmd ──▶ scsi_task_start ──▶ dispatcher, handlers ──▶ core ──▶ fake_store
 *    ▲ receive, memory, send, done: checked against scsi_task.h
 */
#ifndef TESTS_UNIT_TRANSLATORS_SCSI_SCSI_RIG_H
#define TESTS_UNIT_TRANSLATORS_SCSI_SCSI_RIG_H

#include "tests/unit/gateway/core/core_rig.h"
#include "translators/scsi/scsi_lu.h"
#include "translators/scsi/scsi_tmf.h"

#define DISK_BYTES (4u << 20)

struct scsi_rig {
	struct rig core;
	struct fake_store *fake;
	uint32_t block;
	struct scsi_port port;
	struct scsi_nexus *nexus;
	unsigned readied, resets;
	bool own_reset; /* the transport aborts when it hears of a reset */

	/* ---- the transport's memory ---- */
	unsigned refuse; /* so many calls of memory() get none */
	uint32_t memory_max; /* at most so much a call; 0: no limit */
	unsigned asked; /* calls of memory() */
	/* ---- its pieces of data-out ---- */
	uint32_t piece_bytes; /* 0: as long as may be */
	bool by_hand; /* the test calls cmd_bring() */
};

struct cmd {
	struct scsi_task task;
	struct scsi_rig *rig;
	const uint8_t *out; /* data-out */
	uint64_t out_bytes; /* what the initiator brings: expected_out */
	uint64_t wanted, brought; /* receive() */
	uint8_t *in; /* what was sent */
	uint64_t in_bytes, sends;
	bool waits; /* memory() said none */
	unsigned ended;
	uint64_t when;
	struct cmd *then; /* started in done() */
};

/* A volume "disk" of DISK_BYTES with LUN 0; the attention of power on is taken
 * away unless keep_attention. */
void scsi_rig_up(struct scsi_rig *rig, uint32_t block);
/* facts: changes the store before it is opened. */
void scsi_rig_up_with(struct scsi_rig *rig, uint32_t block, bool read_only,
		      void (*change)(struct gw_store_info *info), bool keep_attention,
		      const struct gw_limits *limits);
void scsi_rig_down(struct scsi_rig *rig);
struct scsi_unit *scsi_rig_unit(struct scsi_rig *rig);

/* A command with room for in bytes and out bytes of data (which stay the test's). */
void cmd_init(struct cmd *cmd, struct scsi_rig *rig, const void *cdb, unsigned cdb_bytes,
	      uint64_t in, const void *out, uint64_t out_bytes);
void cmd_start(struct cmd *cmd);
/* Brings the next piece of at most so many bytes of data-out. */
void cmd_bring(struct cmd *cmd, uint32_t bytes);
/* Turns until it has ended (it must) and frees nothing. */
void cmd_settle(struct cmd *cmd);
/* start and settle; the status. */
uint8_t cmd_run(struct cmd *cmd);
void cmd_free(struct cmd *cmd);

/* All of it: init, run; the status.  cmd_free() follows. */
uint8_t cmd_in(struct cmd *cmd, struct scsi_rig *rig, const void *cdb, unsigned n, uint64_t in);
uint8_t cmd_out(struct cmd *cmd, struct scsi_rig *rig, const void *cdb, unsigned n, const void *out,
		uint64_t bytes);
uint8_t cmd_none(struct cmd *cmd, struct scsi_rig *rig, const void *cdb, unsigned n);

enum cmd_way { CMD_ABORT, CMD_LEAVE, CMD_FAIL, CMD_WAYS };

/* Lets a command go so many steps (a turn, a piece of data-out, memory, an end at
 * the store), ends it that way and lets all settle: done() comes once, or never
 * where it was left.  False: it had ended before.  The store holds (FAKE_HELD),
 * pieces are brought by_hand. */
bool cmd_ends_at(struct scsi_rig *rig, const uint8_t cdb[16], uint64_t in, const void *out,
		 uint64_t out_bytes, unsigned step, enum cmd_way way);

/* It ended with CHECK CONDITION and this condition. */
#define assert_condition(cmd, condition_)                                     \
	do {                                                                  \
		assert_int_equal((cmd)->task.status, SCSI_CHECK_CONDITION);   \
		assert_int_equal(cmd_code(cmd), scsi_sense_code(condition_)); \
		assert_int_equal(cmd_key(cmd), scsi_sense_key(condition_));   \
	} while (0)
/* ... and points at this byte and bit of the CDB (bit -1: none). */
#define assert_cdb_field(cmd, byte_, bit_)                           \
	do {                                                         \
		assert_condition(cmd, SCSI_IS_BAD_CDB);              \
		assert_int_equal(cmd_field(cmd, true, bit_), byte_); \
	} while (0)
#define assert_list_field(cmd, byte_, bit_)                           \
	do {                                                          \
		assert_condition(cmd, SCSI_IS_BAD_LIST);              \
		assert_int_equal(cmd_field(cmd, false, bit_), byte_); \
	} while (0)

uint16_t cmd_code(const struct cmd *cmd);
uint8_t cmd_key(const struct cmd *cmd);
int cmd_field(const struct cmd *cmd, bool in_cdb, int bit);
/* The INFORMATION field of fixed sense; -1: not valid. */
int64_t cmd_information(const struct cmd *cmd);

#endif
