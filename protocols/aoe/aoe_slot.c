/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_slot.c - slots and notes.
 */
#include "config.h"

#include "protocols/aoe/aoe_slot.h"

#include <stdlib.h>

#include "gateway/base/check.h"
#include "protocols/aoe/aoe_client.h"

/* ---- slots ------------------------------------------------------------------ */

/* The whole of its memory, whatever part a request had of it. */
static void unfold(struct aoe_slot *slot)
{
	gw_mem_own(&slot->mem);
	slot->mem.iov[0] = (struct iovec){ slot->data, AOE_SLOT_BYTES };
	slot->mem.bytes = AOE_SLOT_BYTES;
}

/* A request that was left took the memory with it. */
static bool has_memory(struct aoe_slot *slot)
{
	if (slot->mem.n)
		return true;
	if (!gw_mem_take(&slot->port->credit, AOE_SLOT_BYTES, 0, &slot->mem))
		return false;
	slot->data = slot->mem.iov[0].iov_base;
	return true;
}

static void lend(struct aoe_slot *slot)
{
	if (slot->port->draining || !has_memory(slot))
		return;
	unfold(slot);
	slot->iov[0] = (struct iovec){ slot->bytes, AOE_AT_ATA_DATA };
	slot->iov[1] = slot->mem.iov[0];
	slot->frame.iov = slot->iov;
	slot->frame.niov = 2;
	loop_link_lend(&slot->port->link, &slot->frame);
}

/* The largest window that leaves room for those who come after. */
static unsigned open_credit(struct aoe_port *port)
{
	struct gw_pool *pool = gw_pool_of(port->gw, port->loop);
	uint64_t most = gw_pool_reserve_bytes(pool) / AOE_NEWCOMER_PART;
	unsigned n = AOE_SLOTS_MAX;

	while (n > AOE_SLOTS_MIN && (uint64_t)n * AOE_SLOT_BYTES > most)
		n /= 2;
	for (; n >= AOE_SLOTS_MIN; n /= 2) {
		uint64_t bytes = (uint64_t)n * AOE_SLOT_BYTES;

		port->credited = gw_credit_open(pool, bytes, bytes, &port->credit);
		if (port->credited)
			return n;
	}
	return 0;
}

bool aoe_slot_make_all(struct aoe_port *port)
{
	unsigned n = open_credit(port);

	STAILQ_INIT(&port->free_notes);
	port->slots = n ? calloc(n, sizeof(*port->slots)) : NULL;
	port->n_notes = AOE_NOTES + port->n_disks;
	port->notes = calloc(port->n_notes, sizeof(*port->notes));
	if (!port->slots || !port->notes)
		return false;
	for (unsigned i = 0; i < port->n_notes; i++)
		STAILQ_INSERT_TAIL(&port->free_notes, &port->notes[i], next);
	port->n_slots = n;
	for (unsigned i = 0; i < n; i++) {
		port->slots[i].port = port;
		lend(&port->slots[i]);
	}
	return true;
}

void aoe_slot_free_all(struct aoe_port *port)
{
	for (unsigned i = 0; i < port->n_slots; i++)
		if (port->slots[i].mem.n)
			gw_mem_put(&port->slots[i].mem);
	if (port->credited)
		gw_credit_close(&port->credit);
	port->credited = false;
	port->n_slots = 0;
	free(port->slots);
	free(port->notes);
	port->slots = NULL;
	port->notes = NULL;
}

void aoe_slot_begin(struct aoe_slot *slot)
{
	slot->port->n_busy++;
	slot->disk = NULL;
	slot->seat = NULL;
	slot->ticketed = false;
	slot->done_bytes = 0;
	slot->came = slot->frame.came;
}

void aoe_slot_send(struct aoe_slot *slot, size_t head_bytes, uint32_t data_bytes)
{
	slot->iov[0] = (struct iovec){ slot->bytes, head_bytes };
	slot->iov[1] = (struct iovec){ data_bytes ? slot->mem.iov[0].iov_base : NULL, data_bytes };
	slot->frame.niov = data_bytes ? 2 : 1;
	loop_link_send(&slot->port->link, &slot->frame);
}

void aoe_slot_refuse(struct aoe_slot *slot, enum aoe_error error)
{
	struct aoe_reply reply = aoe_pdu_reply(&slot->head, &slot->disk->target, error);

	if (error)
		aoe_count(slot->port, AOE_COUNT_refused, 1);
	aoe_slot_send(slot, aoe_pdu_bare_put(slot->bytes, sizeof(slot->bytes), &reply), 0);
}

void aoe_slot_end(struct aoe_slot *slot)
{
	struct aoe_port *port = slot->port;

	if (slot->seat)
		aoe_client_release(slot->seat->client);
	slot->seat = NULL;
	port->n_busy--;
	if (port->draining)
		loop_defer(port->loop, &port->rest);
	else
		lend(slot);
}

/* ---- notes ------------------------------------------------------------------ */

struct aoe_note *aoe_note_take(struct aoe_port *port)
{
	struct aoe_note *note = STAILQ_FIRST(&port->free_notes);

	if (!note)
		return NULL;
	STAILQ_REMOVE_HEAD(&port->free_notes, next);
	port->n_notes_out++;
	return note;
}

static void put_back(struct aoe_port *port, struct aoe_note *note)
{
	STAILQ_INSERT_HEAD(&port->free_notes, note, next);
	port->n_notes_out--;
	if (port->draining)
		loop_defer(port->loop, &port->rest);
}

void aoe_note_send(struct aoe_port *port, struct aoe_note *note, size_t bytes)
{
	if (!bytes) {
		put_back(port, note);
		return;
	}
	note->iov = (struct iovec){ note->bytes, bytes };
	note->frame.iov = &note->iov;
	note->frame.niov = 1;
	loop_link_send(&port->link, &note->frame);
}

bool aoe_note_sent(struct aoe_port *port, struct drv_frame *frame)
{
	struct aoe_note *note = (struct aoe_note *)frame;

	if (note < port->notes || note >= port->notes + port->n_notes)
		return false;
	put_back(port, note);
	return true;
}
