/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_msg.h - what client and daemon say to each other: JSON-RPC 2.0.
 *
 * One message is one line of JSON, ended by a newline, at most CTL_MSG_MAX bytes
 * long with it, in both directions; batches are not spoken.  Pure: bytes and
 * values, no socket.  This header is also the client's door to the rest of what
 * both must know: the verbs, where the sockets lie, how a size is written.
 *
 *	{"jsonrpc":"2.0","id":1,"method":"status","params":{}}
 *	{"jsonrpc":"2.0","id":1,"result":{...}}
 *	{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"..."}}
 */
#ifndef GATEWAY_CTL_CTL_MSG_H
#define GATEWAY_CTL_CTL_MSG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"
#include "gateway/ctl/ctl_human.h"
#include "gateway/ctl/ctl_path.h"
#include "gateway/ctl/ctl_verbs.h"

#define CTL_MSG_MAX (1u << 20)
#define CTL_MSG_DEPTH_MAX 32 /* brackets inside brackets */

/* JSON-RPC 2.0, 5.1; the last two are ours. */
enum ctl_code {
	CTL_PARSE_ERROR = -32700,
	CTL_INVALID_REQUEST = -32600,
	CTL_METHOD_NOT_FOUND = -32601,
	CTL_INVALID_PARAMS = -32602,
	CTL_INTERNAL_ERROR = -32603,
	CTL_FAILED = -32000, /* the verb was tried and failed */
	CTL_DENIED = -32001 /* not for this user */
};

struct ctl_request {
	json_t *whole; /* what the others point into */
	json_t *id; /* null: a notification, which is not answered */
	const char *method;
	json_t *params; /* an object, or null */
};

/* The line at the front of the bytes, its newline included; 0: it is not whole. */
size_t ctl_msg_line(const char *bytes, size_t len);

/* 0, or the code of the refusal with a sentence; out->id is then set where the
 * bytes held one (a reply is possible).  Ends with ctl_msg_request_end() both ways. */
int ctl_msg_parse_request(const char *bytes, size_t len, struct ctl_request *out,
			  struct gw_err *err);
void ctl_msg_request_end(struct ctl_request *request);

/* Lines with their newline, for free(); null: no memory, or over CTL_MSG_MAX.
 * An id of null is JSON's null; result and params are borrowed. */
char *ctl_msg_result(json_t *id, json_t *result);
char *ctl_msg_error(json_t *id, int code, const char *text);
char *ctl_msg_request(unsigned id, const char *method, json_t *params);

/* The client: 0 and the result (a reference of the caller's), or -errno and the
 * daemon's own sentence (-EREMOTEIO) or what is wrong with the reply (-EPROTO). */
int ctl_msg_parse_reply(const char *bytes, size_t len, unsigned id, json_t **result,
			struct gw_err *err);

#endif
