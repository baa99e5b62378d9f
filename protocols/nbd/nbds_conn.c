/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_conn.c - the life of a connection in transmission.
 */
#include "config.h"

#include "protocols/nbd/nbds_conn.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/str.h"
#include "gateway/loop/loop_set.h"
#include "protocols/nbd/nbds_cmd.h"
#include "protocols/nbd/nbds_reply.h"
#include "protocols/nbd/nbds_run.h"

static struct nbds_conn *of_task(struct loop_task *task)
{
	return (struct nbds_conn *)((char *)task - offsetof(struct nbds_conn, task));
}

static struct nbds_conn *of_wire(struct loop_stream *wire)
{
	return (struct nbds_conn *)((char *)wire - offsetof(struct nbds_conn, wire));
}

/* ---- death --------------------------------------------------------------- */

/* From now on only what is armed is waited for. */
static void end(struct nbds_conn *conn, const char *words)
{
	char text[LOOP_ADDR_TEXT];

	if (conn->dead)
		return;
	conn->dead = true;
	log_debug(NBD, "%s: %s: %s", loop_peer_format(&conn->peer, text, sizeof(text)),
		  gw_volume_name(gw_itl_volume(conn->itl)), words);
	loop_stream_shut(&conn->wire);
	nbds_run_abandon(conn);
	nbds_reply_drop(conn);
	loop_defer(conn->home->loop, &conn->task);
}

static void offend(struct nbds_conn *conn, const char *words)
{
	char text[LOOP_ADDR_TEXT];

	nbds_count(conn->home, NBDS_COUNT_offences, 1);
	log_note(NBD, "%s: disconnected: %s", loop_peer_format(&conn->peer, text, sizeof(text)),
		 words);
	end(conn, words);
}

static void release(struct nbds_conn *conn)
{
	gw_itl_close(&conn->itl);
	gw_nexus_close(&conn->nexus);
	gw_credit_close(&conn->in);
	gw_credit_close(&conn->out);
}

static void at_rest(struct loop_mail *mail)
{
	struct nbds_conn *conn =
		(struct nbds_conn *)((char *)mail - offsetof(struct nbds_conn, mail));

	conn->ended(conn);
}

/* Nothing is armed any more: the rest goes to loop 0. */
static void finish(struct nbds_conn *conn)
{
	struct nbds_home *home = conn->home;

	if (conn->finished)
		return;
	conn->finished = true;
	nbds_reply_sent(conn);
	nbds_cmd_drop(conn);
	release(conn);
	loop_stream_close(&conn->wire);
	loop_defer_cancel(home->loop, &conn->task);
	LIST_REMOVE(conn, link);
	home->n_conns--;
	loop_set_load(home->loop, -1);
	conn->mail.run = at_rest;
	loop_post(loop_set_get(loop_owner(home->loop), 0), &conn->mail);
}

/* ---- a turn -------------------------------------------------------------- */

static bool run(struct nbds_conn *conn)
{
	enum nbds_cmd_verdict verdict = nbds_cmd_run(conn);

	if (verdict == NBDS_CMD_FINE)
		return true;
	offend(conn, nbds_cmd_words(verdict));
	return false;
}

/* Who waits for memory receives nothing, and so does not hear that its client has
 * gone; the guarantee that it holds may be what newcomers need. */
static bool is_abandoned(struct nbds_conn *conn)
{
	struct loop_peer peer;

	if (!conn->starved)
		return false;
	conn->starved = false;
	return loop_sock_peer(conn->home->loop, conn->wire.sock, &peer) != 0;
}

/* After everything that completed in this turn: parse what waited, one send,
 * one receive. */
static void turn(struct loop_task *task)
{
	struct nbds_conn *conn = of_task(task);
	bool was_held = conn->share.held;

	if (conn->dead) {
		if (loop_stream_idle(&conn->wire))
			finish(conn);
		return;
	}
	if (is_abandoned(conn)) {
		end(conn, "the client went away");
		return;
	}
	if (!run(conn))
		return;
	nbds_reply_flush(conn);
	if (!gw_share_end(&conn->share, was_held, conn->home->loop, task))
		nbds_cmd_arm(conn);
	if (conn->leaving && !conn->n_ops && nbds_reply_idle(conn) && nbds_cmd_between(conn))
		end(conn, "ended");
}

static void received(struct loop_stream *wire, int64_t res)
{
	struct nbds_conn *conn = of_wire(wire);

	if (res <= 0) {
		end(conn, "the client went away");
	} else if (!conn->dead) {
		nbds_cmd_received(conn, (uint32_t)res);
		run(conn);
	}
	/* last: behind what the requests above have deferred, so that those that
	 * are done at once leave in this turn's send */
	loop_defer(conn->home->loop, &conn->task);
}

static void sent(struct loop_stream *wire, int64_t res)
{
	struct nbds_conn *conn = of_wire(wire);

	nbds_reply_sent(conn);
	loop_defer(conn->home->loop, &conn->task);
	if (res < 0)
		end(conn, "the client does not take its answers");
}

/* ---- birth --------------------------------------------------------------- */

static void ready(struct gw_itl *itl, void *owner, enum gw_status status)
{
	struct nbds_conn *conn = owner;

	conn->joined(conn, status);
}

/* What it was told stays as it is; what is so now decides over requests. */
static void adopt(struct nbds_conn *conn)
{
	const struct gw_facts *facts = gw_itl_facts(conn->itl);

	conn->terms.size_bytes = facts->size_bytes;
	conn->terms.min_block_bytes = facts->block_bytes;
	conn->aligned = facts->memory_align_bytes > 1;
	conn->terms.terms &= ~(uint32_t)NBDX_READ_ONLY_EXPORT;
	if (facts->read_only)
		conn->terms.terms |= NBDX_READ_ONLY_EXPORT;
}

static void event(struct gw_itl *itl, void *owner, const struct gw_event *ev)
{
	struct nbds_conn *conn = owner;

	if (ev->kind == GW_EVENT_RESIZED || ev->kind == GW_EVENT_MODE_CHANGED)
		adopt(conn);
	else if (ev->kind == GW_EVENT_GOING_AWAY)
		nbds_conn_drain(conn);
}

static const struct gw_itl_ops itl_ops = { .ready = ready, .event = event };

/* The same client has the same name whatever port it comes from. */
static void name_initiator(const struct loop_peer *peer, char *text, size_t size)
{
	struct str s = str_begin(text, size);
	struct loop_addr addr = peer->addr;
	char buf[LOOP_ADDR_TEXT];

	if (addr.family == LOOP_ADDR_UNIX || addr.family == LOOP_ADDR_NONE) {
		str_addf(&s, "nbd:unix:uid-%u", peer->uid);
		return;
	}
	addr.port = 0;
	str_addf(&s, "nbd:%s", loop_addr_format(&addr, buf, sizeof(buf)));
	if (s.len > 2 && !strcmp(text + s.len - 2, ":0"))
		text[s.len - 2] = 0;
}

static bool open_nexus(struct nbds_conn *conn, const char *target, const struct gw_grant *grant)
{
	char initiator[GW_PORT_NAME_MAX];
	struct gw_nexus_names names = { "nbd", initiator, target };

	name_initiator(&conn->peer, initiator, sizeof(initiator));
	if (!gw_credit_open(conn->home->pool, NBDS_IN_GUARANTEED_BYTES, NBDS_IN_LIMIT_BYTES,
			    &conn->in) ||
	    !gw_credit_open(conn->home->pool, NBDS_OUT_GUARANTEED_BYTES, NBDS_OUT_LIMIT_BYTES,
			    &conn->out))
		return false;
	conn->nexus = gw_nexus_open(conn->home->gw, conn->home->loop, &names);
	if (!conn->nexus)
		return false;
	conn->itl = gw_itl_open(conn->nexus, grant->volume, grant->read_only, &itl_ops, conn);
	return conn->itl;
}

struct nbds_conn *nbds_conn_join(struct nbds_home *home, const struct loop_peer *peer,
				 const char *target, const struct gw_grant *grant,
				 void (*joined)(struct nbds_conn *conn, enum gw_status status),
				 void *owner)
{
	struct nbds_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->home = home;
	conn->peer = *peer;
	conn->joined = joined;
	conn->owner = owner;
	conn->task.run = turn;
	conn->wire.received = received;
	conn->wire.sent = sent;
	STAILQ_INIT(&conn->queue);
	STAILQ_INIT(&conn->sending);
	nbds_run_init(conn);
	if (!open_nexus(conn, target, grant))
		nbds_conn_leave(&conn);
	return conn;
}

const struct gw_facts *nbds_conn_facts(const struct nbds_conn *conn)
{
	return gw_itl_facts(conn->itl);
}

void nbds_conn_begin(struct nbds_conn *conn, int sock, uint32_t terms,
		     void (*ended)(struct nbds_conn *conn), void *owner)
{
	struct nbds_home *home = conn->home;

	conn->ended = ended;
	conn->owner = owner;
	conn->terms.terms = terms;
	conn->extended = terms & NBDX_HAS_EXTENDED;
	conn->chunked = terms & (NBDX_HAS_EXTENDED | NBDX_HAS_STRUCTURED);
	conn->since = loop_now(home->loop);
	nbds_cmd_init(conn);
	adopt(conn);
	loop_stream_open(&conn->wire, home->loop, sock);
	LIST_INSERT_HEAD(&home->conns, conn, link);
	home->n_conns++;
	nbds_count(home, NBDS_COUNT_connections, 1);
	conn->leaving |= home->draining;
	loop_defer(home->loop, &conn->task);
}

void nbds_conn_leave(struct nbds_conn **connp)
{
	struct nbds_conn *conn = *connp;

	if (conn)
		release(conn);
	nbds_conn_free(connp);
}

void nbds_conn_free(struct nbds_conn **connp)
{
	free(*connp);
	*connp = NULL;
}

void nbds_conn_drain(struct nbds_conn *conn)
{
	conn->leaving = true;
	if (conn->ended)
		loop_defer(conn->home->loop, &conn->task);
}

void nbds_conn_kill(struct nbds_conn *conn)
{
	end(conn, "ended by force");
}

/* ---- lists --------------------------------------------------------------- */

void nbds_conn_list(const struct nbds_conn *conn, struct gw_out *out)
{
	const char *export = gw_volume_name(gw_itl_volume(conn->itl));
	struct loop *loop = conn->home->loop;
	char text[LOOP_ADDR_TEXT];

	gw_out_record(out, "connection");
	gw_out_text(out, "protocol", "nbd");
	gw_out_text(out, "volume", export);
	gw_out_text(out, "initiator", gw_nexus_initiator(conn->nexus));
	gw_out_text(out, "peer", loop_peer_format(&conn->peer, text, sizeof(text)));
	gw_out_text(out, "target", export);
	gw_out_number(out, "loop", loop_index(loop));
	gw_out_number(out, "requests", conn->requests);
	gw_out_number(out, "read_bytes", conn->read_bytes);
	gw_out_number(out, "written_bytes", conn->written_bytes);
	gw_out_number(out, "in_flight", conn->n_ops);
	gw_out_number(out, "errors", conn->errors);
	gw_out_number(out, "age_s",
		      (uint64_t)span_to_s(instant_since(loop_now(loop), conn->since)));
	gw_out_text(out, "header_digest", "none"); /* the protocol has no digests */
	gw_out_text(out, "data_digest", "none");
	gw_out_number(out, "window", NBDS_IN_FLIGHT_MAX - conn->n_ops);
	gw_out_number(out, "depth", NBDS_IN_FLIGHT_MAX);
}
