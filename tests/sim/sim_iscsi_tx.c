/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi_tx.c - PDUs of the simulated initiator.
 */
#include "config.h"

#include "tests/sim/sim_iscsi_tx.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"

static struct sim_rng *rng_of(struct sim_iscsi *n)
{
	return &n->world->rng;
}

/* ---- one PDU ------------------------------------------------------------ */

/* A session that dies in the middle sends only so much. */
static void send_bytes(struct sim_iscsi *n, const uint8_t *buf, uint64_t len)
{
	uint64_t left = n->cfg.die_after - n->sent;

	if (n->phase == SIM_ISCSI_OVER)
		return;
	if (n->cfg.hold_after && n->sent + len > n->cfg.hold_after)
		len = n->sent < n->cfg.hold_after ? n->cfg.hold_after - n->sent : 0;
	if (len < left) {
		sim_net_send(n->conn, buf, len);
		n->sent += len;
		return;
	}
	sim_count(n->world, SIM_COVER_HALF_REQUEST);
	sim_net_send(n->conn, buf, left);
	if (sim_rng_chance(rng_of(n), 1, 2))
		sim_iscsi_vanish(n);
	else
		sim_iscsi_close(n);
}

static void flip(struct sim_iscsi *n, uint8_t *buf, size_t bytes)
{
	sim_count(n->world, SIM_COVER_DIGEST);
	buf[sim_rng_below(rng_of(n), bytes)] ^= (uint8_t)(1u << sim_rng_below(rng_of(n), 8));
}

/* Only where a digest covers the byte. */
static bool spoil(struct sim_iscsi *n, size_t head, size_t rest)
{
	bool can_head = n->cfg.header_digest, can_data = n->cfg.data_digest && rest;

	if (n->phase != SIM_ISCSI_READY || (!can_head && !can_data) || !n->cfg.corrupt ||
	    !*n->cfg.spoils || !sim_rng_chance(rng_of(n), n->cfg.corrupt, 10000))
		return false;
	--*n->cfg.spoils;
	if (can_data && (!can_head || sim_rng_chance(rng_of(n), 3, 4))) {
		flip(n, n->scratch + head, rest);
		return true;
	}
	flip(n, n->scratch, head);
	n->head_spoilt = true;
	return false;
}

bool sim_iscsi_put(struct sim_iscsi *n, uint8_t bhs[SIM_BHS], const uint8_t *data, uint32_t bytes)
{
	bool digests = n->phase == SIM_ISCSI_READY, spoilt;
	size_t head = SIM_BHS, rest = bytes + sim_pad(bytes);
	uint8_t *p;

	sim_put24(bhs + 5, bytes);
	free(n->scratch);
	p = n->scratch = calloc(1, SIM_BHS + rest + 8);
	GW_CHECK(p);
	memcpy(p, bhs, SIM_BHS);
	if (digests && n->cfg.header_digest) {
		sim_put_crc(p + SIM_BHS, sim_crc(p, SIM_BHS));
		head += 4;
	}
	if (bytes)
		memcpy(p + head, data, bytes);
	if (digests && n->cfg.data_digest && bytes) {
		sim_put_crc(p + head + rest, sim_crc(p + head, rest));
		rest += 4;
	}
	spoilt = spoil(n, head, rest);
	send_bytes(n, p, head + rest);
	return spoilt;
}

/* A request: its tag, and its place in the order of commands. */
static void number(struct sim_iscsi *n, uint8_t bhs[SIM_BHS], uint32_t itt)
{
	sim_put32(bhs + 16, itt);
	sim_put32(bhs + 24, n->cmdsn);
	sim_put32(bhs + 28, n->exp_statsn);
	if (!(bhs[0] & SIM_IMMEDIATE))
		n->cmdsn++;
}

/* ---- data that goes ----------------------------------------------------- */

static void send_part(struct sim_iscsi *n, unsigned i)
{
	struct sim_iscsi_burst *b = &n->burst[i];
	struct sim_iscsi_cmd *cmd = b->cmd;
	uint8_t bhs[SIM_BHS] = { SIM_DATA_OUT };
	uint32_t part = n->cfg.send_max, offset = b->offset;
	bool last;

	if (sim_rng_chance(rng_of(n), 1, 4))
		part = 4 * (uint32_t)sim_rng_between(rng_of(n), 1, part / 4);
	last = part >= b->bytes;
	part = last ? b->bytes : part;
	bhs[1] = last ? SIM_FINAL : 0;
	sim_put32(bhs + 16, cmd->itt);
	sim_put32(bhs + 20, b->ttt);
	sim_put32(bhs + 28, n->exp_statsn);
	sim_put32(bhs + 36, b->datasn++);
	sim_put32(bhs + 40, offset);
	b->offset += part;
	b->bytes -= part;
	if (last) {
		cmd->r2ts -= b->ttt != SIM_NO_TAG;
		n->bursts--;
		memmove(b, b + 1, (n->bursts - i) * sizeof(*b));
	}
	cmd->corrupted |= sim_iscsi_put(n, bhs, cmd->out + offset, part);
}

/* Of one command in order of offsets, and unasked data in order of commands. */
static unsigned choose(struct sim_iscsi *n)
{
	unsigned pick = (unsigned)sim_rng_below(rng_of(n), n->bursts), i = 0;
	const struct sim_iscsi_burst *b = &n->burst[pick];

	if (b->ttt == SIM_NO_TAG)
		while (n->burst[i].ttt != SIM_NO_TAG)
			i++;
	else
		while (n->burst[i].cmd != b->cmd)
			i++;
	return i;
}

static void fire_pour(struct sim_event *event)
{
	struct sim_iscsi *n = SIM_OF(event, struct sim_iscsi, pour);
	unsigned parts = (unsigned)sim_rng_log(rng_of(n), 1, 32);

	while (parts-- && n->bursts && n->phase == SIM_ISCSI_READY)
		send_part(n, choose(n));
	if (n->bursts && n->phase == SIM_ISCSI_READY)
		sim_world_after(n->world, &n->pour, sim_rng_log(rng_of(n), 100, 500 * SIM_US));
}

void sim_iscsi_pour(struct sim_iscsi *n, const struct sim_iscsi_burst *burst)
{
	GW_CHECK(n->bursts < SIM_ISCSI_BURSTS);
	n->burst[n->bursts++] = *burst;
	if (!sim_world_is_set(&n->pour))
		sim_world_after(n->world, &n->pour, sim_rng_log(rng_of(n), 100, 500 * SIM_US));
}

void sim_iscsi_tx_begin(struct sim_iscsi *n)
{
	n->pour.fire = fire_pour;
}

/* ---- commands ----------------------------------------------------------- */

static void put_cdb(const struct sim_iscsi *n, const struct sim_iscsi_cmd *cmd, uint8_t *cdb)
{
	unsigned block = n->cfg.block_sectors ? n->cfg.block_sectors : 1;
	uint64_t first = cmd->first / block;
	uint32_t count = cmd->count / block;

	static const uint8_t ops[][2] = {
		[SIM_KIND_READ] = { SCSI_READ10, SCSI_READ16 },
		[SIM_KIND_WRITE] = { SCSI_WRITE10, SCSI_WRITE16 },
		[SIM_KIND_SYNC] = { SCSI_SYNC10, SCSI_SYNC16 },
		[SIM_KIND_UNMAP] = { SCSI_UNMAP, SCSI_UNMAP },
		[SIM_KIND_SAME] = { SCSI_SAME10, SCSI_SAME16 },
		[SIM_KIND_ZERO] = { SCSI_SAME10, SCSI_SAME16 },
		[SIM_KIND_CAW] = { SCSI_CAW, SCSI_CAW },
		[SIM_KIND_TEST] = { SCSI_TEST, SCSI_TEST },
	};

	cdb[0] = ops[cmd->kind][cmd->long_cdb];
	if (cmd->kind == SIM_KIND_TEST)
		return;
	if (cmd->kind == SIM_KIND_UNMAP) {
		sim_put16(cdb + 7, cmd->out_bytes);
		return;
	}
	cdb[1] = cmd->fua ? 0x08 : 0;
	if (cmd->kind == SIM_KIND_SYNC || cmd->kind == SIM_KIND_SAME)
		cdb[1] = 0;
	if (cmd->kind == SIM_KIND_ZERO)
		cdb[1] = cmd->out_bytes ? 0x08 : 0x09; /* UNMAP; NDOB */
	if (cmd->kind == SIM_KIND_CAW) {
		sim_put64(cdb + 2, first);
		cdb[13] = (uint8_t)count;
	} else if (cmd->long_cdb) {
		sim_put64(cdb + 2, first);
		sim_put32(cdb + 10, count);
	} else {
		sim_put32(cdb + 2, (uint32_t)first);
		sim_put16(cdb + 7, count);
	}
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* 11.3.4: all that may come unasked, or only what comes with the command. */
static uint32_t plan(struct sim_iscsi *n, struct sim_iscsi_cmd *cmd, uint32_t *with)
{
	uint32_t most = least(n->cfg.first_burst, cmd->out_bytes);

	*with = n->cfg.immediate ? least(most, n->cfg.send_max) : 0;
	if (*with && sim_rng_chance(rng_of(n), 1, 4))
		*with = least(*with, 4 * (uint32_t)sim_rng_below(rng_of(n), *with / 4 + 1));
	if (n->cfg.initial_r2t || sim_rng_chance(rng_of(n), 1, 4))
		return *with;
	return most;
}

void sim_iscsi_command(struct sim_iscsi *n, struct sim_iscsi_cmd *cmd)
{
	static const uint8_t attributes[] = { 1, 1, 1, 1, 1, 1, 0, 2 };
	uint8_t bhs[SIM_BHS] = { SIM_COMMAND };
	uint32_t with = 0, unasked = cmd->out_bytes ? plan(n, cmd, &with) : 0;

	bhs[1] = attributes[sim_rng_below(rng_of(n), 8)];
	bhs[1] |= (uint8_t)((unasked == with ? SIM_FINAL : 0) | (cmd->in_bytes ? SIM_READ : 0) |
			    (cmd->out_bytes ? SIM_WRITE : 0));
	sim_put32(bhs + 20, cmd->in_bytes + cmd->out_bytes);
	cmd->itt = n->next_itt++;
	if (n->next_itt == SIM_NO_TAG)
		n->next_itt = 0;
	cmd->cmdsn = n->cmdsn;
	cmd->asked = unasked;
	cmd->sent_ns = n->world->now_ns;
	if (cmd->kind == SIM_KIND_NOP) {
		bhs[0] = SIM_NOP_OUT;
		bhs[1] = SIM_FINAL;
		sim_put32(bhs + 20, SIM_NO_TAG);
		with = unasked = cmd->out_bytes;
	} else {
		put_cdb(n, cmd, bhs + 32);
	}
	cmd->immediate = cmd->kind != SIM_KIND_NOP && sim_rng_chance(rng_of(n), 1, 20);
	bhs[0] |= cmd->immediate ? SIM_IMMEDIATE : 0;
	number(n, bhs, cmd->itt);
	if (with && cmd->kind != SIM_KIND_NOP)
		sim_count(n->world, SIM_COVER_IMMEDIATE);
	if (unasked > with) {
		sim_count(n->world, SIM_COVER_UNSOLICITED);
		sim_iscsi_pour(n, &(struct sim_iscsi_burst){ cmd, SIM_NO_TAG, with, unasked - with,
							     0 });
	}
	if (sim_iscsi_put(n, bhs, cmd->out, with) && n->phase != SIM_ISCSI_OVER)
		cmd->corrupted = true;
}

/* ---- everything else ---------------------------------------------------- */

/* 11.18: the answer to a ping has no tag of ours. */
void sim_iscsi_pong(struct sim_iscsi *n, const uint8_t ping[SIM_BHS])
{
	uint8_t bhs[SIM_BHS] = { SIM_NOP_OUT | SIM_IMMEDIATE, SIM_FINAL };

	memcpy(bhs + 8, ping + 8, 8);
	memcpy(bhs + 20, ping + 20, 4);
	number(n, bhs, SIM_NO_TAG);
	sim_iscsi_put(n, bhs, NULL, 0);
}

bool sim_iscsi_manage(struct sim_iscsi *n, enum sim_iscsi_tmf_kind kind, struct sim_iscsi_cmd *cmd)
{
	uint8_t bhs[SIM_BHS] = { SIM_TMF | SIM_IMMEDIATE, (uint8_t)(SIM_FINAL | kind) };

	if (n->tmf.kind || n->phase != SIM_ISCSI_READY)
		return false;
	n->tmf.kind = kind;
	n->tmf.itt = n->next_itt++;
	n->tmf.cmd = cmd;
	n->tmf.cmd_itt = cmd ? cmd->itt : SIM_NO_TAG;
	n->tmf.cmdsn = n->cmdsn;
	n->tmf.sent_ns = n->world->now_ns;
	sim_put32(bhs + 20, n->tmf.cmd_itt);
	sim_put32(bhs + 32, cmd ? cmd->cmdsn : 0);
	number(n, bhs, n->tmf.itt);
	sim_count(n->world, kind == SIM_LUN_RESET ? SIM_COVER_LUN_RESET : SIM_COVER_ABORT_TASK);
	sim_iscsi_put(n, bhs, NULL, 0);
	return true;
}

void sim_iscsi_logout(struct sim_iscsi *n)
{
	uint8_t bhs[SIM_BHS] = { SIM_LOGOUT | SIM_IMMEDIATE, SIM_FINAL };

	if (n->leaving || n->phase != SIM_ISCSI_READY)
		return;
	n->leaving = true;
	n->logout_itt = n->next_itt++;
	bhs[1] |= (uint8_t)sim_rng_below(rng_of(n), 2); /* the session, or connection 0 */
	number(n, bhs, n->logout_itt);
	sim_iscsi_put(n, bhs, NULL, 0);
}

void sim_iscsi_stray(struct sim_iscsi *n)
{
	uint8_t bhs[SIM_BHS] = { SIM_COMMAND, SIM_FINAL | SIM_READ | 1 };
	uint32_t mine = n->cmdsn;

	/* Far beyond, or from the past: never a number that may still come. */
	n->cmdsn = sim_rng_chance(rng_of(n), 1, 2)
			   ? n->max_cmdsn + 4096 + (uint32_t)sim_rng_below(rng_of(n), 1u << 30)
			   : n->exp_cmdsn - 1 - (uint32_t)sim_rng_below(rng_of(n), 1u << 30);
	sim_put32(bhs + 20, 512);
	bhs[32] = SCSI_READ10;
	bhs[32 + 8] = 1;
	number(n, bhs, n->next_itt++);
	n->cmdsn = mine;
	sim_count(n->world, SIM_COVER_OUT_OF_WINDOW);
	sim_iscsi_put(n, bhs, NULL, 0);
}

/* Its data does not come again: a READ, or whatever else brings none. */
void sim_iscsi_twice(struct sim_iscsi *n, const struct sim_iscsi_cmd *cmd)
{
	uint8_t bhs[SIM_BHS] = { SIM_COMMAND, SIM_FINAL | SIM_READ | 1 };
	uint32_t mine = n->cmdsn;

	if (cmd->kind != SIM_KIND_READ || cmd->immediate)
		return;
	sim_put32(bhs + 20, cmd->in_bytes);
	put_cdb(n, cmd, bhs + 32);
	n->cmdsn = cmd->cmdsn;
	number(n, bhs, cmd->itt);
	n->cmdsn = mine;
	sim_count(n->world, SIM_COVER_OUT_OF_WINDOW);
	sim_iscsi_put(n, bhs, NULL, 0);
}
