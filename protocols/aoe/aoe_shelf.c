/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_shelf.c - books and their keeping.
 */
#include "config.h"

#include "protocols/aoe/aoe_shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/volume.h"
#include "gateway/base/log.h"
#include "gateway/loop/loop_set.h"
#include "protocols/aoe/aoe_slot.h"

#define KEY "aoe"

static void settle(struct loop_task *task);

int aoe_shelf_load(struct aoe_shelf *shelf, struct gw_volume *volume, struct loop *loop,
		   struct gw_err *err)
{
	size_t bytes = 0;
	const void *record;
	int rc;

	shelf->volume = volume;
	shelf->loop = loop;
	shelf->settle.run = settle;
	shelf->asked = calloc(AOE_ASKED_MAX, sizeof(*shelf->asked));
	if (!shelf->asked)
		return gw_err_set(err, ENOMEM, "no memory for the AoE target");
	aoe_order_begin(&shelf->order, AOE_ORDER_MEMORY);
	rc = gw_kept_open(volume, err);
	record = rc ? NULL : gw_kept_get(volume, KEY, &bytes);
	if (record)
		rc = aoe_book_load(record, bytes, &shelf->book, err);
	return rc ? gw_err_prefix(err, "the AoE lists of volume %s", gw_volume_name(volume)) : 0;
}

void aoe_shelf_free(struct aoe_shelf *shelf)
{
	free(shelf->asked);
	shelf->asked = NULL;
}

/* ---- answers ---------------------------------------------------------------- */

static void reply_with(struct aoe_port *port, const uint8_t *answer, size_t bytes)
{
	struct aoe_note *note = bytes ? aoe_note_take(port) : NULL;

	if (!note) {
		aoe_count(port, AOE_COUNT_dropped, bytes > 0);
		return;
	}
	memcpy(note->bytes, answer, bytes);
	aoe_note_send(port, note, bytes);
}

/* ---- those that came meanwhile ---------------------------------------------- */

static void remember(struct aoe_shelf *shelf, struct aoe_port *port, const struct aoe_talk *talk)
{
	struct aoe_asked *asked =
		&shelf->asked[(shelf->first_asked + shelf->n_asked) % AOE_ASKED_MAX];

	if (shelf->n_asked == AOE_ASKED_MAX || talk->frame_bytes > sizeof(asked->frame)) {
		aoe_count(port, AOE_COUNT_dropped, 1);
		return;
	}
	shelf->n_asked++;
	asked->port = port;
	port->n_changes++;
	asked->talk = *talk;
	memcpy(asked->frame, talk->frame, talk->frame_bytes);
	asked->talk.frame = asked->frame;
}

static void ask_now(struct aoe_shelf *shelf, struct aoe_port *port, const struct aoe_talk *talk);

static void forget_port(struct aoe_port *port)
{
	port->n_changes--;
	if (port->draining)
		loop_defer(port->loop, &port->rest);
}

/* It was when it asked; the change that it waited for may have shut it out. */
static bool is_heard(struct aoe_shelf *shelf, const struct aoe_asked *asked)
{
	bool heard = aoe_book_hears(&shelf->book, &asked->talk.head.src);

	aoe_count(asked->port, AOE_COUNT_masked, !heard);
	return heard;
}

static void go_on(struct aoe_shelf *shelf)
{
	while (shelf->n_asked && !shelf->change.port) {
		struct aoe_asked *asked = &shelf->asked[shelf->first_asked];
		struct aoe_port *port = asked->port;

		shelf->first_asked = (shelf->first_asked + 1) % AOE_ASKED_MAX;
		shelf->n_asked--;
		if (!port->draining && is_heard(shelf, asked))
			ask_now(shelf, port, &asked->talk);
		forget_port(port);
	}
}

/* ---- changes ---------------------------------------------------------------- */

static struct aoe_shelf *of_mail(struct loop_mail *mail)
{
	return (struct aoe_shelf *)((char *)mail - offsetof(struct aoe_shelf, change.mail));
}

static void end(struct aoe_shelf *shelf, const uint8_t *answer, size_t bytes)
{
	struct aoe_port *port = shelf->change.port;

	if (!port->draining)
		reply_with(port, answer, bytes);
	shelf->change.port = NULL;
	forget_port(port);
	go_on(shelf);
}

/* What could not be kept has not happened. */
static void refuse(struct aoe_shelf *shelf)
{
	uint8_t answer[AOE_FRAME_MIN];

	log_error(AOE, "volume %s: %s", gw_volume_name(shelf->volume), shelf->change.op.err.text);
	aoe_count(shelf->change.port, AOE_COUNT_refused, 1);
	end(shelf, answer, aoe_pdu_bare_put(answer, sizeof(answer), &shelf->change.refusal));
}

/* Who is shut out from now on may have writes under way: "done" is said when none of
 * them can land any more. */
static void settle(struct loop_task *task)
{
	struct aoe_shelf *shelf =
		(struct aoe_shelf *)((char *)task - offsetof(struct aoe_shelf, settle));

	if (!shelf->settling || shelf->n_writes[!shelf->era])
		return;
	shelf->settling = false;
	end(shelf, shelf->change.answer, shelf->change.answer_bytes);
}

static void kept_at_home(struct loop_mail *mail)
{
	struct aoe_shelf *shelf = of_mail(mail);

	if (shelf->change.op.rc) {
		refuse(shelf);
		return;
	}
	shelf->book = shelf->change.next;
	shelf->era = !shelf->era;
	shelf->settling = true;
	aoe_count(shelf->change.port, AOE_COUNT_changes, 1);
	settle(&shelf->settle);
}

static void kept(struct gw_kept_op *op)
{
	struct aoe_shelf *shelf = op->owner;

	shelf->change.mail.run = kept_at_home;
	loop_post(shelf->loop, &shelf->change.mail);
}

static void keep(struct loop_mail *mail)
{
	struct aoe_shelf *shelf = of_mail(mail);

	gw_kept_set(shelf->volume, &shelf->change.op);
}

static void begin(struct aoe_shelf *shelf, struct aoe_port *port, const struct aoe_talk *talk)
{
	struct aoe_change *change = &shelf->change;

	change->port = port;
	port->n_changes++;
	change->refusal = aoe_pdu_reply(&talk->head, &talk->target, AOE_ERROR_UNAVAILABLE);
	change->op = (struct gw_kept_op){ .key = KEY,
					  .value = change->record,
					  .bytes = aoe_book_save(&change->next, change->record),
					  .done = kept,
					  .owner = shelf };
	change->mail.run = keep;
	loop_post(loop_set_get(loop_owner(shelf->loop), 0), &change->mail);
}

static void ask_now(struct aoe_shelf *shelf, struct aoe_port *port, const struct aoe_talk *talk)
{
	struct aoe_change *change = &shelf->change;

	if (aoe_talk_answer(talk, &shelf->book, &change->next, change->answer,
			    sizeof(change->answer), &change->answer_bytes) == AOE_OUTCOME_CHANGED)
		begin(shelf, port, talk);
	else
		reply_with(port, change->answer, change->answer_bytes);
}

void aoe_shelf_ask(struct aoe_shelf *shelf, struct aoe_port *port, const struct aoe_talk *talk)
{
	aoe_count(port, AOE_COUNT_queries, 1);
	if (shelf->change.port)
		remember(shelf, port, talk);
	else
		ask_now(shelf, port, talk);
}
