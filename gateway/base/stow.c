/* SPDX-License-Identifier: BSD-3-Clause
 *
 * stow.c - see stow.h.
 */
#include "config.h"

#include "gateway/base/stow.h"

#include <string.h>

#ifdef __SSE2__

#include <emmintrin.h>
#include <stdint.h>

#include "gateway/base/line.h"

/* A whole line at a time, so that it leaves in one piece. */
static void stow_line(uint8_t *to, const uint8_t *from)
{
	const __m128i *src = (const __m128i *)(const void *)from;
	__m128i *dst = (__m128i *)(void *)to;
	__m128i a = _mm_loadu_si128(src), b = _mm_loadu_si128(src + 1);
	__m128i c = _mm_loadu_si128(src + 2), d = _mm_loadu_si128(src + 3);

	_mm_stream_si128(dst, a);
	_mm_stream_si128(dst + 1, b);
	_mm_stream_si128(dst + 2, c);
	_mm_stream_si128(dst + 3, d);
}

void stow(void *to, const void *from, size_t bytes)
{
	uint8_t *at = to;
	const uint8_t *src = from;
	size_t lines = (uintptr_t)at % LINE_BYTES ? 0 : bytes / LINE_BYTES;

	for (size_t i = 0; i < lines; i++)
		stow_line(at + i * LINE_BYTES, src + i * LINE_BYTES);
	lines *= LINE_BYTES;
	memcpy(at + lines, src + lines, bytes - lines);
}

/* Such stores come in no order by themselves. */
void stow_settle(void)
{
	_mm_sfence();
}

#else

void stow(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

/* What publishes, orders. */
void stow_settle(void)
{
}

#endif
