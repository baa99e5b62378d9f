/* SPDX-License-Identifier: BSD-3-Clause
 *
 * drv.h - the only door to the kernel: what a driver must do.
 *
 * Three drivers fulfil it: drv_uring (io_uring), drv_aio (epoll, helper
 * threads, libaio for O_DIRECT) and tests/sim/drv_sim (virtual time, network
 * and disks from a seed).  Above this header the daemon is the same over all
 * of them.  Below it stands only the kernel.  Neighbour above: loop.h, whose
 * wrappers are what everybody else calls.
 */
#ifndef GATEWAY_LOOP_DRV_H
#define GATEWAY_LOOP_DRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "gateway/base/clock.h"
#include "gateway/base/err.h"

struct loop;
struct drv;
struct drv_op;
struct drv_file;
struct drv_fs;
struct drv_links;
struct loop_pool;

/* A closure on its way to another loop; embedded, owned by the receiver from
 * post() until run() is entered, then free for use again. */
struct loop_mail {
	void (*run)(struct loop_mail *mail);
	struct loop_mail *next;
	uint64_t due; /* the simulation's */
};

/*
 * One operation in flight.  It is embedded in its owner's object; the driver
 * borrows it, its iovec array and the memory behind it from submit() until
 * done() is called.  done() is called exactly once per submit (ACCEPT and POLL:
 * once per event, see below), on the loop's thread, never from inside submit().
 * From done() the owner may submit the same op again.
 *
 *      idle ──submit──▶ in flight ──done(res)──▶ idle
 *                           │ cancel                ▲
 *                           └──── done(-ECANCELED) ─┘
 */
enum drv_kind {
	DRV_ACCEPT, /* res >= 0: a new socket, op stays armed; res < 0: op is idle */
	/* res > 0: poll(2) events on a foreign descriptor, stays armed.  Told
	 * once when armed if it is ready, then once per change: read until it
	 * would block, or cancel and submit again. */
	DRV_POLL,
	DRV_RECV, /* res: bytes, 0 = end of stream, -errno */
	DRV_SEND, /* res: all bytes of the iovec, or -errno */
	DRV_READ, /* res: bytes, short only at the end of the file, or -errno */
	DRV_WRITE, /* res: all bytes, or -errno (what was written is unknown) */
	DRV_SYNC, /* res: 0 or -errno: everything written before is durable */
	DRV_JOB, /* job() runs on a helper thread and may block; res: its value */
};

enum drv_flag {
	DRV_ALL = 1, /* RECV: exactly the bytes of the iovec, or 0 / -errno */
	DRV_DURABLE = 2, /* WRITE: on stable storage before done() (RWF_DSYNC) */
	DRV_FIXED_RETRY = 4 /* reserved for the driver */
};

#define DRV_REFER_BYTES 32768u /* for less the calls cost more than copying */

typedef void drv_done_fn(struct drv_op *op, int64_t res);
typedef int64_t drv_job_fn(struct drv_op *op);

struct drv_op {
	drv_done_fn *done;
	uint8_t kind; /* enum drv_kind */
	uint8_t flags; /* enum drv_flag */
	uint8_t busy; /* the driver's; 0 before the first submit */
	int sock; /* ACCEPT POLL RECV SEND */
	short events; /* POLL */
	union {
		/* READ WRITE SYNC.  SEND: null, or the file whose lent bytes may be
		 * among these: elements from DRV_REFER_BYTES on may be sent by
		 * reference, and are then what they are when the peer takes them */
		struct drv_file *file;
		drv_job_fn *job; /* JOB */
	};
	struct iovec *iov; /* RECV SEND READ WRITE; the driver may change the array */
	unsigned niov;
	uint64_t offset; /* READ WRITE: bytes into the file */
	/* the driver's own until done() */
	struct drv_op *next;
	union {
		uint64_t priv[5];
		struct loop_mail mail; /* with a helper, or on the way back */
	};
};

/* An address to listen on.  Made by loop_addr_parse(). */
struct loop_addr {
	enum { LOOP_ADDR_NONE, LOOP_ADDR_INET, LOOP_ADDR_INET6, LOOP_ADDR_UNIX } family;
	uint8_t ip[16]; /* network order; INET uses the first 4 */
	uint32_t scope; /* INET6 */
	uint16_t port;
	char path[108]; /* UNIX */
};

/* What a ring held - sockets, locks, devices - outlives a killed process, for the
 * kernel takes rings apart later.  So what is in use, but by nobody that lives, is
 * worth asking for again: in such steps, for so long. */
#define DRV_LINGER_MS 2000u
#define DRV_LINGER_STEP_MS 20u

/* Who is at the other end. */
struct loop_peer {
	struct loop_addr addr;
	uint32_t uid, gid, pid; /* UNIX: credentials; otherwise (uint32_t)-1 */
};

enum drv_poll_flag { DRV_POLL_IN = 1, DRV_POLL_OUT = 4 };

struct drv_ops {
	const char *name;
	bool helpers; /* wants a pool of helper threads (false: the simulation) */

	/* Main thread.  The pool is borrowed for the driver's life; null in the
	 * simulation.  Fails with a sentence, e.g. io_uring forbidden. */
	int (*create)(struct loop *loop, struct loop_pool *pool, struct drv **out,
		      struct gw_err *err);
	/* Nothing may be in flight.  Accepts null inside, clears it. */
	void (*destroy)(struct drv **drv);

	/* ---- the loop's own thread ---- */
	/* Queues; what is queued in one turn enters the kernel together. */
	void (*submit)(struct drv *drv, struct drv_op *op);
	/* ACCEPT, POLL, RECV: done(-ECANCELED) follows, or its own result where
	 * that came first.  Other kinds: no effect, they end by themselves
	 * (a SEND after sock_shut). */
	void (*cancel)(struct drv *drv, struct drv_op *op);
	/* One turn: enter the kernel once with all that is queued, wait until
	 * something happens but not past `until` (an instant in the past: do not
	 * wait), run all done() and mail that are due.  Returns how many ran. */
	unsigned (*turn)(struct drv *drv, struct instant until);
	/* Reading without a copy: where these bytes of the file stand, for SEND and
	 * frames to send from; null: read them.  They are the file's own, and change
	 * when it is written.  Whoever looks there himself may die of it, for somebody
	 * may cut the file; a SEND ends with -EFAULT.  Until the file is closed.
	 * Absent: null always. */
	const void *(*lend)(struct drv *drv, struct drv_file *file, uint64_t offset,
			    uint32_t length);
	/* A look at what was lent, copied to where it may be looked at.  False: it is
	 * not there, or cannot be looked at here.  Absent: false always. */
	bool (*peek)(struct drv *drv, void *to, const void *lent, size_t bytes);
	/* What was lent was not there: some call ended with -EFAULT. Absent: as lend. */
	void (*torn)(struct drv *drv);
	/* Between two turns that shall not wait: whoever else wants the processor may have
	 * it.  Absent: nobody shares it. */
	void (*pause)(struct drv *drv);
	bool (*is_home)(const struct drv *drv); /* is this the loop's thread? */

	/* ---- any thread ---- */
	void (*post)(struct drv *drv, struct loop_mail *mail);
	struct instant (*now)(struct drv *drv);
	int64_t (*wall_ns)(struct drv *drv); /* since the epoch, for people */
	struct span (*cpu)(struct drv *drv); /* of the calling thread.  Absent: not known */
	void (*random)(struct drv *drv, void *buf, size_t len);

	/* ---- sockets; none blocks ---- */
	/* Binds and listens, close-on-exec, non-blocking.  addr->port 0: the
	 * kernel's choice, written back to addr.  A stale Unix socket file is
	 * replaced.  The sentence names address and holder (-EADDRINUSE).  -EAGAIN:
	 * in use, and nobody living was found who has it: ask again, see
	 * DRV_LINGER_MS. */
	int (*sock_listen)(struct drv *drv, struct loop_addr *addr, int *sock, struct gw_err *err);
	/* TCP_NODELAY, keepalive (60 s idle), TCP_USER_TIMEOUT; ignores what does
	 * not apply to a Unix socket. */
	void (*sock_tune)(struct drv *drv, int sock);
	int (*sock_peer)(struct drv *drv, int sock, struct loop_peer *peer);
	/* Ends both directions: RECV gets 0 or an error, SEND an error. */
	void (*sock_shut)(struct drv *drv, int sock);
	/* Nothing may be armed on it. A listening Unix socket's file is removed. */
	void (*sock_close)(struct drv *drv, int sock);

	/* The blocking file calls that belong to this driver (drv_fs.h). */
	struct drv_fs *(*fs)(struct drv *drv);
	/* What makes links for frames (drv_link.h).  Absent: there are none here. */
	struct drv_links *(*links)(struct drv *drv);
};

/* Where one is not built in, its create() fails with a sentence that says so. */
extern const struct drv_ops drv_uring;
extern const struct drv_ops drv_aio;

#endif
