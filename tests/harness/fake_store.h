/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fake_store.h - a store over a plain array of bytes, whose limits, moods and
 * errors are the test's.
 *
 * It verifies every promise that gateway/api/store.h makes to a store and keeps
 * the first breach as a sentence.  Requests end inside submit(), by mail, or
 * when the test says; bytes move when the request ends, so what a held write
 * does, it does late.
 */
#ifndef TESTS_HARNESS_FAKE_STORE_H
#define TESTS_HARNESS_FAKE_STORE_H

#include <pthread.h>
#include <sys/queue.h>

#include "gateway/api/store.h"

enum fake_when { FAKE_INSIDE, FAKE_LATER, FAKE_HELD, FAKE_MIXED };

#define FAKE_LANES 8
#define FAKE_UNIT 512u /* of what is a hole */

/* What one request at the store has of its own (in io->slot). */
struct fake_io {
	struct gw_io *io;
	uint64_t number;
	enum gw_status status;
	TAILQ_ENTRY(fake_io) link;
};
TAILQ_HEAD(fake_list, fake_io);

struct fake_loan; /* bytes that are lent */

struct fake_store {
	const char *target; /* open() finds it by this name */
	struct gw_store_info info; /* what open() and refresh() say */
	uint8_t *bytes, *durable, *hole; /* hole: one per FAKE_UNIT */
	uint64_t size_bytes;

	/* ---- the test's wishes ---- */
	enum fake_when when;
	/* Asked at each submit, if there; may change fio->status. */
	enum fake_when (*decide)(struct fake_store *fake, struct fake_io *fio);
	void *arg;
	uint64_t fail_at; /* the request of this number (from 1) fails; 0: none */
	enum gw_status fail_with;
	enum gw_status native_says; /* to UNMAP, ZERO, PREFETCH, EXTENTS, unless GW_OK */
	uint64_t extent_step; /* extents are told in steps of this; 0: as long as they are */
	int open_rc, refresh_rc; /* 0 or -errno */
	unsigned lane_fails_at; /* 1 + loop whose lane_open fails; 0: none */
	uint64_t dirty;
	bool lends; /* where its bytes stand, to all that ask */
	unsigned lend_fails_at; /* but to the one of this number (from 1); 0: none */
	void (*at_close)(struct fake_store *fake); /* inside close() */

	/* ---- what happened ---- */
	uint64_t submitted, ended, count[GW_OP_COUNT];
	unsigned opens, closes, lanes;
	bool is_open;
	bool lane_open[FAKE_LANES];
	struct fake_list held;
	unsigned n_held;
	/* calls of lend(), places asked for, those given, calls of back() */
	unsigned lend_calls, lends_asked, lent, backs;
	TAILQ_HEAD(, fake_loan) loans;
	char breach[256]; /* the first promise that the core broke; "" */
	pthread_mutex_t lock;
	TAILQ_ENTRY(fake_store) link;
};

extern const struct gw_store_ops fake_store_ops; /* "fake": a lane on each loop */

/* size_bytes is what the store has; info: no limits, everything native. */
struct fake_store *fake_store_new(const char *target, uint64_t size_bytes);
void fake_store_free(struct fake_store **fake);
/* open() finds none of those that were made before: a test that failed has left them. */
void fake_store_forget_all(void);
/* Other bytes, same limits; between two volumes. */
void fake_store_resize(struct fake_store *fake, uint64_t size_bytes);

/* Ends a held request, on its loop: its bytes move now. */
void fake_store_end(struct fake_store *fake, struct fake_io *fio, enum gw_status status);
/* The first held request of this op that overlaps the range, or null. */
struct fake_io *fake_store_find(struct fake_store *fake, enum gw_op op, uint64_t offset,
				uint64_t length);
/* "" or the first breach. */
const char *fake_store_breach(const struct fake_store *fake);

#endif
