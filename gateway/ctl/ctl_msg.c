/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_msg.c - JSON-RPC 2.0 over jansson.  Promises in ctl_msg.h.
 *
 * jansson checks the grammar and UTF-8; what it leaves open is checked before
 * it sees a byte: the length, and the depth, for it calls itself per bracket.
 */
#include "config.h"

#include "gateway/ctl/ctl_msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t ctl_msg_line(const char *bytes, size_t len)
{
	const char *end = len ? memchr(bytes, '\n', len) : NULL;

	return end ? (size_t)(end - bytes) + 1 : 0;
}

/* The deepest nesting of brackets outside of strings. */
static unsigned depth_of(const char *bytes, size_t len)
{
	unsigned depth = 0, most = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = bytes[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '[') && ++depth > most)
			most = depth;
		else if (!in_string && (c == '}' || c == ']') && depth)
			depth--;
	}
	return most;
}

static json_t *load(const char *bytes, size_t len, struct gw_err *err)
{
	json_error_t why;
	json_t *value;

	if (len > CTL_MSG_MAX) {
		gw_err_set(err, EMSGSIZE, "a message has at most %u bytes", CTL_MSG_MAX);
		return NULL;
	}
	if (depth_of(bytes, len) > CTL_MSG_DEPTH_MAX) {
		gw_err_set(err, EPROTO, "a message has at most %d brackets inside each other",
			   CTL_MSG_DEPTH_MAX);
		return NULL;
	}
	value = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &why);
	if (!value)
		gw_err_set(err, EPROTO, "this is no JSON: %s at byte %d", why.text, why.position);
	return value;
}

static bool is_version_2(const json_t *message)
{
	const char *version = json_string_value(json_object_get(message, "jsonrpc"));

	return version && !strcmp(version, "2.0");
}

/* The id of a request; false: it is of a kind that the standard forbids. */
static bool take_id(struct ctl_request *out)
{
	json_t *id = json_object_get(out->whole, "id");

	if (id && !json_is_string(id) && !json_is_number(id) && !json_is_null(id))
		return false;
	out->id = id;
	return true;
}

static int refuse(struct gw_err *err, const char *sentence)
{
	gw_err_set(err, EPROTO, "%s", sentence);
	return CTL_INVALID_REQUEST;
}

int ctl_msg_parse_request(const char *bytes, size_t len, struct ctl_request *out,
			  struct gw_err *err)
{
	json_t *params;

	*out = (struct ctl_request){ .whole = load(bytes, len, err) };
	if (!out->whole)
		return CTL_PARSE_ERROR;
	if (!json_is_object(out->whole))
		return refuse(err, "a request is one JSON object; batches are not spoken here");
	if (!take_id(out))
		return refuse(err, "the id of a request is a string, a number or null");
	if (!is_version_2(out->whole))
		return refuse(err, "a request says \"jsonrpc\":\"2.0\"");
	out->method = json_string_value(json_object_get(out->whole, "method"));
	if (!out->method)
		return refuse(err, "a request names its \"method\"");
	params = json_object_get(out->whole, "params");
	if (params && !json_is_object(params)) {
		gw_err_set(err, EPROTO, "the params of a request are an object");
		return CTL_INVALID_PARAMS;
	}
	out->params = params;
	return 0;
}

void ctl_msg_request_end(struct ctl_request *request)
{
	json_decref(request->whole);
	*request = (struct ctl_request){ 0 };
}

/* Takes the message over and makes a line of it. */
static char *dump_line(json_t *message)
{
	size_t len;
	char *line;

	if (!message)
		return NULL;
	len = json_dumpb(message, NULL, 0, JSON_COMPACT);
	line = len && len < CTL_MSG_MAX ? malloc(len + 2) : NULL;
	if (line) {
		json_dumpb(message, line, len, JSON_COMPACT);
		memcpy(line + len, "\n", 2);
	}
	json_decref(message);
	return line;
}

char *ctl_msg_result(json_t *id, json_t *result)
{
	return dump_line(json_pack("{s:s, s:O, s:O}", "jsonrpc", "2.0", "id", id ? id : json_null(),
				   "result", result));
}

char *ctl_msg_error(json_t *id, int code, const char *text)
{
	/* A sentence may hold a file's name that is no UTF-8. */
	json_t *message = json_string(text);

	if (!message)
		message = json_string("the sentence about it cannot be said in UTF-8");
	return dump_line(json_pack("{s:s, s:O, s:{s:i, s:o}}", "jsonrpc", "2.0", "id",
				   id ? id : json_null(), "error", "code", code, "message",
				   message));
}

char *ctl_msg_request(unsigned id, const char *method, json_t *params)
{
	return dump_line(json_pack("{s:s, s:I, s:s, s:O*}", "jsonrpc", "2.0", "id", (json_int_t)id,
				   "method", method, "params", params));
}

static int remote_error(const json_t *error, struct gw_err *err)
{
	const char *text = json_string_value(json_object_get(error, "message"));

	if (!text)
		return gw_err_set(err, EPROTO, "the daemon refused without a sentence");
	return gw_err_set(err, EREMOTEIO, "%s", text);
}

int ctl_msg_parse_reply(const char *bytes, size_t len, unsigned id, json_t **result,
			struct gw_err *err)
{
	json_t *whole = load(bytes, len, err);
	const json_t *error, *got_id;
	json_t *value;
	int rc = 0;

	if (!whole)
		return gw_err_prefix(err, "the daemon's reply cannot be read");
	error = json_object_get(whole, "error");
	value = json_object_get(whole, "result");
	got_id = json_object_get(whole, "id");
	if (!is_version_2(whole) || (!json_is_object(error) && !value))
		rc = gw_err_set(err, EPROTO, "the daemon's reply is not JSON-RPC 2.0");
	else if (error)
		rc = remote_error(error, err);
	else if (!json_is_integer(got_id) || json_integer_value(got_id) != (json_int_t)id)
		rc = gw_err_set(err, EPROTO, "the daemon's reply is to another request");
	else
		*result = json_incref(value);
	json_decref(whole);
	return rc;
}
