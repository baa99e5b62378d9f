/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses as people write them: "192.0.2.1:10809", "[2001:db8::1]:10809",
 * "unix:/run/x.sock".  Pure: no name is looked up, no interface asked for.
 * What is refused is refused with a sentence that shows how to write it.
 */
#include "config.h"

#include "gateway/loop/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/base/str.h"

#define UNIX_WORD "unix:"
#define HOW "write ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH"

static int parse_unix(const char *text, const char *path, struct loop_addr *out, struct gw_err *err)
{
	if (!*path)
		return gw_err_set(err, EINVAL, "'%s': the path is missing; write unix:PATH", text);
	out->family = LOOP_ADDR_UNIX;
	if (!str_copy(out->path, sizeof(out->path), path))
		return gw_err_set(err, EINVAL,
				  "'%s': the path of a Unix socket has at most %zu bytes", text,
				  sizeof(out->path) - 1);
	return 0;
}

static int parse_port(const char *text, const char *digits, struct loop_addr *out,
		      struct gw_err *err)
{
	uint64_t port;

	if (!*digits)
		return gw_err_set(err, EINVAL, "'%s': the port is missing; " HOW, text);
	if (str_parse_u64(digits, &port) || port > UINT16_MAX)
		return gw_err_set(err, EINVAL, "'%s': '%s' is not a port (0 to 65535)", text,
				  digits);
	out->port = (uint16_t)port;
	return 0;
}

/* The number behind the % of "fe80::1%2"; names would have to be looked up. */
static int parse_scope(const char *text, const char *digits, struct loop_addr *out,
		       struct gw_err *err)
{
	uint64_t scope;

	if (str_parse_u64(digits, &scope) || scope > UINT32_MAX)
		return gw_err_set(err, EINVAL,
				  "'%s': '%s' is not the number of an interface (see 'ip link')",
				  text, digits);
	out->scope = (uint32_t)scope;
	return 0;
}

static int parse_inet6(const char *text, struct loop_addr *out, struct gw_err *err)
{
	const char *end = strchr(text, ']');
	char ip[INET6_ADDRSTRLEN + 12];
	struct str s = STR_IN(ip);
	char *percent;
	int rc;

	if (!end)
		return gw_err_set(err, EINVAL, "'%s': the ']' is missing; " HOW, text);
	str_add_n(&s, text + 1, (size_t)(end - text - 1));
	percent = strchr(ip, '%');
	if (percent) {
		*percent++ = 0;
		rc = parse_scope(text, percent, out, err);
		if (rc)
			return rc;
	}
	out->family = LOOP_ADDR_INET6;
	if (s.cut || inet_pton(AF_INET6, ip, out->ip) != 1)
		return gw_err_set(err, EINVAL, "'%s': '%s' is not an IPv6 address", text, ip);
	if (end[1] != ':')
		return gw_err_set(err, EINVAL, "'%s': the port is missing; " HOW, text);
	return parse_port(text, end + 2, out, err);
}

static int parse_inet(const char *text, struct loop_addr *out, struct gw_err *err)
{
	const char *colon = strrchr(text, ':');
	char ip[INET_ADDRSTRLEN];
	struct str s = STR_IN(ip);

	if (!colon)
		return gw_err_set(err, EINVAL, "'%s' is not an address; " HOW, text);
	if (memchr(text, ':', (size_t)(colon - text)))
		return gw_err_set(err, EINVAL, "'%s': an IPv6 address stands in brackets; " HOW,
				  text);
	str_add_n(&s, text, (size_t)(colon - text));
	out->family = LOOP_ADDR_INET;
	if (s.cut || inet_pton(AF_INET, ip, out->ip) != 1)
		return gw_err_set(err, EINVAL,
				  "'%s': '%.*s' is not an IPv4 address (names are not looked up)",
				  text, (int)(colon - text), text);
	return parse_port(text, colon + 1, out, err);
}

int loop_addr_parse(const char *text, struct loop_addr *out, struct gw_err *err)
{
	struct loop_addr addr = { 0 };
	int rc;

	if (str_starts(text, UNIX_WORD))
		rc = parse_unix(text, text + strlen(UNIX_WORD), &addr, err);
	else if (*text == '[')
		rc = parse_inet6(text, &addr, err);
	else
		rc = parse_inet(text, &addr, err);
	if (!rc)
		*out = addr;
	return rc;
}

const char *loop_addr_format(const struct loop_addr *addr, char *buf, size_t len)
{
	struct str s = str_begin(buf, len);
	char ip[INET6_ADDRSTRLEN];

	switch (addr->family) {
	case LOOP_ADDR_INET:
		inet_ntop(AF_INET, addr->ip, ip, sizeof(ip));
		str_addf(&s, "%s:%u", ip, addr->port);
		break;
	case LOOP_ADDR_INET6:
		inet_ntop(AF_INET6, addr->ip, ip, sizeof(ip));
		str_addf(&s, "[%s", ip);
		if (addr->scope)
			str_addf(&s, "%%%u", addr->scope);
		str_addf(&s, "]:%u", addr->port);
		break;
	case LOOP_ADDR_UNIX:
		str_addf(&s, UNIX_WORD "%s", addr->path);
		break;
	case LOOP_ADDR_NONE:
		str_add(&s, "nowhere");
		break;
	}
	return buf;
}

const char *loop_peer_format(const struct loop_peer *peer, char *buf, size_t len)
{
	struct str s;

	if (peer->addr.family != LOOP_ADDR_UNIX)
		return loop_addr_format(&peer->addr, buf, len);
	s = str_begin(buf, len);
	str_addf(&s, UNIX_WORD "pid %u uid %u", peer->pid, peer->uid);
	return buf;
}

bool loop_addr_is_any(const struct loop_addr *addr)
{
	static const uint8_t any[16];

	return (addr->family == LOOP_ADDR_INET && !memcmp(addr->ip, any, 4)) ||
	       (addr->family == LOOP_ADDR_INET6 && !memcmp(addr->ip, any, 16));
}

const char *loop_addr_host(const struct loop_addr *addr, char *buf, size_t len)
{
	char text[LOOP_ADDR_TEXT];
	const char *colon;

	if (loop_addr_is_any(addr)) {
		snprintf(buf, len, "localhost");
	} else if (addr->family == LOOP_ADDR_INET || addr->family == LOOP_ADDR_INET6) {
		loop_addr_format(addr, text, sizeof(text));
		colon = strrchr(text, ':');
		snprintf(buf, len, "%.*s", (int)(colon ? colon - text : 0), text);
	} else {
		snprintf(buf, len, "%s", "");
	}
	return buf;
}
