/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pair of virtual interfaces in a network of our own: `near` is the link's,
 * `far` the test's, which speaks over a plain packet socket.
 *
 *	loop_link ── near ══ veth ══ far ── link_rig_far_send(), _recv()
 */
#ifndef TESTS_UNIT_GATEWAY_LOOP_LINK_RIG_H
#define TESTS_UNIT_GATEWAY_LOOP_LINK_RIG_H

#include "gateway/loop/loop_link.h"
#include "tests/unit/gateway/loop/rig.h"

#define LINK_RIG_TYPE 0x88a2
#define LINK_RIG_MTU 9000
#define LINK_RIG_HEAD 36 /* bytes in the first piece of a slot */
#define LINK_RIG_SLOTS 256

#define LINK_RIG_NEAR ((const uint8_t[]){ 2, 0, 0, 0, 0, 1 })
#define LINK_RIG_FAR ((const uint8_t[]){ 2, 0, 0, 0, 0, 2 })
#define LINK_RIG_ALL ((const uint8_t[]){ 255, 255, 255, 255, 255, 255 })

struct link_slot {
	struct drv_frame frame;
	struct iovec iov[2];
	uint8_t head[LINK_RIG_HEAD], data[LINK_RIG_MTU];
};

struct link_rig {
	struct rig rig;
	struct loop_link link;
	int far; /* a socket */
	struct link_slot *slots; /* to lend: [0] .. [LINK_RIG_SLOTS - 1] */
	struct link_slot *out; /* to send */
	/* what was told; counted for rig_until() */
	int received, sent, changed, closed;
	struct link_slot *got[1024]; /* slots in the order in which they came back */
	int res[1024]; /* of frames sent */
	struct drv_link_facts was;
	bool close_when_received;
};

/* Puts the whole program into a network of its own, by starting it again; skips
 * all of it where that cannot be. */
void link_rig_enter(char **argv);
/* A shell command that must succeed; and one that may fail. */
void link_rig_sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool link_rig_try(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Capabilities 0 to 31 of those that it may have: 0 none, UINT32_MAX all. */
void link_rig_set_caps(uint32_t low);

void link_rig_veth(void); /* makes near and far, both up */
/* With loop, veth and far; then the link on an interface. */
void link_rig_up(struct link_rig *r, const struct drv_ops *drv);
void link_rig_open(struct link_rig *r, const char *name, unsigned rx_frames);
/* Until the link is up, all polls are armed, and nothing was told yet. */
void link_rig_settle(struct link_rig *r);
/* Closes the link if it is open, and all the rest. */
void link_rig_down(struct link_rig *r);

void link_rig_lend(struct link_rig *r, unsigned first, unsigned n);
/* A frame of that many bytes, numbered, from near to far, through the link. */
void link_rig_send(struct link_rig *r, unsigned number, size_t len);

/* A socket on an interface for the far side; each frame is `len` bytes, filled
 * by rig_fill(number) behind its header. */
int link_rig_socket(const char *name);
void link_rig_far_send(int sock, const uint8_t *to, unsigned number, size_t len);
/* The next frame at the far side: its length, or -1 if none comes in 200 ms. */
int link_rig_far_recv(int sock, uint8_t *buf, size_t room);
/* Is this the frame of that number? */
bool link_rig_is(const struct link_slot *slot, unsigned number, size_t len);

#endif
