/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_disk.c - commands of a disk.
 */
#include "config.h"

#include "protocols/aoe/aoe_disk.h"

#include <stdio.h>

#include "gateway/api/volume.h"
#include "gateway/base/crc32c.h"
#include "gateway/base/num.h"
#include "protocols/aoe/aoe_client.h"
#include "protocols/aoe/aoe_slot.h"
#include "translators/ata/ata_page.h"

/* ---- the answer ------------------------------------------------------------- */

static void begin_write(struct aoe_slot *slot)
{
	struct aoe_shelf *shelf = slot->disk->shelf;

	slot->ticketed = true;
	slot->era = (uint8_t)shelf->era;
	shelf->n_writes[slot->era]++;
}

/* answer: null, it has none. */
static void end_write(struct aoe_slot *slot, const struct aoe_order_answer *answer)
{
	struct aoe_shelf *shelf = slot->disk->shelf;

	if (!slot->ticketed)
		return;
	slot->ticketed = false;
	if (answer)
		aoe_order_ended(&shelf->order, &slot->ticket, loop_now(shelf->loop), answer);
	else
		aoe_order_forget(&shelf->order, &slot->ticket);
	if (!--shelf->n_writes[slot->era] && shelf->settling)
		loop_defer(shelf->loop, &shelf->settle);
}

static void send_registers(struct aoe_slot *slot, const struct aoe_ata_reply *ata,
			   uint32_t data_bytes)
{
	struct aoe_reply reply = aoe_pdu_reply(&slot->head, &slot->disk->target, AOE_ERROR_NONE);

	aoe_slot_send(slot, aoe_pdu_ata_put(slot->bytes, &reply, ata, data_bytes), data_bytes);
}

static void answer(struct aoe_slot *slot, const struct ata_regs *regs, uint32_t data_bytes)
{
	struct aoe_order_answer told = { .ata = { .flags = slot->flags,
						  .error = regs->error,
						  .count = regs->sectors,
						  .status = regs->status,
						  .lba = regs->lba } };

	if (regs->error) {
		aoe_count(slot->port, AOE_COUNT_failed, 1);
		if (slot->seat)
			slot->seat->errors++;
	}
	end_write(slot, &told);
	send_registers(slot, &told.ata, data_bytes);
}

/* No answer: the client asks again. */
static void drop(struct aoe_slot *slot)
{
	aoe_count(slot->port, AOE_COUNT_dropped, 1);
	end_write(slot, NULL);
	aoe_slot_end(slot);
}

static void refuse(struct aoe_slot *slot, enum aoe_error error)
{
	end_write(slot, NULL);
	aoe_slot_refuse(slot, error);
}

static void count_bytes(struct aoe_slot *slot)
{
	uint64_t bytes = slot->plan.length;

	if (slot->plan.op == GW_WRITE) {
		slot->seat->written_bytes += bytes;
		aoe_count(slot->port, AOE_COUNT_written_bytes, bytes);
	} else if (slot->plan.reply_bytes) {
		slot->seat->read_bytes += bytes;
		aoe_count(slot->port, AOE_COUNT_read_bytes, bytes);
	}
}

/* What is wrong with the disk as a whole is told by AoE (2), the rest by ATA. */
static void end(struct aoe_slot *slot, enum gw_status status, uint64_t bytes_done)
{
	struct ata_regs regs = ata_end(&slot->cmd, &slot->plan, status, bytes_done);

	switch (status) {
	case GW_RESERVED:
		aoe_count(slot->port, AOE_COUNT_reserved, 1);
		refuse(slot, AOE_ERROR_RESERVED);
		return;
	case GW_NOT_READY:
		refuse(slot, AOE_ERROR_UNAVAILABLE);
		return;
	case GW_SHUTDOWN:
	case GW_ABORTED:
	case GW_BUSY:
	case GW_NO_MEMORY:
		drop(slot);
		return;
	case GW_OK:
		count_bytes(slot);
		answer(slot, &regs, slot->plan.reply_bytes);
		return;
	default:
		answer(slot, &regs, 0);
	}
}

/* ---- requests --------------------------------------------------------------- */

static void done(struct gw_req *req);

static bool has_data(const struct aoe_slot *slot)
{
	return slot->plan.op == GW_READ || slot->plan.op == GW_WRITE;
}

/* The next bytes of the plan; false: there are none. */
static bool next_part(struct aoe_slot *slot, uint64_t *offset, uint64_t *length)
{
	const struct ata_plan *plan = &slot->plan;

	if (plan->act == ATA_TRIM)
		return ata_trim_next(&slot->trim, offset, length);
	if (plan->op == GW_FLUSH) {
		*offset = *length = 0;
		return !slot->done_bytes++;
	}
	*offset = plan->offset + slot->done_bytes;
	*length = num_min(plan->length - slot->done_bytes, AOE_SLOT_BYTES);
	return *length;
}

static void submit(struct aoe_slot *slot, struct gw_req *req, uint64_t offset, uint64_t length)
{
	req->op = slot->plan.op;
	/* not READ VERIFY: nobody would notice that what was lent cannot be read */
	req->flags = slot->plan.flags | GW_IN_ORDER |
		     (slot->plan.op == GW_READ && slot->plan.reply_bytes ? GW_LEND : 0u);
	req->offset = offset;
	req->length = length;
	req->done = done;
	req->owner = slot;
	if (has_data(slot)) {
		gw_mem_move(&req->data, &slot->mem);
		gw_mem_cut(&req->data, (uint32_t)length);
	}
	slot->req = req;
	gw_req_submit(req);
}

/* A TRIM takes one request after the other, and a write that came meanwhile waits for
 * none of those to come. */
static bool would_undo(const struct aoe_slot *slot, uint64_t offset, uint64_t length)
{
	return slot->plan.act == ATA_TRIM &&
	       aoe_order_is_over(&slot->disk->shelf->order, &slot->ticket,
				 offset / ATA_SECTOR_BYTES, length / ATA_SECTOR_BYTES);
}

/* False: the pool has none, and the shelf waits for one. */
static bool ask_now(struct aoe_slot *slot)
{
	struct gw_req *req = gw_req_take(slot->seat->itl);
	uint64_t offset, length;
	bool more;

	if (!req) {
		aoe_count(slot->port, AOE_COUNT_waits, 1);
		gw_req_wait(slot->seat->itl, &slot->disk->shelf->waiter);
		return false;
	}
	more = next_part(slot, &offset, &length);
	if (more && !would_undo(slot, offset, length)) {
		LIST_INSERT_HEAD(&slot->seat->running, slot, link);
		submit(slot, req, offset, length);
		return true;
	}
	gw_req_put(&req);
	if (more)
		drop(slot);
	else
		end(slot, GW_OK, 0);
	return true;
}

/* In the order of arrival: behind those that wait. */
static void ask(struct aoe_slot *slot)
{
	struct aoe_slot_queue *waiting = &slot->disk->shelf->waiting;

	if (!STAILQ_EMPTY(waiting) || !ask_now(slot))
		STAILQ_INSERT_TAIL(waiting, slot, next);
}

static void resume(struct loop_task *task)
{
	struct aoe_shelf *shelf =
		(struct aoe_shelf *)((char *)task - offsetof(struct aoe_shelf, resume));
	struct aoe_slot *slot;

	while (!shelf->waiter.waiting && (slot = STAILQ_FIRST(&shelf->waiting))) {
		if (!ask_now(slot))
			return;
		STAILQ_REMOVE_HEAD(&shelf->waiting, next);
	}
}

/* It may be called from inside anything of the core. */
static void wake(struct gw_req_waiter *waiter)
{
	struct aoe_shelf *shelf =
		(struct aoe_shelf *)((char *)waiter - offsetof(struct aoe_shelf, waiter));

	loop_defer(shelf->loop, &shelf->resume);
}

static bool goes_on(const struct aoe_slot *slot)
{
	return slot->plan.act == ATA_TRIM ||
	       (slot->plan.op != GW_FLUSH && slot->done_bytes < slot->plan.length);
}

static void done(struct gw_req *req)
{
	struct aoe_slot *slot = req->owner;
	enum gw_status status = req->status;
	uint64_t bytes_done = slot->done_bytes + req->bytes_done;

	LIST_REMOVE(slot, link);
	slot->req = NULL;
	if (has_data(slot)) {
		slot->done_bytes += req->length;
		gw_mem_move(&slot->mem, &req->data);
	}
	gw_req_put(&req);
	if (status == GW_OK && goes_on(slot))
		ask(slot);
	else
		end(slot, status, bytes_done);
}

/* ---- by force --------------------------------------------------------------- */

static void abandon_queue(struct aoe_slot_queue *queue)
{
	struct aoe_slot *slot;

	while ((slot = STAILQ_FIRST(queue))) {
		STAILQ_REMOVE_HEAD(queue, next);
		drop(slot);
	}
}

/* Those of other ports go on waiting. */
static void abandon_waiting(struct aoe_disk *disk)
{
	struct aoe_shelf *shelf = disk->shelf;
	struct aoe_slot_queue all = STAILQ_HEAD_INITIALIZER(all);
	struct aoe_slot *slot;

	STAILQ_CONCAT(&all, &shelf->waiting);
	while ((slot = STAILQ_FIRST(&all))) {
		STAILQ_REMOVE_HEAD(&all, next);
		if (slot->disk == disk)
			drop(slot);
		else
			STAILQ_INSERT_TAIL(&shelf->waiting, slot, next);
	}
	if (!STAILQ_EMPTY(&shelf->waiting))
		return;
	gw_req_unwait(disk->itl, &shelf->waiter);
	loop_defer_cancel(shelf->loop, &shelf->resume);
}

static void abandon_seat(struct aoe_seat *seat)
{
	struct aoe_slot *slot;

	abandon_queue(&seat->waiting);
	while ((slot = LIST_FIRST(&seat->running))) {
		LIST_REMOVE(slot, link);
		gw_req_orphan(&slot->req);
		aoe_count(slot->port, AOE_COUNT_orphans, 1);
		drop(slot);
	}
}

void aoe_disk_abandon(struct aoe_disk *disk)
{
	struct aoe_client *client;

	abandon_waiting(disk);
	TAILQ_FOREACH (client, &disk->port->clients, age)
		abandon_seat(&client->seats[disk->number]);
}

/* ---- late writes ------------------------------------------------------------ */

/* All that a command may change, as one range. */
static struct aoe_order_write write_of(const struct aoe_slot *slot)
{
	struct aoe_order_write write = { .from = slot->head.src,
					 .tag = slot->head.tag,
					 .command = slot->cmd.command,
					 .sum = crc32c(0, slot->cmd.payload,
						       slot->cmd.payload_bytes),
					 .arrived = slot->came };
	struct ata_trim trim = slot->trim;
	uint64_t offset = slot->plan.offset, length = slot->plan.length;
	uint64_t from = UINT64_MAX, to = 0;

	if (slot->plan.act != ATA_TRIM) {
		from = offset;
		to = offset + length;
	}
	while (slot->plan.act == ATA_TRIM && ata_trim_next(&trim, &offset, &length)) {
		from = num_min(from, offset);
		to = num_max(to, offset + length);
	}
	write.lba = from / ATA_SECTOR_BYTES;
	write.sectors = (uint32_t)num_min((to - from) / ATA_SECTOR_BYTES, UINT32_MAX);
	return write;
}

static void guard(struct aoe_slot *slot)
{
	struct aoe_order_write write = write_of(slot);
	struct aoe_order_answer told;

	switch (aoe_order_seen(&slot->disk->shelf->order, &write, &slot->ticket, &told)) {
	case AOE_ORDER_RUN:
		begin_write(slot);
		ask(slot);
		return;
	case AOE_ORDER_REPEAT:
		aoe_count(slot->port, AOE_COUNT_late, 1);
		send_registers(slot, &told.ata, 0);
		return;
	case AOE_ORDER_UNDER_WAY:
	case AOE_ORDER_OVERTAKEN:
		aoe_count(slot->port, AOE_COUNT_late, 1);
		drop(slot);
		return;
	}
}

static bool writes(const struct ata_plan *plan)
{
	return plan->act == ATA_TRIM || plan->op == GW_WRITE;
}

/* ---- a place at the volume -------------------------------------------------- */

/* The guard sees a write when it can run: one that waited for its client's place is late
 * if another has been by meanwhile. */
static void admit(struct aoe_slot *slot)
{
	if (writes(&slot->plan))
		guard(slot);
	else
		ask(slot);
}

/* The lists may have changed while it waited, and the answer to that did not wait for
 * it. */
static void admit_late(struct aoe_slot *slot)
{
	const struct aoe_book *book = &slot->disk->shelf->book;

	if (!aoe_book_hears(book, &slot->head.src)) {
		aoe_count(slot->port, AOE_COUNT_masked, 1);
		drop(slot);
	} else if (!aoe_book_lets(book, &slot->head.src, slot->cmd.command)) {
		end(slot, GW_RESERVED, 0);
	} else {
		admit(slot);
	}
}

static void seated(struct gw_itl *itl, void *owner, enum gw_status status)
{
	struct aoe_seat *seat = owner;
	struct aoe_slot *slot;

	(void)itl;
	seat->ready = status == GW_OK;
	seat->refused = status;
	while ((slot = STAILQ_FIRST(&seat->waiting))) {
		STAILQ_REMOVE_HEAD(&seat->waiting, next);
		if (seat->ready)
			admit_late(slot);
		else
			end(slot, status, 0);
	}
}

static const struct gw_itl_ops seat_ops = { .ready = seated };

static void find_seat(struct aoe_slot *slot)
{
	slot->seat = aoe_client_take(slot->disk, &slot->head.src, &seat_ops);
	if (!slot->seat) {
		drop(slot);
		return;
	}
	slot->seat->requests++;
	if (slot->seat->ready)
		admit(slot);
	else if (slot->seat->refused)
		end(slot, slot->seat->refused, 0);
	else
		STAILQ_INSERT_TAIL(&slot->seat->waiting, slot, next);
}

/* ---- a command -------------------------------------------------------------- */

static void read_command(struct aoe_slot *slot, const struct aoe_ata *ata)
{
	slot->flags = ata->flags;
	slot->cmd = (struct ata_cmd){
		.command = ata->command,
		.feature = ata->feature,
		.sectors = ata->count,
		.extended = ata->flags & AOE_ATA_EXTENDED,
		.write = ata->flags & AOE_ATA_WRITE,
		.lba = ata->lba,
		.payload = slot->data,
		.payload_bytes = (uint32_t)num_min(ata->data_bytes, AOE_SLOT_BYTES),
		.room_bytes = aoe_sectors_of(slot->port) * AOE_SECTOR_BYTES,
	};
}

void aoe_disk_take(struct aoe_disk *disk, struct aoe_slot *slot, const struct aoe_ata *ata)
{
	slot->disk = disk;
	aoe_count(slot->port, AOE_COUNT_commands, 1);
	if (!aoe_book_lets(&disk->shelf->book, &slot->head.src, ata->command)) {
		aoe_count(slot->port, AOE_COUNT_reserved, 1);
		aoe_slot_refuse(slot, AOE_ERROR_RESERVED);
		return;
	}
	read_command(slot, ata);
	switch (ata_dispatch(&disk->terms, &slot->cmd, &slot->plan)) {
	case ATA_ANSWER:
		answer(slot, &slot->plan.regs, 0);
		return;
	case ATA_PAGE:
		ata_page_build(slot->plan.page, &disk->terms, slot->cmd.room_bytes, slot->data);
		answer(slot, &slot->plan.regs, slot->plan.reply_bytes);
		return;
	case ATA_ARGUMENT:
		aoe_slot_refuse(slot, AOE_ERROR_BAD_ARGUMENT);
		return;
	case ATA_TRIM:
		slot->trim = ata_trim_begin(&slot->cmd);
		break;
	case ATA_REQUEST:
		break;
	}
	find_seat(slot);
}

/* ---- birth and death -------------------------------------------------------- */

void aoe_disk_adopt(struct aoe_disk *disk)
{
	const struct gw_facts *facts = gw_itl_facts(disk->itl);

	disk->terms = ata_terms_of(facts, gw_volume_identity(disk->shelf->volume), facts->read_only,
				   !disk->port->write_back);
}

bool aoe_disk_open(struct aoe_disk *disk, const struct gw_itl_ops *ops)
{
	struct aoe_port *port = disk->port;
	char name[GW_PORT_NAME_MAX];
	const struct gw_nexus_names names = { "aoe", name, name };

	snprintf(name, sizeof(name), "aoe:%s:%s", port->link.link.name, disk->name);
	disk->nexus = gw_nexus_open(port->gw, port->loop, &names);
	if (disk->nexus)
		disk->itl = gw_itl_open(disk->nexus, disk->shelf->volume, false, ops, disk);
	gw_grant_release(&disk->grant);
	if (!disk->itl)
		return false;
	aoe_disk_adopt(disk);
	return true;
}

void aoe_disk_share(struct aoe_shelf *shelf)
{
	STAILQ_INIT(&shelf->waiting);
	shelf->waiter.wake = wake;
	shelf->resume.run = resume;
}

void aoe_disk_close(struct aoe_disk *disk)
{
	if (disk->itl)
		gw_itl_close(&disk->itl);
	gw_nexus_close(&disk->nexus);
	gw_grant_release(&disk->grant);
}
