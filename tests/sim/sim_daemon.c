/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_daemon.c - start and stop of the simulated daemon.
 *
 * Main of the simulation stands where gateway/daemon/main.c stands: what takes
 * time ends through an op, and the world runs until it has.
 */
#include "config.h"

#include "tests/sim/sim_daemon.h"

#include <stdio.h>

#include "gateway/base/check.h"
#include "gateway/core/registry.h"
#include "tests/sim/sim_disk_io.h"
#include "tests/sim/sim_link.h"
#include "tests/sim/sim_sock.h"

#define EXPORT "disk"
#define STATE "state"
#define PATIENCE_NS (1000 * SIM_S)

extern const struct gw_store_ops st_file_ops;
extern const struct gw_front_ops nbds_front_ops;
extern const struct gw_front_ops iscsi_front_ops;
extern const struct gw_front_ops aoe_front_ops;

const char *const sim_daemon_ifaces[SIM_AOE_IFACES] = { "eth0", "eth1" };

const struct loop_addr sim_daemon_addr = { .family = LOOP_ADDR_INET,
					   .ip = { 127, 0, 0, 1 },
					   .port = SIM_PORT };
const struct loop_addr sim_daemon_iscsi_addr = { .family = LOOP_ADDR_INET,
						 .ip = { 127, 0, 0, 1 },
						 .port = SIM_ISCSI_PORT };

void sim_daemon_register(void)
{
	struct gw_err err = GW_ERR_NONE;

	GW_CHECK(gw_registry_add_store(&st_file_ops, &err) == 0);
	GW_CHECK(gw_registry_add_front(&nbds_front_ops, &err) == 0);
	GW_CHECK(gw_registry_add_front(&iscsi_front_ops, &err) == 0);
	GW_CHECK(gw_registry_add_front(&aoe_front_ops, &err) == 0);
}

void sim_daemon_make_image(struct sim_host *h, uint64_t size_bytes)
{
	struct sim_inode *inode = sim_disk_make(h->disk, SIM_IMAGE, false);

	sim_inode_resize(inode, size_bytes);
	sim_inode_sync(inode, &h->world->rng, inode->clock);
	sim_disk_sync_names(h->disk);
}

static void op_done(struct gw_admin_op *op)
{
	struct sim_daemon *d = op->owner;

	d->op_done = true;
}

static void op_begin(struct sim_daemon *d)
{
	d->op_done = false;
	d->op = (struct gw_admin_op){ .done = op_done, .owner = d };
}

static bool is_done(void *arg)
{
	return ((struct sim_daemon *)arg)->op_done;
}

/* A finding must not keep the daemon from ending. */
static bool op_wait(struct sim_daemon *d, const char *what)
{
	struct sim_world *w = d->host->world;
	uint64_t until = w->now_ns + PATIENCE_NS;
	bool failed = false, ended = false;

	do {
		failed = failed || w->failed;
		w->failed = false;
		ended = sim_host_run_until(d->host, until - w->now_ns, is_done, d);
	} while (!ended && w->failed);
	w->failed = failed || w->failed;
	if (!ended)
		sim_world_broken(w, "%s does not end: %u disk operations, %u jobs, %u sockets; %s",
				 what, sim_disk_io_count(d->host->disk), d->host->machine.jobs,
				 sim_sock_open(d->host->net), failed ? w->failure : "");
	return d->op.rc == 0;
}

/* Both interfaces bear the same address: two ways to one disk. */
static int add_aoe(struct sim_daemon *d, const struct sim_daemon_cfg *cfg, struct gw_err *err)
{
	static const struct gw_setting settings[] = { { "aoe-write-back", "" },
						      { "aoe", "eth0:1.2" },
						      { "aoe", "eth1:1.2" } };
	const struct gw_setting *from = cfg->aoe_write_back ? settings : settings + 1;
	int rc = gw_state_in(d->gw, STATE, err);

	return rc ? rc : gw_front_add(d->gw, "aoe", from, cfg->aoe + cfg->aoe_write_back, err);
}

static int add_fronts(struct sim_daemon *d, const struct sim_daemon_cfg *cfg, struct gw_err *err)
{
	static const struct gw_setting scsi = { "iscsi", "127.0.0.1:3260" };
	/* the option that says where to listen is named like the protocol */
	const struct gw_setting one = { cfg->front ? cfg->front : "nbd", "127.0.0.1:10809" };
	int rc = gw_front_add(d->gw, one.key, &one, 1, err);

	if (!rc && cfg->iscsi)
		rc = gw_front_add(d->gw, scsi.key, &scsi, 1, err);
	if (!rc && cfg->aoe)
		rc = add_aoe(d, cfg, err);
	return rc;
}

bool sim_daemon_start(struct sim_daemon *d, struct sim_host *h, const struct sim_daemon_cfg *cfg)
{
	struct gw_volume_want want = { .name = EXPORT,
				       .store = "file",
				       .args.target = SIM_IMAGE,
				       .args.direct = cfg->direct,
				       .block_bytes = cfg->block_bytes,
				       .write_through = cfg->write_through };
	struct gw_err err = GW_ERR_NONE;

	*d = (struct sim_daemon){ .host = h };
	sim_host_boot(h, cfg->loops);
	if (gw_create(h->loops, &cfg->limits, &d->gw, &err))
		sim_world_broken(h->world, "no gateway: %s", err.text);
	op_begin(d);
	gw_volume_add(d->gw, &want, &d->op);
	if (!op_wait(d, "adding the volume")) {
		sim_world_fail(h->world, "the volume did not start: %s", d->op.err.text);
		return false;
	}
	if (add_fronts(d, cfg, &err)) {
		sim_world_fail(h->world, "no front end: %s", err.text);
		return false;
	}
	gw_front_start_all(d->gw);
	return true;
}

static struct instant in_ns(const struct sim_daemon *d, uint64_t ns)
{
	return (struct instant){ (int64_t)(d->host->world->now_ns + ns) };
}

static void count_name(void *arg, const char *name)
{
	(void)name;
	++*(unsigned *)arg;
}

static void keep_name(void *arg, const char *name)
{
	*(const char **)arg = name;
}

static void drain_fronts(struct sim_daemon *d)
{
	char copy[16];

	for (;;) {
		const char *name = NULL;

		gw_front_names(d->gw, keep_name, &name);
		if (!name)
			return;
		snprintf(copy, sizeof(copy), "%s", name);
		op_begin(d);
		gw_front_remove(d->gw, copy, in_ns(d, 5 * SIM_S), &d->op);
		op_wait(d, "draining a front end");
	}
}

bool sim_daemon_stop(struct sim_daemon *d)
{
	struct sim_world *w = d->host->world;
	unsigned volumes = 0, left;

	drain_fronts(d);
	gw_volume_names(d->gw, count_name, &volumes);
	if (volumes) {
		op_begin(d);
		gw_volume_remove(d->gw, EXPORT, in_ns(d, 300 * SIM_S), &d->op);
		op_wait(d, "removing the volume");
		d->flush_rc = d->op.rc;
	}
	gw_destroy(&d->gw);
	/* What was posted or is in flight has an owner that is gone: it must not be. */
	left = sim_disk_io_count(d->host->disk) + d->host->machine.jobs;
	if (left)
		sim_world_fail(w, "the gateway is destroyed with %u operations in flight", left);
	if (sim_sock_open(d->host->net))
		sim_world_fail(w, "the gateway left %u sockets open", sim_sock_open(d->host->net));
	if (sim_link_open(d->host->ether))
		sim_world_fail(w, "the gateway left %u links open", sim_link_open(d->host->ether));
	sim_host_down(d->host);
	return d->flush_rc == 0;
}
