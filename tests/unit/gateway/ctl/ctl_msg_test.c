/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_msg_test.c - messages: whole, cut at every byte, too deep, too long, junk.
 */
#include "config.h"

#include "gateway/ctl/ctl_msg.h"

#include <errno.h>
#include <string.h>

#include "tests/harness/harness.h"

static const char status[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"status\","
			     "\"params\":{\"a\":[1,\"}{\\\"\"]}}";

/* Parses and forgets; the bytes lie at the end of their memory, so that a
 * sanitizer sees whoever reads on. */
static int code_of(const char *bytes, size_t len)
{
	struct ctl_request request;
	struct gw_err err = GW_ERR_NONE;
	char *exact = malloc(len ? len : 1);
	int code;

	memcpy(exact, bytes, len);
	code = ctl_msg_parse_request(exact, len, &request, &err);
	assert_true(!code || err.text[0]);
	ctl_msg_request_end(&request);
	free(exact);
	return code;
}

static void a_request_comes_through(void **state)
{
	struct ctl_request request;

	assert_int_equal(ctl_msg_parse_request(status, strlen(status), &request, NULL), 0);
	assert_string_equal(request.method, "status");
	assert_int_equal(json_integer_value(request.id), 7);
	assert_int_equal(json_object_size(request.params), 1);
	ctl_msg_request_end(&request);
	assert_null(request.whole);
}

static void every_truncation_is_refused(void **state)
{
	for (size_t len = 0; len < strlen(status); len++)
		assert_int_equal(code_of(status, len), CTL_PARSE_ERROR);
}

static void every_changed_byte_is_survived(void **state)
{
	char bytes[sizeof(status)];

	for (size_t i = 0; i < strlen(status); i++) {
		for (unsigned v = 0; v < 256; v++) {
			memcpy(bytes, status, sizeof(status));
			bytes[i] = (char)v;
			code_of(bytes, strlen(status));
		}
	}
}

static void wrong_requests_are_named(void **state)
{
	static const struct {
		const char *text;
		int code;
	} rows[] = {
		{ "[]", CTL_INVALID_REQUEST },
		{ "3", CTL_PARSE_ERROR },
		{ "{}", CTL_INVALID_REQUEST },
		{ "{\"jsonrpc\":\"1.0\",\"method\":\"x\"}", CTL_INVALID_REQUEST },
		{ "{\"jsonrpc\":2,\"method\":\"x\"}", CTL_INVALID_REQUEST },
		{ "{\"jsonrpc\":\"2.0\"}", CTL_INVALID_REQUEST },
		{ "{\"jsonrpc\":\"2.0\",\"method\":1}", CTL_INVALID_REQUEST },
		{ "{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"x\"}", CTL_INVALID_REQUEST },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":[]}", CTL_INVALID_PARAMS },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"method\":\"y\"}", CTL_PARSE_ERROR },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"x\"} {}", CTL_PARSE_ERROR },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}", CTL_PARSE_ERROR },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}", 0 },
		{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", 0 },
		{ "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"x\"}\n", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(code_of(rows[i].text, strlen(rows[i].text)), rows[i].code);
	assert_int_equal(code_of("{\"jsonrpc\":\"2.0\",\"method\":\"x\0y\"}", 33), CTL_PARSE_ERROR);
}

/* A refused request still says to which id the refusal belongs. */
static void the_id_of_a_wrong_request_is_kept(void **state)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":\"seven\"}";
	struct ctl_request request;

	assert_int_equal(ctl_msg_parse_request(text, strlen(text), &request, NULL),
			 CTL_INVALID_REQUEST);
	assert_string_equal(json_string_value(request.id), "seven");
	ctl_msg_request_end(&request);
}

static void deep_nesting_is_refused_before_it_is_parsed(void **state)
{
	enum { MANY = CTL_MSG_MAX - 1 };
	char *deep = malloc(MANY);

	memset(deep, '[', MANY);
	assert_int_equal(code_of(deep, MANY), CTL_PARSE_ERROR);
	for (size_t i = 0; i + 5 < MANY; i += 5)
		memcpy(deep + i, "{\"a\":", 5);
	assert_int_equal(code_of(deep, MANY), CTL_PARSE_ERROR);
	free(deep);
	assert_int_equal(code_of("{\"jsonrpc\":\"2.0\",\"method\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[["
				 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}",
				 92),
			 0);
}

static void a_message_too_long_is_refused(void **state)
{
	size_t len = CTL_MSG_MAX + 1;
	char *text = malloc(len);

	memset(text, ' ', len);
	memcpy(text, status, strlen(status));
	assert_int_equal(code_of(text, len), CTL_PARSE_ERROR);
	assert_int_equal(code_of(text, len - 1), 0);
	free(text);
}

static void a_line_is_found_when_it_is_whole(void **state)
{
	assert_int_equal(ctl_msg_line(NULL, 0), 0);
	assert_int_equal(ctl_msg_line("abc", 3), 0);
	assert_int_equal(ctl_msg_line("\n", 1), 1);
	assert_int_equal(ctl_msg_line("ab\ncd\n", 6), 3);
}

/* ---- replies ------------------------------------------------------------ */

static int reply_rc(const char *text, char *sentence, size_t size)
{
	struct gw_err err = GW_ERR_NONE;
	json_t *result = NULL;
	int rc = ctl_msg_parse_reply(text, strlen(text), 1, &result, &err);

	assert_true(!rc == !!result);
	snprintf(sentence, size, "%s", err.text);
	json_decref(result);
	return rc;
}

static void results_go_round(void **state)
{
	json_t *id = json_integer(1), *value = json_pack("{s:s}", "text", "two\nlines");
	char *line = ctl_msg_result(id, value);
	json_t *back = NULL;

	assert_int_equal(ctl_msg_line(line, strlen(line)), strlen(line));
	assert_int_equal(ctl_msg_parse_reply(line, strlen(line), 1, &back, NULL), 0);
	assert_true(json_equal(back, value));
	json_decref(back);
	json_decref(value);
	json_decref(id);
	free(line);
}

static void errors_go_round(void **state)
{
	json_t *id = json_string("x");
	char *line = ctl_msg_error(id, CTL_FAILED, "it \"failed\" \xc3\xa4");
	char text[200];

	assert_int_equal(reply_rc(line, text, sizeof(text)), -EREMOTEIO);
	assert_string_equal(text, "it \"failed\" \xc3\xa4");
	free(line);
	line = ctl_msg_error(NULL, CTL_FAILED, "a name \xff of no UTF-8");
	assert_non_null(line);
	assert_int_equal(reply_rc(line, text, sizeof(text)), -EREMOTEIO);
	free(line);
	json_decref(id);
}

static void wrong_replies_are_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"jsonrpc\":\"2.0\",\"id\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}",
		"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":3}",
		"{\"id\":1,\"result\":{}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1}}",
	};
	char text[200];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(reply_rc(rows[i], text, sizeof(text)), -EPROTO);
		assert_true(strlen(text) > 0);
	}
}

static void a_result_too_large_makes_no_line(void **state)
{
	char *big = malloc(CTL_MSG_MAX + 1);
	json_t *value;

	memset(big, 'x', CTL_MSG_MAX);
	big[CTL_MSG_MAX] = '\0';
	value = json_string(big);
	assert_null(ctl_msg_result(NULL, value));
	json_decref(value);
	free(big);
}

static void a_request_is_made(void **state)
{
	char *line = ctl_msg_request(1, "status", NULL);

	assert_string_equal(line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n");
	assert_int_equal(code_of(line, strlen(line)), 0);
	free(line);
}

HARNESS_MAIN(cmocka_unit_test(a_request_comes_through),
	     cmocka_unit_test(every_truncation_is_refused),
	     cmocka_unit_test(every_changed_byte_is_survived),
	     cmocka_unit_test(wrong_requests_are_named),
	     cmocka_unit_test(the_id_of_a_wrong_request_is_kept),
	     cmocka_unit_test(deep_nesting_is_refused_before_it_is_parsed),
	     cmocka_unit_test(a_message_too_long_is_refused),
	     cmocka_unit_test(a_line_is_found_when_it_is_whole), cmocka_unit_test(results_go_round),
	     cmocka_unit_test(errors_go_round), cmocka_unit_test(wrong_replies_are_refused),
	     cmocka_unit_test(a_result_too_large_makes_no_line),
	     cmocka_unit_test(a_request_is_made))
