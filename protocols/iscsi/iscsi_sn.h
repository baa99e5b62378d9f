/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_sn.h - serial number arithmetic of 32 bits (RFC 7143 4.2.2.1, RFC 1982).
 *
 * CmdSN, StatSN, DataSN and R2TSN wrap.  One is before another if the way
 * forward to it is shorter than 2^31.  Two that are exactly 2^31 apart have no
 * order: neither is before the other, and neither is the same.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_SN_H
#define PROTOCOLS_ISCSI_ISCSI_SN_H

#include <stdbool.h>
#include <stdint.h>

#define ISCSI_SN_HALF 0x80000000u

/* Steps forward from a to b. */
static inline uint32_t iscsi_sn_steps(uint32_t a, uint32_t b)
{
	return b - a;
}

static inline bool iscsi_sn_lt(uint32_t a, uint32_t b)
{
	return a != b && b - a < ISCSI_SN_HALF;
}

static inline bool iscsi_sn_le(uint32_t a, uint32_t b)
{
	return b - a < ISCSI_SN_HALF;
}

static inline bool iscsi_sn_gt(uint32_t a, uint32_t b)
{
	return iscsi_sn_lt(b, a);
}

static inline bool iscsi_sn_ge(uint32_t a, uint32_t b)
{
	return iscsi_sn_le(b, a);
}

/* Is sn one of the n numbers from `first` on?  n is at most 2^31. */
static inline bool iscsi_sn_within(uint32_t sn, uint32_t first, uint32_t n)
{
	return sn - first < n;
}

#endif
