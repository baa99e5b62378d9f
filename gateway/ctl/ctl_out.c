/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_out.c - the gw_out that builds JSON.  Promises in ctl_out.h.
 *
 * What is counted against the budget is what the text will cost at most, so a
 * list that was let in always fits into a message.
 */
#include "config.h"

#include "gateway/ctl/ctl_out.h"

#include <string.h>

#include "gateway/base/check.h"
#include "gateway/base/str.h"
#include "gateway/base/table.h"

#define RECORD_BYTES 8
#define NUMBER_BYTES 24
#define TEXT_MAX 4096

/* Keys of which a record may have several: always arrays, also of one. */
static const char *const plural[] = { "attach" };

static struct ctl_out *mine(struct gw_out *out)
{
	return (struct ctl_out *)((char *)out - offsetof(struct ctl_out, out));
}

/* Takes so many bytes of the budget; otherwise this record ends here. */
static bool afford(struct ctl_out *o, size_t bytes)
{
	if (o->record && bytes <= o->most_bytes - o->bytes) {
		o->bytes += bytes;
		return true;
	}
	return false;
}

/* The record goes whole. */
static void take_back(struct ctl_out *o)
{
	const char *kind;
	json_t *list;

	json_object_foreach(o->lists, kind, list)
	{
		size_t n = json_array_size(list);

		if (n && json_array_get(list, n - 1) == o->record)
			json_array_remove(list, n - 1);
	}
	o->record = NULL;
	o->bytes = o->bytes_before;
}

/* It does not fit. */
static void leave_out(struct ctl_out *o)
{
	if (!o->record)
		return;
	take_back(o);
	o->left_out++;
}

static json_t *list_of(struct ctl_out *o, const char *kind)
{
	json_t *list = json_object_get(o->lists, kind);

	if (!list && o->lists && !json_object_set_new(o->lists, kind, json_array()))
		list = json_object_get(o->lists, kind);
	return list;
}

static void record(struct gw_out *out, const char *kind)
{
	struct ctl_out *o = mine(out);
	json_t *list = list_of(o, kind);
	json_t *fresh = json_object();

	o->record = NULL;
	o->bytes_before = o->bytes;
	if (list && fresh && o->most_bytes - o->bytes >= RECORD_BYTES &&
	    !json_array_append(list, fresh)) {
		o->record = fresh;
		o->bytes += RECORD_BYTES;
	} else {
		o->left_out++;
	}
	json_decref(fresh);
}

/* Takes the value over. */
static void put(struct ctl_out *o, const char *key, json_t *value, size_t bytes)
{
	if (!value || !afford(o, strlen(key) + 6 + bytes) || json_object_set(o->record, key, value))
		leave_out(o);
	json_decref(value);
}

/* What a text costs in JSON at most. */
static size_t text_bytes(const char *text)
{
	size_t bytes = 2;

	for (; *text; text++)
		bytes += (unsigned char)*text < ' ' ? 6 : *text == '"' || *text == '\\' ? 2 : 1;
	return bytes;
}

/* A name of a file need not be UTF-8; then it is shown with \xNN. */
static json_t *text_value(const char *value, size_t *bytes)
{
	char escaped[TEXT_MAX]; /* what is longer is cut */
	struct str s = STR_IN(escaped);
	json_t *json = json_string(value);

	*bytes = text_bytes(value);
	if (json)
		return json;
	str_add_escaped(&s, value, strlen(value));
	*bytes = text_bytes(escaped);
	return json_string(escaped);
}

static bool is_plural(const char *key)
{
	for (size_t i = 0; i < TABLE_LEN(plural); i++)
		if (!strcmp(plural[i], key))
			return true;
	return false;
}

static bool is_wanted(const struct ctl_out *o, const char *key, const char *value)
{
	for (unsigned i = 0; i < o->n_wants; i++)
		if (!strcmp(o->want[i].key, key) && strcmp(o->want[i].value, value))
			return false;
	return true;
}

static void text(struct gw_out *out, const char *key, const char *value)
{
	struct ctl_out *o = mine(out);
	size_t bytes;
	json_t *json, *list;

	if (!o->record)
		return;
	if (!is_wanted(o, key, value)) {
		take_back(o);
		return;
	}
	json = text_value(value, &bytes);
	list = json_object_get(o->record, key);
	if (!is_plural(key)) {
		put(o, key, json, bytes);
	} else if (list) {
		if (!json || !afford(o, bytes + 1) || json_array_append(list, json))
			leave_out(o);
		json_decref(json);
	} else {
		put(o, key, json ? json_pack("[o]", json) : NULL, bytes + 2);
	}
}

static void number(struct gw_out *out, const char *key, uint64_t value)
{
	/* JSON's numbers are signed here. */
	json_int_t v = value > INT64_MAX ? INT64_MAX : (json_int_t)value;

	if (mine(out)->record)
		put(mine(out), key, json_integer(v), NUMBER_BYTES);
}

static void truth(struct gw_out *out, const char *key, bool value)
{
	if (mine(out)->record)
		put(mine(out), key, json_boolean(value), NUMBER_BYTES);
}

static const struct gw_out_ops ops = { record, text, number, truth };

void ctl_out_begin(struct ctl_out *out, size_t most_bytes)
{
	*out = (struct ctl_out){
		.out = { &ops },
		.lists = json_object(),
		.most_bytes = most_bytes,
	};
}

void ctl_out_want(struct ctl_out *out, const char *key, const char *value)
{
	GW_CHECK(out->n_wants < CTL_OUT_WANTS);
	out->want[out->n_wants].key = key;
	out->want[out->n_wants++].value = value;
}

json_t *ctl_out_list(struct ctl_out *out, const char *kind)
{
	return json_incref(list_of(out, kind));
}

void ctl_out_end(struct ctl_out *out)
{
	json_decref(out->lists);
	*out = (struct ctl_out){ 0 };
}
