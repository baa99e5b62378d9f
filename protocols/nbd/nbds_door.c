/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_door.c - one listener.
 */
#include "config.h"

#include "protocols/nbd/nbds_door.h"

#include <stdio.h>

#include "gateway/base/check.h"
#include "gateway/base/log.h"

#define AGAIN_MS 100

static struct nbds_home *home0(struct nbds_door *door)
{
	return &door->host.homes[0];
}

/* ---- those inside -------------------------------------------------------- */

static void serve_lobby(struct nbds_door *door);

static void left(struct nbds_door *door)
{
	door->n_conns--;
	serve_lobby(door);
	if (door->changed)
		door->changed(door->arg);
}

static void conn_ended(struct nbds_conn *conn)
{
	struct nbds_door *door = conn->owner;

	nbds_conn_free(&conn);
	left(door);
}

static void over(struct nbds_greet_host *host, struct nbds_greet *greet, bool begun)
{
	struct nbds_door *door = (struct nbds_door *)host;

	TAILQ_REMOVE(&door->half_open, greet, link);
	door->n_half_open--;
	if (begun)
		serve_lobby(door);
	else
		left(door);
}

/* The oldest handshake that we can reach makes room, in its own time. */
static void displace(struct nbds_door *door)
{
	struct nbds_greet *greet;

	TAILQ_FOREACH (greet, &door->half_open, link)
		if (!greet->away && !greet->closing) {
			nbds_count(home0(door), NBDS_COUNT_handshakes_displaced, 1);
			nbds_greet_end(greet);
			return;
		}
}

/* ---- the lobby: accepted, not yet greeted -------------------------------- */

static int leave_lobby(struct nbds_door *door)
{
	int sock = door->lobby[door->first_waiting];

	door->first_waiting = (door->first_waiting + 1) % NBDS_DOOR_LOBBY;
	door->n_waiting--;
	return sock;
}

static void turn_away(struct nbds_door *door, int sock)
{
	nbds_count(home0(door), NBDS_COUNT_turned_away, 1);
	log_note(NBD, "%s: full: a client was turned away", door->text);
	loop_sock_close(door->loop, sock);
}

static void greet(struct nbds_door *door, int sock)
{
	struct loop_peer peer = { .addr = { .family = LOOP_ADDR_NONE } };
	struct nbds_greet *g;

	if (door->n_half_open >= door->bounds.half_open || door->n_conns >= door->bounds.conns)
		displace(door);
	loop_sock_tune(door->loop, sock);
	if (loop_sock_peer(door->loop, sock, &peer)) {
		loop_sock_close(door->loop, sock); /* gone already */
		return;
	}
	g = nbds_greet_begin(&door->host, sock, &peer);
	if (!g)
		return;
	nbds_count(home0(door), NBDS_COUNT_handshakes, 1);
	TAILQ_INSERT_TAIL(&door->half_open, g, link);
	door->n_half_open++;
	door->n_conns++;
}

/* Those displaced need a turn to leave: twice the bound is the wall. */
static void serve_lobby(struct nbds_door *door)
{
	while (door->n_waiting && door->n_half_open < 2 * door->bounds.half_open) {
		int sock = leave_lobby(door);

		if (door->open && door->n_conns - door->n_half_open < door->bounds.conns)
			greet(door, sock);
		else
			turn_away(door, sock);
	}
}

/* Where the lobby is full, who has waited longest goes: after a flood the next
 * honest client is the newest. */
static void enter_lobby(struct nbds_door *door, int sock)
{
	if (door->n_waiting == NBDS_DOOR_LOBBY)
		turn_away(door, leave_lobby(door));
	door->lobby[(door->first_waiting + door->n_waiting++) % NBDS_DOOR_LOBBY] = sock;
	serve_lobby(door);
}

/* ---- accepting ----------------------------------------------------------- */

static void accept_on(struct nbds_door *door)
{
	door->armed = true;
	loop_submit(door->loop, &door->accept);
}

static void accepted(struct drv_op *op, int64_t res)
{
	struct nbds_door *door =
		(struct nbds_door *)((char *)op - offsetof(struct nbds_door, accept));

	if (res >= 0) {
		if (door->open)
			enter_lobby(door, (int)res);
		else
			loop_sock_close(door->loop, (int)res);
		return;
	}
	door->armed = false;
	if (door->open) {
		log_warn(NBD, "%s: cannot accept (error %lld); trying again", door->text,
			 (long long)-res);
		loop_timer_arm(door->loop, &door->again,
			       instant_add(loop_now(door->loop), span_ms(AGAIN_MS)));
	} else {
		nbds_door_close(door);
		door->changed(door->arg);
	}
}

static void try_again(struct loop_timer *timer)
{
	accept_on((struct nbds_door *)((char *)timer - offsetof(struct nbds_door, again)));
}

/* ---- life ---------------------------------------------------------------- */

int nbds_door_open(struct nbds_door *door, struct gw *gw, struct nbds_home *homes, const char *text,
		   struct gw_err *err)
{
	int rc = loop_addr_parse(text, &door->addr, err);

	door->sock = -1;
	if (rc)
		return rc;
	door->loop = homes[0].loop;
	door->host = (struct nbds_greet_host){
		.gw = gw,
		.homes = homes,
		.target = door->target,
		.over = over,
		.conn_ended = conn_ended,
	};
	TAILQ_INIT(&door->half_open);
	loop_timer_init(&door->again, try_again);
	rc = loop_listen(door->loop, &door->addr, &door->sock, err);
	if (rc)
		return rc;
	loop_addr_format(&door->addr, door->text, sizeof(door->text));
	snprintf(door->target, sizeof(door->target), "nbd:%s", door->text);
	door->accept = (struct drv_op){ .done = accepted, .kind = DRV_ACCEPT, .sock = door->sock };
	return 0;
}

void nbds_door_start(struct nbds_door *door)
{
	door->open = true;
	accept_on(door);
}

void nbds_door_drain(struct nbds_door *door)
{
	struct nbds_greet *greet;

	door->open = false;
	while (door->n_waiting)
		turn_away(door, leave_lobby(door));
	loop_timer_disarm(door->loop, &door->again);
	if (door->armed)
		loop_cancel(door->loop, &door->accept);
	else
		nbds_door_close(door);
	TAILQ_FOREACH (greet, &door->half_open, link)
		if (!greet->away)
			nbds_greet_drain(greet);
}

void nbds_door_kill(struct nbds_door *door)
{
	struct nbds_greet *greet;

	TAILQ_FOREACH (greet, &door->half_open, link)
		if (!greet->away)
			nbds_greet_end(greet);
}

bool nbds_door_empty(const struct nbds_door *door)
{
	return !door->armed && !door->n_conns;
}

void nbds_door_close(struct nbds_door *door)
{
	GW_CHECK(!door->armed);
	if (door->sock >= 0)
		loop_sock_close(door->loop, door->sock);
	door->sock = -1;
}
