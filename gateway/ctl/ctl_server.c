/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_server.c - the control socket.  Promises in ctl_server.h.
 *
 * A connection does one thing at a time, and whatever has ended defers the step
 * that looks what comes next.  Nothing of it is on the path of an I/O.
 *
 *	   ┌──▶ receive ──line──▶ call ──▶ send ──┐
 *	   └───────────────────────────────────────┘
 *	   any of them, on end of stream, error or deadline ──▶ closing ──▶ freed
 */
#include "config.h"

#include "gateway/ctl/ctl_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "gateway/base/log.h"
#include "gateway/base/str.h"
#include "gateway/ctl/ctl_msg.h"

#define TAG GW_TAG('c', 't', 'l', 's')
#define CONN_TAG GW_TAG('c', 't', 'l', 'c')
#define ROOM_FIRST 4096u
#define RETRY_MS 1000 /* where accept() failed */

#define container(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

struct conn {
	uint32_t tag;
	struct ctl_server *server;
	int sock;
	struct drv_op recv, send;
	struct iovec iov;
	char *in; /* what was received and not obeyed yet */
	size_t in_len, in_room;
	char *reply; /* to be sent, or being sent */
	struct ctl_request request;
	struct ctl_call call;
	struct loop_timer deadline;
	struct loop_task step;
	bool receiving, sending, calling; /* at most one */
	bool last; /* close after this reply */
	bool closing;
	TAILQ_ENTRY(conn) link;
};

struct ctl_server {
	uint32_t tag;
	struct loop *loop;
	const struct ctl_env *env;
	int sock;
	bool accepting;
	struct drv_op accept;
	struct loop_timer retry;
	TAILQ_HEAD(, conn) conns;
	unsigned n_conns;
	bool stopping;
	void (*stopped)(void *arg);
	void *arg;
	struct loop_task stop_task;
};

/* ---- a connection ------------------------------------------------------- */

static void conn_wake(struct conn *c)
{
	loop_defer(c->server->loop, &c->step);
}

static void conn_close(struct conn *c)
{
	if (!c->closing)
		loop_sock_shut(c->server->loop, c->sock);
	c->closing = true;
	conn_wake(c);
}

static void conn_free(struct conn *c)
{
	struct ctl_server *s = c->server;

	TAILQ_REMOVE(&s->conns, c, link);
	s->n_conns--;
	loop_timer_disarm(s->loop, &c->deadline);
	loop_defer_cancel(s->loop, &c->step);
	loop_sock_close(s->loop, c->sock);
	ctl_msg_request_end(&c->request);
	free(c->in);
	free(c->reply);
	gw_tag_wipe(c);
	free(c);
	if (s->stopping)
		loop_defer(s->loop, &s->stop_task);
}

static void conn_too_slow(struct loop_timer *timer)
{
	conn_close(container(struct conn, deadline, timer));
}

static void conn_arm_deadline(struct conn *c)
{
	struct loop *loop = c->server->loop;

	loop_timer_arm(loop, &c->deadline, instant_add(loop_now(loop), span_s(CTL_DEADLINE_S)));
}

static void conn_received(struct drv_op *op, int64_t res)
{
	struct conn *c = container(struct conn, recv, op);

	gw_tag_check(c, CONN_TAG);
	c->receiving = false;
	if (res > 0)
		c->in_len += (size_t)res;
	else
		conn_close(c);
	conn_wake(c);
}

/* Room for more of a line; false: the line is too long, or there is no memory. */
static bool conn_make_room(struct conn *c)
{
	size_t more = c->in_room ? 2 * c->in_room : ROOM_FIRST;
	char *in;

	if (c->in_len < c->in_room)
		return true;
	if (more > CTL_MSG_MAX)
		return false;
	in = realloc(c->in, more);
	if (!in)
		return false;
	c->in = in;
	c->in_room = more;
	return true;
}

/* A fresh connection waits for its first line as long as an old one for its
 * next; the clock is not set back by single bytes. */
static void conn_receive(struct conn *c)
{
	if (!conn_make_room(c)) {
		c->reply = ctl_msg_error(NULL, CTL_PARSE_ERROR, "a request is at most 1 MiB long");
		c->last = true;
		conn_wake(c);
		return;
	}
	if (!loop_timer_armed(&c->deadline))
		conn_arm_deadline(c);
	c->iov = (struct iovec){ c->in + c->in_len, c->in_room - c->in_len };
	c->recv = (struct drv_op){
		.done = conn_received,
		.kind = DRV_RECV,
		.sock = c->sock,
		.iov = &c->iov,
		.niov = 1,
	};
	c->receiving = true;
	loop_submit(c->server->loop, &c->recv);
}

static void conn_sent(struct drv_op *op, int64_t res)
{
	struct conn *c = container(struct conn, send, op);

	gw_tag_check(c, CONN_TAG);
	c->sending = false;
	loop_timer_disarm(c->server->loop, &c->deadline);
	free(c->reply);
	c->reply = NULL;
	if (res < 0 || c->last)
		conn_close(c);
	conn_wake(c);
}

static void conn_send(struct conn *c)
{
	conn_arm_deadline(c);
	c->iov = (struct iovec){ c->reply, strlen(c->reply) };
	c->send = (struct drv_op){
		.done = conn_sent,
		.kind = DRV_SEND,
		.sock = c->sock,
		.iov = &c->iov,
		.niov = 1,
	};
	c->sending = true;
	loop_submit(c->server->loop, &c->send);
}

/* ---- a call ------------------------------------------------------------- */

static void conn_set_error(struct conn *c, int code, const char *text)
{
	c->reply = ctl_msg_error(c->request.id, code, text);
	if (!c->reply)
		conn_close(c); /* no memory */
}

static void conn_called(struct ctl_call *call)
{
	struct conn *c = container(struct conn, call, call);

	gw_tag_check(c, CONN_TAG);
	c->calling = false;
	if (!c->request.id)
		; /* a notification wants no answer */
	else if (call->code)
		conn_set_error(c, call->code, call->err.text);
	else
		c->reply = ctl_msg_result(c->request.id, call->result);
	if (c->request.id && !c->reply && !c->closing)
		conn_set_error(c, CTL_INTERNAL_ERROR, "the reply does not fit into a message");
	json_decref(call->result);
	call->result = NULL;
	ctl_msg_request_end(&c->request);
	conn_wake(c);
}

static void conn_call(struct conn *c, size_t line)
{
	struct gw_err err = GW_ERR_NONE;
	int code = ctl_msg_parse_request(c->in, line, &c->request, &err);

	loop_timer_disarm(c->server->loop, &c->deadline);
	c->in_len -= line;
	memmove(c->in, c->in + line, c->in_len);
	if (code) {
		conn_set_error(c, code, err.text);
		ctl_msg_request_end(&c->request);
		conn_wake(c);
		return;
	}
	c->call = (struct ctl_call){
		.env = c->server->env,
		.params = c->request.params,
		.done = conn_called,
	};
	c->calling = true;
	ctl_cmds_run(&c->call, c->request.method);
}

static void conn_step(struct loop_task *task)
{
	struct conn *c = container(struct conn, step, task);
	size_t line;

	gw_tag_check(c, CONN_TAG);
	if (c->receiving || c->sending || c->calling)
		return;
	if (c->closing) {
		conn_free(c);
		return;
	}
	line = ctl_msg_line(c->in, c->in_len);
	if (c->reply)
		conn_send(c);
	else if (line)
		conn_call(c, line);
	else
		conn_receive(c);
}

/* ---- the listener ------------------------------------------------------- */

static bool is_welcome(const struct ctl_server *s, const struct loop_peer *peer)
{
	return peer->uid == 0 || peer->uid == s->env->uid;
}

static void turn_away(struct conn *c, const struct loop_peer *peer)
{
	char who[LOOP_ADDR_TEXT];

	log_warn(CONTROL, "%s may not use the control socket",
		 loop_peer_format(peer, who, sizeof(who)));
	conn_set_error(c, CTL_DENIED, "only root and the daemon's own user may do this");
	c->last = true;
}

static void welcome(struct ctl_server *s, int sock)
{
	struct loop_peer peer = { .uid = UINT32_MAX };
	struct conn *c = NULL;

	if (!s->stopping && s->n_conns < CTL_CONNS_MAX)
		c = calloc(1, sizeof(*c));
	if (!c || loop_sock_peer(s->loop, sock, &peer)) {
		free(c);
		loop_sock_close(s->loop, sock);
		return;
	}
	gw_tag_set(c, CONN_TAG);
	c->server = s;
	c->sock = sock;
	c->step.run = conn_step;
	loop_timer_init(&c->deadline, conn_too_slow);
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	s->n_conns++;
	if (!is_welcome(s, &peer))
		turn_away(c, &peer);
	conn_wake(c);
}

static void accepted(struct drv_op *op, int64_t res)
{
	struct ctl_server *s = container(struct ctl_server, accept, op);

	gw_tag_check(s, TAG);
	if (res >= 0) {
		welcome(s, (int)res);
		return;
	}
	s->accepting = false;
	if (s->stopping) {
		loop_defer(s->loop, &s->stop_task);
		return;
	}
	log_warn(CONTROL, "cannot accept on the control socket: %s", strerror((int)-res));
	loop_timer_arm(s->loop, &s->retry, instant_add(loop_now(s->loop), span_ms(RETRY_MS)));
}

static void begin_accept(struct loop_timer *timer)
{
	struct ctl_server *s = container(struct ctl_server, retry, timer);

	s->accept = (struct drv_op){ .done = accepted, .kind = DRV_ACCEPT, .sock = s->sock };
	s->accepting = true;
	loop_submit(s->loop, &s->accept);
}

static void stop_step(struct loop_task *task)
{
	struct ctl_server *s = container(struct ctl_server, stop_task, task);

	if (s->accepting || s->n_conns || !s->stopped)
		return;
	loop_sock_close(s->loop, s->sock);
	s->sock = -1;
	s->stopped(s->arg);
}

int ctl_server_create(struct loop *loop, const char *path, const struct ctl_env *env,
		      struct ctl_server **out, struct gw_err *err)
{
	struct loop_addr addr = { .family = LOOP_ADDR_UNIX };
	struct ctl_server *s;
	int rc;

	if (!str_copy(addr.path, sizeof(addr.path), path))
		return gw_err_set(err, ENAMETOOLONG,
				  "%s: the path of a control socket has at most %zu bytes", path,
				  sizeof(addr.path) - 1);
	s = calloc(1, sizeof(*s));
	if (!s)
		return gw_err_set(err, ENOMEM, "no memory for the control socket");
	rc = loop_listen(loop, &addr, &s->sock, err);
	if (rc) {
		free(s);
		gw_err_prefix(err, "control socket");
		return rc;
	}
	gw_tag_set(s, TAG);
	s->loop = loop;
	s->env = env;
	s->stop_task.run = stop_step;
	TAILQ_INIT(&s->conns);
	loop_timer_init(&s->retry, begin_accept);
	begin_accept(&s->retry);
	*out = s;
	return 0;
}

void ctl_server_stop(struct ctl_server *s, void (*done)(void *arg), void *arg)
{
	struct conn *c;

	gw_tag_check(s, TAG);
	s->stopping = true;
	s->stopped = done;
	s->arg = arg;
	loop_timer_disarm(s->loop, &s->retry);
	if (s->accepting)
		loop_cancel(s->loop, &s->accept);
	TAILQ_FOREACH (c, &s->conns, link)
		conn_close(c);
	loop_defer(s->loop, &s->stop_task);
}

void ctl_server_destroy(struct ctl_server **address)
{
	struct ctl_server *s = *address;

	if (!s)
		return;
	gw_tag_check(s, TAG);
	GW_CHECK(s->sock < 0);
	gw_tag_wipe(s);
	free(s);
	*address = NULL;
}
