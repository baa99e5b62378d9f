/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_order.c - the guard against writes that come too late.
 *
 * A write costs a search through the tags of its source; only a frame that was
 * seen before, or was overtaken, costs a search through all writes.
 */
#include "config.h"

#include "protocols/aoe/aoe_order.h"

void aoe_order_begin(struct aoe_order *order, struct span memory)
{
	memset(order, 0, sizeof(*order));
	order->memory = memory;
	order->latest = (struct instant){ INT64_MIN };
}

/* ---- sources ---------------------------------------------------------------- */

static struct aoe_order_source *find_source(struct aoe_order *order, const struct aoe_mac *mac)
{
	for (unsigned i = 0; i < AOE_ORDER_SOURCES; i++)
		if (order->sources[i].used && aoe_mac_same(&order->sources[i].mac, mac))
			return &order->sources[i];
	return NULL;
}

/* A free place, or that of the source that was silent longest. */
static struct aoe_order_source *new_source(struct aoe_order *order, const struct aoe_mac *mac)
{
	struct aoe_order_source *oldest = &order->sources[0];

	for (unsigned i = 1; i < AOE_ORDER_SOURCES; i++)
		if (order->sources[i].newest < oldest->newest)
			oldest = &order->sources[i];
	memset(oldest, 0, sizeof(*oldest));
	oldest->used = true;
	oldest->mac = *mac;
	oldest->reuses_until = (struct instant){ INT64_MIN };
	return oldest;
}

/* ---- writes ----------------------------------------------------------------- */

static bool same_write(const struct aoe_order_entry *entry, const struct aoe_order_write *write)
{
	return entry->command == write->command && entry->lba == write->lba &&
	       entry->sectors == write->sectors;
}

/* An LBA has 48 bits, so ends do not overflow. */
static bool overlaps(const struct aoe_order_entry *entry, uint64_t lba, uint32_t sectors)
{
	return entry->state != AOE_ORDER_FREE && entry->lba < lba + sectors &&
	       lba < entry->lba + entry->sectors;
}

static bool is_old(const struct aoe_order *order, const struct aoe_order_entry *entry,
		   const struct aoe_order_write *write)
{
	return span_less(order->memory, instant_since(write->arrived, entry->arrived));
}

/* The newest write of the source that the frame is a copy of, or null.  *reused: its
 * tag belonged to another write not long ago. */
static struct aoe_order_entry *find_copy(struct aoe_order *order, struct aoe_order_source *source,
					 const struct aoe_order_write *write, bool *reused)
{
	struct aoe_order_entry *found = NULL;

	for (unsigned i = 0; i < AOE_ORDER_WRITES; i++) {
		struct aoe_order_entry *entry = &source->entries[i];

		if (source->tags[i] != write->tag || entry->state == AOE_ORDER_FREE)
			continue;
		if (!same_write(entry, write))
			*reused = *reused || !is_old(order, entry, write);
		else if (!found || found->serial < entry->serial)
			found = entry;
	}
	return found;
}

/* Has a write that overlaps this one been seen since (and has it begun), from whomever? */
static bool lies_under(const struct aoe_order *order, const struct aoe_order_entry *under,
		       bool begun)
{
	for (unsigned i = 0; i < AOE_ORDER_SOURCES; i++) {
		const struct aoe_order_source *source = &order->sources[i];

		if (source->newest <= under->serial)
			continue;
		for (unsigned j = 0; j < AOE_ORDER_WRITES; j++)
			if (source->entries[j].serial > under->serial &&
			    source->entries[j].begun >= begun &&
			    overlaps(&source->entries[j], under->lba, under->sectors))
				return true;
	}
	return false;
}

/* Has a write that overlaps this one, and arrived later, been seen already? */
static bool overtaken(const struct aoe_order *order, const struct aoe_order_write *write)
{
	if (!instant_before(write->arrived, order->latest))
		return false;
	for (unsigned i = 0; i < AOE_ORDER_SOURCES; i++)
		for (unsigned j = 0; j < AOE_ORDER_WRITES; j++) {
			const struct aoe_order_entry *entry = &order->sources[i].entries[j];

			if (overlaps(entry, write->lba, write->sectors) &&
			    instant_before(write->arrived, entry->arrived))
				return true;
		}
	return false;
}

static void enter(struct aoe_order *order, struct aoe_order_source *source,
		  const struct aoe_order_write *write, struct aoe_order_ticket *ticket)
{
	uint16_t place = source->next;

	source->next = (uint16_t)((place + 1u) % AOE_ORDER_WRITES);
	source->newest = ++order->serial;
	source->tags[place] = write->tag;
	source->entries[place] = (struct aoe_order_entry){ .serial = order->serial,
							   .lba = write->lba,
							   .arrived = write->arrived,
							   .sectors = write->sectors,
							   .command = write->command,
							   .state = AOE_ORDER_RUNS };
	if (instant_before(order->latest, write->arrived))
		order->latest = write->arrived;
	*ticket = (struct aoe_order_ticket){ (uint16_t)(source - order->sources), place,
					     order->serial };
}

enum aoe_order_verdict aoe_order_seen(struct aoe_order *order, const struct aoe_order_write *write,
				      struct aoe_order_ticket *ticket,
				      struct aoe_order_answer *answer)
{
	struct aoe_order_source *source = find_source(order, &write->from);
	struct aoe_order_entry *copy = NULL;
	bool reused = false;

	if (source)
		copy = find_copy(order, source, write, &reused);
	if (reused)
		source->reuses_until = instant_add(write->arrived, order->memory);
	if (copy && copy->state == AOE_ORDER_RUNS)
		return AOE_ORDER_UNDER_WAY;
	if (copy && !is_old(order, copy, write) &&
	    !instant_before(write->arrived, source->reuses_until) &&
	    lies_under(order, copy, false)) {
		*answer = copy->answer;
		return AOE_ORDER_REPEAT;
	}
	if (overtaken(order, write))
		return AOE_ORDER_OVERTAKEN;
	enter(order, source ? source : new_source(order, &write->from), write, ticket);
	return AOE_ORDER_RUN;
}

/* ---- how they go on ---------------------------------------------------------- */

static struct aoe_order_entry *entry_of(struct aoe_order *order,
					const struct aoe_order_ticket *ticket)
{
	struct aoe_order_entry *entry = &order->sources[ticket->source].entries[ticket->place];

	return entry->serial == ticket->serial && entry->state == AOE_ORDER_RUNS ? entry : NULL;
}

void aoe_order_begun(struct aoe_order *order, const struct aoe_order_ticket *ticket)
{
	struct aoe_order_entry *entry = entry_of(order, ticket);

	if (entry)
		entry->begun = true;
}

bool aoe_order_still(const struct aoe_order *order, const struct aoe_order_ticket *ticket)
{
	const struct aoe_order_entry *entry =
		&order->sources[ticket->source].entries[ticket->place];

	return entry->serial == ticket->serial && !lies_under(order, entry, true);
}

void aoe_order_ended(struct aoe_order *order, const struct aoe_order_ticket *ticket,
		     const struct aoe_order_answer *answer)
{
	struct aoe_order_entry *entry = entry_of(order, ticket);

	if (!entry)
		return;
	entry->answer = *answer;
	entry->state = AOE_ORDER_ENDED;
}

void aoe_order_forget(struct aoe_order *order, const struct aoe_order_ticket *ticket)
{
	struct aoe_order_entry *entry = entry_of(order, ticket);

	if (entry)
		entry->state = AOE_ORDER_FREE;
}
