/* SPDX-License-Identifier: BSD-3-Clause
 *
 * status.c - names and words of gw_status and of events, and the way from errno.
 * The tables themselves are gateway/api/status.tbl and event.h.
 */
#include "config.h"

#include "gateway/api/status.h"

#include <errno.h>
#include <stddef.h>

#include "gateway/api/event.h"

static const struct {
	const char *name, *words;
} rows[] = {
#define STATUS(name, words, retry) [name] = { #name, words },
#include "gateway/api/status.tbl"
#undef STATUS
};

static const char *const events[] = {
#define EVENT(name, words) [name] = words,
	GW_EVENTS(EVENT)
#undef EVENT
};

/* What the kernel says of a store's read, write, sync or fallocate. */
static const struct {
	int errnum;
	enum gw_status status;
} from_errno[] = {
	{ 0, GW_OK },
	{ EIO, GW_MEDIUM_ERROR },
	{ ENODATA, GW_MEDIUM_ERROR },
	{ EILSEQ, GW_MEDIUM_ERROR },
	{ EREMOTEIO, GW_STORE_ERROR },
	{ EROFS, GW_READ_ONLY },
	{ EPERM, GW_READ_ONLY },
	{ ENOSPC, GW_NO_SPACE },
	{ EDQUOT, GW_NO_SPACE },
	{ EFBIG, GW_NO_SPACE },
	{ ENOMEM, GW_NO_MEMORY },
	{ EAGAIN, GW_BUSY },
	{ EBUSY, GW_BUSY },
	{ ETIMEDOUT, GW_TIMEOUT },
	{ ECANCELED, GW_ABORTED },
	{ EOPNOTSUPP, GW_UNSUPPORTED },
	{ ENOSYS, GW_UNSUPPORTED },
	{ ENXIO, GW_NOT_READY },
	{ ENODEV, GW_NOT_READY },
	{ ENOMEDIUM, GW_NOT_READY },
	{ ESHUTDOWN, GW_SHUTDOWN },
	{ EBADE, GW_RESERVED },
};

const char *gw_status_words(enum gw_status status)
{
	return (unsigned)status < GW_STATUS_COUNT ? rows[status].words : "unknown status";
}

const char *gw_status_name(enum gw_status status)
{
	return (unsigned)status < GW_STATUS_COUNT ? rows[status].name : "GW_?";
}

const char *gw_event_words(enum gw_event_kind kind)
{
	return (unsigned)kind < GW_EVENT_COUNT ? events[kind] : "unknown event";
}

enum gw_status gw_status_from_errno(int errnum)
{
	for (size_t i = 0; i < sizeof(from_errno) / sizeof(from_errno[0]); i++)
		if (from_errno[i].errnum == errnum)
			return from_errno[i].status;
	return GW_STORE_ERROR;
}
