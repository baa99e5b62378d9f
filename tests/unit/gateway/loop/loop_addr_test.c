/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses: what is taken comes back the same, what is refused is refused
 * with a sentence that names the word and the cause.
 */
#include "config.h"

#include "tests/harness/harness.h"

#include <errno.h>
#include <string.h>

#include "gateway/loop/loop.h"

static void taken(void **state)
{
	static const struct {
		const char *text, *back;
		int family;
	} rows[] = {
		{ "127.0.0.1:10809", NULL, LOOP_ADDR_INET },
		{ "0.0.0.0:0", NULL, LOOP_ADDR_INET },
		{ "255.255.255.255:65535", NULL, LOOP_ADDR_INET },
		{ "[::1]:10809", NULL, LOOP_ADDR_INET6 },
		{ "[::]:0", NULL, LOOP_ADDR_INET6 },
		{ "[2001:DB8:0:0::1]:1", "[2001:db8::1]:1", LOOP_ADDR_INET6 },
		{ "[fe80::1%7]:3260", NULL, LOOP_ADDR_INET6 },
		{ "[::ffff:192.0.2.1]:5", NULL, LOOP_ADDR_INET6 },
		{ "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295]:65535",
		  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535", LOOP_ADDR_INET6 },
		{ "unix:/run/x.sock", NULL, LOOP_ADDR_UNIX },
		{ "unix:a", NULL, LOOP_ADDR_UNIX },
		{ "unix:with:colon]", NULL, LOOP_ADDR_UNIX },
	};
	char back[LOOP_ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct loop_addr addr;
		struct gw_err err = GW_ERR_NONE;

		if (loop_addr_parse(rows[i].text, &addr, &err))
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_int_equal(addr.family, rows[i].family);
		assert_string_equal(loop_addr_format(&addr, back, sizeof(back)),
				    rows[i].back ? rows[i].back : rows[i].text);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "'' is not an address; write ADDRESS:PORT" },
		{ "10809", "'10809' is not an address" },
		{ "127.0.0.1", "is not an address" },
		{ "127.0.0.1:", "the port is missing" },
		{ "127.0.0.1:65536", "'65536' is not a port (0 to 65535)" },
		{ "127.0.0.1:-1", "'-1' is not a port" },
		{ "127.0.0.1:+1", "'+1' is not a port" },
		{ "127.0.0.1: 1", "' 1' is not a port" },
		{ "127.0.0.1:1x", "'1x' is not a port" },
		{ "127.0.0.1:99999999999999999999", "is not a port" },
		{ ":10809", "'' is not an IPv4 address" },
		{ "127.0.0:1", "'127.0.0' is not an IPv4 address" },
		{ "127.0.0.256:1", "is not an IPv4 address" },
		{ "localhost:10809", "names are not looked up" },
		{ "a-very-long-name-that-is-no-address.example.net:1", "names are not looked up" },
		{ "::1:10809", "stands in brackets" },
		{ "[::1]", "the port is missing" },
		{ "[::1]10809", "the port is missing" },
		{ "[::1]:", "the port is missing" },
		{ "[::1:10809", "the ']' is missing" },
		{ "[", "the ']' is missing" },
		{ "[]:1", "'' is not an IPv6 address" },
		{ "[127.0.0.1]:1", "'127.0.0.1' is not an IPv6 address" },
		{ "[fe80::1%eth0]:1", "'eth0' is not the number of an interface" },
		{ "[fe80::1%]:1", "'' is not the number of an interface" },
		{ "[fe80::1%4294967296]:1", "is not the number of an interface" },
		{ "[1:2:3:4:5:6:7:8:9]:1", "is not an IPv6 address" },
		{ "[11111111111111111111111111111111111111111111111111111111111111]:1",
		  "is not an IPv6 address" },
		{ "unix:", "the path is missing; write unix:PATH" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct loop_addr addr = { .port = 77 };
		struct gw_err err = GW_ERR_NONE;

		assert_int_equal(loop_addr_parse(rows[i].text, &addr, &err), -EINVAL);
		if (!strstr(err.text, rows[i].says))
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_int_equal(addr.port, 77); /* untouched */
	}
}

static void every_port(void **state)
{
	char text[32], back[LOOP_ADDR_TEXT];
	struct loop_addr addr;

	(void)state;
	for (unsigned port = 0; port <= UINT16_MAX; port++) {
		snprintf(text, sizeof(text), "10.1.2.3:%u", port);
		assert_int_equal(loop_addr_parse(text, &addr, NULL), 0);
		assert_int_equal(addr.port, port);
		assert_string_equal(loop_addr_format(&addr, back, sizeof(back)), text);
	}
}

static void length_of_a_path(void **state)
{
	char text[200] = "unix:";
	struct loop_addr addr;
	struct gw_err err = GW_ERR_NONE;

	(void)state;
	for (size_t n = 1; n < 150; n++) {
		memset(text + 5, 'p', n);
		text[5 + n] = 0;
		assert_int_equal(loop_addr_parse(text, &addr, &err), n <= 107 ? 0 : -EINVAL);
	}
	assert_non_null(strstr(err.text, "has at most 107 bytes"));
}

static void peers(void **state)
{
	struct loop_peer peer = { .uid = 3, .pid = 12 };
	char text[LOOP_ADDR_TEXT];

	(void)state;
	peer.addr.family = LOOP_ADDR_UNIX;
	assert_string_equal(loop_peer_format(&peer, text, sizeof(text)), "unix:pid 12 uid 3");
	assert_int_equal(loop_addr_parse("192.0.2.1:4711", &peer.addr, NULL), 0);
	assert_string_equal(loop_peer_format(&peer, text, sizeof(text)), "192.0.2.1:4711");
	peer.addr = (struct loop_addr){ 0 };
	assert_string_equal(loop_peer_format(&peer, text, sizeof(text)), "nowhere");
}

HARNESS_MAIN(cmocka_unit_test(taken), cmocka_unit_test(refused), cmocka_unit_test(every_port),
	     cmocka_unit_test(length_of_a_path), cmocka_unit_test(peers))
