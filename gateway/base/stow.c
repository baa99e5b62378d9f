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

#define LINE_BYTES 64u

/* A whole line at a time, so that it leaves in one piece. */
static void stow_line(uint8_t *to, const uint8_t *from)
{
	__m128i part[LINE_BYTES / sizeof(__m128i)];

	for (unsigned i = 0; i < LINE_BYTES / sizeof(__m128i); i++)
		part[i] = _mm_loadu_si128((const __m128i *)(const void *)from + i);
	for (unsigned i = 0; i < LINE_BYTES / sizeof(__m128i); i++)
		_mm_stream_si128((__m128i *)(void *)to + i, part[i]);
}

void stow(void *to, const void *from, size_t bytes)
{
	uint8_t *at = to;
	const uint8_t *src = from;
	size_t lines = (uintptr_t)at % LINE_BYTES ? 0 : bytes / LINE_BYTES;

	for (size_t i = 0; i < lines; i++)
		stow_line(at + i * LINE_BYTES, src + i * LINE_BYTES);
	if (lines)
		_mm_sfence(); /* such stores come in no order by themselves */
	lines *= LINE_BYTES;
	memcpy(at + lines, src + lines, bytes - lines);
}

#else

void stow(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

#endif
