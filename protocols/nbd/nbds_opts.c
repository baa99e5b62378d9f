/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_opts.c - one function per handshake option (proto.md, "Option types").
 */
#include "config.h"

#include "protocols/nbd/nbds_opts.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/table.h"
#include "protocols/nbd/nbds_meta.h"
#include "translators/nbd/nbdx.h"

typedef enum nbds_hs_event option_fn(struct nbds_haggle *h, const struct nbds_slice *data);

struct option_row {
	option_fn *run;
	bool data, draining;
};

/* ---- answers ------------------------------------------------------------- */

static enum nbds_hs_event acknowledge(struct nbds_haggle *h)
{
	nbds_out_reply(&h->out, h->option, NBDS_REP_ACK, NULL, 0);
	return NBDS_HS_ON_ANSWERED;
}

static enum nbds_hs_event fail(struct nbds_haggle *h, enum nbds_rep_err code, const char *words)
{
	nbds_out_error(&h->out, h->option, code, words);
	return NBDS_HS_ON_ANSWERED;
}

/* ---- names --------------------------------------------------------------- */

/* Finds the export of that name and holds it; false: there is none (for this peer). */
static bool find(struct nbds_haggle *h, const struct nbds_slice *name, struct gw_grant *grant,
		 char text[GW_NAME_MAX])
{
	struct gw_who who = { .protocol = "nbd", .peer = h->peer };

	gw_grant_release(grant);
	if (!nbds_pdu_name_ok(name) || name->len >= GW_NAME_MAX)
		return false;
	if (name->len)
		memcpy(text, name->at, name->len);
	text[name->len] = 0;
	return gw_access_find(h->gw, &who, text, grant);
}

static enum nbds_hs_event no_export(struct nbds_haggle *h, const struct nbds_slice *name)
{
	if (!nbds_pdu_name_ok(name))
		return fail(h, NBDS_ERR_INVALID, "an export's name has no NUL");
	return fail(h, NBDS_ERR_UNKNOWN, "there is no such export");
}

/* ---- what an export is --------------------------------------------------- */

uint32_t nbds_opts_terms(const struct nbds_haggle *h, const struct gw_facts *facts)
{
	uint32_t agreed = 0;

	if (h->structured)
		agreed |= NBDX_HAS_STRUCTURED;
	if (h->extended)
		agreed |= NBDX_HAS_EXTENDED;
	if (h->contexts && !strcmp(h->meta_name, h->name))
		agreed |= NBDX_HAS_CONTEXTS;
	return nbdx_terms_of(facts, h->grant.read_only, agreed);
}

static void put_text(struct nbds_haggle *h, enum nbds_info info, const char *text)
{
	size_t len = strnlen(text, NBDS_NAME_MAX);
	uint8_t *room = nbds_out_room(&h->out, NBDS_OPTION_REPLY_BYTES + 2 + len);

	if (!room)
		return;
	room += nbds_pdu_option_reply_put(room, h->option, NBDS_REP_INFO, (uint32_t)(2 + len));
	be16_put(room, info);
	memcpy(room + 2, text, len);
}

/* "NBD_REP_INFO": EXPORT always, the others where they were asked for. */
static void put_infos(struct nbds_haggle *h, const struct gw_facts *facts)
{
	struct nbdx_sizes sizes = nbdx_sizes_of(facts);
	uint8_t data[14];

	be16_put(data, NBDS_INFO_EXPORT);
	be64_put(data + 2, facts->size_bytes);
	be16_put(data + 10, (uint16_t)nbds_opts_terms(h, facts));
	nbds_out_reply(&h->out, h->option, NBDS_REP_INFO, data, 12);
	if (h->wanted & 1u << NBDS_INFO_NAME)
		put_text(h, NBDS_INFO_NAME, gw_volume_name(h->grant.volume));
	if (h->wanted & 1u << NBDS_INFO_DESCRIPTION)
		put_text(h, NBDS_INFO_DESCRIPTION, gw_volume_description(h->grant.volume));
	if (!(h->wanted & 1u << NBDS_INFO_BLOCK_SIZE))
		return;
	be16_put(data, NBDS_INFO_BLOCK_SIZE);
	be32_put(data + 2, sizes.minimum_bytes);
	be32_put(data + 6, sizes.preferred_bytes);
	be32_put(data + 10, sizes.payload_bytes);
	nbds_out_reply(&h->out, h->option, NBDS_REP_INFO, data, 14);
}

/* ---- one function per option --------------------------------------------- */

/* NBD_OPT_EXPORT_NAME: no error can be answered. */
static enum nbds_hs_event export_name(struct nbds_haggle *h, const struct nbds_slice *data)
{
	if (h->extended || h->draining || !find(h, data, &h->grant, h->name))
		return NBDS_HS_ON_OFFENCE;
	h->wanted = 0;
	return NBDS_HS_ON_CHOSEN;
}

/* NBD_OPT_ABORT */
static enum nbds_hs_event leave(struct nbds_haggle *h, const struct nbds_slice *data)
{
	acknowledge(h);
	return NBDS_HS_ON_LEAVE;
}

static void list_one(void *arg, const struct gw_grant *grant)
{
	struct nbds_haggle *h = arg;
	const char *name = gw_volume_name(grant->volume);
	const char *words = gw_volume_description(grant->volume);
	size_t name_len = strnlen(name, NBDS_NAME_MAX), len = strnlen(words, NBDS_NAME_MAX);
	uint8_t *room = nbds_out_room(&h->out, NBDS_OPTION_REPLY_BYTES + 4 + name_len + len);

	if (!room)
		return;
	room += nbds_pdu_option_reply_put(room, h->option, NBDS_REP_SERVER,
					  (uint32_t)(4 + name_len + len));
	be32_put(room, (uint32_t)name_len);
	memcpy(room + 4, name, name_len);
	memcpy(room + 4 + name_len, words, len);
}

/* NBD_OPT_LIST */
static enum nbds_hs_event list(struct nbds_haggle *h, const struct nbds_slice *data)
{
	struct gw_who who = { .protocol = "nbd", .peer = h->peer };

	gw_access_each(h->gw, &who, list_one, h);
	return acknowledge(h);
}

/* NBD_OPT_INFO, and the first half of NBD_OPT_GO: true: found. */
static bool look_up(struct nbds_haggle *h, const struct nbds_slice *data)
{
	struct nbds_go go;

	if (!nbds_pdu_go_get(data->at, data->len, &go)) {
		fail(h, NBDS_ERR_INVALID, "the lengths inside do not fit");
		return false;
	}
	if (!find(h, &go.name, &h->grant, h->name)) {
		no_export(h, &go.name);
		return false;
	}
	h->wanted = go.wanted;
	return true;
}

static enum nbds_hs_event info(struct nbds_haggle *h, const struct nbds_slice *data)
{
	if (!look_up(h, data))
		return NBDS_HS_ON_ANSWERED;
	put_infos(h, gw_volume_facts(h->grant.volume, h->loop));
	gw_grant_release(&h->grant);
	return acknowledge(h);
}

static enum nbds_hs_event go(struct nbds_haggle *h, const struct nbds_slice *data)
{
	return look_up(h, data) ? NBDS_HS_ON_CHOSEN : NBDS_HS_ON_ANSWERED;
}

/* NBD_OPT_STRUCTURED_REPLY */
static enum nbds_hs_event structured_reply(struct nbds_haggle *h, const struct nbds_slice *data)
{
	if (h->extended)
		return fail(h, NBDS_ERR_EXT_HEADER_REQD, "extended headers are agreed already");
	h->structured = true;
	return acknowledge(h);
}

/* NBD_OPT_EXTENDED_HEADERS */
static enum nbds_hs_event extended_headers(struct nbds_haggle *h, const struct nbds_slice *data)
{
	h->extended = true;
	return acknowledge(h);
}

/* The common half of LIST_ and SET_META_CONTEXT: true: the export was found. */
static bool meta_begin(struct nbds_haggle *h, const struct nbds_slice *data,
		       struct nbds_meta_ask *ask, char name[GW_NAME_MAX])
{
	struct gw_grant grant = { .volume = NULL };
	bool found = false;

	if (!h->structured && !h->extended)
		fail(h, NBDS_ERR_INVALID, "structured replies must be agreed first");
	else if (!nbds_pdu_meta_get(data->at, data->len, ask))
		fail(h, NBDS_ERR_INVALID, "the lengths inside do not fit");
	else if (!(found = find(h, &ask->name, &grant, name)))
		no_export(h, &ask->name);
	gw_grant_release(&grant);
	return found;
}

static enum nbds_meta_match match_all(struct nbds_meta_ask *ask, bool listing)
{
	enum nbds_meta_match all = NBDS_META_NOTHING;
	struct nbds_slice query;

	while (nbds_pdu_query_get(ask, &query)) {
		enum nbds_meta_match one = nbds_meta_match(&query, listing);

		if (one == NBDS_META_BAD)
			return one;
		if (one == NBDS_META_HIT)
			all = one;
	}
	return all;
}

static void put_context(struct nbds_haggle *h, uint32_t id)
{
	uint8_t data[4 + sizeof(NBDS_META_ALLOCATION) - 1];

	be32_put(data, id);
	memcpy(data + 4, NBDS_META_ALLOCATION, sizeof(data) - 4);
	nbds_out_reply(&h->out, h->option, NBDS_REP_META_CONTEXT, data, sizeof(data));
}

/* NBD_OPT_LIST_META_CONTEXT: no query asks for all there are. */
static enum nbds_hs_event list_meta_context(struct nbds_haggle *h, const struct nbds_slice *data)
{
	struct nbds_meta_ask ask;
	char name[GW_NAME_MAX];
	enum nbds_meta_match match;

	if (!meta_begin(h, data, &ask, name))
		return NBDS_HS_ON_ANSWERED;
	match = ask.queries ? match_all(&ask, true) : NBDS_META_HIT;
	if (match == NBDS_META_BAD)
		return fail(h, NBDS_ERR_INVALID, "a query needs a namespace and a colon");
	if (match == NBDS_META_HIT)
		put_context(h, 0);
	return acknowledge(h);
}

/* NBD_OPT_SET_META_CONTEXT: replaces what was selected, also when it fails. */
static enum nbds_hs_event set_meta_context(struct nbds_haggle *h, const struct nbds_slice *data)
{
	struct nbds_meta_ask ask;
	char name[GW_NAME_MAX];
	enum nbds_meta_match match;

	h->contexts = false;
	if (!meta_begin(h, data, &ask, name))
		return NBDS_HS_ON_ANSWERED;
	match = match_all(&ask, false);
	if (match == NBDS_META_BAD)
		return fail(h, NBDS_ERR_INVALID, "a query needs a namespace and a colon");
	if (match == NBDS_META_HIT) {
		h->contexts = true;
		memcpy(h->meta_name, name, sizeof(name));
		put_context(h, NBDS_META_ALLOCATION_ID);
	}
	return acknowledge(h);
}

/* Everything else, and STARTTLS ("NOTLS mode") */
static enum nbds_hs_event unsupported(struct nbds_haggle *h, const struct nbds_slice *data)
{
	return fail(h, NBDS_ERR_UNSUP, "this option is not known here");
}

/* ---- dispatch ------------------------------------------------------------ */

static const struct option_row rows[] = {
#define OPTION(name, number, function, data_, draining_) \
	[number] = { .run = function, .data = data_, .draining = draining_ },
#include "protocols/nbd/nbds_opts.tbl"
#undef OPTION
};

static const struct option_row *row_of(uint32_t option)
{
	static const struct option_row unknown = { .run = unsupported, .data = true };

	return option < TABLE_LEN(rows) && rows[option].run ? &rows[option] : &unknown;
}

enum nbds_hs_event nbds_opts_head(struct nbds_haggle *h, const struct nbds_option *option)
{
	h->option = option->option;
	nbds_out_clear(&h->out);
	if (option->length <= NBDS_OPTION_MAX_BYTES && h->options < NBDS_OPTIONS_MAX &&
	    option->length <= NBDS_OPTIONS_MAX_BYTES - h->option_bytes) {
		h->options++;
		h->option_bytes += option->length;
		return option->length ? NBDS_HS_ON_HEAD : NBDS_HS_ON_WHOLE;
	}
	if (option->option == NBDS_OPT_EXPORT_NAME)
		return NBDS_HS_ON_OFFENCE;
	fail(h, NBDS_ERR_TOO_BIG, "too long an option, or too many of them");
	return NBDS_HS_ON_LEAVE;
}

enum nbds_hs_event nbds_opts_run(struct nbds_haggle *h, const struct nbds_option *option,
				 const uint8_t *data)
{
	const struct option_row *row = row_of(option->option);
	struct nbds_slice slice = { data, option->length };
	enum nbds_hs_event event;

	h->option = option->option;
	nbds_out_clear(&h->out);
	if (option->option == NBDS_OPT_EXPORT_NAME)
		return export_name(h, &slice);
	if (h->draining && !row->draining)
		return fail(h, NBDS_ERR_SHUTDOWN, "the server is shutting down");
	if (option->length && !row->data)
		return fail(h, NBDS_ERR_INVALID, "this option carries no data");
	event = row->run(h, &slice);
	if (!h->out.broken)
		return event;
	nbds_out_clear(&h->out);
	return fail(h, NBDS_ERR_TOO_BIG, "the answer is too long");
}

enum nbds_hs_event nbds_opts_welcome(struct nbds_haggle *h, const struct gw_facts *facts)
{
	uint8_t *room;

	nbds_out_clear(&h->out);
	if (h->option == NBDS_OPT_GO) {
		put_infos(h, facts);
		acknowledge(h);
		return h->out.broken ? NBDS_HS_ON_OFFENCE : NBDS_HS_ON_JOINED;
	}
	room = nbds_out_room(&h->out, NBDS_EXPORT_NAME_BYTES + NBDS_EXPORT_NAME_ZEROES);
	if (!room)
		return NBDS_HS_ON_OFFENCE;
	h->out.len = nbds_pdu_export_name_put(room, facts->size_bytes,
					      (uint16_t)nbds_opts_terms(h, facts), !h->no_zeroes);
	return NBDS_HS_ON_JOINED;
}

enum nbds_hs_event nbds_opts_refuse(struct nbds_haggle *h, enum nbds_rep_err code,
				    const char *words)
{
	gw_grant_release(&h->grant);
	nbds_out_clear(&h->out);
	if (h->option == NBDS_OPT_EXPORT_NAME)
		return NBDS_HS_ON_OFFENCE;
	fail(h, code, words);
	return NBDS_HS_ON_REFUSED;
}

void nbds_opts_end(struct nbds_haggle *h)
{
	gw_grant_release(&h->grant);
	nbds_out_free(&h->out);
}

void nbds_opts_forget(struct nbds_haggle *h)
{
	h->no_zeroes = h->structured = h->extended = h->contexts = false;
	h->meta_name[0] = h->name[0] = 0;
	h->wanted = 0;
	gw_grant_release(&h->grant);
}
