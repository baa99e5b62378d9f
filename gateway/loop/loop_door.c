/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop_door.c - one listener.
 */
#include "config.h"

#include "gateway/loop/loop_door.h"

#include <stddef.h>

#include "gateway/base/check.h"
#include "gateway/base/log.h"

#define AGAIN_MS 100

/* ---- those inside -------------------------------------------------------- */

static void serve_lobby(struct loop_door *door);

static void tell(struct loop_door *door)
{
	if (door->changed)
		door->changed(door->arg);
}

void loop_door_left(struct loop_door *door)
{
	door->n_conns--;
	serve_lobby(door);
	tell(door);
}

void loop_door_over(struct loop_guest *guest, bool begun)
{
	struct loop_door *door = guest->door;

	TAILQ_REMOVE(&door->half_open, guest, link);
	door->n_half_open--;
	if (begun)
		serve_lobby(door);
	else
		loop_door_left(door);
}

/* The oldest guest that we can reach makes room, in its own time. */
static void displace(struct loop_door *door)
{
	struct loop_guest *guest;

	TAILQ_FOREACH (guest, &door->half_open, link)
		if (!guest->away && !guest->closing) {
			door->ops->count(door, LOOP_DOOR_DISPLACED);
			door->ops->end(guest);
			return;
		}
}

/* ---- the lobby: accepted, not yet greeted -------------------------------- */

static int leave_lobby(struct loop_door *door)
{
	int sock = door->lobby[door->first_waiting];

	door->first_waiting = (door->first_waiting + 1) % LOOP_DOOR_LOBBY;
	door->n_waiting--;
	return sock;
}

static void turn_away(struct loop_door *door, int sock)
{
	door->ops->count(door, LOOP_DOOR_TURNED_AWAY);
	log_note(LOOP, "%s: full: a client was turned away", door->text);
	loop_sock_close(door->loop, sock);
}

static void greet(struct loop_door *door, int sock)
{
	struct loop_peer peer = { .addr = { .family = LOOP_ADDR_NONE } };
	struct loop_guest *guest;

	if (door->n_half_open >= door->bounds.half_open || door->n_conns >= door->bounds.conns)
		displace(door);
	loop_sock_tune(door->loop, sock);
	if (loop_sock_peer(door->loop, sock, &peer)) {
		loop_sock_close(door->loop, sock); /* gone already */
		return;
	}
	guest = door->ops->greet(door, sock, &peer);
	if (!guest)
		return;
	door->ops->count(door, LOOP_DOOR_GREETED);
	guest->door = door;
	TAILQ_INSERT_TAIL(&door->half_open, guest, link);
	door->n_half_open++;
	door->n_conns++;
}

/* Those displaced need a turn to leave: twice the bound is the wall. */
static void serve_lobby(struct loop_door *door)
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
static void enter_lobby(struct loop_door *door, int sock)
{
	if (door->n_waiting == LOOP_DOOR_LOBBY)
		turn_away(door, leave_lobby(door));
	door->lobby[(door->first_waiting + door->n_waiting++) % LOOP_DOOR_LOBBY] = sock;
	serve_lobby(door);
}

/* ---- accepting ----------------------------------------------------------- */

static void accept_on(struct loop_door *door)
{
	door->armed = true;
	loop_submit(door->loop, &door->accept);
}

static void accepted(struct drv_op *op, int64_t res)
{
	struct loop_door *door =
		(struct loop_door *)((char *)op - offsetof(struct loop_door, accept));

	if (res >= 0) {
		if (door->open)
			enter_lobby(door, (int)res);
		else
			loop_sock_close(door->loop, (int)res);
		return;
	}
	door->armed = false;
	if (door->open) {
		log_warn(LOOP, "%s: cannot accept (error %lld); trying again", door->text,
			 (long long)-res);
		loop_timer_arm(door->loop, &door->again,
			       instant_add(loop_now(door->loop), span_ms(AGAIN_MS)));
	} else {
		loop_door_close(door);
		tell(door);
	}
}

static void try_again(struct loop_timer *timer)
{
	accept_on((struct loop_door *)((char *)timer - offsetof(struct loop_door, again)));
}

/* ---- life ---------------------------------------------------------------- */

int loop_door_open(struct loop_door *door, struct loop *loop, const char *address,
		   const struct loop_door_ops *ops, void *owner, struct loop_door_bounds bounds,
		   struct gw_err *err)
{
	int rc;

	*door = (struct loop_door){
		.ops = ops, .owner = owner, .loop = loop, .bounds = bounds, .sock = -1
	};
	TAILQ_INIT(&door->half_open);
	loop_timer_init(&door->again, try_again);
	rc = loop_addr_parse(address, &door->addr, err);
	if (rc)
		return rc;
	rc = loop_listen(loop, &door->addr, &door->sock, err);
	if (rc)
		return rc;
	loop_addr_format(&door->addr, door->text, sizeof(door->text));
	door->accept = (struct drv_op){ .done = accepted, .kind = DRV_ACCEPT, .sock = door->sock };
	return 0;
}

void loop_door_start(struct loop_door *door)
{
	door->open = true;
	accept_on(door);
}

void loop_door_drain(struct loop_door *door)
{
	struct loop_guest *guest;

	door->open = false;
	while (door->n_waiting)
		turn_away(door, leave_lobby(door));
	loop_timer_disarm(door->loop, &door->again);
	if (door->armed)
		loop_cancel(door->loop, &door->accept);
	else
		loop_door_close(door);
	TAILQ_FOREACH (guest, &door->half_open, link)
		if (!guest->away)
			door->ops->drain(guest);
}

void loop_door_kill(struct loop_door *door)
{
	struct loop_guest *guest;

	TAILQ_FOREACH (guest, &door->half_open, link)
		if (!guest->away)
			door->ops->end(guest);
}

bool loop_door_empty(const struct loop_door *door)
{
	return !door->armed && !door->n_conns;
}

void loop_door_close(struct loop_door *door)
{
	GW_CHECK(!door->armed);
	if (door->sock >= 0)
		loop_sock_close(door->loop, door->sock);
	door->sock = -1;
}
