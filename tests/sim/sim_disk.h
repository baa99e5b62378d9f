/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_disk.h - the simulated disk: names, files, faults, power.
 *
 * Names are volatile until their folder is synced; a power cut keeps a prefix
 * of the changes that were not (a journal in order, as ext4's).  Content is
 * sim_inode.h's.  Operations in flight are sim_disk_io.h's, blocking calls
 * sim_disk_fs.h's.  The disk outlives the daemon: power_cut() abandons what
 * was volatile, power_on() lets a new daemon at what is left.
 */
#ifndef TESTS_SIM_SIM_DISK_H
#define TESTS_SIM_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/loop/drv_fs.h"
#include "tests/sim/sim_inode.h"
#include "tests/sim/sim_world.h"

/* Of 10,000 operations each. */
struct sim_disk_faults {
	unsigned read_error, write_error, sync_error, stall;
	uint64_t stall_min_ns, stall_max_ns;
	uint64_t capacity_sectors; /* 0: unlimited */
};

#define SIM_LEND_ALWAYS 4u

struct sim_name {
	char *path;
	struct sim_inode *inode;
};

struct sim_names {
	struct sim_name *row;
	size_t n, room;
};

struct sim_name_change {
	char *path, *to; /* to: a rename */
	struct sim_inode *inode; /* null: path goes away */
};

struct sim_io;

struct sim_disk {
	struct sim_world *world;
	struct sim_inode *inodes;
	unsigned n_inodes;
	struct sim_names now, safe;
	struct sim_name_change *change; /* since the last sync of names */
	size_t changes, change_room;
	struct sim_disk_faults faults;
	uint64_t stall_next_ns[DRV_JOB + 1]; /* by kind: the next one stalls */
	int fail_next[DRV_JOB + 1]; /* by kind: the next one fails so */
	bool powered;
	bool vanished; /* every operation fails */
	unsigned life; /* counts power cuts; files of an older life are dead */
	uint64_t penalty_ns; /* what blocking calls cost since it was last taken */
	struct sim_io *first, *last; /* in flight, in order of submission */
	uint64_t largest_write; /* bytes, of any so far */
	struct drv_fs fs;
	/* A failed sync gave sectors up. */
	void (*lost)(void *arg, struct sim_inode *inode, uint64_t first, uint64_t sectors);
	void *lost_arg;
	/* How often a read is lent (sim_lend.h), of SIM_LEND_ALWAYS; chance of its own,
	 * so that what is not lent goes as it went. */
	unsigned lend_odds;
	struct sim_rng lend_rng;
	uint64_t lend_off_ns; /* not before */
};

/* An open file. */
struct drv_file {
	struct sim_disk *disk;
	struct sim_inode *inode;
	unsigned flags; /* enum drv_open_flag */
	unsigned life;
	bool locked, exclusive;
	unsigned place; /* sim_lend.c; 0: none yet */
	uint32_t seen_failure; /* of the inode's failures: what it has told already */
};

struct sim_disk *sim_disk_new(struct sim_world *world);
void sim_disk_free(struct sim_disk **disk);

struct sim_inode *sim_disk_find(const struct sim_disk *disk, const char *path);
/* A new name for a new file or folder; volatile until its folder is synced. */
struct sim_inode *sim_disk_make(struct sim_disk *disk, const char *path, bool is_dir);
/* inode null: the name goes away. */
void sim_disk_set_name(struct sim_disk *disk, const char *path, struct sim_inode *inode);
void sim_disk_rename(struct sim_disk *disk, const char *from, const char *to);
void sim_disk_sync_names(struct sim_disk *disk);
/* "a/b" lies in "a"; "b" lies in "."; "/b" lies in "/". */
bool sim_disk_lies_in(const char *path, const char *dir);
bool sim_disk_has_parent(const struct sim_disk *disk, const char *path);

/* The verdict on one operation that begins: what it will end with (0: well) and
 * how much longer than usual it takes. */
int sim_disk_verdict(struct sim_disk *disk, enum drv_kind kind, uint64_t *stall_ns);
bool sim_disk_has_room(const struct sim_disk *disk, uint64_t more_sectors);
bool sim_disk_alive(const struct drv_file *file);

/* The content after a power cut, for scenarios: num of den unsynced sectors and
 * a prefix of the unsynced names survive.  See sim_disk_io_power_cut() for what
 * is in flight; call that first. */
void sim_disk_power_cut(struct sim_disk *disk, unsigned num, unsigned den,
			struct sim_survey *survey);
void sim_disk_power_on(struct sim_disk *disk);

#endif
