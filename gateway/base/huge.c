/* SPDX-License-Identifier: BSD-3-Clause
 *
 * huge.c - see huge.h.
 */
#include "config.h"

#include "gateway/base/huge.h"

#include <stdlib.h>
#include <sys/mman.h>

void *huge_alloc(size_t bytes)
{
	void *block = aligned_alloc(HUGE_BYTES, bytes);

	if (block)
		madvise(block, bytes, MADV_HUGEPAGE); /* small pages will do as well */
	return block;
}

void huge_free(void *block)
{
	free(block);
}

void huge_drop(void *block, size_t bytes)
{
	madvise(block, bytes, MADV_DONTNEED);
}
