/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ini.c - the scripted initiator.
 */
#include "config.h"

#include "tests/unit/protocols/iscsi/ini.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/crc32c.h"
#include "protocols/iscsi/iscsi_front.h"
#include "tests/harness/harness.h"

#define FIRST_CMDSN 100u

static uint32_t padded(uint32_t n)
{
	return (n + 3) & ~3u;
}

static void put_crc(uint8_t *to, uint32_t crc)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(crc >> 8 * i);
}

/* ---- sending --------------------------------------------------------------- */

void ini_send(struct ini *i, uint8_t bhs[48], const void *data, uint32_t n)
{
	static uint8_t bytes[48 + 4 + (1 << 20) + 8];
	uint32_t at = 48;

	assert_true(n <= 1 << 20);
	be24_put(bhs + 5, n);
	be32_put(bhs + 28, i->statsn);
	memcpy(bytes, bhs, 48);
	if (i->head_digest)
		put_crc(bytes + at, crc32c(0, bytes, 48)), at += 4;
	memset(bytes + at + n, 0, 4);
	if (n)
		memcpy(bytes + at, data, n);
	if (n && i->data_digest)
		put_crc(bytes + at + padded(n), crc32c(0, bytes + at, padded(n)));
	at += padded(n) + (n && i->data_digest ? 4 : 0);
	fuzz_client_send(&i->client, bytes, at);
}

/* With the number of a request. */
static void request(struct ini *i, uint8_t bhs[48], const void *data, uint32_t n)
{
	be32_put(bhs + 24, i->cmdsn);
	i->cmdsn += !(bhs[0] & 0x40);
	ini_send(i, bhs, data, n);
}

void ini_command(struct ini *i, uint8_t op, uint32_t itt, uint8_t flags, uint32_t expected,
		 const uint8_t *cdb, const void *data, uint32_t n)
{
	uint8_t bhs[48] = { op, (uint8_t)(flags | INI_SIMPLE) };

	be32_put(bhs + 16, itt);
	be32_put(bhs + 20, expected);
	memcpy(bhs + 32, cdb, 16);
	request(i, bhs, data, n);
}

static void rw10(uint8_t cdb[16], uint8_t op, uint32_t lba, uint32_t blocks)
{
	memset(cdb, 0, 16);
	cdb[0] = op;
	be32_put(cdb + 2, lba);
	be16_put(cdb + 7, (uint16_t)blocks);
}

void ini_read(struct ini *i, uint32_t itt, uint32_t lba, uint32_t blocks)
{
	uint8_t cdb[16];

	rw10(cdb, 0x28, lba, blocks);
	ini_command(i, 0x01, itt, INI_FINAL | INI_READ, blocks * INI_BLOCK, cdb, NULL, 0);
}

void ini_write(struct ini *i, uint32_t itt, uint8_t flags, uint32_t lba, uint32_t blocks,
	       const void *data, uint32_t n)
{
	uint8_t cdb[16];

	rw10(cdb, 0x2a, lba, blocks);
	ini_command(i, 0x01, itt, flags | INI_WRITE, blocks * INI_BLOCK, cdb, data, n);
}

void ini_data_out(struct ini *i, uint32_t itt, uint32_t ttt, uint32_t datasn, uint32_t offset,
		  const void *data, uint32_t n, bool final)
{
	uint8_t bhs[48] = { 0x05, final ? INI_FINAL : 0 };

	be32_put(bhs + 16, itt);
	be32_put(bhs + 20, ttt);
	be32_put(bhs + 36, datasn);
	be32_put(bhs + 40, offset);
	ini_send(i, bhs, data, n);
}

void ini_manage(struct ini *i, uint8_t function, uint32_t itt, uint32_t ref_itt, uint32_t ref_cmdsn)
{
	uint8_t bhs[48] = { 0x42, INI_FINAL | function };

	be32_put(bhs + 16, itt);
	be32_put(bhs + 20, ref_itt);
	be32_put(bhs + 32, ref_cmdsn);
	request(i, bhs, NULL, 0);
}

void ini_nop(struct ini *i, uint32_t itt, const void *data, uint32_t n)
{
	uint8_t bhs[48] = { 0x00, INI_FINAL };

	be32_put(bhs + 16, itt);
	be32_put(bhs + 20, INI_NO_TAG);
	request(i, bhs, data, n);
}

void ini_text(struct ini *i, uint32_t itt, uint32_t ttt, uint8_t flags, const void *data,
	      uint32_t n)
{
	uint8_t bhs[48] = { 0x04, flags };

	be32_put(bhs + 16, itt);
	be32_put(bhs + 20, ttt);
	request(i, bhs, data, n);
}

void ini_logout(struct ini *i, uint32_t itt)
{
	uint8_t bhs[48] = { 0x06, INI_FINAL };

	be32_put(bhs + 16, itt);
	request(i, bhs, NULL, 0);
}

/* ---- what comes ------------------------------------------------------------ */

static void check_digest(const uint8_t *at, uint32_t n)
{
	uint8_t digest[4];

	put_crc(digest, crc32c(0, at, n));
	assert_memory_equal(digest, at + n, 4);
}

/* 11.2.4: which StatSN is its own, and which only shown. */
static bool has_statsn(const struct ini_pdu *p)
{
	if (p->opcode == INI_DATA_IN)
		return p->flags & 1;
	return p->opcode != INI_R2T && !(p->opcode == INI_NOP_IN && p->itt == INI_NO_TAG);
}

static void check_numbers(struct ini *i)
{
	struct ini_pdu *p = &i->pdu;
	uint32_t max = be32_get(p->bhs + 32);

	if (p->opcode != INI_DATA_IN || has_statsn(p))
		assert_int_equal(be32_get(p->bhs + 24), i->statsn);
	i->statsn += has_statsn(p);
	assert_true((int32_t)(max - i->max_cmdsn) >= 0);
	i->max_cmdsn = max;
}

bool ini_any(struct ini *i)
{
	struct ini_pdu *p = &i->pdu;
	uint32_t head = 48 + (i->head_digest ? 4 : 0), n, tail;

	if (!fuzz_client_wait(&i->client, head))
		return false;
	memcpy(p->bhs, i->client.in, 48);
	if (i->head_digest)
		check_digest(i->client.in, 48);
	n = be24_get(p->bhs + 5);
	assert_true(n <= sizeof(p->data));
	tail = padded(n) - n + (n && i->data_digest ? 4 : 0);
	if (!fuzz_client_wait(&i->client, head + n + tail))
		return false;
	memcpy(p->data, i->client.in + head, n);
	if (n && i->data_digest)
		check_digest(i->client.in + head, padded(n));
	fuzz_client_take(&i->client, head + n + tail);
	p->opcode = p->bhs[0];
	p->flags = p->bhs[1];
	p->status = p->bhs[3];
	p->itt = be32_get(p->bhs + 16);
	p->ttt = be32_get(p->bhs + 20);
	p->w36 = be32_get(p->bhs + 36);
	p->w40 = be32_get(p->bhs + 40);
	p->w44 = be32_get(p->bhs + 44);
	p->n = n;
	if (p->opcode != 0x23)
		check_numbers(i);
	return true;
}

const struct ini_pdu *ini_take(struct ini *i, uint8_t opcode, uint32_t itt)
{
	if (!ini_any(i))
		fail_msg("nothing comes, opcode %02x of task %x was expected", opcode, itt);
	if (i->pdu.opcode != opcode || i->pdu.itt != itt)
		fail_msg("opcode %02x of task %x, not %02x of %x", i->pdu.opcode, i->pdu.itt,
			 opcode, itt);
	return &i->pdu;
}

void ini_ends(struct ini *i, uint32_t itt, uint8_t status, unsigned condition)
{
	const struct ini_pdu *p = ini_take(i, INI_RESPONSE, itt);

	assert_int_equal(p->bhs[2], 0);
	assert_int_equal(p->status, status);
	assert_int_equal(p->n ? be16_get(p->data + 14) : 0, condition);
}

void ini_silence(struct ini *i, uint64_t for_ns)
{
	fuzz_stack_run(i->stack, for_ns);
	if (i->client.len)
		fail_msg("opcode %02x comes", i->client.in[0]);
}

void ini_bring(struct ini *i, const uint8_t *data)
{
	struct ini_pdu *r2t = &i->pdu;
	uint32_t at = 0;

	assert_int_equal(r2t->opcode, INI_R2T);
	for (unsigned sn = 0; at < r2t->w44; sn++) {
		uint32_t left = r2t->w44 - at, n = left < INI_SEGMENT ? left : INI_SEGMENT;

		ini_data_out(i, r2t->itt, r2t->ttt, sn, r2t->w40 + at, data + r2t->w40 + at, n,
			     n == left);
		at += n;
	}
}

void ini_feed(struct ini *i, uint32_t itt, const uint8_t *data)
{
	for (;;) {
		if (!ini_any(i))
			fail_msg("task %x never ends", itt);
		if (i->pdu.opcode != INI_R2T)
			break;
		assert_int_equal(i->pdu.itt, itt);
		ini_bring(i, data);
	}
	assert_int_equal(i->pdu.opcode, INI_RESPONSE);
	assert_int_equal(i->pdu.itt, itt);
	assert_int_equal(i->pdu.status, 0);
}

/* ---- up and down ----------------------------------------------------------- */

void ini_up(struct ini *i, uint64_t seed, const struct fuzz_stack_cfg *cfg)
{
	struct fuzz_stack_cfg mine = *cfg;

	memset(i, 0, sizeof(*i));
	mine.front = &iscsi_front_ops;
	mine.block_bytes = INI_BLOCK;
	mine.image_bytes = INI_IMAGE;
	i->stack = &i->own;
	i->isid = 1;
	fuzz_stack_up(i->stack, seed, &mine);
}

static uint32_t put_keys(uint8_t *to, const char *keys)
{
	static const char names[] = "InitiatorName=iqn.2026-11.org.example:ini|";
	bool discovery = strstr(keys, "Discovery");
	int n = snprintf((char *)to, 2048, "%s%s%s", names,
			 discovery ? "" : "TargetName=iqn.2026-11.org.sluice:disk|", keys);

	assert_true(n > 0 && n < 2048);
	for (int at = 0; at < n; at++)
		if (to[at] == '|')
			to[at] = 0;
	return (uint32_t)n;
}

static void send_login(struct fuzz_client *client, uint8_t isid, uint16_t tsih, uint32_t cmdsn,
		       const char *keys)
{
	uint8_t pdu[48 + 2048 + 4] = { 0x43, 0x87 };
	uint32_t n = put_keys(pdu + 48, keys);

	be24_put(pdu + 5, n);
	pdu[8] = 0x80;
	pdu[13] = isid;
	be16_put(pdu + 14, tsih);
	be32_put(pdu + 24, cmdsn);
	fuzz_client_send(client, pdu, 48 + padded(n));
}

void ini_send_login(struct fuzz_client *client, uint8_t isid, const char *keys)
{
	send_login(client, isid, 0, FIRST_CMDSN, keys);
}

static unsigned take_login_response(struct ini *i)
{
	if (!ini_any(i))
		return 0xffff;
	assert_int_equal(i->pdu.opcode, 0x23);
	i->statsn = be32_get(i->pdu.bhs + 24) + 1;
	i->max_cmdsn = be32_get(i->pdu.bhs + 32);
	i->tsih = be16_get(i->pdu.bhs + 14);
	return be16_get(i->pdu.bhs + 36);
}

unsigned ini_login(struct ini *i, const char *keys)
{
	unsigned status;

	fuzz_client_open(&i->client, i->stack);
	i->head_digest = i->data_digest = false;
	i->cmdsn = FIRST_CMDSN;
	i->statsn = 0;
	ini_send_login(&i->client, i->isid, keys);
	status = take_login_response(i);
	i->head_digest = strstr(keys, "HeaderDigest=CRC32C");
	i->data_digest = strstr(keys, "DataDigest=CRC32C");
	return status;
}

void ini_send_rejoin(struct ini *i, const struct ini *old)
{
	memset(i, 0, sizeof(*i));
	i->stack = old->stack;
	i->isid = old->isid;
	i->cmdsn = old->cmdsn;
	fuzz_client_open(&i->client, i->stack);
	send_login(&i->client, old->isid, old->tsih, old->cmdsn, "");
}

unsigned ini_rejoined(struct ini *i)
{
	unsigned status = take_login_response(i);

	if (!status)
		i->cmdsn = be32_get(i->pdu.bhs + 28);
	return status;
}

/* The unit attention that a new session begins with is taken. */
static void wake_up(struct ini *i)
{
	static const uint8_t test_unit_ready[16];

	ini_command(i, 0x01, 1, INI_FINAL, 0, test_unit_ready, NULL, 0);
	ini_ends(i, 1, 2, 0x2900);
}

void ini_begin(struct ini *i, const char *keys)
{
	/* enough for a whole window */
	static const struct fuzz_stack_cfg cfg = { .loops = 1,
						   .pool_bytes = 4ull * GW_POOL_MIN_BYTES };

	ini_up(i, 1, &cfg);
	assert_int_equal(ini_login(i, keys), 0);
	if (!strstr(keys, "Discovery"))
		wake_up(i);
}

void ini_join(struct ini *other, struct ini *i, uint8_t isid, const char *keys)
{
	memset(other, 0, sizeof(*other));
	other->stack = i->stack;
	other->isid = isid;
	assert_int_equal(ini_login(other, keys), 0);
	wake_up(other);
}

void ini_hang_up(struct ini *i)
{
	fuzz_client_close(&i->client, true);
}

void ini_end(struct ini *i)
{
	ini_hang_up(i);
	assert_true(fuzz_stack_down(i->stack));
}
