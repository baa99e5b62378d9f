/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CRC32C (Castagnoli), the digest of iSCSI (RFC 7143 13.1) and of our own
 * records.  Begin with 0 and hand the result on: crc32c(crc32c(0, a), b) is
 * the CRC of a followed by b.  The result is the finished (inverted) value;
 * on the iSCSI wire it stands with its low byte first.  By ISA-L where that
 * is built in, else by the processor's instruction, else by a table.
 */
#ifndef GATEWAY_BASE_CRC32C_H
#define GATEWAY_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);
uint32_t crc32c_iov(uint32_t crc, const struct iovec *iov, size_t n);

/* The slow way that the others are tested against. */
uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t len);

#endif
