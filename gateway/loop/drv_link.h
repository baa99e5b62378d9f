/* SPDX-License-Identifier: BSD-3-Clause
 *
 * drv_link.h - Ethernet frames of one type on one interface: what a driver
 * must do beside drv.h.
 *
 * None of these calls blocks and none ends later: a batch is taken, a batch is
 * given.  When to ask is told by DRV_POLL (drv.h) on the two descriptors of a
 * struct drv_link: `sock` has frames, `news` has word of interfaces.  Fulfilled
 * by drv_host_link.c for both real drivers, and by the simulation's Ethernet.
 * Neighbour above: loop_link.h, which everybody else uses.
 */
#ifndef GATEWAY_LOOP_DRV_LINK_H
#define GATEWAY_LOOP_DRV_LINK_H

#include <sys/queue.h>

#include "gateway/loop/drv.h"

#define DRV_LINK_NAME 16 /* bytes of an interface's name, the zero included */
#define DRV_LINK_BATCH 64u /* frames in one system call */
#define DRV_LINK_PIECES 2u /* of a frame: header and data */
#define DRV_LINK_HEADER 14u /* destination, source, type; the MTU is without it */

/* What an interface is at a moment. */
struct drv_link_facts {
	uint32_t index; /* the kernel's number; 0: nothing bears the name now */
	uint32_t mtu_bytes; /* behind the header; 0 where there is no interface */
	bool up; /* by the administrator's will, and there is a carrier */
	uint8_t mac[6];
};

/* A frame that is to come, came, or is to go.  Embedded in its owner's object,
 * which is borrowed together with the iovec array and the memory behind it. */
struct drv_frame {
	/* The frame from its destination address on, without FCS: all of it, or its
	 * header of less than 64 KiB and its data.  Nobody changes the array: it may be
	 * lent or sent again as it is. */
	struct iovec *iov;
	unsigned niov; /* 1 .. DRV_LINK_PIECES */
	/* of a frame that came */
	bool cut; /* the iovec array was too short for it */
	uint32_t bytes; /* on the wire; with `cut` more than there is in memory */
	struct instant came; /* as drv_link_want.stamped says; never later than now */
	/* of a frame that went: 0, or -errno: it was dropped on this machine */
	int res;
	STAILQ_ENTRY(drv_frame) link;
};

/* Embedded in its owner's object; filled by open(), emptied by close(). */
struct drv_link {
	char name[DRV_LINK_NAME];
	uint16_t ethertype;
	bool stamped;
	int sock, news; /* for DRV_POLL alone; -1: closed */
	int out; /* the driver's own */
	uint32_t index; /* what it is bound to; 0: to nothing */
};

struct drv_link_want {
	const char *name; /* eth0, eth0.5, bond0, ... */
	uint16_t ethertype;
	/* Frames for which the kernel should have room in each direction. */
	unsigned rx_frames, tx_frames;
	/* `came` is when the kernel had a frame, so that those of several links have one
	 * order; it costs a fifteenth of a frame.  Otherwise: when it was taken. */
	bool stamped;
};

struct drv_links;

/* All of them on the link's home loop. */
struct drv_link_ops {
	/* 0, or -errno with a sentence: no such interface (-ENODEV), no Ethernet
	 * (-EINVAL), no privilege (-EPERM).  Only this call needs CAP_NET_RAW.  A
	 * kernel that gives less room than was wanted is told of in the log. */
	int (*open)(struct drv_links *links, const struct drv_link_want *want,
		    struct drv_link *link, struct drv_link_facts *facts, struct gw_err *err);
	/* No poll may be armed on it. */
	void (*close)(struct drv_links *links, struct drv_link *link);
	/* Takes away what waits at `news`.  False: more of it may wait. */
	bool (*hear)(struct drv_links *links, struct drv_link *link);
	/* The facts of now; binds the link to whatever bears the name by now. */
	void (*look)(struct drv_links *links, struct drv_link *link, struct drv_link_facts *facts);
	/* The next frames that others sent to this interface, or to all: at most n
	 * (1 .. DRV_LINK_BATCH) into frames[], in their order.  Less than n: none is
	 * left.  Our own do not come back, nor does what belongs to a VLAN of this
	 * interface or to another address. */
	unsigned (*take)(struct drv_links *links, struct drv_link *link,
			 struct drv_frame *const *frames, unsigned n);
	/* Hands over n (1 .. DRV_LINK_BATCH), each with its res.  Nothing of them is
	 * used afterwards. */
	void (*give)(struct drv_links *links, struct drv_link *link,
		     struct drv_frame *const *frames, unsigned n);
	/* Frames that the kernel dropped for want of room since this was asked last. */
	uint32_t (*lost)(struct drv_links *links, struct drv_link *link);
};

/* Every object that makes links begins with its ops. */
struct drv_links {
	const struct drv_link_ops *ops;
};

#endif
