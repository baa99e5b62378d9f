/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What failed, why and where, for people.  The set-up path returns 0 or a
 * negative errno and fills one of these with a sentence that names the object
 * and the cause; it is printed once, by whoever asked.  The data path does
 * not use it: there, a gw_status climbs (gateway/api/status.h).
 */
#ifndef GATEWAY_BASE_ERR_H
#define GATEWAY_BASE_ERR_H

#define GW_ERR_TEXT 512

struct gw_err {
	int errnum; /* positive errno; 0 means that nothing failed */
	char text[GW_ERR_TEXT];
};

#define GW_ERR_NONE ((struct gw_err){ 0 })

/*
 * Fill ERR (which may be null) and return -ERRNUM.  The sentence should stand
 * alone; the errno's own words are added only where the caller asks for them
 * with %m, which here always speaks of ERRNUM.  A sentence too long is cut.
 */
int gw_err_set(struct gw_err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "WHAT: " before the sentence that is there; returns -err->errnum. */
int gw_err_prefix(struct gw_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
