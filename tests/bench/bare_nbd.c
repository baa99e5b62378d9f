/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NBD in bare's way: fixed newstyle up to the transmission phase, then simple
 * replies.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/bench/bare.h"

enum {
	REQUEST_BYTES = 28,
	REPLY_BYTES = 16,
	OPT_EXPORT_NAME = 1,
	OPT_ABORT = 2,
	OPT_GO = 7,
};

static bool answer(int fd, uint32_t option, uint32_t type, const void *data, uint32_t len)
{
	uint8_t head[20 + 12];

	be64_put(head, 0x3e889045565a9ull);
	be32_put(head + 8, option);
	be32_put(head + 12, type);
	be32_put(head + 16, len);
	if (len > 0)
		memcpy(head + 20, data, len);
	return bare_write(fd, head, 20 + len);
}

static bool handshake(int fd)
{
	uint8_t buf[4096], info[12];

	memcpy(buf, "NBDMAGICIHAVEOPT\0\3", 18);
	if (!bare_write(fd, buf, 18) || !bare_read(fd, buf, 4))
		return false;
	be16_put(info, 0);
	be64_put(info + 2, bare_size_bytes);
	be16_put(info + 10, 1 | 4 | 0x100); /* flags, FLUSH, multi-conn */
	while (bare_read(fd, buf, 16)) {
		uint32_t option = be32_get(buf + 8), len = be32_get(buf + 12);

		if (len > sizeof(buf) || !bare_read(fd, buf, len))
			return false;
		switch (option) {
		case OPT_GO:
			return answer(fd, option, 3, info, 12) && answer(fd, option, 1, NULL, 0);
		case OPT_EXPORT_NAME:
			return bare_write(fd, info + 2, 10);
		case OPT_ABORT:
			return false;
		default:
			if (!answer(fd, option, 0x80000001u, NULL, 0))
				return false;
		}
	}
	return false;
}

static bool reply(struct bare_peer *p, const uint8_t *request, uint32_t bytes)
{
	uint8_t *h = bare_reply(p, REPLY_BYTES, bytes);

	if (!h)
		return false;
	be32_put(h, 0x67446698u);
	be32_put(h + 4, 0);
	memcpy(h + 8, request + 8, 8);
	return true;
}

static bool request(struct bare_peer *p, const uint8_t *r)
{
	uint32_t len = be32_get(r + 24);

	if (be32_get(r) != 0x25609513u)
		return false;
	switch (r[7]) {
	case 0:
		return len <= BARE_TRANSFER_MAX && reply(p, r, len);
	case 1:
		return bare_skip(p, r, REQUEST_BYTES, len);
	case 3:
		return reply(p, r, 0);
	default:
		return false;
	}
}

static bool written(struct bare_peer *p)
{
	return reply(p, p->pending, 0);
}

const struct bare_proto bare_nbd_proto = {
	.name = "nbd",
	.request_bytes = REQUEST_BYTES,
	.handshake = handshake,
	.request = request,
	.written = written,
};
