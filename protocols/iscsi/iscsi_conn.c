/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_conn.c - birth, turns and death of a connection.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_conn.h"

#include <stdlib.h>

#include "gateway/api/volume.h"
#include "gateway/base/log.h"
#include "gateway/loop/loop_set.h"
#include "protocols/iscsi/iscsi_doom.h"
#include "protocols/iscsi/iscsi_ffp.h"
#include "protocols/iscsi/iscsi_loan.h"
#include "protocols/iscsi/iscsi_out.h"
#include "protocols/iscsi/iscsi_talk.h"
#include "protocols/iscsi/iscsi_tcp.h"

static struct iscsi_conn *of_task(struct loop_task *task)
{
	return (struct iscsi_conn *)((char *)task - offsetof(struct iscsi_conn, task));
}

static struct iscsi_conn *of_stream(struct loop_stream *stream)
{
	return (struct iscsi_conn *)((char *)stream - offsetof(struct iscsi_conn, stream));
}

/* The one place where the state changes. */
static void move(struct iscsi_conn *conn, enum iscsi_conn_event event)
{
	struct iscsi_conn_move m = iscsi_conn_fsm_move((enum iscsi_conn_state)conn->state, event);

	log_debug(ISCSI, "connection %u of %s: %s on %s: %s", conn->cid, conn->sess->initiator,
		  iscsi_conn_fsm_state_name((enum iscsi_conn_state)conn->state),
		  iscsi_conn_fsm_event_name(event), m.name ? m.name : "stays");
	conn->state = (uint8_t)m.next;
	conn->trail[conn->moves++ % ISCSI_TRAIL] = conn->state;
}

/* ---- death ----------------------------------------------------------------- */

static void say_why(const struct iscsi_conn *conn, const char *words)
{
	char text[LOOP_ADDR_TEXT];

	loop_peer_format(&conn->peer, text, sizeof(text));
	if (conn->offence)
		log_note(ISCSI, "%s (%s): disconnected: %s", text, conn->sess->initiator, words);
	else
		log_debug(ISCSI, "%s (%s): %s", text, conn->sess->initiator, words);
}

/* From now on only what is armed is waited for. */
static void end(struct iscsi_conn *conn, enum iscsi_conn_event why, const char *words)
{
	if (conn->dead)
		return;
	conn->dead = true;
	say_why(conn, words);
	move(conn, why);
	loop_stream_shut(&conn->stream);
	iscsi_out_drop(conn);
	loop_timer_disarm(conn->home->loop, &conn->alive);
	conn->lost(conn);
	loop_defer(conn->home->loop, &conn->task);
}

static void finish(struct iscsi_conn *conn)
{
	if (conn->finished)
		return;
	conn->finished = true;
	iscsi_out_sent(conn);
	iscsi_loan_end(conn);
	iscsi_tcp_drop(conn);
	iscsi_talk_free(conn);
	loop_stream_close(&conn->stream);
	loop_defer_cancel(conn->home->loop, &conn->task);
	conn->ended(conn);
}

static void at_loop0(struct loop_mail *mail)
{
	struct iscsi_conn *conn =
		(struct iscsi_conn *)((char *)mail - offsetof(struct iscsi_conn, mail));
	struct iscsi_portal *portal = conn->portal;

	free(conn);
	loop_door_left(&portal->door);
}

void iscsi_conn_bury(struct iscsi_conn *conn)
{
	conn->mail.run = at_loop0;
	loop_post(loop_set_get(loop_owner(conn->home->loop), 0), &conn->mail);
}

/* ---- a turn ---------------------------------------------------------------- */

/* A NOP-In that wants an answer (11.19): its target transfer tag, or ISCSI_NO_TAG if
 * there is no memory for it. */
static uint32_t ping(struct iscsi_conn *conn)
{
	struct iscsi_out *out = iscsi_out_take(conn);
	struct iscsi_nop_in nop = { .itt = ISCSI_NO_TAG };

	if (!out)
		return ISCSI_NO_TAG;
	if (++conn->sess->next_ttt == ISCSI_NO_TAG)
		conn->sess->next_ttt = 0;
	nop.ttt = conn->sess->next_ttt;
	out->statsn = ISCSI_STATSN_SHOW;
	iscsi_pdu_nop_in_put(out->head, &nop);
	iscsi_out_queue(conn, out);
	return nop.ttt;
}

/* After everything that completed in this turn: parse what waited, one send, one
 * receive. */
static void turn(struct loop_task *task)
{
	struct iscsi_conn *conn = of_task(task);
	bool was_held = conn->share.held;

	iscsi_tcp_run(conn);
	iscsi_loan_settle(conn);
	iscsi_ffp_look(conn);
	if (conn->doom)
		end(conn, conn->logged_out ? ISCSI_CONN_E_LOGOUT_DONE : ISCSI_CONN_E_LOST,
		    conn->doom);
	if (conn->dead) {
		if (loop_stream_idle(&conn->stream))
			finish(conn);
		return;
	}
	if (iscsi_loan_asks(conn))
		iscsi_loan_asked(conn, ping(conn));
	iscsi_out_flush(conn);
	if (!gw_share_end(&conn->share, was_held, conn->home->loop, task))
		iscsi_tcp_arm(conn);
}

static void received(struct loop_stream *stream, int64_t res)
{
	struct iscsi_conn *conn = of_stream(stream);

	if (res > 0) {
		conn->heard = loop_now(conn->home->loop);
		iscsi_tcp_received(conn, (uint32_t)res);
		iscsi_tcp_run(conn);
	} else {
		conn->inbox.direct = 0;
		iscsi_doom(conn, "the initiator went away");
	}
	/* behind what the requests above have deferred, so that those that are done
	 * at once leave in this turn's send */
	loop_defer(conn->home->loop, &conn->task);
}

static void sent(struct loop_stream *stream, int64_t res)
{
	struct iscsi_conn *conn = of_stream(stream);
	struct iscsi_sess *sess = conn->sess;
	bool closes = iscsi_out_sent(conn);

	if (res < 0)
		iscsi_doom(conn, "the initiator went away");
	else if (closes)
		iscsi_doom(conn, "logged out");
	if (sess->n_hungry)
		loop_defer(sess->home->loop, &sess->feed); /* there is memory again */
	loop_defer(conn->home->loop, &conn->task);
}

/* ---- is it still there? ---------------------------------------------------- */

/* A discovery session is asked nothing (4.3): it is over when it is silent. */
static int patience_s(const struct iscsi_conn *conn)
{
	return conn->sess->discovery ? ISCSI_CONN_DISCOVERY_S : ISCSI_CONN_PING_S;
}

/* Silence for a while: a NOP-In that wants an answer (11.19); none: it is gone. */
static void listen_to_silence(struct loop_timer *timer)
{
	struct iscsi_conn *conn =
		(struct iscsi_conn *)((char *)timer - offsetof(struct iscsi_conn, alive));
	struct loop *loop = conn->home->loop;
	struct instant now = loop_now(loop);
	struct instant due;

	if (conn->waiting) {
		conn->heard = now; /* we do not listen; a dead peer's socket errs */
		iscsi_loan_excuse(conn, now);
	} else if (iscsi_loan_overdue(conn, now)) {
		iscsi_doom(conn, "it does not answer");
		return;
	}
	due = instant_add(conn->heard, span_s(patience_s(conn)));
	if (!instant_before(now, due)) {
		if (conn->sess->discovery || conn->ping_ttt != ISCSI_NO_TAG) {
			iscsi_doom(conn, "it does not answer");
			return;
		}
		conn->ping_ttt = ping(conn);
		due = instant_add(now, span_s(ISCSI_CONN_PONG_S));
	} else {
		conn->ping_ttt = ISCSI_NO_TAG; /* any sign of life will do */
	}
	loop_timer_arm(loop, timer, due);
}

/* ---- life ------------------------------------------------------------------ */

struct iscsi_conn *iscsi_conn_make(struct iscsi_sess *sess)
{
	struct iscsi_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->home = sess->home;
	conn->sess = sess;
	conn->ping_ttt = ISCSI_NO_TAG;
	conn->task.run = turn;
	conn->stream.received = received;
	conn->stream.sent = sent;
	loop_timer_init(&conn->alive, listen_to_silence);
	iscsi_tcp_init(conn);
	return conn;
}

void iscsi_conn_unmake(struct iscsi_conn **conn)
{
	free(*conn);
	*conn = NULL;
}

void iscsi_conn_begin(struct iscsi_conn *conn, const struct iscsi_conn_start *start)
{
	struct loop *loop = conn->home->loop;

	conn->cid = start->cid;
	conn->statsn = start->statsn;
	iscsi_loan_begin(&conn->loan, start->statsn);
	conn->params = *start->params;
	conn->peer = *start->peer;
	conn->portal = start->portal;
	conn->rules = (struct iscsi_rx_rules){ conn->params.header_digest, conn->params.data_digest,
					       ISCSI_RECV_MAX };
	conn->since = conn->heard = loop_now(loop);
	move(conn, ISCSI_CONN_E_CONNECTED);
	move(conn, ISCSI_CONN_E_LOGIN_REQUEST);
	move(conn, ISCSI_CONN_E_LOGIN_ACCEPTED);
	loop_stream_open(&conn->stream, loop, start->sock);
	loop_timer_arm(loop, &conn->alive, instant_add(conn->heard, span_s(ISCSI_CONN_PING_S)));
	loop_defer(loop, &conn->task);
}

void iscsi_conn_drain(struct iscsi_conn *conn, unsigned within_s)
{
	struct iscsi_out *out = conn->dead ? NULL : iscsi_out_take(conn);
	struct iscsi_async_message message = { .event = ISCSI_ASYNC_LOGOUT,
					       .parameter3 = (uint16_t)within_s };

	if (!out)
		return;
	move(conn, ISCSI_CONN_E_ASK_LOGOUT);
	iscsi_pdu_async_put(out->head, &message);
	iscsi_out_queue(conn, out);
}

void iscsi_conn_kill(struct iscsi_conn *conn, enum iscsi_conn_event why, const char *words)
{
	end(conn, why, words);
}

/* ---- lists ----------------------------------------------------------------- */

void iscsi_conn_list(const struct iscsi_conn *conn, struct gw_out *out)
{
	const struct iscsi_sess *sess = conn->sess;
	const struct iscsi_window *window = &sess->window;
	struct loop *loop = conn->home->loop;
	char text[LOOP_ADDR_TEXT];

	gw_out_record(out, "connection");
	gw_out_text(out, "protocol", "iscsi");
	gw_out_text(out, "volume", sess->volume);
	gw_out_text(out, "initiator", sess->initiator);
	gw_out_text(out, "peer", loop_peer_format(&conn->peer, text, sizeof(text)));
	gw_out_text(out, "target", sess->discovery ? "discovery" : sess->target);
	gw_out_number(out, "loop", loop_index(loop));
	gw_out_number(out, "requests", sess->requests);
	gw_out_number(out, "read_bytes", sess->read_bytes);
	gw_out_number(out, "written_bytes", sess->written_bytes);
	gw_out_number(out, "in_flight", sess->n_tasks);
	gw_out_number(out, "errors", sess->errors);
	gw_out_number(out, "age_s",
		      (uint64_t)span_to_s(instant_since(loop_now(loop), conn->since)));
	gw_out_text(out, "header_digest", conn->params.header_digest ? "CRC32C" : "none");
	gw_out_text(out, "data_digest", conn->params.data_digest ? "CRC32C" : "none");
	gw_out_number(out, "window", window->max_cmdsn - window->exp_cmdsn + 1);
	gw_out_number(out, "depth", iscsi_window_held(window));
	gw_out_number(out, "session", sess->tsih);
	gw_out_number(out, "connection", conn->cid);
}
