/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * O_DIRECT by libaio (drv_libaio.h).  The kernel copies a control block when
 * it is submitted, so a few of them serve all operations; what finds no room
 * in the kernel waits in line.
 */
#include "config.h"

#include "gateway/loop/drv_libaio.h"

#ifdef HAVE_LIBAIO

#include <errno.h>
#include <libaio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gateway/loop/drv_file.h"

#define DEPTH 512 /* with the kernel; the system's sum is fs.aio-max-nr */
#define BATCH 64

struct drv_libaio {
	io_context_t context;
	int bell;
	bool ringing;
	unsigned inside; /* with the kernel */
	struct drv_op_list waiting;
	struct drv_op_list failed; /* refused when submitted; [RES] says why */
	struct iocb blocks[BATCH];
	struct io_event events[BATCH];
	int event_count, event_next;
};

struct drv_libaio *drv_libaio_create(void)
{
	struct drv_libaio *aio = calloc(1, sizeof(*aio));

	if (!aio)
		return NULL;
	drv_op_list_init(&aio->waiting);
	drv_op_list_init(&aio->failed);
	aio->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (aio->bell >= 0 && !io_setup(DEPTH, &aio->context))
		return aio;
	if (aio->bell >= 0)
		close(aio->bell);
	free(aio);
	return NULL;
}

void drv_libaio_destroy(struct drv_libaio **address)
{
	struct drv_libaio *aio = *address;

	if (!aio)
		return;
	io_destroy(aio->context);
	close(aio->bell);
	free(aio);
	*address = NULL;
}

int drv_libaio_bell(const struct drv_libaio *aio)
{
	return aio->bell;
}

bool drv_libaio_rang(struct drv_libaio *aio, int fd)
{
	uint64_t count;

	if (fd != aio->bell)
		return false;
	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	aio->ringing = true;
	return true;
}

void drv_libaio_add(struct drv_libaio *aio, struct drv_op *op)
{
	drv_op_list_put(&aio->waiting, op);
}

static void fill(struct drv_libaio *aio, struct iocb *block, struct drv_op *op)
{
	int64_t at = (int64_t)(op->offset + drv_op_finished(op));
	int n = (int)drv_op_niov(op);

	if (op->kind == DRV_READ)
		io_prep_preadv(block, op->file->fd, drv_op_iov(op), n, at);
	else
		io_prep_pwritev(block, op->file->fd, drv_op_iov(op), n, at);
	if (op->kind == DRV_WRITE && (op->flags & DRV_DURABLE))
		block->aio_rw_flags = RWF_DSYNC;
	io_set_eventfd(block, aio->bell);
	block->data = op;
}

/* The kernel took these.  Where that took long (a write into a hole, at the end
 * of a file), helpers do better for a while. */
static void taken(struct drv_libaio *aio, int n, const struct drv_file_watch *watch)
{
	aio->inside += (unsigned)n;
	for (int i = 0; i < n; i++) {
		struct drv_op *op = drv_op_list_get(&aio->waiting);

		drv_file_end(op->file, watch, 0);
	}
}

/* Submits the first n of those waiting; how many the kernel took or refused
 * for good.  0: it has no room now. */
static int submit_some(struct drv_libaio *aio, int n)
{
	struct drv_file_watch watch;
	struct iocb *list[BATCH];
	int rc;

	/* One watch for all; they will mostly be of one file.  What it says was
	 * asked before they came here. */
	drv_file_begin(aio->waiting.first->file, &watch);
	for (int i = 0; i < n; i++)
		list[i] = &aio->blocks[i];
	do
		rc = io_submit(aio->context, n, list);
	while (rc == -EINTR);
	if (rc > 0)
		taken(aio, rc, &watch);
	if (rc >= 0 || (rc == -EAGAIN && aio->inside))
		return rc > 0 ? rc : 0;
	/* The first is bad (or nothing will ever end that makes room). */
	aio->waiting.first->priv[DRV_OP_IOV] = (uint64_t)(int64_t)rc;
	drv_op_list_put(&aio->failed, drv_op_list_get(&aio->waiting));
	return 1;
}

bool drv_libaio_submit(struct drv_libaio *aio)
{
	int n;

	do {
		n = 0;
		for (struct drv_op *op = aio->waiting.first;
		     op && n < BATCH && aio->inside + (unsigned)n < DEPTH; op = op->next)
			fill(aio, &aio->blocks[n++], op);
	} while (n && submit_some(aio, n));
	return aio->failed.first;
}

struct drv_op *drv_libaio_next(struct drv_libaio *aio, int64_t *n)
{
	struct drv_op *op = drv_op_list_get(&aio->failed);
	const struct io_event *event;
	struct timespec no_wait = { 0 };

	if (op) {
		*n = (int64_t)op->priv[DRV_OP_IOV];
		return op;
	}
	if (aio->event_next == aio->event_count && aio->ringing) {
		aio->event_next = 0;
		aio->event_count = io_getevents(aio->context, 0, BATCH, aio->events, &no_wait);
		if (aio->event_count < BATCH)
			aio->ringing = false;
		if (aio->event_count < 0)
			aio->event_count = 0;
	}
	if (aio->event_next == aio->event_count)
		return NULL;
	event = &aio->events[aio->event_next++];
	aio->inside--;
	*n = (int64_t)event->res;
	return event->data;
}

#else

struct drv_libaio *drv_libaio_create(void)
{
	return NULL;
}

void drv_libaio_destroy(struct drv_libaio **aio)
{
	*aio = NULL;
}

int drv_libaio_bell(const struct drv_libaio *aio)
{
	(void)aio;
	return -1;
}

bool drv_libaio_rang(struct drv_libaio *aio, int fd)
{
	(void)aio;
	(void)fd;
	return false;
}

void drv_libaio_add(struct drv_libaio *aio, struct drv_op *op)
{
	(void)aio;
	(void)op;
}

bool drv_libaio_submit(struct drv_libaio *aio)
{
	(void)aio;
	return false;
}

struct drv_op *drv_libaio_next(struct drv_libaio *aio, int64_t *n)
{
	(void)aio;
	(void)n;
	return NULL;
}

#endif
