/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_state.h - interfaces, disks, clients and frames, as the files of this folder
 * share them; no functions but counting.
 *
 *   front ─▶ aoe_port (an interface)
 *     │        ├─▶ aoe_slot ─▶ drv_frame, gw_req    a command from frame to answer
 *     │        ├─▶ aoe_note ─▶ drv_frame            an answer without data
 *     │        ├─▶ aoe_disk                         a volume by its shelf and slot
 *     │        └─▶ aoe_client ─▶ aoe_seat           a MAC; its I_T_L nexus per disk
 *     └─▶ aoe_shelf (one per volume)                the book, the guard against late ones
 *
 * A slot is all that a command needs: it is lent to the link, comes back with a
 * frame whose data lies in the memory that the request will use, and leaves with
 * the answer.  So nothing is allocated per command, and the number of slots is how
 * many the port takes at a time.
 *
 * All interfaces share one loop: a client may reach a volume by several of them, and
 * which of two writes was seen first must have one answer.  Who changes what:
 * aoe_slot.c slots and notes, aoe_client.c clients, aoe_disk.c commands, aoe_shelf.c
 * books, aoe_port.c the rest.  All on that loop, but for what says loop 0.
 */
#ifndef PROTOCOLS_AOE_AOE_STATE_H
#define PROTOCOLS_AOE_AOE_STATE_H

#include <sys/queue.h>

#include "gateway/api/access.h"
#include "gateway/api/buf.h"
#include "gateway/api/kept.h"
#include "gateway/api/nexus.h"
#include "gateway/api/req.h"
#include "gateway/base/counter.h"
#include "gateway/loop/loop_link.h"
#include "protocols/aoe/aoe_book.h"
#include "protocols/aoe/aoe_order.h"
#include "protocols/aoe/aoe_pdu.h"
#include "protocols/aoe/aoe_rate.h"
#include "protocols/aoe/aoe_talk.h"
#include "translators/ata/ata_dispatch.h"
#include "translators/ata/ata_trim.h"

#define AOE_SLOTS_MAX 256u /* the largest window of a port */
#define AOE_SLOTS_MIN 16u
#define AOE_NEWCOMER_PART 4u /* it takes 1/4 of the newcomers' reserve at most */
#define AOE_SLOT_BYTES 16384u /* data of a frame: what any jumbo frame brings */
#define AOE_NOTES 64u /* beside one for each disk: a request to all wants as many */
#define AOE_NOTE_BYTES 2304u /* a mask list of 255 directives, and more */
#define AOE_CLIENTS_MAX 256u /* of a port; the one that was silent longest makes room */
#define AOE_BUCKETS 256u
#define AOE_DISKS_MAX 255u /* slots of a shelf */
#define AOE_FIRMWARE 1u /* Query Config, firmware version: of no meaning to anybody */

struct aoe_port;
struct aoe_disk;
struct aoe_client;
struct aoe_seat;
struct gw_front;

enum aoe_counter {
#define COUNTER(name, help) AOE_COUNT_##name,
#include "protocols/aoe/aoe_counters.tbl"
#undef COUNTER
	AOE_COUNTERS
};

/* ---- a command ------------------------------------------------------------- */

struct aoe_slot {
	struct drv_frame frame; /* first */
	struct aoe_port *port;
	struct aoe_disk *disk;
	struct aoe_seat *seat; /* null: it asks nothing of the gateway */
	struct gw_req *req; /* at the core */
	LIST_ENTRY(aoe_slot) link; /* of the seat's running ones */
	STAILQ_ENTRY(aoe_slot) next; /* of the seat's or the shelf's waiting ones */
	struct aoe_head head; /* as it came */
	uint8_t flags; /* enum aoe_ata_flag, as they came */
	bool ticketed; /* a write that runs: order and shelf wait for its end */
	uint8_t era; /* of the shelf, in which it came */
	struct aoe_order_ticket ticket;
	struct ata_cmd cmd;
	struct ata_plan plan;
	struct ata_trim trim;
	uint64_t done_bytes; /* of the plan's length, where it takes several requests */
	struct instant came;
	struct iovec iov[2]; /* header, data */
	uint8_t bytes[AOE_FRAME_MIN]; /* the header; of a short reply all of it */
	struct gw_mem mem; /* the data: one slice; the request has it while it runs */
	uint8_t *data; /* where that slice begins */
};
LIST_HEAD(aoe_slot_list, aoe_slot);
STAILQ_HEAD(aoe_slot_queue, aoe_slot);

/* An answer that brings no data of the disk, or word to everybody. */
struct aoe_note {
	struct drv_frame frame; /* first */
	STAILQ_ENTRY(aoe_note) next;
	struct iovec iov;
	uint8_t bytes[AOE_NOTE_BYTES];
};
STAILQ_HEAD(aoe_note_queue, aoe_note);

/* ---- a client --------------------------------------------------------------- */

struct aoe_seat {
	struct aoe_client *client;
	struct aoe_disk *disk;
	struct gw_itl *itl; /* null: it has asked nothing of this disk yet */
	bool ready;
	enum gw_status refused; /* instead, or GW_OK */
	struct aoe_slot_queue waiting; /* until either */
	struct aoe_slot_list running;
	uint64_t requests, read_bytes, written_bytes, errors;
};

struct aoe_client {
	LIST_ENTRY(aoe_client) bucket;
	TAILQ_ENTRY(aoe_client) age; /* of the port: the one heard last is the last */
	struct aoe_port *port;
	struct aoe_mac mac;
	char text[18]; /* the same, for people */
	struct gw_nexus *nexus;
	unsigned n_slots; /* that hold it */
	struct instant since;
	struct aoe_seat seats[]; /* by number of the disk */
};

/* ---- what is served --------------------------------------------------------- */

#define AOE_ASKED_MAX 16u /* that wait while a book changes */

/* A request about the book that came while it was changing. */
struct aoe_asked {
	struct aoe_port *port; /* null: free */
	struct aoe_talk talk;
	uint8_t frame[AOE_NOTE_BYTES];
};

/* A change of a book, from the request to the answer. */
struct aoe_change {
	struct aoe_port *port; /* by which it came; null: none is under way */
	struct aoe_book next;
	struct aoe_reply refusal; /* if it cannot be kept */
	size_t answer_bytes;
	uint8_t answer[AOE_NOTE_BYTES];
	uint8_t record[AOE_BOOK_RECORD_MAX];
	struct gw_kept_op op;
	struct loop_mail mail; /* to loop 0 and back */
};

/* A volume, by whatever interfaces it is reached. */
struct aoe_shelf {
	struct gw_volume *volume;
	struct loop *loop; /* of all ports */
	struct aoe_book book;
	struct aoe_change change;
	struct aoe_asked *asked; /* a ring of AOE_ASKED_MAX */
	unsigned first_asked, n_asked;
	/* Writes under way, by whether they came before the book changed last: the answer
	 * to a change waits for the older ones. */
	unsigned era, n_writes[2];
	bool settling;
	struct loop_task settle;
	struct aoe_order order;
	/* What waits for a request of the pool, of all ports: in the order in which the
	 * guard has seen it. */
	struct aoe_slot_queue waiting;
	struct gw_req_waiter waiter;
	struct loop_task resume;
};

struct aoe_disk {
	struct aoe_port *port;
	struct aoe_shelf *shelf;
	struct aoe_target target;
	unsigned number; /* of the port's */
	char name[16]; /* "e0.1" */
	struct gw_grant grant; /* until its nexus holds the volume */
	struct gw_nexus *nexus; /* its own, for facts and events */
	struct gw_itl *itl;
	struct ata_terms terms;
};

struct aoe_port {
	struct gw_front *front;
	struct gw *gw;
	struct loop *loop;
	struct loop_link link;
	uint16_t shelf; /* of its first disk ... */
	uint8_t slot;
	bool write_back;
	bool begun, draining;
	bool closed; /* loop 0: nothing is left of it */
	unsigned n_disks;
	struct aoe_disk *disks;
	struct gw_credit credit;
	bool credited;
	unsigned n_slots, n_busy; /* n_busy: with a frame in them */
	struct aoe_slot *slots;
	unsigned n_notes;
	struct aoe_note *notes;
	struct aoe_note_queue free_notes;
	unsigned n_notes_out, n_changes;
	unsigned announce_disk, announce_mac; /* the next to be announced */
	struct aoe_rate rate;
	unsigned n_clients;
	LIST_HEAD(, aoe_client) buckets[AOE_BUCKETS];
	TAILQ_HEAD(aoe_client_ages, aoe_client) clients;
	struct counter counters[AOE_COUNTERS];
	uint8_t scratch[AOE_NOTE_BYTES]; /* a request without data, in one piece */
	struct loop_task rest; /* looks whether a port that drains has ended */
	struct loop_mail mail; /* from and to loop 0 */
	void (*ended)(struct aoe_port *port); /* loop 0 */
};

static inline void aoe_count(struct aoe_port *port, enum aoe_counter which, uint64_t n)
{
	counter_add(&port->counters[which], n);
}

static inline struct aoe_slot *aoe_slot_of(struct drv_frame *frame)
{
	return (struct aoe_slot *)frame;
}

/* What one frame may carry, sectors; 0: the interface is not there. */
static inline uint32_t aoe_sectors_of(const struct aoe_port *port)
{
	uint32_t frame = port->link.facts.mtu_bytes + DRV_LINK_HEADER;
	uint32_t data = frame > AOE_AT_ATA_DATA ? frame - AOE_AT_ATA_DATA : 0;

	if (data > AOE_SLOT_BYTES)
		data = AOE_SLOT_BYTES;
	return data / AOE_SECTOR_BYTES > 255 ? 255 : data / AOE_SECTOR_BYTES;
}

#endif
