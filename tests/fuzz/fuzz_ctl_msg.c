/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_ctl_msg.c - the control protocol: its codec, and the server with its verbs
 * over the simulated driver and the real core.
 *
 * Byte 0: bit 0 through the server (else the codec alone, each line as a request
 * and as a reply), bit 1 a stranger asks, bit 2 two loops, bit 3 an orderly end,
 * bit 4 the server stops while the client is there, bit 5 the client does not
 * read.  Byte 1 seeds how the rest is cut in pieces.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/check.h"
#include "gateway/ctl/ctl_msg.h"
#include "gateway/ctl/ctl_server.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_stack.h"

#define VERSION "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"}\n"

static const struct loop_addr addr = { .family = LOOP_ADDR_UNIX, .path = "/run/sluice/fuzz.sock" };

/* ---- the codec ----------------------------------------------------------- */

/* What we send can be read by the other side. */
static void is_a_message(const char *line)
{
	size_t len = strlen(line);
	json_t *value;

	GW_CHECK(len && len <= CTL_MSG_MAX && ctl_msg_line(line, len) == len);
	value = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	GW_CHECK(value && json_object_get(value, "id"));
	json_decref(value);
}

static void answer(struct ctl_request *request, int code, const struct gw_err *err)
{
	char *line = code ? ctl_msg_error(request->id, code, err->text)
			  : ctl_msg_result(request->id, request->whole);

	if (line)
		is_a_message(line);
	free(line);
}

static void codec_line(const char *line, size_t len)
{
	struct ctl_request request;
	struct gw_err err = GW_ERR_NONE;
	json_t *result = NULL;
	int code = ctl_msg_parse_request(line, len, &request, &err);

	if (code) {
		GW_CHECK(*err.text);
	} else {
		GW_CHECK(request.method && (!request.params || json_is_object(request.params)));
		ctl_verbs_takes(ctl_verbs_at(0), request.method);
		GW_CHECK(ctl_verbs_find(request.method) <= CTL_VERB_COUNT);
	}
	answer(&request, code, &err);
	ctl_msg_request_end(&request);
	err = GW_ERR_NONE;
	if (ctl_msg_parse_reply(line, len, 1, &result, &err))
		GW_CHECK(*err.text && !result);
	else
		GW_CHECK(result);
	json_decref(result);
}

static void codec(const char *data, size_t size)
{
	size_t line;

	while ((line = ctl_msg_line(data, size))) {
		codec_line(data, line);
		data += line;
		size -= line;
	}
	codec_line(data, size); /* what has no end, too */
}

/* ---- the server ---------------------------------------------------------- */

struct served {
	struct fuzz_stack stack;
	struct ctl_env env;
	struct ctl_server *server;
	bool stopped;
};

static const char *phase(void *arg)
{
	return "serving";
}

static void stopped(void *arg)
{
	((struct served *)arg)->stopped = true;
}

static bool is_stopped(void *arg)
{
	return ((struct served *)arg)->stopped;
}

static void serve(struct served *s, uint8_t how, uint8_t seed)
{
	const struct fuzz_stack_cfg cfg = { .loops = how & 4 ? 2 : 1,
					    .pool_bytes = GW_POOL_MIN_BYTES,
					    .image_bytes = 1 << 20 };
	struct gw_err err = GW_ERR_NONE;

	fuzz_stack_up(&s->stack, seed + 1u, &cfg);
	s->env = (struct ctl_env){ .gw = s->stack.daemon.gw, .pid = 1, .phase = phase };
	GW_CHECK(!ctl_server_create(loop_set_get(s->stack.host->loops, 0), addr.path, &s->env,
				    &s->server, &err));
}

/* The next to come is our own user, or not. */
static void dial(struct served *s, struct fuzz_client *client, bool stranger)
{
	s->env.uid = stranger ? 1 : 1000 + s->stack.host->net->n_conns + 1;
	fuzz_client_dial(client, &s->stack, &addr);
}

static size_t lines_in(const uint8_t *data, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += data[i] == '\n';
	return n;
}

/* At most one answer to each line, and one to what is too long or not for him. */
static void look_at_answers(struct fuzz_client *client, size_t lines)
{
	size_t line, answers = 0;

	while ((line = ctl_msg_line((const char *)client->in, client->len))) {
		json_t *value =
			json_loadb((const char *)client->in, line, JSON_REJECT_DUPLICATES, NULL);

		GW_CHECK(value && json_object_get(value, "jsonrpc") &&
			 json_object_get(value, "id") &&
			 !json_object_get(value, "result") != !json_object_get(value, "error"));
		json_decref(value);
		fuzz_client_take(client, line);
		answers++;
	}
	GW_CHECK(answers <= lines + 1);
}

/* Whatever he did, the next client is served. */
static void next_is_served(struct served *s)
{
	struct fuzz_client client;

	dial(s, &client, false);
	fuzz_client_send(&client, VERSION, strlen(VERSION));
	GW_CHECK(fuzz_client_wait(&client, strlen(VERSION)));
	fuzz_stack_run(&s->stack, 10 * SIM_MS);
	GW_CHECK(client.len > 2 && memmem(client.in, client.len, "\"product\"", 9));
	look_at_answers(&client, 1);
	fuzz_client_close(&client, true);
}

static void serve_end(struct served *s)
{
	if (!s->stopped) {
		ctl_server_stop(s->server, stopped, s);
		GW_CHECK(sim_host_run_until(s->stack.host, 60 * SIM_S, is_stopped, s));
	}
	ctl_server_destroy(&s->server);
	GW_CHECK(fuzz_stack_down(&s->stack));
}

static void server(uint8_t how, uint8_t seed, const uint8_t *data, size_t size)
{
	struct served s = { .server = NULL };
	struct fuzz_client client;

	serve(&s, how, seed);
	dial(&s, &client, how & 2);
	if (how & 32 && !client.closed)
		sim_net_pause(client.conn, true);
	fuzz_client_send_cut(&client, data, size, seed);
	if (how & 16) {
		ctl_server_stop(s.server, stopped, &s);
		GW_CHECK(sim_host_run_until(s.stack.host, 60 * SIM_S, is_stopped, &s));
	} else {
		fuzz_stack_run(&s.stack, 100 * SIM_MS);
		if (!(how & 32))
			look_at_answers(&client, lines_in(data, size));
		fuzz_client_close(&client, how & 8);
		next_is_served(&s);
	}
	serve_end(&s);
	client.closed = true; /* with the world that it was in */
	fuzz_client_close(&client, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	if (data[0] & 1)
		server(data[0], data[1], data + 2, size - 2);
	else
		codec((const char *)data + 2, size - 2);
	return 0;
}
