/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_out.h - what a handshake has to say, gathered before it is sent.
 *
 * A growing piece of ordinary memory with a bound; not for the data path, which
 * sends from pooled memory (nbds_reply.h).  Once something did not fit or was
 * not to be had, it is `broken` and takes nothing more; the owner asks once, at
 * the end.  Above: nbds_opts.c writes, nbds_greet.c sends.
 */
#ifndef PROTOCOLS_NBD_NBDS_OUT_H
#define PROTOCOLS_NBD_NBDS_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NBDS_OUT_MAX_BYTES (1u << 20)

struct nbds_out {
	uint8_t *at;
	size_t len, size;
	bool broken;
};

/* Room for n bytes more, or null. The caller fills it at once. */
uint8_t *nbds_out_room(struct nbds_out *out, size_t n);
/* One option reply ("Fixed newstyle negotiation") with its data. */
void nbds_out_reply(struct nbds_out *out, uint32_t option, uint32_t type, const void *data,
		    size_t len);
/* An error reply; code is an nbds_rep_err; the words are cut to NBDS_TEXT_MAX. */
void nbds_out_error(struct nbds_out *out, uint32_t option, uint32_t code, const char *words);
/* Empties it, and what it broke is forgotten. */
void nbds_out_clear(struct nbds_out *out);
void nbds_out_free(struct nbds_out *out);

#endif
