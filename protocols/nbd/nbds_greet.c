/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_greet.c - the actions of the handshake's machine.
 */
#include "config.h"

#include "protocols/nbd/nbds_greet.h"

#include <stdlib.h>

#include "gateway/api/gateway.h"
#include "gateway/base/log.h"

static void post(struct nbds_greet *g, enum nbds_hs_event event);

static struct nbds_greet *of_guest(struct loop_guest *guest)
{
	return (struct nbds_greet *)((char *)guest - offsetof(struct nbds_greet, guest));
}

static struct nbds_greet *of_wire(struct loop_stream *wire)
{
	return (struct nbds_greet *)((char *)wire - offsetof(struct nbds_greet, wire));
}

static struct nbds_greet *of_mail(struct loop_mail *mail)
{
	return (struct nbds_greet *)((char *)mail - offsetof(struct nbds_greet, mail));
}

static struct loop *loop0_of(const struct nbds_greet *g)
{
	return g->host->homes[0].loop;
}

static struct nbds_home *here(const struct nbds_greet *g)
{
	return &g->host->homes[loop_index(g->wire.loop)];
}

/* ---- the end ------------------------------------------------------------- */

static void over(struct loop_mail *mail)
{
	struct nbds_greet *g = of_mail(mail);

	g->guest.away = false;
	loop_door_over(&g->guest, g->state == NBDS_HS_MOVED);
	nbds_opts_end(&g->haggle);
	free(g->data);
	free(g);
}

/* Nothing is armed, the socket is closed or handed on. */
static void go_over(struct nbds_greet *g)
{
	loop_timer_disarm(g->wire.loop, &g->timer);
	loop_defer_cancel(g->wire.loop, &g->task);
	g->mail.run = over;
	loop_post(loop0_of(g), &g->mail);
}

static void close_when_idle(struct loop_task *task)
{
	struct nbds_greet *g =
		(struct nbds_greet *)((char *)task - offsetof(struct nbds_greet, task));

	if (!loop_stream_idle(&g->wire))
		return;
	if (g->home) {
		nbds_conn_leave(&g->conn);
		loop_set_load(g->home->loop, -1);
		g->home = NULL;
	}
	loop_stream_close(&g->wire);
	go_over(g);
}

static void act_close(struct nbds_greet *g)
{
	if (g->guest.closing)
		return;
	g->guest.closing = true;
	loop_stream_shut(&g->wire);
	loop_defer(g->wire.loop, &g->task);
}

/* ---- receiving and sending ----------------------------------------------- */

static void receive(struct nbds_greet *g, void *at, size_t bytes)
{
	g->iov = (struct iovec){ at, bytes };
	loop_stream_receive(&g->wire, &g->iov, 1, true);
}

static void act_send(struct nbds_greet *g)
{
	struct nbds_out *out = &g->haggle.out;

	g->iov = (struct iovec){ out->at, out->len };
	if (out->broken || !out->len)
		post(g, NBDS_HS_ON_GONE); /* no memory even for that */
	else
		loop_stream_send(&g->wire, &g->iov, 1);
}

static void act_receive_data(struct nbds_greet *g)
{
	free(g->data);
	g->data = malloc(g->option.length);
	if (g->data)
		receive(g, g->data, g->option.length);
	else
		post(g, NBDS_HS_ON_GONE);
}

static enum nbds_hs_event on_flags(struct nbds_greet *g)
{
	uint32_t flags;

	if (!nbds_pdu_client_flags_get(g->head, &flags))
		return NBDS_HS_ON_OFFENCE;
	g->haggle.no_zeroes = flags & NBDS_NO_ZEROES;
	return NBDS_HS_ON_FLAGS;
}

static enum nbds_hs_event on_option(struct nbds_greet *g)
{
	if (!nbds_pdu_option_get(g->head, &g->option))
		return NBDS_HS_ON_OFFENCE;
	return nbds_opts_head(&g->haggle, &g->option);
}

static void received(struct loop_stream *wire, int64_t res)
{
	struct nbds_greet *g = of_wire(wire);

	if (g->guest.closing)
		loop_defer(wire->loop, &g->task);
	else if (res <= 0)
		post(g, NBDS_HS_ON_GONE);
	else if (g->state == NBDS_HS_FLAGS)
		post(g, on_flags(g));
	else if (g->state == NBDS_HS_OPTION)
		post(g, on_option(g));
	else
		post(g, NBDS_HS_ON_WHOLE);
}

static void sent(struct loop_stream *wire, int64_t res)
{
	struct nbds_greet *g = of_wire(wire);

	if (g->guest.closing)
		loop_defer(wire->loop, &g->task);
	else
		post(g, res < 0 ? NBDS_HS_ON_GONE : NBDS_HS_ON_SENT);
}

static void act_haggle(struct nbds_greet *g)
{
	g->haggle.draining = here(g)->draining;
	post(g, nbds_opts_run(&g->haggle, &g->option, g->data));
}

/* ---- to the home loop and back ------------------------------------------- */

static void late(struct loop_timer *timer)
{
	struct nbds_greet *g =
		(struct nbds_greet *)((char *)timer - offsetof(struct nbds_greet, timer));

	nbds_count(here(g), NBDS_COUNT_handshakes_late, 1);
	post(g, NBDS_HS_ON_LATE);
}

static void back_at_loop0(struct loop_mail *mail)
{
	struct nbds_greet *g = of_mail(mail);

	g->guest.away = false;
	loop_timer_arm(g->wire.loop, &g->timer, g->due);
	post(g, g->carried);
}

/* The export cannot be joined: the haggling goes on, on loop 0. */
static void go_back(struct nbds_greet *g, enum nbds_rep_err code, const char *words)
{
	struct loop *loop = g->wire.loop;

	nbds_conn_leave(&g->conn);
	loop_set_load(loop, -1);
	g->home = NULL;
	g->carried = nbds_opts_refuse(&g->haggle, code, words);
	loop_timer_disarm(loop, &g->timer);
	loop_stream_move(&g->wire, loop0_of(g));
	g->mail.run = back_at_loop0;
	loop_post(loop0_of(g), &g->mail);
}

static void joined(struct nbds_conn *conn, enum gw_status status)
{
	struct nbds_greet *g = conn->owner;

	if (g->guest.closing)
		return;
	if (status == GW_OK && !here(g)->draining)
		post(g, nbds_opts_welcome(&g->haggle, nbds_conn_facts(conn)));
	else if (status == GW_SHUTDOWN || here(g)->draining)
		go_back(g, NBDS_ERR_SHUTDOWN, "the export is shutting down");
	else
		go_back(g, NBDS_ERR_UNKNOWN, gw_status_words(status));
}

static void arrive_home(struct loop_mail *mail)
{
	struct nbds_greet *g = of_mail(mail);

	loop_timer_arm(g->wire.loop, &g->timer, g->due);
	if (g->home->draining) {
		go_back(g, NBDS_ERR_SHUTDOWN, "the server is shutting down");
		return;
	}
	g->conn = nbds_conn_join(g->home, &g->peer, g->host->target, &g->haggle.grant, joined, g);
	if (g->conn)
		return;
	nbds_count(g->home, NBDS_COUNT_turned_away, 1);
	go_back(g, NBDS_ERR_POLICY, "no room for another client");
}

static void act_join(struct nbds_greet *g)
{
	struct loop *loop = loop_set_choose(gw_loops(g->host->gw));

	loop_set_load(loop, 1);
	loop_timer_disarm(g->wire.loop, &g->timer);
	g->home = &g->host->homes[loop_index(loop)];
	g->guest.away = true;
	loop_stream_move(&g->wire, loop);
	g->mail.run = arrive_home;
	loop_post(loop, &g->mail);
}

static void conn_ended(struct nbds_conn *conn)
{
	struct loop_door *door = conn->owner;

	nbds_conn_free(&conn);
	loop_door_left(door);
}

/* The socket is the connection's from here on. */
static void act_begin(struct nbds_greet *g)
{
	uint32_t terms = nbds_opts_terms(&g->haggle, nbds_conn_facts(g->conn));

	nbds_conn_begin(g->conn, g->wire.sock, terms, conn_ended, g->guest.door);
	g->conn = NULL;
	g->home = NULL;
	go_over(g);
}

/* ---- the machine --------------------------------------------------------- */

static void act(struct nbds_greet *g, enum nbds_hs_action action)
{
	switch (action) {
	case NBDS_HS_ACT_NONE:
		break;
	case NBDS_HS_ACT_RECV_FLAGS:
		receive(g, g->head, NBDS_CLIENT_FLAGS_BYTES);
		break;
	case NBDS_HS_ACT_RECV_OPTION:
		receive(g, g->head, NBDS_OPTION_BYTES);
		break;
	case NBDS_HS_ACT_RECV_DATA:
		act_receive_data(g);
		break;
	case NBDS_HS_ACT_HAGGLE:
		act_haggle(g);
		break;
	case NBDS_HS_ACT_SEND:
		act_send(g);
		break;
	case NBDS_HS_ACT_JOIN:
		act_join(g);
		break;
	case NBDS_HS_ACT_BEGIN:
		act_begin(g);
		break;
	case NBDS_HS_ACT_CLOSE:
		act_close(g);
		break;
	}
}

static void complain(struct nbds_greet *g)
{
	char text[LOOP_ADDR_TEXT];

	nbds_count(here(g), NBDS_COUNT_offences, 1);
	log_note(NBD, "%s: refused in state %s of the handshake",
		 loop_peer_format(&g->peer, text, sizeof(text)), nbds_hs_state_name(g->state));
}

/* The one place where the state changes. */
static void post(struct nbds_greet *g, enum nbds_hs_event event)
{
	struct nbds_hs_move move = nbds_hs_next(g->state, event);

	if (g->guest.closing)
		return;
	if (event == NBDS_HS_ON_OFFENCE)
		complain(g);
	log_debug(NBD, "handshake: %s on %s to %s", nbds_hs_state_name(g->state),
		  nbds_hs_event_name(event), nbds_hs_state_name(move.state));
	g->trail[g->moves++ % NBDS_GREET_TRAIL] = (uint8_t)move.state;
	g->state = move.state;
	act(g, move.action);
}

/* ---- what the door asks -------------------------------------------------- */

static struct loop_guest *greet(struct loop_door *door, int sock, const struct loop_peer *peer)
{
	struct nbds_greet *g = calloc(1, sizeof(*g));

	if (!g) {
		loop_sock_close(door->loop, sock);
		return NULL;
	}
	g->host = door->owner;
	g->peer = *peer;
	g->haggle.gw = g->host->gw;
	g->haggle.loop = door->loop;
	g->haggle.peer = &g->peer;
	g->task.run = close_when_idle;
	g->wire.received = received;
	g->wire.sent = sent;
	loop_stream_open(&g->wire, door->loop, sock);
	g->due = instant_add(loop_now(door->loop), span_s(NBDS_GREET_DEADLINE_S));
	loop_timer_init(&g->timer, late);
	loop_timer_arm(door->loop, &g->timer, g->due);
	nbds_pdu_greeting_put(g->head);
	g->iov = (struct iovec){ g->head, NBDS_GREETING_BYTES };
	loop_stream_send(&g->wire, &g->iov, 1);
	return &g->guest;
}

static void drain(struct loop_guest *guest)
{
	post(of_guest(guest), NBDS_HS_ON_DRAIN);
}

static void end(struct loop_guest *guest)
{
	post(of_guest(guest), NBDS_HS_ON_LATE);
}

static void count(struct loop_door *door, enum loop_door_count which)
{
	static const enum nbds_counter counters[] = {
		[LOOP_DOOR_GREETED] = NBDS_COUNT_handshakes,
		[LOOP_DOOR_DISPLACED] = NBDS_COUNT_handshakes_displaced,
		[LOOP_DOOR_TURNED_AWAY] = NBDS_COUNT_turned_away,
	};
	const struct nbds_greet_host *host = door->owner;

	nbds_count(&host->homes[0], counters[which], 1);
}

const struct loop_door_ops nbds_greet_ops = {
	.greet = greet,
	.drain = drain,
	.end = end,
	.count = count,
};
