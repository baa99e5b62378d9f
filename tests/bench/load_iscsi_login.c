/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way in for the load client's iSCSI: login in two stages without
 * authentication, TEST UNIT READY until the unit is, READ CAPACITY(16).  One
 * PDU at a time, blocking.  Large bursts are asked for; what was agreed stands
 * in struct load_iscsi.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/bytes.h"
#include "gateway/base/crc32c.h"
#include "tests/bench/load_iscsi.h"

enum {
	TEXT_MAX = 8192,
	STAGE_SECURITY = 0,
	STAGE_OPERATIONAL = 1,
	STAGE_FULL = 3,
	TRANSIT = 0x80,
	LOGIN_ROUNDS = 8, /* of one stage, for targets that ask back */
	READY_TRIES = 8, /* unit attentions come one at a time */
	AT_STATUS_CLASS = 36,
};

struct pdu {
	uint8_t head[LOAD_ISCSI_HEAD];
	uint32_t bytes;
	uint8_t data[TEXT_MAX + 1];
};

int load_iscsi_refuse(const char *why)
{
	fprintf(stderr, "load: iscsi: %s\n", why);
	return -1;
}

static void put_digest(uint8_t *p, uint32_t crc)
{
	le32_put(p, crc);
}

static int send_pdu(struct load_iscsi *s, int fd, uint8_t *head, const void *data, uint32_t bytes)
{
	uint8_t buf[LOAD_ISCSI_HEAD + LOAD_ISCSI_DIGEST + TEXT_MAX];
	size_t n = LOAD_ISCSI_HEAD;

	be24_put(head + LOAD_ISCSI_AT_LENGTH, bytes);
	memcpy(buf, head, LOAD_ISCSI_HEAD);
	if (s->digests) {
		put_digest(buf + n, crc32c(0, buf, n));
		n += LOAD_ISCSI_DIGEST;
	}
	memset(buf + n, 0, load_iscsi_padded(bytes));
	if (bytes > 0)
		memcpy(buf + n, data, bytes);
	return load_stream_write(fd, buf, n + load_iscsi_padded(bytes));
}

static int check_digest(const void *p, size_t len, const uint8_t *digest)
{
	return crc32c(0, p, len) == le32_get(digest) ? 0 : load_iscsi_refuse("a wrong digest");
}

static int read_data(struct load_iscsi *s, int fd, struct pdu *in)
{
	uint8_t digest[LOAD_ISCSI_DIGEST];
	uint32_t padded = load_iscsi_padded(in->bytes);

	if (load_stream_read(fd, in->data, padded) < 0)
		return -1;
	if (!s->digests)
		return 0;
	if (load_stream_read(fd, digest, sizeof(digest)) < 0)
		return -1;
	return check_digest(in->data, padded, digest);
}

static int read_pdu(struct load_iscsi *s, int fd, struct pdu *in)
{
	uint8_t digest[LOAD_ISCSI_DIGEST];

	if (load_stream_read(fd, in->head, sizeof(in->head)) < 0)
		return -1;
	if (s->digests && (load_stream_read(fd, digest, sizeof(digest)) < 0 ||
			   check_digest(in->head, sizeof(in->head), digest) < 0))
		return -1;
	in->bytes = be24_get(in->head + LOAD_ISCSI_AT_LENGTH);
	if (in->head[4] != 0 || in->bytes > TEXT_MAX)
		return load_iscsi_refuse("a strange answer to the login");
	if (in->bytes > 0 && read_data(s, fd, in) < 0)
		return -1;
	in->data[in->bytes] = 0;
	s->max_cmdsn = be32_get(in->head + LOAD_ISCSI_AT_MAXCMDSN);
	return 0;
}

/* ---- login ------------------------------------------------------------------ */

/* The value of a key in an answer, or what stands for none. */
static const char *value_of(const struct pdu *in, const char *key, const char *none)
{
	const char *p = (const char *)in->data, *end = p + in->bytes;
	size_t len = strlen(key);

	for (; p < end; p += strlen(p) + 1)
		if (strncmp(p, key, len) == 0 && p[len] == '=')
			return p + len + 1;
	return none;
}

static void take_answers(struct load_iscsi *s, const struct pdu *in)
{
	const char *text;

	text = value_of(in, "ImmediateData", NULL);
	if (text)
		s->immediate = strcmp(text, "Yes") == 0;
	text = value_of(in, "InitialR2T", NULL);
	if (text)
		s->r2t_first = strcmp(text, "Yes") == 0;
	text = value_of(in, "FirstBurstLength", NULL);
	if (text)
		s->first_burst = (uint32_t)strtoul(text, NULL, 0);
	text = value_of(in, "MaxRecvDataSegmentLength", NULL);
	if (text)
		s->send_max = (uint32_t)strtoul(text, NULL, 0);
	text = value_of(in, "DataDigest", NULL);
	if (text)
		s->takes_digests = strcmp(text, "CRC32C") == 0;
}

/* One stage to its end.  text: keys with a NUL behind each. */
static int stage(struct load_iscsi *s, int fd, uint8_t now, uint8_t next, const char *text,
		 uint32_t bytes, struct pdu *in)
{
	static uint16_t sessions;
	uint8_t head[LOAD_ISCSI_HEAD], flags = (uint8_t)(TRANSIT | now << 2 | next);
	int rounds = LOGIN_ROUNDS;

	sessions += now == STAGE_SECURITY;
	while (rounds-- > 0) {
		memset(head, 0, sizeof(head));
		head[0] = LOAD_ISCSI_LOGIN | LOAD_ISCSI_IMMEDIATE;
		head[1] = flags;
		head[8] = 0x80; /* ISID, random format: ours alone */
		be24_put(head + 9, (uint32_t)getpid());
		be16_put(head + 12, sessions);
		be32_put(head + LOAD_ISCSI_AT_CMDSN, s->cmdsn);
		be32_put(head + LOAD_ISCSI_AT_EXPSTATSN, s->exp_statsn);
		if (send_pdu(s, fd, head, text, bytes) < 0 || read_pdu(s, fd, in) < 0)
			return -1;
		if (in->head[0] != LOAD_ISCSI_LOGIN_RESPONSE || in->head[AT_STATUS_CLASS] != 0)
			return load_iscsi_refuse("the login was refused");
		s->exp_statsn = be32_get(in->head + LOAD_ISCSI_AT_STATSN) + 1;
		take_answers(s, in);
		if ((in->head[1] & (TRANSIT | 3)) == (flags & (TRANSIT | 3)))
			return 0;
		bytes = 0;
	}
	return load_iscsi_refuse("the login does not end");
}

static int log_in(struct load_iscsi *s, struct load_conn *c, const char *target, struct pdu *in)
{
	const char *digest = c->plan->digests ? "CRC32C" : "None";
	char text[TEXT_MAX];
	int n;

	n = snprintf(text, sizeof(text),
		     "InitiatorName=iqn.2026-11.org.sluice:load%cTargetName=%s%c"
		     "SessionType=Normal%cAuthMethod=None%c",
		     0, target, 0, 0, 0);
	if (stage(s, c->fd, STAGE_SECURITY, STAGE_OPERATIONAL, text, (uint32_t)n, in) < 0)
		return -1;
	n = snprintf(text, sizeof(text),
		     "HeaderDigest=%s%cDataDigest=%s%cInitialR2T=No%cImmediateData=Yes%c"
		     "FirstBurstLength=%d%cMaxBurstLength=%d%cMaxRecvDataSegmentLength=%d%c"
		     "MaxOutstandingR2T=16%cMaxConnections=1%cErrorRecoveryLevel=0%c"
		     "DefaultTime2Wait=2%cDefaultTime2Retain=0%c",
		     digest, 0, digest, 0, 0, 0, LOAD_SKIP_MAX, 0, LOAD_SKIP_MAX, 0,
		     LOAD_ISCSI_RECV_MAX, 0, 0, 0, 0, 0, 0);
	if (stage(s, c->fd, STAGE_OPERATIONAL, STAGE_FULL, text, (uint32_t)n, in) < 0)
		return -1;
	if (c->plan->digests && !s->takes_digests)
		return load_iscsi_refuse("the server takes no digests");
	s->digests = c->plan->digests;
	return 0;
}

/* ---- the unit --------------------------------------------------------------- */

/* One command that moves up to bytes to us, which are in->data at the end.
 * Returns its SCSI status, or -1. */
static int command(struct load_iscsi *s, int fd, const uint8_t *cdb, uint32_t bytes, struct pdu *in)
{
	uint8_t head[LOAD_ISCSI_HEAD] = { LOAD_ISCSI_COMMAND };
	struct pdu next;

	in->bytes = 0;
	head[1] = LOAD_ISCSI_FINAL | LOAD_ISCSI_SIMPLE | (bytes > 0 ? LOAD_ISCSI_READ : 0);
	be64_put(head + LOAD_ISCSI_AT_LUN, s->lun);
	be32_put(head + 20, bytes);
	be32_put(head + LOAD_ISCSI_AT_CMDSN, s->cmdsn++);
	be32_put(head + LOAD_ISCSI_AT_EXPSTATSN, s->exp_statsn);
	memcpy(head + 32, cdb, 16);
	if (send_pdu(s, fd, head, NULL, 0) < 0)
		return -1;
	for (;;) {
		if (read_pdu(s, fd, &next) < 0)
			return -1;
		if (next.head[0] == LOAD_ISCSI_DATA_IN)
			*in = next;
		if (next.head[0] == LOAD_ISCSI_RESPONSE ||
		    (next.head[0] == LOAD_ISCSI_DATA_IN && (next.head[1] & 1)))
			break;
	}
	s->exp_statsn = be32_get(next.head + LOAD_ISCSI_AT_STATSN) + 1;
	return next.head[0] == LOAD_ISCSI_RESPONSE && next.head[2] != 0 ? 2 : next.head[3];
}

static int ask_size(struct load_iscsi *s, struct load_conn *c, struct pdu *in)
{
	static const uint8_t ready[16] = { 0x00 };
	static const uint8_t capacity[16] = { 0x9e, 0x10, [13] = 32 };
	int status = 2, tries = READY_TRIES;

	while (status != 0 && tries-- > 0)
		if ((status = command(s, c->fd, ready, 0, in)) < 0)
			return -1;
	if (status != 0)
		return load_iscsi_refuse("the unit is not ready");
	status = command(s, c->fd, capacity, 32, in);
	if (status != 0 || in->bytes < 12)
		return status < 0 ? -1 : load_iscsi_refuse("the unit tells no capacity");
	s->block_bytes = be32_get(in->data + 8);
	if (s->block_bytes == 0 || c->plan->block_bytes % s->block_bytes != 0)
		return load_iscsi_refuse("requests are not whole blocks of the unit");
	c->size_bytes = (be64_get(in->data) + 1) * s->block_bytes;
	return 0;
}

int load_iscsi_login(struct load_iscsi *s, struct load_conn *c)
{
	static struct pdu in;
	char target[256];
	const char *slash = strchr(c->plan->export_name, '/');
	size_t len = slash ? (size_t)(slash - c->plan->export_name) : strlen(c->plan->export_name);

	if (len >= sizeof(target))
		return load_iscsi_refuse("the name is too long");
	memcpy(target, c->plan->export_name, len);
	target[len] = 0;
	s->lun = slash ? (uint64_t)strtoul(slash + 1, NULL, 10) << 48 : 0;
	/* what holds where a target says nothing (RFC 7143 13) */
	s->immediate = s->r2t_first = true;
	s->first_burst = 65536;
	s->send_max = 8192;
	s->cmdsn = 1;
	if (log_in(s, c, target, &in) < 0)
		return -1;
	return ask_size(s, c, &in);
}
