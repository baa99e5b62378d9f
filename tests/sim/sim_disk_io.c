/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_disk_io.c - disk operations as events: parts, errors, stalls.
 */
#include "config.h"

#include "tests/sim/sim_disk_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"

struct sim_io {
	struct sim_event event;
	struct sim_disk *disk;
	struct sim_home *home;
	struct drv_op *op;
	struct sim_inode *inode;
	struct sim_io *next, *prev;
	uint64_t total, pos; /* bytes: of the iovec, done so far */
	uint64_t late_ns; /* a stall that still waits, before the last part */
	uint32_t clock; /* SYNC: what it owes */
	unsigned parts; /* still to come */
	int error; /* what it will end with */
	bool moved; /* all parts are done; only the end is missing */
	uint64_t coin_sector; /* 1 + the sector that the last coin was for */
	bool coin;
};

static void link_io(struct sim_disk *d, struct sim_io *io)
{
	io->prev = d->last;
	if (d->last)
		d->last->next = io;
	else
		d->first = io;
	d->last = io;
}

static void unlink_io(struct sim_disk *d, struct sim_io *io)
{
	*(io->prev ? &io->prev->next : &d->first) = io->next;
	*(io->next ? &io->next->prev : &d->last) = io->prev;
}

/* As Linux has it: of all syncs and durable writes through one open file, the
 * first that ends tells of a failed write-back, and no other. */
static void take_failure(struct sim_io *io)
{
	struct drv_file *file = io->op->file;

	if (io->op->kind != DRV_SYNC && !(io->op->flags & DRV_DURABLE))
		return;
	if (io->error || file->seen_failure == io->inode->failures)
		return;
	io->error = EIO;
	file->seen_failure = io->inode->failures;
}

static void end_io(struct sim_io *io)
{
	struct drv_op *op = io->op;
	struct sim_home *home = io->home;
	int64_t res = 0;

	take_failure(io);
	if (io->error)
		res = -io->error;
	else if (op->kind != DRV_SYNC)
		res = (int64_t)io->pos;
	sim_note(io->disk->world, SIM_TR_IO_DONE, op->kind, (uint64_t)res, op->offset);
	unlink_io(io->disk, io);
	sim_world_cancel(io->disk->world, &io->event);
	free(io);
	home->ready(home, op, res, false);
}

/* Calls move() for the bytes [from, to) of the operation, slice by slice. */
typedef void move_fn(struct sim_io *io, uint8_t *mem, uint64_t at, size_t len);
static void each_slice(struct sim_io *io, uint64_t from, uint64_t to, move_fn *move)
{
	uint64_t base = 0;

	for (unsigned i = 0; i < io->op->niov && base < to; i++) {
		const struct iovec *v = &io->op->iov[i];
		uint64_t lo = from > base ? from : base;
		uint64_t hi = to < base + v->iov_len ? to : base + v->iov_len;

		if (lo < hi)
			move(io, (uint8_t *)v->iov_base + (lo - base), io->op->offset + lo,
			     (size_t)(hi - lo));
		base += v->iov_len;
	}
}

static void move_in(struct sim_io *io, uint8_t *mem, uint64_t at, size_t len)
{
	sim_inode_write(io->inode, &io->disk->world->rng, at, mem, len);
}

static void move_out(struct sim_io *io, uint8_t *mem, uint64_t at, size_t len)
{
	sim_inode_read(io->inode, at, mem, len);
}

/* A power cut: each sector that was still to come may have come. */
static void move_some(struct sim_io *io, uint8_t *mem, uint64_t at, size_t len)
{
	while (len) {
		size_t n = SIM_SECTOR - at % SIM_SECTOR;

		n = n < len ? n : len;
		/* Slices may meet inside a sector, which is whole nevertheless. */
		if (io->coin_sector != at / SIM_SECTOR + 1)
			io->coin = sim_rng_chance(&io->disk->world->rng, 1, 2);
		io->coin_sector = at / SIM_SECTOR + 1;
		if (io->coin)
			sim_inode_write(io->inode, &io->disk->world->rng, at, mem, n);
		mem += n;
		at += n;
		len -= n;
	}
}

/* The end of the next part: a sector's border, or the end. */
static uint64_t part_end(struct sim_io *io)
{
	uint64_t left = io->total - io->pos, to;

	if (io->parts <= 1)
		return io->total;
	to = io->pos + sim_rng_below(&io->disk->world->rng, left + 1);
	to -= (io->op->offset + to) % SIM_SECTOR;
	return to < io->pos || to > io->total ? io->pos : to;
}

static void part_of_write(struct sim_io *io, uint64_t to)
{
	uint64_t needs = sim_inode_needs(io->inode, io->op->offset + io->pos, to - io->pos);

	if (!sim_disk_has_room(io->disk, needs)) {
		sim_count(io->disk->world, SIM_COVER_NO_SPACE);
		io->error = ENOSPC;
		return;
	}
	each_slice(io, io->pos, to, move_in);
}

static void sync_lost(void *arg, uint64_t first, uint64_t sectors)
{
	struct sim_io *io = arg;

	if (io->disk->lost)
		io->disk->lost(io->disk->lost_arg, io->inode, first, sectors);
}

static void do_sync(struct sim_io *io)
{
	struct sim_world *w = io->disk->world;

	if (!io->error) {
		sim_inode_sync(io->inode, &w->rng, io->clock);
		return;
	}
	io->inode->failures++;
	io->error = 0; /* who tells it is decided when they end */
	sim_note(w, SIM_TR_DROP, sim_inode_sync_fails(io->inode, &w->rng, io->clock, sync_lost, io),
		 0, 0);
}

static void do_part(struct sim_io *io)
{
	uint64_t to = part_end(io);

	sim_note(io->disk->world, SIM_TR_IO_PART, io->op->offset, to, io->total);
	io->parts--;
	if (io->op->kind == DRV_SYNC)
		do_sync(io);
	else if (io->op->kind == DRV_READ)
		each_slice(io, io->pos, to, move_out);
	else
		part_of_write(io, to);
	if (io->error == ENOSPC)
		return;
	io->pos = to;
	if (io->parts == 0 && (io->op->flags & DRV_DURABLE) && io->op->kind == DRV_WRITE)
		sim_inode_persist(io->inode, io->op->offset, io->total);
}

static void fire_io(struct sim_event *event)
{
	struct sim_io *io = SIM_OF(event, struct sim_io, event);
	struct sim_world *w = io->disk->world;

	if (io->late_ns && io->parts <= 1) {
		sim_world_after(w, &io->event, io->late_ns);
		io->late_ns = 0;
		return;
	}
	if (io->moved) {
		end_io(io);
		return;
	}
	/* An error shows before the last part: what was written is unknown. */
	if (io->error && io->parts == 1 && io->op->kind != DRV_SYNC)
		io->parts = 0;
	if (io->parts)
		do_part(io);
	io->moved = io->parts == 0 || io->error == ENOSPC;
	if (!io->moved)
		sim_world_after(w, &io->event, sim_rng_log(&w->rng, 500, 200 * SIM_US));
	else if (sim_rng_chance(&w->rng, 1, 2))
		end_io(io);
	else
		sim_world_after(w, &io->event, sim_rng_log(&w->rng, 500, 50 * SIM_US));
}

static uint64_t usual_ns(struct sim_world *w, const struct drv_op *op)
{
	if (op->kind == DRV_SYNC || (op->flags & DRV_DURABLE))
		return sim_rng_log(&w->rng, 50 * SIM_US, 20 * SIM_MS);
	if (op->kind == DRV_READ)
		return sim_rng_log(&w->rng, 2 * SIM_US, 8 * SIM_MS);
	return sim_rng_log(&w->rng, 2 * SIM_US, 500 * SIM_US);
}

static void size_up(struct sim_io *io)
{
	const struct drv_op *op = io->op;
	uint64_t size = io->inode->size;

	for (unsigned i = 0; op->kind != DRV_SYNC && i < op->niov; i++)
		io->total += op->iov[i].iov_len;
	if (op->kind == DRV_READ && op->offset >= size)
		io->total = 0;
	else if (op->kind == DRV_READ && io->total > size - op->offset)
		io->total = size - op->offset;
}

void sim_disk_io_submit(struct sim_disk *d, struct sim_home *home, struct drv_op *op)
{
	struct sim_io *io = calloc(1, sizeof(*io));
	struct sim_world *w = d->world;
	uint64_t stall = 0;

	GW_CHECK(io);
	io->disk = d;
	io->home = home;
	io->op = op;
	io->inode = op->file->inode;
	link_io(d, io);
	size_up(io);
	if (op->kind == DRV_WRITE && io->total > d->largest_write)
		d->largest_write = io->total;
	io->clock = io->inode->clock;
	io->parts = op->kind == DRV_SYNC || sim_rng_chance(&w->rng, 2, 3)
			    ? 1
			    : (unsigned)sim_rng_between(&w->rng, 2, 3);
	io->event.fire = fire_io;
	sim_note(w, SIM_TR_IO, op->kind, op->offset, io->total);
	if (!sim_disk_alive(op->file))
		io->error = EIO;
	else if (op->kind == DRV_WRITE && !(op->file->flags & DRV_OPEN_WRITE))
		io->error = EBADF;
	else
		io->error = sim_disk_verdict(d, (enum drv_kind)op->kind, &stall);
	if (!sim_disk_alive(op->file))
		io->moved = true;
	if (sim_rng_chance(&w->rng, 1, 2))
		io->late_ns = stall;
	sim_world_after(w, &io->event, usual_ns(w, op) + (io->late_ns ? 0 : stall));
}

void sim_disk_io_power_cut(struct sim_disk *d)
{
	for (struct sim_io *io = d->first; io; io = io->next) {
		if (io->op->kind == DRV_WRITE && !io->moved && sim_disk_alive(io->op->file))
			each_slice(io, io->pos, io->total, move_some);
		io->error = EIO;
		io->parts = 0;
		io->late_ns = 0;
		io->moved = true;
		sim_world_after(d->world, &io->event, sim_rng_below(&d->world->rng, 100 * SIM_US));
	}
}

unsigned sim_disk_io_count(const struct sim_disk *d)
{
	unsigned n = 0;

	for (const struct sim_io *io = d->first; io; io = io->next)
		n++;
	return n;
}

bool sim_disk_io_writing(const struct sim_disk *d, uint64_t offset, uint64_t len)
{
	for (const struct sim_io *io = d->first; io; io = io->next)
		if (io->op->kind == DRV_WRITE && io->op->offset < offset + len &&
		    offset < io->op->offset + io->total)
			return true;
	return false;
}
