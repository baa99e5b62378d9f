/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_talk.c - text in full feature phase.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_talk.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/num.h"
#include "protocols/iscsi/iscsi_names.h"
#include "protocols/iscsi/iscsi_out.h"
#include "protocols/iscsi/iscsi_task.h"

/* SendTargets of some hundred targets, in a discovery session.  So long an answer has
 * room while it is made and fetched, and only so many at once. */
#define ANSWER_BYTES 262144u
#define ANSWERS_MAX 32u
#define TTT 1u /* there is one negotiation at a time (6.4) */

struct iscsi_talk {
	bool open; /* more is to come, from either side */
	bool answering; /* the answer is complete and goes out piece by piece */
	struct iscsi_keys keys;
	struct iscsi_text_join in;
	struct iscsi_text_out out;
	uint32_t out_from;
	uint8_t text_in[ISCSI_TEXT_MAX_BYTES];
	uint32_t room;
	uint8_t text_out[]; /* room */
};

static struct iscsi_talk *talk_of(struct iscsi_conn *conn)
{
	bool discovery = conn->sess->discovery;
	uint32_t room = discovery ? ANSWER_BYTES : ISCSI_TEXT_MAX_BYTES;

	if (conn->talk || (discovery && conn->home->n_talks >= ANSWERS_MAX))
		return conn->talk;
	conn->talk = calloc(1, sizeof(*conn->talk) + room);
	if (!conn->talk)
		return NULL;
	conn->home->n_talks += discovery;
	conn->talk->room = room;
	iscsi_keys_begin(&conn->talk->keys, true, NULL);
	conn->talk->keys.now = conn->params;
	return conn->talk;
}

void iscsi_talk_free(struct iscsi_conn *conn)
{
	if (!conn->talk)
		return;
	conn->home->n_talks -= conn->sess->discovery;
	free(conn->talk);
	conn->talk = NULL;
}

/* ---- the answer ------------------------------------------------------------ */

/* All of it, or the beginning where memory is short. */
static uint32_t put_text(struct iscsi_conn *conn, struct iscsi_out *out, const uint8_t *text,
			 uint32_t bytes)
{
	if (bytes > ISCSI_SMALL_BYTES && gw_mem_take(&conn->sess->out, bytes, 0, &out->data)) {
		gw_mem_copy_in(&out->data, 0, text, bytes);
		out->data_bytes = bytes;
	} else if (bytes) {
		iscsi_out_small(out, text, (uint32_t)num_min(bytes, ISCSI_SMALL_BYTES));
	}
	return out->data_bytes;
}

static void queue_response(struct iscsi_task *task, struct iscsi_out *out, bool more, bool final)
{
	struct iscsi_text_response response = {
		.final = final,
		.more = more,
		.lun = task->pdu.lun,
		.itt = task->pdu.itt,
		.ttt = final ? ISCSI_NO_TAG : TTT,
		.data_bytes = out->data_bytes,
	};

	iscsi_pdu_text_response_put(out->head, &response);
	iscsi_out_queue(task->conn, out);
}

/* Nothing to say yet: the request goes on (11.10.2). */
static void listen_on(struct iscsi_task *task)
{
	struct iscsi_out *out = iscsi_out_take(task->conn);

	if (out)
		queue_response(task, out, false, false);
}

/* The next piece of what there is to say. */
static void respond_next(struct iscsi_task *task, struct iscsi_talk *talk)
{
	uint32_t left = talk->out.len - talk->out_from;
	uint32_t most = (uint32_t)num_min(left, num_min(task->conn->params.send_max, 65536));
	struct iscsi_out *out = iscsi_out_take(task->conn);
	bool more, final;

	if (!out)
		return;
	talk->out_from += put_text(task->conn, out, talk->text_out + talk->out_from, most);
	more = talk->out_from < talk->out.len;
	final = !more && task->pdu.final;
	queue_response(task, out, more, final);
	talk->answering = more;
	talk->open = !final;
	if (!more)
		talk->in.len = talk->out.len = talk->out_from = 0;
}

/* 7.12: as if it had not been; 7.3: and as if the request had not come. */
static void give_up(struct iscsi_task *task, struct iscsi_talk *talk, enum iscsi_reject reason)
{
	iscsi_keys_undo(&talk->keys);
	talk->open = talk->answering = false;
	if (task->counted) {
		iscsi_window_give_back(&task->sess->window);
		task->counted = false;
	}
	iscsi_out_reject(task->conn, reason, task->bhs);
}

/* ---- the pairs ------------------------------------------------------------- */

/* Appendix C: All in discovery sessions alone; there nothing but a name or All. */
static bool send_targets(struct iscsi_conn *conn, struct iscsi_slice value,
			 struct iscsi_text_out *out)
{
	struct iscsi_sess *sess = conn->sess;
	struct gw_who who = { .protocol = "iscsi",
			      .initiator = sess->initiator,
			      .peer = &conn->peer };
	struct gw_grant grant = { .volume = NULL };
	char name[ISCSI_NAME_MAX + 1];

	if (!sess->discovery) {
		if (value.len && !iscsi_text_is(value, sess->target))
			return iscsi_text_put(out, "SendTargets", "Reject");
		return iscsi_names_put(conn->home->names, sess->target, out);
	}
	if (iscsi_text_is(value, "All"))
		return iscsi_names_put_all(conn->home->names, conn->home->gw, &who, out);
	if (!value.len)
		return iscsi_text_put(out, "SendTargets", "Reject");
	if (!iscsi_names_find(conn->home->names, conn->home->gw, &who, value, &grant, name))
		return true; /* no such target: nothing to say */
	gw_grant_release(&grant);
	return iscsi_names_put(conn->home->names, name, out);
}

static enum iscsi_neg_fault offer(struct iscsi_conn *conn, struct iscsi_talk *talk,
				  const struct iscsi_text_pair *pair)
{
	static const struct iscsi_slice no = { (const uint8_t *)"Reject", 6 };
	enum iscsi_neg_fault fault = ISCSI_NEG_NONE;

	switch (iscsi_keys_offer(&talk->keys, pair, &talk->out, &fault)) {
	case ISCSI_OFFER_DONE:
		return ISCSI_NEG_NONE;
	case ISCSI_OFFER_SEND_TARGETS:
		return send_targets(conn, pair->value, &talk->out) ? ISCSI_NEG_NONE
								   : ISCSI_NEG_NO_ROOM;
	case ISCSI_OFFER_AUTH:
		fault = ISCSI_NEG_KEY_STAGE;
		break;
	case ISCSI_OFFER_FAULT:
		break;
	}
	/* a key that was settled by the login: no is an answer */
	if (fault == ISCSI_NEG_KEY_STAGE)
		fault = iscsi_text_put_slices(&talk->out, pair->key, no) ? ISCSI_NEG_NONE
									 : ISCSI_NEG_NO_ROOM;
	return fault;
}

/* 6.4: also a key that we do not know comes once. */
static bool is_repeated(const struct iscsi_talk *talk, const struct iscsi_text_pair *pair)
{
	enum iscsi_neg_fault fault;
	struct iscsi_text_pair other;
	struct iscsi_text text;

	iscsi_text_begin(&text, talk->text_in, talk->in.len);
	while (iscsi_text_next(&text, &other, &fault) && other.key.at != pair->key.at)
		if (other.key.len == pair->key.len &&
		    !memcmp(other.key.at, pair->key.at, pair->key.len))
			return true;
	return false;
}

static enum iscsi_neg_fault negotiate(struct iscsi_conn *conn, struct iscsi_talk *talk)
{
	enum iscsi_neg_fault fault = ISCSI_NEG_NONE;
	struct iscsi_text_pair pair;
	struct iscsi_text text;

	iscsi_text_out_begin(&talk->out, talk->text_out, talk->room);
	iscsi_text_begin(&text, talk->text_in, talk->in.len);
	while (!fault && iscsi_text_next(&text, &pair, &fault))
		fault = is_repeated(talk, &pair) ? ISCSI_NEG_KEY_TWICE : offer(conn, talk, &pair);
	return fault ? fault : iscsi_keys_close(&talk->keys, &talk->out);
}

/* ---- the request ----------------------------------------------------------- */

static void begin(struct iscsi_talk *talk)
{
	talk->open = true;
	talk->answering = false;
	talk->out.len = talk->out_from = 0;
	iscsi_text_join_begin(&talk->in, talk->text_in, sizeof(talk->text_in));
	iscsi_keys_reopen(&talk->keys);
}

static bool join(struct iscsi_talk *talk, const struct gw_mem *data, uint32_t bytes)
{
	uint8_t part[1024];

	for (uint32_t at = 0; at < bytes; at += sizeof(part)) {
		uint32_t n = (uint32_t)num_min(bytes - at, sizeof(part));

		gw_mem_copy_out(data, at, part, n);
		if (iscsi_text_join_add(&talk->in, part, n))
			return false;
	}
	return true;
}

static void talk_on(struct iscsi_task *task, struct iscsi_talk *talk)
{
	struct iscsi_conn *conn = task->conn;

	if (task->pdu.text.ttt == ISCSI_NO_TAG) {
		begin(talk);
	} else if (!talk->open || task->pdu.text.ttt != TTT) {
		give_up(task, talk, ISCSI_REJECT_BAD_FIELD);
		return;
	}
	if (talk->answering) {
		respond_next(task, talk);
		return;
	}
	if (!join(talk, &task->data, task->pdu.data_bytes)) {
		give_up(task, talk, ISCSI_REJECT_PROTOCOL);
		return;
	}
	if (task->pdu.text.more) {
		listen_on(task);
		return;
	}
	if (negotiate(conn, talk)) {
		give_up(task, talk, ISCSI_REJECT_PROTOCOL);
		return;
	}
	conn->params.send_max = talk->keys.now.send_max;
	respond_next(task, talk);
}

void iscsi_talk_start(struct iscsi_task *task)
{
	struct iscsi_conn *conn = task->conn;
	struct iscsi_talk *talk = talk_of(conn);

	if (talk)
		talk_on(task, talk);
	else
		iscsi_out_reject(conn, ISCSI_REJECT_NO_TAG_LEFT, task->bhs);
	if (talk && !talk->open)
		iscsi_talk_free(conn);
	iscsi_task_end(&task);
}
