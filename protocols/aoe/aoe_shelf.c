/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_shelf.c - books and their keeping.
 */
#include "config.h"

#include "protocols/aoe/aoe_shelf.h"

#include <string.h>

#include "gateway/api/volume.h"
#include "gateway/base/log.h"
#include "gateway/loop/loop_set.h"
#include "protocols/aoe/aoe_slot.h"

#define KEY "aoe"

int aoe_shelf_load(struct aoe_shelf *shelf, struct gw_volume *volume, struct loop *loop,
		   struct gw_err *err)
{
	size_t bytes = 0;
	const void *record;
	int rc = gw_kept_open(volume, err);

	shelf->volume = volume;
	shelf->loop = loop;
	aoe_order_begin(&shelf->order, AOE_ORDER_MEMORY);
	record = rc ? NULL : gw_kept_get(volume, KEY, &bytes);
	if (record)
		rc = aoe_book_load(record, bytes, &shelf->book, err);
	return rc ? gw_err_prefix(err, "the AoE lists of volume %s", gw_volume_name(volume)) : 0;
}

/* ---- answers ---------------------------------------------------------------- */

static void send(struct aoe_port *port, const uint8_t *answer, size_t bytes)
{
	struct aoe_note *note = bytes ? aoe_note_take(port) : NULL;

	if (!note) {
		aoe_count(port, AOE_COUNT_dropped, bytes > 0);
		return;
	}
	memcpy(note->bytes, answer, bytes);
	aoe_note_send(port, note, bytes);
}

/* ---- changes ---------------------------------------------------------------- */

static struct aoe_shelf *of_mail(struct loop_mail *mail)
{
	return (struct aoe_shelf *)((char *)mail - offsetof(struct aoe_shelf, change.mail));
}

/* What could not be kept has not happened. */
static void refuse(struct aoe_shelf *shelf, struct aoe_port *port)
{
	uint8_t answer[AOE_FRAME_MIN];

	log_error(AOE, "volume %s: %s", gw_volume_name(shelf->volume), shelf->change.op.err.text);
	aoe_count(port, AOE_COUNT_refused, 1);
	send(port, answer, aoe_pdu_bare_put(answer, sizeof(answer), &shelf->change.refusal));
}

static void adopt(struct aoe_shelf *shelf, struct aoe_port *port)
{
	shelf->book = shelf->change.next;
	aoe_count(port, AOE_COUNT_changes, 1);
	send(port, shelf->change.answer, shelf->change.answer_bytes);
}

static void changed(struct loop_mail *mail)
{
	struct aoe_shelf *shelf = of_mail(mail);
	struct aoe_port *port = shelf->change.port;

	shelf->change.port = NULL;
	port->n_changes--;
	if (shelf->change.op.rc)
		refuse(shelf, port);
	else
		adopt(shelf, port);
	if (port->draining)
		loop_defer(port->loop, &port->rest);
}

static void kept(struct gw_kept_op *op)
{
	struct aoe_shelf *shelf = op->owner;

	shelf->change.mail.run = changed;
	loop_post(shelf->loop, &shelf->change.mail);
}

static void keep(struct loop_mail *mail)
{
	struct aoe_shelf *shelf = of_mail(mail);

	gw_kept_set(shelf->volume, &shelf->change.op);
}

static void begin(struct aoe_shelf *shelf, struct aoe_port *port)
{
	struct aoe_change *change = &shelf->change;

	change->port = port;
	port->n_changes++;
	change->op = (struct gw_kept_op){ .key = KEY,
					  .value = change->record,
					  .bytes = aoe_book_save(&change->next, change->record),
					  .done = kept,
					  .owner = shelf };
	change->mail.run = keep;
	loop_post(loop_set_get(loop_owner(shelf->loop), 0), &change->mail);
}

void aoe_shelf_ask(struct aoe_shelf *shelf, struct aoe_port *port, const struct aoe_talk *talk)
{
	struct aoe_change *change = &shelf->change;
	bool free = !change->port;
	struct aoe_book spare; /* while another change has its own under way */
	uint8_t answer[AOE_NOTE_BYTES];
	size_t bytes;
	enum aoe_outcome outcome =
		aoe_talk_answer(talk, &shelf->book, free ? &change->next : &spare, answer,
				sizeof(answer), &bytes);

	aoe_count(port, AOE_COUNT_queries, 1);
	if (outcome != AOE_OUTCOME_CHANGED) {
		send(port, answer, bytes);
	} else if (free) {
		memcpy(change->answer, answer, bytes);
		change->answer_bytes = bytes;
		change->refusal =
			aoe_pdu_reply(&talk->head, &talk->target, AOE_ERROR_UNAVAILABLE);
		begin(shelf, port);
	} else {
		aoe_count(port, AOE_COUNT_dropped, 1);
	}
}
