/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_disk.c - names and their journal, verdicts, power.
 */
#include "config.h"

#include "tests/sim/sim_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"

struct sim_disk *sim_disk_new(struct sim_world *world)
{
	struct sim_disk *d = calloc(1, sizeof(*d));

	GW_CHECK(d);
	d->world = world;
	d->powered = true;
	sim_rng_seed(&d->lend_rng, sim_rng_mix(world->seed) + 1);
	d->lend_odds = (unsigned)sim_rng_below(&d->lend_rng, SIM_LEND_ALWAYS + 1);
	return d;
}

static char *copy_text(const char *text)
{
	char *copy = strdup(text);

	GW_CHECK(copy);
	return copy;
}

static void names_clear(struct sim_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->row[i].path);
	free(names->row);
	*names = (struct sim_names){ 0 };
}

static void changes_clear(struct sim_disk *d)
{
	for (size_t i = 0; i < d->changes; i++) {
		free(d->change[i].path);
		free(d->change[i].to);
	}
	d->changes = 0;
}

void sim_disk_free(struct sim_disk **disk)
{
	struct sim_disk *d = *disk;

	if (!d)
		return;
	names_clear(&d->now);
	names_clear(&d->safe);
	changes_clear(d);
	free(d->change);
	while (d->inodes) {
		struct sim_inode *inode = d->inodes;

		d->inodes = inode->next;
		sim_inode_free(&inode);
	}
	free(d);
	*disk = NULL;
}

static struct sim_name *names_find(const struct sim_names *names, const char *path)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->row[i].path, path) == 0)
			return &names->row[i];
	return NULL;
}

static void names_set(struct sim_names *names, const char *path, struct sim_inode *inode)
{
	struct sim_name *name = names_find(names, path);

	if (name && inode) {
		name->inode = inode;
	} else if (name) {
		free(name->path);
		*name = names->row[--names->n];
	} else if (inode) {
		if (names->n == names->room) {
			names->room = names->room ? 2 * names->room : 8;
			names->row = realloc(names->row, names->room * sizeof(*names->row));
			GW_CHECK(names->row);
		}
		names->row[names->n++] = (struct sim_name){ copy_text(path), inode };
	}
}

static void names_rename(struct sim_names *names, const char *from, const char *to)
{
	struct sim_name *name = names_find(names, from);
	struct sim_inode *inode = name ? name->inode : NULL;

	if (!inode || strcmp(from, to) == 0)
		return;
	names_set(names, from, NULL);
	names_set(names, to, inode);
}

static void remember(struct sim_disk *d, const char *path, const char *to, struct sim_inode *inode)
{
	if (d->changes == d->change_room) {
		d->change_room = d->change_room ? 2 * d->change_room : 8;
		d->change = realloc(d->change, d->change_room * sizeof(*d->change));
		GW_CHECK(d->change);
	}
	d->change[d->changes++] = (struct sim_name_change){ .path = copy_text(path),
							    .to = to ? copy_text(to) : NULL,
							    .inode = inode };
}

struct sim_inode *sim_disk_find(const struct sim_disk *d, const char *path)
{
	struct sim_name *name = names_find(&d->now, path);

	return name ? name->inode : NULL;
}

struct sim_inode *sim_disk_make(struct sim_disk *d, const char *path, bool is_dir)
{
	struct sim_inode *inode = sim_inode_new(++d->n_inodes);

	inode->is_dir = is_dir;
	inode->next = d->inodes;
	d->inodes = inode;
	sim_disk_set_name(d, path, inode);
	return inode;
}

void sim_disk_set_name(struct sim_disk *d, const char *path, struct sim_inode *inode)
{
	names_set(&d->now, path, inode);
	remember(d, path, NULL, inode);
}

void sim_disk_rename(struct sim_disk *d, const char *from, const char *to)
{
	names_rename(&d->now, from, to);
	remember(d, from, to, NULL);
}

static void apply_changes(struct sim_disk *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct sim_name_change *c = &d->change[i];

		if (c->to)
			names_rename(&d->safe, c->path, c->to);
		else
			names_set(&d->safe, c->path, c->inode);
	}
	changes_clear(d);
}

void sim_disk_sync_names(struct sim_disk *d)
{
	apply_changes(d, d->changes);
}

bool sim_disk_lies_in(const char *path, const char *dir)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (!slash)
		return strcmp(dir, ".") == 0;
	if (len == 0)
		return strcmp(dir, "/") == 0;
	return strlen(dir) == len && memcmp(dir, path, len) == 0;
}

bool sim_disk_has_parent(const struct sim_disk *d, const char *path)
{
	if (sim_disk_lies_in(path, ".") || sim_disk_lies_in(path, "/"))
		return true;
	for (size_t i = 0; i < d->now.n; i++)
		if (d->now.row[i].inode->is_dir && sim_disk_lies_in(path, d->now.row[i].path))
			return true;
	return false;
}

static unsigned odds_of(const struct sim_disk_faults *f, enum drv_kind kind)
{
	switch (kind) {
	case DRV_READ:
		return f->read_error;
	case DRV_WRITE:
		return f->write_error;
	case DRV_SYNC:
		return f->sync_error;
	default:
		return 0;
	}
}

int sim_disk_verdict(struct sim_disk *d, enum drv_kind kind, uint64_t *stall_ns)
{
	struct sim_world *w = d->world;
	int error = d->fail_next[kind];

	*stall_ns = d->stall_next_ns[kind];
	d->stall_next_ns[kind] = 0;
	d->fail_next[kind] = 0;
	if (!*stall_ns && d->faults.stall && sim_rng_chance(&w->rng, d->faults.stall, 10000))
		*stall_ns = sim_rng_log(&w->rng, d->faults.stall_min_ns, d->faults.stall_max_ns);
	if (!error && odds_of(&d->faults, kind) &&
	    sim_rng_chance(&w->rng, odds_of(&d->faults, kind), 10000))
		error = EIO;
	if (d->vanished)
		error = EIO;
	if (*stall_ns) {
		sim_note(w, SIM_TR_STALL, kind, *stall_ns, 0);
		sim_count(w, SIM_COVER_STALL);
	}
	if (error) {
		sim_note(w, SIM_TR_FAULT, kind, (unsigned)error, 0);
		sim_count(w, kind == DRV_SYNC ? SIM_COVER_SYNC_ERROR : SIM_COVER_DISK_ERROR);
	}
	return error;
}

bool sim_disk_has_room(const struct sim_disk *d, uint64_t more_sectors)
{
	uint64_t held = more_sectors;

	if (!d->faults.capacity_sectors || !more_sectors)
		return true;
	for (const struct sim_inode *i = d->inodes; i; i = i->next)
		held += i->held;
	return held <= d->faults.capacity_sectors;
}

bool sim_disk_alive(const struct drv_file *file)
{
	return file->disk->powered && file->life == file->disk->life;
}

void sim_disk_power_cut(struct sim_disk *d, unsigned num, unsigned den, struct sim_survey *survey)
{
	for (struct sim_inode *i = d->inodes; i; i = i->next)
		sim_inode_power_cut(i, &d->world->rng, num, den, survey);
	apply_changes(d, (size_t)sim_rng_between(&d->world->rng, 0, d->changes));
	names_clear(&d->now);
	for (size_t i = 0; i < d->safe.n; i++)
		names_set(&d->now, d->safe.row[i].path, d->safe.row[i].inode);
	d->powered = false;
	d->life++;
	memset(d->stall_next_ns, 0, sizeof(d->stall_next_ns));
	memset(d->fail_next, 0, sizeof(d->fail_next));
}

void sim_disk_power_on(struct sim_disk *d)
{
	d->powered = true;
	d->vanished = false;
}
