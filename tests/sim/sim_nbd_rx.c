/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd_rx.c - replies, held against every rule that the protocol has for them.
 *
 *   header ─▶ payload ─▶ (chunk DONE, or a simple reply) ─▶ sim_nbd_finish()
 *
 * READ data goes straight to the command's buffer; other payloads are small and
 * are gathered first.
 */
#include "config.h"

#include "tests/sim/sim_nbd_rx.h"

#include <inttypes.h>
#include <stdlib.h>

#include "gateway/base/check.h"

#define PAYLOAD_MAX (64u * 1024)

static struct sim_nbd_cmd *find(struct sim_nbd *n, uint64_t cookie)
{
	for (unsigned i = 0; i < SIM_NBD_DEPTH; i++)
		if (n->cmd[i].used && n->cmd[i].cookie == cookie)
			return &n->cmd[i];
	sim_nbd_offence(n, "a reply to cookie %#" PRIx64 ", which is not in flight", cookie);
	return NULL;
}

/* The command in n->now is answered whole. */
static void finish(struct sim_nbd *n)
{
	struct sim_nbd_cmd *cmd = n->now;

	if (!cmd->error && cmd->type == WIRE_READ && cmd->got != cmd->length)
		sim_nbd_offence(n, "a READ of %" PRIu64 " bytes gave %" PRIu64, cmd->length,
				cmd->got);
	else if (!cmd->error && cmd->type == WIRE_READ && (cmd->flags & WIRE_DF) &&
		 cmd->chunks != 1)
		sim_nbd_offence(n, "a READ with DF came in %u pieces", cmd->chunks);
	else if (!cmd->error && cmd->type == WIRE_STATUS && cmd->extents == 0)
		sim_nbd_offence(n, "a BLOCK_STATUS without an extent");
	else
		sim_nbd_finish(n, cmd);
	if (n->phase != SIM_NBD_OVER)
		sim_nbd_rx_begin(n);
}

static void end_of_chunk(struct sim_nbd *n)
{
	if (n->chunk_flags & WIRE_DONE)
		finish(n);
	else
		sim_nbd_rx_begin(n);
}

/* ---- chunks ------------------------------------------------------------- */

static void on_error(struct sim_nbd *n)
{
	size_t fixed = n->chunk_type == WIRE_ERROR_OFFSET ? 14 : 6;
	uint32_t error = n->payload_len >= 6 ? wire_get32(n->payload) : 0;

	if (n->payload_len < fixed || error == 0 ||
	    wire_get16(n->payload + 4) > n->payload_len - fixed) {
		sim_nbd_offence(n, "an error chunk %#x of %zu bytes with error %u", n->chunk_type,
				n->payload_len, error);
		return;
	}
	n->now->error = error;
	end_of_chunk(n);
}

static bool inside(const struct sim_nbd_cmd *cmd, uint64_t offset, uint64_t length)
{
	return offset >= cmd->offset && length && length <= cmd->length &&
	       offset - cmd->offset <= cmd->length - length;
}

static void on_hole(struct sim_nbd *n)
{
	struct sim_nbd_cmd *cmd = n->now;
	uint64_t offset = wire_get64(n->payload);
	uint32_t length = wire_get32(n->payload + 8);

	if (!inside(cmd, offset, length)) {
		sim_nbd_offence(n, "a hole chunk outside its READ");
		return;
	}
	for (uint64_t i = 0; i < length; i++)
		cmd->buf[offset - cmd->offset + i] = 0;
	cmd->got += length;
	cmd->chunks++;
	end_of_chunk(n);
}

static void on_data(struct sim_nbd *n)
{
	n->now->got += n->want;
	n->now->chunks++;
	end_of_chunk(n);
}

static void on_data_offset(struct sim_nbd *n)
{
	struct sim_nbd_cmd *cmd = n->now;
	uint64_t offset = wire_get64(n->head + 32);
	uint64_t length = n->chunk_data;

	if (!inside(cmd, offset, length))
		sim_nbd_offence(n, "a data chunk outside its READ");
	else
		sim_nbd_want(n, cmd->buf + (offset - cmd->offset), length, on_data);
}

static void on_extents(struct sim_nbd *n)
{
	bool ext = n->chunk_type == WIRE_BLOCKS_EXT;
	size_t fixed = ext ? 8 : 4, row = ext ? 16 : 8;
	size_t rows = (n->payload_len - fixed) / row;
	struct sim_nbd_cmd *cmd = n->now;
	uint64_t sum = 0;

	if (cmd->extents || wire_get32(n->payload) != n->meta_id ||
	    (ext && wire_get32(n->payload + 4) != rows)) {
		sim_nbd_offence(n, "a BLOCK_STATUS chunk that does not fit");
		return;
	}
	cmd->extent = calloc(rows, sizeof(*cmd->extent));
	GW_CHECK(cmd->extent);
	for (size_t i = 0; i < rows; i++) {
		const uint8_t *p = n->payload + fixed + i * row;

		cmd->extent[i].length = ext ? wire_get64(p) : wire_get32(p);
		cmd->extent[i].flags = ext ? wire_get64(p + 8) : wire_get32(p + 4);
		if (cmd->extent[i].length == 0 || (i + 1 < rows && sum >= cmd->length)) {
			sim_nbd_offence(n, "an extent of no length or past the range");
			return;
		}
		sum += cmd->extent[i].length;
	}
	cmd->extents = (unsigned)rows;
	if ((cmd->flags & WIRE_REQ_ONE) && (rows != 1 || sum > cmd->length)) {
		sim_nbd_offence(n, "REQ_ONE was answered with %zu extents", rows);
		return;
	}
	end_of_chunk(n);
}

static bool extents_fit(const struct sim_nbd *n, uint64_t len)
{
	bool ext = n->headers == SIM_NBD_EXTENDED;

	if (n->now->type != WIRE_STATUS || len > PAYLOAD_MAX)
		return false;
	if (ext != (n->chunk_type == WIRE_BLOCKS_EXT))
		return false;
	return ext ? len >= 24 && len % 16 == 8 : len >= 12 && len % 8 == 4;
}

static void start_chunk(struct sim_nbd *n, uint64_t len)
{
	struct sim_nbd_cmd *cmd = n->now;
	bool read = cmd->type == WIRE_READ;

	n->chunk_data = len - 8; /* if it is one */
	if ((n->chunk_type & 0x8000) && len <= PAYLOAD_MAX)
		sim_nbd_want_payload(n, len, on_error);
	else if (n->chunk_type == WIRE_NONE && len == 0 && (n->chunk_flags & WIRE_DONE))
		finish(n);
	else if (n->chunk_type == WIRE_DATA && read && len >= 9 && len - 8 <= cmd->length)
		sim_nbd_want(n, n->head + 32, 8, on_data_offset);
	else if (n->chunk_type == WIRE_HOLE && read && len == 12)
		sim_nbd_want_payload(n, 12, on_hole);
	else if ((n->chunk_type == WIRE_BLOCKS || n->chunk_type == WIRE_BLOCKS_EXT) &&
		 extents_fit(n, len))
		sim_nbd_want_payload(n, len, on_extents);
	else
		sim_nbd_offence(n, "a chunk of type %#x with %" PRIu64 " bytes to command %u",
				n->chunk_type, len, cmd->type);
}

static void on_chunk(struct sim_nbd *n)
{
	n->chunk_flags = wire_get16(n->head + 4);
	n->chunk_type = wire_get16(n->head + 6);
	n->now = find(n, wire_get64(n->head + 8));
	if (n->now)
		start_chunk(n, wire_get32(n->head + 16));
}

static void on_chunk_ext(struct sim_nbd *n)
{
	if (wire_get32(n->head) != WIRE_CHUNK_EXT) {
		sim_nbd_offence(n, "reply magic %#x with extended headers", wire_get32(n->head));
		return;
	}
	n->chunk_flags = wire_get16(n->head + 4);
	n->chunk_type = wire_get16(n->head + 6);
	n->now = find(n, wire_get64(n->head + 8));
	if (!n->now)
		return;
	if (wire_get64(n->head + 16) != n->now->offset)
		sim_nbd_offence(n, "an extended reply names another offset");
	else
		start_chunk(n, wire_get64(n->head + 24));
}

/* ---- simple replies ----------------------------------------------------- */

static void on_simple_data(struct sim_nbd *n)
{
	n->now->got = n->now->length;
	n->now->chunks = 1;
	finish(n);
}

static void on_simple(struct sim_nbd *n)
{
	n->now = find(n, wire_get64(n->head + 8));
	if (!n->now)
		return;
	n->now->error = wire_get32(n->head + 4);
	if (n->now->type == WIRE_READ && n->headers != SIM_NBD_SIMPLE)
		sim_nbd_offence(n, "a simple reply to READ after STRUCTURED_REPLY");
	else if (n->now->type == WIRE_READ && !n->now->error)
		sim_nbd_want(n, n->now->buf, n->now->length, on_simple_data);
	else
		finish(n);
}

static void on_head(struct sim_nbd *n)
{
	uint32_t magic = wire_get32(n->head);

	if (magic == WIRE_SIMPLE)
		on_simple(n);
	else if (magic == WIRE_CHUNK && n->headers == SIM_NBD_STRUCTURED)
		sim_nbd_want(n, n->head + 16, 4, on_chunk);
	else
		sim_nbd_offence(n, "reply magic %#x", magic);
}

void sim_nbd_rx_begin(struct sim_nbd *n)
{
	if (n->headers == SIM_NBD_EXTENDED)
		sim_nbd_want(n, n->head, 32, on_chunk_ext);
	else
		sim_nbd_want(n, n->head, 16, on_head);
}
