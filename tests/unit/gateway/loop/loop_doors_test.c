/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop_doors_test.c - three doors as one, over the simulated driver: who comes by any of
 * them is inside, and all of them end together.  What one door does is loop_door_test.c's.
 */
#include "config.h"

#include "gateway/loop/loop_doors.h"

#include <string.h>

#include "gateway/base/log.h"
#include "tests/harness/harness.h"
#include "tests/sim/sim_host.h"
#include "tests/sim/sim_sock.h"

#define DOORS 3u

struct guest {
	struct loop_guest guest; /* first */
	struct loop_mail mail;
	int sock;
};

static struct sim_host *h;
static struct loop *loop;
static struct loop_doors doors;
static struct loop_door door[DOORS];
static unsigned greeted[DOORS], drained[DOORS], ended[DOORS];
static unsigned changes;
static int me; /* what changed() is called with */

/* ---- clients ------------------------------------------------------------- */

static size_t data(void *arg, const uint8_t *buf, size_t len)
{
	return len;
}

static void connected(void *arg)
{
}

static void closed(void *arg, int errnum)
{
}

static const struct sim_conn_ops client_ops = { .connected = connected,
						.data = data,
						.closed = closed };

static void settle(void)
{
	sim_host_run(h, SIM_S);
}

static void come(unsigned i)
{
	sim_net_connect(h->net, &door[i].addr, &client_ops, NULL);
	settle();
}

/* ---- guests: they stay until they are ended ------------------------------ */

static unsigned number_of(const struct loop_door *d)
{
	return (unsigned)(d - door);
}

static void go(struct loop_mail *mail)
{
	struct guest *g = SIM_OF(mail, struct guest, mail);

	loop_sock_close(loop, g->sock);
	loop_door_over(&g->guest, false);
	free(g);
}

static struct loop_guest *greet(struct loop_door *d, int sock, const struct loop_peer *peer)
{
	struct guest *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	g->mail.run = go;
	g->sock = sock;
	greeted[number_of(d)]++;
	return &g->guest;
}

static void drain(struct loop_guest *guest)
{
	drained[number_of(guest->door)]++;
}

static void end(struct loop_guest *guest)
{
	if (guest->closing)
		return;
	guest->closing = true;
	ended[number_of(guest->door)]++;
	loop_post(loop, &((struct guest *)guest)->mail);
}

static void count(struct loop_door *d, enum loop_door_count which)
{
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

static void up(unsigned n)
{
	const struct loop_door_bounds bounds = { 10, 10 };
	struct gw_err err = GW_ERR_NONE;

	log_set_sink(no_log, NULL);
	memset(greeted, 0, sizeof(greeted));
	memset(drained, 0, sizeof(drained));
	memset(ended, 0, sizeof(ended));
	changes = 0;
	h = sim_host_new(n + 1);
	sim_host_boot(h, 1);
	loop = loop_set_get(h->loops, 0);
	loop_doors_init(&doors);
	for (unsigned i = 0; i < n; i++) {
		if (loop_door_open(&door[i], loop, "127.0.0.1:0", &ops, NULL, bounds, &err))
			fail_msg("%s", err.text);
		loop_doors_add(&doors, &door[i]);
	}
}

static void down(void)
{
	loop_doors_close(&doors);
	loop_doors_close(&doors); /* twice: no matter */
	assert_int_equal(sim_sock_open(h->net), 0);
	assert_false(h->world->failed);
	sim_host_down(h);
	sim_host_free(&h);
}

/* ---- cases --------------------------------------------------------------- */

static void all_of_them_open_and_end(void **state)
{
	up(DOORS);
	assert_true(loop_doors_empty(&doors)); /* not started */
	loop_doors_start(&doors, changed, &me);
	assert_false(loop_doors_empty(&doors)); /* accepting */
	for (unsigned i = 0; i < DOORS; i++)
		come(i);
	loop_doors_drain(&doors);
	settle();
	assert_int_equal(changes, DOORS); /* accepting has ended */
	for (unsigned i = 0; i < DOORS; i++) {
		assert_int_equal(greeted[i], 1);
		assert_int_equal(drained[i], 1);
		come(i); /* nobody listens */
		assert_int_equal(greeted[i], 1);
	}
	assert_false(loop_doors_empty(&doors)); /* the guests stay */
	loop_doors_kill(&doors);
	settle();
	for (unsigned i = 0; i < DOORS; i++)
		assert_int_equal(ended[i], 1);
	assert_int_equal(changes, 2 * DOORS); /* each has left */
	assert_true(loop_doors_empty(&doors));
	down();
}

/* One guest, by whichever door, keeps all of it from being empty. */
static void who_is_inside_counts(void **state)
{
	for (unsigned by = 0; by < DOORS; by++) {
		up(DOORS);
		loop_doors_start(&doors, NULL, NULL);
		come(by);
		loop_doors_drain(&doors);
		settle();
		assert_false(loop_doors_empty(&doors));
		loop_doors_kill(&doors);
		settle();
		assert_true(loop_doors_empty(&doors));
		down();
	}
}

static void never_started(void **state)
{
	up(DOORS);
	down(); /* closes the sockets */
}

static void none_at_all(void **state)
{
	up(0);
	loop_doors_start(&doors, changed, &me);
	assert_true(loop_doors_empty(&doors));
	loop_doors_drain(&doors);
	loop_doors_kill(&doors);
	settle();
	assert_int_equal(changes, 0);
	down();
}

HARNESS_MAIN(cmocka_unit_test(all_of_them_open_and_end), cmocka_unit_test(who_is_inside_counts),
	     cmocka_unit_test(never_started), cmocka_unit_test(none_at_all))
