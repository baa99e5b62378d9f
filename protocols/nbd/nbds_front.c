/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_front.c - the NBD front end (gateway/api/frontend.h).
 */
#include "config.h"

#include "protocols/nbd/nbds_front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/drain.h"
#include "gateway/api/gateway.h"
#include "gateway/base/str.h"
#include "gateway/base/table.h"
#include "protocols/nbd/nbds_conn.h"
#include "protocols/nbd/nbds_greet.h"
#include "protocols/nbd/nbds_op.h"

struct listener {
	struct loop_door door;
	struct nbds_greet_host host; /* the door's owner */
};

struct gw_front {
	struct gw *gw;
	struct loop *loop; /* loop 0 */
	unsigned n_listeners, n_homes;
	struct listener *listeners;
	struct nbds_home *homes;
	struct loop_doors doors;
	struct gw_drain drain;
};

static const struct gw_option options[] = {
	{ .name = "nbd",
	  .arg = "ADDR:PORT|unix:PATH",
	  .help = "serve NBD on this address (default 127.0.0.1:10809)",
	  .repeatable = true },
};

static const struct gw_setting defaults[] = { { "nbd", "127.0.0.1:10809" } };

/* ---- create and destroy -------------------------------------------------- */

static void destroy(struct gw_front **frontp)
{
	struct gw_front *front = *frontp;

	*frontp = NULL;
	if (!front)
		return;
	loop_doors_close(&front->doors);
	for (unsigned i = 0; i < front->n_homes; i++)
		nbds_op_free_slabs(&front->homes[i]);
	free(front->listeners);
	free(front->homes);
	free(front);
}

static void make_homes(struct gw_front *front)
{
	struct loop_set *loops = gw_loops(front->gw);

	for (unsigned i = 0; i < front->n_homes; i++) {
		struct nbds_home *home = &front->homes[i];

		home->front = front;
		home->gw = front->gw;
		home->loop = loop_set_get(loops, i);
		home->pool = gw_pool_of(front->gw, home->loop);
		LIST_INIT(&home->conns);
		STAILQ_INIT(&home->free_ops);
	}
}

static int listen_on(struct gw_front *front, const char *address, struct gw_err *err)
{
	const struct loop_door_bounds bounds = { NBDS_FRONT_CONNS_MAX, NBDS_FRONT_HALF_OPEN_MAX };
	struct listener *l = &front->listeners[front->n_listeners];
	int rc = loop_door_open(&l->door, front->loop, address, &nbds_greet_ops, &l->host, bounds,
				err);

	if (rc)
		return rc;
	l->host.gw = front->gw;
	l->host.homes = front->homes;
	snprintf(l->host.target, sizeof(l->host.target), "nbd:%s", l->door.text);
	loop_doors_add(&front->doors, &l->door);
	front->n_listeners++;
	return 0;
}

static int open_doors(struct gw_front *front, const struct gw_setting *settings, unsigned n,
		      struct gw_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < n && !rc; i++) {
		if (strcmp(settings[i].key, "nbd"))
			return gw_err_set(err, EINVAL, "NBD knows no option '%s'", settings[i].key);
		rc = listen_on(front, settings[i].value, err);
	}
	return rc;
}

static int create(struct gw *gw, const struct gw_setting *settings, unsigned n,
		  struct gw_front **out, struct gw_err *err)
{
	struct gw_front *front;
	int rc;

	if (!n || n > NBDS_FRONT_DOORS_MAX)
		return gw_err_set(err, EINVAL, "NBD listens on 1 to %u addresses",
				  NBDS_FRONT_DOORS_MAX);
	front = calloc(1, sizeof(*front));
	if (!front)
		return gw_err_set(err, ENOMEM, "no memory for the NBD server");
	loop_doors_init(&front->doors);
	front->gw = gw;
	front->loop = loop_set_get(gw_loops(gw), 0);
	front->n_homes = loop_set_count(gw_loops(gw));
	front->homes = calloc(front->n_homes, sizeof(*front->homes));
	front->listeners = calloc(n, sizeof(*front->listeners));
	if (!front->homes || !front->listeners) {
		front->n_homes = 0;
		destroy(&front);
		return gw_err_set(err, ENOMEM, "no memory for the NBD server");
	}
	make_homes(front);
	rc = open_doors(front, settings, n, err);
	if (rc)
		destroy(&front);
	else
		*out = front;
	return rc;
}

/* ---- start and drain ----------------------------------------------------- */

static struct gw_front *of_drain(struct gw_drain *drain)
{
	return (struct gw_front *)((char *)drain - offsetof(struct gw_front, drain));
}

static void drain_loop(struct gw_drain *drain, struct loop *loop)
{
	struct nbds_home *home = &of_drain(drain)->homes[loop_index(loop)];
	struct nbds_conn *conn;

	home->draining = true;
	LIST_FOREACH (conn, &home->conns, link)
		nbds_conn_drain(conn);
}

static void kill_loop(struct gw_drain *drain, struct loop *loop)
{
	struct nbds_home *home = &of_drain(drain)->homes[loop_index(loop)];
	struct nbds_conn *conn;

	LIST_FOREACH (conn, &home->conns, link)
		nbds_conn_kill(conn);
}

static const struct gw_drain_ops drain_ops = { .ask = drain_loop, .force = kill_loop };

static void start(struct gw_front *front)
{
	loop_doors_start(&front->doors, gw_drain_look, &front->drain);
}

static void drain(struct gw_front *front, struct instant deadline, void (*done)(void *arg),
		  void *arg)
{
	front->homes[0].draining = true;
	front->drain.ops = &drain_ops;
	front->drain.gw = front->gw;
	front->drain.doors = &front->doors;
	gw_drain_begin(&front->drain, deadline, done, arg);
}

/* ---- lists --------------------------------------------------------------- */

static void export_unix(const struct loop_door *door, const char *name, struct gw_out *out)
{
	char text[LOOP_ADDR_TEXT + 512];

	snprintf(text, sizeof(text), "nbd+unix:///%s?socket=%s", name, door->addr.path);
	gw_out_text(out, "uri", text);
	snprintf(text, sizeof(text), "nbd-client -unix %s -N %s /dev/nbd0", door->addr.path, name);
	gw_out_text(out, "attach", text);
	snprintf(text, sizeof(text), "qemu-img info 'nbd+unix:///%s?socket=%s'", name,
		 door->addr.path);
	gw_out_text(out, "attach", text);
}

static void export_inet(const struct loop_door *door, const char *name, struct gw_out *out)
{
	char text[LOOP_ADDR_TEXT + 512], host[LOOP_ADDR_TEXT];

	loop_addr_host(&door->addr, host, sizeof(host));
	snprintf(text, sizeof(text), "nbd://%s:%u/%s", host, door->addr.port, name);
	gw_out_text(out, "uri", text);
	snprintf(text, sizeof(text), "nbd-client %s %u -N %s /dev/nbd0", host, door->addr.port,
		 name);
	gw_out_text(out, "attach", text);
	snprintf(text, sizeof(text), "qemu-img info nbd://%s:%u/%s", host, door->addr.port, name);
	gw_out_text(out, "attach", text);
}

static void exports(struct gw_front *front, struct gw_volume *volume, struct gw_out *out)
{
	const char *name = gw_volume_name(volume);

	for (unsigned i = 0; i < front->n_listeners; i++) {
		const struct loop_door *door = &front->listeners[i].door;

		gw_out_record(out, "export");
		gw_out_text(out, "volume", name);
		gw_out_text(out, "protocol", "nbd");
		gw_out_text(out, "address", door->text);
		if (door->addr.family == LOOP_ADDR_UNIX)
			export_unix(door, name, out);
		else
			export_inet(door, name, out);
	}
}

static void list(struct gw_front *front, struct loop *loop, struct gw_out *out)
{
	struct nbds_conn *conn;

	LIST_FOREACH (conn, &front->homes[loop_index(loop)].conns, link)
		nbds_conn_list(conn, out);
}

static void counters(struct gw_front *front, struct loop *loop, struct gw_out *out)
{
	static const char *const names[] = {
#define COUNTER(name, help) "nbd_" #name,
#include "protocols/nbd/nbds_counters.tbl"
#undef COUNTER
	};
	const struct nbds_home *home = &front->homes[loop_index(loop)];

	for (unsigned i = 0; i < TABLE_LEN(names); i++)
		gw_out_number(out, names[i], counter_read(&home->counters[i]));
}

const struct gw_front_ops nbds_front_ops = {
	.struct_size = sizeof(struct gw_front_ops),
	.abi = GW_FRONT_ABI,
	.name = "nbd",
	.help = "Network Block Device, fixed newstyle, structured and extended replies",
	.options = options,
	.n_options = TABLE_LEN(options),
	.defaults = defaults,
	.n_defaults = TABLE_LEN(defaults),
	.create = create,
	.start = start,
	.drain = drain,
	.destroy = destroy,
	.exports = exports,
	.list = list,
	.counters = counters,
};
