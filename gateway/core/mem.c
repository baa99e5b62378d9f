/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mem.c - pure helpers over scatter lists (gateway/api/buf.h).
 *
 * A list is walked as pieces: pointers and lengths that cover a part of it.
 */
#include "config.h"

#include "gateway/api/buf.h"

#include <string.h>

#include "gateway/base/check.h"
#include "gateway/core/pool.h"

unsigned gw_mem_iov(const struct gw_mem *mem, uint32_t from, uint32_t bytes, struct iovec *out)
{
	unsigned n = 0;

	GW_CHECK(from <= mem->bytes && bytes <= mem->bytes - from);
	for (unsigned i = 0; i < mem->n && bytes; i++) {
		uint32_t len = (uint32_t)mem->iov[i].iov_len;

		if (from >= len) {
			from -= len;
			continue;
		}
		len -= from;
		if (len > bytes)
			len = bytes;
		out[n].iov_base = (uint8_t *)mem->iov[i].iov_base + from;
		out[n++].iov_len = len;
		bytes -= len;
		from = 0;
	}
	return n;
}

void gw_mem_copy_out(const struct gw_mem *mem, uint32_t from, void *dst, uint32_t bytes)
{
	struct iovec piece[GW_MEM_SLICES];
	unsigned n = gw_mem_iov(mem, from, bytes, piece);
	uint8_t *to = dst;

	for (unsigned i = 0; i < n; i++) {
		memcpy(to, piece[i].iov_base, piece[i].iov_len);
		to += piece[i].iov_len;
	}
}

void gw_mem_copy_in(struct gw_mem *mem, uint32_t from, const void *src, uint32_t bytes)
{
	struct iovec piece[GW_MEM_SLICES];
	unsigned n = gw_mem_iov(mem, from, bytes, piece);
	const uint8_t *at = src;

	for (unsigned i = 0; i < n; i++) {
		memcpy(piece[i].iov_base, at, piece[i].iov_len);
		at += piece[i].iov_len;
	}
}

void gw_mem_zero(struct gw_mem *mem, uint32_t from, uint32_t bytes)
{
	struct iovec piece[GW_MEM_SLICES];
	unsigned n = gw_mem_iov(mem, from, bytes, piece);

	for (unsigned i = 0; i < n; i++)
		memset(piece[i].iov_base, 0, piece[i].iov_len);
}

static bool all_zero(const uint8_t *p, size_t len)
{
	/* the first 16 by hand, then every byte equals the one 16 before it */
	for (size_t i = 0; i < 16 && i < len; i++)
		if (p[i])
			return false;
	return len <= 16 || memcmp(p, p + 16, len - 16) == 0;
}

bool gw_mem_is_zero(const struct gw_mem *mem, uint32_t from, uint32_t bytes)
{
	struct iovec piece[GW_MEM_SLICES];
	unsigned n = gw_mem_iov(mem, from, bytes, piece);

	for (unsigned i = 0; i < n; i++)
		if (!all_zero(piece[i].iov_base, piece[i].iov_len))
			return false;
	return true;
}

static uint32_t same_bytes(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	uint32_t i = 0;

	if (memcmp(a, b, n) == 0)
		return n;
	while (a[i] == b[i])
		i++;
	return i;
}

uint32_t gw_mem_same(const struct gw_mem *a, uint32_t a_from, const struct gw_mem *b,
		     uint32_t b_from, uint32_t bytes)
{
	struct iovec pa[GW_MEM_SLICES], pb[GW_MEM_SLICES];
	uint32_t done = 0;
	size_t ia = 0, ib = 0;

	gw_mem_iov(a, a_from, bytes, pa);
	gw_mem_iov(b, b_from, bytes, pb);
	for (const struct iovec *x = pa, *y = pb; done < bytes;) {
		size_t n = x->iov_len - ia < y->iov_len - ib ? x->iov_len - ia : y->iov_len - ib;
		uint32_t same = same_bytes((uint8_t *)x->iov_base + ia, (uint8_t *)y->iov_base + ib,
					   (uint32_t)n);

		done += same;
		if (same < n)
			break;
		ia += n;
		ib += n;
		if (ia == x->iov_len)
			x++, ia = 0;
		if (ib == y->iov_len)
			y++, ib = 0;
	}
	return done;
}

void gw_mem_put(struct gw_mem *mem)
{
	for (unsigned i = 0; i < mem->n; i++)
		gw_buf_put(&mem->buf[i]);
	mem->n = 0;
	mem->bytes = 0;
}

void gw_mem_cut(struct gw_mem *mem, uint32_t bytes)
{
	while (mem->bytes > bytes) {
		struct iovec *tail = &mem->iov[mem->n - 1];
		uint32_t excess = mem->bytes - bytes;

		if (tail->iov_len > excess) {
			tail->iov_len -= excess;
			mem->bytes -= excess;
			return;
		}
		mem->bytes -= (uint32_t)tail->iov_len;
		mem->n--;
		if (mem->buf[mem->n])
			gw_buf_put(&mem->buf[mem->n]);
	}
}

void gw_mem_move(struct gw_mem *dst, struct gw_mem *src)
{
	GW_CHECK(dst->n == 0);
	dst->n = src->n;
	dst->bytes = src->bytes;
	/* Usually that is all: of eight slices seven are not even touched. */
	dst->iov[0] = src->iov[0];
	dst->buf[0] = src->buf[0];
	for (unsigned i = 1; i < src->n; i++) {
		dst->iov[i] = src->iov[i];
		dst->buf[i] = src->buf[i];
	}
	src->n = 0;
	src->bytes = 0;
}
