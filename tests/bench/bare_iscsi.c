/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iSCSI in bare's way: a login whose answers never change, no digests, a write
 * in one PDU (its bursts are as long as the client's), a read in as many
 * Data-In as the client's segments ask for, status in the last.  Every other
 * command is GOOD.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/bench/bare.h"

enum {
	HEAD = 48,
	SEGMENT = 256 << 10, /* what load takes in one PDU */
	WINDOW = 1024,
	BLOCK = 512,
	OP_COMMAND = 0x01,
	OP_RESPONSE = 0x21,
	OP_LOGIN = 0x43, /* immediate */
	OP_LOGIN_RESPONSE = 0x23,
	OP_DATA_IN = 0x25,
	READ_10 = 0x28,
	SERVICE_IN_16 = 0x9e, /* READ CAPACITY */
};

static const char security[] = "AuthMethod=None\0TargetPortalGroupTag=1";
static const char operational[] = "HeaderDigest=None\0DataDigest=None\0InitialR2T=No\0"
				  "ImmediateData=Yes\0FirstBurstLength=4194304\0"
				  "MaxBurstLength=4194304\0MaxRecvDataSegmentLength=4194304\0"
				  "MaxOutstandingR2T=1\0MaxConnections=1\0ErrorRecoveryLevel=0\0"
				  "DefaultTime2Wait=2\0DefaultTime2Retain=0";

static void put_numbers(uint8_t *h, uint32_t statsn, uint32_t cmdsn)
{
	be32_put(h + 24, statsn);
	be32_put(h + 28, cmdsn);
	be32_put(h + 32, cmdsn + WINDOW);
}

/* One request of the login and its answer; its flags, or -1. */
static int login_step(int fd)
{
	uint8_t buf[8192], h[HEAD] = { OP_LOGIN_RESPONSE }, out[HEAD + 512] = { 0 };
	uint32_t len;
	size_t n;
	bool end;

	if (!bare_read(fd, buf, HEAD) || buf[0] != OP_LOGIN)
		return -1;
	len = (be24_get(buf + 5) + 3) & ~3u;
	end = (buf[1] & 3) == 3;
	h[1] = buf[1];
	memcpy(h + 8, buf + 8, 6); /* ISID */
	be16_put(h + 14, end ? 1 : 0); /* TSIH */
	memcpy(h + 16, buf + 16, 4);
	put_numbers(h, be32_get(buf + 28), be32_get(buf + 24));
	n = end ? sizeof(operational) : sizeof(security);
	be24_put(h + 5, (uint32_t)n);
	memcpy(out, h, HEAD);
	memcpy(out + HEAD, end ? operational : security, n);
	if (len > sizeof(buf) || !bare_read(fd, buf, len))
		return -1;
	return bare_write(fd, out, HEAD + ((n + 3) & ~(size_t)3)) ? h[1] : -1;
}

static bool handshake(int fd)
{
	int flags;

	do
		flags = login_step(fd);
	while (flags >= 0 && (flags & 0x83) != 0x83);
	return flags >= 0;
}

/* The numbers of the session begin where the client says, since nobody checks. */
static void fill(struct bare_peer *p, uint8_t *h, uint8_t opcode, const uint8_t *r, bool status)
{
	memset(h, 0, HEAD);
	h[0] = opcode;
	h[1] = 0x80;
	memcpy(h + 16, r + 16, 4); /* the task's tag */
	if (p->statsn == 0)
		p->statsn = be32_get(r + 28);
	put_numbers(h, status ? p->statsn++ : 0, be32_get(r + 24) + 1);
}

static bool answer_read(struct bare_peer *p, const uint8_t *r, const void *payload, uint32_t bytes)
{
	uint32_t at = 0, datasn = 0;

	while (at < bytes) {
		uint32_t n = bytes - at < SEGMENT ? bytes - at : SEGMENT;
		bool last = at + n == bytes;
		uint8_t *h = payload ? bare_reply_with(p, HEAD, payload, n)
				     : bare_reply(p, HEAD, n);

		if (!h)
			return false;
		fill(p, h, OP_DATA_IN, r, last);
		h[1] = last ? 0x81 : 0; /* final, with status */
		be24_put(h + 5, n);
		memset(h + 20, 0xff, 4);
		be32_put(h + 36, datasn++);
		be32_put(h + 40, at);
		at += n;
	}
	return true;
}

static bool answer_status(struct bare_peer *p, const uint8_t *r)
{
	uint8_t *h = bare_reply(p, HEAD, 0);

	if (h)
		fill(p, h, OP_RESPONSE, r, true);
	return h;
}

static bool request(struct bare_peer *p, const uint8_t *r)
{
	static uint8_t capacity[32];
	uint32_t expected = be32_get(r + 20), data = be24_get(r + 5);

	if ((r[0] & 0x3f) != OP_COMMAND || data > BARE_TRANSFER_MAX)
		return false;
	if (data > 0)
		return bare_skip(p, r, HEAD, data);
	if (expected > BARE_TRANSFER_MAX)
		return false;
	switch (r[32]) {
	case READ_10:
		return answer_read(p, r, NULL, expected);
	case SERVICE_IN_16:
		be64_put(capacity, bare_size_bytes / BLOCK - 1);
		be32_put(capacity + 8, BLOCK);
		return answer_read(p, r, capacity, sizeof(capacity));
	default:
		return answer_status(p, r);
	}
}

static bool written(struct bare_peer *p)
{
	return answer_status(p, p->pending);
}

const struct bare_proto bare_iscsi_proto = {
	.name = "iscsi",
	.request_bytes = HEAD,
	.handshake = handshake,
	.request = request,
	.written = written,
};
