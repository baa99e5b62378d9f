/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sentences about failures.  What they promise stands in err.h; the longest
 * is GW_ERR_TEXT bytes, and what does not fit is cut, never refused.
 * No neighbour: this file stands on the C library alone.
 */
#include "config.h"

#include "gateway/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int gw_err_set(struct gw_err *err, int errnum, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return -errnum;
	err->errnum = errnum;
	errno = errnum; /* what %m speaks of */
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return -errnum;
}

int gw_err_prefix(struct gw_err *err, const char *fmt, ...)
{
	char text[GW_ERR_TEXT];
	va_list args;
	size_t len;

	if (!err)
		return 0;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, ": %s", err->text);
	memcpy(err->text, text, sizeof(text));
	return -err->errnum;
}
