/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_iscsi_conn.c - a whole iSCSI connection: login, full feature phase, end, over
 * the simulated driver and the real core.
 *
 * Byte 0: bits 0-1 what is logged in for the input (0: nothing; 1 a session, 2 one
 * with digests, 3 discovery), bit 2 two loops, bit 3 few requests in the pool, bit 4
 * an orderly end, bit 5 the daemon drains while the client is there, bit 6 the disk
 * fails and stalls, bit 7 the client does not read.  Byte 1 seeds how the rest is cut
 * in pieces.  Byte 2: bit 0 InitialR2T, bit 1 no ImmediateData, bit 2 the shortest
 * bursts and data segments, bit 3 the numbers of requests are put right (CmdSN), bit
 * 4 another login takes the session's place, bit 5 another session resets the unit,
 * bit 6 digests are put right.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"
#include "gateway/base/crc32c.h"
#include "protocols/iscsi/iscsi_front.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_stack.h"

enum { BHS = 48, CMDSN = 1 };
enum { LOGIN = 3, LOOPS = 4, FEW = 8, ORDERLY = 16, DRAIN = 32, DISK = 64, DEAF = 128 };
enum { R2T = 1, NO_IMMEDIATE = 2, SHORT = 4, NUMBER = 8, REPLACE = 16, RESET = 32, MEND = 64 };

struct run {
	struct fuzz_stack stack;
	struct fuzz_client client, other;
	bool digests, numbers, mend;
	uint32_t cmdsn;
};

/* ---- logins ---------------------------------------------------------------- */

static size_t put_key(uint8_t *to, const char *pair)
{
	size_t n = strlen(pair) + 1;

	memcpy(to, pair, n);
	return n;
}

static size_t put_keys(uint8_t *to, unsigned kind, uint8_t wants)
{
	size_t n = put_key(to, "InitiatorName=iqn.2026-11.org.sluice:fuzz");

	n += put_key(to + n, kind == 3 ? "SessionType=Discovery" : "SessionType=Normal");
	if (kind != 3)
		n += put_key(to + n, "TargetName=iqn.2026-11.org.sluice:disk");
	n += put_key(to + n, kind == 2 ? "HeaderDigest=CRC32C" : "HeaderDigest=None");
	n += put_key(to + n, kind == 2 ? "DataDigest=CRC32C" : "DataDigest=None");
	n += put_key(to + n, wants & R2T ? "InitialR2T=Yes" : "InitialR2T=No");
	n += put_key(to + n, wants & NO_IMMEDIATE ? "ImmediateData=No" : "ImmediateData=Yes");
	n += put_key(to + n, "MaxOutstandingR2T=4");
	if (!(wants & SHORT))
		return n;
	n += put_key(to + n, "FirstBurstLength=512");
	n += put_key(to + n, "MaxBurstLength=1024");
	return n + put_key(to + n, "MaxRecvDataSegmentLength=512");
}

/* Into full feature phase in one request; the answer is looked at by nobody. */
static void login(struct fuzz_client *client, unsigned kind, uint8_t wants, uint8_t isid)
{
	uint8_t pdu[BHS + 1024] = { 0x43, 0x87 };
	size_t n = put_keys(pdu + BHS, kind, wants);

	be24_put(pdu + 5, (uint32_t)n);
	pdu[8] = 0x80;
	pdu[13] = isid;
	be32_put(pdu + 24, CMDSN);
	fuzz_client_send(client, pdu, BHS + (n + 3) / 4 * 4);
	fuzz_stack_run(client->stack, 100 * SIM_MS);
}

static void reset_unit(struct fuzz_client *client)
{
	uint8_t pdu[BHS] = { 0x42, 0x85 };

	pdu[19] = 1;
	memset(pdu + 20, 0xff, 4);
	be32_put(pdu + 24, CMDSN);
	fuzz_client_send(client, pdu, sizeof(pdu));
}

/* ---- the input, put right -------------------------------------------------- */

static void put_digest(struct fuzz_client *client, const struct run *run, const uint8_t *at,
		       size_t n)
{
	uint32_t crc = run->mend ? crc32c(0, at, n) : 0;
	uint8_t digest[4] = { (uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16),
			      (uint8_t)(crc >> 24) };

	if (run->digests)
		fuzz_client_send(client, digest, sizeof(digest));
}

/* One PDU off the input, with its number and digests; returns its bytes, 0: no PDU. */
static size_t send_pdu(struct run *run, const uint8_t *data, size_t size)
{
	uint8_t bhs[BHS];
	size_t ahs, bytes, padded;

	if (size < BHS)
		return 0;
	memcpy(bhs, data, BHS);
	ahs = bhs[4] * 4u;
	bytes = be24_get(bhs + 5);
	padded = (bytes + 3) / 4 * 4;
	if (BHS + ahs + padded > size)
		return 0;
	if (run->numbers && (bhs[0] & 0x3f) != 5) {
		be32_put(bhs + 24, run->cmdsn);
		run->cmdsn += !(bhs[0] & 0x40);
	}
	if (ahs || run->digests) {
		uint8_t head[BHS + 1020];

		memcpy(head, bhs, BHS);
		memcpy(head + BHS, data + BHS, ahs);
		fuzz_client_send(&run->client, head, BHS + ahs);
		put_digest(&run->client, run, head, BHS + ahs);
	} else {
		fuzz_client_send(&run->client, bhs, BHS);
	}
	fuzz_client_send(&run->client, data + BHS + ahs, padded);
	if (bytes)
		put_digest(&run->client, run, data + BHS + ahs, padded);
	return BHS + ahs + padded;
}

static void send_input(struct run *run, const uint8_t *data, size_t size, uint8_t seed)
{
	size_t n = 1;

	while ((run->numbers || run->digests) && n && !run->client.closed) {
		n = send_pdu(run, data, size);
		data += n;
		size -= n;
		if (seed & 1)
			fuzz_stack_run(&run->stack, seed * SIM_MS / 64);
	}
	fuzz_client_send_cut(&run->client, data, size, seed);
}

/* ---- the others ------------------------------------------------------------ */

static void disturb(struct run *run, uint8_t wants)
{
	bool replace = wants & REPLACE;

	if (!(wants & (REPLACE | RESET)))
		return;
	fuzz_client_open(&run->other, &run->stack);
	login(&run->other, 1, 0, replace ? 1 : 2);
	if (wants & RESET)
		reset_unit(&run->other);
	fuzz_stack_run(&run->stack, 100 * SIM_MS);
}

/* ---- a run ----------------------------------------------------------------- */

static void begin(struct run *run, const uint8_t *data)
{
	struct fuzz_stack_cfg cfg = { .front = &iscsi_front_ops,
				      .loops = data[0] & LOOPS ? 2 : 1,
				      .pool_bytes = GW_POOL_MIN_BYTES,
				      .requests = data[0] & FEW ? 8 : 0,
				      .image_bytes = 1 << 20 };

	fuzz_stack_up(&run->stack, data[1] + 1, &cfg);
	fuzz_client_open(&run->client, &run->stack);
	if (data[0] & LOGIN)
		login(&run->client, data[0] & LOGIN, data[2], 1);
	if (data[0] & DISK)
		run->stack.host->disk->faults =
			(struct sim_disk_faults){ 500, 500, 0, 1000, SIM_MS, 100 * SIM_MS };
	if (data[0] & DEAF && !run->client.closed)
		sim_net_pause(run->client.conn, true);
	run->digests = (data[0] & LOGIN) == 2;
	run->numbers = data[2] & NUMBER;
	run->mend = data[2] & MEND;
	run->cmdsn = CMDSN;
}

static void end(struct run *run, const uint8_t *data)
{
	bool drain = data[0] & DRAIN;

	if (!drain) {
		fuzz_stack_run(&run->stack, 50 * SIM_MS);
		fuzz_client_close(&run->client, data[0] & ORDERLY);
		if (run->other.stack)
			fuzz_client_close(&run->other, true);
	}
	/* a flush that failed is told */
	GW_CHECK(fuzz_stack_down(&run->stack) || data[0] & DISK);
	run->client.closed = run->other.closed = true; /* with the world that they were in */
	fuzz_client_close(&run->client, false);
	fuzz_client_close(&run->other, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run run = { .cmdsn = CMDSN };

	if (size < 3)
		return 0;
	begin(&run, data);
	send_input(&run, data + 3, size - 3, data[1]);
	disturb(&run, data[2]);
	end(&run, data);
	return 0;
}
