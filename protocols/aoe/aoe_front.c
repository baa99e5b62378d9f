/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_front.c - the AoE front end.
 */
#include "config.h"

#include "protocols/aoe/aoe_front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/drain.h"
#include "gateway/api/gateway.h"
#include "gateway/api/volume.h"
#include "gateway/base/table.h"
#include "protocols/aoe/aoe_client.h"
#include "protocols/aoe/aoe_disk.h"
#include "protocols/aoe/aoe_name.h"
#include "protocols/aoe/aoe_port.h"
#include "protocols/aoe/aoe_shelf.h"

struct gw_front {
	struct gw *gw;
	struct loop *loop; /* of all ports */
	bool write_back, started;
	unsigned n_shelves, n_ports;
	struct aoe_shelf *shelves; /* in the order of the volumes */
	struct aoe_port *ports;
	struct gw_drain drain;
};

static const struct gw_option options[] = {
	{ .name = "aoe",
	  .arg = "IFACE[:SHELF.SLOT]",
	  .help = "serve ATA over Ethernet on this interface (default address: 0.0)",
	  .repeatable = true },
	{ .name = "aoe-write-back",
	  .help = "AoE: answer writes before they are durable, though its clients never flush" },
};

/* ---- volumes ---------------------------------------------------------------- */

/* What create() goes through. */
struct draft {
	struct gw_front *front;
	unsigned n_interfaces; /* as asked for */
	unsigned n; /* volumes */
	struct gw_grant *grants; /* lent; valid while loop 0 does nothing else */
};

static void count_volume(void *arg, const struct gw_grant *grant)
{
	struct draft *draft = arg;

	(void)grant;
	draft->n++;
}

static void note_volume(void *arg, const struct gw_grant *grant)
{
	struct draft *draft = arg;

	draft->grants[draft->n++] = *grant;
}

static int find_volumes(struct draft *draft, struct gw_err *err)
{
	const struct gw_who who = { .protocol = "aoe" };
	struct gw *gw = draft->front->gw;

	gw_access_each(gw, &who, count_volume, draft);
	if (!draft->n || draft->n > AOE_DISKS_MAX)
		return gw_err_set(err, EINVAL, "AoE serves 1 to %u volumes, and there are %u",
				  AOE_DISKS_MAX, draft->n);
	draft->grants = calloc(draft->n, sizeof(*draft->grants));
	draft->front->shelves = calloc(draft->n, sizeof(*draft->front->shelves));
	if (!draft->grants || !draft->front->shelves)
		return gw_err_set(err, ENOMEM, "no memory for the AoE target");
	draft->n = 0;
	gw_access_each(gw, &who, note_volume, draft);
	return 0;
}

static int load_shelves(struct draft *draft, struct gw_err *err)
{
	struct gw_front *front = draft->front;
	int rc = 0;

	for (; !rc && front->n_shelves < draft->n; front->n_shelves++) {
		aoe_disk_share(&front->shelves[front->n_shelves]);
		rc = aoe_shelf_load(&front->shelves[front->n_shelves],
				    draft->grants[front->n_shelves].volume, front->loop, err);
	}
	return rc;
}

/* ---- interfaces ------------------------------------------------------------- */

static int make_disks(struct aoe_port *port, const struct draft *draft, const struct aoe_name *name,
		      struct gw_err *err)
{
	port->disks = calloc(draft->n, sizeof(*port->disks));
	if (!port->disks)
		return gw_err_set(err, ENOMEM, "no memory for the AoE target");
	for (unsigned i = 0; i < draft->n; i++) {
		struct aoe_disk *disk = &port->disks[i];

		if (!aoe_name_number(name, i, &disk->target.shelf, &disk->target.slot))
			return gw_err_set(err, EINVAL,
					  "--aoe: shelf %u has no slot for image %u: they end at "
					  "254",
					  name->shelf, i + 1);
		disk->port = port;
		disk->shelf = &draft->front->shelves[i];
		disk->number = i;
		snprintf(disk->name, sizeof(disk->name), "e%u.%u", disk->target.shelf,
			 disk->target.slot);
	}
	port->n_disks = draft->n;
	return 0;
}

static int add_port(struct draft *draft, const char *value, struct gw_err *err)
{
	struct gw_front *front = draft->front;
	struct aoe_port *port = &front->ports[front->n_ports];
	struct aoe_name name;
	int rc = aoe_name_parse(value, &name, err);

	if (rc)
		return rc;
	for (unsigned i = 0; i < front->n_ports; i++)
		if (!strcmp(front->ports[i].link.link.name, name.ifname))
			return gw_err_set(err, EINVAL, "--aoe: %s is named twice", name.ifname);
	rc = make_disks(port, draft, &name, err);
	port->front = front;
	port->gw = front->gw;
	port->loop = front->loop;
	port->shelf = name.shelf;
	port->slot = name.slot;
	port->write_back = front->write_back;
	if (!rc)
		rc = aoe_port_open(port, name.ifname, draft->n_interfaces > 1, err);
	if (rc) {
		free(port->disks);
		return rc;
	}
	for (unsigned i = 0; i < draft->n; i++)
		port->disks[i].grant = gw_grant_hold(&draft->grants[i]);
	front->n_ports++;
	return 0;
}

/* ---- create and destroy ----------------------------------------------------- */

static void destroy(struct gw_front **frontp)
{
	struct gw_front *front = *frontp;

	*frontp = NULL;
	for (unsigned i = 0; i < front->n_ports; i++) {
		if (!front->started)
			aoe_port_drop(&front->ports[i]);
		free(front->ports[i].disks);
	}
	for (unsigned i = 0; i < front->n_shelves; i++)
		aoe_shelf_free(&front->shelves[i]);
	free(front->ports);
	free(front->shelves);
	free(front);
}

static int set_up(struct draft *draft, const struct gw_setting *settings, unsigned n,
		  struct gw_err *err)
{
	struct gw_front *front = draft->front;
	int rc = find_volumes(draft, err);

	front->ports = calloc(n, sizeof(*front->ports));
	if (!front->ports)
		return gw_err_set(err, ENOMEM, "no memory for the AoE target");
	for (unsigned i = 0; i < n; i++) {
		front->write_back |= !strcmp(settings[i].key, "aoe-write-back");
		draft->n_interfaces += !strcmp(settings[i].key, "aoe");
	}
	if (!rc)
		rc = load_shelves(draft, err);
	for (unsigned i = 0; !rc && i < n; i++)
		if (!strcmp(settings[i].key, "aoe"))
			rc = add_port(draft, settings[i].value, err);
	if (!rc && !front->n_ports)
		rc = gw_err_set(err, EINVAL, "--aoe-write-back: no interface is named by --aoe");
	return rc;
}

/* The last loop: the first one has the logins of others. */
static struct loop *choose_loop(struct gw *gw)
{
	return loop_set_get(gw_loops(gw), loop_set_count(gw_loops(gw)) - 1);
}

static int create(struct gw *gw, const struct gw_setting *settings, unsigned n,
		  struct gw_front **out, struct gw_err *err)
{
	struct gw_front *front;
	struct draft draft = { 0 };
	int rc;

	if (!n || n > AOE_FRONT_PORTS_MAX + 1)
		return gw_err_set(err, EINVAL, "AoE serves on 1 to %u interfaces",
				  AOE_FRONT_PORTS_MAX);
	front = calloc(1, sizeof(*front));
	if (!front)
		return gw_err_set(err, ENOMEM, "no memory for the AoE target");
	front->gw = gw;
	front->loop = choose_loop(gw);
	draft.front = front;
	rc = set_up(&draft, settings, n, err);
	free(draft.grants);
	if (rc)
		destroy(&front);
	else
		*out = front;
	return rc;
}

/* ---- start and drain -------------------------------------------------------- */

static void ended(struct aoe_port *port)
{
	gw_drain_look(&port->front->drain);
}

static void start(struct gw_front *front)
{
	front->started = true;
	for (unsigned i = 0; i < front->n_ports; i++) {
		front->ports[i].ended = ended;
		aoe_port_start(&front->ports[i]);
	}
}

static struct gw_front *of_drain(struct gw_drain *drain)
{
	return (struct gw_front *)((char *)drain - offsetof(struct gw_front, drain));
}

static bool is_empty(struct gw_drain *drain)
{
	const struct gw_front *front = of_drain(drain);

	for (unsigned i = 0; i < front->n_ports; i++)
		if (front->started && !front->ports[i].closed)
			return false;
	return true;
}

static void each_port(struct gw_drain *drain, struct loop *loop, void (*what)(struct aoe_port *))
{
	struct gw_front *front = of_drain(drain);

	for (unsigned i = 0; i < front->n_ports; i++)
		if (front->started && front->ports[i].loop == loop)
			what(&front->ports[i]);
}

static void drain_loop(struct gw_drain *drain, struct loop *loop)
{
	each_port(drain, loop, aoe_port_drain);
}

static void force_loop(struct gw_drain *drain, struct loop *loop)
{
	each_port(drain, loop, aoe_port_force);
}

static const struct gw_drain_ops drain_ops = { .empty = is_empty,
					       .ask = drain_loop,
					       .force = force_loop };

static void drain(struct gw_front *front, struct instant deadline, void (*done)(void *arg),
		  void *arg)
{
	front->drain.ops = &drain_ops;
	front->drain.gw = front->gw;
	gw_drain_begin(&front->drain, deadline, done, arg);
}

/* ---- lists ------------------------------------------------------------------ */

static void export(const struct aoe_port *port, const struct aoe_disk *disk, struct gw_out *out)
{
	const char *ifname = port->link.link.name;
	char text[128];

	gw_out_record(out, "export");
	gw_out_text(out, "volume", gw_volume_name(disk->shelf->volume));
	gw_out_text(out, "protocol", "aoe");
	gw_out_text(out, "address", ifname);
	gw_out_text(out, "target", disk->name);
	snprintf(text, sizeof(text), "aoe:%s/%s", ifname, disk->name);
	gw_out_text(out, "uri", text);
	snprintf(text, sizeof(text),
		 "modprobe aoe && aoe-discover && mount /dev/etherd/%s /mnt   # on that Ethernet",
		 disk->name);
	gw_out_text(out, "attach", text);
}

static void exports(struct gw_front *front, struct gw_volume *volume, struct gw_out *out)
{
	for (unsigned p = 0; p < front->n_ports; p++)
		for (unsigned i = 0; i < front->ports[p].n_disks; i++)
			if (front->ports[p].disks[i].shelf->volume == volume)
				export(&front->ports[p], &front->ports[p].disks[i], out);
}

static void list(struct gw_front *front, struct loop *loop, struct gw_out *out)
{
	for (unsigned i = 0; i < front->n_ports; i++)
		if (front->started && front->ports[i].loop == loop)
			aoe_client_list(&front->ports[i], out);
}

static void counters(struct gw_front *front, struct loop *loop, struct gw_out *out)
{
	static const char *const names[] = {
#define COUNTER(name, help) "aoe_" #name,
#include "protocols/aoe/aoe_counters.tbl"
#undef COUNTER
	};
	uint64_t sums[TABLE_LEN(names)] = { 0 };

	for (unsigned i = 0; i < front->n_ports; i++)
		if (front->ports[i].loop == loop)
			counter_sum(sums, front->ports[i].counters, TABLE_LEN(names));
	for (unsigned i = 0; i < TABLE_LEN(names); i++)
		gw_out_number(out, names[i], sums[i]);
}

const struct gw_front_ops aoe_front_ops = {
	.struct_size = sizeof(struct gw_front_ops),
	.abi = GW_FRONT_ABI,
	.name = "aoe",
	.help = "ATA over Ethernet (AoEr11); no access control worth the name",
	.options = options,
	.n_options = TABLE_LEN(options),
	.create = create,
	.start = start,
	.drain = drain,
	.destroy = destroy,
	.exports = exports,
	.list = list,
	.counters = counters,
};
