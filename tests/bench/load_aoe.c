/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AoE for the load client: a packet socket, READ and WRITE DMA EXT, one frame per
 * request, batches by sendmmsg and recvmmsg.  A tag is a slot's number and how often
 * the slot was used.  A frame without an answer is sent again, and counted: figures
 * with such frames in them measure the patience of this file.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "gateway/base/bytes.h"
#include "protocols/aoe/aoe.h"
#include "tests/bench/ether.h"
#include "tests/bench/load_conn.h"

enum {
	BATCH = 64,
	SLOT_BITS = 10, /* of a tag; load.c bounds the depth by as much */
	LOGIN_TRIES = 50,
	READ_EXT = 0x24,
	WRITE_EXT = 0x34,
	STATUS_BAD = 0x21, /* ERR, DF */
	WORD_SECTORS = 100, /* of IDENTIFY DEVICE, four of them */
};

#define TICK_US 100000 /* a silent socket is left as often */
#define PATIENCE_NS 500000000u

struct request {
	bool out;
	uint32_t tag;
	uint64_t sent_ns;
	struct iovec iov[2];
	uint8_t head[AOE_FRAME_MIN];
};

struct aoe {
	struct ether_facts facts;
	struct aoe_mac server;
	uint16_t shelf;
	uint8_t slot;
	uint64_t looked_ns; /* for frames without an answer */
	struct request *requests; /* by slot */
	/* out[sent..used) is still to go */
	uint32_t sent, used;
	struct mmsghdr *out;
	struct mmsghdr in[BATCH];
	struct iovec in_iov[BATCH];
	uint8_t frames[BATCH][ETHER_FRAME_MAX];
};

static int refuse(const char *why)
{
	fprintf(stderr, "load: aoe: %s\n", why);
	return -1;
}

static void head_put(const struct aoe *a, uint8_t *to, uint8_t command, uint32_t tag)
{
	memset(to, 0, AOE_FRAME_MIN);
	memcpy(to + AOE_AT_DST, a->server.at, AOE_MAC_BYTES);
	memcpy(to + AOE_AT_SRC, a->facts.mac, AOE_MAC_BYTES);
	be16_put(to + AOE_AT_TYPE, AOE_ETHERTYPE);
	to[AOE_AT_FLAGS] = AOE_VERSION << 4;
	be16_put(to + AOE_AT_SHELF, a->shelf);
	to[AOE_AT_SLOT] = a->slot;
	to[AOE_AT_COMMAND] = command;
	be32_put(to + AOE_AT_TAG, tag);
}

static void ata_put(uint8_t *to, uint8_t flags, uint8_t count, uint8_t command, uint64_t lba)
{
	to[AOE_AT_ATA_FLAGS] = flags;
	to[AOE_AT_ATA_COUNT] = count;
	to[AOE_AT_ATA_COMMAND] = command;
	le32_put(to + AOE_AT_ATA_LBA, (uint32_t)lba);
	le16_put(to + AOE_AT_ATA_LBA + 4, (uint16_t)(lba >> 32));
}

/* ---- finding the target ---------------------------------------------------- */

static bool answers(const struct aoe *a, const uint8_t *frame, ssize_t bytes,
		    const uint8_t *request)
{
	return bytes >= (ssize_t)AOE_AT_CONFIG_STRING && frame[AOE_AT_FLAGS] & AOE_RESPONSE &&
	       be16_get(frame + AOE_AT_SHELF) == a->shelf && frame[AOE_AT_SLOT] == a->slot &&
	       frame[AOE_AT_COMMAND] == request[AOE_AT_COMMAND] &&
	       be32_get(frame + AOE_AT_TAG) == be32_get(request + AOE_AT_TAG);
}

/* Sends until an answer comes; its length, or -1. */
static ssize_t ask(struct aoe *a, int fd, const uint8_t *request, uint8_t *frame)
{
	for (int i = 0; i < LOGIN_TRIES; i++) {
		ssize_t n;

		if (send(fd, request, AOE_FRAME_MIN, 0) < 0)
			return refuse(strerror(errno));
		while ((n = recv(fd, frame, ETHER_FRAME_MAX, 0)) >= 0)
			if (answers(a, frame, n, request))
				return n;
	}
	return refuse("no answer from this shelf and slot");
}

static int ask_config(struct load_conn *c, struct aoe *a)
{
	uint8_t request[AOE_FRAME_MIN], *frame = a->frames[0];
	uint32_t buffers;

	a->server = AOE_MAC_BROADCAST;
	head_put(a, request, AOE_COMMAND_CONFIG, 1);
	if (ask(a, c->fd, request, frame) < 0)
		return -1;
	memcpy(a->server.at, frame + AOE_AT_SRC, AOE_MAC_BYTES);
	buffers = be16_get(frame + AOE_AT_CONFIG_BUFFERS);
	if (c->plan->block_bytes > frame[AOE_AT_CONFIG_SECTORS] * AOE_SECTOR_BYTES)
		return refuse("a block does not fit a frame");
	if (c->depth > buffers) /* no client sends more than the target has room for */
		c->depth = buffers;
	return c->depth > 0 ? 0 : refuse("the target has no room for a frame");
}

static int ask_identify(struct load_conn *c, struct aoe *a)
{
	uint8_t request[AOE_FRAME_MIN], *frame = a->frames[0];
	ssize_t n;

	head_put(a, request, AOE_COMMAND_ATA, 2);
	ata_put(request, 0, 1, AOE_ATA_IDENTIFY, 0);
	n = ask(a, c->fd, request, frame);
	if (n < 0)
		return -1;
	if (n < (ssize_t)(AOE_AT_ATA_DATA + AOE_SECTOR_BYTES) || frame[AOE_AT_FLAGS] & AOE_ERROR)
		return refuse("no identity");
	c->size_bytes = le64_get(frame + AOE_AT_ATA_DATA + 2 * WORD_SECTORS) * AOE_SECTOR_BYTES;
	return 0;
}

static int read_address(struct aoe *a, const char *text)
{
	unsigned shelf = 0, slot = 0;

	if (*text && sscanf(text, "%u.%u", &shelf, &slot) != 2)
		return refuse("the export is SHELF.SLOT");
	a->shelf = (uint16_t)shelf;
	a->slot = (uint8_t)slot;
	return 0;
}

static struct aoe *make(const struct load_plan *plan)
{
	struct aoe *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->requests = calloc(plan->depth, sizeof(*a->requests));
	a->out = calloc(plan->depth, sizeof(*a->out));
	for (uint32_t i = 0; i < BATCH; i++) {
		a->in_iov[i] = (struct iovec){ a->frames[i], sizeof(a->frames[i]) };
		a->in[i].msg_hdr = (struct msghdr){ .msg_iov = &a->in_iov[i], .msg_iovlen = 1 };
	}
	return a;
}

static int connect_aoe(struct load_conn *c)
{
	struct timeval tick = { .tv_usec = TICK_US };
	struct aoe *a = c->priv = make(c->plan);

	if (!a || !a->requests || !a->out)
		return refuse("out of memory");
	if (c->plan->conns > 1 || c->plan->block_bytes % AOE_SECTOR_BYTES)
		return refuse("one connection, and blocks of whole sectors");
	if (read_address(a, c->plan->export_name) < 0)
		return -1;
	c->fd = ether_socket(c->plan->target, true);
	if (c->fd < 0 || !ether_ask(c->fd, c->plan->target, &a->facts))
		return -1;
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	return ask_config(c, a) < 0 ? -1 : ask_identify(c, a);
}

/* ---- out --------------------------------------------------------------------- */

static void queue(struct load_conn *c, struct aoe *a, struct request *r)
{
	r->sent_ns = c->now_ns;
	a->out[a->used++].msg_hdr =
		(struct msghdr){ .msg_iov = r->iov, .msg_iovlen = r->iov[1].iov_len ? 2 : 1 };
}

static void build(struct load_conn *c, uint32_t slot)
{
	const struct load_slot *s = &c->slots[slot];
	struct aoe *a = c->priv;
	struct request *r = &a->requests[slot];
	uint32_t bytes = c->plan->block_bytes;

	r->out = true;
	r->tag = ((r->tag >> SLOT_BITS) + 1) << SLOT_BITS | slot;
	head_put(a, r->head, AOE_COMMAND_ATA, r->tag);
	ata_put(r->head, AOE_ATA_EXTENDED | (s->write ? AOE_ATA_WRITE : 0),
		(uint8_t)(bytes / AOE_SECTOR_BYTES), s->write ? WRITE_EXT : READ_EXT,
		s->offset_bytes / AOE_SECTOR_BYTES);
	r->iov[0] = (struct iovec){ r->head, s->write ? AOE_AT_ATA_DATA : AOE_FRAME_MIN };
	r->iov[1] = (struct iovec){ (void *)(uintptr_t)c->payload, s->write ? bytes : 0 };
	queue(c, a, r);
}

static int flush_aoe(struct load_conn *c)
{
	struct aoe *a = c->priv;

	while (a->sent < a->used) {
		int n = sendmmsg(c->fd, a->out + a->sent, a->used - a->sent, MSG_DONTWAIT);

		if (n < 0 && errno == ENOBUFS)
			n = 1; /* lost here, and sent again like any other */
		if (n > 0)
			a->sent += (uint32_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			return refuse(strerror(errno));
	}
	a->used -= a->sent;
	memmove(a->out, a->out + a->sent, a->used * sizeof(*a->out));
	a->sent = 0;
	return a->used > 0;
}

/* ---- in ---------------------------------------------------------------------- */

/* Old answers, and word to everybody, are nobody's. */
static struct request *whose(struct load_conn *c, const uint8_t *frame, uint32_t *slot)
{
	struct aoe *a = c->priv;
	uint32_t tag = be32_get(frame + AOE_AT_TAG);

	*slot = tag & ((1u << SLOT_BITS) - 1);
	if (*slot >= c->depth || frame[AOE_AT_COMMAND] != AOE_COMMAND_ATA ||
	    !(frame[AOE_AT_FLAGS] & AOE_RESPONSE))
		return NULL;
	return a->requests[*slot].out && a->requests[*slot].tag == tag ? &a->requests[*slot] : NULL;
}

static void take(struct load_conn *c, const uint8_t *frame, uint32_t bytes)
{
	struct request *r;
	uint32_t slot, want = AOE_AT_ATA_DATA;
	bool failed;

	if (bytes < AOE_AT_ATA_DATA || !(r = whose(c, frame, &slot)))
		return;
	if (!c->slots[slot].write)
		want += c->plan->block_bytes;
	failed = frame[AOE_AT_FLAGS] & AOE_ERROR || frame[AOE_AT_ATA_COMMAND] & STATUS_BAD ||
		 bytes < want;
	r->out = false;
	load_conn_done(c, slot, failed);
}

/* Behind a flush, for what is queued has not been sent at all. */
static void send_again(struct load_conn *c)
{
	struct aoe *a = c->priv;

	if (a->used > 0 || c->now_ns - a->looked_ns < PATIENCE_NS / 4)
		return;
	a->looked_ns = c->now_ns;
	for (uint32_t i = 0; i < c->depth; i++) {
		struct request *r = &a->requests[i];

		if (!r->out || c->now_ns - r->sent_ns < PATIENCE_NS)
			continue;
		queue(c, a, r);
		c->tally->resent++;
	}
}

static int receive_aoe(struct load_conn *c, bool wait)
{
	struct aoe *a = c->priv;
	int n = recvmmsg(c->fd, a->in, BATCH, wait ? MSG_WAITFORONE : MSG_DONTWAIT, NULL);

	c->now_ns = load_conn_clock_ns();
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return refuse(strerror(errno));
	for (int i = 0; i < n; i++)
		take(c, a->frames[i], a->in[i].msg_len);
	send_again(c);
	return 0;
}

static void close_aoe(struct load_conn *c)
{
	struct aoe *a = c->priv;

	if (a) {
		free(a->requests);
		free(a->out);
	}
	free(a);
	c->priv = NULL;
	if (c->fd >= 0)
		close(c->fd);
}

const struct load_proto load_aoe_proto = {
	.name = "aoe",
	.connect = connect_aoe,
	.build = build,
	.flush = flush_aoe,
	.receive = receive_aoe,
	.close = close_aoe,
};
