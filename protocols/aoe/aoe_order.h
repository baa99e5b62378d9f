/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_order.h - the guard of one target against writes that come too late; pure.
 *
 * The front shows each write to it before it runs, and tells how it ended.  It
 * remembers the last writes of each source, and says of one that comes whether it
 * may run.  It compares numbers; what data a write had it knows by their checksum.
 * What it can and cannot do stands below.  That overlapping writes which may run do
 * so in the order in which they came is the core's business (gateway/core/order.c),
 * not this file's.
 * Below: aoe_pdu.h.  Above: aoe_disk.c.  One loop touches it, the target's.
 */
#ifndef PROTOCOLS_AOE_AOE_ORDER_H
#define PROTOCOLS_AOE_AOE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/clock.h"
#include "protocols/aoe/aoe.h"
#include "protocols/aoe/aoe_pdu.h"

/*
 * Why.  AoE has no connection: "each message should be considered unique and
 * unreliable" (AoEr11 1.1).  A write that was sent again, answered and followed by
 * another one to the same place can still arrive late, and undo the other.
 *
 * What is kept away:
 *
 *	twice the same	A frame of the same source, tag, command, range and data as a
 *			write that is under way is dropped: the answer is on its way.
 *			If that write is done, it does not run; its old answer is sent
 *			again.  Whether something newer lies over it is not asked:
 *			that may have come by another protocol, of which nothing is
 *			seen here, or come while the copy ran.  What failed runs again
 *			if nothing newer that overlaps it was seen, from whomever.
 *			A client that has one tag for everything loses nothing: other
 *			data, another write.
 *	overtaken	A write that arrived before one that overlaps it and was seen
 *			already (it waited in the queue of one interface while the
 *			client had given it up and gone on by another) is dropped.
 *			That is always safe: who still waits for it sends it again.
 *	half done	What a write of several parts (TRIM) has still to do where a
 *			newer one was seen is not done (aoe_order_is_over()), for the
 *			newer one has not waited for it.
 *
 * What cannot be:
 *
 *	new tags	Linux sends again under a new tag (a counter above, its clock
 *			below).  If the first frame was held up outside this machine,
 *			and arrives after the second one and a newer write, it looks
 *			like a new write.  To read an order out of Linux's tags would
 *			be a guess, for a tag is the client's own business; a guess
 *			that fails drops a good write.  A network that holds frames up
 *			for longer than a client waits is no network for AoE.
 *	old ones	What is older than AOE_ORDER_WRITES writes of its source is
 *			forgotten, and what was answered longer than `memory` ago if
 *			no copy came since; so are the sources that were silent
 *			longest, beyond AOE_ORDER_SOURCES.
 *	reused tags	A client that gives the tag of a write to another one within
 *			`memory` (Linux needs a minute for a round at least) shows that
 *			its tags say nothing, and is from then on trusted to send
 *			nothing twice.  Until it has shown that, a write A under tag 1,
 *			B under tag 2 over it, and A again under tag 1 looks like a late
 *			A.  No client that is known gives out tags like that.
 *	restarts	What a daemon before this one has seen; it takes longer to
 *			start one than a frame is on its way.
 *	other ways	Writes by other interfaces that are served by another guard, or
 *			by other protocols.
 */
#define AOE_ORDER_SOURCES 16u
#define AOE_ORDER_WRITES 256u

/* For how long a frame may be on its way: IEEE 802.1D lets a bridge hold one for
 * four seconds at most. */
#define AOE_ORDER_MEMORY ((struct span){ 10000000000 })

struct aoe_order_write {
	struct aoe_mac from;
	uint32_t tag;
	uint8_t command; /* of ATA */
	uint64_t lba;
	uint32_t sectors; /* what the command means, not what its register says */
	uint32_t sum; /* CRC32C of the data that came with it */
	/* At this machine, not when it was taken from the queue; by a clock that never
	 * goes back (a stamp of the kernel's wall clock must be turned into one of the
	 * loop's), and never later than now. */
	struct instant arrived;
};

/* How a write was answered. */
struct aoe_order_answer {
	uint8_t error; /* enum aoe_error */
	struct aoe_ata_reply ata;
};

enum aoe_order_verdict {
	AOE_ORDER_RUN, /* and tell how it ended, or that it never ran */
	AOE_ORDER_UNDER_WAY, /* drop it: the one that is under way will be answered */
	AOE_ORDER_OVERTAKEN, /* drop it */
	AOE_ORDER_REPEAT /* do not run it; send *answer */
};

/* Says which write ended; one that is forgotten meanwhile does no harm. */
struct aoe_order_ticket {
	uint16_t source, place;
	uint64_t serial;
};

enum aoe_order_state { AOE_ORDER_FREE, AOE_ORDER_RUNS, AOE_ORDER_ENDED };

struct aoe_order_entry {
	uint64_t serial; /* by which writes are newer or older: the order of being seen */
	uint64_t lba;
	struct instant arrived;
	/* When its latest copy arrived, or it was answered: until then its client may have
	 * sent more. */
	struct instant heard;
	uint32_t sectors, sum;
	uint8_t command, state;
	uint8_t error; /* if ENDED: its answer, in pieces, for there are many of these */
	struct aoe_ata_reply ata;
};

/* A ring: `next` is the oldest, and the one to be overwritten. */
struct aoe_order_source {
	bool used;
	struct aoe_mac mac;
	uint16_t next;
	uint64_t newest; /* serial of its last write */
	struct instant reuses_until; /* its tags say nothing before this */
	uint32_t tags[AOE_ORDER_WRITES]; /* apart from the rest, for they are searched */
	struct aoe_order_entry entries[AOE_ORDER_WRITES];
};

/* About a quarter of a MiB; allocated with the target. */
struct aoe_order {
	struct span memory;
	uint64_t serial;
	struct instant latest; /* arrival of any write that was seen */
	struct aoe_order_source sources[AOE_ORDER_SOURCES];
};

void aoe_order_begin(struct aoe_order *order, struct span memory);

/* A write that passed mask, reserve list and every other check is about to run.
 * *ticket is filled at RUN, *answer at REPEAT. */
enum aoe_order_verdict aoe_order_seen(struct aoe_order *order, const struct aoe_order_write *write,
				      struct aoe_order_ticket *ticket,
				      struct aoe_order_answer *answer);

/* Was a write seen since that overlaps these sectors?  Then what is left to do of the
 * older one there would undo it. */
bool aoe_order_is_over(const struct aoe_order *order, const struct aoe_order_ticket *ticket,
		       uint64_t lba, uint64_t sectors);

/* It ended now, and this is its answer. */
void aoe_order_ended(struct aoe_order *order, const struct aoe_order_ticket *ticket,
		     struct instant now, const struct aoe_order_answer *answer);

/* It never ran and gets no answer (no memory, say): it may come again. */
void aoe_order_forget(struct aoe_order *order, const struct aoe_order_ticket *ticket);

#endif
