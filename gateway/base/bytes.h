/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Wire fields: read and write big and little endian numbers of 16 to 64 bits
 * at any alignment.  The only place in the tree that shifts bytes; the
 * compiler turns each of these into one load or store and at most one swap.
 * No lengths are checked here: the codec that calls has checked them (num.h).
 */
#ifndef GATEWAY_BASE_BYTES_H
#define GATEWAY_BASE_BYTES_H

#include <stdint.h>

static inline uint16_t be16_get(const void *from)
{
	const uint8_t *p = from;

	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be24_get(const void *from)
{
	const uint8_t *p = from;

	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t be32_get(const void *from)
{
	const uint8_t *p = from;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t be64_get(const void *from)
{
	const uint8_t *p = from;

	return (uint64_t)be32_get(p) << 32 | be32_get(p + 4);
}

static inline void be16_put(void *to, uint16_t v)
{
	uint8_t *p = to;

	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void be24_put(void *to, uint32_t v)
{
	uint8_t *p = to;

	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

static inline void be32_put(void *to, uint32_t v)
{
	uint8_t *p = to;

	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void be64_put(void *to, uint64_t v)
{
	uint8_t *p = to;

	be32_put(p, (uint32_t)(v >> 32));
	be32_put(p + 4, (uint32_t)v);
}

static inline uint16_t le16_get(const void *from)
{
	const uint8_t *p = from;

	return (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint32_t le24_get(const void *from)
{
	const uint8_t *p = from;

	return (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint32_t le32_get(const void *from)
{
	const uint8_t *p = from;

	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t le64_get(const void *from)
{
	const uint8_t *p = from;

	return (uint64_t)le32_get(p + 4) << 32 | le32_get(p);
}

static inline void le16_put(void *to, uint16_t v)
{
	uint8_t *p = to;

	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void le24_put(void *to, uint32_t v)
{
	uint8_t *p = to;

	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
}

static inline void le32_put(void *to, uint32_t v)
{
	uint8_t *p = to;

	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

static inline void le64_put(void *to, uint64_t v)
{
	uint8_t *p = to;

	le32_put(p, (uint32_t)v);
	le32_put(p + 4, (uint32_t)(v >> 32));
}

#endif
