/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_pipe.h - one direction of a simulated stream.
 *
 *   buf:  head ─▶ [ arrived | on the way | unsent ]
 *                    │            │          └ as soon as the window has room
 *                    │            └ in segments, each with its instant
 *                    └ for the reader to consume
 *
 * Bytes arrive in order, in pieces of any size, after latency and bandwidth
 * had their say.  Who sends and who reads is sim_net.h's business.
 */
#ifndef TESTS_SIM_SIM_PIPE_H
#define TESTS_SIM_SIM_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "tests/sim/sim_world.h"

struct sim_segment {
	size_t bytes; /* 0: the end of the stream */
	uint64_t due_ns;
};

/* What is sent by reference: the reader gets what stands there when he looks. */
struct sim_late {
	TAILQ_ENTRY(sim_late) link;
	uint64_t from; /* of the stream */
	size_t bytes;
	void (*read)(const void *arg, uint64_t at, void *buf, size_t len);
	const void *arg;
	uint64_t at;
};
TAILQ_HEAD(sim_lates, sim_late);

struct sim_pipe {
	struct sim_world *world;
	struct sim_event event;
	void (*came)(struct sim_pipe *pipe); /* bytes, or the end, or room for more */
	uint8_t *buf;
	size_t room, head, arrived, flying, unsent;
	uint64_t consumed; /* since the beginning */
	struct sim_lates late; /* in the order of the stream */
	struct sim_segment *seg;
	size_t seg_first, seg_n, seg_room;
	size_t window;
	uint64_t latency_ns, ns_per_kib;
	uint64_t line_ns; /* when the line is free again */
	unsigned chop; /* 0 whole pieces .. 2 crumbs */
	bool end_asked, end_sent, end_arrived;
	bool dead;
};

void sim_pipe_init(struct sim_pipe *pipe, struct sim_world *world,
		   void (*came)(struct sim_pipe *pipe));
/* Everything in it is gone; harmless when repeated. */
void sim_pipe_kill(struct sim_pipe *pipe, bool keep_arrived);
/* Appends; never refused. */
void sim_pipe_send(struct sim_pipe *pipe, const void *buf, size_t len);
/* The last late->bytes but `behind` that were sent are by reference, all of them behind
 * the last ones of that kind: a copy of late is kept until they are consumed. */
void sim_pipe_late(struct sim_pipe *pipe, const struct sim_late *late, size_t behind);
/* No more will be sent; the reader hears of it after the last byte. */
void sim_pipe_end(struct sim_pipe *pipe);
/* What has arrived: its start; pipe->arrived bytes. */
const uint8_t *sim_pipe_data(struct sim_pipe *pipe);
void sim_pipe_consume(struct sim_pipe *pipe, size_t len);

#endif
