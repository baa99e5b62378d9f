/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_front.c - the iSCSI front end.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/drain.h"
#include "gateway/api/gateway.h"
#include "gateway/api/volume.h"
#include "gateway/base/log.h"
#include "gateway/base/table.h"
#include "protocols/iscsi/iscsi_depth.h"
#include "protocols/iscsi/iscsi_greet.h"
#include "protocols/iscsi/iscsi_names.h"
#include "protocols/iscsi/iscsi_pool.h"
#include "protocols/iscsi/iscsi_reg.h"
#include "protocols/iscsi/iscsi_sess.h"

/* Initiators are asked to log out within this; then connections are cut. */
#define LOGOUT_S 3u

struct gw_front {
	struct gw *gw;
	struct loop *loop; /* loop 0 */
	unsigned n_portals, n_homes;
	struct iscsi_portal *portals;
	struct iscsi_home *homes;
	struct iscsi_names names;
	struct iscsi_reg reg;
	struct loop_doors doors;
	struct gw_drain drain;
};

static const struct gw_option options[] = {
	{ .name = "iscsi",
	  .arg = "ADDR:PORT",
	  .help = "serve iSCSI on this address (default 127.0.0.1:3260 and [::1]:3260)",
	  .repeatable = true },
	{ .name = "target-name",
	  .arg = "IQN",
	  .help = "the iSCSI target's name, where there is one image" },
};

static const struct gw_setting defaults[] = {
	{ "iscsi", "127.0.0.1:3260" },
	{ "iscsi", "[::1]:3260" },
};

/* ---- create and destroy ---------------------------------------------------- */

static void destroy(struct gw_front **frontp)
{
	struct gw_front *front = *frontp;

	*frontp = NULL;
	if (!front)
		return;
	loop_doors_close(&front->doors);
	for (unsigned i = 0; i < front->n_homes; i++)
		iscsi_pool_free(&front->homes[i]);
	free(front->portals);
	free(front->homes);
	free(front);
}

static void make_homes(struct gw_front *front)
{
	struct loop_set *loops = gw_loops(front->gw);

	for (unsigned i = 0; i < front->n_homes; i++) {
		struct iscsi_home *home = &front->homes[i];

		home->front = front;
		home->gw = front->gw;
		home->loop = loop_set_get(loops, i);
		home->pool = gw_pool_of(front->gw, home->loop);
		home->reg = &front->reg;
		home->names = &front->names;
		LIST_INIT(&home->sessions);
		home->deal.run = iscsi_depth_deal;
		STAILQ_INIT(&home->free_tasks);
		STAILQ_INIT(&home->free_outs);
	}
}

static int listen_on(struct gw_front *front, const char *address, struct gw_err *err)
{
	const struct loop_door_bounds bounds = { ISCSI_FRONT_CONNS_MAX, ISCSI_FRONT_HALF_OPEN_MAX };
	struct iscsi_portal *portal = &front->portals[front->n_portals];
	int rc = loop_door_open(&portal->door, front->loop, address, &iscsi_greet_ops, portal,
				bounds, err);

	if (rc)
		return rc;
	portal->homes = front->homes;
	portal->wild = loop_addr_is_any(&portal->door.addr) ||
		       portal->door.addr.family == LOOP_ADDR_UNIX;
	loop_doors_add(&front->doors, &portal->door);
	front->n_portals++;
	return 0;
}

/* A host without IPv6 has no [::1]; by default that is no reason to fail. */
static bool may_be_absent(const struct gw_setting *setting, int rc)
{
	return setting->value == defaults[1].value && (rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT);
}

static int open_portals(struct gw_front *front, const struct gw_setting *settings, unsigned n,
			struct gw_err *err)
{
	for (unsigned i = 0; i < n; i++) {
		const struct gw_setting *setting = &settings[i];
		int rc;

		if (!strcmp(setting->key, "target-name")) {
			rc = iscsi_names_set(&front->names, setting->value, err);
		} else if (!strcmp(setting->key, "iscsi")) {
			rc = listen_on(front, setting->value, err);
			if (may_be_absent(setting, rc))
				rc = 0;
		} else {
			return gw_err_set(err, EINVAL, "iSCSI knows no option '%s'", setting->key);
		}
		if (rc)
			return rc;
	}
	if (!front->n_portals && settings != defaults)
		return open_portals(front, defaults, TABLE_LEN(defaults), err);
	front->names.portals = front->portals;
	front->names.n_portals = front->n_portals;
	return 0;
}

static void count_one(void *arg, const struct gw_grant *grant)
{
	unsigned *n = arg;

	(void)grant;
	++*n;
}

/* One name cannot stand for several disks. */
static int check_name(const struct gw_front *front, struct gw_err *err)
{
	const struct gw_who anybody = { .protocol = "iscsi" };
	unsigned n = 0;

	gw_access_each(front->gw, &anybody, count_one, &n);
	if (!front->names.only[0] || n < 2)
		return 0;
	return gw_err_set(err, EINVAL,
			  "--target-name: there are %u images, and one name is for one of them", n);
}

static int create(struct gw *gw, const struct gw_setting *settings, unsigned n,
		  struct gw_front **out, struct gw_err *err)
{
	struct gw_front *front;
	int rc;

	if (!n || n > ISCSI_FRONT_PORTALS_MAX)
		return gw_err_set(err, EINVAL, "iSCSI listens on 1 to %u addresses",
				  ISCSI_FRONT_PORTALS_MAX - 1);
	front = calloc(1, sizeof(*front));
	if (!front)
		return gw_err_set(err, ENOMEM, "no memory for the iSCSI target");
	loop_doors_init(&front->doors);
	front->gw = gw;
	front->loop = loop_set_get(gw_loops(gw), 0);
	front->n_homes = loop_set_count(gw_loops(gw));
	front->homes = calloc(front->n_homes, sizeof(*front->homes));
	front->portals = calloc(ISCSI_FRONT_PORTALS_MAX, sizeof(*front->portals));
	if (!front->homes || !front->portals) {
		front->n_homes = 0;
		destroy(&front);
		return gw_err_set(err, ENOMEM, "no memory for the iSCSI target");
	}
	iscsi_reg_init(&front->reg, front->loop);
	make_homes(front);
	rc = open_portals(front, settings, n, err);
	if (!rc)
		rc = check_name(front, err);
	if (rc)
		destroy(&front);
	else
		*out = front;
	return rc;
}

/* ---- start and drain ------------------------------------------------------- */

static struct gw_front *of_drain(struct gw_drain *drain)
{
	return (struct gw_front *)((char *)drain - offsetof(struct gw_front, drain));
}

static bool is_empty(struct gw_drain *drain)
{
	return !of_drain(drain)->reg.n;
}

static void drain_loop(struct gw_drain *drain, struct loop *loop)
{
	struct iscsi_home *home = &of_drain(drain)->homes[loop_index(loop)];
	struct iscsi_sess *sess;

	home->draining = true;
	LIST_FOREACH (sess, &home->sessions, link)
		iscsi_sess_drain(sess, LOGOUT_S);
}

static void kill_loop(struct gw_drain *drain, struct loop *loop)
{
	struct iscsi_home *home = &of_drain(drain)->homes[loop_index(loop)];
	struct iscsi_sess *sess;

	LIST_FOREACH (sess, &home->sessions, link)
		iscsi_sess_kill(sess);
}

static const struct gw_drain_ops drain_ops = { .empty = is_empty,
					       .ask = drain_loop,
					       .force = kill_loop };

static void start(struct gw_front *front)
{
	front->reg.changed = gw_drain_look;
	front->reg.arg = &front->drain;
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

/* ---- lists ----------------------------------------------------------------- */

static void export(const struct iscsi_portal *portal, const char *target, struct gw_out *out)
{
	char host[LOOP_ADDR_TEXT], text[LOOP_ADDR_TEXT + 2 * ISCSI_NAME_MAX + 128];
	unsigned port = portal->door.addr.port;

	loop_addr_host(&portal->door.addr, host, sizeof(host));
	snprintf(text, sizeof(text), "iscsi://%s:%u/%s/0", host, port, target);
	gw_out_text(out, "uri", text);
	snprintf(text, sizeof(text),
		 "iscsiadm -m discovery -t sendtargets -p %s:%u && "
		 "iscsiadm -m node -T %s -p %s:%u --login",
		 host, port, target, host, port);
	gw_out_text(out, "attach", text);
	snprintf(text, sizeof(text), "qemu-img info iscsi://%s:%u/%s/0", host, port, target);
	gw_out_text(out, "attach", text);
}

static void exports(struct gw_front *front, struct gw_volume *volume, struct gw_out *out)
{
	char target[ISCSI_NAME_MAX + 1];

	if (!iscsi_names_of(&front->names, volume, target)) {
		log_warn(ISCSI, "volume %s: its name is too long for an iSCSI target",
			 gw_volume_name(volume));
		return;
	}
	for (unsigned i = 0; i < front->n_portals; i++) {
		gw_out_record(out, "export");
		gw_out_text(out, "volume", gw_volume_name(volume));
		gw_out_text(out, "protocol", "iscsi");
		gw_out_text(out, "address", front->portals[i].door.text);
		gw_out_text(out, "target", target);
		export(&front->portals[i], target, out);
	}
}

static void list(struct gw_front *front, struct loop *loop, struct gw_out *out)
{
	struct iscsi_sess *sess;
	struct iscsi_conn *conn;

	LIST_FOREACH (sess, &front->homes[loop_index(loop)].sessions, link)
		LIST_FOREACH (conn, &sess->conns, link)
			iscsi_conn_list(conn, out);
}

static void counters(struct gw_front *front, struct loop *loop, struct gw_out *out)
{
	static const char *const names[] = {
#define COUNTER(name, help) "iscsi_" #name,
#include "protocols/iscsi/iscsi_counters.tbl"
#undef COUNTER
	};
	const struct iscsi_home *home = &front->homes[loop_index(loop)];

	for (unsigned i = 0; i < TABLE_LEN(names); i++)
		gw_out_number(out, names[i], counter_read(&home->counters[i]));
}

const struct gw_front_ops iscsi_front_ops = {
	.struct_size = sizeof(struct gw_front_ops),
	.abi = GW_FRONT_ABI,
	.name = "iscsi",
	.help = "iSCSI target (RFC 7143), a SCSI disk per volume",
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
