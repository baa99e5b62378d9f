/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_server_test.c - the control socket over a real loop and an empty gateway:
 * requests whole, in pieces, many at once, too long, junk; clients that vanish.
 *
 * Client and server share one thread: the client's socket does not block, and
 * the loop turns until there is something to read.
 */
#include "config.h"

#include "gateway/ctl/ctl_server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/base/str.h"
#include "gateway/ctl/ctl_msg.h"
#include "tests/harness/harness.h"

#define VERSION "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"}\n"
#define STATUS "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n"

struct rig {
	struct loop_set *loops;
	struct loop *loop;
	struct gw *gw;
	struct ctl_env env;
	struct ctl_server *server;
	char folder[64], path[100];
	bool stopped;
};

static const char *phase(void *arg)
{
	return "testing";
}

static int rig_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	const struct gw_limits limits = { .pool_bytes = GW_POOL_MIN_BYTES };
	struct gw_err err = GW_ERR_NONE;

	assert_non_null(rig);
	str_copy(rig->folder, sizeof(rig->folder), "/tmp/ctl-server-test-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	snprintf(rig->path, sizeof(rig->path), "%s/sock", rig->folder);
	if (loop_set_create(1, &drv_aio, &rig->loops, &err) ||
	    gw_create(rig->loops, &limits, &rig->gw, &err))
		fail_msg("%s", err.text);
	rig->loop = loop_set_get(rig->loops, 0);
	rig->env = (struct ctl_env){
		.gw = rig->gw,
		.pid = (uint32_t)getpid(),
		.uid = getuid(),
		.started = loop_now(rig->loop),
		.phase = phase,
	};
	if (ctl_server_create(rig->loop, rig->path, &rig->env, &rig->server, &err))
		fail_msg("%s", err.text);
	*state = rig;
	return 0;
}

static void turn(struct rig *rig)
{
	loop_turn(rig->loop, instant_add(loop_clock(rig->loop), span_ms(2)));
}

static void stopped(void *arg)
{
	((struct rig *)arg)->stopped = true;
}

static int rig_down(void **state)
{
	struct rig *rig = *state;
	struct stat st;

	ctl_server_stop(rig->server, stopped, rig);
	assert_false(rig->stopped);
	while (!rig->stopped)
		turn(rig);
	ctl_server_destroy(&rig->server);
	assert_int_equal(stat(rig->path, &st), -1); /* its file is gone */
	gw_destroy(&rig->gw);
	loop_set_destroy(&rig->loops);
	assert_int_equal(rmdir(rig->folder), 0);
	free(rig);
	return 0;
}

/* ---- the client --------------------------------------------------------- */

static int dial(struct rig *rig)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	str_copy(name.sun_path, sizeof(name.sun_path), rig->path);
	assert_true(sock >= 0);
	assert_int_equal(connect(sock, (struct sockaddr *)&name, sizeof(name)), 0);
	return sock;
}

/* Sends what the socket takes, turning the loop in between; false: the server
 * closed it. */
static bool say(struct rig *rig, int sock, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(sock, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
		turn(rig);
	}
	return true;
}

/* One line, without its end; "" at the end of the stream. */
static const char *hear(struct rig *rig, int sock)
{
	static char line[CTL_MSG_MAX];
	size_t len = 0;

	for (unsigned idle = 0; idle < 2000;) {
		ssize_t n = recv(sock, line + len, 1, 0);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return "";
		if (n < 0) {
			idle++;
			turn(rig);
		} else if (line[len++] == '\n') {
			line[len - 1] = '\0';
			return line;
		}
	}
	fail_msg("no answer");
	return NULL;
}

static void expect_line(struct rig *rig, int sock, const char *part)
{
	const char *line = hear(rig, sock);

	if (!strstr(line, part))
		fail_msg("'%s' is not in '%s'", part, line);
}

/* ---- cases -------------------------------------------------------------- */

static void answers_what_it_is_asked(void **state)
{
	struct rig *rig = *state;
	int sock = dial(rig);

	assert_true(say(rig, sock, VERSION, strlen(VERSION)));
	expect_line(rig, sock, "\"state\":\"testing\"");
	assert_true(say(rig, sock, STATUS, strlen(STATUS)));
	expect_line(rig, sock, "\"volumes\":[]");
	close(sock);
}

static void pieces_make_a_line(void **state)
{
	struct rig *rig = *state;
	int sock = dial(rig);

	for (size_t i = 0; i < strlen(STATUS); i++)
		assert_true(say(rig, sock, &STATUS[i], 1));
	expect_line(rig, sock, "\"loops\":[{");
	close(sock);
}

static void many_lines_are_answered_in_turn(void **state)
{
	struct rig *rig = *state;
	int sock = dial(rig);
	char text[100];

	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof(text),
			 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"status\"}\n", i);
		assert_int_equal(send(sock, text, strlen(text), 0), strlen(text));
	}
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "\"id\":%d,\"result\"", i);
		expect_line(rig, sock, text);
	}
	close(sock);
}

static void refusals_have_their_code(void **state)
{
	static const struct {
		const char *line, *part;
	} rows[] = {
		{ "\n", "-32700" },
		{ "junk\n", "-32700" },
		{ "[1]\n", "-32600" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"no\"}\n", "\"id\":\"q\"" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no\"}\n", "-32601" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":[]}\n",
		  "-32602" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":{\"x\":1}}\n",
		  "status takes no 'x'" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sessions\",\"params\":{\"volume\":1}}"
		  "\n",
		  "'protocol' and 'volume' are texts" },
	};
	struct rig *rig = *state;
	int sock = dial(rig);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(say(rig, sock, rows[i].line, strlen(rows[i].line)));
		expect_line(rig, sock, rows[i].part);
	}
	close(sock);
}

static void a_notification_is_not_answered(void **state)
{
	static const char note[] = "{\"jsonrpc\":\"2.0\",\"method\":\"status\"}\n";
	struct rig *rig = *state;
	int sock = dial(rig);

	assert_true(say(rig, sock, note, strlen(note)));
	assert_true(say(rig, sock, VERSION, strlen(VERSION)));
	expect_line(rig, sock, "\"id\":1,\"result\"");
	close(sock);
}

static void an_endless_line_is_ended(void **state)
{
	struct rig *rig = *state;
	int sock = dial(rig);
	char *much = malloc(2 * CTL_MSG_MAX);

	memset(much, 'x', 2 * CTL_MSG_MAX);
	say(rig, sock, much, 2 * CTL_MSG_MAX);
	/* The refusal may be lost with the bytes that nobody read. */
	assert_string_not_equal(hear(rig, sock), "result");
	while (*hear(rig, sock))
		;
	free(much);
	close(sock);
}

static void too_many_are_closed_and_others_live(void **state)
{
	struct rig *rig = *state;
	int socks[CTL_CONNS_MAX + 1];

	for (unsigned i = 0; i <= CTL_CONNS_MAX; i++) {
		socks[i] = dial(rig);
		turn(rig);
	}
	assert_string_equal(hear(rig, socks[CTL_CONNS_MAX]), "");
	for (unsigned i = 0; i <= CTL_CONNS_MAX; i++) {
		if (i < CTL_CONNS_MAX) {
			assert_true(say(rig, socks[i], VERSION, strlen(VERSION)));
			expect_line(rig, socks[i], "\"result\"");
		}
		close(socks[i]);
	}
	for (unsigned i = 0; i < 20; i++)
		turn(rig);
	socks[0] = dial(rig);
	assert_true(say(rig, socks[0], VERSION, strlen(VERSION)));
	expect_line(rig, socks[0], "\"result\"");
	close(socks[0]);
}

/* At every moment of a request and its answer. */
static void clients_that_vanish(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i <= strlen(STATUS); i++) {
		for (unsigned turns = 0; turns < 4; turns++) {
			int sock = dial(rig);

			for (unsigned t = 0; t < turns; t++)
				turn(rig);
			send(sock, STATUS, i, 0);
			close(sock);
		}
	}
	for (unsigned t = 0; t < 20; t++)
		turn(rig);
}

static void stops_with_clients_in_the_middle(void **state)
{
	struct rig *rig = *state;
	int idle = dial(rig), half = dial(rig), asked = dial(rig);

	assert_true(say(rig, half, STATUS, 10));
	turn(rig);
	assert_int_equal(send(asked, STATUS, strlen(STATUS), 0), strlen(STATUS));
	turn(rig);
	rig_down(state);
	close(idle);
	close(half);
	close(asked);
	rig_up(state);
}

static void a_path_in_use_is_named(void **state)
{
	struct rig *rig = *state;
	struct ctl_server *second;
	struct gw_err err = GW_ERR_NONE;

	assert_int_equal(ctl_server_create(rig->loop, rig->path, &rig->env, &second, &err),
			 -EADDRINUSE);
	assert_non_null(strstr(err.text, rig->path));
}

static void another_user_is_refused(void **state)
{
	struct rig *rig = *state;
	int sock;

	if (getuid() == 0)
		return; /* root may always */
	rig->env.uid = getuid() + 1;
	sock = dial(rig);
	expect_line(rig, sock, "-32001");
	assert_string_equal(hear(rig, sock), "");
	close(sock);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_up, rig_down)

HARNESS_MAIN(CASE(answers_what_it_is_asked), CASE(pieces_make_a_line),
	     CASE(many_lines_are_answered_in_turn), CASE(refusals_have_their_code),
	     CASE(a_notification_is_not_answered), CASE(an_endless_line_is_ended),
	     CASE(too_many_are_closed_and_others_live), CASE(clients_that_vanish),
	     CASE(stops_with_clients_in_the_middle), CASE(a_path_in_use_is_named),
	     CASE(another_user_is_refused))
