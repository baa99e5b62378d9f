/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_greet.c - the login of one connection, on the wire and in time.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_greet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/gateway.h"
#include "gateway/base/log.h"
#include "protocols/iscsi/iscsi_login.h"
#include "protocols/iscsi/iscsi_names.h"
#include "protocols/iscsi/iscsi_reg.h"
#include "protocols/iscsi/iscsi_sess.h"

struct iscsi_greet {
	struct loop_guest guest; /* first */
	struct iscsi_portal *portal;
	struct loop_stream stream;
	struct loop_peer peer;
	struct iovec iov[2];
	bool heading; /* the header is being received, not the data */
	bool done; /* the response under way is the last: full feature phase */
	bool last; /* the response under way is the last: closed */
	uint8_t head[ISCSI_BHS_BYTES], pad[4];
	struct iscsi_pdu pdu;
	struct iscsi_login login;
	struct iscsi_login_answer answer;
	struct iscsi_wants wants;
	struct gw_grant grant;
	char target[ISCSI_NAME_MAX + 1];
	struct iscsi_heir heir;
	struct iscsi_sess *sess; /* being made, or lives and is joined */
	struct iscsi_sess *visited; /* the latter, from loop 0's view */
	struct iscsi_join join;
	struct iscsi_conn *conn;
	struct loop_timer timer;
	struct instant due;
	struct loop_task task;
	struct loop_mail mail;
	uint8_t data[ISCSI_LOGIN_DATA_BYTES + 4];
	uint8_t text_in[ISCSI_TEXT_MAX_BYTES], text_out[ISCSI_TEXT_MAX_BYTES + 4];
};

static struct iscsi_greet *of_guest(struct loop_guest *guest)
{
	return (struct iscsi_greet *)guest;
}

static struct iscsi_greet *of_stream(struct loop_stream *stream)
{
	return (struct iscsi_greet *)((char *)stream - offsetof(struct iscsi_greet, stream));
}

static struct iscsi_greet *of_mail(struct loop_mail *mail)
{
	return (struct iscsi_greet *)((char *)mail - offsetof(struct iscsi_greet, mail));
}

static struct iscsi_home *home0(const struct iscsi_greet *g)
{
	return &g->portal->homes[0];
}

static struct iscsi_home *here(const struct iscsi_greet *g)
{
	return &g->portal->homes[loop_index(g->stream.loop)];
}

/* ---- the end --------------------------------------------------------------- */

static void over(struct loop_mail *mail)
{
	struct iscsi_greet *g = of_mail(mail);

	loop_door_over(&g->guest, g->done);
	gw_grant_release(&g->grant);
	if (g->visited)
		iscsi_reg_leave(g->visited);
	free(g);
}

/* Nothing is armed, the socket is closed or handed on. */
static void go_over(struct iscsi_greet *g)
{
	loop_timer_disarm(g->stream.loop, &g->timer);
	loop_defer_cancel(g->stream.loop, &g->task);
	g->mail.run = over;
	loop_post(home0(g)->loop, &g->mail);
}

static void close_when_idle(struct loop_task *task)
{
	struct iscsi_greet *g =
		(struct iscsi_greet *)((char *)task - offsetof(struct iscsi_greet, task));

	if (!loop_stream_idle(&g->stream))
		return;
	iscsi_reg_disown(&g->heir);
	if (g->conn)
		iscsi_conn_unmake(&g->conn);
	if (g->visited) {
		iscsi_sess_unjoin(&g->join);
	} else if (g->sess) {
		iscsi_sess_close(g->sess, "its login failed");
		iscsi_sess_let_go(g->sess);
	}
	g->sess = NULL;
	loop_stream_close(&g->stream);
	go_over(g);
}

static void shut(struct iscsi_greet *g)
{
	if (g->guest.closing)
		return;
	g->guest.closing = true;
	g->done = false;
	loop_stream_shut(&g->stream);
	loop_defer(g->stream.loop, &g->task);
}

static void late(struct loop_timer *timer)
{
	struct iscsi_greet *g =
		(struct iscsi_greet *)((char *)timer - offsetof(struct iscsi_greet, timer));

	iscsi_count(here(g), ISCSI_COUNT_logins_late, 1);
	shut(g);
}

/* ---- sending --------------------------------------------------------------- */

static void complain(struct iscsi_greet *g)
{
	const struct iscsi_neg_fault_row *row = iscsi_text_fault(g->answer.fault);
	char text[LOOP_ADDR_TEXT];

	iscsi_count(here(g), ISCSI_COUNT_logins_refused, 1);
	log_note(ISCSI, "%s: login refused: %s%s%s", loop_peer_format(&g->peer, text, sizeof(text)),
		 iscsi_pdu_login_words(g->answer.response.status), row ? ": " : "",
		 row ? row->words : "");
}

static void send_answer(struct iscsi_greet *g)
{
	uint32_t bytes = g->answer.response.data_bytes;

	iscsi_pdu_login_response_put(g->head, &g->answer.response);
	g->iov[0] = (struct iovec){ g->head, sizeof(g->head) };
	memset(g->text_out + bytes, 0, iscsi_pdu_pad(bytes));
	g->iov[1] = (struct iovec){ g->text_out, bytes + iscsi_pdu_pad(bytes) };
	loop_stream_send(&g->stream, g->iov, bytes ? 2 : 1);
}

static void send_refusal(struct iscsi_greet *g)
{
	complain(g);
	g->last = true;
	send_answer(g);
}

static void refuse(struct iscsi_greet *g, enum iscsi_login_status status)
{
	iscsi_login_refuse(&g->login, status, &g->answer);
	send_refusal(g);
}

/* ---- the home of the session ----------------------------------------------- */

/* The numbers of the session go into the response that was kept (11.13). */
static void ready(struct iscsi_greet *g)
{
	struct iscsi_login_response *response = &g->answer.response;

	if (g->guest.closing || g->last)
		return;
	response->tsih = g->sess->tsih;
	response->sns.exp_cmdsn = g->sess->window.exp_cmdsn;
	response->sns.max_cmdsn = g->sess->window.max_cmdsn;
	g->done = true;
	send_answer(g);
}

static void not_ready(struct iscsi_greet *g, enum iscsi_login_status status)
{
	if (g->guest.closing || g->last)
		return;
	if (g->done)
		shut(g); /* it is told already that all is well */
	else
		refuse(g, status);
}

static void session_ready(struct iscsi_sess *sess, bool ok)
{
	if (ok)
		ready(sess->owner);
	else
		not_ready(sess->owner, ISCSI_LOGIN_NO_RESOURCES);
}

static void join_ready(struct iscsi_join *join, bool ok)
{
	struct iscsi_greet *g =
		(struct iscsi_greet *)((char *)join - offsetof(struct iscsi_greet, join));

	if (ok)
		ready(g);
	else
		not_ready(g, ISCSI_LOGIN_NO_SESSION);
}

static void begin(struct iscsi_greet *g)
{
	struct iscsi_conn_start start = {
		.sock = g->stream.sock,
		.cid = g->login.cid,
		.statsn = g->answer.response.sns.statsn + 1,
		.params = &g->login.keys.now,
		.peer = &g->peer,
		.portal = g->portal,
	};

	iscsi_sess_attach(g->sess, g->conn, &start);
	if (g->visited)
		iscsi_sess_unjoin(&g->join);
	else
		iscsi_sess_let_go(g->sess);
	g->sess = NULL;
	g->conn = NULL;
	go_over(g);
}

static void arrive_home(struct loop_mail *mail)
{
	struct iscsi_greet *g = of_mail(mail);
	bool opened;

	loop_timer_arm(g->stream.loop, &g->timer, g->due);
	g->conn = iscsi_conn_make(g->sess);
	opened = iscsi_sess_open(g->sess, g->login.cmdsn, session_ready, g);
	if (!opened || !g->conn)
		refuse(g, ISCSI_LOGIN_NO_RESOURCES);
	else if (here(g)->draining)
		refuse(g, ISCSI_LOGIN_UNAVAILABLE);
}

static void arrive_to_join(struct loop_mail *mail)
{
	struct iscsi_greet *g = of_mail(mail);

	loop_timer_arm(g->stream.loop, &g->timer, g->due);
	g->conn = iscsi_conn_make(g->sess);
	g->join = (struct iscsi_join){ .cid = g->login.cid, .ready = join_ready };
	if (!g->conn)
		refuse(g, ISCSI_LOGIN_NO_RESOURCES);
	else if (here(g)->draining)
		refuse(g, ISCSI_LOGIN_UNAVAILABLE);
	else if (!iscsi_sess_join(g->sess, &g->join))
		refuse(g, ISCSI_LOGIN_NO_SESSION);
}

/* Home, where the session is or will be. */
static void travel(struct iscsi_greet *g, struct iscsi_sess *sess,
		   void (*arrive)(struct loop_mail *mail))
{
	g->sess = sess;
	g->guest.away = true;
	loop_timer_disarm(g->stream.loop, &g->timer);
	loop_stream_move(&g->stream, sess->home->loop);
	g->mail.run = arrive;
	loop_post(sess->home->loop, &g->mail);
}

/* SendTargets asks for what only loop 0 knows, so discovery stays there. */
static struct iscsi_home *choose_home(const struct iscsi_greet *g)
{
	struct loop *loop;

	if (g->login.discovery)
		return home0(g);
	loop = loop_set_choose(gw_loops(home0(g)->gw));
	return &g->portal->homes[loop_index(loop)];
}

static void place_session(struct iscsi_greet *g)
{
	struct iscsi_home *home = choose_home(g);
	struct iscsi_sess_start start = {
		.initiator = iscsi_keys_initiator_name(&g->login.keys),
		.target = g->target,
		.isid = g->login.isid,
		.cid = g->login.cid,
		.params = &g->login.keys.now,
		.discovery = g->login.discovery,
		.grant = g->grant,
	};
	struct iscsi_sess *sess = iscsi_sess_make(home, &start);

	g->grant.volume = NULL;
	if (!sess || !iscsi_reg_add(home->reg, sess)) {
		if (sess)
			iscsi_sess_unmake(&sess);
		refuse(g, ISCSI_LOGIN_NO_RESOURCES);
		return;
	}
	travel(g, sess, arrive_home);
}

static struct iscsi_sess *find_session(const struct iscsi_greet *g)
{
	return iscsi_reg_find(home0(g)->reg, iscsi_keys_initiator_name(&g->login.keys),
			      g->login.isid, g->target);
}

/* 6.3.4: into the session that lives, in the place of the connection with this CID. */
static void join_session(struct iscsi_greet *g)
{
	struct iscsi_sess *sess = find_session(g);

	if (!sess || sess->tsih != g->login.tsih) { /* it has ended since */
		refuse(g, ISCSI_LOGIN_NO_SESSION);
		return;
	}
	iscsi_reg_visit(sess);
	g->visited = sess;
	travel(g, sess, arrive_to_join);
}

/* 6.3.5: a session of the same names ends first, and all of its tasks with it. */
static void inherit(struct iscsi_heir *heir)
{
	struct iscsi_greet *g =
		(struct iscsi_greet *)((char *)heir - offsetof(struct iscsi_greet, heir));
	struct iscsi_sess *old = find_session(g);

	if (g->guest.closing)
		return;
	if (!old) {
		place_session(g);
		return;
	}
	iscsi_count(home0(g), ISCSI_COUNT_reinstated, 1);
	iscsi_reg_end(old, heir);
}

static void login_done(struct iscsi_greet *g)
{
	switch (g->login.way) {
	case ISCSI_LOGIN_NEW:
	case ISCSI_LOGIN_REINSTATE:
		inherit(&g->heir);
		return;
	case ISCSI_LOGIN_REPLACE:
		join_session(g);
		return;
	case ISCSI_LOGIN_JOIN:
		refuse(g, ISCSI_LOGIN_TOO_MANY); /* MaxConnections is 1 */
		return;
	}
}

/* ---- which target ---------------------------------------------------------- */

static const struct iscsi_login_method *const methods[] = { &iscsi_login_none };

/* Discovery sessions are apart from others (7.4.2): unnamed ones one for each
 * portal, named ones one for each target. */
static enum iscsi_login_status find_for_discovery(struct iscsi_greet *g, const struct gw_who *who)
{
	struct iscsi_slice name = iscsi_keys_target_name(&g->login.keys);
	struct gw_grant grant = { .volume = NULL };
	char target[ISCSI_NAME_MAX + 1];

	if (name.len && !iscsi_names_find(home0(g)->names, home0(g)->gw, who, name, &grant, target))
		return ISCSI_LOGIN_NOT_FOUND;
	gw_grant_release(&grant);
	snprintf(g->target, sizeof(g->target), "@%.*s", (int)sizeof(g->target) - 2,
		 name.len ? target : g->portal->door.text);
	return ISCSI_LOGIN_OK;
}

static enum iscsi_login_status find_target(struct iscsi_greet *g)
{
	char initiator[ISCSI_NAME_MAX + 1];
	struct iscsi_slice name = iscsi_keys_initiator_name(&g->login.keys);
	struct gw_who who = { .protocol = "iscsi", .initiator = initiator, .peer = &g->peer };

	memcpy(initiator, name.at, name.len);
	initiator[name.len] = 0;
	if (g->login.discovery)
		return find_for_discovery(g, &who);
	return iscsi_names_find(home0(g)->names, home0(g)->gw, &who,
				iscsi_keys_target_name(&g->login.keys), &g->grant, g->target)
		       ? ISCSI_LOGIN_OK
		       : ISCSI_LOGIN_NOT_FOUND;
}

static void what_we_want(struct iscsi_wants *wants)
{
	iscsi_keys_wants(wants);
	wants->recv_max = ISCSI_RECV_MAX;
	wants->first_burst = ISCSI_FIRST_BURST;
	wants->max_burst = ISCSI_MAX_BURST;
	wants->max_r2t = ISCSI_R2T_MAX;
	wants->time2retain = 0; /* level 0: without its connection a session ends at once */
	wants->initial_r2t = false;
	wants->immediate_data = true;
	wants->pdu_in_order = wants->sequence_in_order = true;
}

static enum iscsi_login_next tell_target(struct iscsi_greet *g)
{
	struct iscsi_login_target target = {
		.status = home0(g)->draining ? ISCSI_LOGIN_UNAVAILABLE : find_target(g),
		.wants = &g->wants,
		.portal_group = ISCSI_NAMES_GROUP,
		.methods = methods,
		.n_methods = sizeof(methods) / sizeof(*methods),
	};
	struct iscsi_sess *sess = find_session(g);

	what_we_want(&g->wants);
	if (sess) {
		target.session = true;
		target.session_tsih = sess->tsih;
		target.session_has_cid = sess->cid == g->login.cid;
		target.session_params = &sess->params;
	}
	return iscsi_login_target(&g->login, &target, &g->answer);
}

/* ---- receiving ------------------------------------------------------------- */

static void receive(struct iscsi_greet *g, void *at, size_t bytes)
{
	g->iov[0] = (struct iovec){ at, bytes };
	loop_stream_receive(&g->stream, g->iov, 1, true);
}

static void receive_head(struct iscsi_greet *g)
{
	g->heading = true;
	receive(g, g->head, sizeof(g->head));
}

static void take_pdu(struct iscsi_greet *g)
{
	enum iscsi_login_next next = iscsi_login_request(&g->login, &g->pdu, g->data, &g->answer);

	if (next == ISCSI_LOGIN_NEEDS_TARGET)
		next = tell_target(g);
	switch (next) {
	case ISCSI_LOGIN_SEND:
		send_answer(g);
		return;
	case ISCSI_LOGIN_DONE:
		login_done(g);
		return;
	case ISCSI_LOGIN_REFUSED:
	case ISCSI_LOGIN_NEEDS_TARGET:
		send_refusal(g);
		return;
	}
}

static void take_head(struct iscsi_greet *g)
{
	enum iscsi_fault fault = iscsi_pdu_get(g->head, ISCSI_LOGIN_DATA_BYTES, &g->pdu);
	uint32_t bytes = fault ? 0 : g->pdu.data_bytes;
	char text[LOOP_ADDR_TEXT];

	g->heading = false;
	if (fault || g->pdu.ahs_bytes) {
		iscsi_count(here(g), ISCSI_COUNT_offences, 1);
		log_note(ISCSI, "%s: disconnected during login: %s",
			 loop_peer_format(&g->peer, text, sizeof(text)),
			 fault ? iscsi_pdu_fault(fault)->words : "additional headers");
		shut(g);
	} else if (bytes) {
		receive(g, g->data, bytes + iscsi_pdu_pad(bytes));
	} else {
		take_pdu(g);
	}
}

static void received(struct loop_stream *stream, int64_t res)
{
	struct iscsi_greet *g = of_stream(stream);

	if (g->guest.closing)
		loop_defer(stream->loop, &g->task);
	else if (res <= 0)
		shut(g);
	else if (g->heading)
		take_head(g);
	else
		take_pdu(g);
}

static void sent(struct loop_stream *stream, int64_t res)
{
	struct iscsi_greet *g = of_stream(stream);

	if (g->guest.closing)
		loop_defer(stream->loop, &g->task);
	else if (res < 0 || g->last)
		shut(g);
	else if (g->done)
		begin(g);
	else
		receive_head(g);
}

/* ---- the door -------------------------------------------------------------- */

static struct loop_guest *greet(struct loop_door *door, int sock, const struct loop_peer *peer)
{
	struct iscsi_portal *portal = door->owner;
	struct iscsi_greet *g = calloc(1, sizeof(*g));
	struct iscsi_login_setup setup;

	if (!g) {
		loop_sock_close(door->loop, sock);
		return NULL;
	}
	g->portal = portal;
	g->peer = *peer;
	g->heir.over = inherit;
	g->task.run = close_when_idle;
	g->stream.received = received;
	g->stream.sent = sent;
	setup = (struct iscsi_login_setup){ .text_in = g->text_in, .text_out = g->text_out };
	iscsi_login_begin(&g->login, &setup);
	loop_stream_open(&g->stream, door->loop, sock);
	g->due = instant_add(loop_now(door->loop), span_s(ISCSI_GREET_DEADLINE_S));
	loop_timer_init(&g->timer, late);
	loop_timer_arm(door->loop, &g->timer, g->due);
	receive_head(g);
	return &g->guest;
}

static void drain(struct loop_guest *guest)
{
	shut(of_guest(guest));
}

static void count(struct loop_door *door, enum loop_door_count which)
{
	static const uint8_t counters[] = {
		[LOOP_DOOR_GREETED] = ISCSI_COUNT_logins,
		[LOOP_DOOR_DISPLACED] = ISCSI_COUNT_logins_displaced,
		[LOOP_DOOR_TURNED_AWAY] = ISCSI_COUNT_turned_away,
	};
	struct iscsi_portal *portal = door->owner;

	iscsi_count(&portal->homes[0], (enum iscsi_counter)counters[which], 1);
}

const struct loop_door_ops iscsi_greet_ops = {
	.greet = greet,
	.drain = drain,
	.end = drain,
	.count = count,
};
