/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop of the load client.  One thread.  With one connection it blocks in
 * recv itself, the lightest way there is; with several, or with bytes that
 * the socket did not take, in epoll.  The clock is read once per batch.
 */
#include "config.h"

#include "tests/bench/load_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/bench/load_cpu.h"

enum { EVENTS = 64, SILENCE_SECONDS = 30, DRAIN_SECONDS = 10 };

struct load_run {
	struct load_plan *plan;
	const struct load_proto *proto;
	struct load_tally *tally;
	struct load_conn *conns;
	uint32_t open; /* connections that were begun */
	bool *blocked; /* waits for POLLOUT, by connection */
	bool issue; /* false: let what is in flight end */
	int epoll;
	uint64_t now_ns, heard_ns;
};

/* What was used up to the start of the window. */
struct mark {
	uint64_t ns;
	double server_cpu, client_cpu;
};

static int watch(struct load_run *r, uint32_t i, bool out, int op)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = i };

	if (out)
		ev.events |= EPOLLOUT;
	r->blocked[i] = out;
	return epoll_ctl(r->epoll, op, r->conns[i].fd, &ev);
}

static int connect_all(struct load_run *r)
{
	struct load_plan *plan = r->plan;
	uint32_t i, k;

	for (i = 0; i < plan->conns; i++) {
		struct load_conn *c = &r->conns[i];

		r->open++;
		if (load_conn_init(c, plan, r->tally, i + 1) < 0 || r->proto->connect(c) < 0)
			return -1;
		for (k = c->depth; k > 0; k--)
			c->free_slots[c->free_count++] = k - 1;
		if (plan->region_bytes == 0 || plan->region_bytes > c->size_bytes)
			plan->region_bytes = c->size_bytes;
		if (watch(r, i, false, EPOLL_CTL_ADD) < 0)
			return -1;
	}
	if (plan->region_bytes >= plan->block_bytes)
		return 0;
	fprintf(stderr, "load: the volume is smaller than one request\n");
	return -1;
}

static int turn(struct load_run *r, uint32_t i, bool wait)
{
	struct load_conn *c = &r->conns[i];
	int left;

	if (r->proto->receive(c, wait) < 0)
		return -1;
	if (c->free_count > 0)
		r->heard_ns = c->now_ns;
	r->now_ns = c->now_ns;
	if (r->issue)
		load_conn_fill(c, r->proto);
	left = r->proto->flush(c);
	if (left < 0)
		return -1;
	if (r->blocked[i] != (left > 0))
		return watch(r, i, left > 0, EPOLL_CTL_MOD);
	return 0;
}

/* Wait for something, and deal with it. */
static int step(struct load_run *r)
{
	struct epoll_event ev[EVENTS];
	int i, n;

	if (r->plan->conns == 1 && !r->blocked[0])
		return turn(r, 0, true);
	n = epoll_wait(r->epoll, ev, EVENTS, 1000);
	if (n < 0 && errno != EINTR)
		return -1;
	if (n <= 0)
		r->now_ns = load_conn_clock_ns();
	for (i = 0; i < n; i++)
		if (turn(r, ev[i].data.u32, false) < 0)
			return -1;
	return 0;
}

static bool all_idle(const struct load_run *r)
{
	uint32_t i;

	for (i = 0; i < r->plan->conns; i++)
		if (r->conns[i].free_count != r->conns[i].depth)
			return false;
	return true;
}

static int run_until(struct load_run *r, uint64_t end_ns)
{
	while (r->now_ns < end_ns) {
		if (r->plan->ios_limit != UINT64_MAX && all_idle(r))
			break;
		if (step(r) < 0)
			return -1;
		if (r->now_ns - r->heard_ns < SILENCE_SECONDS * 1000000000ull)
			continue;
		fprintf(stderr, "load: no reply for %d s\n", SILENCE_SECONDS);
		return -1;
	}
	return 0;
}

static int drain(struct load_run *r)
{
	uint64_t end = r->now_ns + DRAIN_SECONDS * 1000000000ull;

	r->issue = false;
	while (!all_idle(r)) {
		if (step(r) < 0)
			return -1;
		if (r->now_ns < end)
			continue;
		fprintf(stderr, "load: requests left without reply\n");
		return -1;
	}
	return 0;
}

static double own_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static struct mark mark_now(const struct load_run *r)
{
	struct mark m = { .server_cpu = -1 };

	if (r->plan->server_pid > 0)
		m.server_cpu = load_cpu_seconds(r->plan->server_pid);
	m.client_cpu = own_cpu();
	m.ns = load_conn_clock_ns();
	return m;
}

static uint64_t later(uint64_t ns, double seconds)
{
	return ns + (uint64_t)(seconds * 1e9);
}

/* From here on it counts. */
static struct mark begin_window(struct load_run *r)
{
	struct mark m = mark_now(r);
	uint32_t i;

	memset(r->tally, 0, sizeof(*r->tally));
	for (i = 0; i < r->plan->conns; i++)
		r->conns[i].ios = 0;
	return m;
}

static void take_counts(const struct load_run *r, struct load_result *out)
{
	uint32_t i;

	out->tally = *r->tally;
	out->least_ios = out->most_ios = r->conns[0].ios;
	for (i = 1; i < r->plan->conns; i++) {
		uint64_t ios = r->conns[i].ios;

		out->least_ios = ios < out->least_ios ? ios : out->least_ios;
		out->most_ios = ios > out->most_ios ? ios : out->most_ios;
	}
}

static int measure(struct load_run *r, struct load_result *out)
{
	struct mark a, b;
	uint32_t i;

	r->issue = true;
	r->now_ns = r->heard_ns = load_conn_clock_ns();
	for (i = 0; i < r->plan->conns; i++)
		if (turn(r, i, false) < 0)
			return -1;
	if (run_until(r, later(r->now_ns, r->plan->warmup_seconds)) < 0)
		return -1;
	a = begin_window(r);
	if (run_until(r, later(a.ns, r->plan->seconds)) < 0)
		return -1;
	take_counts(r, out);
	b = mark_now(r);
	out->depth = r->conns[0].depth;
	out->seconds = (double)(b.ns - a.ns) / 1e9;
	out->client_cpu_seconds = b.client_cpu - a.client_cpu;
	out->server_cpu_seconds = -1;
	if (a.server_cpu >= 0 && b.server_cpu >= 0)
		out->server_cpu_seconds = b.server_cpu - a.server_cpu;
	return drain(r);
}

void load_run_end(struct load_run *r)
{
	uint32_t i;

	for (i = 0; i < r->open; i++) {
		r->proto->close(&r->conns[i]);
		load_conn_free(&r->conns[i]);
	}
	if (r->epoll >= 0)
		close(r->epoll);
	free(r->blocked);
	free(r->conns);
	free(r->tally);
	free(r);
}

int load_run_hold(struct load_run *r)
{
	uint64_t end;

	r->issue = false;
	r->now_ns = load_conn_clock_ns();
	end = later(r->now_ns, r->plan->hold_seconds);
	while (r->now_ns < end)
		if (step(r) < 0)
			return -1;
	return 0;
}

struct load_run *load_run(struct load_plan *plan, const struct load_proto *p,
			  struct load_result *out)
{
	struct load_run *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->plan = plan;
	r->proto = p;
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->tally = calloc(1, sizeof(*r->tally));
	r->conns = calloc(plan->conns, sizeof(*r->conns));
	r->blocked = calloc(plan->conns, sizeof(*r->blocked));
	if (r->tally && r->conns && r->blocked && r->epoll >= 0 && connect_all(r) == 0 &&
	    measure(r, out) == 0)
		return r;
	load_run_end(r);
	return NULL;
}
