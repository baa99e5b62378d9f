/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_inode.h - the content of one simulated file, sparse and in two layers.
 *
 *        write ──▶ now  (page cache: what a read sees)
 *                   │ sync, DURABLE, write-back by itself
 *                   ▼
 *                  safe (what is there after a power cut)
 *
 * A sector (512 bytes) is the unit that survives or does not.  A sector is
 * clean, dirty (a sync owes it) or lost (a sync failed and gave it up: it is
 * still seen, but nothing will save it, as Linux does).  Knows no time; chance
 * comes in as a parameter.
 */
#ifndef TESTS_SIM_SIM_INODE_H
#define TESTS_SIM_SIM_INODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/sim_rng.h"

#define SIM_SECTOR 512u
#define SIM_CHUNK_SECTORS 16u
#define SIM_CHUNK (SIM_SECTOR * SIM_CHUNK_SECTORS)

struct sim_chunk {
	uint8_t now[SIM_CHUNK];
	uint8_t safe[SIM_CHUNK];
	uint16_t dirty, lost;
	uint16_t held, safe_held; /* allocated sectors, now and on the medium */
	uint32_t since[SIM_CHUNK_SECTORS]; /* the clock when it became dirty */
};

struct sim_inode {
	unsigned id;
	uint64_t size, safe_size;
	struct sim_chunk **chunks;
	size_t n_chunks;
	uint32_t clock; /* counts changes */
	uint64_t dirty; /* sectors */
	uint64_t held; /* sectors allocated */
	uint32_t failures; /* of write-back; each open file tells of them once */
	unsigned readers; /* locks */
	bool writer;
	bool is_dir;
	struct sim_inode *next;
};

struct sim_survey {
	uint64_t kept, lost; /* sectors that a power cut decided upon */
};

struct sim_inode *sim_inode_new(unsigned id);
void sim_inode_free(struct sim_inode **inode);

void sim_inode_read(const struct sim_inode *inode, uint64_t offset, void *buf, size_t len);
/* What would be there after a power cut that keeps nothing unsynced. */
void sim_inode_read_safe(const struct sim_inode *inode, uint64_t offset, void *buf, size_t len);
/* Grows the file.  write-back of what is overwritten may happen first. */
void sim_inode_write(struct sim_inode *inode, struct sim_rng *rng, uint64_t offset, const void *buf,
		     size_t len);
/* Sectors that a write of this range would allocate. */
uint64_t sim_inode_needs(const struct sim_inode *inode, uint64_t offset, uint64_t len);
/* Reads zero afterwards; free_it: whole sectors are deallocated, else allocated. */
void sim_inode_zero(struct sim_inode *inode, struct sim_rng *rng, uint64_t offset, uint64_t len,
		    bool free_it);
void sim_inode_resize(struct sim_inode *inode, uint64_t size);
/* The first byte at or behind offset that is data (or hole); false: none. */
bool sim_inode_seek(const struct sim_inode *inode, bool data, uint64_t offset, uint64_t *out);

/* Makes safe: the range; or all that was dirty at that clock, and the size. */
void sim_inode_persist(struct sim_inode *inode, uint64_t offset, uint64_t len);
void sim_inode_sync(struct sim_inode *inode, struct sim_rng *rng, uint32_t clock);
/* A sync that fails: each dirty sector is written, or given up; of those given
 * up some go back at once to what is safe.  lost() hears of each run of them. */
typedef void sim_inode_lost_fn(void *arg, uint64_t first_sector, uint64_t sectors);
uint64_t sim_inode_sync_fails(struct sim_inode *inode, struct sim_rng *rng, uint32_t clock,
			      sim_inode_lost_fn *lost, void *arg);
/* The power fails: of den dirty sectors, num reach the medium, each for itself. */
void sim_inode_power_cut(struct sim_inode *inode, struct sim_rng *rng, unsigned num, unsigned den,
			 struct sim_survey *survey);

#endif
