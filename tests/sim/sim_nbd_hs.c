/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_nbd_hs.c - fixed newstyle negotiation, one option after the other.
 *
 *   greeting ─▶ [LIST, nonsense, INFO] ─▶ [EXTENDED | STRUCTURED] ─▶ [SET_META]
 *            ─▶ GO | EXPORT_NAME
 *
 * Each option waits for its final reply, as the protocol demands.
 */
#include "config.h"

#include "tests/sim/sim_nbd_hs.h"

#include <string.h>

#include "tests/sim/sim_net.h"

#define FIXED_NEWSTYLE 1u
#define NO_ZEROES 2u

static void next_option(struct sim_nbd *n);

static void send_option(struct sim_nbd *n, uint32_t option, const uint8_t *data, uint32_t len)
{
	uint8_t head[16];

	n->option = option;
	wire_put64(head, WIRE_IHAVEOPT);
	wire_put32(head + 8, option);
	wire_put32(head + 12, len);
	sim_net_send(n->conn, head, sizeof(head));
	sim_net_send(n->conn, data, len);
}

/* INFO and GO: name, and one information request: the block size. */
static void send_go(struct sim_nbd *n, uint32_t option)
{
	uint8_t data[300];
	uint32_t len = (uint32_t)strlen(n->cfg.name);

	wire_put32(data, len);
	memcpy(data + 4, n->cfg.name, len);
	wire_put16(data + 4 + len, 1);
	wire_put16(data + 6 + len, WIRE_INFO_BLOCK_SIZE);
	send_option(n, option, data, len + 8);
}

static void send_meta(struct sim_nbd *n)
{
	static const char query[] = "base:allocation";
	uint8_t data[300];
	uint32_t len = (uint32_t)strlen(n->cfg.name);

	wire_put32(data, len);
	memcpy(data + 4, n->cfg.name, len);
	wire_put32(data + 4 + len, 1);
	wire_put32(data + 8 + len, sizeof(query) - 1);
	memcpy(data + 12 + len, query, sizeof(query) - 1);
	send_option(n, WIRE_OPT_SET_META, data, len + 12 + (uint32_t)sizeof(query) - 1);
}

/* ---- replies ------------------------------------------------------------ */

static void parse_info(struct sim_nbd *n)
{
	const uint8_t *p = n->payload;

	if (n->payload_len < 2)
		sim_nbd_offence(n, "an INFO reply of %zu bytes", n->payload_len);
	else if (wire_get16(p) == WIRE_INFO_EXPORT && n->payload_len == 12)
		n->size = wire_get64(p + 2), n->flags = wire_get16(p + 10);
	else if (wire_get16(p) == WIRE_INFO_BLOCK_SIZE && n->payload_len == 14)
		n->block_min = wire_get32(p + 2), n->block_max = wire_get32(p + 10);
	else if (wire_get16(p) == WIRE_INFO_EXPORT || wire_get16(p) == WIRE_INFO_BLOCK_SIZE)
		sim_nbd_offence(n, "an INFO reply %u of %zu bytes", wire_get16(p), n->payload_len);
}

static void begin_ready(struct sim_nbd *n)
{
	if (n->size == 0 || !(n->flags & WIRE_HAS_FLAGS))
		sim_nbd_offence(n, "no export information before the end of GO");
	else
		n->hs_ready(n);
}

static void accepted(struct sim_nbd *n)
{
	if (n->option == WIRE_OPT_GO) {
		begin_ready(n);
		return;
	}
	if (n->option == WIRE_OPT_STRUCTURED)
		n->headers = SIM_NBD_STRUCTURED;
	if (n->option == WIRE_OPT_EXTENDED)
		n->headers = SIM_NBD_EXTENDED;
	n->step++;
	next_option(n);
}

static void want_reply(struct sim_nbd *n);

static void refused(struct sim_nbd *n, uint32_t type)
{
	if (n->option == WIRE_OPT_GO) {
		/* The export is not there now, or the daemon is full or ends. */
		sim_note(n->world, SIM_TR_CLIENT, n->id, n->phase, type);
		sim_nbd_disconnect(n);
		return;
	}
	if (n->option == WIRE_OPT_EXTENDED)
		n->cfg.headers = SIM_NBD_STRUCTURED;
	else
		n->step++;
	next_option(n);
}

static void on_payload(struct sim_nbd *n)
{
	uint32_t type = wire_get32(n->head + 12);

	if (type & WIRE_REP_ERROR) {
		refused(n, type);
		return;
	}
	if (type == WIRE_REP_ACK) {
		accepted(n);
		return;
	}
	if (type == WIRE_REP_INFO)
		parse_info(n);
	if (type == WIRE_REP_META && n->payload_len >= 4 && n->option == WIRE_OPT_SET_META) {
		n->meta_on = true;
		n->meta_id = wire_get32(n->payload);
	}
	if (n->phase != SIM_NBD_OVER)
		want_reply(n);
}

static void on_reply(struct sim_nbd *n)
{
	uint32_t len = wire_get32(n->head + 16);

	if (wire_get64(n->head) != WIRE_OPT_REPLY)
		sim_nbd_offence(n, "an option reply without its magic");
	else if (wire_get32(n->head + 8) != n->option)
		sim_nbd_offence(n, "a reply to option %u, asked was %u", wire_get32(n->head + 8),
				n->option);
	else if (len > 8192)
		sim_nbd_offence(n, "an option reply of %u bytes", len);
	else
		sim_nbd_want_payload(n, len, on_payload);
}

static void want_reply(struct sim_nbd *n)
{
	sim_nbd_want(n, n->head, 20, on_reply);
}

/* ---- the way through the options ---------------------------------------- */

static void on_export_name(struct sim_nbd *n)
{
	n->size = wire_get64(n->head);
	n->flags = wire_get16(n->head + 8);
	begin_ready(n);
}

static void send_chatter(struct sim_nbd *n, unsigned which)
{
	static const uint8_t junk[5] = "junk";

	if (which == 0)
		send_option(n, WIRE_OPT_LIST, junk, 0);
	else if (which == 1)
		send_option(n, WIRE_OPT_NONSENSE, junk, sizeof(junk));
	else
		send_go(n, WIRE_OPT_INFO);
	want_reply(n);
}

static void next_option(struct sim_nbd *n)
{
	static const uint8_t none[1];

	n->phase = SIM_NBD_OPTIONS;
	if (n->step < 3 && !n->cfg.chatty)
		n->step = 3;
	if (n->step == 3 && n->cfg.headers == SIM_NBD_SIMPLE)
		n->step = 4;
	if (n->step == 4 && (!n->cfg.meta || n->headers == SIM_NBD_SIMPLE))
		n->step = 5;
	if (n->step < 3) {
		send_chatter(n, n->step);
	} else if (n->step == 3) {
		send_option(n,
			    n->cfg.headers == SIM_NBD_EXTENDED ? WIRE_OPT_EXTENDED
							       : WIRE_OPT_STRUCTURED,
			    none, 0);
		want_reply(n);
	} else if (n->step == 4) {
		send_meta(n);
		want_reply(n);
	} else if (n->cfg.export_name && n->headers != SIM_NBD_EXTENDED) {
		send_option(n, WIRE_OPT_EXPORT_NAME, (const uint8_t *)n->cfg.name,
			    (uint32_t)strlen(n->cfg.name));
		sim_nbd_want(n, n->head, 10, on_export_name);
	} else {
		send_go(n, WIRE_OPT_GO);
		want_reply(n);
	}
}

static void on_greeting(struct sim_nbd *n)
{
	uint8_t flags[4];

	if (wire_get64(n->head) != WIRE_NBDMAGIC || wire_get64(n->head + 8) != WIRE_IHAVEOPT) {
		sim_nbd_offence(n, "a greeting without its magic");
		return;
	}
	if ((wire_get16(n->head + 16) & (FIXED_NEWSTYLE | NO_ZEROES)) !=
	    (FIXED_NEWSTYLE | NO_ZEROES)) {
		sim_nbd_offence(n, "handshake flags %#x", wire_get16(n->head + 16));
		return;
	}
	wire_put32(flags, FIXED_NEWSTYLE | NO_ZEROES);
	sim_net_send(n->conn, flags, sizeof(flags));
	next_option(n);
}

void sim_nbd_hs_begin(struct sim_nbd *n, void (*ready)(struct sim_nbd *nbd))
{
	n->hs_ready = ready;
	sim_nbd_want(n, n->head, 18, on_greeting);
}
