/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CRC32C by whatever is fastest here.  ISA-L picks its own kernel for the
 * processor; without it x86 has an instruction since SSE4.2, and the table
 * serves everybody else and the tests.  Promises in crc32c.h.
 */
#include "config.h"

#include "gateway/base/crc32c.h"

#include <string.h>

#ifdef HAVE_ISAL
#include <isa-l/crc.h>
#endif

/*
 * The CRC of one byte is linear: the exclusive or of what each of its bits
 * gives alone.  So eight numbers, the polynomial 0x1edc6f41 reflected and
 * shifted through, make the whole table at compile time.
 */
#define BIT(n, bit, word) ((n) & (1u << (bit)) ? (word) : 0u)
#define T1(n)                                                                       \
	(BIT(n, 0, 0xf26b8303u) ^ BIT(n, 1, 0xe13b70f7u) ^ BIT(n, 2, 0xc79a971fu) ^ \
	 BIT(n, 3, 0x8ad958cfu) ^ BIT(n, 4, 0x105ec76fu) ^ BIT(n, 5, 0x20bd8edeu) ^ \
	 BIT(n, 6, 0x417b1dbcu) ^ BIT(n, 7, 0x82f63b78u))
#define T4(n) T1(n), T1((n) + 1), T1((n) + 2), T1((n) + 3)
#define T16(n) T4(n), T4((n) + 4), T4((n) + 8), T4((n) + 12)
#define T64(n) T16(n), T16((n) + 16), T16((n) + 32), T16((n) + 48)

static const uint32_t byte_crc[256] = { T64(0), T64(64), T64(128), T64(192) };

uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	crc = ~crc;
	for (; len; len--)
		crc = crc >> 8 ^ byte_crc[(crc ^ *p++) & 0xff];
	return ~crc;
}

#if defined(HAVE_ISAL)

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	const size_t most = 1u << 30; /* ISA-L counts in an int */
	const uint8_t *p = bytes;

	crc = ~crc;
	while (len) {
		size_t n = len < most ? len : most;

		/* It takes a pointer to what it will not change. */
		crc = crc32_iscsi((unsigned char *)(uintptr_t)p, (int)n, crc);
		p += n;
		len -= n;
	}
	return ~crc;
}

#elif defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *p,
								 size_t len)
{
	uint64_t wide = ~crc;
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	for (; len; len--)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return ~crc;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	if (__builtin_cpu_supports("sse4.2"))
		return by_instruction(crc, bytes, len);
	return crc32c_by_table(crc, bytes, len);
}

#else

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	return crc32c_by_table(crc, bytes, len);
}

#endif

uint32_t crc32c_iov(uint32_t crc, const struct iovec *iov, size_t n)
{
	for (size_t i = 0; i < n; i++)
		crc = crc32c(crc, iov[i].iov_base, iov[i].iov_len);
	return crc;
}
