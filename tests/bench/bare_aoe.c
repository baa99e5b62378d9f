/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AoE in bare's way: one target that bears every shelf and slot, frames taken and
 * given by the batch, the header of a request turned into that of its answer where
 * it lies.  No stream, so nothing of bare.c but its name and its blank bytes.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/base/bytes.h"
#include "protocols/aoe/aoe.h"
#include "tests/bench/bare.h"
#include "tests/bench/ether.h"

enum { BATCH = 64, BUFFERS = 256, READ_EXT = 0x24, IDENTIFY_BYTES = 512, DRDY = 0x40 };

struct place {
	struct iovec in, out[2];
	uint8_t frame[ETHER_FRAME_MAX];
};

static struct place places[BATCH];
static struct mmsghdr in[BATCH], out[BATCH];
static struct ether_facts facts;
static uint8_t identify[IDENTIFY_BYTES];

/* A header of this many bytes, and data behind it. */
static void piece(struct place *p, struct msghdr *msg, size_t head_bytes, const void *data,
		  size_t bytes)
{
	p->out[0] = (struct iovec){ p->frame, head_bytes };
	p->out[1] = (struct iovec){ (void *)(uintptr_t)data, bytes };
	*msg = (struct msghdr){ .msg_iov = p->out, .msg_iovlen = bytes ? 2 : 1 };
}

static void reply(struct place *p, struct msghdr *msg)
{
	uint8_t *f = p->frame;

	memcpy(f + AOE_AT_DST, f + AOE_AT_SRC, AOE_MAC_BYTES);
	memcpy(f + AOE_AT_SRC, facts.mac, AOE_MAC_BYTES);
	f[AOE_AT_FLAGS] |= AOE_RESPONSE;
	if (f[AOE_AT_COMMAND] == AOE_COMMAND_CONFIG) {
		memset(f + AOE_AT_ARG, 0, AOE_FRAME_MIN - AOE_AT_ARG);
		be16_put(f + AOE_AT_CONFIG_BUFFERS, BUFFERS);
		f[AOE_AT_CONFIG_SECTORS] =
			(uint8_t)((facts.mtu_bytes + AOE_AT_TYPE + 2 - AOE_AT_ATA_DATA) /
				  AOE_SECTOR_BYTES);
		f[AOE_AT_CONFIG_COMMAND] = AOE_VERSION << 4;
		piece(p, msg, AOE_FRAME_MIN, NULL, 0);
		return;
	}
	piece(p, msg, AOE_FRAME_MIN, NULL, 0);
	if (f[AOE_AT_ATA_COMMAND] == READ_EXT)
		piece(p, msg, AOE_AT_ATA_DATA, bare_blank,
		      f[AOE_AT_ATA_COUNT] * (size_t)AOE_SECTOR_BYTES);
	else if (f[AOE_AT_ATA_COMMAND] == AOE_ATA_IDENTIFY)
		piece(p, msg, AOE_AT_ATA_DATA, identify, sizeof(identify));
	f[AOE_AT_ATA_FEATURE] = 0;
	f[AOE_AT_ATA_COMMAND] = DRDY;
}

static bool give(int sock, unsigned n)
{
	unsigned done = 0;

	while (done < n) {
		int sent = sendmmsg(sock, out + done, n - done, 0);

		if (sent < 0 && errno != EINTR && errno != ENOBUFS)
			return false;
		done += sent < 0 ? errno == ENOBUFS : (unsigned)sent;
	}
	return true;
}

static bool serve(int sock)
{
	int n = recvmmsg(sock, in, BATCH, MSG_WAITFORONE, NULL);
	unsigned replies = 0;

	for (int i = 0; i < n; i++)
		if (in[i].msg_len >= AOE_AT_ATA_DATA &&
		    !(places[i].frame[AOE_AT_FLAGS] & AOE_RESPONSE))
			reply(&places[i], &out[replies++].msg_hdr);
	return give(sock, replies) && (n >= 0 || errno == EINTR || errno == ENETDOWN);
}

int bare_aoe(const char *interface)
{
	int sock = ether_socket(interface, true);

	if (sock < 0 || !ether_ask(sock, interface, &facts))
		return 1;
	le64_put(identify + 200, bare_size_bytes / AOE_SECTOR_BYTES); /* words 100 to 103 */
	for (unsigned i = 0; i < BATCH; i++) {
		places[i].in = (struct iovec){ places[i].frame, sizeof(places[i].frame) };
		in[i].msg_hdr = (struct msghdr){ .msg_iov = &places[i].in, .msg_iovlen = 1 };
	}
	printf("ready\n");
	fflush(stdout);
	while (serve(sock))
		;
	fprintf(stderr, "bare: %s: %s\n", interface, strerror(errno));
	return 1;
}
