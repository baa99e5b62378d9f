/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The door, with guests that do nothing but stand there, leave when they are
 * told, or do not.  Over the simulated driver: floods take no descriptors.
 */
#include "config.h"

#include "gateway/loop/loop_door.h"

#include <errno.h>
#include <string.h>

#include "gateway/base/log.h"
#include "tests/harness/harness.h"
#include "tests/sim/sim_host.h"
#include "tests/sim/sim_sock.h"

#define MOST 2000u
#define COUNTS (LOOP_DOOR_TURNED_AWAY + 1)

struct client {
	struct sim_conn *conn;
	bool connected, closed;
};

struct guest {
	struct loop_guest guest; /* first */
	struct loop_mail mail;
	unsigned number;
	int sock;
};

static struct sim_host *h;
static struct loop *loop;
static struct loop_door door;
static int me; /* what owner points at */
static struct client clients[MOST];
static struct guest *guests[MOST]; /* in the order of their coming; null: over */
static unsigned n_clients, n_guests;
static unsigned counts[COUNTS], drained, ended, changes;
static bool stubborn; /* guests do not leave when they are ended */
static bool no_memory;

/* ---- clients ------------------------------------------------------------- */

static void connected(void *arg)
{
	((struct client *)arg)->connected = true;
}

static size_t data(void *arg, const uint8_t *buf, size_t len)
{
	return len;
}

static void closed(void *arg, int errnum)
{
	((struct client *)arg)->closed = true;
}

static const struct sim_conn_ops client_ops = { .connected = connected,
						.data = data,
						.closed = closed };

static void settle(void)
{
	sim_host_run(h, SIM_S);
}

/* One after the other, so that the order of their coming is known. */
static void come(unsigned n)
{
	while (n--) {
		struct client *c = &clients[n_clients++];

		c->conn = sim_net_connect(h->net, &door.addr, &client_ops, c);
		settle();
	}
}

static unsigned standing(unsigned from, unsigned to)
{
	unsigned n = 0;

	for (unsigned i = from; i < to; i++)
		n += clients[i].connected && !clients[i].closed;
	return n;
}

/* ---- guests -------------------------------------------------------------- */

static void over(struct guest *g, bool begun)
{
	guests[g->number] = NULL;
	loop_door_over(&g->guest, begun);
	memset(g, 0xdb, sizeof(*g));
	free(g);
}

static void go(struct loop_mail *mail)
{
	struct guest *g = SIM_OF(mail, struct guest, mail);

	loop_sock_close(loop, g->sock);
	over(g, false);
}

static void leave(unsigned number)
{
	loop_post(loop, &guests[number]->mail);
	settle();
}

/* It becomes a connection, whose socket is returned. */
static int begin(unsigned number)
{
	int sock = guests[number]->sock;

	over(guests[number], true);
	return sock;
}

static void end_conn(int sock)
{
	loop_sock_close(loop, sock);
	loop_door_left(&door);
	settle();
}

/* ---- what the door asks -------------------------------------------------- */

static struct loop_guest *greet(struct loop_door *d, int sock, const struct loop_peer *peer)
{
	struct guest *g = no_memory ? NULL : calloc(1, sizeof(*g));

	assert_ptr_equal(d, &door);
	assert_ptr_equal(d->owner, &me);
	assert_int_not_equal(peer->addr.family, LOOP_ADDR_NONE);
	if (!g) {
		loop_sock_close(loop, sock);
		return NULL;
	}
	g->mail.run = go;
	g->sock = sock;
	g->number = n_guests++;
	guests[g->number] = g;
	return &g->guest;
}

static void drain(struct loop_guest *guest)
{
	assert_false(guest->away);
	drained++;
}

static void end(struct loop_guest *guest)
{
	struct guest *g = (struct guest *)guest;

	assert_false(guest->away);
	if (guest->closing)
		return;
	guest->closing = true;
	ended++;
	if (!stubborn)
		loop_post(loop, &g->mail);
}

static void count(struct loop_door *d, enum loop_door_count which)
{
	assert_ptr_equal(d, &door);
	counts[which]++;
}

static const struct loop_door_ops ops = {
	.greet = greet, .drain = drain, .end = end, .count = count
};

static void changed(void *arg)
{
	assert_ptr_equal(arg, &me);
	changes++;
}

/* ---- up and down --------------------------------------------------------- */

static void no_log(void *arg, enum log_level level, enum log_area area, const char *text)
{
}

static void forget(void)
{
	memset(clients, 0, sizeof(clients));
	memset(guests, 0, sizeof(guests));
	memset(counts, 0, sizeof(counts));
	n_clients = n_guests = drained = ended = changes = 0;
	stubborn = no_memory = false;
}

static void up(uint64_t seed, unsigned conns, unsigned half_open)
{
	const struct loop_door_bounds bounds = { conns, half_open };
	struct gw_err err = GW_ERR_NONE;

	log_set_sink(no_log, NULL);
	forget();
	h = sim_host_new(seed);
	sim_host_boot(h, 1);
	loop = loop_set_get(h->loops, 0);
	if (loop_door_open(&door, loop, "127.0.0.1:0", &ops, &me, bounds, &err))
		fail_msg("%s", err.text);
	assert_int_not_equal(door.addr.port, 0);
	assert_string_not_equal(door.text, "127.0.0.1:0");
	door.changed = changed;
	door.arg = &me;
	loop_door_start(&door);
}

static void host_down(void)
{
	assert_int_equal(sim_sock_open(h->net), 0);
	assert_false(h->world->failed);
	sim_host_down(h);
	sim_host_free(&h);
}

/* Who is still half open goes; nobody else may be inside. */
static void down(void)
{
	stubborn = false;
	loop_door_drain(&door);
	for (unsigned i = 0; i < n_guests; i++)
		if (guests[i])
			leave(i);
	settle();
	assert_true(loop_door_empty(&door));
	host_down();
}

/* ---- cases --------------------------------------------------------------- */

static void comes_and_goes(void **state)
{
	up(1, 4, 4);
	assert_false(loop_door_empty(&door)); /* it is accepting */
	come(1);
	assert_int_equal(counts[LOOP_DOOR_GREETED], 1);
	assert_int_equal(standing(0, 1), 1);
	leave(0);
	assert_int_equal(changes, 1);
	come(1);
	end_conn(begin(1));
	assert_int_equal(changes, 2);
	assert_int_equal(standing(0, 2), 0);
	assert_int_equal(counts[LOOP_DOOR_DISPLACED], 0);
	assert_int_equal(counts[LOOP_DOOR_TURNED_AWAY], 0);
	down();
}

static void the_oldest_makes_room(void **state)
{
	up(2, 100, 4);
	come(4);
	assert_int_equal(ended, 0);
	come(6);
	assert_int_equal(counts[LOOP_DOOR_GREETED], 10);
	assert_int_equal(counts[LOOP_DOOR_DISPLACED], 6);
	assert_int_equal(standing(0, 6), 0);
	assert_int_equal(standing(6, 10), 4);
	down();
}

/* Who is on another loop cannot be told; who is ending is not told again. */
static void the_oldest_within_reach(void **state)
{
	up(3, 100, 3);
	come(3);
	guests[0]->guest.away = true;
	guests[1]->guest.closing = true;
	come(1);
	assert_int_equal(ended, 1);
	assert_null(guests[2]);
	assert_non_null(guests[0]);
	assert_non_null(guests[1]);
	guests[0]->guest.away = false;
	down();
}

/* Guests that take their time: the lobby waits from twice the bound on, and
 * comes in as they leave, first come first served. */
static void the_wall(void **state)
{
	up(4, 100, 3);
	stubborn = true;
	come(9);
	assert_int_equal(n_guests, 6);
	assert_int_equal(counts[LOOP_DOOR_DISPLACED], 3);
	assert_int_equal(standing(0, 9), 9);
	leave(0);
	assert_int_equal(n_guests, 7);
	end_conn(begin(1)); /* to begin makes room, too */
	assert_int_equal(n_guests, 8);
	assert_int_equal(standing(0, 9), 7);
	down();
	assert_int_equal(counts[LOOP_DOOR_TURNED_AWAY], 1);
}

static void a_full_lobby(void **state)
{
	enum { INSIDE = 2, EXTRA = 5, N = INSIDE + LOOP_DOOR_LOBBY + EXTRA };

	up(5, 100, 1);
	stubborn = true;
	come(N);
	assert_int_equal(n_guests, INSIDE);
	assert_int_equal(counts[LOOP_DOOR_TURNED_AWAY], EXTRA);
	assert_int_equal(standing(INSIDE, INSIDE + EXTRA), 0); /* waited longest */
	assert_int_equal(standing(0, N), N - EXTRA);
	down();
	assert_int_equal(counts[LOOP_DOOR_TURNED_AWAY], EXTRA + LOOP_DOOR_LOBBY);
	assert_int_equal(n_guests, INSIDE);
}

/* Connections are never displaced; half-open ones are, for the whole bound, too. */
static void connections_stay(void **state)
{
	int sock[3];

	up(6, 3, 3);
	come(3);
	sock[0] = begin(0);
	sock[1] = begin(1);
	come(1);
	assert_null(guests[2]); /* made room */
	sock[2] = begin(3);
	come(2);
	assert_int_equal(n_guests, 4);
	assert_int_equal(counts[LOOP_DOOR_TURNED_AWAY], 2);
	assert_int_equal(standing(0, 6), 3);
	end_conn(sock[1]);
	come(1);
	assert_int_equal(n_guests, 5);
	end_conn(sock[0]);
	end_conn(sock[2]);
	down();
}

static void no_memory_for_a_guest(void **state)
{
	up(7, 4, 4);
	no_memory = true;
	come(3);
	assert_int_equal(counts[LOOP_DOOR_GREETED], 0);
	assert_int_equal(standing(0, 3), 0);
	no_memory = false;
	come(1);
	assert_int_equal(standing(3, 4), 1);
	down();
}

/* ---- the end ------------------------------------------------------------- */

static void drain_tells_and_waits(void **state)
{
	int sock;

	up(8, 100, 4);
	come(4);
	sock = begin(0);
	guests[3]->guest.away = true;
	loop_door_drain(&door);
	assert_int_equal(drained, 2);
	settle();
	come(1); /* nobody listens */
	assert_int_equal(standing(4, 5), 0);
	assert_int_equal(changes, 1); /* accepting has ended */
	assert_false(loop_door_empty(&door));
	loop_door_kill(&door);
	settle();
	assert_int_equal(ended, 2);
	assert_false(loop_door_empty(&door));
	guests[3]->guest.away = false;
	loop_door_kill(&door);
	settle();
	assert_int_equal(ended, 3);
	assert_false(loop_door_empty(&door));
	end_conn(sock);
	assert_int_equal(changes, 5);
	assert_true(loop_door_empty(&door));
	host_down();
}

static void accept_fails(bool drain_meanwhile)
{
	up(9, 4, 4);
	loop_cancel(loop, &door.accept); /* as good as any other error */
	sim_host_run(h, 50 * SIM_MS);
	assert_false(door.armed);
	if (!drain_meanwhile) {
		come(1); /* waits with the kernel, and is found */
		assert_int_equal(standing(0, 1), 1);
		assert_int_equal(n_guests, 1);
		down();
		return;
	}
	loop_door_drain(&door);
	assert_true(loop_door_empty(&door));
	settle();
	assert_int_equal(n_guests, 0);
	host_down();
}

static void tries_again(void **state)
{
	accept_fails(false);
}

static void drained_while_it_cannot_accept(void **state)
{
	accept_fails(true);
}

static void refused_addresses(void **state)
{
	static struct loop_door other;
	const struct loop_door_bounds bounds = { 1, 1 };
	struct gw_err err = GW_ERR_NONE;

	up(10, 1, 1);
	assert_int_equal(loop_door_open(&other, loop, "no address", &ops, &me, bounds, &err),
			 -EINVAL);
	assert_true(err.text[0]);
	loop_door_close(&other);
	assert_int_equal(loop_door_open(&other, loop, door.text, &ops, &me, bounds, &err),
			 -EADDRINUSE);
	loop_door_close(&other);
	down();
}

HARNESS_MAIN(cmocka_unit_test(comes_and_goes), cmocka_unit_test(the_oldest_makes_room),
	     cmocka_unit_test(the_oldest_within_reach), cmocka_unit_test(the_wall),
	     cmocka_unit_test(a_full_lobby), cmocka_unit_test(connections_stay),
	     cmocka_unit_test(no_memory_for_a_guest), cmocka_unit_test(drain_tells_and_waits),
	     cmocka_unit_test(tries_again), cmocka_unit_test(drained_while_it_cannot_accept),
	     cmocka_unit_test(refused_addresses))
