/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_out.c - the memory behind the answers of a handshake.
 */
#include "config.h"

#include "protocols/nbd/nbds_out.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/nbd/nbds_pdu.h"

static bool grow(struct nbds_out *out, size_t need)
{
	size_t size = out->size ? out->size : 512;
	uint8_t *at;

	while (size < need)
		size *= 2;
	at = realloc(out->at, size);
	if (!at)
		return false;
	out->at = at;
	out->size = size;
	return true;
}

uint8_t *nbds_out_room(struct nbds_out *out, size_t n)
{
	uint8_t *room;

	if (out->broken || n > NBDS_OUT_MAX_BYTES - out->len ||
	    (out->len + n > out->size && !grow(out, out->len + n))) {
		out->broken = true;
		return NULL;
	}
	room = out->at + out->len;
	out->len += n;
	return room;
}

void nbds_out_reply(struct nbds_out *out, uint32_t option, uint32_t type, const void *data,
		    size_t len)
{
	uint8_t *room = nbds_out_room(out, NBDS_OPTION_REPLY_BYTES + len);

	if (!room)
		return;
	nbds_pdu_option_reply_put(room, option, type, (uint32_t)len);
	if (len)
		memcpy(room + NBDS_OPTION_REPLY_BYTES, data, len);
}

void nbds_out_error(struct nbds_out *out, uint32_t option, uint32_t code, const char *words)
{
	nbds_out_reply(out, option, NBDS_REP_ERR(code), words, strnlen(words, NBDS_TEXT_MAX));
}

void nbds_out_clear(struct nbds_out *out)
{
	out->len = 0;
	out->broken = false;
}

void nbds_out_free(struct nbds_out *out)
{
	free(out->at);
	*out = (struct nbds_out){ .at = NULL };
}
