/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_port.c - frames of one interface.
 */
#include "config.h"

#include "protocols/aoe/aoe_port.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/api/volume.h"
#include "gateway/base/log.h"
#include "gateway/base/num.h"
#include "gateway/loop/loop_set.h"
#include "protocols/aoe/aoe_client.h"
#include "protocols/aoe/aoe_disk.h"
#include "protocols/aoe/aoe_shelf.h"
#include "protocols/aoe/aoe_slot.h"

/* Beside what has a slot, so many frames wait in the kernel. */
#define RX_FRAMES (2 * AOE_SLOTS_MAX)

static struct aoe_offer offer_of(const struct aoe_port *port)
{
	return (struct aoe_offer){ .buffers = (uint16_t)port->n_slots,
				   .firmware = AOE_FIRMWARE,
				   .sectors = (uint8_t)aoe_sectors_of(port) };
}

/* ---- word to everybody ------------------------------------------------------ */

/* Who hears of this disk next: everybody, or each that its mask list lets in. */
static bool next_hearer(const struct aoe_port *port, const struct aoe_book *book,
			struct aoe_mac *hearer)
{
	if (port->announce_mac >= num_max(book->mask_count, 1))
		return false;
	*hearer = book->mask_count ? book->mask[port->announce_mac] : AOE_MAC_BROADCAST;
	return true;
}

/* As many as there are notes for; the rest when these were sent. */
static void pour(struct aoe_port *port)
{
	struct aoe_offer offer = offer_of(port);

	while (port->announce_disk < port->n_disks && !port->draining) {
		const struct aoe_disk *disk = &port->disks[port->announce_disk];
		struct aoe_mac hearer;
		struct aoe_note *note;

		if (!next_hearer(port, &disk->shelf->book, &hearer)) {
			port->announce_disk++;
			port->announce_mac = 0;
			continue;
		}
		note = aoe_note_take(port);
		if (!note)
			return;
		port->announce_mac++;
		aoe_count(port, AOE_COUNT_announcements, 1);
		aoe_note_send(port, note,
			      aoe_talk_announce(&disk->target, &offer, &disk->shelf->book, &hearer,
						note->bytes, sizeof(note->bytes)));
	}
}

static void announce_all(struct aoe_port *port)
{
	if (!port->link.facts.up)
		return;
	port->announce_disk = port->announce_mac = 0;
	pour(port);
}

/* ---- frames ----------------------------------------------------------------- */

/* The request in one piece: its data stand elsewhere than its header. */
static size_t flatten(struct aoe_slot *slot)
{
	struct aoe_port *port = slot->port;
	size_t bytes = num_min(slot->frame.bytes, sizeof(port->scratch));
	size_t head = num_min(bytes, AOE_AT_ATA_DATA);

	memcpy(port->scratch, slot->bytes, head);
	memcpy(port->scratch + head, slot->data, bytes - head);
	return bytes;
}

static void talk(struct aoe_slot *slot, struct aoe_disk *disk, enum aoe_address address)
{
	const struct aoe_talk talk = { .head = slot->head,
				       .address = address,
				       .target = disk->target,
				       .offer = offer_of(slot->port),
				       .frame = slot->port->scratch,
				       .frame_bytes = flatten(slot) };

	aoe_shelf_ask(disk->shelf, slot->port, &talk);
}

/* A request that one of our disks is meant by, perhaps among others.  True: the slot is
 * taken over. */
static bool take_for(struct aoe_slot *slot, struct aoe_disk *disk, enum aoe_address address)
{
	struct aoe_request request;

	if (!aoe_book_hears(&disk->shelf->book, &slot->head.src)) {
		aoe_count(slot->port, AOE_COUNT_masked, 1);
		return false;
	}
	aoe_count(slot->port, AOE_COUNT_requests, 1);
	/* of an ATA command only the header is read here, whose data stand elsewhere */
	if (slot->head.command != AOE_COMMAND_ATA || address != AOE_ADDRESS_ONE ||
	    aoe_pdu_request_get(slot->bytes, slot->frame.bytes, &slot->head, address, &request)) {
		talk(slot, disk, address);
		return false;
	}
	aoe_disk_take(disk, slot, &request.ata);
	return true;
}

/* Null: no disk of ours has these numbers. */
static struct aoe_disk *find_disk(struct aoe_port *port, const struct aoe_head *head)
{
	unsigned number = (unsigned)head->slot - port->slot;

	return head->shelf == port->shelf && number < port->n_disks ? &port->disks[number] : NULL;
}

static void take_for_all(struct aoe_slot *slot)
{
	struct aoe_port *port = slot->port;

	if (!aoe_rate_take(&port->rate, &slot->head.src, loop_now(port->loop))) {
		aoe_count(port, AOE_COUNT_broadcasts_dropped, 1);
		return;
	}
	for (unsigned i = 0; i < port->n_disks; i++)
		if (aoe_pdu_address(&slot->head, &port->disks[i].target) != AOE_ADDRESS_NOT)
			take_for(slot, &port->disks[i], AOE_ADDRESS_ALL);
}

/* A group of stations is not ours, and what a switch has flooded neither. */
static bool is_to_us(const struct aoe_port *port, const struct aoe_mac *dst)
{
	return !memcmp(dst->at, port->link.facts.mac, AOE_MAC_BYTES) ||
	       aoe_mac_same(dst, &AOE_MAC_BROADCAST);
}

static bool is_to_all(const struct aoe_head *head)
{
	return head->shelf == AOE_SHELF_ALL || head->slot == AOE_SLOT_ALL;
}

/* True: somebody has the slot. */
static bool take(struct aoe_slot *slot)
{
	struct aoe_port *port = slot->port;
	struct aoe_disk *disk;

	if (port->draining || slot->frame.cut ||
	    aoe_pdu_head_get(slot->bytes, slot->frame.bytes, &slot->head) ||
	    !is_to_us(port, &slot->head.dst)) {
		aoe_count(port, AOE_COUNT_ignored, 1);
		return false;
	}
	if (is_to_all(&slot->head)) {
		take_for_all(slot);
		return false;
	}
	disk = find_disk(port, &slot->head);
	if (!disk) {
		aoe_count(port, AOE_COUNT_ignored, 1);
		return false;
	}
	return take_for(slot, disk, AOE_ADDRESS_ONE);
}

/* ---- the link --------------------------------------------------------------- */

static void received(struct loop_link *link, struct drv_frame *const *frames, unsigned n)
{
	(void)link;
	for (unsigned i = 0; i < n; i++) {
		struct aoe_slot *slot = aoe_slot_of(frames[i]);

		aoe_slot_begin(slot);
		if (!take(slot))
			aoe_slot_end(slot);
	}
}

static void sent(struct loop_link *link, struct drv_frame *frame)
{
	struct aoe_port *port = link->owner;

	if (!aoe_note_sent(port, frame))
		aoe_slot_end(aoe_slot_of(frame));
	else if (port->announce_disk < port->n_disks)
		pour(port);
}

static void learn_mac(struct aoe_port *port)
{
	for (unsigned i = 0; i < port->n_disks; i++)
		memcpy(port->disks[i].target.mac.at, port->link.facts.mac, AOE_MAC_BYTES);
}

/* Up again, another MTU or address: clients hear of it. */
static void changed(struct loop_link *link, const struct drv_link_facts *was)
{
	struct aoe_port *port = link->owner;

	(void)was;
	learn_mac(port);
	announce_all(port);
}

/* ---- the end ---------------------------------------------------------------- */

static void at_loop0(struct loop_mail *mail)
{
	struct aoe_port *port = (struct aoe_port *)((char *)mail - offsetof(struct aoe_port, mail));

	port->closed = true;
	port->ended(port);
}

static void closed(struct loop_link *link)
{
	struct aoe_port *port = link->owner;

	aoe_client_forget_all(port);
	for (unsigned i = 0; i < port->n_disks; i++)
		aoe_disk_close(&port->disks[i]);
	aoe_slot_free_all(port);
	port->mail.run = at_loop0;
	loop_post(loop_set_get(loop_owner(port->loop), 0), &port->mail);
}

static void rest(struct loop_task *task)
{
	struct aoe_port *port = (struct aoe_port *)((char *)task - offsetof(struct aoe_port, rest));

	if (port->begun && port->draining && !port->n_busy && !port->n_notes_out &&
	    !port->n_changes)
		loop_link_close(&port->link);
}

/* Perhaps before begin(): letters of two senders may pass each other. */
void aoe_port_drain(struct aoe_port *port)
{
	port->draining = true;
	loop_defer(port->loop, &port->rest);
}

void aoe_port_force(struct aoe_port *port)
{
	if (!port->slots)
		return; /* it has ended */
	for (unsigned i = 0; i < port->n_disks; i++)
		aoe_disk_abandon(&port->disks[i]);
}

/* ---- the beginning ---------------------------------------------------------- */

static const struct loop_link_ops link_ops = {
	.received = received, .sent = sent, .changed = changed, .closed = closed
};

static void volume_ready(struct gw_itl *itl, void *owner, enum gw_status status)
{
	(void)itl;
	(void)owner;
	(void)status; /* commands will hear */
}

static void volume_event(struct gw_itl *itl, void *owner, const struct gw_event *event)
{
	struct aoe_disk *disk = owner;

	(void)itl;
	aoe_disk_adopt(disk);
	if (event->kind == GW_EVENT_RESIZED)
		announce_all(disk->port);
}

static const struct gw_itl_ops disk_ops = { .ready = volume_ready, .event = volume_event };

static void begin(struct loop_mail *mail)
{
	struct aoe_port *port = (struct aoe_port *)((char *)mail - offsetof(struct aoe_port, mail));
	bool room = true;

	for (unsigned i = 0; i < port->n_disks && room; i++)
		room = aoe_disk_open(&port->disks[i], &disk_ops);
	room = room && aoe_slot_make_all(port); /* without slots no frame is taken */
	if (!room)
		log_error(AOE, "%s: no memory to serve on it", port->link.link.name);
	learn_mac(port);
	loop_link_start(&port->link);
	port->begun = true;
	if (port->draining)
		loop_defer(port->loop, &port->rest);
	else if (room)
		announce_all(port);
}

int aoe_port_open(struct aoe_port *port, const char *ifname, bool one_of_many, struct gw_err *err)
{
	const struct drv_link_want want = { .name = ifname,
					    .ethertype = AOE_ETHERTYPE,
					    .rx_frames = RX_FRAMES,
					    .tx_frames = AOE_SLOTS_MAX + AOE_NOTES + port->n_disks,
					    .stamped = one_of_many };

	port->rest.run = rest;
	TAILQ_INIT(&port->clients);
	aoe_rate_begin(&port->rate, &AOE_RATE_USUAL);
	return loop_link_open(&port->link, port->loop, &want, &link_ops, port, err);
}

void aoe_port_drop(struct aoe_port *port)
{
	for (unsigned i = 0; i < port->n_disks; i++)
		aoe_disk_close(&port->disks[i]);
	loop_link_drop(&port->link);
}

void aoe_port_start(struct aoe_port *port)
{
	port->mail.run = begin;
	loop_post(port->loop, &port->mail);
}
