/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames: the ways to receive Ethernet frames that are held against each other.
 * A way takes what waits on an interface; the frame's data must end where a
 * request would want it, in memory of our own.
 */
#ifndef TESTS_BENCH_FRAMES_H
#define TESTS_BENCH_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#define FRAMES_TYPE 0x88a2
#define FRAMES_HEAD 36u /* Ethernet, AoE and ATA header */
#define FRAMES_DATA 4096u
#define FRAMES_BURST 128u /* frames in flight */

struct frames_way {
	const char *name;
	/* Says why not on stderr.  batch: frames at once. */
	bool (*open)(const char *interface, unsigned batch);
	/* Takes what is there, perhaps nothing; returns how many. */
	unsigned (*take)(void);
	void (*close)(void);
};

extern const struct frames_way frames_recvmmsg; /* into place */
extern const struct frames_way frames_tpacket; /* TPACKET_V3, and a copy */
extern const struct frames_way frames_ring; /* recvmsg multishot, buffers stay ours */
extern const struct frames_way frames_link; /* gateway/loop/loop_link.h, io_uring */
extern const struct frames_way frames_link_aio; /* the same, epoll */

#endif
